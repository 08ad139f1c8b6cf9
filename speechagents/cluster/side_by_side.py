"""The same work on many things by a few threads.

Owns that no more is taken than is worked on, and that the first trouble ends it. Does not know what the work is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Thing = TypeVar("_Thing")


def side_by_side(work: Callable[[_Thing], object], things: Iterable[_Thing], *, threads: int) -> None:
    """Do the work for each thing, in any order.

    Args:
        work: Called by several threads.
        things: Taken one by one, by one thread at a time.
        threads: How many; the only one is the caller's.

    Raises:
        BaseException: What the first work that failed has raised; nothing more is begun then.
    """
    if threads == 1:
        for thing in things:
            work(thing)
        return
    waiting = iter(things)
    turn = threading.Lock()
    over = threading.Event()

    def work_on() -> None:
        while not over.is_set():
            with turn:
                try:
                    thing = next(waiting)
                except StopIteration:
                    return
            try:
                work(thing)
            except BaseException:
                over.set()
                raise

    with ThreadPoolExecutor(threads, thread_name_prefix="speechagents-store") as pool:
        running = [pool.submit(work_on) for _ in range(threads)]
        try:
            for one in running:
                one.result()
        finally:
            over.set()
