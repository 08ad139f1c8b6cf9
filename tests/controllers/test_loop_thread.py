"""A loop in a thread of its own: whatever is begun there ends with it."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import CancelledError

import pytest

from speechagents.controllers.loop_thread import LoopThread

WAIT_S = 20.0


class Finishing:
    """Remembers that it was awaited, and in which thread."""

    def __init__(self) -> None:
        self.thread = ""

    async def __call__(self) -> None:
        self.thread = threading.current_thread().name


def named() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


async def name_of_thread() -> str:
    return threading.current_thread().name


async def for_ever(begun: threading.Event) -> None:
    begun.set()
    await asyncio.sleep(3_600)


def test_work_is_done_in_its_thread_and_closing_ends_all_of_it() -> None:
    finishing, begun = Finishing(), threading.Event()
    loop = LoopThread(name="one-loop", finish=finishing)
    assert loop.start(name_of_thread()).result(WAIT_S) == "one-loop"
    going = loop.start(for_ever(begun))
    assert begun.wait(WAIT_S)
    loop.close()
    with pytest.raises(CancelledError):
        going.result(WAIT_S)
    assert finishing.thread == "one-loop"
    assert "one-loop" not in named()
    loop.close()


def test_cancelling_breaks_off_one_and_no_other() -> None:
    loop, begun = LoopThread(name="other-loop", finish=Finishing()), threading.Event()
    going = loop.start(for_ever(begun))
    assert begun.wait(WAIT_S)
    going.cancel()
    assert loop.start(name_of_thread()).result(WAIT_S) == "other-loop"
    loop.close()


def test_it_ends_when_nobody_holds_it() -> None:
    loop = LoopThread(name="lost-loop", finish=Finishing())
    gone = weakref.ref(loop)
    assert "lost-loop" in named()
    del loop
    gc.collect()
    assert gone() is None
    assert "lost-loop" not in named()
