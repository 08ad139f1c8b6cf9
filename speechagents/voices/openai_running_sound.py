"""Sound of a speech server that is heard while it comes: bytes in, samples out.

Owns the two formats that need no more than that, 16-bit samples with a WAV header and without one, and the ways in
which they are broken. What else a server can send is decoded when it is there (`openai_sound`). Knows no server.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import soxr

from speechagents.audio import Audio
from speechagents.controllers.exchange import UnusableAnswerError
from speechagents.controllers.retrying import TransientError
from speechagents.voices.openai_sound import SILENT_BELOW, SLACK_BYTES, UNKNOWN_FROM, too_long

RUNNING_FORMATS: Final = ("wav", "pcm")
"""Names of the formats that can be heard while they come."""

_MOST_HEADER_BYTES: Final = 65_536
_KINDS: Final = {(1, 16): ("<i2", 32_768.0), (3, 32): ("<f4", 1.0)}
"""Samples that are read, by a WAV file's format and bits: their type in NumPy, and full scale."""


class RunningSound:
    """One answer's sound.

    Args:
        form: Format that was asked for, one of `RUNNING_FORMATS`.
        pcm_hz: Rate of samples without a header, in hertz.
        rate_hz: Rate of what is given back.
        most_s: Longest sound that can be right, in seconds.
    """

    def __init__(self, *, form: str, pcm_hz: int, rate_hz: int, most_s: float) -> None:
        self._raw = form == "pcm"
        self._source_hz = pcm_hz
        self._rate_hz = rate_hz
        self._most_s = most_s
        self._held = b""
        self._begun = False
        self._type, self._full_scale, self._channels = np.dtype("<i2"), 32_768.0, 1
        self._promised: int | None = None  # bytes of samples, where a header knows it
        self._read = 0
        self._peak = 0.0
        self._rates: soxr.ResampleStream | None = None

    def feed(self, data: bytes) -> Audio | None:
        """Take the next bytes.

        Returns:
            Mono samples that follow those given before; None while there are none.

        Raises:
            UnusableAnswerError: This is no sound of either format, or too much of it.
        """
        self._held += data
        if not self._begun and not self._begin():
            return None
        return self._samples(last=False)

    def end(self) -> Audio | None:
        """The rest, after the last bytes.

        Raises:
            TransientError: The sound breaks off, or all of it is silence; another try may help.
        """
        if not self._begun:
            raise TransientError("the server sends no sound" if not self._held else "the sound breaks off at its start")
        rest = self._samples(last=True)
        if self._promised is not None and self._read < self._promised - SLACK_BYTES:
            raise TransientError(f"the sound breaks off: {self._read} of {self._promised} bytes came")
        if self._peak < SILENT_BELOW:
            raise TransientError("the server sends silence")
        return rest

    def _begin(self) -> bool:
        """Read the header, if it is there as a whole."""
        head = self._held[:12]
        if len(head) < 12 and (not self._raw or head[:4] == b"RIFF"[: len(head)]):
            return False
        if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
            return self._header()
        if not self._raw or head[:4] in (b"fLaC", b"OggS") or head[:3] == b"ID3":
            raise UnusableAnswerError("what the server sends is no sound that can be heard while it comes")
        self._start()
        return True

    def _header(self) -> bool:
        at, known = 12, False
        while at + 8 <= len(self._held):
            name, size = self._held[at : at + 4], struct.unpack_from("<I", self._held, at + 4)[0]
            if name == b"data":
                if not known:
                    raise UnusableAnswerError("the server's WAV file does not say what its samples are")
                self._promised = size if 0 < size < UNKNOWN_FROM else None
                self._held = self._held[at + 8 :]
                self._start()
                return True
            if name == b"fmt " and size >= 16 and at + 24 <= len(self._held):
                self._format(*struct.unpack_from("<HHI6xH", self._held, at + 8))
                known = True
            at += 8 + size + size % 2
        if at > _MOST_HEADER_BYTES or len(self._held) > _MOST_HEADER_BYTES:
            raise UnusableAnswerError("the server's WAV file is all header")
        return False

    def _format(self, kind: int, channels: int, rate_hz: int, bits: int) -> None:
        # What is extensible has its true format further on; nobody streams anything else in it than plain samples.
        samples = _KINDS.get((1 if kind == 0xFFFE and bits == 16 else kind, bits))
        if samples is None or channels not in (1, 2) or not 4_000 <= rate_hz <= 192_000:
            raise UnusableAnswerError(
                f"the server's WAV file has {channels} channels of {bits} bits at {rate_hz} Hz in format {kind}; 16 "
                "bits and one channel are right"
            )
        self._type, self._full_scale = np.dtype(samples[0]), samples[1]
        self._channels, self._source_hz = channels, rate_hz

    def _start(self) -> None:
        self._begun = True
        if self._source_hz != self._rate_hz:
            self._rates = soxr.ResampleStream(self._source_hz, self._rate_hz, 1, dtype="float32")

    def _samples(self, *, last: bool) -> Audio | None:
        frame = self._type.itemsize * self._channels
        usable = len(self._held) // frame * frame
        if self._promised is not None:
            usable = min(usable, max(0, self._promised - self._read) // frame * frame)
        block = np.frombuffer(self._held[:usable], self._type).astype(np.float32) / np.float32(self._full_scale)
        # Behind the samples of a WAV file there may be more, which is no sound.
        self._held = self._held[usable:] if self._promised is None or self._read + usable < self._promised else b""
        self._read += usable
        if self._read > self._most_s * self._source_hz * frame:
            raise too_long(self._most_s)
        if self._channels == 2:
            block = block.reshape(-1, 2).mean(axis=1, dtype=np.float32)
        if not np.isfinite(block).all():
            raise UnusableAnswerError("the server sends samples that are no numbers")
        self._peak = max(self._peak, float(np.abs(block).max(initial=0.0)))
        if self._rates is not None and (block.size or last):
            block = self._rates.resample_chunk(np.ascontiguousarray(block), last=last)
        return Audio(np.ascontiguousarray(block, np.float32), self._rate_hz) if block.size else None
