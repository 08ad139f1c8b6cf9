"""How far a run is, on a clock that is moved by hand."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

from speechagents.controllers.controller import Usage
from speechagents.drama import Line
from speechagents.events import (
    ExportProgress,
    Finished,
    LineFailed,
    SceneOver,
    SoundReady,
    Started,
    Warned,
)
from speechagents.serving.run_view import Ledger, RunState

from .conftest import Clock


def started(lines: int) -> Started:
    return Started("The Umbrella", 1, lines, 2, None, "why", "en")  # type: ignore[arg-type]


def failed(number: int) -> LineFailed:
    return LineFailed(Line(role="Anna", text="Hello.", number=number), "no reason")


def test_progress_is_of_lines_and_then_of_files(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.state = RunState.RUNNING
    ledger.note(started(4))
    assert ledger.view(0, position=0, listen_s=0).progress == 0
    seen = []
    for number in range(4):
        ledger.note(failed(number + 1))
        seen.append(ledger.view(0, position=0, listen_s=0).progress)
    for done in (0.0, 50.0, 100.0):
        ledger.note(ExportProgress("m4b", done, 100.0))
        seen.append(ledger.view(0, position=0, listen_s=0).progress)
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[3] < seen[-1] < 1
    assert ledger.view(0, position=0, listen_s=0).stage == "exporting m4b"


def test_time_left_follows_from_time_taken_and_pauses_do_not_count(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.state = RunState.RUNNING
    ledger.note(started(10))
    assert ledger.view(0, position=0, listen_s=0).seconds_left is None
    clock.now += 6
    for number in range(5):
        ledger.note(failed(number + 1))
    halfway = ledger.view(0, position=0, listen_s=0)
    assert halfway.seconds_left is not None
    assert abs(halfway.elapsed_s / (halfway.elapsed_s + halfway.seconds_left) - halfway.progress) < 1e-9
    ledger.state = RunState.PAUSED
    clock.now += 1_000
    assert ledger.view(0, position=0, listen_s=0).seconds_left == halfway.seconds_left


def test_how_long_a_scene_will_be_nobody_knows(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.state = RunState.RUNNING
    ledger.note(started(0))
    clock.now += 5
    view = ledger.view(0, position=0, listen_s=0)
    assert (view.stage, view.seconds_left) == ("playing", None)
    ledger.note(SceneOver("all is said", 3, 2, 0, Usage()))
    assert ledger.view(0, position=0, listen_s=0).lines == 2


def test_events_are_given_once_and_only_the_latest_are_kept(clock: Clock) -> None:
    ledger = Ledger(clock)
    for number in range(2_000):
        ledger.note(Warned(f"warning {number}"))
        ledger.note(SoundReady(0.0, 0.0, read=lambda: None))  # type: ignore[arg-type,return-value]
    view = ledger.view(0, position=0, listen_s=0)
    assert view.cursor == 2_000
    assert len(view.events) == 400
    assert view.events[-1].number == 2_000
    assert len(view.warnings) == 50
    ledger.note(Warned("one more"))
    assert [seen.event for seen in ledger.view(view.cursor, position=0, listen_s=0).events] == [Warned("one more")]


def test_a_run_that_is_done_is_all_done(clock: Clock) -> None:
    ledger = Ledger(clock)
    ledger.note(started(1))
    ledger.note(Finished(Path("x"), (), 1, 1, 2.0, 1.0, 1, (), MappingProxyType({})))
    ledger.end(RunState.DONE, "")
    view = ledger.view(0, position=3, listen_s=2.0)
    assert (view.state, view.progress, view.seconds_left, view.position, view.listen_s) == ("done", 1.0, 0.0, 0, 2.0)
