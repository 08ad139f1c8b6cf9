"""Generating the scripts that nobody has written, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from speechagents.benchmark.building.events import Built, ItemRefused, ScriptBuilt
from speechagents.benchmark.building.missing_scripts import write_missing_scripts
from speechagents.benchmark.generated_scripts import generated_path, read_generated_scripts
from speechagents.benchmark.scene_set import ROLE_COUNTS, BenchScene, Facets, SceneSet, Split, shipped_scene_set
from speechagents.benchmark.script_file import HAND, SceneScript, ScriptLine
from speechagents.controllers.controller import AgentInput, MalformedTurn
from speechagents.controllers.rehearsal import make_rehearsal
from speechagents.drama import Turn
from speechagents.resources import resource
from tests.benchmark.building.authors import Author, new_words, whole_scene

GENERATED = resource("assets", "hcs", "v1", "generated")
FACETS = Facets("lift", "anywhere", "present", "casual", "a goat", ())


def scene_set(*written: tuple[str, int]) -> SceneSet:
    scenes = {
        scene_id: BenchScene(scene_id, whole_scene(scene_id, 25, 1), Split.TEST, FACETS, (), "a test", "CC0-1.0")
        for scene_id in ("001-goat", "002-lift")
    }
    scripts = {
        (scene_id, roles): SceneScript(
            scene_id, roles, HAND, (ScriptLine(scenes[scene_id].brief.roles[0].name, "calm", "Well."),)
        )
        for scene_id, roles in written
    }
    return SceneSet("test v1", "0" * 12, scenes, scripts)


def test_only_what_nobody_has_written_is_generated(tmp_path: Path) -> None:
    scenes = scene_set(("001-goat", 2), ("002-lift", 3))
    events = list(write_missing_scripts(scenes, make_rehearsal(), tmp_path, roles=(2, 3)))
    assert [(one.scene_id, one.roles) for one in events if isinstance(one, ScriptBuilt)] == [
        ("002-lift", 2),
        ("001-goat", 3),
    ]
    briefs = {scene_id: scene.brief for scene_id, scene in scenes.scenes.items()}
    found = read_generated_scripts(tmp_path, briefs)
    assert set(found) == {("002-lift", 2), ("001-goat", 3)}
    assert {script.made_by for script in found.values()} == {make_rehearsal().identity}


def test_going_on_asks_for_nothing_again_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    scenes = scene_set()
    whole = Author()
    list(write_missing_scripts(scenes, whole, tmp_path / "whole", roles=(2, 3)))
    with pytest.raises(KeyboardInterrupt):
        list(write_missing_scripts(scenes, Author(questions=70), tmp_path / "torn", roles=(2, 3)))
    rest = Author()
    events = list(write_missing_scripts(scenes, rest, tmp_path / "torn", roles=(2, 3)))
    assert [one.reused for one in events if isinstance(one, ScriptBuilt)] == [True, True, False, False]
    assert rest.turns == whole.turns - 60
    for roles in (2, 3):
        one, other = (generated_path(tmp_path / name, roles) for name in ("whole", "torn"))
        assert one.read_bytes() == other.read_bytes()


def test_what_another_controller_made_is_made_anew(tmp_path: Path) -> None:
    list(write_missing_scripts(scene_set(), Author(), tmp_path, roles=(2,)))
    second = Author(made="2")
    list(write_missing_scripts(scene_set(), second, tmp_path, roles=(2,)))
    assert second.turns == 60
    assert b"author 1" not in generated_path(tmp_path, 2).read_bytes()


def test_what_is_no_script_is_told_and_not_written(tmp_path: Path) -> None:
    def stumbles(ask: AgentInput) -> Turn | MalformedTurn:
        goat = ask.scene.title == scene_set().scenes["001-goat"].brief.title
        return MalformedTurn(ask.role.name, "no JSON") if goat and ask.step % 3 == 2 else new_words(ask)

    events = list(write_missing_scripts(scene_set(), Author(says=stumbles), tmp_path, roles=(2,)))
    assert isinstance(events[0], ItemRefused)
    assert events[0].item == "001-goat-2"
    assert isinstance(events[-1], Built)
    assert (events[-1].scripts, events[-1].refused) == (1, 1)


def test_a_pool_that_is_too_small_is_passed_over(tmp_path: Path) -> None:
    scenes = scene_set()
    small = {key: replace(one, brief=one.brief.with_first_roles(4)) for key, one in scenes.scenes.items()}
    events = list(write_missing_scripts(replace(scenes, scenes=small), Author(), tmp_path, roles=(5,)))
    assert len(events) == 1


def test_every_scene_that_is_shipped_has_a_script_for_every_number_of_roles() -> None:
    shipped = shipped_scene_set()
    briefs = {scene_id: scene.brief for scene_id, scene in shipped.scenes.items()}
    generated = read_generated_scripts(GENERATED, briefs)
    written = {key for key, script in shipped.scripts.items() if script.made_by == HAND}
    assert not written & set(generated)
    assert written | set(generated) == {(scene_id, roles) for scene_id in briefs for roles in ROLE_COUNTS}


def test_what_is_shipped_is_what_its_controller_makes(tmp_path: Path) -> None:
    shipped = shipped_scene_set()
    scene = shipped.scenes["044-the-lighthouse-sale"]
    list(write_missing_scripts(replace(shipped, scenes={scene.id: scene}), make_rehearsal(), tmp_path, roles=(2, 25)))
    for roles in (2, 25):
        (line,) = generated_path(tmp_path, roles).read_bytes().splitlines()
        assert line in generated_path(GENERATED, roles).read_bytes().splitlines()
