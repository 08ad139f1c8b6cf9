"""Scenes of a simulation: found, checked, told apart, and read when they are needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from speechagents.cluster.scene_shelf import SceneShelf, play_seed
from speechagents.drama import SceneBrief
from speechagents.errors import SceneError, SettingsError
from tests.cluster.talking import write_scenes


def as_it_is(scene: SceneBrief) -> SceneBrief:
    return scene


def test_files_and_folders_are_played_in_order(tmp_path: Path) -> None:
    write_scenes(tmp_path / "many", 3)
    (tmp_path / "many" / "notes.txt").write_text("no scene", "utf-8")
    (tmp_path / "many" / "deeper").mkdir()
    (single,) = write_scenes(tmp_path / "single")
    alone = single.rename(tmp_path / "alone.yml")
    shelf = SceneShelf([alone, tmp_path / "many"], as_it_is)
    assert list(shelf.ids()) == ["alone", "scene-000", "scene-001", "scene-002"]
    assert len(shelf) == 4
    assert shelf.scene(2, seed=9).title == "Scene 1"
    assert shelf.scene(2, seed=9).seed == 9


def test_scenes_are_played_as_they_are_adjusted(tmp_path: Path) -> None:
    shelf = SceneShelf(write_scenes(tmp_path), lambda scene: replace(scene, turns=7))
    assert shelf.scene(0, seed=1).turns == 7


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder.mkdir(), "no scene in this folder"),
        (lambda folder: write_scenes(folder, 2)[1].write_text("title: x\n", "utf-8"), "scene-001.yaml:1: roles"),
        (lambda folder: folder.write_text("", "utf-8"), "empty"),
        (lambda _: None, "no such file"),
    ],
)
def test_what_is_no_scene_is_told(tmp_path: Path, make: object, said: str) -> None:
    make(tmp_path / "scenes")  # type: ignore[operator]
    with pytest.raises(SceneError, match=said):
        SceneShelf([tmp_path / "scenes"], as_it_is)


def test_two_scenes_of_one_name_are_refused(tmp_path: Path) -> None:
    write_scenes(tmp_path / "a")
    write_scenes(tmp_path / "b")
    with pytest.raises(SceneError, match=r"two scenes are called scene-000 .*rename one"):
        SceneShelf([tmp_path / "a", tmp_path / "b"], as_it_is)


def test_a_scene_that_cannot_be_played_as_asked_is_named(tmp_path: Path) -> None:
    def refuse(scene: SceneBrief) -> SceneBrief:
        if scene.title == "Scene 1":
            raise SettingsError("it has two roles alone")
        return scene

    with pytest.raises(SceneError, match=r"scene-001\.yaml: it has two roles alone"):
        SceneShelf(write_scenes(tmp_path, 3), refuse)


def test_the_digest_is_of_names_and_content_and_not_of_the_place(tmp_path: Path) -> None:
    one, same = (SceneShelf(write_scenes(tmp_path / name, 2), as_it_is).digest for name in "ab")
    assert one == same
    other = SceneShelf(write_scenes(tmp_path / "c", 2, background="Another room."), as_it_is).digest
    assert other != one
    assert SceneShelf(write_scenes(tmp_path / "d", 3), as_it_is).digest != one


def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path) -> None:
    paths = write_scenes(tmp_path, 2)
    shelf = SceneShelf(paths, as_it_is)
    assert shelf.scene(0, seed=0).background == "A room with one chair."
    write_scenes(tmp_path, 2, background="Another room.")
    assert shelf.scene(0, seed=1).background == "A room with one chair.", "it was read already"
    with pytest.raises(SceneError, match="scene-001: was changed while the run was going on"):
        shelf.scene(1, seed=0)


def test_many_scenes_are_not_held_in_memory(tmp_path: Path) -> None:
    shelf = SceneShelf(write_scenes(tmp_path, 300), as_it_is)
    for _ in range(2):
        assert [shelf.scene(number, seed=0).title for number in range(300)] == [f"Scene {n}" for n in range(300)]
    assert len(shelf._kept) <= 256


def test_each_play_has_a_seed_of_its_own_that_stays() -> None:
    seeds = {play_seed(seed, name, repeat) for seed in range(5) for name in ("a", "b", "ä") for repeat in range(50)}
    assert len(seeds) == 750
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert play_seed(3, "picnic", 4) == 1986311690370244319
