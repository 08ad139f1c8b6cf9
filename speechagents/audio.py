"""Sound as a value: samples together with their rate.

Owns reading, resampling and channels. Does not know what the sound is for; levels of speech and
loudness of programmes live in `production`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

from speechagents.errors import SoundError

Samples = NDArray[np.float32]

MAX_READ_S = 4 * 3600.0
"""Longest file `Audio.read` accepts, in seconds: a guard against decompression bombs."""


@dataclass(frozen=True, eq=False, slots=True)
class Audio:
    """Samples and their rate.

    Attributes:
        samples: float32, shape ``(frames,)`` for mono or ``(frames, 2)`` for stereo; full scale is ±1. Read-only.
        rate_hz: Frames per second.
    """

    samples: Samples
    rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.dtype != np.float32:
            raise TypeError(f"samples are {self.samples.dtype}, not float32")
        if not (self.samples.ndim == 1 or (self.samples.ndim == 2 and self.samples.shape[1] == 2)):
            raise ValueError(f"samples of shape {self.samples.shape} are neither mono nor stereo")
        if not 4_000 <= self.rate_hz <= 192_000:
            raise ValueError(f"a rate of {self.rate_hz} Hz is not between 4 000 and 192 000")
        self.samples.flags.writeable = False

    @classmethod
    def silence(cls, duration_s: float, rate_hz: int) -> Audio:
        """Mono silence of a length in seconds."""
        return cls(np.zeros(max(0, round(duration_s * rate_hz)), np.float32), rate_hz)

    @classmethod
    def from_pcm16(cls, data: bytes, rate_hz: int) -> Audio:
        """Mono audio from native-endian 16-bit samples."""
        return cls(np.frombuffer(data, np.int16).astype(np.float32) / np.float32(32768.0), rate_hz)

    @classmethod
    def read(cls, path: Path | BinaryIO) -> Audio:
        """Read a sound file; more than two channels are mixed down to mono.

        Raises:
            SoundError: The file is missing, no sound that libsndfile reads, or longer than `MAX_READ_S`.
        """
        name = path if isinstance(path, Path) else "sound"
        try:
            with sf.SoundFile(path) as file:
                if file.frames > MAX_READ_S * file.samplerate:
                    raise SoundError(f"{name}: longer than {MAX_READ_S / 3600:.0f} h; cut it first")
                samples = file.read(dtype="float32", always_2d=False)
                rate_hz = file.samplerate
        except (sf.LibsndfileError, OSError) as error:
            raise SoundError(f"{name}: cannot be read as sound ({error}); use WAV, FLAC, OGG or MP3") from error
        if samples.ndim == 2 and samples.shape[1] != 2:
            samples = samples.mean(axis=1, dtype=np.float32)
        return cls(samples, rate_hz)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        """1 or 2."""
        return 1 if self.samples.ndim == 1 else 2

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate_hz

    @property
    def peak(self) -> float:
        """Largest absolute sample, 0 for nothing."""
        return float(np.abs(self.samples).max()) if self.samples.size else 0.0

    def mono(self) -> Audio:
        """The same sound in one channel (the mean of two)."""
        return self if self.channels == 1 else Audio(self.samples.mean(axis=1, dtype=np.float32), self.rate_hz)

    def resampled(self, rate_hz: int) -> Audio:
        """The same sound at another rate (soxr, high quality)."""
        if rate_hz == self.rate_hz:
            return self
        return Audio(soxr.resample(self.samples, self.rate_hz, rate_hz).astype(np.float32, copy=False), rate_hz)

    def scaled(self, factor: float) -> Audio:
        """The same sound, every sample multiplied by a factor."""
        return Audio(self.samples * np.float32(factor), self.rate_hz)
