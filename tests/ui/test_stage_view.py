"""How a scene stands: the words above the transcript, and the buttons that fit."""

from __future__ import annotations

from typing import Any

import pytest

from speechagents.agents.branching import Branch
from speechagents.agents.steps import Ending
from speechagents.controllers.controller import Usage
from speechagents.events import Event, MessageSpoken, SceneOver, Warned
from speechagents.serving.run_view import Ledger, RunState, RunView
from speechagents.ui.stage_view import Controls, controls_of, status
from tests.ui.scenes import EVIL, SCENE, message, step


def view(state: RunState, *events: Event, error: str = "", position: int = 0) -> RunView:
    ledger = Ledger(now=lambda: 0.0)
    for event in events:
        ledger.note(event)
    ledger.end(state, error)
    return ledger.view(0, position=position, listen_s=0.0)


@pytest.mark.parametrize(
    ("state", "controls"),
    [
        (RunState.WAITING, Controls(pause=True, stop=True)),
        (RunState.RUNNING, Controls(pause=True, stop=True)),
        (RunState.PAUSED, Controls(go_on=True, step=True, stop=True, finish=True)),
        (RunState.STOPPED, Controls(go_on=True, step=True, finish=True)),
        (RunState.FAILED, Controls(go_on=True, step=True, finish=True)),
        (RunState.DONE, Controls()),
    ],
)
def test_each_state_has_the_buttons_that_fit(state: RunState, controls: Controls) -> None:
    assert controls_of(view(state), state="working", played=3) == controls
    assert controls.moving is (state in (RunState.WAITING, RunState.RUNNING, RunState.PAUSED))


@pytest.mark.parametrize(("state", "goes_on"), [("working", True), ("new", True), ("done", False), ("partly", False)])
def test_a_scene_that_this_server_never_played_can_go_on_unless_it_is_done(state: str, goes_on: bool) -> None:
    assert controls_of(None, state=state, played=3).go_on is goes_on


def test_what_was_never_played_makes_no_files() -> None:
    assert not controls_of(view(RunState.STOPPED), state="working", played=0).finish


def shown(run: RunView | None, *records: Any, state: str = "working", branch: Branch | None = None) -> str:
    return status("Picnic", run, records, SCENE, branch, state=state)


def test_turns_and_the_end_are_counted_and_told() -> None:
    page = shown(view(RunState.RUNNING), step(0, message(1)), step(1), Ending("all 6 turns are played"))
    assert "turn 2 of at most 6" in page
    assert "all 6 turns are played" in page


def test_whoever_waits_is_told_their_place() -> None:
    assert "waiting, number 3 in line" in shown(view(RunState.WAITING, position=3))


def test_mixing_shows_how_far_it_is() -> None:
    over = SceneOver("done", 6, 6, 0, Usage())
    assert 'role="progressbar"' in shown(view(RunState.RUNNING, over))
    assert 'role="progressbar"' not in shown(view(RunState.RUNNING))


def test_what_went_wrong_stays_on_the_page() -> None:
    page = shown(view(RunState.FAILED, Warned("Tom makes no sound"), error="the model server is gone"))
    assert 'role="alert"' in page
    assert "the model server is gone" in page
    assert "Tom makes no sound" in page


def test_a_branch_says_where_it_left() -> None:
    page = shown(None, branch=Branch(4, 4, 77, "It rains.", "Tom"))
    assert "up to message 4" in page
    assert "seed 77, and the director told Tom: “It rains.”" in page


def test_nothing_that_is_written_breaks_out_of_the_page() -> None:
    spoken = MessageSpoken(message(1), "", "", reused=False, read=None)
    run = view(RunState.FAILED, spoken, Warned(EVIL), error=EVIL)
    page = status(EVIL, run, [Ending(EVIL)], SCENE, Branch(1, 1, 1, EVIL, EVIL), state="working")
    assert "<img" not in page
