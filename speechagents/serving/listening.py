"""Listening to a programme while it is made: an MP3 file that grows.

Owns that encoding, and how readers follow the file. Does not know runs, visitors or HTTP. Listeners read a file on
disk, each at a pace of their own, from the start however late they come: what is kept in memory depends neither on how
many they are nor on how slow.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import av
import numpy as np
import soxr

from speechagents.audio import Audio, Samples

LISTEN_HZ: Final = 24_000
"""A rate of MPEG-2 audio: half the work of a full rate, and as much as these voices have."""

_BIT_RATE: Final = 48_000
_BLOCK_BYTES: Final = 16_384


class Listenable:
    """The sound of a run so far. One thread adds, any number reads. Use it as a context manager while adding.

    Args:
        path: The file; made when there is sound.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._change = threading.Lock()
        self._encoder: _Mp3Encoder | None = None
        self._file: BinaryIO | None = None
        self._frames = 0
        self._bytes = 0
        self._complete = False
        self._broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._encoder is not None and self._file is not None:
                self._write(self._encoder.finish())
        finally:
            self._close()

    @property
    def seconds(self) -> float:
        """How much can be listened to."""
        with self._change:
            return self._frames / LISTEN_HZ

    @property
    def complete(self) -> bool:
        """Nothing more will come."""
        with self._change:
            return self._complete

    def add(self, audio: Audio) -> None:
        """Add the next stretch. A disk that is full costs listeners the rest, and the production nothing."""
        if self._broken or not audio.frames:
            return
        try:
            if self._encoder is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("wb")
                self._encoder = _Mp3Encoder(audio.rate_hz)
            data = self._encoder.encode(audio)
            self._write(data)
        except OSError:
            self._broken = True
            self._close()
            return
        with self._change:
            self._frames += round(audio.duration_s * LISTEN_HZ)

    def read_from(self, position: int) -> bytes | None:
        """The next block after so many bytes; nothing if it has not come yet, None at the end.

        It does not wait, so that a hundred listeners need no hundred threads.
        """
        with self._change:
            there, complete = self._bytes, self._complete
        if there <= position:
            return None if complete else b""
        try:
            with self.path.open("rb") as file:
                file.seek(position)
                return file.read(min(_BLOCK_BYTES, there - position)) or None
        except OSError:
            return None  # its production was deleted

    def discard(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)

    def _write(self, data: bytes) -> None:
        if data and self._file is not None:
            self._file.write(data)
            self._file.flush()
            with self._change:
                self._bytes += len(data)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        with self._change:
            self._complete = True


class _Mp3Encoder:
    """Sound of one rate into the frames of an MP3, which need no container around them.

    One channel: it costs a third of two, beside exports that the production is waiting for.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler = soxr.ResampleStream(rate_hz, LISTEN_HZ, 1, dtype="float32", quality="MQ")
        codec: Any = av.CodecContext.create("libmp3lame", "w")
        codec.sample_rate = LISTEN_HZ
        codec.layout = "mono"
        codec.format = "fltp"
        codec.bit_rate = _BIT_RATE
        codec.options = {"compression_level": "9"}
        codec.open()
        self._codec = codec
        self._frame = int(codec.frame_size)
        self._rest = np.zeros(0, np.float32)
        self._first = 0

    def encode(self, audio: Audio) -> bytes:
        """Packets that are ready after some more sound."""
        return self._packets(self._resampler.resample_chunk(audio.mono().resampled(self._rate_hz).samples, last=False))

    def finish(self) -> bytes:
        """The packets that are left."""
        rest = self._packets(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        if len(self._rest):
            rest += self._encode(np.pad(self._rest, (0, self._frame - len(self._rest))))
        return rest + b"".join(bytes(packet) for packet in self._codec.encode(None))

    def _packets(self, samples: Samples) -> bytes:
        samples = np.concatenate([self._rest, samples])
        whole = len(samples) // self._frame * self._frame
        self._rest = samples[whole:]
        return b"".join(self._encode(samples[first : first + self._frame]) for first in range(0, whole, self._frame))

    def _encode(self, samples: Samples) -> bytes:
        clipped = np.clip(samples, -1.0, 1.0).astype(np.float32, copy=False)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(clipped[None, :]), format="fltp", layout="mono")
        frame.sample_rate = LISTEN_HZ
        frame.pts = self._first
        self._first += len(samples)
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))
