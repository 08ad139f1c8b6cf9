"""What the buttons of the Improvise page do, with real voices: play, pause, step, stop, branch, finish early."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from speechagents import Studio
from speechagents.agents.steps import Ending, Step
from speechagents.branches import read_branch
from speechagents.drama import Role, SceneBrief
from speechagents.errors import NoSuchProduction, ProductionError, QuotaError, SettingsError
from speechagents.serving.house import House
from speechagents.serving.run_view import RunState
from speechagents.serving.settings import Allowance
from speechagents.ui.playing import Fork, Playing, Records
from tests.ui.visiting import ANNA, BEN, open_house

SCENE = SceneBrief(
    "The Last Bus",
    (Role("Ella", "25, a writer"), Role("Tom", "60, a baker"), Role("Sophia", "27, a nurse")),
    setting="EXT. BUS STOP - NIGHT",
    turns=6,
    seed=4,
)
FORMATS = ("vtt",)
SOON_S = 60.0


@pytest.fixture
def house(studio: Studio, tmp_path: Path) -> Iterator[House]:
    with open_house(studio, tmp_path) as opened:
        yield opened


@pytest.fixture
def playing(house: House) -> Playing:
    return Playing(house)


def until_over(playing: Playing, production: str) -> RunState:
    run = playing.run(ANNA, production)
    assert run is not None
    assert run.wait(SOON_S)
    return run.view().state


def until_paused(playing: Playing, production: str) -> None:
    run = playing.run(ANNA, production)
    assert run is not None
    cursor = 0
    for _ in range(500):
        view = run.wait_for_news(cursor, 0.1)
        if view.state is RunState.PAUSED:
            return
        cursor = view.cursor
        time.sleep(0)
    raise AssertionError("it does not pause")


def played(house: House, playing: Playing, production: str) -> list[Step]:
    records = playing.records.of(house.shelf(ANNA).folder(production))
    return [one for one in records if isinstance(one, Step)]


def test_a_scene_is_played_to_its_files(house: House, playing: Playing) -> None:
    production = playing.begin(ANNA, SCENE, formats=FORMATS)
    assert playing.latest(ANNA) == production
    assert until_over(playing, production) is RunState.DONE
    assert len(played(house, playing, production)) == 6
    card = house.shelf(ANNA).card(production)
    assert (card.title, card.kind, card.state, card.files) == (
        "The Last Bus",
        "improvise",
        "done",
        ("exports/programme.vtt",),
    )
    assert playing.scene(ANNA, production) == SCENE
    assert set(playing.voices(ANNA, production)) >= {"Ella", "Tom", "Sophia"}
    assert playing.latest(ANNA) == ""


def test_a_scene_advances_one_turn_at_a_step(house: House, playing: Playing) -> None:
    production = playing.begin(ANNA, SCENE, formats=FORMATS)
    playing.step(ANNA, production)
    until_paused(playing, production)
    for _ in range(2):
        before = len(played(house, playing, production))
        playing.step(ANNA, production)
        until_paused(playing, production)
        assert 0 <= len(played(house, playing, production)) - before <= 1
    assert len(played(house, playing, production)) < 6
    playing.go_on(ANNA, production)
    assert until_over(playing, production) is RunState.DONE
    assert len(played(house, playing, production)) == 6


def test_a_stopped_scene_goes_on_where_it_was(house: House, playing: Playing) -> None:
    production = playing.begin(ANNA, SCENE, formats=FORMATS)
    playing.step(ANNA, production)
    until_paused(playing, production)
    playing.stop(ANNA, production)
    assert until_over(playing, production) is RunState.STOPPED
    before = played(house, playing, production)
    playing.go_on(ANNA, production)
    assert until_over(playing, production) is RunState.DONE
    assert played(house, playing, production)[: len(before)] == before


def test_a_scene_may_end_early_with_its_files(house: House, playing: Playing) -> None:
    production = playing.begin(ANNA, SCENE, formats=FORMATS)
    playing.step(ANNA, production)
    until_paused(playing, production)
    while not played(house, playing, production):
        playing.step(ANNA, production)
        until_paused(playing, production)
    before = len(played(house, playing, production))
    playing.finish(ANNA, production)
    assert until_over(playing, production) is RunState.DONE
    assert len(played(house, playing, production)) == before
    assert "exports/programme.mp3" in house.shelf(ANNA).card(production).files


def test_a_branch_is_a_production_of_its_own(house: House, playing: Playing) -> None:
    production = playing.begin(ANNA, SCENE, formats=FORMATS)
    until_over(playing, production)
    fork = Fork(at=3, seed=77, note="It rains.", note_to="Tom", beats=("They quarrel",), turns=8)
    branch = playing.branch(ANNA, production, fork)
    assert until_over(playing, branch) is RunState.DONE
    assert played(house, playing, branch)[:3] == played(house, playing, production)[:3]
    assert len(played(house, playing, branch)) == 8
    about = read_branch(house.shelf(ANNA).folder(branch))
    assert about is not None
    assert (about.seed, about.note, about.note_to) == (77, "It rains.", "Tom")
    assert house.shelf(ANNA).card(branch).title == "The Last Bus (from message 3)"
    assert playing.controller(ANNA, branch).startswith("rehearsal")


def test_a_branch_that_cannot_be_made_leaves_nothing_on_the_shelf(house: House, playing: Playing) -> None:
    production = playing.begin(ANNA, SCENE, formats=FORMATS)
    until_over(playing, production)
    with pytest.raises(SettingsError, match="no message 99"):
        playing.branch(ANNA, production, Fork(at=99, seed=1))
    assert [card.id for card in house.shelf(ANNA).cards()] == [production]


def test_a_scene_that_finds_no_place_leaves_nothing_on_the_shelf(studio: Studio, tmp_path: Path) -> None:
    with open_house(studio, tmp_path, allowance=Allowance(runs=1)) as house:
        playing = Playing(house)
        first = playing.begin(ANNA, SCENE, formats=FORMATS)
        playing.pause(ANNA, first)
        with pytest.raises(QuotaError):
            playing.begin(ANNA, replace(SCENE, title="Another"), formats=FORMATS)
        assert [card.title for card in house.shelf(ANNA).cards()] == ["The Last Bus"]


def test_nobody_plays_with_anothers_scene(house: House, playing: Playing) -> None:
    production = playing.begin(ANNA, SCENE, formats=FORMATS)
    assert playing.is_scene(ANNA, production)
    assert not playing.is_scene(BEN, production)
    assert not playing.is_scene(ANNA, "../" + production)
    assert playing.run(BEN, production) is None
    for use in (
        lambda: playing.go_on(BEN, production),
        lambda: playing.step(BEN, production),
        lambda: playing.finish(BEN, production),
        lambda: playing.scene(BEN, production),
        lambda: playing.branch(BEN, production, Fork(at=1, seed=1)),
    ):
        with pytest.raises(NoSuchProduction):
            use()
    playing.pause(BEN, production)
    playing.stop(BEN, production)
    assert until_over(playing, production) is RunState.DONE


def test_agents_do_not_go_on_in_the_name_of_a_person(house: House, playing: Playing) -> None:
    live = house.shelf(ANNA).create("On stage", "live")
    assert playing.is_scene(ANNA, live)
    for use in (playing.go_on, playing.step):
        with pytest.raises(ProductionError, match="live stage"):
            use(ANNA, live)
    assert playing.run(ANNA, live) is None


def test_records_are_read_on_and_not_anew(house: House, playing: Playing) -> None:
    production = playing.begin(ANNA, SCENE, formats=FORMATS)
    until_over(playing, production)
    folder = house.shelf(ANNA).folder(production)
    records = Records()
    steps = folder / "steps.jsonl"
    whole = steps.read_bytes()
    lines = whole.splitlines(keepends=True)
    steps.write_bytes(b"".join(lines[:2]))
    first = records.of(folder)
    steps.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    assert len(records.of(folder)) == 3
    assert records.of(folder)[0] is first[0]
    steps.write_bytes(whole)
    assert isinstance(records.of(folder)[-1], Ending)
    steps.write_bytes(lines[0])
    assert len(records.of(folder)) == 1
    shutil.rmtree(folder)
    assert records.of(folder) == ()
