"""What a simulation may cost: scenes, requests, tokens and seconds.

Owns the sums, and two decisions: whether one more scene fits, by what scenes have cost so far, and whether one more
request may be sent. The first keeps scenes from being begun that could not be finished; the second holds where the
first was wrong. Does not know what is played, nor who is asked.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from speechagents.errors import SettingsError

MOST: Final = 10**15


class BrokenOffError(Exception):
    """A scene cannot go on, and is not at fault: the budget is spent, or the run ends."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Most that a run may cost, what is finished already included; 0 for no limit.

    Attributes:
        scenes: Finished scenes.
        requests: Requests sent.
        tokens: Tokens of all answers. Those under way when it is reached may go beyond it.
        seconds: Time that this command takes; what earlier ones took does not count.
    """

    scenes: int = 0
    requests: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        for name in ("scenes", "requests", "tokens", "seconds"):
            if not 0 <= getattr(self, name) <= MOST:
                raise SettingsError(f"a budget of {getattr(self, name)} {name} is not between 0 and {MOST}")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a scene has cost."""

    requests: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Budget:
    """Safe to use from several threads. The clock runs from now on.

    Args:
        caps: What there is.
        now: The clock, in seconds.
    """

    def __init__(self, caps: Caps, *, now: Callable[[], float] = time.monotonic) -> None:
        self._caps = caps
        self._now = now
        self._began_s = now()
        self._lock = threading.Lock()
        self._sums = {"requests": 0, "tokens": 0}
        self._of_scenes = {"requests": 0, "tokens": 0}  # of those that are over
        self._scenes = self._finished = 0
        self._timed_s, self._timed = 0.0, 0
        self._over = ""

    @property
    def left_s(self) -> float | None:
        """Seconds that are left, 0 for none; None where there is no limit."""
        return max(0.0, self._caps.seconds - self._elapsed_s()) if self._caps.seconds else None

    @property
    def over(self) -> str:
        """Why nothing more is sent; empty while something may be."""
        if not self._over:
            self._over = self._spent()
        return self._over

    def stop(self, why: str) -> None:
        """Nothing more is sent, whatever is left."""
        self._over = self._over or why

    def check(self) -> None:
        """Go on only while there is something left.

        Raises:
            BrokenOffError: There is nothing left.
        """
        if self.over:
            raise BrokenOffError(self.over)

    def take_request(self) -> None:
        """One request is about to be sent.

        Raises:
            BrokenOffError: It must not be.
        """
        with self._lock:
            self.check()
            self._sums["requests"] += 1

    def take_tokens(self, tokens: int) -> None:
        """An answer has cost so much."""
        with self._lock:
            self._sums["tokens"] += tokens

    def found(self, spent: Spent) -> None:
        """A scene was finished by an earlier command."""
        with self._lock:
            self._sums["requests"] += spent.requests
            self._sums["tokens"] += spent.tokens
        self._settle(spent, finished=True)

    def scene_over(self, spent: Spent, *, finished: bool) -> None:
        """A scene is over; its requests and tokens were taken already."""
        self._settle(spent, finished=finished)
        self._timed_s += spent.seconds
        self._timed += 1

    def why_full(self, under_way: int) -> str:
        """Why no further scene may begin beside those under way; empty if one may.

        The first scene is played alone where requests or tokens are limited: nobody knows yet what one costs.
        """
        caps = self._caps
        if why := self.over:
            return why
        if caps.scenes and self._finished + under_way >= caps.scenes:
            return f"the budget of {caps.scenes} scenes reaches no further"
        if caps.seconds and self._timed and self._elapsed_s() + self._timed_s / self._timed > caps.seconds:
            return f"the budget of {caps.seconds:g} s reaches no further"
        for what, cap in (("requests", caps.requests), ("tokens", caps.tokens)):
            if not cap:
                continue
            if not self._scenes and under_way:
                return f"what a scene costs of the budget of {cap} {what} is not known yet"
            each = self._of_scenes[what] / self._scenes if self._scenes else 0.0
            if self._of_scenes[what] + (under_way + 1) * each > cap:
                return f"the budget of {cap} {what} reaches no further"
        return ""

    def _settle(self, spent: Spent, *, finished: bool) -> None:
        with self._lock:
            self._of_scenes["requests"] += spent.requests
            self._of_scenes["tokens"] += spent.tokens
            self._scenes += 1
            self._finished += finished

    def _spent(self) -> str:
        caps = self._caps
        if caps.seconds and self._elapsed_s() >= caps.seconds:
            return f"the budget of {caps.seconds:g} s is spent"
        for what, cap in (("requests", caps.requests), ("tokens", caps.tokens)):
            if cap and self._sums[what] >= cap:
                return f"the budget of {cap} {what} is spent"
        return ""

    def _elapsed_s(self) -> float:
        return self._now() - self._began_s
