"""How often somebody may come: token buckets, a bounded number of them.

Owns the counting. Does not know who comes or what for.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A steady rate and how far it may be exceeded for a moment.

    Attributes:
        per_s: So many a second for ever.
        burst: So many at once after a pause.
    """

    per_s: float
    burst: float


class Buckets:
    """A bucket for each who comes; of those who have not come for longest it forgets that they ever came.

    Args:
        rate: The same for all.
        most: Buckets that are remembered.
        now: The clock, in seconds; its zero does not matter.
    """

    def __init__(self, rate: Rate, *, most: int = 20_000, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._most = most
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait_s(self, who: str) -> float:
        """Count somebody's coming.

        Returns:
            0 if they may come in, else how many seconds they should wait.
        """
        now = self._now()
        level, at = self._buckets.pop(who, (self._rate.burst, now))
        level = min(self._rate.burst, level + (now - at) * self._rate.per_s)
        admitted = level >= 1.0
        self._buckets[who] = (level - 1.0 if admitted else level, now)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0.0 if admitted else (1.0 - level) / self._rate.per_s

    def forgive(self, who: str) -> None:
        """Take back the latest coming of somebody: it was not what is counted here."""
        if who in self._buckets:
            level, at = self._buckets[who]
            self._buckets[who] = (min(self._rate.burst, level + 1.0), at)
