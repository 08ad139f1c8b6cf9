"""An event loop in a thread of its own: work is begun from any thread, and can be broken off at any byte.

Owns the thread and its end. Does not know what is done in it.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """The thread ends with `close`, and no later than the object.

    Args:
        name: Of the thread.
        finish: Awaited in the end, when all that was under way is broken off. It must not hold this object, which could
            else not go before the thread does.
    """

    def __init__(self, *, name: str, finish: Callable[[], Awaitable[object]]) -> None:
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run, args=(self._loop, finish), name=name, daemon=True)
        thread.start()
        self._stop = weakref.finalize(self, _stop, self._loop, thread)

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Begin work in the loop; cancelling the future breaks it off."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Break off what is under way, and end the thread."""
        self._stop()


def _run(loop: asyncio.AbstractEventLoop, finish: Callable[[], Awaitable[object]]) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(_finish(finish))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


async def _finish(finish: Callable[[], Awaitable[object]]) -> None:
    under_way = asyncio.all_tasks() - {asyncio.current_task()}
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    await finish()


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    # The last reference may go in the loop itself, which then cannot wait for its own end.
    if thread is not threading.current_thread():
        thread.join()
