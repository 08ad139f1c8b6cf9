"""Whether an endpoint is given requests: a circuit breaker.

Owns what failures, refusals and pleas for rest add up to. Does not know what is asked or how it travels, and has no
clock: whoever uses it says what time it is.

An endpoint that fails several times in a row, or asks for rest, rests: for as long as it asks, else for longer and
longer. Then it is given one request, the *probe*; the answer to that opens it again, and anything else sends it back to
rest. What was sent before it came to rest, and comes back later, changes nothing.
"""

from __future__ import annotations

import math
from typing import Final

from speechagents.controllers.retrying import Backoff

MAX_REST_S: Final = 300.0
"""No endpoint is left alone for longer, whatever it asks."""

_TRIPS: Final = 3
"""Failures in a row after which an endpoint rests."""
_RESTS: Final = Backoff(first_s=1.0, most_s=30.0)


class Health:
    """How an endpoint is doing.

    Args:
        name: Of the endpoint; decides the draws of its rests.

    Attributes:
        why: Its latest trouble, for people; empty while it has none.
        barred: It will never do: its key, its model or its address is wrong.
    """

    def __init__(self, name: str) -> None:
        self.why = ""
        self.barred = False
        self._name = name
        self._until_s = -math.inf
        self._streak = 0
        self._failing: set[object] = set()  # for whom it failed in this streak; two are enough to know
        self._rests = 0
        self._suspect = False
        self._probing = False

    @property
    def is_up(self) -> bool:
        """It answered last time, or was not asked yet."""
        return not self._suspect and not self.barred

    @property
    def opens_s(self) -> float:
        """From when on it may be asked; never while it is probed, or barred."""
        return math.inf if self.barred or self._probing else self._until_s

    def is_ready(self, now_s: float) -> bool:
        """Whether it may be asked now."""
        return now_s >= self.opens_s

    def begin(self) -> bool:
        """It is asked; whether this is the probe, which is to be said again of how it ended."""
        self._probing = self._suspect
        return self._probing

    def answered(self, *, probe: bool) -> None:
        """It gave an answer."""
        if self._suspect and not probe:
            return
        self._suspect = self._probing = False
        self._streak = self._rests = 0
        self._failing.clear()
        self.why = ""

    def failed(self, why: str, now_s: float, *, probe: bool, whose: object, gone: bool = False) -> bool:
        """It gave none.

        Args:
            why: What happened.
            now_s: The time.
            probe: It was the probe.
            whose: For whom it failed: an endpoint that fails for several is at fault, one that fails for the same one
                again and again need not be.
            gone: It is not there at all.

        Returns:
            Whether whoever asked may be at fault.
        """
        out_of_order = self._suspect
        self._streak += 1
        if len(self._failing) < 2:
            self._failing.add(whose)
        if probe or not self._suspect:
            self.why = why
            if probe or gone or self._streak >= _TRIPS:
                out_of_order = True
                self._rest(now_s, None)
        return not (gone or (out_of_order and len(self._failing) > 1))

    def limited(self, why: str, now_s: float, *, probe: bool, rest_s: float | None) -> None:
        """It asks to be left alone.

        Args:
            why: What it said.
            now_s: The time.
            probe: It was the probe.
            rest_s: For how long; None if it does not say.
        """
        if probe or not self._suspect:
            self.why = why
            self._rest(now_s, rest_s)
        elif rest_s is not None:
            # Of several that come back at once, the one that asks for most is believed.
            self._until_s = max(self._until_s, now_s + min(rest_s, MAX_REST_S))

    def bar(self, why: str) -> None:
        """It will never do."""
        self.why = why
        self.barred = True

    def let_go(self, *, probe: bool) -> None:
        """It was asked, and the answer was not waited for."""
        if probe:
            self._probing = False

    def _rest(self, now_s: float, rest_s: float | None) -> None:
        self._rests += 1
        if rest_s is None:
            rest_s = _RESTS.wait_s(self._rests, seed=self._name)
        self._until_s = now_s + min(rest_s, MAX_REST_S)
        self._suspect = True
        self._probing = False
