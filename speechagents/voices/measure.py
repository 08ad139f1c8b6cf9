"""What can be measured of a voice: level, fundamental frequency, cepstrum, and how far two voices are apart.

Owns the measures and the voice fingerprint that catalogues store. Knows no engine and no catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Audio

Floats = NDArray[np.float32]

ACTIVE_BELOW_PEAK_DB: Final = 35.0
"""Frames more than this below the loudest one are pauses, not speech."""
LEVEL_FRAME_S: Final = 0.02
F0_MIN_HZ: Final = 45.0
F0_MAX_HZ: Final = 600.0
VOICED_ABOVE: Final = 0.5
"""Least height of the normalised autocorrelation peak of a voiced frame (0.45 in Boersma 1993, his section 4)."""

_WINDOW_S: Final = 0.046
_HOP_S: Final = 0.0116
_OCTAVE_COST: Final = 0.08
_MEL_BANDS: Final = 26
_CEPSTRA: Final = 12
_MEL_RANGE_HZ: Final = (100.0, 8_000.0)


def level_db(samples: Floats) -> float:
    """RMS level in dB relative to full scale, -120 for silence."""
    # Not `np.dot`: how BLAS splits a sum depends on its threads, and levels decide gains.
    power = float(np.einsum("i,i->", samples, samples)) / max(1, samples.size)
    return max(-120.0, 10.0 * math.log10(power)) if power > 0 else -120.0


def frame_levels_db(samples: Floats, rate_hz: int) -> Floats:
    """RMS level of consecutive 20 ms frames in dB relative to full scale; an incomplete last frame is left out."""
    size = round(LEVEL_FRAME_S * rate_hz)
    frames = samples[: samples.size // size * size].reshape(-1, size)
    power = np.einsum("ij,ij->i", frames, frames) / np.float32(size)
    return np.asarray(10.0 * np.log10(np.maximum(power, 1e-12)), np.float32)


def speech_level_db(audio: Audio) -> float:
    """RMS level of the speech alone, in dB relative to full scale: pauses do not count.

    The idea of ITU-T P.56 (active speech level), with a plain threshold `ACTIVE_BELOW_PEAK_DB` under the loudest
    20 ms in place of its envelope.
    """
    levels = frame_levels_db(audio.samples, audio.rate_hz)
    if not levels.size:
        return level_db(audio.samples)
    active = levels[levels > levels.max() - ACTIVE_BELOW_PEAK_DB]
    return float(10.0 * np.log10(np.mean(10.0 ** (active / 10.0))))


@dataclass(frozen=True, slots=True, eq=False)
class Pitch:
    """The melody of a recording.

    Attributes:
        f0_hz: Fundamental frequency of every voiced frame.
        voiced: Share of active frames that are voiced, 0 to 1.
        harmonicity_db: Median harmonics-to-noise ratio of the voiced frames.
    """

    f0_hz: Floats
    voiced: float
    harmonicity_db: float

    @property
    def median_hz(self) -> float:
        """Median fundamental frequency, 0 when nothing is voiced."""
        return float(np.median(self.f0_hz)) if self.f0_hz.size else 0.0

    @property
    def spread_st(self) -> float:
        """Width of the melody in semitones: half the range of the middle 68 %, which octave errors do not move."""
        if not self.f0_hz.size:
            return 0.0
        low, high = np.percentile(12.0 * np.log2(self.f0_hz), (16, 84))
        return float(high - low) / 2.0


def pitch(audio: Audio) -> Pitch:
    """Track the fundamental frequency by autocorrelation.

    After Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise
    ratio of a sampled sound": the autocorrelation of a windowed frame, divided by that of the window; an
    octave cost prefers the shorter period. It is larger than his 0.01, as there is no path search here to mend
    what it misses (3 to 5 % of frames on the embedded voices).
    """
    rate = audio.rate_hz
    frames, active = _active_frames(audio)
    if not frames.shape[0]:
        return Pitch(np.zeros(0, np.float32), 0.0, 0.0)
    window = np.hanning(frames.shape[1] + 2)[1:-1].astype(np.float32)
    size = 1 << (2 * frames.shape[1] - 1).bit_length()
    shortest, longest = int(rate / F0_MAX_HZ), min(int(rate / F0_MIN_HZ) + 1, frames.shape[1] - 1)
    windowed = (frames - frames.mean(axis=1, keepdims=True)) * window
    correlation = np.fft.irfft(np.abs(np.fft.rfft(windowed, size)) ** 2, size)[:, : longest + 1]
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, size)) ** 2, size)[: longest + 1]
    normal = correlation / np.maximum(correlation[:, :1], 1e-12) / (of_window / of_window[0])
    lags = np.arange(shortest, longest)
    before, inner, after = (normal[:, shortest + k : longest + k] for k in (-1, 0, 1))
    is_peak = (inner >= before) & (inner > after)
    # The true peak lies between two lags; without a parabola through three points short periods lose to octaves.
    heights = inner - (before - after) ** 2 / np.minimum(8.0 * (before - 2.0 * inner + after), -1e-9)
    score = np.where(is_peak, heights - _OCTAVE_COST * np.log2(lags * (F0_MIN_HZ / rate)), -1.0)
    best = score.argmax(axis=1)
    row = np.arange(best.size)
    height = np.where(score[row, best] > -1.0, heights[row, best], 0.0)
    voiced = height > VOICED_ABOVE
    f0 = (rate / lags[best[voiced]]).astype(np.float32)
    clear = np.clip(height[voiced], 1e-6, 1.0 - 1e-4)
    harmonicity = float(np.median(10.0 * np.log10(clear / (1.0 - clear)))) if clear.size else 0.0
    return Pitch(f0, float(voiced.sum() / max(1, active)), harmonicity)


def cepstra(audio: Audio) -> Floats:
    """Mel-frequency cepstral coefficients 1 to 12 of the active frames, shape ``(frames, 12)``.

    After Davis & Mermelstein (1980): log energies of 26 triangular mel bands from 100 to 8 000 Hz, cosine
    transform. Coefficient 0, the level, is left out.
    """
    frames, _ = _active_frames(audio)
    if not frames.shape[0]:
        return np.zeros((0, _CEPSTRA), np.float32)
    emphasised = frames[:, 1:] - np.float32(0.97) * frames[:, :-1]
    size = 1 << (frames.shape[1] - 1).bit_length()
    power = np.abs(np.fft.rfft(emphasised * np.hamming(emphasised.shape[1]).astype(np.float32), size)) ** 2
    bands = np.log(power @ _mel_filters(size, audio.rate_hz).T + 1e-9)
    order = np.arange(1, _CEPSTRA + 1)[:, None]
    cosine = np.cos(np.pi * order * (np.arange(_MEL_BANDS) + 0.5) / _MEL_BANDS) * math.sqrt(2.0 / _MEL_BANDS)
    return np.asarray(bands @ cosine.T, np.float32)


def _active_frames(audio: Audio) -> tuple[Floats, int]:
    """Overlapping frames without the pauses, and their number."""
    size, hop = round(_WINDOW_S * audio.rate_hz), round(_HOP_S * audio.rate_hz)
    if audio.frames < size:
        return np.zeros((0, size), np.float32), 0
    frames = np.lib.stride_tricks.sliding_window_view(audio.samples, size)[::hop]
    levels = 10.0 * np.log10(np.maximum(np.einsum("ij,ij->i", frames, frames) / size, 1e-12))
    kept = frames[levels > levels.max() - ACTIVE_BELOW_PEAK_DB]
    return kept, int(kept.shape[0])


@cache
def _mel_filters(size: int, rate_hz: int) -> Floats:
    """Triangular filters, equally wide on the mel scale (O'Shaughnessy 1987), shape ``(bands, size // 2 + 1)``."""
    low, high = (2595.0 * math.log10(1.0 + f / 700.0) for f in _MEL_RANGE_HZ)
    edges = 700.0 * (10.0 ** (np.linspace(low, high, _MEL_BANDS + 2) / 2595.0) - 1.0)
    frequencies = np.fft.rfftfreq(size, 1.0 / rate_hz)
    rising = (frequencies - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


# One standard deviation of each feature between sentences of the same voice, as benchmarks/voices.py measures
# it over the embedded catalogue, rounded. That of the fundamental is doubled (measured 0.25 semitones): people
# of equal pitch must differ otherwise, and half a semitone tells nobody apart.
_SENTENCE_SD: Final = np.array([0.5, 1.0, 0.4, 0.8, 0.7, 0.5, 0.5, 0.4, 0.3, 0.3, 0.3, 0.25, 0.2, 0.6], np.float32)
FINGERPRINT_SIZE: Final = 14


def fingerprint(recordings: Sequence[Audio]) -> tuple[float, ...]:
    """What a voice sounds like, as 14 numbers.

    Median fundamental frequency in semitones above 55 Hz, the mean of cepstral coefficients 1 to 12, and the
    harmonics-to-noise ratio in dB; each the mean over the recordings.
    """
    rows = []
    for audio in recordings:
        melody = pitch(audio)
        height = 12.0 * math.log2(max(melody.median_hz, F0_MIN_HZ) / 55.0)
        rows.append([height, *cepstra(audio).mean(axis=0), melody.harmonicity_db])
    return tuple(round(float(value), 3) for value in np.mean(rows, axis=0))


def voice_distance(one: Sequence[float], other: Sequence[float]) -> float:
    """How far two fingerprints are apart; 0 is the same voice.

    The unit is the variation between sentences of one voice: every feature is divided by its standard deviation
    there, and the root mean square taken over the features. So two single sentences of the same voice lie about
    1.4 apart on average, whatever they say.
    """
    if not len(one) == len(other) == FINGERPRINT_SIZE:
        raise ValueError(f"a fingerprint has {FINGERPRINT_SIZE} numbers")
    difference = (np.asarray(one, np.float32) - np.asarray(other, np.float32)) / _SENTENCE_SD
    return float(np.sqrt(np.mean(difference**2)))
