"""What speech units are made from and turn back into: mel spectra and melody, a hundred frames a second.

Owns these two analyses and the rate they are made at. Knows no unit and no model.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Audio, Samples

Floats = NDArray[np.float32]

RATE_HZ: Final = 16_000
HOP: Final = 160
"""Samples from frame to frame: 10 ms."""
BANDS: Final = 64
FFT: Final = 512
FLOOR: Final = -5.0
"""Least log10 of a band's amplitude; what is fainter is silence."""
F0_MIN_HZ: Final = 45.0
F0_MAX_HZ: Final = 600.0

_WINDOW: Final = 400
_MEL_RANGE_HZ: Final = (50.0, 7_800.0)
_NOTHING: Final = 1e-30
_PITCH_WINDOW: Final = 736
_PITCH_FFT: Final = 2_048
_VOICED_ABOVE: Final = 0.5
_OCTAVE_COST: Final = 0.08
_BLOCK: Final = 1_000
"""Frames that are transformed at once: a long recording takes no more memory than a short one."""


def heard(audio: Audio) -> Samples:
    """The samples of a sound at `RATE_HZ`, mono."""
    return audio.mono().resampled(RATE_HZ).samples


def frame_count(samples: int) -> int:
    """Frames of so many samples; the first and the last are centred on their ends."""
    return samples // HOP + 1


def mel_spectrum(samples: Samples) -> Floats:
    """Log10 amplitudes of 64 mel bands, shape ``(frames, BANDS)``.

    Windows are Hann and 25 ms long. Bands are triangles that are equally wide on the mel scale (O'Shaughnessy 1987),
    each the mean of what it covers, so that its value does not depend on its width.
    """
    rows = [
        np.maximum(np.log10(np.abs(np.fft.rfft(block * _hann(_WINDOW), FFT)) @ mel_filters().T + _NOTHING), FLOOR)
        for block in _blocks(samples, _WINDOW)
    ]
    return np.concatenate(rows).astype(np.float32)


def melody(samples: Samples) -> Floats:
    """Fundamental frequency of every frame in hertz, 0 where there is no voice; shape ``(frames,)``.

    By autocorrelation divided by that of the window (Boersma 1993), the highest peak after an octave cost: as
    `voices.measure.pitch` does it, but for every frame.
    """
    window = _hann(_PITCH_WINDOW)
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, _PITCH_FFT)) ** 2, _PITCH_FFT)
    shortest, longest = int(RATE_HZ / F0_MAX_HZ), int(RATE_HZ / F0_MIN_HZ) + 1
    lags = np.arange(shortest, longest)
    cost = _OCTAVE_COST * np.log2(lags * (F0_MIN_HZ / RATE_HZ))
    found = []
    for block in _blocks(samples, _PITCH_WINDOW):
        centred = (block - block.mean(axis=1, keepdims=True)) * window
        correlation = np.fft.irfft(np.abs(np.fft.rfft(centred, _PITCH_FFT)) ** 2, _PITCH_FFT)
        normal = correlation / np.maximum(correlation[:, :1], 1e-7) / (of_window / of_window[0])
        before, inner, after = (normal[:, shortest + k : longest + k] for k in (-1, 0, 1))
        peaks = (inner >= before) & (inner > after)
        bend = np.minimum(before + after - 2.0 * inner, -1e-9)
        best = np.where(peaks, inner - cost, -1.0).argmax(axis=1)
        row = np.arange(best.size)
        between = 0.5 * (before - after)[row, best] / bend[row, best]
        voiced = peaks[row, best] & (inner[row, best] > _VOICED_ABOVE) & (correlation[:, 0] > 1e-4)
        found.append(np.where(voiced, RATE_HZ / (lags[best] + np.clip(between, -0.5, 0.5)), 0.0))
    return np.concatenate(found).astype(np.float32)


@cache
def mel_filters() -> Floats:
    """Weights of each frequency in each band, shape ``(BANDS, FFT // 2 + 1)``; every row sums to one."""
    low, high = (2595.0 * math.log10(1.0 + hertz / 700.0) for hertz in _MEL_RANGE_HZ)
    edges = 700.0 * (10.0 ** (np.linspace(low, high, BANDS + 2) / 2595.0) - 1.0)
    frequencies = np.fft.rfftfreq(FFT, 1.0 / RATE_HZ)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    # The lowest bands are narrower than a frequency step: they take the nearest one.
    nearest = np.abs(frequencies - edges[1:-1, None]).argmin(axis=1)
    empty = weights.sum(axis=1) <= 0.0
    weights[empty, nearest[empty]] = 1.0
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)


@cache
def _hann(size: int) -> Floats:
    return (0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(size) + 0.5) / size)).astype(np.float32)


def _blocks(samples: Samples, size: int) -> list[Floats]:
    padded = np.pad(samples, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::HOP][: frame_count(samples.size)]
    return [frames[first : first + _BLOCK] for first in range(0, len(frames), _BLOCK)]
