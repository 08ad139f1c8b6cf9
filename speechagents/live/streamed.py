"""A line in the pieces in which its voice makes them: the whole line is asked for at once, and heard from its start.

Owns the guess which words are in a piece, as such voices give no times, and sound at the live rate without a seam. Does
not know who listens, nor how voices that cannot do this are played (`clauses`).
"""

from __future__ import annotations

import contextlib
from typing import Final

import numpy as np
import soxr

from speechagents.audio import Audio, Samples
from speechagents.errors import SynthesisError
from speechagents.live.clauses import LIVE_HZ, Clause, Piece, Spoken, Unspoken, shared_out
from speechagents.production.rhythm import pace
from speechagents.voices.synthesizer import SpokenLine, StreamsSpeech, Word

_CHAR_S: Final = 0.07
"""Seconds of ordinary speech for a character: what is guessed until the line has ended."""
_TAIL_S: Final = 0.02
"""Sound that is held back, so that there is some to go with the words that are left when the line ends."""


def spoken_as_it_comes(synthesizer: StreamsSpeech, line: SpokenLine) -> Spoken:
    """A line's sound, each piece as soon as it is there; what breaks off keeps what was heard of it."""
    heard = _Heard(line)
    problem = ""
    try:
        with contextlib.closing(synthesizer.stream(line)) as sounds:
            for sound in sounds:
                if (piece := heard.add(sound.mono())) is not None:
                    yield piece
    except SynthesisError as error:
        problem = str(error)
    if (piece := heard.end(complete=not problem)) is not None:
        yield piece
    elif not problem:
        problem = "the voice made no sound"
    if problem:
        yield Unspoken(problem)


class _Heard:
    """What was heard of a line so far."""

    def __init__(self, line: SpokenLine) -> None:
        self._tokens = line.text.split()
        self._char_s = _CHAR_S * pace(line.style)
        self._tail: Audio | None = None
        self._frames = 0  # of the pieces that were given, at the voice's rate
        self._live_frames = 0
        self._said_s = 0.0  # where the words that were given end
        self._rates: soxr.ResampleStream | None = None

    def add(self, sound: Audio) -> Piece | None:
        """The next piece; None while there is too little for one."""
        rate_hz = sound.rate_hz
        samples = sound.samples if self._tail is None else np.concatenate([self._tail.samples, sound.samples])
        cut = max(0, samples.size - round(_TAIL_S * rate_hz))
        self._tail = Audio(np.ascontiguousarray(samples[cut:]), rate_hz)
        if not cut:
            return None
        given = Audio(np.ascontiguousarray(samples[:cut]), rate_hz)
        tokens, words = self._guessed((self._frames + given.frames) / rate_hz)
        return self._piece(given, tokens, words, last=False)

    def end(self, *, complete: bool) -> Piece | None:
        """The last piece, with all words that are left if the line is complete; None if nothing was heard at all."""
        if self._tail is None:
            return None
        tokens, self._tokens = (self._tokens if complete else []), []
        end_s = (self._frames + self._tail.frames) / self._tail.rate_hz
        return self._piece(self._tail, tokens, shared_out(tokens, self._said_s, end_s), last=True)

    def _guessed(self, until_s: float) -> tuple[list[str], tuple[Word, ...]]:
        """The words that are over at a time. The last word of a line is never over before the line is."""
        tokens: list[str] = []
        words: list[Word] = []
        while len(self._tokens) > 1:
            token = self._tokens[0]
            guessed = shared_out([token], self._said_s, self._said_s + len(token) * self._char_s)
            if guessed and guessed[0].end_s > until_s:
                break
            tokens.append(self._tokens.pop(0))
            words += guessed
            self._said_s = guessed[0].end_s if guessed else self._said_s
        return tokens, tuple(words)

    def _piece(self, sound: Audio, tokens: list[str], words: tuple[Word, ...], *, last: bool) -> Piece:
        start_s = self._live_frames / LIVE_HZ
        live = Audio(self._at_live_rate(sound, last=last), LIVE_HZ)
        self._frames += sound.frames
        self._live_frames += live.frames
        return Piece(Clause(" ".join(tokens), start_s, live, words), sound)

    def _at_live_rate(self, sound: Audio, *, last: bool) -> Samples:
        if sound.rate_hz == LIVE_HZ:
            return sound.samples
        if self._rates is None:
            self._rates = soxr.ResampleStream(sound.rate_hz, LIVE_HZ, 1, dtype="float32")
        return np.ascontiguousarray(self._rates.resample_chunk(np.array(sound.samples), last=last), np.float32)
