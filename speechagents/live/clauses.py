"""A line in the pieces in which it is spoken and played, clause by clause.

Owns what such a piece is, the pauses between clauses and how they are joined. Does not know who listens. Voices that
can be heard while they are made have no need of clauses (`streamed`).

A back end may level and trim each clause on its own; the pauses that its trimming takes away are put back here, as long
as the embedded voices make them within a line (measured: 0.22 s at a comma, 0.34 s at a semicolon, 0.45 s at the end of
a sentence), and stretched by the style as they are there.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from speechagents.audio import Audio, Samples
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


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """The next piece of a line.

    Attributes:
        text: What is said in it, empty where no word begins in it; the pieces of a line, in order, hold every word.
        start_s: Where it begins, in seconds from the start of the line: where the piece before it ended.
        audio: Mono at `LIVE_HZ`; the pause before it is part of it.
        words: Its words, times in seconds from the start of the line. Where the back end gives none they share the
            sound by their length.
    """

    text: str
    start_s: float
    audio: Audio
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A clause with its sound as the back end made it.

    Attributes:
        clause: For who listens.
        native: The same sound at the rate of the takes, which is kept.
    """

    clause: Clause
    native: Audio


@dataclass(frozen=True, slots=True)
class Unspoken:
    """A part of a line that has no sound, and why."""

    reason: str


Spoken = Generator[Piece | Unspoken, None, None]
"""A line while it is being spoken; closing it stops the voice."""


def spoken_by_clause(synthesizer: Synthesizer, line: SpokenLine) -> Spoken:
    """A line's clauses, each as soon as it is there. The first is asked for alone: back ends work on all they get."""
    joint = _Joint(line)
    # Nobody knows where in its units a clause ends: such a line is one.
    lines = [line] if line.units else [replace(line, text=text) for text in split_clauses(line.text)]
    for asked in (lines[:1], lines[1:]):
        for take in synthesizer.speak(asked):
            reason = take.reason if isinstance(take, FailedTake) else unusable(take)
            if isinstance(take, FailedTake) or reason:
                yield Unspoken(reason)
            else:
                yield joint.add(take)


class _Joint:
    """Where the clauses of a line meet."""

    def __init__(self, line: SpokenLine) -> None:
        self._line = line
        self._rate_hz = 0
        self._frames = 0
        self._live_frames = 0
        self._before = ""

    def add(self, take: Take) -> Piece:
        """Put a clause behind those that are spoken."""
        self._rate_hz = self._rate_hz or take.audio.rate_hz
        rate_hz = self._rate_hz
        sound = _edged(take.audio.mono().resampled(rate_hz).samples, rate_hz)
        pause_s = _pause_s(self._before) * pace(self._line.style) if self._frames else 0.0
        pause = round(pause_s * rate_hz)
        start, begin = self._frames, self._frames + pause
        self._frames = begin + sound.size
        # Where clauses meet is decided at the native rate, so that the live sound cannot run away from the take.
        frames = round(self._frames * LIVE_HZ / rate_hz) - self._live_frames
        live = np.zeros(frames, np.float32)
        played = Audio(sound, rate_hz).resampled(LIVE_HZ).samples[:frames]
        first = min(round(begin * LIVE_HZ / rate_hz) - self._live_frames, frames - played.size)
        live[first : first + played.size] = played
        self._live_frames += frames
        words = take.words or shared_out(take.line.text.split(), 0.0, take.audio.duration_s)
        offset_s = begin / rate_hz
        self._before = take.line.text
        clause = Clause(
            take.line.text,
            start / rate_hz,
            Audio(live, LIVE_HZ),
            tuple(Word(word.text, offset_s + word.start_s, offset_s + word.end_s) for word in words),
        )
        return Piece(clause, Audio(np.concatenate([np.zeros(pause, np.float32), sound]), rate_hz))


def shared_out(tokens: Iterable[str], start_s: float, end_s: float) -> tuple[Word, ...]:
    """Words that share a time by their length; tokens without a letter or a digit are none."""
    spoken = [token for token in tokens if any(map(str.isalnum, token))]
    per_char_s = (end_s - start_s) / max(1, sum(map(len, spoken)))
    words, at_s = [], start_s
    for token in spoken:
        words.append(Word(token, at_s, at_s + per_char_s * len(token)))
        at_s = words[-1].end_s
    return tuple(words)


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
