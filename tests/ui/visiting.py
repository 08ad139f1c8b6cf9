"""A house with real voices, and visitors who come through its wall, for tests of pages."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import gradio as gr

from speechagents import Studio
from speechagents.serving.house import House
from speechagents.serving.settings import ServeSettings
from speechagents.serving.visitors import Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Page

ANNA = Visitor("a" * 32)
BEN = Visitor("b" * 32)


def open_house(studio: Studio, data: Path, **options: Any) -> House:
    """A house whose runs end when it is closed."""
    return House(ServeSettings(data=data, **options), studio=studio, environment={"SPEECHAGENTS_SECRET": "s" * 40})


def request_of(visitor: Visitor, **query: str) -> Any:
    """A request as the wall lets it through."""
    return SimpleNamespace(scope={"state": {"visitor": visitor}}, query_params=query, request=None)


def event_of(**data: object) -> gr.EventData:
    """What a piece of HTML says was pressed."""
    return gr.EventData(None, data)


def is_skipped(value: object) -> bool:
    """Whether a handler leaves a component as it is."""
    return bool(value == gr.skip())


def faults_of(page: Page) -> list[str]:
    """What goes wrong on a page from now on: errors on its console, and those that no script of it catches.

    Gradio's client ends its streams when it hides a page, and sometimes does not catch that it did; this is no fault.
    """
    faults: list[str] = []

    def uncaught(error: object) -> None:
        if not str(error).startswith("AbortError: signal is aborted without reason"):
            faults.append(str(error))

    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", uncaught)
    return faults


def sweep() -> None:
    """Find what Gradio's server has left behind now and in silence, not in somebody else's test.

    Among it is an event loop for the thread that starts a server, which it neither runs nor closes.
    """
    policy = asyncio.get_event_loop_policy()
    with contextlib.suppress(RuntimeError):
        if not (loop := policy.get_event_loop()).is_running():
            loop.close()
            policy.set_event_loop(None)
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None
    try:
        gc.collect()
    finally:
        sys.unraisablehook = hook


def lay_out(page: Callable[[House], None], house: House) -> gr.Blocks:
    """A page by itself. Outside of an event loop Gradio would make several, and leave them open."""

    async def laid_out() -> gr.Blocks:
        made: gr.Blocks
        with gr.Blocks() as made:
            page(house)
        return made

    return asyncio.run(laid_out())


def handler(page: gr.Blocks, name: str) -> Callable[..., Any]:
    """A handler of a page by its function's name."""
    return next(one.fn for one in page.fns.values() if one.fn is not None and one.fn.__name__ == name)
