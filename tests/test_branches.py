"""Branches of a real improvised scene: shared up to a message, different after it, the same each time."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.branches import read_branch
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Role, SceneBrief, Turn
from speechagents.errors import ProductionError, SettingsError
from speechagents.events import Finished, MessageSpoken, SceneOver
from speechagents.scripts.scene_file import read_scene
from speechagents.settings import ImproviseSettings
from speechagents.stream import read_stream

SCENE = SceneBrief(
    title="The Last Bus",
    setting="EXT. BUS STOP - NIGHT",
    background="The last bus is late, and somebody has forgotten a suitcase.",
    roles=(
        Role("Ella", "25, a writer", goals=("To get home before her father wakes",)),
        Role("Tom", "60, a baker", secrets=("The suitcase is his",)),
        Role("Sophia", "27, a nurse who has worked all night"),
    ),
    beats=("They wait", "The suitcase is opened"),
    turns=10,
    seed=5,
)
SETTINGS = ImproviseSettings(formats=("vtt", "wav"), master="none", controller="rehearsal")


@pytest.fixture(scope="module")
def played(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scene, played to its end by the rehearsal planner."""
    out = tmp_path_factory.mktemp("played") / "bus"
    list(studio.improvise(SCENE, out=out, settings=SETTINGS))
    return out


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def lines(folder: Path, name: str = "stream.jsonl") -> list[bytes]:
    return (folder / name).read_bytes().splitlines(keepends=True)


def test_a_branch_shares_the_scene_up_to_its_message_and_goes_on_differently(
    studio: Studio, played: Path, tmp_path: Path
) -> None:
    before = contents(played)
    branch = studio.branch(played, at=4, out=tmp_path / "other", seed=99)
    events = list(studio.resume_scene(tmp_path / "other"))
    assert (branch.message, branch.step, branch.seed) == (4, 4, 99)
    assert isinstance(events[-1], Finished)
    assert lines(tmp_path / "other")[:4] == lines(played)[:4]
    assert lines(tmp_path / "other", "steps.jsonl")[:4] == lines(played, "steps.jsonl")[:4]
    here, there = read_stream(tmp_path / "other" / "stream.jsonl"), read_stream(played / "stream.jsonl")
    assert [one.text for one in here[4:]] != [one.text for one in there[4:]]
    assert [event.reused for event in events if isinstance(event, MessageSpoken)][:5] == [True] * 4 + [False]
    assert contents(played) == before


def test_takes_are_shared_not_copied_where_the_disk_allows_it(played: Path, tmp_path: Path) -> None:
    Studio.branch(played, at=3, out=tmp_path / "other", seed=1)
    takes = sorted(path.name for path in (tmp_path / "other" / "takes").iterdir())
    assert takes == sorted(f"{one.take}.flac" for one in read_stream(played / "stream.jsonl")[:3] if one.take)
    assert all((tmp_path / "other" / "takes" / name).samefile(played / "takes" / name) for name in takes)


