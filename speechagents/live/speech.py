"""A line, spoken clause by clause: the first can be heard while the others are still being spoken.

Owns the pieces of one line, the pauses between them, and what of it was heard. Does not know who speaks to whom, nor
how sound reaches anybody.

A back end may level and trim each clause on its own; the pauses that its trimming takes away are put back here, as long
as the embedded voices make them within a line (measured: 0.22 s at a comma, 0.34 s at a semicolon, 0.45 s at the end of
a sentence), and stretched by the style as they are there.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from speechagents.agents.interplay import CUT_MARK
from speechagents.audio import Audio, Samples
from speechagents.drama import MAX_LINE_CHARS
from speechagents.production.rhythm import pace
from speechagents.scripts.spoken import split_clauses
from speechagents.voices.checks import unusable
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer, Take, Word

LIVE_HZ: Final = 24_000
"""Rate of everything that is played live."""

_PAUSES_S: Final = ((re.compile(r"[.!?。！？]$"), 0.45), (re.compile(r"[;:；：]$"), 0.34))
_SHORT_PAUSE_S: Final = 0.22  # at a comma, a dash, an ellipsis
_CLOSERS: Final = "\"'”’»)]」』）"
_EDGE_S: Final = 0.004  # at both ends of a clause: back ends keep at least so much silence there
_CUT_FADE_S: Final = 0.012
_HEARD_EARLY_S: Final = 0.03
"""A word of which no more than this is missing was heard."""


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """The next piece of a line.

    Attributes:
        text: What is said in it; the clauses of a line, in order, hold every word of it.
        start_s: Where it begins, in seconds from the start of the line: where the clause before it ended.
        audio: Mono at `LIVE_HZ`; the pause before the clause is part of it.
        words: Its words, times in seconds from the start of the line. Where the back end gives none they share the
            clause by their length.
    """

    text: str
    start_s: float
    audio: Audio
    words: tuple[Word, ...]


class LineSpeech:
    """One line while it is being spoken. `clauses` may run in one thread while another asks what was `heard`.

    Args:
        synthesizer: The voices.
        line: What is said.
    """

    def __init__(self, synthesizer: Synthesizer, line: SpokenLine) -> None:
        self._synthesizer = synthesizer
        self._line = line
        self._texts = split_clauses(line.text)
        self._takes = self._spoken()
        self._clauses: list[Clause] = []
        self._native: list[Samples] = []  # at the rate of the takes
        self._rate_hz = 0
        self._frames = 0
        self._live_frames = 0
        self._complete = self._stopped = False
        self._next = threading.Lock()
        self.problem = ""
        """Why a part of the line has no sound; empty if all of it could be spoken."""

    def clauses(self) -> Iterator[Clause]:
        """All clauses that can be spoken, from the first one on, each as soon as it is ready."""
        number = 0
        while number < len(self._clauses) or self._speak_next(number):
            yield self._clauses[number]
            number += 1

    def whole(self) -> Take | None:
        """The take of the whole line; what is not spoken yet is spoken now. None if nothing can be spoken."""
        for _ in self.clauses():
            pass
        return self._joined(self._words) if self._clauses else None

    def heard(self, heard_s: float) -> tuple[str, Take] | None:
        """What was said, and its sound, when the line was cut off after so many seconds.

        Returns:
            The text with `CUT_MARK` behind it, or as it stands if its last word was heard; None if no word was.
        """
        complete, words = self._complete, self._words
        said = said_until(self._line.text, words, heard_s)
        if said is None:
            return None
        text, known = said
        if complete and len(known) == len(words) and known[-1] == words[-1]:
            return self._line.text, self._joined(words)
        sound = self._joined(known).audio.samples[: round(heard_s * self._rate_hz)].copy()
        fade = min(sound.size, round(_CUT_FADE_S * self._rate_hz))
        sound[sound.size - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        return text, Take(self._line, Audio(sound, self._rate_hz), known)

    def stop(self) -> None:
        """Nothing more is wanted of it: what is not being spoken already stays unspoken."""
        self._stopped = True
        if self._next.acquire(blocking=False):
            try:
                self._takes.close()
            finally:
                self._next.release()

    @property
    def _words(self) -> tuple[Word, ...]:
        return tuple(word for clause in self._clauses for word in clause.words)

    def _joined(self, words: tuple[Word, ...]) -> Take:
        return Take(self._line, Audio(np.concatenate(self._native), self._rate_hz), words)

    def _spoken(self) -> Generator[Take | FailedTake, None, None]:
        """The takes of the clauses. The first is asked for alone: back ends work on all that they are given at once."""
        lines = [replace(self._line, text=text) for text in self._texts]
        yield from self._synthesizer.speak(lines[:1])
        yield from self._synthesizer.speak(lines[1:])

    def _speak_next(self, number: int) -> bool:
        """Add the clause of a number, if there is one; those that cannot be spoken are passed over."""
        with self._next:
            while number >= len(self._clauses):
                take = None if self._stopped else next(self._takes, None)
                if take is None:
                    self._complete = not self._stopped
                    return False
                reason = take.reason if isinstance(take, FailedTake) else unusable(take)
                if isinstance(take, FailedTake) or reason:
                    self.problem = reason
                else:
                    self._add(take)
            return True

    def _add(self, take: Take) -> None:
        """Put a clause behind those that are spoken."""
        self._rate_hz = self._rate_hz or take.audio.rate_hz
        rate_hz = self._rate_hz
        sound = _edged(take.audio.mono().resampled(rate_hz).samples, rate_hz)
        pause_s = _pause_s(self._clauses[-1].text) * pace(self._line.style) if self._clauses else 0.0
        pause = round(pause_s * rate_hz)
        start, begin = self._frames, self._frames + pause
        self._native += [np.zeros(pause, np.float32), sound]
        self._frames = begin + sound.size
        # Where clauses meet is decided at the native rate, so that the live sound cannot run away from the take.
        frames = round(self._frames * LIVE_HZ / rate_hz) - self._live_frames
        live = np.zeros(frames, np.float32)
        played = Audio(sound, rate_hz).resampled(LIVE_HZ).samples[:frames]
        first = min(round(begin * LIVE_HZ / rate_hz) - self._live_frames, frames - played.size)
        live[first : first + played.size] = played
        self._live_frames += frames
        words = take.words or _estimated(take.line.text, take.audio.duration_s)
        offset_s = begin / rate_hz
        self._clauses.append(
            Clause(
                take.line.text,
                start / rate_hz,
                Audio(live, LIVE_HZ),
                tuple(Word(word.text, offset_s + word.start_s, offset_s + word.end_s) for word in words),
            )
        )


def said_until(text: str, words: Sequence[Word], heard_s: float) -> tuple[str, tuple[Word, ...]] | None:
    """How far somebody got with a line, and with which words.

    In scripts without spaces a run of characters counts as one word; of those it is divided by its length.

    Args:
        text: The line.
        words: Its words, times from its start.
        heard_s: How much of it was heard.

    Returns:
        The text with `CUT_MARK` behind it; None if not a single word was heard.
    """
    end, heard = 0, []
    for word in words:
        begins = max(end, text.find(word.text, end))
        if word.end_s <= heard_s + _HEARD_EARLY_S:
            end = begins + len(word.text)
            heard.append(word)
            continue
        share = (heard_s - word.start_s) / max(1e-6, word.end_s - word.start_s)
        part = word.text[: max(0, int(share * len(word.text)))]
        if part and unicodedata.east_asian_width(part[-1]) == "W":
            end = begins + len(part)
            heard.append(Word(part, word.start_s, heard_s))
        break
    if not heard:
        return None
    said = re.sub(r"[^\w]+$", "", text[:end])[: MAX_LINE_CHARS - len(CUT_MARK)]
    return said + CUT_MARK, tuple(heard)


def _pause_s(before: str) -> float:
    """How long a speaker waits behind a clause."""
    plain = before.rstrip(_CLOSERS)
    if plain.endswith("..."):
        return _SHORT_PAUSE_S
    return next((pause_s for mark, pause_s in _PAUSES_S if mark.search(plain)), _SHORT_PAUSE_S)


def _edged(samples: Samples, rate_hz: int) -> Samples:
    """Faded within a few milliseconds at both ends, so that a joint cannot click."""
    count = min(samples.size // 2, round(_EDGE_S * rate_hz))
    edged = samples.copy()
    edged[:count] *= np.linspace(0.0, 1.0, count, dtype=np.float32)
    edged[edged.size - count :] *= np.linspace(1.0, 0.0, count, dtype=np.float32)
    return edged


def _estimated(text: str, duration_s: float) -> tuple[Word, ...]:
    """The words of a text, sharing a time by their length."""
    tokens = [token for token in text.split() if any(map(str.isalnum, token))]
    per_char_s = duration_s / max(1, sum(map(len, tokens)))
    words, at_s = [], 0.0
    for token in tokens:
        words.append(Word(token, at_s, at_s + per_char_s * len(token)))
        at_s = words[-1].end_s
    return tuple(words)
