"""From espeak-ng's raw sound to a take: equalised, trembling where the style wants it, trimmed, levelled.

Owns this processing. Knows nothing of text, voices or processes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Audio, Samples
from speechagents.voices.espeak.recipe import Instruction
from speechagents.voices.measure import LEVEL_FRAME_S, frame_levels_db, speech_level_db

Spectrum = NDArray[np.complex64]

REFERENCE_DB: Final = -23.0
"""Level of speech in the default style: RMS of the active frames, dB relative to full scale."""
PEAK_DB: Final = -1.0
"""No take peaks above this; a take that would is turned down as a whole, never clipped or limited."""
MARGIN_S: Final = 0.005
"""Silence kept at both ends."""

_SILENT_BELOW_PEAK_DB: Final = 50.0
_BLOCK: Final = 4096
_TAPS: Final = 511
_TILT_CORNER_HZ: Final = 1_000.0
# Equaliser in dB at these frequencies; chosen by benchmarks/voices.py against the long-term average spectrum of
# speech of Byrne et al. (1994), J. Acoust. Soc. Am. 96, table II.
_EQUALISER: Final = (
    (50.0, 5.0), (100.0, 9.0), (160.0, 6.0), (250.0, 3.5), (400.0, 2.0), (630.0, 0.0), (900.0, -2.2),
    (1_250.0, -4.2), (2_000.0, -5.2), (3_150.0, -6.6), (4_000.0, -5.0), (5_500.0, 0.0), (6_500.0, 2.0),
    (9_000.0, 2.0), (11_025.0, 0.0),
)  # fmt: skip


def finished(samples: Samples, rate_hz: int, how: Instruction) -> tuple[Audio, float]:
    """The audio of a take, and how many seconds were cut from its beginning."""
    if how.tremor > 0:
        samples = samples * _tremor(samples.size, rate_hz, how.tremor, how.tremor_hz)
    samples = _filtered(samples, rate_hz, round(how.tilt_db, 2))
    first, last = _speech(samples, rate_hz)
    audio = Audio(samples[first:last], rate_hz)
    if audio.peak == 0.0:
        return audio, first / rate_hz
    gain_db = REFERENCE_DB + how.level_db - speech_level_db(audio)
    gain = min(10.0 ** (gain_db / 20.0), 10.0 ** (PEAK_DB / 20.0) / audio.peak)
    return audio.scaled(gain), first / rate_hz


def _speech(samples: Samples, rate_hz: int) -> tuple[int, int]:
    """First and last frame of what is not silence, with `MARGIN_S` on either side."""
    levels = frame_levels_db(samples, rate_hz)
    loud = np.flatnonzero(levels > max(float(levels.max(initial=-120.0)) - _SILENT_BELOW_PEAK_DB, -110.0))
    if not loud.size:
        return 0, samples.size
    size, margin = round(LEVEL_FRAME_S * rate_hz), round(MARGIN_S * rate_hz)
    return max(0, int(loud[0]) * size - margin), min(samples.size, (int(loud[-1]) + 1) * size + margin)


def _tremor(count: int, rate_hz: int, depth: float, speed_hz: float) -> Samples:
    """A wavering gain between 1 and 1 - depth that starts at full strength."""
    phase = np.arange(count, dtype=np.float32) * np.float32(2.0 * np.pi * speed_hz / rate_hz)
    gain: Samples = np.float32(1.0 - depth / 2) + np.float32(depth / 2) * np.cos(phase)
    return gain


def _filtered(samples: Samples, rate_hz: int, tilt_db: float) -> Samples:
    """The equaliser and the style's tilt as one zero-phase filter, by overlap-save.

    Blocks of a fixed size keep the transforms in the processor's cache: four times as fast as one long transform.
    """
    hop = _BLOCK - _TAPS + 1
    count = -(-samples.size // hop)
    padded = np.zeros(count * hop + _TAPS - 1, np.float32)
    padded[_TAPS // 2 : _TAPS // 2 + samples.size] = samples
    blocks = np.lib.stride_tricks.sliding_window_view(padded, _BLOCK)[::hop]
    spectra = np.fft.rfft(blocks, axis=1)
    spectra *= _response(rate_hz, tilt_db)
    out: Samples = np.asarray(np.fft.irfft(spectra, _BLOCK, axis=1), np.float32)[:, _TAPS - 1 :]
    return out.reshape(-1)[: samples.size]


@lru_cache(maxsize=256)
def _response(rate_hz: int, tilt_db: float) -> Spectrum:
    """Transform of the filter's taps: the equaliser plus a first-order shelf around `_TILT_CORNER_HZ`."""
    frequency = np.maximum(np.fft.rfftfreq(_TAPS, 1.0 / rate_hz), 1.0)
    corners, gains = zip(*_EQUALISER, strict=True)
    ratio = (frequency / _TILT_CORNER_HZ) ** 2
    decibels = np.interp(np.log(frequency), np.log(corners), gains) + tilt_db * ratio / (1.0 + ratio)
    taps = np.roll(np.fft.irfft(10.0 ** (decibels / 20.0), _TAPS), _TAPS // 2) * np.hanning(_TAPS)
    return np.fft.rfft(taps, _BLOCK).astype(np.complex64)
