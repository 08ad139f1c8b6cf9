"""The live page in a real browser with a microphone that plays a tone: what reaches the server, what is heard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from speechagents.ui.live import MODULES
from tests.live.fake_stage import RATE_HZ, TOKEN, FakeStage

CHROMIUM = Path("/usr/bin/chromium")
TONE_HZ = 440.0
HOSTILE = '<img src=x onerror="window.hacked = true">'

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")

BOOT = """
import { mount } from "/studio/live/live.js";
const scenes = [{
  key: "example picnic", origin: "Example", title: "City park picnic", setting: "EXT. CITY PARK - DAY",
  background: "Friends meet.", language: "en", open: { example: "city-park-picnic" },
  roles: [{ name: "Ethan", profile: "A guitarist." }, { name: "Sophia", profile: "" }, { name: "Mara", profile: "" }],
}];
mount(document.querySelector("#place"), {
  scenes: async () => ({ scenes }),
  read: async ({ yaml }) => yaml.startsWith("title")
    ? { scene: { ...scenes[0], title: yaml.slice(7) } }
    : { error: "line 1: no scene" },
  address: async () => ({ path: "/v1/realtime", token: %r }),
  production: async () => ({ ready: true, listen: "", files: [{ name: "programme.mp3", url: "/programme.mp3" }] }),
});
"""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Live</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width"></head>
<body><div class="sa-page" id="place"></div><script type="module" src="/boot.js"></script></body></html>"""
# Stricter than Gradio lets the real page be: our own scripts need nothing but themselves and the socket.
POLICY = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; media-src 'self'"
}


def pages(path: str) -> tuple[str, bytes] | None:
    if path == "/":
        return "text/html; charset=utf-8", PAGE.encode()
    if path == "/boot.js":
        return "text/javascript", (BOOT % TOKEN).encode()
    file = MODULES / path.removeprefix("/studio/live/")
    if path.startswith("/studio/live/") and file.parent == MODULES and file.is_file():
        return ("text/css" if file.suffix == ".css" else "text/javascript"), file.read_bytes()
    return None


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    tone = tmp_path_factory.mktemp("microphone") / "tone.wav"
    times = np.arange(48_000 * 4) / 48_000
    sf.write(tone, 0.4 * np.sin(2 * np.pi * TONE_HZ * times), 48_000, subtype="PCM_16")
    playwright: Playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={tone}",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def stage() -> Iterator[FakeStage]:
    with FakeStage(pages, POLICY) as running:
        yield running


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens the page of a stage; at the end nothing may stand in its console that was not expected."""
    contexts: list[BrowserContext] = []
    said: list[str] = []
    expected: list[str] = ["WebSocket connection to"]

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(part in message.text for part in expected):
            said.append(message.text)

    def open_(stage: FakeStage, *, width: int = 1280, microphone: bool = True) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, permissions=["microphone"] if microphone else []
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", note)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(stage.url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []


def step_on_stage(page: Page, stage: FakeStage, role: str = "Mara") -> None:
    page.get_by_label(role).check(force=True)
    page.get_by_role("button", name="Step on stage").click()
    expect(page.locator(".lv-stage")).to_be_visible()
    assert stage.of("drama.scene.open")[-1]["role"] == role


def counters(page: Page) -> dict[str, float]:
    found: dict[str, float] = page.evaluate("window.speechagents.live.counters")
    return found


def until(page: Page, expression: str) -> None:
    """Playwright's own waiting compiles text in the page, which the policy forbids."""
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came true: {expression}")


def loudness(page: Page, seconds: float = 0.3) -> float:
    """Loudest sample at the loudspeaker over a while."""
    found: float = page.evaluate(
        """async (seconds) => {
          const { context, output } = window.speechagents.live.graph;
          const analyser = new AnalyserNode(context, { fftSize: 2048 });
          output.connect(analyser);
          const block = new Float32Array(2048);
          let peak = 0;
          const end = context.currentTime + seconds;
          while (context.currentTime < end) {
            await new Promise((done) => setTimeout(done, 20));
            analyser.getFloatTimeDomainData(block);
            peak = Math.max(peak, ...block.map(Math.abs));
          }
          output.disconnect(analyser);
          return peak;
        }""",
        seconds,
    )
    return found


