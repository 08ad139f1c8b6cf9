"""The finished mix as exports see it: random access to stereo sound, and the places where it may be cut.

Owns the protocol alone. Mixing writes programmes (`mixfile`), exports read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from speechagents.audio import Samples

PROGRAMME_HZ = 44_100
"""Rate of mixes and stems: what shops demand of MP3 files, and every codec but Opus takes as it is."""


class Programme(Protocol):
    """A stereo mix at `PROGRAMME_HZ` that is complete. `read` may be called from several threads at once."""

    @property
    def frames(self) -> int:
        """Length in frames."""

    @property
    def joints(self) -> Sequence[int]:
        """Frames, ascending, with at least `SCENE_GUARD_S` of digital silence on either side: scene starts."""

    def read(self, first: int, count: int) -> Samples:
        """Frames ``first`` to ``first + count`` as float32 of shape ``(count, 2)``; fewer only at the end."""
