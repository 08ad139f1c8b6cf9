"""Runs: what is played into a folder, by whom, how far, and how a run goes on after it was cut short."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from speechagents.benchmark.facts import Fact
from speechagents.benchmark.played import Played, read_cell_record, read_played
from speechagents.benchmark.run_settings import RunSettings
from speechagents.benchmark.running import CellDone, CellFailed, RunEvent, RunOver, run
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.benchmark.scores import RunInfo, read_json
from speechagents.drama import Deed
from speechagents.errors import BenchmarkError, SettingsError
from tests.controllers.fault_server import FaultServer, says

QUICK = RunSettings(controller="rehearsal", preset="embedded", roles=(2, 3), scenes=1, turns=6, jobs=1)
TURN = json.dumps(
    {
        "thoughts": "It is late.",
        "action": "speak",
        "addresses": [],
        "whisper": False,
        "style": "angry",
        "strength": 1.0,
        "speech": "The ferry was to leave at half past six.",
    }
)


def played(settings: RunSettings, folder: Path) -> tuple[list[RunEvent], RunOver]:
    events = list(run(settings, folder))
    over = events[-1]
    assert isinstance(over, RunOver)
    return events[:-1], over


def cell(folder: Path, name: str) -> Played:
    return read_played(folder / "cells" / name, facts_of(name))


def facts_of(name: str) -> Sequence[Fact]:
    return shipped_scene_set().scenes[name.rpartition("-")[0]].facts


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two cells."""
    folder = tmp_path_factory.mktemp("runs") / "rehearsed"
    events, over = played(QUICK, folder)
    assert [event.name for event in events if isinstance(event, CellDone)] == ["001-night-ferry-2", "001-night-ferry-3"]
    assert (over.played, over.planned, over.failed, over.left, over.turns) == (2, 2, 0, 0, 12)
    return folder


def test_a_cell_is_a_production_with_the_first_roles_of_the_pool(rehearsed: Path) -> None:
    one = cell(rehearsed, "001-night-ferry-3")
    pool = shipped_scene_set().scenes["001-night-ferry"].brief.roles
    assert [role.name for role in one.scene.roles] == [role.name for role in pool[:3]]
    assert one.record.turns == 6
    assert len(one.steps) == 6
    assert len(set(one.voices.values())) >= 3
    spoken = [message for message in one.messages if message.deed is Deed.SPEAK]
    assert spoken
    for message in spoken:
        sound = one.sound(message)
        assert sound is not None
        assert sound.duration_s == pytest.approx(message.end_s - message.start_s, abs=0.01)


def test_what_a_run_is_of_is_written_down(rehearsed: Path) -> None:
    info = RunInfo.from_json(read_json(rehearsed / "run.json"), rehearsed / "run.json")
    assert info.system.startswith("rehearsal")
    assert info.voices.startswith("espeak")
    assert info.benchmark == f"hcs v1 {shipped_scene_set().digest}"
    assert info.asked == {"controller": "rehearsal", "preset": "embedded"}
    assert (info.roles, info.scenes, info.turns, info.seed, info.cells) == ((2, 3), 1, 6, 0, 2)


def test_the_same_command_plays_nothing_twice(rehearsed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in rehearsed.glob("cells/**/*") if path.is_file()}
    events, over = played(QUICK, rehearsed)
    assert all(isinstance(event, CellDone) and event.reused for event in events)
    assert over.played == 2
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_same_seed_plays_the_same_scene(rehearsed: Path, tmp_path: Path) -> None:
    played(replace(QUICK, roles=(3,)), tmp_path / "again")
    for name in ("stream.jsonl", "steps.jsonl", "cast.yaml"):
        one, other = (folder / "cells" / "001-night-ferry-3" / name for folder in (rehearsed, tmp_path / "again"))
        assert one.read_bytes() == other.read_bytes()


def test_a_run_that_was_killed_goes_on_where_it_was(rehearsed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(rehearsed, folder)
    cut = folder / "cells" / "001-night-ferry-3"
    (cut / "cell.json").unlink()
    whole = (cut / "stream.jsonl").read_bytes()
    for name in ("stream.jsonl", "steps.jsonl"):
        lines = (cut / name).read_bytes().splitlines(keepends=True)
        (cut / name).write_bytes(b"".join(lines[:3]) + lines[3][:20])
    events, over = played(QUICK, folder)
    assert [event.reused for event in events if isinstance(event, CellDone)] == [True, False]
    assert over.played == 2
    assert (cut / "stream.jsonl").read_bytes() == whole


def test_a_folder_of_another_run_is_refused(rehearsed: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="holds a run with seed 0, not 1"):
        list(run(replace(QUICK, seed=1), rehearsed))
    with pytest.raises(BenchmarkError, match="holds a run with asked"):
        list(run(replace(QUICK, controller="", script="reference"), rehearsed))
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "to-anna.txt").write_text("Dear Anna")
    with pytest.raises(BenchmarkError, match="no run of the benchmark"):
        list(run(QUICK, tmp_path / "letters"))


