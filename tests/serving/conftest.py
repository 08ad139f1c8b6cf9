"""What tests of the server share: a clock that stands still, a house, and servers that really listen on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import pytest

from speechagents import Studio
from speechagents.live.outbox import Outbox
from speechagents.live.sessions import LiveSession, Sessions, Ticket
from speechagents.serving.accounts import add_account
from speechagents.serving.cards import Kind
from speechagents.serving.house import House
from speechagents.serving.serve import Served, start
from speechagents.serving.settings import ServeSettings
from speechagents.serving.tokens import Signer
from speechagents.serving.visitors import Visitor

PASSWORD = "open sesame, please"  # noqa: S105


@dataclass
class Clock:
    """A clock that is moved by hand."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(clock: Clock) -> Signer:
    return Signer(b"a secret of at least 32 bytes for tests", now=clock)


@pytest.fixture
def anna() -> Visitor:
    return Visitor("a" * 32)


@pytest.fixture
def ben() -> Visitor:
    return Visitor("b" * 32)


async def nobody_plays(ticket: Ticket, outbox: Outbox) -> LiveSession:
    """A stage that these tests do not step on."""
    raise NotImplementedError


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_house(studio: Studio, settings: ServeSettings) -> House:
    """A house with the voices of all tests, and an empty stage."""
    house = House(settings, studio=studio, environment={})
    vars(house)["sessions"] = Sessions(nobody_plays)
    return house


@pytest.fixture
def house(studio: Studio, tmp_path: Path) -> Iterator[House]:
    with open_house(studio, ServeSettings(data=tmp_path / "data")) as opened:
        yield opened


def pages(house: House) -> gr.Blocks:
    """Two small pages with a public endpoint and a private one."""

    def whoami(name: str, request: gr.Request) -> str:
        """Say who asks."""
        return f"{name} {house.visitor_of(request).id}"

    demo: gr.Blocks
    with gr.Blocks(title="Pages of tests", analytics_enabled=False) as demo:
        name, answer = gr.Textbox(label="name"), gr.Textbox(label="answer")
        gr.Button("Ask").click(whoami, name, answer, api_name="whoami")
        gr.Button("Secret").click(lambda: "secret", None, answer, api_visibility="private")
        upload = gr.File(label="upload")
        upload.upload(lambda path: Path(path).read_text("utf-8")[:40], upload, answer, api_visibility="private")
        gr.HTML("<b id='mark'>plain</b>", js_on_load="element.querySelector('#mark').textContent = 'scripted'")
    with demo.route("Second", "/second"):
        gr.Markdown("# The second page")
    return demo


def _close_loop_of_gradio() -> None:
    """Gradio makes an event loop for the thread that builds a server, never runs it and never closes it."""
    policy = asyncio.get_event_loop_policy()
    with contextlib.suppress(RuntimeError):
        policy.get_event_loop().close()
        policy.set_event_loop(None)


def _serve(studio: Studio, settings: ServeSettings) -> Iterator[Served]:
    temporary = os.environ.get("GRADIO_TEMP_DIR")
    served = start(settings, house=open_house(studio, settings), build=pages)
    try:
        yield served
    finally:
        served.stop()
        _close_loop_of_gradio()
        gc.collect()  # what the server leaves behind is found now, not in somebody else's test
        if temporary is None:
            os.environ.pop("GRADIO_TEMP_DIR", None)


@pytest.fixture(scope="module")
def server(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for everybody."""
    yield from _serve(studio, ServeSettings(port=free_port(), data=tmp_path_factory.mktemp("open")))


@pytest.fixture(scope="module")
def guarded(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for anna and ben alone."""
    data = tmp_path_factory.mktemp("guarded")
    for name in ("anna", "ben"):
        add_account(data / "users", name, PASSWORD)
    yield from _serve(studio, ServeSettings(port=free_port(), data=data, auth_file=data / "users"))


def put_production(house: House, visitor: Visitor, title: str = "My play") -> str:
    """A production with one export and one take, as far as files are concerned."""
    shelf = house.shelf(visitor)
    production = shelf.create(title, Kind.PERFORM)
    folder = shelf.folder(production)
    (folder / "exports").mkdir(parents=True)
    (folder / "takes").mkdir()
    (folder / "production.json").write_text(
        '{"schema": 1, "title": "x", "state": "done", "duration_s": 2.5, "cast": {"Anna": "adam"}, '
        '"files": ["exports/programme.mp3", "../../secret.key", 7]}',
        "utf-8",
    )
    (folder / "exports" / "programme.mp3").write_bytes(bytes(range(256)) * 8)
    (folder / "takes" / f"{'0' * 64}.flac").write_bytes(b"fLaC")
    (folder / "steps.jsonl").write_text("thoughts\n", "utf-8")
    return production
