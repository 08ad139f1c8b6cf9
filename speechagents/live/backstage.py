"""Work that takes time: done in threads, in an order that keeps the record true.

Owns the order: what is recorded is recorded one after the other, and a thought is begun once everything asked for
before it is recorded. Does not know what is recorded or thought. A thought that nobody wants any more holds nothing up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from typing import Final, TypeVar

from speechagents.errors import SpeechAgentsError

_LOG: Final = logging.getLogger(__name__)
_Result = TypeVar("_Result")


class Backstage:
    """The work of one session. Everything but the work itself runs in the event loop.

    Args:
        threads: Where the work is done; sessions share it.
        failed: Told, for people, what could not be done.
    """

    def __init__(self, threads: Executor, failed: Callable[[str], None]) -> None:
        self._threads = threads
        self._failed = failed
        self._jobs: asyncio.Queue[Callable[[], Awaitable[None]] | None] = asyncio.Queue()
        self._thoughts: set[asyncio.Task[None]] = set()
        self._worker = asyncio.create_task(self._work_off())

    def record(self, work: Callable[[], _Result], then: Callable[[_Result], None]) -> None:
        """Do something after everything that was asked to be recorded before, then something with its result."""

        async def job() -> None:
            await self._do(work, then)

        self._jobs.put_nowait(job)

    def think(
        self, work: Callable[[], _Result], then: Callable[[_Result], None], *, wanted: Callable[[], bool]
    ) -> None:
        """Do something once everything before is recorded, unless it is no longer wanted then."""

        async def job() -> None:
            if wanted():
                thought = asyncio.create_task(self._do(work, then))
                self._thoughts.add(thought)
                thought.add_done_callback(self._thoughts.discard)

        self._jobs.put_nowait(job)

    async def close(self) -> None:
        """Finish what was asked for, thoughts that still go on included."""
        self._jobs.put_nowait(None)
        await self._worker
        await asyncio.gather(*self._thoughts)

    async def _work_off(self) -> None:
        while (job := await self._jobs.get()) is not None:
            await job()

    async def _do(self, work: Callable[[], _Result], then: Callable[[_Result], None]) -> None:
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except SpeechAgentsError as error:
            self._failed(str(error))
        except Exception:  # noqa: BLE001 - logged and told; the other sessions of this server go on
            _LOG.exception("a live scene broke off")
            self._failed("something went wrong here; the production holds everything up to now")
        else:
            then(result)
