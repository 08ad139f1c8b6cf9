"""The whole studio on loopback, and Chromium with a microphone into which an embedded voice speaks."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile as sf

from speechagents import Studio
from speechagents.serving.serve import Served, start
from speechagents.serving.settings import ServeSettings
from speechagents.voices.synthesizer import SpokenLine, Take
from tests.ui.visiting import open_house, sweep

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RATE_HZ = 48_000
VOICE = "adam"
"""American and low: the embedded recogniser understands hardly any other embedded voice."""
NOISE = 0.0015
"""A room's: without any noise it understands this one neither."""

Microphone = Callable[[Sequence[str | float]], Path]
OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="package")
def server(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All pages and the live stage."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    temporary = os.environ.get("GRADIO_TEMP_DIR")
    data = tmp_path_factory.mktemp("served")
    served = start(ServeSettings(data=data, port=port), house=open_house(studio, data, port=port))
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
def playwright() -> Iterator[Playwright]:
    """What drives the browser."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: .ci/system-packages installs one")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        yield running


@pytest.fixture
def microphone(studio: Studio, tmp_path: Path) -> Microphone:
    """Makes what the person says: sentences and seconds of silence in turn, over and over."""

    def made(parts: Sequence[str | float]) -> Path:
        voice = next(voice for voice in studio.synthesizer.voices if voice.id == VOICE)
        pieces = []
        for part in parts:
            if isinstance(part, str):
                (take,) = studio.synthesizer.speak([SpokenLine(part, voice, language="en")])
                assert isinstance(take, Take)
                samples = take.audio.resampled(RATE_HZ).samples
                pieces.append(0.3 * samples / np.abs(samples).max())
            else:
                pieces.append(np.zeros(round(part * RATE_HZ), np.float32))
        sound = np.concatenate(pieces)
        noise = np.random.default_rng(3).normal(0.0, NOISE, len(sound))
        path = tmp_path / "microphone.wav"
        sf.write(path, (sound + noise).astype(np.float32), RATE_HZ, subtype="PCM_16")
        return path

    return made


@pytest.fixture
def browse(playwright: Playwright, server: Served) -> Iterator[OpenPage]:
    """Opens a page as a visitor of its own; at the end nothing may stand in any console."""
    browsers: list[Browser] = []
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def opened(path: str = "", *, microphone: Path | None = None, width: int = 1440, height: int = 900) -> Page:
        from playwright.sync_api import ConsoleMessage

        def note(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                said.append(f"{path or 'perform'} at {width}: {message.text}")

        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        if microphone is not None:
            arguments += ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
            arguments += [f"--use-file-for-fake-audio-capture={microphone}"]
        if not browsers or microphone is not None:
            browsers.append(playwright.chromium.launch(executable_path=CHROMIUM, args=arguments))
        context = browsers[-1].new_context(
            viewport={"width": width, "height": height},
            permissions=["microphone"] if microphone is not None else [],
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", note)
        page.on("pageerror", lambda error: said.append(f"{path or 'perform'} at {width}: {error}"))
        page.goto(f"{server.url.rstrip('/')}/{path}")
        return page

    yield opened
    for context in contexts:
        context.close()
    for browser in browsers:
        browser.close()
    assert said == []