def test_takes_are_copied_where_it_does_not(played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", refuse)
    Studio.branch(played, at=2, out=tmp_path / "other", seed=1)
    for take in (tmp_path / "other" / "takes").iterdir():
        assert take.read_bytes() == (played / "takes" / take.name).read_bytes()


def test_the_scenes_own_seed_goes_on_as_the_scene_did(studio: Studio, played: Path, tmp_path: Path) -> None:
    studio.branch(played, at=5, out=tmp_path / "same", seed=SCENE.seed)
    list(studio.resume_scene(tmp_path / "same"))
    for name in ("stream.jsonl", "steps.jsonl", "exports/programme.vtt", "exports/programme.wav"):
        assert (tmp_path / "same" / name).read_bytes() == (played / name).read_bytes(), name


def test_the_same_branch_twice_gives_the_same_bytes_however_often_it_is_stopped(
    studio: Studio, played: Path, tmp_path: Path
) -> None:
    for name in ("once", "stopped"):
        studio.branch(played, at=4, out=tmp_path / name, seed=7, beats=["The bus comes"], turns=9)
    list(studio.resume_scene(tmp_path / "once"))
    for spoken in (5, 7):
        run = studio.resume_scene(tmp_path / "stopped")
        while not (isinstance(event := next(run), MessageSpoken) and event.message.id == spoken):
            pass
        run.close()
    list(studio.resume_scene(tmp_path / "stopped"))
    assert contents(tmp_path / "stopped") == contents(tmp_path / "once")


def test_a_branch_of_a_branch_keeps_both_pasts(studio: Studio, played: Path, tmp_path: Path) -> None:
    studio.branch(played, at=2, out=tmp_path / "child", seed=7)
    list(studio.resume_scene(tmp_path / "child"))
    studio.branch(tmp_path / "child", at=5, out=tmp_path / "grandchild", seed=8)
    list(studio.resume_scene(tmp_path / "grandchild"))
    assert lines(tmp_path / "grandchild")[:5] == lines(tmp_path / "child")[:5]
    assert lines(tmp_path / "grandchild")[:2] == lines(played)[:2]
    assert lines(tmp_path / "grandchild")[5] != lines(tmp_path / "child")[5]


def test_a_branch_is_exported_and_replayed_like_any_scene(studio: Studio, played: Path, tmp_path: Path) -> None:
    studio.branch(played, at=4, out=tmp_path / "other", seed=99)
    list(studio.resume_scene(tmp_path / "other"))
    list(studio.export(tmp_path / "other", formats=("srt", "json"), master="none"))
    exported = json.loads((tmp_path / "other" / "exports" / "programme.json").read_text("utf-8"))
    told = [line["start_s"] for scene in exported["scenes"] for line in scene["lines"]]
    heard = [one for one in read_stream(tmp_path / "other" / "stream.jsonl") if one.take]
    assert told == pytest.approx([one.start_s for one in heard], abs=1e-3)
    replayed = list(Studio.replay(tmp_path / "other"))
    assert [event.message.id for event in replayed] == list(range(1, len(replayed) + 1))
    assert [bool(event.thoughts) for event in replayed] == [event.message.deed is Deed.SPEAK for event in replayed]


def test_a_scene_that_is_over_goes_on_when_it_is_given_turns(studio: Studio, played: Path, tmp_path: Path) -> None:
    last = len(lines(played))
    with pytest.raises(SettingsError, match="leave none to go on with"):
        studio.branch(played, at=last, out=tmp_path / "more", seed=1)
    studio.branch(played, at=last, out=tmp_path / "more", seed=1, turns=13)
    events = list(studio.resume_scene(tmp_path / "more"))
    assert [event.turns for event in events if isinstance(event, SceneOver)] == [13]
    assert lines(tmp_path / "more")[:last] == lines(played)


def test_a_murmur_stays_with_the_turn_it_lies_under(studio: Studio, tmp_path: Path) -> None:
    story = "I was on the roof when it happened, the whole street was dark, and somebody began to sing, quite softly."
    turns = [Turn(name, text=f"{story} Number {count}.") for count in range(6) for name in ("Ella", "Tom")]
    scene = replace(SCENE, policy="round-robin", roles=SCENE.roles[:2], turns=12)
    actors = Actors(ScriptedController(turns), ScriptedController())
    list(studio.improvise(scene, out=tmp_path / "told", actors=actors, settings=replace(SETTINGS, controller="")))
    heard = read_stream(tmp_path / "told" / "stream.jsonl")
    murmur = next(one for one in heard if one.deed is Deed.BACK_CHANNEL)
    for at in (murmur.id - 1, murmur.id):
        branch = studio.branch(tmp_path / "told", at=at, out=tmp_path / str(at), seed=1)
        assert branch.message == murmur.id
        assert lines(tmp_path / str(at)) == lines(tmp_path / "told")[: murmur.id]


def test_what_is_branched_may_be_playing(studio: Studio, tmp_path: Path) -> None:
    run = studio.improvise(SCENE, out=tmp_path / "bus", settings=SETTINGS)
    while not (isinstance(event := next(run), MessageSpoken) and event.message.id == 3):
        pass
    studio.branch(tmp_path / "bus", at=2, out=tmp_path / "other", seed=1)
    events = [*run, *studio.resume_scene(tmp_path / "other")]
    assert sum(isinstance(event, Finished) for event in events) == 2


def test_the_note_of_a_branch_is_kept_with_it(played: Path, tmp_path: Path) -> None:
    Studio.branch(played, at=2, out=tmp_path / "other", seed=1, note="Open it!", note_to="tom")
    branch = read_branch(tmp_path / "other")
    assert branch is not None
    assert (branch.note, branch.note_to) == ("Open it!", "Tom")
    assert read_branch(played) is None


def test_options_that_the_scene_was_started_with_do_not_undo_the_branch(studio: Studio, tmp_path: Path) -> None:
    started = replace(SETTINGS, turns=4, roles=2, seed=11)
    list(studio.improvise(SCENE, out=tmp_path / "bus", settings=started))
    studio.branch(tmp_path / "bus", at=2, out=tmp_path / "other", seed=1, turns=7)
    list(studio.resume_scene(tmp_path / "other"))
    scene = read_scene(tmp_path / "other" / "scene.yaml")
    assert (scene.turns, len(scene.roles), scene.seed) == (7, 2, 11)
    assert len(lines(tmp_path / "other", "steps.jsonl")) == 8  # with the ending


@pytest.mark.parametrize(
    "wrong", [{"at": 0}, {"at": 400}, {"seed": -1}, {"seed": 2**63}, {"note": "x", "note_to": "Y"}]
)
def test_wrong_options_leave_nothing_behind(played: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Studio.branch(played, **{"at": 2, "out": tmp_path / "other", "seed": 1, **wrong})
    assert list(tmp_path.iterdir()) == []


def test_a_branch_takes_no_folder_that_is_in_use(played: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(ProductionError, match="is not empty"):
        Studio.branch(played, at=2, out=tmp_path, seed=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    Studio.branch(played, at=2, out=empty, seed=1)
    assert (empty / "production.json").is_file()


def test_only_improvised_scenes_have_branches(studio: Studio, played: Path, tmp_path: Path) -> None:
    with pytest.raises(ProductionError, match="no production"):
        studio.branch(tmp_path / "nothing", at=1, out=tmp_path / "other", seed=1)
    shutil.copytree(played, tmp_path / "live")
    record = json.loads((tmp_path / "live" / "production.json").read_text("utf-8"))
    (tmp_path / "live" / "production.json").write_text(json.dumps({**record, "kind": "live"}), "utf-8")
    with pytest.raises(ProductionError, match="agents improvised alone"):
        studio.branch(tmp_path / "live", at=1, out=tmp_path / "other", seed=1)


@pytest.mark.parametrize("text", ["{", "[]", '{"step": 1}', "\udcff"])
def test_a_damaged_branch_file_is_told(played: Path, tmp_path: Path, text: str) -> None:
    Studio.branch(played, at=2, out=tmp_path / "other", seed=1)
    (tmp_path / "other" / "branch.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ProductionError, match=r"branch\.json: cannot be read"):
        read_branch(tmp_path / "other")