def test_the_microphone_arrives_as_frames_of_20_ms(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    frames = stage.wait_event("input_audio_buffer.append", 60)
    assert all(len(frame["audio"]) == 1280 for frame in frames), "960 bytes in base64"
    heard = stage.microphone()
    assert len(heard) == 480 * len(stage.of("input_audio_buffer.append"))
    sound = heard[480 * 20 : 480 * 60].astype(float)
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert abs(np.argmax(spectrum) * RATE_HZ / len(sound) - TONE_HZ) < 3
    assert counters(page)["droppedFrames"] == 0


def test_the_token_travels_as_a_subprotocol_and_never_in_the_address(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    assert stage.offers == [("realtime", f"openai-insecure-api-key.{TOKEN}")]
    assert TOKEN not in page.content()
    assert TOKEN not in page.evaluate("JSON.stringify({ ...sessionStorage, ...localStorage })")


def test_an_agent_is_heard_and_read_and_the_server_learns_what_was_played(
    stage: FakeStage, open_page: OpenPage
) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.speak("item_1", "Ethan", "Has anybody seen my amplifier?", 1.5, end=False)
    assert loudness(page) > 0.15
    expect(page.locator(".lv-player.lv-speaks")).to_contain_text("Ethan")
    stage.wait_for(lambda: [e for e in stage.of("drama.playback") if e["played_ms"] == 1500], "the end of the line")
    stage.finish("item_1", "Has anybody seen my amplifier?")
    played = [event["played_ms"] for event in stage.of("drama.playback")]
    assert played == sorted(played)
    assert len(played) >= 4, "on the way, not only at the end"
    stage.message(1, "Ethan", "Has anybody seen my amplifier?")
    expect(page.locator(".lv-log .lv-caption")).to_contain_text("Has anybody seen my amplifier?")
    until(page, "window.speechagents.live.counters.playedItems === 1")
    assert counters(page)["lateFrames"] == 0


def test_a_cut_line_is_silent_and_its_late_sound_is_never_heard(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.speak("item_1", "Ethan", "I could go on for hours", 5.0, end=False)
    assert loudness(page) > 0.15
    stage.clear("item_1")
    until(page, "window.speechagents.live.counters.clearedItems === 1")
    stage.sound("item_1", 1.0)
    assert loudness(page, 0.5) == 0.0
    assert counters(page)["refusedDeltas"] == 25
    assert stage.of("drama.playback")[-1]["played_ms"] < 5000
    stage.message(1, "Ethan", "I could go", cut=True)
    expect(page.locator(".lv-log .lv-cut")).to_be_visible()
    stage.speak("item_2", "Sophia", "My turn.", 1.0)
    assert loudness(page) > 0.15, "the next line is heard"


def test_a_line_is_turned_down_and_comes_back(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.speak("item_1", "Ethan", "Listen to me", 6.0, end=False)
    full = loudness(page)
    stage.tell({"type": "drama.duck", "item_id": "item_1", "gain": 0.3})
    page.wait_for_timeout(150)
    assert loudness(page) == pytest.approx(0.3 * full, rel=0.05)
    stage.tell({"type": "drama.duck", "item_id": "item_1", "gain": 1.0})
    page.wait_for_timeout(150)
    assert loudness(page) == pytest.approx(full, rel=0.05)


def test_what_one_says_is_shown_while_it_is_understood(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.tell({"type": "input_audio_buffer.speech_started", "item_id": "item_9", "audio_start_ms": 100})
    stage.tell({"type": "drama.transcript.partial", "item_id": "item_9", "text": "ethan where"})
    expect(page.locator(".lv-now .lv-mine.lv-partial")).to_contain_text("ethan where")
    stage.tell({"type": "drama.transcript.partial", "item_id": "item_9", "text": "ethan where were you"})
    expect(page.locator(".lv-now .lv-mine.lv-partial")).to_contain_text("ethan where were you")
    stage.message(1, "Mara", "ethan where were you")
    expect(page.locator(".lv-log .lv-mine")).to_contain_text("ethan where were you")
    expect(page.locator(".lv-now .lv-mine")).to_have_count(0)


def test_a_broken_connection_comes_back_and_nothing_is_lost(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.message(1, "Ethan", "Before the break.")
    expect(page.locator(".lv-log")).to_contain_text("Before the break.")
    stage.accepts = False
    stage.hang_up()
    expect(page.locator(".lv-banner")).to_contain_text("Coming back")
    stage.message(2, "Sophia", "Said meanwhile.")
    page.get_by_label("Your line").fill("I am still here.")
    page.keyboard.press("Enter")
    stage.accepts = True
    expect(page.locator(".lv-log")).to_contain_text("Said meanwhile.")
    expect(page.locator(".lv-log .lv-caption")).to_have_count(2)
    expect(page.locator(".lv-banner")).to_be_hidden()
    sent = stage.wait_event("conversation.item.create")
    assert [event["item"]["content"][0]["text"] for event in sent] == ["I am still here."]
    before = len(stage.of("input_audio_buffer.append"))
    stage.wait_for(lambda: len(stage.of("input_audio_buffer.append")) > before + 10, "the microphone goes on")


def test_a_reloaded_page_offers_to_return_and_hears_what_it_had_not_heard(
    stage: FakeStage, open_page: OpenPage
) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.message(1, "Ethan", "Before the reload.")
    stage.speak("item_1", "Sophia", "A long line", 4.0)
    stage.wait_for(lambda: [e for e in stage.of("drama.playback") if e["played_ms"] > 500], "half a second of it")
    page.reload()
    page.get_by_role("button", name="Return to the stage").click()
    expect(page.locator(".lv-log")).to_contain_text("Before the reload.")
    before = max(event["played_ms"] for event in stage.of("drama.playback"))
    stage.wait_for(
        lambda: [e for e in stage.of("drama.playback") if abs(e["played_ms"] - 4000) <= 2], "the rest of the line"
    )
    assert before < 4000
    assert loudness(page, 0.1) < 0.3
    assert page.evaluate("window.speechagents.live.counters.receivedDeltas") < 100, "only what was not heard came again"
    stage.message(2, "Sophia", "A long line")
    expect(page.locator(".lv-log .lv-caption")).to_have_count(2)


def test_a_session_that_is_gone_says_so(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.forgets = True
    stage.hang_up()
    expect(page.locator(".lv-after")).to_contain_text("has ended in the meantime")
    expect(page.get_by_role("link", name="programme.mp3")).to_be_visible()


def test_leaving_says_so_to_the_server_and_links_to_what_was_made(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    page.get_by_role("button", name="Leave").click()
    stage.wait_for(lambda: stage.closed_with, "the end of the connection")
    assert stage.closed_with == [1000]
    expect(page.get_by_role("link", name="programme.mp3")).to_have_attribute("href", "/programme.mp3")
    assert page.evaluate("window.speechagents.live.state") == "lobby"
    page.reload()
    expect(page.get_by_role("button", name="Return to the stage")).to_have_count(0)


def test_muted_the_server_hears_silence(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.wait_event("input_audio_buffer.append", 20)
    page.get_by_role("button", name="Mute the microphone").click()
    page.wait_for_timeout(200)
    before = len(stage.of("input_audio_buffer.append"))
    stage.wait_event("input_audio_buffer.append", before + 20)
    assert not np.any(stage.microphone()[480 * (before + 1) :])


def test_push_to_talk_speaks_while_the_space_bar_is_down(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    page.get_by_label("Push to talk").check()
    step_on_stage(page, stage)
    stage.wait_event("input_audio_buffer.append", 20)
    assert not np.any(stage.microphone())
    page.keyboard.down("Space")
    expect(page.locator(".lv-mic.lv-open")).to_be_visible()
    before = len(stage.of("input_audio_buffer.append"))
    stage.wait_event("input_audio_buffer.append", before + 20)
    assert np.abs(stage.microphone()[480 * (before + 10) :]).max() > 3000
    page.keyboard.up("Space")
    expect(page.locator(".lv-mic.lv-open")).to_have_count(0)


def test_without_a_microphone_one_takes_part_in_writing(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage, microphone=False)
    page.get_by_role("button", name="Without a microphone").click()
    page.get_by_label("Your line").fill("Ethan, where were you?")
    page.get_by_label("Your line").press("Enter")
    sent = stage.wait_event("conversation.item.create")[0]["item"]
    assert sent["content"] == [{"type": "input_text", "text": "Ethan, where were you?"}]
    assert stage.of("input_audio_buffer.append") == []


@pytest.mark.parametrize(
    ("error", "clue"),
    [("NotAllowedError", "Allow it"), ("NotFoundError", "No microphone was found"), ("NotReadableError", "in use")],
)
def test_a_microphone_that_does_not_open_is_explained(
    stage: FakeStage, open_page: OpenPage, error: str, clue: str
) -> None:
    page = open_page(stage)
    page.evaluate(
        "name => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', name); }; }", error
    )
    page.get_by_role("button", name="Step on stage").click()
    expect(page.locator(".lv-notice")).to_contain_text(clue)
    assert stage.connections == 0, "nobody takes a place on stage without a voice they meant to have"
    expect(page.get_by_role("button", name="Without a microphone")).to_be_enabled()


def test_a_full_house_is_explained(open_page: OpenPage) -> None:
    with FakeStage(pages, POLICY, refuses=1013) as stage:
        page = open_page(stage)
        page.get_by_role("button", name="Step on stage").click()
        expect(page.locator(".lv-notice")).to_contain_text("All places on stage are taken")
        expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_scene_of_ones_own_is_checked_before_it_is_offered(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    page.get_by_text("Use a scene of your own").click()
    page.get_by_label("Scene file (YAML)").fill("nonsense")
    page.get_by_role("button", name="Use this scene").click()
    expect(page.get_by_role("alert")).to_contain_text("line 1")
    page.get_by_label("Scene file (YAML)").fill("title: Mine")
    page.get_by_role("button", name="Use this scene").click()
    step_on_stage(page, stage)
    assert stage.of("drama.scene.open")[0]["scene"] == {"yaml": "title: Mine"}


def test_texts_of_strangers_stay_texts(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    stage.message(1, HOSTILE, HOSTILE)
    stage.speak("item_1", HOSTILE, HOSTILE, 0.2, end=False)
    stage.tell({"type": "error", "error": {"code": "x", "message": HOSTILE}})
    expect(page.locator(".lv-log")).to_contain_text(HOSTILE)
    expect(page.locator(".lv-banner")).to_contain_text(HOSTILE)
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen(stage: FakeStage, open_page: OpenPage, width: int) -> None:
    page = open_page(stage, width=width)
    expect(page.get_by_role("button", name="Step on stage")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    step_on_stage(page, stage)
    stage.message(1, "Ethan", "Donaudampfschifffahrtsgesellschaftskapitän" * 6)
    expect(page.locator(".lv-log .lv-caption")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_counters_are_for_reading_only(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    page.evaluate("try { window.speechagents.live.counters.playedItems = 99; } catch {}")
    assert counters(page)["playedItems"] == 0
    assert json.loads(page.evaluate("JSON.stringify(window.speechagents.live.metrics)")) == []


def test_state_is_what_a_reload_needs_and_no_more(stage: FakeStage, open_page: OpenPage) -> None:
    page = open_page(stage)
    step_on_stage(page, stage)
    until(page, "sessionStorage.getItem('speechagents.live') !== null")
    kept: dict[str, Any] = json.loads(page.evaluate("sessionStorage.getItem('speechagents.live')"))
    assert sorted(kept) == ["at", "microphone", "pushToTalk", "stage", "transport"]
