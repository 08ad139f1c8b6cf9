"""Trying again: what is worth it, how often, and how long to wait in between.

Owns the policy. Waits grow exponentially and are drawn evenly from nothing to the whole ("full jitter"), so that
many who were turned away together do not come back together; the draw comes from a seed. Does not know what is tried.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

Result = TypeVar("Result")

Sleep = Callable[[float], Awaitable[object]]
"""Waits for so many seconds."""

RETRIED_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504})
"""HTTP statuses of troubles that pass."""


class TransientError(Exception):
    """A trouble that may pass.

    Args:
        reason: What happened, for people.
        retry_after_s: How long the other side asked to be left alone, in seconds; None if it did not.
        status: HTTP status that says so; 0 where it did not come to one.
    """

    def __init__(self, reason: str, *, retry_after_s: float | None = None, status: int = 0) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s
        self.status = status


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often and after which waits something is tried.

    Attributes:
        attempts: Most tries, the first included.
        first_s: Longest wait before the second try; it doubles from try to try.
        most_s: No wait is longer, whatever the other side asks.
    """

    attempts: int = 4
    first_s: float = 0.5
    most_s: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"{self.attempts} attempts are less than one")
        if not 0.0 < self.first_s <= self.most_s < math.inf:
            raise ValueError(f"waits from {self.first_s} s to {self.most_s} s are not in order")

    def wait_s(self, tried: int, *, seed: str, retry_after_s: float | None = None) -> float:
        """How long to wait after so many tries, in seconds.

        Args:
            tried: From 1.
            seed: Decides the draw.
            retry_after_s: The wait is no shorter than this, up to `most_s`.
        """
        longest = min(self.most_s, self.first_s * 2.0 ** min(tried - 1, 60))
        drawn = longest * _fraction(seed, tried)
        return max(drawn, min(self.most_s, retry_after_s or 0.0))


async def persist(attempt: Callable[[], Awaitable[Result]], *, backoff: Backoff, seed: str, sleep: Sleep) -> Result:
    """Try until it works, or as often as the policy allows.

    Raises:
        TransientError: The last try failed too.
    """
    tried = 1
    while True:
        try:
            return await attempt()
        except TransientError as trouble:
            if tried >= backoff.attempts:
                raise
            wait_s = backoff.wait_s(tried, seed=seed, retry_after_s=trouble.retry_after_s)
        await sleep(wait_s)
        tried += 1


def retry_after_s(value: str | None, *, now: datetime) -> float | None:
    """What a ``Retry-After`` header asks for, in seconds from now; None if it is missing or means nothing.

    Args:
        value: Seconds, or an HTTP date.
        now: What the server's own clock shows, where it says so: clocks differ.
    """
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    when = http_date(text)
    return None if when is None else max(0.0, (when - now).total_seconds())


def http_date(value: str | None) -> datetime | None:
    """The time that an HTTP date names; None if it is none."""
    if not value or len(value) > 100:
        return None
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when


def _fraction(seed: str, tried: int) -> float:
    """Evenly from 0 to 1."""
    digest = hashlib.blake2b(f"{tried} {seed}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / float(1 << 56)
