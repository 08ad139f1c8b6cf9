"""The pictures of the README: ``python -m benchmarks.screenshots`` takes them anew, from the real app.

Needs the extra ``[test]`` and Chromium. Every picture shows work that was really done: a script performed, a scene
improvised, a person on stage whose microphone plays an embedded voice.
"""

from __future__ import annotations

import argparse
import io
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile as sf
from PIL import Image
from playwright.sync_api import BrowserType, Page, ViewportSize, sync_playwright

from benchmarks.live_speech import SPOKEN
from speechagents.audio import Audio
from speechagents.resources import resource
from speechagents.serving.house import House
from speechagents.serving.serve import start
from speechagents.serving.settings import ServeSettings

WIDE = ViewportSize(width=1440, height=900)
PHONE = ViewportSize(width=390, height=844)
COLOURS = 256
PATIENCE_MS = 240_000
ASKED = ("sophia-monday", "leo-guitar", "maya-book")
RATE_HZ = 48_000


def main() -> None:
    """Take all pictures, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*PICTURES, []], help="only these")
    names = parser.parse_args().names or list(PICTURES)
    folder = resource("assets") / "screenshots"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        settings = ServeSettings(port=_free_port(), data=Path(scratch) / "data")
        with House(settings) as house:
            microphone = _microphone(Path(scratch) / "microphone.wav")
            served = start(settings, house=house)
            try:
                with sync_playwright() as playwright:
                    for name in names:
                        _take(playwright.chromium, served.url, microphone, name, folder)
            finally:
                served.stop()


def _take(chromium: BrowserType, url: str, microphone: Path, name: str, folder: Path) -> None:
    path, play = PICTURES[name]
    arguments = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    arguments += ["--autoplay-policy=no-user-gesture-required", f"--use-file-for-fake-audio-capture={microphone}"]
    browser = chromium.launch(executable_path=_chromium(), args=arguments)
    context = browser.new_context(viewport=WIDE, permissions=["microphone"])
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{url}{path}")
    page.wait_for_selector("#sa-main")
    play(page)
    for width, viewport in (("1440", WIDE), ("390", PHONE)):
        page.set_viewport_size(viewport)
        page.wait_for_timeout(800)
        picture = Image.open(io.BytesIO(page.screenshot()))
        small = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(folder / f"{name}-{width}.png", optimize=True)
        print(folder / f"{name}-{width}.png")
    browser.close()


def _perform(page: Page) -> None:
    page.locator("#sa-examples button").nth(1).click()
    page.wait_for_selector("#sa-results [data-sa-player]")
    page.locator("#sa-desk").scroll_into_view_if_needed()


def _timeline(page: Page) -> None:
    _perform(page)
    page.locator("#sa-results").scroll_into_view_if_needed()


def _improvise(page: Page) -> None:
    page.locator("[data-example=city-park-picnic]").click()
    page.wait_for_timeout(1_500)
    page.get_by_label("Turns").fill("10")
    page.get_by_role("button", name="Play the scene", exact=True).click()
    page.locator("[data-look='4']").click()
    page.get_by_text("Backstage: nobody in the scene sees any of this.").wait_for()


def _live_lobby(page: Page) -> None:
    page.get_by_label("Daniel").check(force=True)


def _live_stage(page: Page) -> None:
    _live_lobby(page)
    page.get_by_role("button", name="Step on stage").click()
    page.locator(".lv-log .lv-mine").nth(1).wait_for()
    page.wait_for_timeout(2_500)
    page.locator(".lv-player.lv-speaks").first.wait_for()
    page.evaluate("scrollTo(0, 0)")


def _productions(page: Page) -> None:
    page.goto(page.url.replace("productions", ""))
    page.locator("#sa-examples button").first.click()
    page.wait_for_selector("#sa-results [data-sa-player]")
    page.get_by_role("link", name="Productions").first.click()
    page.wait_for_timeout(3_000)


def _wait(page: Page) -> None:
    page.wait_for_timeout(3_000)


PICTURES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "start": ("", _wait),
    "perform": ("", _perform),
    "timeline": ("", _timeline),
    "improvise": ("improvise", _improvise),
    "live-lobby": ("live", _live_lobby),
    "live-stage": ("live", _live_stage),
    "cast": ("cast", _wait),
    "productions": ("productions", _productions),
    "about": ("about", _wait),
}
"""Address of each page, and what is done on it before the picture is taken."""


def _microphone(path: Path) -> Path:
    """What the person on stage says, over and over."""
    pieces = [np.zeros(3 * RATE_HZ, np.float32)]
    for name in ASKED:
        speech = Audio.read(SPOKEN / f"{name}.flac").mono().resampled(RATE_HZ).samples
        pieces += [0.3 * speech / np.abs(speech).max(), np.zeros(9 * RATE_HZ, np.float32)]
    sound = np.concatenate(pieces)
    sf.write(path, sound + np.random.default_rng(3).normal(0.0, 0.0015, len(sound)), RATE_HZ, subtype="PCM_16")
    return path


def _chromium() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("no Chromium on this machine: .ci/system-packages installs one")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
