"""The sound of a chapter while it waits to be encoded: takes one after the other on disk, and the programme they make.

Owns reels (raw float32, mono, at the programme's rate, in ``work/``) and the programme that plays their clips at their
places. Narration is dry and stands in the middle, so nothing is mixed: silence takes no room, and a frame is read from
its take. Does not know who speaks or why a clip stands where it does.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from speechagents.audio import Audio, Samples
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.storage import storage_errors
from speechagents.production.timeline import SCENE_GUARD_S

_SAMPLE_BYTES: Final = 4
_EDGE_FRAMES: Final = round(0.002 * PROGRAMME_HZ)
"""Takes are faded this long at both ends against clicks."""
_JOINT_FRAMES: Final = round(2.1 * SCENE_GUARD_S * PROGRAMME_HZ)
"""Shortest silence in whose middle a programme may be cut."""


@dataclass(frozen=True, slots=True)
class Strip:
    """A take on a reel.

    Attributes:
        reel: The file.
        at: Its first sample there.
        frames: Its length.
        energy: Sum of its squares.
    """

    reel: Path
    at: int
    frames: int
    energy: float


class Reel:
    """A reel that is being filled, by one thread.

    Args:
        path: Made anew.

    Raises:
        StorageError: The disk is full or read-only.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._frames = 0
        with storage_errors(path):
            self._file = path.open("wb")

    def add(self, take: Audio) -> Strip:
        """Put a take at the end, at the programme's rate and faded at both ends."""
        samples = take.mono().resampled(PROGRAMME_HZ).samples.copy()
        if fade := min(_EDGE_FRAMES, len(samples) // 2):
            ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
            samples[:fade] *= ramp
            samples[-fade:] *= ramp[::-1]
        with storage_errors(self._path):
            self._file.write(samples.data)
        energy = float(np.einsum("i,i->", samples, samples, dtype=np.float64))
        strip = Strip(self._path, self._frames, len(samples), energy)
        self._frames += len(samples)
        return strip

    def close(self) -> None:
        """Let others read it."""
        with storage_errors(self._path):
            self._file.close()


class ReelProgramme:
    """Strips at their places in a programme: a `Programme`.

    Args:
        strips: Each with its first frame, in order; none reaches into the next.
        frames: Length of the programme.
    """

    def __init__(self, strips: Sequence[tuple[int, Strip]], frames: int) -> None:
        self._strips = strips
        self._starts = [first for first, _ in strips]
        self._frames = frames
        ends = [0, *(first + strip.frames for first, strip in strips)]
        if any(start < end for start, end in zip([*self._starts, frames], ends, strict=True)):
            raise ValueError("a strip begins before the one before it is over")
        self._joints = [
            (end + start) // 2
            for start, end in zip(self._starts[1:], ends[1:-1], strict=True)
            if start - end >= _JOINT_FRAMES
        ]

    @property
    def frames(self) -> int:
        """Length in frames."""
        return self._frames

    @property
    def joints(self) -> Sequence[int]:
        """Middles of the longer silences."""
        return self._joints

    @property
    def energy(self) -> float:
        """Sum of the squares of one channel."""
        return math.fsum(strip.energy for _, strip in self._strips)

    @property
    def sounding(self) -> int:
        """Frames that are no silence between takes."""
        return sum(strip.frames for _, strip in self._strips)

    def read(self, first: int, count: int) -> Samples:
        """Frames ``first`` to ``first + count`` as ``(n, 2)``; fewer only at the end.

        Raises:
            StorageError: A reel is gone.
        """
        return np.repeat(self.read_mono(first, count)[:, None], 2, axis=1)

    def read_mono(self, first: int, count: int) -> Samples:
        """One of the two channels, which are the same."""
        end = min(first + count, self._frames)
        sound = np.zeros(max(0, end - first), np.float32)
        index = max(0, bisect_right(self._starts, first) - 1)
        while index < len(self._strips) and (start := self._starts[index]) < end:
            strip = self._strips[index][1]
            begin, stop = max(first, start), min(end, start + strip.frames)
            if begin < stop:
                sound[begin - first : stop - first] = _samples(strip, begin - start, stop - begin)
            index += 1
        return sound


def _samples(strip: Strip, first: int, count: int) -> Samples:
    # A plain read and no memory map, whose pages would count as memory of this process.
    with storage_errors(strip.reel), strip.reel.open("rb", buffering=0) as file:
        file.seek((strip.at + first) * _SAMPLE_BYTES)
        return np.frombuffer(file.read(count * _SAMPLE_BYTES), np.float32)
