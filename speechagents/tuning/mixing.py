"""Which samples a batch is made of: agent data and general instructions, interleaved by the recipe's shares.

Owns that choice, a pure function of seed, shares, sizes and number of the batch: nothing is drawn, so nothing has to be
kept for going on after a break. Does not know samples, nor any model.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

from speechagents.errors import TuningError
from speechagents.tuning.recipe import Mix

_KEPT_ORDERS: Final = 8


class Pool(StrEnum):
    """Where a sample comes from."""

    TURN = "turn"
    NEXT_SPEAKER = "next speaker"
    GENERAL = "general"


_LACKING: Final[Mapping[Pool, str]] = {
    Pool.TURN: "the data holds no turn of this split; gather more scenes, or set agent: 0",
    Pool.NEXT_SPEAKER: "nothing in the data asks who speaks next; set next_speaker: 0",
    Pool.GENERAL: "there are no general instructions of this split; add some, or set agent: 1",
}


@dataclass(frozen=True, slots=True)
class Pick:
    """A sample.

    Attributes:
        pool: Of which.
        index: In it.
    """

    pool: Pool
    index: int


@dataclass(frozen=True, slots=True)
class Mixing:
    """An endless row of samples, cut into batches.

    Of the first so many samples, agent data have their share rounded to a whole sample, and so have the questions who
    speaks next among them. So any batches in a row hold their shares to within one sample. Each pool is gone through in
    epochs, each in an order of its own: no sample comes twice before all others of its pool have come.

    Attributes:
        mix: The shares.
        sizes: Of the pools; a pool that is not named is empty.
        batch: Samples of a batch.
        seed: Of the order.

    Raises:
        TuningError: A pool has a share, but no sample.
    """

    mix: Mix
    sizes: Mapping[Pool, int]
    batch: int
    seed: int
    _agent: Fraction = field(init=False, repr=False)
    _next: Fraction = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # What was written is meant: 0.2 is a fifth, not the nearest binary fraction.
        object.__setattr__(self, "_agent", Fraction(str(self.mix.agent)))
        object.__setattr__(self, "_next", Fraction(str(self.mix.next_speaker)))
        for pool, share in self.shares.items():
            if share and not self.sizes.get(pool):
                raise TuningError(_LACKING[pool], field="data")

    @property
    def shares(self) -> Mapping[Pool, Fraction]:
        """Of all samples."""
        return {
            Pool.TURN: self._agent * (1 - self._next),
            Pool.NEXT_SPEAKER: self._agent * self._next,
            Pool.GENERAL: 1 - self._agent,
        }

    def picks(self, batch: int) -> tuple[Pick, ...]:
        """The samples of a batch.

        Args:
            batch: 0-based number.
        """
        return tuple(self._pick(at) for at in range(batch * self.batch, (batch + 1) * self.batch))

    def batches(self, start: int, end: int) -> Iterator[tuple[Pick, ...]]:
        """The samples of batches ``start`` to ``end`` - 1."""
        return (self.picks(batch) for batch in range(start, end))

    def _pick(self, at: int) -> Pick:
        """A sample of the row; which of its pool follows from how many came before it."""
        agents = _part(at, self._agent)
        if _part(at + 1, self._agent) == agents:
            return self._drawn(Pool.GENERAL, at - agents)
        asked = _part(agents, self._next)
        if _part(agents + 1, self._next) == asked:
            return self._drawn(Pool.TURN, agents - asked)
        return self._drawn(Pool.NEXT_SPEAKER, asked)

    def _drawn(self, pool: Pool, number: int) -> Pick:
        epoch, at = divmod(number, self.sizes[pool])
        return Pick(pool, shuffled(self.sizes[pool], f"{self.seed}\0{pool}\0{epoch}")[at])


@functools.lru_cache(maxsize=_KEPT_ORDERS)
def shuffled(size: int, key: str) -> tuple[int, ...]:
    """The numbers from 0 to ``size`` - 1 in an order that follows from a key alone, on every machine and version."""
    return tuple(sorted(range(size), key=lambda at: hashlib.blake2b(f"{key}\0{at}".encode(), digest_size=8).digest()))


def _part(count: int, share: Fraction) -> int:
    """How many of so many samples a share is, rounded."""
    return (2 * count * share.numerator + share.denominator) // (2 * share.denominator)
