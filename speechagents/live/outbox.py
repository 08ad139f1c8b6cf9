"""The server events of one session: numbered, waiting to be sent, and kept for a client that comes back.

Owns numbers, order and bounds. Does not know what events mean beyond four things: which newer event makes an older one
stale, which ones are sound, what has to be dropped when a line is cut, and how large they are. One connection reads at
a time, through a `Feed`; everything happens on the loop's thread.

What is kept is bounded however long a client does not read. Events that were sent go first, then those that were not;
a client that comes back is told how many it will never get.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from speechagents.live.drama_events import PARTIAL, QUEUE
from speechagents.live.event_ids import event_id
from speechagents.live.server_events import AUDIO_DELTA


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Bounds of an outbox; a minute of sound takes 3.9 MB.

    Attributes:
        unsent_bytes: More than this waiting for a connected client means that it reads too slowly.
        kept_bytes: Most that is kept, sent or not.
        kept_events: Most events that are kept.
    """

    unsent_bytes: int = 2_000_000
    kept_bytes: int = 4_000_000
    kept_events: int = 8_000

    def __post_init__(self) -> None:
        if not 0 < self.unsent_bytes <= self.kept_bytes:
            raise ValueError(f"{self.unsent_bytes} bytes unsent of {self.kept_bytes} kept are not in order")
        if self.kept_events < 1:
            raise ValueError(f"{self.kept_events} events are less than one")


class FeedEnded(Exception):  # noqa: N818 - the end of reading, not a fault
    """Another connection reads the outbox now, or none."""


class Feed:
    """What one connection is to send; made by `Outbox.attach`.

    Attributes:
        missed: How many events its client does not have and will not get.
    """

    def __init__(self, outbox: Outbox, missed: int) -> None:
        self.missed = missed
        self._outbox = outbox

    async def next(self) -> str:
        """The next event as JSON text, as soon as there is one.

        Raises:
            FeedEnded: This connection is no longer the one that reads.
        """
        return await self._outbox.take(self)


class Outbox:
    """See the module; `put` never waits.

    Args:
        limits: Bounds.
    """

    def __init__(self, limits: OutboxLimits | None = None) -> None:
        self._limits = limits or OutboxLimits()
        self._number = 0
        self._taken = 0
        self._sent: OrderedDict[int, _Kept] = OrderedDict()
        self._unsent: OrderedDict[int, _Kept] = OrderedDict()
        self._sent_bytes = 0
        self._unsent_bytes = 0
        self._allowed_bytes = math.inf
        self._lost_up_to = 0
        self._stale: dict[str, int] = {}
        self._feed: Feed | None = None
        self._slow: Callable[[], None] | None = None
        self._changed = asyncio.Event()

    def put(self, event: Mapping[str, Any]) -> None:
        """Number an event and let it be sent."""
        self._number += 1
        numbered = {**event, "event_id": event_id(self._number)}
        text = json.dumps(numbered, separators=(",", ":"), allow_nan=False)
        kept = _Kept(text, _replaces(event), str(event["item_id"]) if event["type"] == AUDIO_DELTA else "")
        if kept.replaces:
            self._drop_unsent(self._stale.get(kept.replaces, 0))
            self._stale[kept.replaces] = self._number
        self._unsent[self._number] = kept
        self._unsent_bytes += kept.size
        self._trim()
        self._changed.set()
        if self._unsent_bytes > self._allowed_bytes:
            self._complain()

    def withdraw(self, item_id: str) -> None:
        """Forget the sound of an item: what waits to be sent is not, and what was sent is not sent again."""
        for number in [number for number, kept in self._unsent.items() if kept.sound_of == item_id]:
            self._drop_unsent(number)
        for number in [number for number, kept in self._sent.items() if kept.sound_of == item_id]:
            self._sent_bytes -= self._sent.pop(number).size

    def attach(self, after: int, *, slow: Callable[[], None]) -> Feed:
        """Let a connection read; one that did before is through.

        Args:
            after: Number of the last event that its client has, 0 for none.
            slow: Called when the client reads too slowly; its connection should go.
        """
        after = min(after, self._taken)
        again = [number for number in self._sent if number > after]
        for number in reversed(again):
            kept = self._sent.pop(number)
            self._sent_bytes -= kept.size
            if kept.replaces in self._stale:
                continue
            if kept.replaces:
                self._stale[kept.replaces] = number
            self._unsent[number] = kept
            self._unsent.move_to_end(number, last=False)
            self._unsent_bytes += kept.size
        # What is sent again is no sign of a slow client.
        self._allowed_bytes = self._unsent_bytes + self._limits.unsent_bytes
        self._feed = Feed(self, max(0, self._lost_up_to - after))
        self._slow = slow
        self._changed.set()
        return self._feed

    def detach(self, feed: Feed) -> None:
        """Let nobody read until somebody comes back; nothing happens if another connection reads already."""
        if self._feed is feed:
            self._feed = None
            self._slow = None
            self._changed.set()

    async def take(self, feed: Feed) -> str:
        """What `Feed.next` gives."""
        while True:
            if self._feed is not feed:
                raise FeedEnded
            if self._unsent:
                return self._move_first()
            self._changed.clear()
            await self._changed.wait()

    def _move_first(self) -> str:
        number, kept = self._unsent.popitem(last=False)
        self._unsent_bytes -= kept.size
        self._stale.pop(kept.replaces, None)
        self._sent[number] = kept
        self._sent_bytes += kept.size
        self._taken = max(self._taken, number)
        return kept.text

    def _drop_unsent(self, number: int) -> None:
        if (kept := self._unsent.pop(number, None)) is not None:
            self._unsent_bytes -= kept.size
            self._stale.pop(kept.replaces, None)

    def _trim(self) -> None:
        while (
            self._sent_bytes + self._unsent_bytes > self._limits.kept_bytes
            or len(self._sent) + len(self._unsent) > self._limits.kept_events
        ):
            if self._sent:
                self._lost_up_to, kept = self._sent.popitem(last=False)
                self._sent_bytes -= kept.size
            else:
                self._lost_up_to = next(iter(self._unsent))
                self._drop_unsent(self._lost_up_to)
                self._complain()

    def _complain(self) -> None:
        if self._slow is not None:
            self._slow()
            self._slow = None


class _Kept:
    """An event as it is sent; `size` is that of its text, which is ASCII."""

    __slots__ = ("replaces", "size", "sound_of", "text")

    def __init__(self, text: str, replaces: str, sound_of: str) -> None:
        self.text = text
        self.size = len(text)
        self.replaces = replaces
        self.sound_of = sound_of


def _replaces(event: Mapping[str, Any]) -> str:
    """What of an event makes an older one stale, empty for what never is."""
    if event["type"] == PARTIAL:
        return f"{PARTIAL} {event['item_id']}"
    return QUEUE if event["type"] == QUEUE else ""
