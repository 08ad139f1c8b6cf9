"""Runs in the background: who may work when, pausing, stepping, stopping. Events go on when the test says so."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.errors import ProductionBusy, QuotaError, ScriptError
from speechagents.events import Event, Finished, SoundReady, Started, TurnPassed, Warned
from speechagents.serving.house import House
from speechagents.serving.run_view import RunState
from speechagents.serving.runs import Run, Runs
from speechagents.serving.visitors import Visitor
from speechagents.settings import PerformSettings

PATIENCE_S = 20.0
"""How long a test waits for a thread before it gives up; no test passes by waiting."""

FINISHED = Finished(Path("x"), (), 1, 1, 2.0, 1.0, 1, (), MappingProxyType({}))


class Script:
    """A production that gives its next event when it is told to."""

    def __init__(self) -> None:
        self.given: queue.Queue[Event | Exception | None] = queue.Queue()
        self.asked = threading.Semaphore(0)
        self.closed = threading.Event()

    def begin(self) -> Iterator[Event]:
        try:
            while True:
                self.asked.release()
                event = self.given.get(timeout=PATIENCE_S)
                if event is None:
                    return
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed.set()

    def wait_until_asked(self) -> None:
        assert self.asked.acquire(timeout=PATIENCE_S)


def start(runs: Runs, visitor: Visitor, production: str, script: Script, folder: Path) -> Run:
    return runs.start(visitor, production, "perform", script.begin, listen=folder / f"{production}.mp3")


def until(run: Run, state: RunState) -> None:
    """Wait for a state; the news of each change wakes us."""
    for _ in range(1_000):
        if run.view().state is state:
            return
        run.wait_for_news(run.view().cursor, 0.02)
    raise AssertionError(f"{run.view().state} did not become {state}")


def test_a_run_goes_on_by_itself_and_ends_done(tmp_path: Path, anna: Visitor) -> None:
    runs, script = Runs(1), Script()
    run = start(runs, anna, "one", script, tmp_path)
    script.given.put(Warned("a"))
    script.given.put(FINISHED)
    script.given.put(None)
    assert run.wait(PATIENCE_S)
    view = run.view()
    assert (view.state, view.warnings, view.finished, view.error) == (RunState.DONE, ("a",), FINISHED, "")
    assert script.closed.is_set()
    assert runs.of(anna, "one") is run


def test_errors_of_ours_are_told_and_others_are_not(
    tmp_path: Path, anna: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    runs = Runs(2)
    ours, others = Script(), Script()
    first = start(runs, anna, "one", ours, tmp_path)
    second = start(runs, anna, "two", others, tmp_path)
    ours.given.put(ScriptError("nothing in it is spoken"))
    others.given.put(ValueError("/home/secret/path"))
    assert first.wait(PATIENCE_S)
    assert second.wait(PATIENCE_S)
    assert (first.view().state, first.view().error) == (RunState.FAILED, "nothing in it is spoken")
    assert second.view().state is RunState.FAILED
    assert "secret" not in second.view().error
    assert "/home/secret/path" in caplog.text, "whoever runs the server finds all of it in the log"


def test_so_many_work_and_the_others_wait_in_order(tmp_path: Path, anna: Visitor, ben: Visitor) -> None:
    runs = Runs(1)
    scripts = [Script() for _ in range(3)]
    first = start(runs, anna, "one", scripts[0], tmp_path)
    scripts[0].wait_until_asked()
    second = start(runs, ben, "two", scripts[1], tmp_path)
    third = start(runs, anna, "three", scripts[2], tmp_path)
    assert [run.view().position for run in (first, second, third)] == [0, 1, 2]
    assert scripts[1].asked.acquire(blocking=False) is False, "its work has not begun"
    scripts[0].given.put(None)
    scripts[1].wait_until_asked()
    assert third.view().position == 1
    third.stop()
    assert third.wait(PATIENCE_S)
    assert third.view().state is RunState.STOPPED
    assert not scripts[2].closed.is_set(), "what never began needs no end"
    scripts[1].given.put(None)
    assert second.wait(PATIENCE_S)


def test_a_paused_run_lets_another_work(tmp_path: Path, anna: Visitor, ben: Visitor) -> None:
    runs, paused, other = Runs(1), Script(), Script()
    first = start(runs, anna, "one", paused, tmp_path)
    paused.wait_until_asked()
    first.pause()
    paused.given.put(Warned("a"))
    until(first, RunState.PAUSED)
    second = start(runs, ben, "two", other, tmp_path)
    other.wait_until_asked()
    assert second.view().state is RunState.RUNNING
    first.play()
    until(first, RunState.WAITING)
    other.given.put(None)
    paused.wait_until_asked()
    until(first, RunState.RUNNING)
    paused.given.put(None)
    assert first.wait(PATIENCE_S)


def test_a_step_is_one_turn_of_the_scene(tmp_path: Path, anna: Visitor) -> None:
    runs, script = Runs(1), Script()
    run = start(runs, anna, "one", script, tmp_path)
    script.wait_until_asked()
    run.pause()
    script.given.put(Started("Scene", 1, 0, 2, None, "why", "en"))  # type: ignore[arg-type]
    until(run, RunState.PAUSED)
    run.step()
    script.wait_until_asked()
    script.given.put(Warned("is no turn"))
    script.wait_until_asked()
    script.given.put(TurnPassed(None, "first", reused=False))  # type: ignore[arg-type]
    until(run, RunState.PAUSED)
    assert run.view().turns == 1
    assert script.asked.acquire(blocking=False) is False, "the next turn has not begun"
    run.stop()
    assert run.wait(PATIENCE_S)
    assert script.closed.is_set(), "the production was closed, so it can be resumed"


def test_a_production_has_one_run_at_a_time_and_a_visitor_a_few(tmp_path: Path, anna: Visitor, ben: Visitor) -> None:
    runs, script = Runs(1, each=2), Script()
    run = start(runs, anna, "one", script, tmp_path)
    with pytest.raises(ProductionBusy):
        start(runs, anna, "one", Script(), tmp_path)
    start(runs, anna, "two", Script(), tmp_path)
    with pytest.raises(QuotaError, match="2 productions"):
        start(runs, anna, "three", Script(), tmp_path)
    start(runs, ben, "one", Script(), tmp_path)
    assert [one.production for one in runs.all_of(anna)] == ["two", "one"]
    assert runs.of(ben, "two") is None
    script.given.put(None)
    assert run.wait(PATIENCE_S)
    again = start(runs, anna, "one", script, tmp_path)
    assert runs.of(anna, "one") is again
    script.given.put(None)
    runs.close()


def test_when_the_server_stops_runs_stop_and_none_begins(tmp_path: Path, anna: Visitor) -> None:
    runs, script = Runs(1), Script()
    run = start(runs, anna, "one", script, tmp_path)
    script.wait_until_asked()
    run.pause()
    script.given.put(Warned("a"))
    until(run, RunState.PAUSED)
    runs.close()
    assert run.view().state is RunState.STOPPED
    assert script.closed.is_set()
    with pytest.raises(QuotaError, match="stopping"):
        start(runs, anna, "two", Script(), tmp_path)


def test_nobody_s_pause_keeps_a_production_for_ever(tmp_path: Path, anna: Visitor) -> None:
    ticking = iter(range(0, 10_000_000, 1_000))
    runs, script = Runs(1, now=lambda: float(next(ticking))), Script()
    run = start(runs, anna, "one", script, tmp_path)
    run.pause()
    script.given.put(Warned("a"))
    assert run.wait(PATIENCE_S)
    assert run.view().state is RunState.STOPPED


def test_sound_can_be_listened_to_as_it_comes(tmp_path: Path, anna: Visitor) -> None:
    runs, script = Runs(1), Script()
    run = start(runs, anna, "one", script, tmp_path)
    script.given.put(SoundReady(0.0, 2.0, read=lambda: Audio(np.zeros((88_200, 2), np.float32), 44_100)))
    script.wait_until_asked()
    script.wait_until_asked()
    assert run.view().listen_s == pytest.approx(2.0, abs=0.1)
    assert run.sound.read_from(0)
    script.given.put(None)
    assert run.wait(PATIENCE_S)


def test_a_play_is_performed_in_the_background_stopped_and_resumed(house: House, anna: Visitor, play: Path) -> None:
    shelf = house.shelf(anna)
    production = shelf.create("The Umbrella")
    settings = PerformSettings(formats=("vtt",))

    def perform() -> Iterator[Event]:
        return house.studio.perform(play, out=shelf.folder(production), settings=settings)

    stopped = house.start(anna, production, "perform", perform)
    stopped.stop()
    assert stopped.wait(60)
    assert stopped.view().state is RunState.STOPPED
    run = house.start(anna, production, "perform", perform)
    assert run.wait(60)
    view = run.view()
    assert (view.state, view.lines, view.lines_done) == (RunState.DONE, 6, 6)
    assert shelf.card(production).files == ("exports/programme.vtt",)
    assert view.listen_s > 3
    house.delete(anna, production)
    assert shelf.cards() == ()
