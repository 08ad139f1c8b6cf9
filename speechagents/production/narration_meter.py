"""How loud narration is: the meter for sound whose two channels are one.

Owns measuring one channel for both, at half the work and without FFmpeg. Gives what `loudness.LoudnessMeter` would of
the stereo sound, so that everything further on is the same; does not know what is loud enough (`masters`).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Samples
from speechagents.production.energy import HOP_S
from speechagents.production.kweighting import weighted_energies
from speechagents.production.loudness import SILENCE_DB, Measured
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.truepeak import TAPS, between_samples, largest

_BLOCK_HOPS: Final = 4
_OFFSET_LUFS: Final = -0.691
_SOUND: Final = 10.0 ** (-60.0 / 20.0)
_NEAR_PEAK: Final = 10.0 ** (-3.0 / 20.0)


class NarrationMeter:
    """Measures one stretch of sound, of which one channel is fed in blocks.

    Args:
        rate_hz: Frames per second.
        true_peak: Also find the true peak. Only places within 3 dB of the largest sample so far are oversampled.
        limit: Oversample all places, too, that may exceed this.
    """

    def __init__(self, rate_hz: int = PROGRAMME_HZ, *, true_peak: bool = False, limit: float = math.inf) -> None:
        self._rate_hz = rate_hz
        self._hop = round(HOP_S * rate_hz)
        self._wants_true_peak = true_peak
        self._limit = limit
        self._weighted: list[float] = []
        self._square_sums: list[float] = []
        self._peaks: list[float] = []
        self._rest = np.zeros(0, np.float32)
        self._edge = np.zeros(0, np.float32)
        self._true_peaks: dict[int, float] = {}
        self._largest = 0.0
        self._frames = 0
        self._first_sound: int | None = None
        self._last_loud: tuple[int, Samples] | None = None

    def feed(self, samples: Samples) -> None:
        """Measure the next frames: float32, mono, any number."""
        if len(samples) == 0:
            return
        peak = largest(samples)
        if peak > _SOUND:
            if self._first_sound is None:
                self._first_sound = self._frames + int(np.argmax(np.abs(samples) > _SOUND))
            self._last_loud = (self._frames, samples)
        self._largest = max(self._largest, peak)
        if self._wants_true_peak:
            self._find_true_peak(samples, peak)
        self._frames += len(samples)
        joined = np.concatenate((self._rest, samples)) if len(self._rest) else samples
        whole = len(joined) // self._hop
        if whole:
            hops = np.ascontiguousarray(joined[: whole * self._hop]).reshape(whole, self._hop)
            self._weighted += weighted_energies(hops, self._rate_hz).tolist()
            self._add(hops)
        self._rest = joined[whole * self._hop :].copy()

    def finish(self) -> Measured:
        """What was measured, as of both channels; feed nothing afterwards."""
        if len(self._rest):
            self._add(self._rest[None, :])
        last_sound = 0
        if self._last_loud is not None:
            start, samples = self._last_loud
            last_sound = start + len(samples) - int(np.argmax(np.abs(samples[::-1]) > _SOUND))
        square_sums = np.array(self._square_sums, np.float64)
        return Measured(
            frames=self._frames,
            rate_hz=self._rate_hz,
            momentary_lufs=self._momentary(),
            square_sums=(2.0 * square_sums).astype(np.float32),
            peaks=np.array(self._peaks, np.float32),
            product_sum=float(square_sums.sum()),
            true_peaks=self._true_peaks,
            first_sound=self._frames if self._first_sound is None else self._first_sound,
            last_sound=last_sound,
        )

    def _add(self, hops: Samples) -> None:
        self._square_sums += np.einsum("hf,hf->h", hops, hops).tolist()
        self._peaks += np.maximum(hops.max(axis=1, initial=0.0), -hops.min(axis=1, initial=0.0)).tolist()

    def _momentary(self) -> NDArray[np.float32]:
        """Loudness of the 400 ms that end with each hop; the first three lack some and stay below any gate."""
        sums = np.concatenate((np.zeros(1), np.cumsum(np.array(self._weighted, np.float64))))
        momentary = np.full(len(self._weighted), SILENCE_DB)
        if len(sums) > _BLOCK_HOPS:
            means = 2.0 * (sums[_BLOCK_HOPS:] - sums[:-_BLOCK_HOPS]) / (_BLOCK_HOPS * self._hop)
            momentary[_BLOCK_HOPS - 1 :] = _OFFSET_LUFS + 10.0 * np.log10(np.maximum(means, 1e-12))
        return momentary.astype(np.float32)

    def _find_true_peak(self, samples: Samples, peak: float) -> None:
        joined = np.concatenate((self._edge, samples))
        floor = _NEAR_PEAK * min(self._largest, self._limit)
        if max(peak, largest(self._edge)) >= floor:
            gaps, values = between_samples(joined[:, None], floor=floor)
            hops = (gaps + (self._frames - len(self._edge))) // self._hop
            starts = np.flatnonzero(np.diff(hops, prepend=-1))
            found = np.maximum.reduceat(values, starts).tolist() if len(starts) else []
            for hop, value in zip(hops[starts].tolist(), found, strict=True):
                self._true_peaks[hop] = max(self._true_peaks.get(hop, 0.0), value)
        self._edge = joined[-2 * TAPS :].copy()
