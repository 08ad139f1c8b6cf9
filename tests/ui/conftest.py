"""A server with all pages that really listens on loopback, and a browser to look at them with."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from speechagents import Studio
from speechagents.live.outbox import Outbox
from speechagents.live.sessions import LiveSession, Sessions, Ticket
from speechagents.serving.house import House
from speechagents.serving.serve import Served, start
from speechagents.serving.settings import ServeSettings
from tests.ui.visiting import open_house, sweep

if TYPE_CHECKING:
    from playwright.sync_api import Browser


async def nobody_plays(ticket: Ticket, outbox: Outbox) -> LiveSession:
    """A stage that these tests do not step on."""
    raise NotImplementedError


@pytest.fixture
def house(studio: Studio, tmp_path: Path) -> Iterator[House]:
    """A house of one test."""
    with open_house(studio, tmp_path / "data") as opened:
        vars(opened)["sessions"] = Sessions(nobody_plays)
        yield opened


@pytest.fixture(scope="package")
def server(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All pages, served."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    temporary = os.environ.get("GRADIO_TEMP_DIR")
    data = tmp_path_factory.mktemp("served")
    opened = open_house(studio, data, port=port)
    vars(opened)["sessions"] = Sessions(nobody_plays)
    served = start(ServeSettings(data=data, port=port), house=opened)
    sweep()
    try:
        yield served
    finally:
        served.stop()
        if temporary is None:
            os.environ.pop("GRADIO_TEMP_DIR", None)
        sweep()


# Of one module: while Playwright is there, its event loop counts as running, and tests with a loop of their own fail.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine; install one to look at the pages")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield opened
        opened.close()
