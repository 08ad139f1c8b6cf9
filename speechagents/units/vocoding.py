"""From mel spectrum and melody to sound: an excitation whose bands are brought to the levels that are wanted.

Owns the channel vocoder (Dudley 1939, "Remaking Speech"): harmonics of the melody where there is voice, noise where
there is none, and a gain for every band and frame. Knows no unit and no model; what it is given decides how it sounds.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from speechagents.audio import Audio, Samples
from speechagents.units.spectrum import (
    BANDS,
    FFT,
    FLOOR,
    HOP,
    RATE_HZ,
    Floats,
    frame_count,
    mel_filters,
    mel_spectrum,
)

_BREATH: Final = 0.05
"""Noise that is mixed into the voice, as a share of its amplitude."""
_TOP_HZ: Final = 7_600.0
_SEED: Final = 1
_MAX_GAIN: Final = 3.0
"""As log10 of an amplitude."""
_STEP: Final = 4_000
"""Samples whose harmonics are summed at once."""


def vocoded(mel: Floats, f0_hz: Floats) -> Audio:
    """Sound of a spectrum and a melody.

    Args:
        mel: As `spectrum.mel_spectrum` gives it, shape ``(frames, BANDS)``.
        f0_hz: As `spectrum.melody` gives it, shape ``(frames,)``.

    Returns:
        Mono at `RATE_HZ`. The same input gives the same samples.
    """
    count = (len(mel) - 1) * HOP
    excitation = _excitation(f0_hz, count)
    own = mel_spectrum(excitation)[: len(mel)]
    gain = 10.0 ** np.minimum(mel - own, _MAX_GAIN)
    gain[mel <= FLOOR] = 0.0
    return Audio(_weighted(excitation, (gain @ _to_frequencies()).astype(np.float32)), RATE_HZ)


def _excitation(f0_hz: Floats, count: int) -> Samples:
    """Harmonics and noise of equal strength at every frequency, ``count`` samples."""
    noise = np.random.default_rng(_SEED).standard_normal(count).astype(np.float32)
    if not count:
        return noise
    at = np.arange(count) / HOP
    voiced = (f0_hz > 0).astype(np.float32)
    known = np.flatnonzero(f0_hz > 0)
    if not known.size:
        return noise
    # Where there is no voice the melody goes on from one voiced stretch to the next, so that no harmonic jumps.
    line = np.interp(np.arange(len(f0_hz)), known, np.log(f0_hz[known]))
    hertz = np.exp(np.interp(at, np.arange(len(line)), line))
    phase = np.cumsum(2.0 * np.pi * hertz / RATE_HZ)
    share = np.interp(at, np.arange(len(voiced)), voiced)
    tones = np.zeros(count, np.float32)
    for first in range(0, count, _STEP):
        part = slice(first, first + _STEP)
        # A sum of n cosines is sin((n + 1/2) x) / (2 sin(x / 2)) - 1/2 (Dirichlet's kernel): no loop over harmonics.
        number = np.floor(_TOP_HZ / hertz[part])
        half = phase[part] / 2.0
        below = np.sin(half)
        close = np.abs(below) < 1e-6
        total = np.sin((2.0 * number + 1.0) * half) / np.where(close, 1.0, 2.0 * below) - 0.5
        tones[part] = np.where(close, number, total) * np.sqrt(2.0 * hertz[part] / RATE_HZ)
    return np.asarray(share * tones + np.maximum(1.0 - share, _BREATH) * noise, np.float32)


def _weighted(samples: Samples, gain: Floats) -> Samples:
    """Samples after a gain for every frame and frequency, by overlapping windows."""
    window = _window()
    padded = np.pad(samples, (FFT // 2, FFT))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP][: frame_count(samples.size)]
    shaped = np.fft.irfft(np.fft.rfft(frames * window) * gain, FFT) * window
    out = np.zeros(padded.size, np.float32)
    weight = np.zeros(padded.size, np.float32)
    for number, frame in enumerate(shaped):
        part = slice(number * HOP, number * HOP + FFT)
        out[part] += frame
        weight[part] += window**2
    whole = slice(FFT // 2, FFT // 2 + samples.size)
    return np.asarray(out[whole] / np.maximum(weight[whole], 1e-3), np.float32)


@cache
def _window() -> Floats:
    return np.sqrt(0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(FFT) + 0.5) / FFT)).astype(np.float32)


@cache
def _to_frequencies() -> Floats:
    """What each band adds to the gain of each frequency, shape ``(BANDS, FFT // 2 + 1)``: linear between centres."""
    centres = (mel_filters() * np.arange(FFT // 2 + 1)).sum(axis=1)
    bins = np.arange(FFT // 2 + 1)
    return np.stack([np.interp(bins, centres, np.eye(BANDS)[band]) for band in range(BANDS)]).astype(np.float32)
