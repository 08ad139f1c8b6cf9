"""The items of a conversation as the client knows them.

Owns their ids, their order and the latest of them, for a client that asks. Does not know what they are about; the
record of a scene is the production's message stream.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from speechagents.live import server_events
from speechagents.live.server_events import ServerEvent

_KEPT: Final = 256


class Conversation:
    """The items of one session."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
        self._made = 0
        self._last = ""

    def name(self, kind: str) -> str:
        """A new id, for example ``item_12``."""
        self._made += 1
        return f"{kind}_{self._made:06}"

    @property
    def last(self) -> str:
        """Id of the latest item, empty before the first."""
        return self._last

    def add(self, item: Mapping[str, Any]) -> ServerEvent:
        """Put an item at the end, and give the event that says so."""
        event = server_events.item_added(item, previous_item_id=self._last)
        self._last = str(item["id"])
        self._keep(item)
        return event

    def finish(self, item: Mapping[str, Any]) -> ServerEvent:
        """An item is complete; gives the event that says so."""
        self._keep(item)
        before = ""
        for name in self._items:
            if name == item["id"]:
                break
            before = name
        return server_events.item_done(item, previous_item_id=before)

    def find(self, item_id: str) -> Mapping[str, Any] | None:
        """One of the latest items."""
        return self._items.get(item_id)

    def _keep(self, item: Mapping[str, Any]) -> None:
        self._items[str(item["id"])] = item
        while len(self._items) > _KEPT:
            self._items.popitem(last=False)
