"""The embedded recogniser: pocketsphinx with its own English model, for people who speak into a microphone.

Owns the way of an utterance: resampled, decoded while it is spoken, words back as text. The decoders are processes of
their own (`sphinx.worker` says why), so that nothing here keeps Python's lock for long: `feed` sends sound and returns
what has been understood by now, `finish` waits for the rest. Knows no language but English, and does not understand the
embedded voices well enough for agents to hear through it.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, Final

import numpy as np
import pocketsphinx as _installed  # noqa: F401 - loaded by the worker; its absence is to be noticed here
import soxr

from speechagents.audio import Audio, Samples
from speechagents.errors import ListenerError, SettingsError
from speechagents.listeners.listener import TranscribedWord, Transcript
from speechagents.listeners.sphinx.likely import Likely, likely_words
from speechagents.listeners.sphinx.process import Attention, DecoderPool, DecoderProcess

SETTINGS_VERSION: Final = 1
"""Raise it whenever the same sound would be understood otherwise."""

MAX_DECODERS: Final = 64
_RATE_HZ: Final = 16_000
_PIECE: Final = _RATE_HZ
"""Samples that are sent at once: a whole clip would stand in nobody's pipe."""
_HEAD: Final = _RATE_HZ // 2
"""Samples by which the loudness of an utterance is judged."""
_TARGET: Final = 0.1
"""Loudness (RMS of their loudest 50 ms) at which the recogniser works best. What clips, it does not understand."""
_MOST_GAIN: Final = 8.0
_MOST_BY_ITSELF: Final = 16
"""Unless told otherwise; each takes 110 MB."""


class PocketsphinxListener:
    """Recognises English. Thread-safe; utterances are independent of each other.

    Args:
        decoders: How many utterances may be decoded at the same time, each by a process of 110 MB; further ones wait,
            and catch up. 0 takes four for each core: one core keeps up with about six people who speak without a pause.

    Raises:
        SettingsError: An argument is out of range.
        ListenerError: It cannot be started.
    """

    def __init__(self, *, decoders: int = 0) -> None:
        if not 0 <= decoders <= MAX_DECODERS:
            raise SettingsError(f"{decoders} decoders are not between 0 and {MAX_DECODERS}")
        self._cores = os.cpu_count() or 1
        self._pool = DecoderPool(decoders or min(_MOST_BY_ITSELF, 4 * self._cores))
        self._end = weakref.finalize(self, self._pool.close)

    @property
    def identity(self) -> str:
        """Name, version and model."""
        return f"pocketsphinx {version('pocketsphinx')} en-us {SETTINGS_VERSION}"

    @property
    def people_only(self) -> str:
        """Why agents cannot hear through it."""
        return "pocketsphinx gets most words wrong where an embedded voice speaks"

    @property
    def word_error_rate(self) -> float:
        """What it had with its default model on a person who reads a book."""
        return 0.3

    def check_language(self, tag: str) -> None:
        """Refuse a BCP 47 tag that is not English.

        Raises:
            ListenerError: It is another language.
        """
        if tag and tag.replace("_", "-").partition("-")[0].lower() != "en":
            raise ListenerError(
                f"the embedded recogniser understands English only, not {tag!r}: python -m pip install "
                '"speechagents[neural]" and take the listener whisper'
            )

    def open(self, *, hints: Sequence[str] = (), language: str = "") -> PocketsphinxHearer:
        """Begin to listen to one utterance."""
        self.check_language(language)
        return PocketsphinxHearer(self._pool, likely_words(hints), Attention.LIVE)

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        """One transcript for each clip, in order; as many at once as there are cores."""
        self.check_language(language)
        likely = likely_words(hints)
        for first in range(0, len(clips), self._cores):
            opened = [
                (PocketsphinxHearer(self._pool, likely, Attention.AT_ITS_END), clip)
                for clip in clips[first : first + self._cores]
            ]
            for hearer, clip in opened:
                hearer.feed(clip)
            for hearer, _ in opened:
                yield hearer.finish()

    def close(self) -> None:
        """End the processes; what is being listened to fails."""
        self._end()


