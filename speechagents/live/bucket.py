"""How fast a client may send: a token bucket that says how long to wait, instead of throwing anything away.

Owns the sum. Does not wait, and does not know what is counted.
"""

from __future__ import annotations

from collections.abc import Callable


class Bucket:
    """Full at first.

    Args:
        per_s: How much flows in each second.
        most: How much it holds: what may come at once.
        now: The clock, in seconds.
    """

    def __init__(self, per_s: float, most: float, now: Callable[[], float]) -> None:
        if not (per_s > 0.0 and most > 0.0):
            raise ValueError(f"{per_s} a second and {most} at once let nothing through")
        self._per_s = per_s
        self._most = most
        self._now = now
        self._level = most
        self._at_s = now()

    def take(self, amount: float) -> float:
        """Take so much out; it may be more than there is.

        Returns:
            Seconds to wait before anything more is taken, 0 for none.
        """
        now_s = self._now()
        self._level = min(self._most, self._level + (now_s - self._at_s) * self._per_s) - amount
        self._at_s = now_s
        return max(0.0, -self._level / self._per_s)
