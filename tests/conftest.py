"""What tests of several floors share: a small play, and performing it quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
from hypothesis import settings

from speechagents import Studio, actors, backends, doctor
from speechagents.backends import CONTROLLERS, SYNTHESIZERS
from speechagents.events import Event, Finished
from speechagents.settings import PerformSettings

# The same examples in every run, so that a red run is about the change at hand; `--hypothesis-profile=explore` looks
# for new ones.
settings.register_profile("steady", derandomize=True)
settings.register_profile("explore", max_examples=2000)
settings.load_profile("steady")

PLAY = """\
Title: The Umbrella
Author: Nobody

INT. HALLWAY - DAY

ANNA (30s) waits at the door with an umbrella.

ANNA
(whispering)
Is it still raining?

MR BEN
It is not raining, Anna. It is --

ANNA
A flood!

EXT. STREET - CONTINUOUS

MR BEN (V.O.)
That was the day she left.

ANNA
(beat)
Goodbye, house.

MR BEN ^
Goodbye, Anna.
"""

Perform = Callable[..., list[Event]]


@pytest.fixture(autouse=True)
def no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever runs on the machine that tests run on, they find no server unless they start one."""
    monkeypatch.setattr(actors, "find_servers", lambda: ())
    monkeypatch.setattr(doctor, "find_servers", lambda: ())


@pytest.fixture(scope="session")
def studio() -> Iterator[Studio]:
    """Loaded embedded voices."""
    with Studio(jobs=2) as loaded:
        yield loaded


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """A short screenplay as a file."""
    path = tmp_path / "umbrella.fountain"
    path.write_text(PLAY, "utf-8")
    return path


@pytest.fixture
def perform(studio: Studio) -> Perform:
    """Perform a script and collect the events."""

    def run(script: Path, out: Path, *, resume: bool = False, **options: object) -> list[Event]:
        settings = PerformSettings(**{"formats": ("vtt",), **options})  # type: ignore[arg-type]
        return list(studio.perform(script, out=out, settings=settings, resume=resume))

    return run


def finished(events: list[Event]) -> Finished:
    """The last event."""
    assert isinstance(events[-1], Finished)
    return events[-1]


@pytest.fixture
def install_voices(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let a class of a test module stand in for the embedded voices, through the door that plugins use."""

    def install(value: str) -> None:
        points = EntryPoints(
            [
                EntryPoint("espeak", value, SYNTHESIZERS.group),
                EntryPoint("rehearsal", "speechagents.controllers.rehearsal:make_rehearsal", CONTROLLERS.group),
            ]
        )
        monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))

    return install
