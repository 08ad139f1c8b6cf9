"""Gain and a look-ahead limiter: a programme made louder whose peaks stay under a ceiling.

Owns `MasteredProgramme`. Does not know which gain or ceiling is right (`masters`).

The limiter remembers nothing but a fixed neighbourhood of each frame (a moving minimum of the gain that is needed,
then a triangular average), so any stretch can be computed on its own: segments are encoded in parallel and give
the same samples whoever asks. Its gain dips reach 30 ms to both sides, slow against the 12 ms period of a deep
voice, so it bends no wave forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Samples
from speechagents.production.programme import PROGRAMME_HZ, Programme
from speechagents.production.truepeak import TAPS, between_samples, largest, magnitudes

REACH = round(0.015 * PROGRAMME_HZ) // 2 * 2
"""Frames on either side over which the needed gain is held, and again over which it is averaged."""

CONTEXT = 2 * REACH + TAPS
"""Frames on either side that the gain of a frame depends on."""

NEAR_PEAK = 10.0 ** (-3.0 / 20.0)
"""A signal can exceed a ceiling between samples only beside a sample that is not far below it."""

BLOCK = PROGRAMME_HZ
"""Frames that are mastered at a time. Blocks lie on a fixed grid, so that rounding never depends on the reader."""


@dataclass(frozen=True, slots=True)
class Dip:
    """A place with a lower ceiling.

    Attributes:
        first: Its first frame.
        end: The frame after its last.
        ceiling: Largest magnitude allowed there.
    """

    first: int
    end: int
    ceiling: float


class MasteredProgramme:
    """A programme with gain, limited. Itself a `Programme`.

    Args:
        source: The mix.
        gain_db: Applied first.
        ceiling_db: No value, between samples too, exceeds it afterwards (but for 0.1 dB of interpolation error).
        dips: Places with a lower ceiling, where a codec would overshoot.
    """

    def __init__(self, source: Programme, *, gain_db: float, ceiling_db: float, dips: Sequence[Dip] = ()) -> None:
        self._source = source
        self._gain = np.float32(10.0 ** (gain_db / 20.0))
        self._ceiling: float = 10.0 ** (ceiling_db / 20.0)
        self._dips = dips

    @property
    def frames(self) -> int:
        """Length in frames."""
        return self._source.frames

    @property
    def joints(self) -> Sequence[int]:
        """Joints of the source: silence stays silent, and gain dips do not reach across it."""
        return self._source.joints

    def read(self, first: int, count: int) -> Samples:
        """Frames ``first`` to ``first + count`` as ``(n, 2)``; fewer only at the end."""
        end = min(first + count, self.frames)
        pieces = []
        while first < end:
            number, offset = divmod(first, BLOCK)
            pieces.append(self._block(number)[offset : offset + end - first])
            first += len(pieces[-1])
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.zeros((0, 2), np.float32)

    def _block(self, number: int) -> Samples:
        first = number * BLOCK
        end = min(first + BLOCK, self.frames)
        start = max(0, first - CONTEXT)
        around = self._source.read(start, end + CONTEXT - start) * self._gain
        return limited(around, ceiling=self._ceiling_over(start, start + len(around)))[first - start : end - start]

    def _ceiling_over(self, start: int, end: int) -> float | NDArray[np.float64]:
        """The ceiling of a stretch: one value, or one a frame where there are dips."""
        dips = [dip for dip in self._dips if dip.first < end and dip.end > start]
        if not dips:
            return self._ceiling
        ceiling = np.full(end - start, self._ceiling)
        for dip in dips:
            there = ceiling[max(0, dip.first - start) : dip.end - start]
            np.minimum(there, dip.ceiling, out=there)
        return ceiling


def limited(block: Samples, *, ceiling: float | NDArray[np.float64]) -> Samples:
    """A block whose peaks are turned down smoothly; right but for `CONTEXT` frames at ends that are cut ends.

    Args:
        block: Shape ``(n, 2)`` or ``(n, 1)``.
        ceiling: Largest magnitude allowed, everywhere or frame by frame.
    """
    floor = float(np.min(ceiling)) * NEAR_PEAK
    if largest(block) < floor:
        return block
    magnitude = magnitudes(block)
    gaps, between = between_samples(block, floor=floor)
    magnitude[gaps] = np.maximum(magnitude[gaps], between)
    if bool((magnitude <= ceiling).all()):
        return block
    needed = np.minimum(1.0, ceiling / np.maximum(magnitude.astype(np.float64), ceiling))
    gain = _box(_box(_moving_minimum(needed, REACH), REACH // 2), REACH // 2)
    return np.asarray(block * gain[:, None].astype(np.float32))


def _moving_minimum(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Minimum over ``reach`` entries to either side and the entry itself, by doubling windows."""
    width = 2 * reach + 1
    padded = np.pad(values, reach, constant_values=1.0)
    span = 1
    while span * 2 <= width:
        padded = np.minimum(padded[:-span], padded[span:])
        span *= 2
    rest = width - span
    return np.minimum(padded[:-rest], padded[rest:]) if rest else padded


def _box(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Mean over ``reach`` entries to either side and the entry itself."""
    sums = np.cumsum(np.pad(values, (reach + 1, reach), mode="edge"))
    return (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)
