"""Sound that a detector takes for a voice: syllables of three formants over a gliding pitch, made by formula."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from speechagents.audio import Samples

_SYLLABLE_S = 0.24
_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480))
_WIDTHS_HZ = (60, 90, 120)


def babble(duration_s: float, rate_hz: int = 24_000) -> Samples:
    """Open and close vowels in turn, about 0.1 loud."""
    pieces = []
    for number in range(max(1, round(duration_s / _SYLLABLE_S))):
        at = np.arange(round(_SYLLABLE_S * rate_hz)) / rate_hz
        pitch = 130.0 + 25.0 * np.sin(2.0 * np.pi * (number / 7.0 + at / 1.5)) - 40.0 * at
        phase = np.cumsum(pitch) / rate_hz
        sound = np.diff(np.floor(phase), prepend=0.0)
        for formant, width in zip(_VOWELS[number % len(_VOWELS)], _WIDTHS_HZ, strict=True):
            radius = np.exp(-np.pi * width / rate_hz)
            sound = lfilter(
                [1.0 - radius], [1.0, -2.0 * radius * np.cos(2.0 * np.pi * formant / rate_hz), radius**2], sound
            )
        pieces.append(sound * np.sin(np.pi * np.arange(len(at)) / len(at)) ** 0.5)
    whole = np.concatenate(pieces)
    level: Samples = (0.1 * whole / np.sqrt(np.mean(whole**2))).astype(np.float32)
    return level


def hush(duration_s: float, rate_hz: int = 24_000) -> Samples:
    """A quiet room."""
    return (0.0005 * np.random.default_rng(7).standard_normal(round(duration_s * rate_hz))).astype(np.float32)