# Scripts


@pytest.mark.parametrize("name", ["reference", "fading", "one-voice"])
def test_a_script_is_spoken_as_if_agents_had_said_it(tmp_path: Path, name: str) -> None:
    settings = RunSettings(script=name, preset="embedded", roles=(2,), scenes=1, jobs=1)
    played(settings, tmp_path / "run")
    one = cell(tmp_path / "run", "001-night-ferry-2")
    script = shipped_scene_set().scripts["001-night-ferry", 2]
    assert [message.text for message in one.lines] == [line.text for line in script.lines]
    assert [message.style.tag for message in one.lines] == [line.style for line in script.lines]
    assert all(message.take for message in one.lines)
    assert (len(set(one.voices.values())) == 1) == (name == "one-voice")
    starts = [message.start_s for message in one.lines]
    assert starts == sorted(starts)


def test_a_line_that_is_broken_off_is_marked_as_cut(tmp_path: Path) -> None:
    played(RunSettings(script="reference", preset="embedded", roles=(2,), scenes=2, jobs=1), tmp_path / "run")
    for folder in (tmp_path / "run" / "cells").iterdir():
        for message in cell(tmp_path / "run", folder.name).lines:
            assert message.cut == message.text.endswith(" --")


def test_only_scenes_with_a_script_are_played_where_that_is_asked(tmp_path: Path) -> None:
    settings = replace(QUICK, roles=(2,), scenes=5, scripted=True, turns=2)
    events, over = played(settings, tmp_path / "run")
    written = shipped_scene_set().scripts
    assert over.played == len(events) < 5
    assert all(isinstance(event, CellDone) and (event.record.scene_id, 2) in written for event in events)


# Budgets


def test_a_budget_of_turns_leaves_out_what_is_beyond_it(tmp_path: Path) -> None:
    events, over = played(replace(QUICK, budget_turns=8), tmp_path / "run")
    assert [event.name for event in events if isinstance(event, CellDone)] == ["001-night-ferry-2"]
    assert (over.played, over.left) == (1, 1)
    _, over = played(replace(QUICK, budget_turns=20), tmp_path / "run")
    assert (over.played, over.left) == (2, 0), "a larger budget goes on"


def test_a_budget_of_tokens_ends_the_scene_that_goes_beyond_it(tmp_path: Path) -> None:
    with FaultServer() as server:
        server.otherwise = says(TURN, tokens=(900, 100))
        settings = replace(
            QUICK, controller="openai", server=server.url, model="tiny", roles=(2, 3), budget_tokens=2_500, jobs=1
        )
        events, over = played(settings, tmp_path / "run")
    assert [event.record.turns for event in events if isinstance(event, CellDone)] == [3]
    assert (over.played, over.left, over.tokens) == (1, 1, 3_000)
    record = read_cell_record(tmp_path / "run" / "cells" / "001-night-ferry-2")
    assert record is not None
    assert record.ending == "the tokens of the run are spent"


def test_a_scene_that_cannot_be_played_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    played(replace(QUICK, roles=(2,)), folder)
    shutil.rmtree(folder / "cells" / "001-night-ferry-2")
    (folder / "cells" / "001-night-ferry-2").mkdir()
    (folder / "cells" / "001-night-ferry-2" / "letter.txt").write_text("Dear Anna")
    events, over = played(replace(QUICK, roles=(2,)), folder)
    (failed,) = events
    assert isinstance(failed, CellFailed)
    assert "is not empty and no production" in failed.reason
    assert (over.played, over.failed) == (0, 1)


# Options


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"split": "exam"}, "split 'exam'"),
        ({"roles": ()}, "give numbers of roles"),
        ({"roles": (2, 2)}, "each once"),
        ({"roles": (26,)}, "26 roles are not between 2 and 25"),
        ({"script": "poem"}, "script 'poem' is none of reference"),
        ({"script": "reference", "controller": "openai"}, "played by nobody"),
        ({"policy": "loudest"}, "no turn policy"),
        ({"hearing": "smell"}, "hearing 'smell'"),
        ({"repeats": 0}, "repeats 0"),
        ({"budget_turns": -1}, "budget_turns -1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        RunSettings(**options)  # type: ignore[arg-type]


def test_nothing_to_play_is_said(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="no scene with a script written by hand"):
        list(run(RunSettings(script="reference", roles=(4,)), tmp_path / "run"))
