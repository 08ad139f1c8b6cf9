"""Mixes of scenes on disk, and the programme they add up to.

Owns the files in ``work/``: raw float32 stereo, one for each scene, written by the thread that mixes the scene and
read by others while it grows. Disk is the buffer between speaking, listening and encoding, so memory does not
grow with the programme. Does not know how scenes are mixed or encoded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from speechagents.audio import Samples
from speechagents.production.storage import storage_errors

FRAME_BYTES = 8
"""Two channels of float32."""


class MixFile:
    """The mix of one scene, on disk.

    Reads are plain reads rather than a memory map, whose pages would count as memory of this process, and open the
    file each time, so that a script of thousands of scenes needs no more file descriptors than threads.

    Args:
        path: Made anew by the first `append`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._frames = 0

    @property
    def frames(self) -> int:
        """Frames that can be read now. Grows only."""
        return self._frames

    def append(self, block: Samples) -> None:
        """Add float32 frames of shape ``(n, 2)``; one thread only.

        Raises:
            StorageError: The disk is full.
        """
        with storage_errors(self._path), self._path.open("ab" if self._frames else "wb") as file:
            file.write(np.ascontiguousarray(block, np.float32).data)
        self._frames += len(block)

    def read(self, first: int, count: int) -> Samples:
        """Frames ``first`` to ``first + count``, fewer at the end of what is there."""
        count = max(0, min(count, self._frames - first))
        if count == 0:
            return np.zeros((0, 2), np.float32)
        with storage_errors(self._path), self._path.open("rb") as file:
            file.seek(first * FRAME_BYTES)
            data = file.read(count * FRAME_BYTES)
        return np.frombuffer(data, np.float32).reshape(-1, 2)


class MixedProgramme:
    """Scene mixes end to end: a `Programme`.

    Args:
        scenes: Mixes that are complete, in order.
    """

    def __init__(self, scenes: Sequence[MixFile]) -> None:
        self._scenes = scenes
        self._starts = [0]
        for scene in scenes:
            self._starts.append(self._starts[-1] + scene.frames)

    @property
    def frames(self) -> int:
        """Length in frames."""
        return self._starts[-1]

    @property
    def joints(self) -> Sequence[int]:
        """Starts of the scenes but the first."""
        return self._starts[1:-1]

    def read(self, first: int, count: int) -> Samples:
        """Frames ``first`` to ``first + count`` as ``(n, 2)``; fewer only at the end."""
        end = min(first + count, self.frames)
        pieces = []
        while first < end:
            index = bisect_right(self._starts, first) - 1
            pieces.append(self._scenes[index].read(first - self._starts[index], end - first))
            first += len(pieces[-1])
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate(pieces) if pieces else np.zeros((0, 2), np.float32)
