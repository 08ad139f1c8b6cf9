"""File formats of sound, written as packets arrive.

Each writer puts down its header first, for which it needs to know how much will come but not what, and fills in
what only the packets tell (sizes, offsets) at the end, in place. So files are ready to be played from the first
byte without being copied once more, and no format needs more memory than its index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Container(Protocol):
    """A file in the making."""

    def write(self, packets: Sequence[bytes]) -> None:
        """Add packets in order."""

    def finish(self) -> None:
        """Complete the file after the last packet."""
