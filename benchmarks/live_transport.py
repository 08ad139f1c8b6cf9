"""From the microphone to the loudspeaker of a page: what the way there and back takes, and Gradio's own beside it.

Owns the browser, its microphone, and which pip that comes out is which that went in. What answers is in `live_echo`.

Chromium runs without a screen and with a microphone that plays a file of pips, short tones of eight pitches at uneven
distances. A probe in the page hears both ends on one clock: the node of the microphone (what the browser gives to
pages) and the last node before the loudspeaker. In between lie, for the stage, the capture worklet with its frame of
20 ms, the page's main thread, the WebSocket to the server and back, the server's own parsing, checking, queueing and
framing, and the page's playback queue with its prebuffer of 40 ms. Each pip is a line of its own, which starts with an
empty queue, as the lines of a scene do. What the sound card, the browser's input and output buffers and its echo
canceller take is not in the figures: it is the same for both transports, and not ours.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile as sf

from benchmarks.live_echo import PAGES
from benchmarks.live_figures import share, spread

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = "/usr/bin/chromium"
PITCHES_HZ = (500, 640, 820, 1050, 1340, 1710, 2190, 2800)
LEAST_PREBUFFER_MS = 40.0
_RATE_HZ = 48_000
_TONE_S = 0.02
_TAPE_S = 120.0
_PITCH_TOLERANCE = 0.05
_LONGEST_WAY_S = 5.0
"""Less than it takes until the same pitch comes again."""


@dataclass(frozen=True, slots=True)
class Pip:
    """A pip that was heard.

    Attributes:
        ear: ``microphone`` or ``loudspeaker``.
        at_s: When it began, on the page's audio clock.
        pitch_hz: Its pitch.
        prebuffer_ms: What the page's playback queue waited for then: more than 40 ms after sound had come late.
    """

    ear: str
    at_s: float
    pitch_hz: float
    prebuffer_ms: float = 0.0


def tape(seed: int = 1) -> tuple[np.ndarray, list[float]]:
    """What the microphone plays, and when its pips begin: uneven, so that no echo canceller finds a rhythm in it."""
    random = np.random.default_rng(seed)
    sound = np.zeros(round(_TAPE_S * _RATE_HZ), np.float32)
    times = np.arange(round(_TONE_S * _RATE_HZ)) / _RATE_HZ
    starts: list[float] = []
    at_s = 1.0
    while at_s < _TAPE_S - 1.0:
        first = round(at_s * _RATE_HZ)
        pitch = PITCHES_HZ[len(starts) % len(PITCHES_HZ)]
        sound[first : first + times.size] = 0.6 * np.sin(2 * np.pi * pitch * times)
        starts.append(at_s)
        at_s += float(random.uniform(0.65, 0.95))
    return sound, starts


def ways(heard: Sequence[Pip]) -> tuple[list[tuple[float, Pip]], int]:
    """Seconds from microphone to loudspeaker of each pip that arrived, and how many did not.

    A pip that went in too late to be missed yet is left out.
    """
    outgoing = [pip for pip in heard if pip.ear == "loudspeaker"]
    last_s = max((pip.at_s for pip in heard), default=0.0)
    found: list[tuple[float, Pip]] = []
    lost = 0
    for pip in heard:
        if pip.ear != "microphone" or _number(pip) is None:
            continue
        way = next(
            (
                (other.at_s - pip.at_s, other)
                for other in outgoing
                if _number(other) == _number(pip) and 0.0 < other.at_s - pip.at_s < _LONGEST_WAY_S
            ),
            None,
        )
        if way is not None:
            outgoing.remove(way[1])
            found.append(way)
        elif pip.at_s < last_s - _LONGEST_WAY_S:
            lost += 1
    return found, lost


def _number(pip: Pip) -> int | None:
    """Which of the pitches it is; None for none of them."""
    nearest = min(range(len(PITCHES_HZ)), key=lambda number: abs(PITCHES_HZ[number] - pip.pitch_hz))
    return nearest if abs(pip.pitch_hz / PITCHES_HZ[nearest] - 1.0) <= _PITCH_TOLERANCE else None


def measure(seconds: float) -> dict[str, Any]:
    """Ours, then Gradio's with its usual and with its shortest sensible interval, each for so many seconds."""
    with tempfile.TemporaryDirectory() as scratch:
        pips = Path(scratch) / "pips.wav"
        sf.write(pips, tape()[0], _RATE_HZ, subtype="PCM_16")
        return {
            "stage": _stage(pips, seconds),
            "gradio_every_500_ms": _gradio(pips, seconds, every_s=0.5),
            "gradio_every_100_ms": _gradio(pips, seconds, every_s=0.1),
        }


