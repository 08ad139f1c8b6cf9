"""Chromium meets the wall: pages work under their policy, sound plays while it is made, alien scripts do not run."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile as sf
from playwright.sync_api import Browser, Page, sync_playwright

from speechagents.audio import Audio
from speechagents.events import Event, SoundReady
from speechagents.serving.cookies import VISITOR_COOKIE
from speechagents.serving.serve import Served
from speechagents.serving.tokens import Purpose
from speechagents.serving.visitors import Visitor

from .conftest import put_production

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here"),
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning",
        "ignore::pytest.PytestUnraisableExceptionWarning",
    ),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, server: Served) -> Iterator[Page]:
    context = chromium.new_context(base_url=server.url)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("button", name="Ask").wait_for()
    yield page
    context.close()


def visitor_of(page: Page, served: Served) -> Visitor:
    value = next(cookie["value"] for cookie in page.context.cookies() if cookie.get("name") == VISITOR_COOKIE)
    parts = served.house.signer.read(Purpose.VISITOR, value)
    assert parts is not None
    return Visitor(parts[0])


def test_a_page_works_under_its_policy_and_asks_nobody_else(chromium: Browser, server: Served) -> None:
    context = chromium.new_context(base_url=server.url)
    page = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/")
    page.get_by_label("name").fill("I am")
    page.get_by_role("button", name="Ask").click()
    page.wait_for_function("[...document.querySelectorAll('textarea,input')].some(e => e.value.startsWith('I am '))")
    page.get_by_text("scripted").wait_for()
    page.set_input_files("input[type=file]", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"was uploaded"})
    page.wait_for_function("[...document.querySelectorAll('textarea,input')].some(e => e.value == 'was uploaded')")
    page.goto("/second")
    page.get_by_role("heading", name="The second page").wait_for()
    assert complaints == []
    own = (server.url, "data:", "blob:")
    assert [url for url in asked if not url.startswith(own)] == []
    context.close()


def test_a_worklet_may_run_and_a_script_written_into_the_page_may_not(page: Page) -> None:
    worklet = """async () => {
        const code = 'registerProcessor("x", class extends AudioWorkletProcessor { process() { return true } })';
        const context = new AudioContext();
        await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], {type: 'text/javascript'})));
        return 'ran';
    }"""
    assert page.evaluate(worklet) == "ran"
    written = """() => new Promise(done => {
        const script = document.createElement('script');
        script.textContent = 'window.evil = true';
        document.head.append(script);
        const image = document.createElement('div');
        image.innerHTML = '<img src="/nothing" onerror="window.evil = true">';
        document.body.append(image);
        image.firstChild.addEventListener('error', () => setTimeout(() => done(window.evil === undefined), 0));
    })"""
    assert page.evaluate(written) is True


def test_sound_plays_while_it_is_made(page: Page, server: Served) -> None:
    visitor = visitor_of(page, server)
    production = put_production(server.house, visitor)
    go_on = threading.Event()
    sound = Audio(np.random.default_rng(7).normal(0, 0.1, (441_000, 2)).astype(np.float32), 44_100)

    def events() -> Iterator[Event]:
        yield SoundReady(0.0, 10.0, read=lambda: sound)
        assert go_on.wait(60)
        yield SoundReady(10.0, 10.0, read=lambda: sound)

    run = server.house.start(visitor, production, "perform", events)
    played = """link => new Promise((done, failed) => {
        const audio = window.sound = new Audio(link);
        audio.addEventListener('timeupdate', () => audio.currentTime > 0.3 && done(audio.currentTime));
        audio.addEventListener('error', () => failed(audio.error.message));
        audio.play();
    })"""
    assert page.evaluate(played, server.house.listen_link(visitor, production)) > 0.3
    assert not run.over, "it plays before the production is finished"
    go_on.set()
    assert run.wait(60)
    page.evaluate("() => window.sound.pause()")


def test_a_take_plays_and_can_be_jumped_in(page: Page, server: Served) -> None:
    visitor = visitor_of(page, server)
    production = put_production(server.house, visitor)
    take = server.house.shelf(visitor).folder(production) / "takes" / f"{'0' * 64}.flac"
    sf.write(take, np.random.default_rng(7).normal(0, 0.1, 22_050 * 5), 22_050)
    jumped = """link => new Promise((done, failed) => {
        const audio = new Audio(link);
        audio.addEventListener('loadedmetadata', () => { audio.currentTime = 3; });
        audio.addEventListener('seeked', () => done([audio.duration, audio.currentTime]));
        audio.addEventListener('error', () => failed(audio.error.message));
    })"""
    link = server.house.link(visitor, production, f"takes/{'0' * 64}.flac")
    assert page.evaluate(jumped, link) == pytest.approx([5.0, 3.0], abs=0.1)
