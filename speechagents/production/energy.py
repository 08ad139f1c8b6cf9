"""How strong sound is over time: the energy of each tenth of a second.

Owns that one figure, which is all that a timeline needs of a mix that nobody masters. Does not know loudness as ears
have it (`loudness`), which costs ten times as much to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Samples
from speechagents.production.programme import PROGRAMME_HZ

HOP_S: Final = 0.1
"""Length of a hop in seconds; also the distance of gating blocks (BS.1770-4: 400 ms blocks, overlap 75 %)."""


@dataclass(frozen=True, slots=True, eq=False)
class Energy:
    """The energy of a stretch of stereo sound.

    Attributes:
        frames: Length.
        rate_hz: Frames per second.
        square_sums: Sum of the squares of both channels in each hop, the last may be shorter.
    """

    frames: int
    rate_hz: int
    square_sums: NDArray[np.float32]

    @property
    def hop(self) -> int:
        """Frames in a hop."""
        return round(HOP_S * self.rate_hz)

    @property
    def hop_frames(self) -> NDArray[np.int64]:
        """Frames in each entry of `square_sums`."""
        counts = np.full(len(self.square_sums), self.hop, np.int64)
        if len(counts):
            counts[-1] = self.frames - self.hop * (len(counts) - 1)
        return counts


class EnergyMeter:
    """Measures one stretch of stereo sound at `PROGRAMME_HZ` that is fed to it in blocks."""

    def __init__(self) -> None:
        self._hop = round(HOP_S * PROGRAMME_HZ)
        self._square_sums: list[float] = []
        self._rest = np.zeros((0, 2), np.float32)
        self._frames = 0

    def feed(self, block: Samples) -> None:
        """Measure the next frames: float32 of shape ``(n, 2)``, any n."""
        self._frames += len(block)
        joined = np.concatenate((self._rest, block))
        whole = len(joined) // self._hop * self._hop
        hops = joined[:whole].reshape(-1, 2 * self._hop)
        self._square_sums += np.einsum("hf,hf->h", hops, hops).tolist()
        self._rest = joined[whole:].copy()

    def finish(self) -> Energy:
        """What was measured; feed nothing afterwards."""
        if self._rest.size:
            self._square_sums.append(float(np.einsum("fc,fc->", self._rest, self._rest)))
        return Energy(self._frames, PROGRAMME_HZ, np.array(self._square_sums, np.float32))
