"""Which differences between a text and what was heard are the voice's, and which the listener's.

Owns that judgement. Recognisers mishear single words, drop small ones and add "the" and "a"; voices drop, repeat and
invent words in runs. So a single word in another's place is no fault; a run counts from a number of letters on; and a
word that was not understood counts as spoken where the sound between its neighbours is as long as it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from speechagents.listeners.listener import TranscribedWord
from speechagents.production.proofing.alignment import Aligned, Match, Step, align
from speechagents.production.proofing.finding import Fault, FaultKind
from speechagents.production.proofing.words import Said, heard_words, said


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a listener is believed.

    Attributes:
        dropped: Letters of a run that is not heard from which on it is a fault.
        dropped_untimed: The same without word times, which tell a word that was left out from one that was not
            understood: then "the" and "not" cannot be missed.
        invented: Letters of a run that is not in the text.
        repeated: Letters of a run that is heard once more.
        misread_below: Share of the text's letters that must be heard for single words to be worth naming.
    """

    dropped: int
    dropped_untimed: int
    invented: int
    repeated: int
    misread_below: float


FINE: Final = Trust(dropped=3, dropped_untimed=5, invented=6, repeated=3, misread_below=0.5)
"""For listeners that get one word in twenty wrong."""

ROUGH: Final = Trust(dropped=24, dropped_untimed=24, invented=32, repeated=12, misread_below=0.3)
"""For listeners that get one in three wrong: what they find is half a sentence that is missing, or nothing that is
like the text at all."""

ROUGH_FROM: Final = 0.15
"""Word error rate from which on a listener is believed roughly."""
_MISREAD_LETTERS: Final = 12

_ROOM: Final = 0.9
"""Share of the sound that words need, at the take's own pace, from which on they count as spoken."""
_SHOWN_WORDS: Final = 12

Sounding = Callable[[float, float], float]
"""Seconds of sound between two times of a take."""


@dataclass(frozen=True, slots=True)
class WordsHeard:
    """The judgement.

    Attributes:
        score: Share of the text's letters that were heard, less the share of letters that were added.
        faults: In order of the text.
    """

    score: float
    faults: tuple[Fault, ...]


def judge_words(
    text: str,
    transcript: str,
    times: Sequence[TranscribedWord],
    *,
    language: str,
    sounding: Sounding | None = None,
    trust: Trust = FINE,
) -> WordsHeard:
    """Compare what was heard with what is written.

    Args:
        text: As written.
        transcript: As heard.
        times: Words heard, with times where the listener tells them; empty where not.
        language: BCP 47 tag.
        sounding: Measures sound in the take; without it, or without times, what was not understood counts as dropped.
        trust: How far the listener is believed.
    """
    written = said(text, language=language)
    heard = heard_words(transcript, language=language)
    aligned = align(written, heard)
    letters = sum(len(word) for word, _ in aligned.text)
    if not letters:
        return WordsHeard(1.0, ())
    at = _times(heard, times, language=language)
    steps = [_forgiven(step, aligned, at, sounding) for step in aligned.steps]
    right = sum(_text_letters(aligned, step) for step in steps if step.match in {Match.SAME, Match.ALIKE})
    added = sum(_heard_letters(aligned, step) for step in steps if step.match is Match.ADDED)
    score = max(0.0, min(1.0, (right - added) / letters))
    if letters >= _MISREAD_LETTERS and right / letters < trust.misread_below:
        what = (
            f"hardly any of it is heard as written, but {_shown(list(heard))!r}" if heard else "no word is heard in it"
        )
        return WordsHeard(score, (Fault(FaultKind.MISREAD, what),))
    return WordsHeard(score, tuple(_faults(steps, aligned, written, at, trust)))


def _faults(
    steps: Sequence[Step],
    aligned: Aligned,
    written: Sequence[Said],
    at: Sequence[tuple[float, float]],
    trust: Trust,
) -> Iterator[Fault]:
    for match, group in groupby(steps, key=lambda step: step.match):
        run = list(group)
        first, last = run[0], run[-1]
        if match is Match.DROPPED:
            words = [word for word, _ in aligned.text[first.text[0] : last.text[1]]]
            if sum(map(len, words)) >= (trust.dropped if at else trust.dropped_untimed):
                places = sorted({place for _, place in aligned.text[first.text[0] : last.text[1]]})
                shown = _shown([written[place].text for place in places])
                yield Fault(FaultKind.DROPPED, f"{shown!r} is not heard", _end_before(at, first.heard[0]))
        elif match is Match.ADDED:
            begin, end = first.heard[0], last.heard[1]
            words = list(aligned.heard[begin:end])
            size = sum(map(len, words))
            start_s = at[begin][0] if at else None
            if size >= trust.repeated and _is_echo(aligned.heard, begin, end):
                yield Fault(FaultKind.REPEATED, f"{_shown(words)!r} is heard once more", start_s)
            elif size >= trust.invented:
                yield Fault(FaultKind.INVENTED, f"{_shown(words)!r} is heard and not in the text", start_s)


def _is_echo(heard: tuple[str, ...], begin: int, end: int) -> bool:
    """Whether a run says what stands directly before or behind it once more, or several times more."""
    run, size = heard[begin:end], end - begin
    for unit in range(1, size + 1):
        if size % unit == 0:
            for said_once in (heard[max(0, begin - unit) : begin], heard[end : end + unit]):
                if len(said_once) == unit and run == said_once * (size // unit):
                    return True
    return False


def _forgiven(step: Step, aligned: Aligned, at: Sequence[tuple[float, float]], sounding: Sounding | None) -> Step:
    """A word that was not understood though there is sound enough for it counts as spoken.

    The sound from the start of the word before to the end of the word behind is compared with what the letters of all
    of them need at the take's own pace. At the ends of a take there is no neighbour to measure from: breath and room
    would excuse a word that is cut off.
    """
    if step.match is not Match.DROPPED or not at or sounding is None:
        return step
    before, behind = step.heard[0] - 1, step.heard[0]
    if not 0 <= before < behind < len(at):
        return step
    letters = sum(map(len, aligned.heard))
    pace_s = sounding(at[0][0], at[-1][1]) / letters
    # All words that are missing at this place share what is there.
    needed = len(aligned.heard[before]) + len(aligned.heard[behind])
    needed += sum(
        _text_letters(aligned, other)
        for other in aligned.steps
        if other.match is Match.DROPPED and other.heard == step.heard
    )
    room_s = sounding(at[before][0], at[behind][1])
    return Step(Match.ALIKE, step.text, step.heard) if room_s >= _ROOM * pace_s * needed else step


def _times(heard: Sequence[str], times: Sequence[TranscribedWord], *, language: str) -> list[tuple[float, float]]:
    """Start and end of every word heard; nothing where the listener's words are not those of its transcript."""
    found = [(word.start_s, word.end_s) for word in times for _ in heard_words(word.text, language=language)]
    return found if len(found) == len(heard) else []


def _end_before(at: Sequence[tuple[float, float]], heard: int) -> float | None:
    if not at:
        return None
    return at[heard - 1][1] if heard else 0.0


def _text_letters(aligned: Aligned, step: Step) -> int:
    return sum(len(word) for word, _ in aligned.text[slice(*step.text)])


def _heard_letters(aligned: Aligned, step: Step) -> int:
    return sum(map(len, aligned.heard[slice(*step.heard)]))


def _shown(words: Sequence[str]) -> str:
    return " ".join(words[:_SHOWN_WORDS]) + (" …" if len(words) > _SHOWN_WORDS else "")
