"""Examining takes one by one: by whom each is examined, and what is found.

Owns the choice between the ears of a recogniser and the words of an engine that speaks by rule. Does not know which
take of a line is kept (`proofer`). A finding depends on the take, its text and the examiner alone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from speechagents.drama import clean_name
from speechagents.errors import ListenerError
from speechagents.listeners.listener import ChecksLanguage, HearsRoughly, Listener
from speechagents.production.proofing.finding import Fault, FaultKind, Finding, ProofLine
from speechagents.production.proofing.signal import s_per_syllable, signal_faults, sounding_s
from speechagents.production.proofing.wordfaults import FINE, ROUGH, ROUGH_FROM, judge_words
from speechagents.pronunciation.respelling import shown
from speechagents.voices.phonetic import spelled
from speechagents.voices.synthesizer import SpeaksByRule, Synthesizer, Take

SETTINGS_VERSION: Final = 1
"""Raise it whenever the same take would be judged otherwise: findings are remembered under it."""

BATCH_CLIPS: Final = 16
BATCH_S: Final = 240.0
"""Clips that are listened to together, and their length: what bounds memory."""

_MAX_HEARD_CHARS: Final = 4_000
_HINTS: Final = 60
# A name inside a sentence: a capital that no full stop explains.
_NAME: Final = re.compile(r"(?<=[a-z,;:] )[A-Z][a-z]+(?:['’-][A-Za-z]+)?")


@dataclass(frozen=True, slots=True)
class Examined:
    """A take to be examined.

    Attributes:
        line: What it is a take of.
        address: Its address.
        take: Its sound.
    """

    line: ProofLine
    address: str
    take: Take


class Examiner:
    """Examines takes. Safe to use from several threads as far as the listener is.

    Args:
        synthesizer: Whose takes they are; one that speaks by rule is not listened to.
        listener: Listens to all others; None leaves it at the signal.
        language: BCP 47 tag of the play.
        names: Names that may be spoken, for the listener.
    """

    def __init__(
        self, synthesizer: Synthesizer, listener: Listener | None, *, language: str, names: Sequence[str] = ()
    ) -> None:
        self._rule = synthesizer.rule if isinstance(synthesizer, SpeaksByRule) else ""
        self._listener = listener
        self._language = language
        self._names = tuple(dict.fromkeys(names))[:_HINTS]
        self._deaf: dict[str, str] = {}
        rough = isinstance(listener, HearsRoughly) and listener.word_error_rate >= ROUGH_FROM
        self._trust = ROUGH if rough else FINE

    def listens_to(self, line: ProofLine) -> bool:
        """Whether a line's takes are for a recogniser: those of people, and of voices that do not speak by rule."""
        return line.human or not self._rule

    def identity(self, line: ProofLine) -> str:
        """By whom a line's takes are examined: part of the key under which findings are remembered.

        The address of a take holds its text; that of a recording does not, so it is added.
        """
        by = self._rule
        if self.listens_to(line):
            by = self._listener.identity if self._listener and not self._unheard(line) else "signal"
        text = hashlib.sha256(line.line.text.encode("utf-8", "replace")).hexdigest()[:16] if line.recorded else ""
        return f"proof {SETTINGS_VERSION} {by} {text}".rstrip()

    def examine(self, takes: Sequence[Examined]) -> Iterator[Finding]:
        """One finding for each take, in order.

        Raises:
            ListenerError: The listener cannot be used at all.
        """
        for batch in _batches(takes):
            yield from self._batch(batch)

    def _batch(self, batch: Sequence[Examined]) -> Iterator[Finding]:
        by_language: dict[str, list[int]] = {}
        for index, one in enumerate(batch):
            if self.listens_to(one.line) and not self._unheard(one.line) and one.take.audio.frames:
                by_language.setdefault(self._tongue(one.line), []).append(index)
        listened: dict[int, tuple[str, float, tuple[Fault, ...]]] = {}
        for language, places in by_language.items():
            listened.update(self._listened(batch, places, language))
        for index, one in enumerate(batch):
            yield self._finding(one, listened.get(index))

    def _listened(
        self, batch: Sequence[Examined], places: Sequence[int], language: str
    ) -> Iterator[tuple[int, tuple[str, float, tuple[Fault, ...]]]]:
        """What a recogniser understood of some takes of a batch, and what that says of their words."""
        assert self._listener is not None  # noqa: S101 - only what it can listen to is given to it
        clips = [batch[index].take.audio.mono() for index in places]
        hints = (*self._names, *_names_in(batch[index].line.line.text for index in places))[:_HINTS]
        transcripts = self._listener.transcribe(clips, hints=hints, language=language)
        for index, transcript in zip(places, transcripts, strict=True):
            one = batch[index]
            # A name that was respelled for the voice may be understood in either spelling.
            words = max(
                (
                    judge_words(
                        text,
                        transcript.text,
                        transcript.words,
                        language=language,
                        sounding=partial(sounding_s, one.take),
                        trust=self._trust,
                    )
                    for text in dict.fromkeys((shown(one.line.line.text), spelled(one.line.spoken.text)))
                ),
                key=lambda words: words.score,
            )
            yield index, (clean_name(transcript.text)[:_MAX_HEARD_CHARS], words.score, words.faults)

    def _finding(self, one: Examined, heard: tuple[str, float, tuple[Fault, ...]] | None) -> Finding:
        listens = self.listens_to(one.line)
        faults = signal_faults(one.take, timed=not listens)
        text, score, word_faults = heard if heard is not None else (None, 1.0, ())
        dead = any(fault.kind in {FaultKind.DAMAGED, FaultKind.SILENCE} for fault in faults)
        if dead and not word_faults:
            score = 0.0
        return Finding(
            take=one.address,
            examiner=self.identity(one.line),
            score=score,
            # Of a take in which there is no sound nobody needs to be told that no word is heard.
            faults=tuple(faults) if dead else (*faults, *word_faults),
            heard=text,
            unheard=self._unheard(one.line) if listens else "",
            s_per_syllable=s_per_syllable(one.take),
        )

    def _tongue(self, line: ProofLine) -> str:
        return line.spoken.language or self._language

    def _unheard(self, line: ProofLine) -> str:
        """Why nobody listens to a line that a recogniser should hear; empty where one does."""
        if self._listener is None:
            return "there is no speech recogniser"
        language = self._tongue(line)
        if language not in self._deaf:
            reason = ""
            if isinstance(self._listener, ChecksLanguage):
                try:
                    self._listener.check_language(language)
                except ListenerError as error:
                    reason = str(error)
            self._deaf[language] = reason
        return self._deaf[language]


def _batches(takes: Sequence[Examined]) -> Iterator[Sequence[Examined]]:
    first, seconds = 0, 0.0
    for index, one in enumerate(takes):
        if index > first and (index - first >= BATCH_CLIPS or seconds + one.take.audio.duration_s > BATCH_S):
            yield takes[first:index]
            first, seconds = index, 0.0
        seconds += one.take.audio.duration_s
    if first < len(takes):
        yield takes[first:]


def _names_in(texts: Iterator[str]) -> tuple[str, ...]:
    """Names inside texts. Never whole texts: a listener that is told what to hear, hears it."""
    return tuple(dict.fromkeys(name for text in texts for name in _NAME.findall(text)))