def _stage(pips: Path, seconds: float) -> dict[str, Any]:
    with _echo("stage", "/transport.html") as url, _page(pips) as page:
        page.goto(f"{url}/transport.html")
        page.evaluate("() => benchmark.open()")
        about = _listened(page, seconds)
    latencies = {name: round(about[name], 1) for name in ("baseLatencyMs", "outputLatencyMs")}
    counters = {name: about[name] for name in ("prebufferMs", "gaps", "lateFrames", "playedFrames", "droppedFrames")}
    return {**about["way"], "counters": counters, "not_included": latencies}


def _gradio(pips: Path, seconds: float, *, every_s: float) -> dict[str, Any]:
    probe = f"globalThis.probeSource = {json.dumps((PAGES / 'probe-worklet.js').read_text('utf-8'))};"
    hooks = (PAGES / "gradio-probe.js").read_text("utf-8")
    with _echo("gradio", "/", "--every", str(every_s)) as url, _page(pips) as page:
        page.add_init_script(f"{probe}\n{{\n{hooks}\n}}")
        page.goto(f"{url}/")
        page.get_by_role("button", name="Record").click(timeout=60_000)
        return dict(_listened(page, seconds)["way"])


def _listened(page: Page, seconds: float) -> dict[str, Any]:
    page.wait_for_timeout(1000 * seconds)
    heard = [
        Pip(pip["ear"], pip["at"], pip["pitch"], pip.get("prebufferMs", 0.0))
        for pip in page.evaluate("() => benchmark.heard()")
    ]
    found, lost = ways(heard)
    way = {"ms": spread([1000 * way for way, _ in found]), "lost_percent": share(lost, lost + len(found))}
    punctual = [1000 * way for way, pip in found if pip.prebuffer_ms == LEAST_PREBUFFER_MS]
    if punctual:
        way["ms_at_least_prebuffer"] = spread(punctual)
    return dict(page.evaluate("() => benchmark.about()")) | {"way": way}


@contextmanager
def _echo(which: str, path: str, *options: str) -> Iterator[str]:
    """An echo server in a process of its own; its address."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.live_echo", which, str(port), *options]
    # Gradio complains of its own streaming whenever the browser asks for a part of what is still growing.
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL if which == "gradio" else None)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_answers(url + path, process)
        yield url
    finally:
        process.kill()
        process.wait()


@contextmanager
def _page(pips: Path) -> Iterator[Page]:
    from playwright.sync_api import sync_playwright

    arguments = [
        "--no-sandbox",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={pips}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser.new_context(permissions=["microphone"]).new_page()
        finally:
            browser.close()


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_until_answers(url: str, process: subprocess.Popen[Any], within_s: float = 120.0) -> None:
    """Wait until a server that was just started answers."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise SystemExit(f"{url}: the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit(f"{url}: no answer within {within_s:g} s")


def rows(report: Mapping[str, Any]) -> Iterator[str]:
    """The figures as lines of a table."""
    names = {"stage": "live stage", "gradio_every_500_ms": "Gradio, 500 ms", "gradio_every_100_ms": "Gradio, 100 ms"}
    yield f"{'transport':<16}{'pips':>6}{'p50 ms':>9}{'p95 ms':>9}{'most ms':>9}{'lost %':>8}"
    for key, name in names.items():
        way, lost = report[key]["ms"], report[key]["lost_percent"]
        values = [f"{way.get(column, '-'):>9}" for column in ("p50", "p95", "most")]
        yield f"{name:<16}{way['count']:>6}{''.join(values)}{lost:>8}"
