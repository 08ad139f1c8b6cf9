"""Tells of downloads in lines of text.

Owns the sentences and how often one is written. Knows only the events of `weights_fetching`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TextIO

from speechagents.drama import clean_name
from speechagents.weights import size
from speechagents.weights_fetching import FetchBegins, FetchDone, FetchEvent, FetchProgress, FetchWaits

_LINE_EVERY_S: Final = 10.0
"""Seconds between two lines of progress."""


class FetchLines:
    """Writes a line for what happens, and one of progress now and then.

    Args:
        stream: Where to.
        clock: Seconds from any start.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._next_s = 0.0

    def __call__(self, event: FetchEvent) -> None:
        """Write what is worth a line."""
        now_s = self._clock()
        if isinstance(event, FetchProgress) and now_s < self._next_s:
            return
        self._next_s = now_s + _LINE_EVERY_S
        self._stream.write(f"{clean_name(sentence(event))}\n")
        self._stream.flush()


def sentence(event: FetchEvent) -> str:
    """What happened, for people."""
    match event:
        case FetchBegins():
            here = f", {size(event.here_bytes)} of it here already" if event.here_bytes else ""
            return f"fetching {event.weights}: {size(event.total_bytes)}{here}; into {event.folder}"
        case FetchWaits():
            return f"waiting: another process is fetching {event.weights.repo}"
        case FetchProgress():
            share = 100 * event.done_bytes / max(event.total_bytes, 1)
            return f"{event.weights.repo}: {size(event.done_bytes)} of {size(event.total_bytes)} ({share:.0f} %)"
        case FetchDone():
            return f"{event.weights.repo} is here: {size(event.total_bytes)}, {size(event.fetched_bytes)} fetched"
