"""The largest value of a signal between its samples.

Owns 4 times oversampling as ITU-R BS.1770-4 Annex 2 asks for. Knows nothing of masters; the limiter and the meter
share it. Only neighbourhoods of large samples are interpolated, so that it costs little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Samples

TAPS = 24
"""Samples that each interpolated value is made of."""

_PHASES = 4
_KAISER_BETA = 7.0


def _kernels() -> NDArray[np.float32]:
    """Windowed sinc kernels for a quarter, a half and three quarters of a sample, shape ``(3, TAPS)``."""
    half = TAPS // 2
    positions = np.arange(-half + 1, half + 1)[:, None] - np.arange(1, _PHASES)[None, :] / _PHASES
    window = np.i0(_KAISER_BETA * np.sqrt(np.maximum(0.0, 1.0 - (positions / half) ** 2))) / np.i0(_KAISER_BETA)
    kernels = np.sinc(positions) * window
    return np.ascontiguousarray((kernels / kernels.sum(axis=0)).T, np.float32)


_KERNELS = _kernels()


def magnitudes(block: Samples) -> NDArray[np.float32]:
    """The larger absolute value of both channels, frame by frame; of the one there is, for shape ``(n, 1)``."""
    if block.shape[1] == 1:
        return np.abs(block[:, 0])
    # Reducing over an axis of two is thirty times slower than this.
    return np.maximum(np.abs(block[:, 0]), np.abs(block[:, 1]))


def largest(block: Samples) -> float:
    """Largest absolute sample, 0 for nothing."""
    return max(float(block.max(initial=0.0)), -float(block.min(initial=0.0)))


def between_samples(block: Samples, *, floor: float) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Largest interpolated magnitude after each frame that is near a large sample.

    Args:
        block: Shape ``(n, 2)`` or ``(n, 1)``; nothing is interpolated in its first and last `TAPS` / 2 frames.
        floor: Only gaps beside a sample of at least this magnitude are looked at.

    Returns:
        Frame indices i, ascending, and the largest magnitude between frames i and i + 1 over both channels.
    """
    half = TAPS // 2
    large = magnitudes(block) >= floor
    gaps = np.flatnonzero(large[:-1] | large[1:])
    gaps = gaps[(gaps >= half - 1) & (gaps < len(block) - half)]
    if not len(gaps):
        return gaps, np.zeros(0, np.float32)
    around = block[gaps[:, None] + np.arange(-half + 1, half + 1)]
    largest_there = np.zeros(len(gaps), np.float32)
    for channel in range(block.shape[1]):
        samples = np.ascontiguousarray(around[:, :, channel])
        for kernel in _KERNELS:
            # Not a matrix product: how BLAS splits one depends on its threads.
            np.maximum(largest_there, np.abs(np.einsum("gt,t->g", samples, kernel)), out=largest_there)
    return gaps, largest_there
