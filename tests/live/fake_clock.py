"""A clock that stands still until it is told to go on, and waits on it."""

from __future__ import annotations

import asyncio


class FakeClock:
    def __init__(self) -> None:
        self.now_s = 1_000.0
        self.asked_s: list[float] = []
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.asked_s.append(seconds)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now_s + seconds, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everybody whose time has come do what they do without waiting any more."""
        self.now_s += seconds
        due = [woken for at_s, woken in self._waiting if at_s <= self.now_s + 1e-9]
        self._waiting = [entry for entry in self._waiting if entry[0] > self.now_s + 1e-9]
        for woken in due:
            if not woken.done():
                woken.set_result(None)
        await settle()


async def settle() -> None:
    """Let all tasks run as far as they can without the world outside."""
    for _ in range(20):
        await asyncio.sleep(0)