class PocketsphinxHearer:
    """One utterance. Made by `PocketsphinxListener`."""

    def __init__(self, pool: DecoderPool, likely: Likely, attention: Attention) -> None:
        self._pool = pool
        self._attention = attention
        self._likely = likely
        self._rate_hz = 0
        self._resampler: Any = None
        self._early: Samples | None = np.zeros(0, np.float32)  # until it is clear how loud they speak
        self._gain = 1.0
        self._held: list[bytes] = []  # until a decoder is free
        self._process: DecoderProcess | None = None
        self._release: weakref.finalize[..., Any] | None = None
        self._over = False

    def feed(self, audio: Audio) -> str:
        """Hear more; what has been understood by now, which lags a moment behind."""
        if self._over:
            raise ValueError("the utterance is over")
        sound = audio.mono()
        if self._rate_hz and self._rate_hz != sound.rate_hz:
            raise ValueError(f"a piece at {sound.rate_hz} Hz does not continue one at {self._rate_hz} Hz")
        if not self._rate_hz:
            self._rate_hz = sound.rate_hz
            if sound.rate_hz != _RATE_HZ:
                self._resampler = soxr.ResampleStream(sound.rate_hz, _RATE_HZ, 1, dtype="float32", quality="MQ")
        self._hear(sound.samples if self._resampler is None else self._resampler.resample_chunk(sound.samples))
        return self._likely.spelled(self._said.split())

    def finish(self) -> Transcript:
        """Wait for what is still being understood."""
        if self._over:
            raise ValueError("the utterance is over")
        if not self._rate_hz:
            self._over = True
            return Transcript("", language="en")
        if self._resampler is not None:
            self._hear(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        if self._early is not None and self._early.size:
            self._begin(self._early)
        process = self._process or self._take(self._pool.wait_and_take(self._likely.words))
        self._over = True
        try:
            found = process.end()
        finally:
            self._let_go()
        words = tuple(
            TranscribedWord(self._likely.spelling.get(one.text, one.text), one.start_s, one.end_s) for one in found
        )
        return Transcript(self._likely.spelled(one.text for one in found), words, "en")

    @property
    def _said(self) -> str:
        return self._process.said if self._process is not None else ""

    def _hear(self, samples: Samples) -> None:
        if self._early is None:
            self._send(samples)
            return
        self._early = np.concatenate([self._early, samples])
        if len(self._early) >= _HEAD:
            self._begin(self._early)

    def _begin(self, early: Samples) -> None:
        """Now it is known how loud they speak."""
        self._early = None
        frame = _RATE_HZ // 20
        frames = early[: max(1, len(early) // frame) * frame].reshape(-1, min(frame, len(early)))
        loudest = float(np.sqrt(np.mean(frames**2, axis=1)).max())
        self._gain = float(np.clip(_TARGET / max(loudest, 1e-6), 1.0 / _MOST_GAIN, _MOST_GAIN))
        self._send(early)

    def _send(self, samples: Samples) -> None:
        """To the decoder, or aside until there is one."""
        peak = float(np.abs(samples).max()) if samples.size else 0.0
        # They may raise their voice: better a little less of it from then on than clipped.
        self._gain = min(self._gain, 0.99 / max(peak, 1e-6))
        pcm = (samples * np.float32(32_767.0 * self._gain)).astype("<i2")
        pieces = [pcm[at : at + _PIECE].tobytes() for at in range(0, len(pcm), _PIECE)]
        if self._process is None:
            free = self._pool.take(self._likely.words)
            if free is None:
                self._held += pieces
                return
            self._take(free)
        assert self._process is not None  # noqa: S101 - taken above
        for piece in pieces:
            self._process.feed(piece)

    def _take(self, process: DecoderProcess) -> DecoderProcess:
        self._process = process
        # Whoever lets go of an unfinished utterance gives the decoder back.
        self._release = weakref.finalize(self, _give_up, self._pool, process)
        process.open(self._likely.words, self._attention)
        for piece in self._held:
            process.feed(piece)
        self._held.clear()
        return process

    def _let_go(self) -> None:
        if self._process is not None and self._release is not None and self._release.detach() is not None:
            process, self._process = self._process, None
            self._pool.give_back(process)


def _give_up(pool: DecoderPool, process: DecoderProcess) -> None:
    process.abandon()
    pool.give_back(process)


def make_pocketsphinx(**options: Any) -> PocketsphinxListener:
    """The listener, for the registry."""
    return PocketsphinxListener(**options)
