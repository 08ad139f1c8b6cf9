"""The shipped scenes, and folders of scenes that are wrong in some way."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from speechagents.benchmark.facts import Verdict
from speechagents.benchmark.scene_set import POOL, ROLE_COUNTS, SceneSet, Split, read_scene_set, shipped_scene_set
from speechagents.benchmark.script_file import HAND, SceneScript, read_scene_script, write_scene_script
from speechagents.errors import BenchmarkError
from speechagents.resources import resource

SHIPPED = resource("assets", "hcs", "v1")


@pytest.fixture(scope="module")
def scenes() -> SceneSet:
    return shipped_scene_set()


# What is shipped


def test_there_are_a_hundred_scenes_in_fixed_splits(scenes: SceneSet) -> None:
    assert scenes.name == "hcs v1"
    assert {split: len(scenes.of(split)) for split in Split} == {Split.TRAIN: 40, Split.DEV: 20, Split.TEST: 40}
    assert len(scenes.of(None)) == 100


def test_every_scene_has_a_pool_of_people_who_know_each_other_and_want_something(scenes: SceneSet) -> None:
    for scene in scenes.scenes.values():
        assert len(scene.brief.roles) == POOL
        for role in scene.brief.roles:
            assert re.match(r"\d{1,3}, ", role.profile), (scene.id, role.name)
            assert role.goals, (scene.id, role.name)
            assert role.relations, (scene.id, role.name)
        for count in ROLE_COUNTS[:3]:
            playing = scene.brief.with_first_roles(count)
            assert any(role.relations for role in playing.roles), (scene.id, count)


def test_scenes_differ_in_place_time_register_age_and_mood(scenes: SceneSet) -> None:
    facets = [scene.facets for scene in scenes.scenes.values()]
    assert len({one.region for one in facets}) >= 18
    assert len({one.register for one in facets}) >= 8
    assert {one.time for one in facets} == {"past", "present", "future"}
    assert len({one.conflict for one in facets}) >= 90
    assert len({mood for one in facets for mood in one.emotions}) >= 18
    assert max(Counter(one.region for one in facets).values()) <= 20
    ages = [int(role.profile.split(",")[0]) for scene in scenes.scenes.values() for role in scene.brief.roles]
    assert min(ages) < 8
    assert max(ages) > 88


def test_no_two_scenes_are_alike(scenes: SceneSet) -> None:
    def shingles(text: str) -> set[str]:
        words = re.findall(r"\w+", text.casefold())
        return {" ".join(words[at : at + 4]) for at in range(len(words) - 3)}

    seen: dict[str, str] = {}
    for scene in scenes.scenes.values():
        told = [scene.brief.background, *(role.profile for role in scene.brief.roles)]
        mine = set().union(*map(shingles, told))
        shared = [one for one in mine if seen.get(one, scene.id) != scene.id]
        assert len(shared) <= 0.05 * len(mine), (scene.id, shared[:10])
        seen.update((one, scene.id) for one in mine)


def test_every_scene_of_the_test_split_has_a_script_written_by_hand(scenes: SceneSet) -> None:
    by_hand = [script for script in scenes.scripts.values() if script.made_by == HAND]
    assert {scene.id for scene in scenes.of(Split.TEST)} <= {script.scene_id for script in by_hand}
    assert len(by_hand) >= 50
    assert sum(script.roles >= 10 for script in by_hand) >= 12
    in_test = sum(scenes.scenes[script.scene_id].split is Split.TEST for script in by_hand)
    assert in_test >= 0.8 * len(by_hand)


def test_everybody_who_plays_speaks_and_speaks_in_several_styles(scenes: SceneSet) -> None:
    for (scene_id, roles), script in scenes.scripts.items():
        playing = [role.name for role in scenes.scenes[scene_id].brief.roles[:roles]]
        assert {line.role for line in script.lines} == set(playing), (scene_id, roles)
        styles = Counter(line.style for line in script.lines)
        assert len(styles) >= 5, (scene_id, roles)
        assert styles["default"] <= len(script.lines) / 3


def test_scripts_keep_the_facts_of_their_scene(scenes: SceneSet) -> None:
    says = breaks = 0
    for (scene_id, _), script in scenes.scripts.items():
        for line in script.lines:
            verdicts = [fact.verdict(line.text) for fact in scenes.scenes[scene_id].facts]
            says += verdicts.count(Verdict.SAYS)
            breaks += verdicts.count(Verdict.BREAKS)
    assert says >= 3 * len(scenes.scripts)
    assert breaks <= 0.03 * says, "what counts as broken is rarely so in scripts that people wrote"


def test_scripts_do_not_repeat_each_other(scenes: SceneSet) -> None:
    seen: dict[str, str] = {}
    shared: list[tuple[str, str, str]] = []
    for (scene_id, _), script in scenes.scripts.items():
        for line in script.lines:
            words = re.findall(r"\w+", line.text.casefold())
            for at in range(len(words) - 6):
                phrase = " ".join(words[at : at + 7])
                if seen.setdefault(phrase, scene_id) != scene_id:
                    shared.append((phrase, seen[phrase], scene_id))
    assert len(shared) <= 3, shared


# Folders that are wrong


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A benchmark of one scene."""
    target = tmp_path / "own"
    (target / "scenes").mkdir(parents=True)
    (target / "scripts").mkdir()
    shutil.copy(SHIPPED / "scenes" / "001-night-ferry.yaml", target / "scenes")
    shutil.copy(SHIPPED / "scripts" / "001-night-ferry-2.yaml", target / "scripts")
    index = (SHIPPED / "index.yaml").read_text("utf-8")
    head, _, _ = index.partition("  - id: 002")
    (target / "index.yaml").write_text(head, "utf-8")
    return target


def test_a_folder_of_ones_own_is_read(folder: Path) -> None:
    scenes = read_scene_set(folder)
    assert list(scenes.scenes) == ["001-night-ferry"]
    assert ("001-night-ferry", 2) in scenes.scripts


def test_its_digest_is_that_of_all_its_files(folder: Path) -> None:
    before = read_scene_set(folder).digest
    assert read_scene_set(folder).digest == before
    script = folder / "scripts" / "001-night-ferry-2.yaml"
    script.write_text(script.read_text("utf-8") + "# another byte\n", "utf-8")
    assert read_scene_set(folder).digest != before


def _index(change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "index.yaml"
        path.write_text(change(path.read_text("utf-8")), "utf-8")

    return spoil


def _script(change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "scripts" / "001-night-ferry-2.yaml"
        path.write_text(change(path.read_text("utf-8")), "utf-8")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "index.yaml").unlink(), "no index.yaml here"),
        (_index(lambda text: text[:0]), "index.yaml:1: empty"),
        (_index(lambda text: text.replace("split: test", "split: tset")), r"index.yaml:\d+: .*did you mean test"),
        (_index(lambda text: text.replace("    facts:", "    facs:")), "unknown key .facs.; did you mean facts"),
        (_index(lambda text: text.replace("split: test\n", "")), "unknown|missing|YAML"),
        (_index(lambda text: text.replace("001-night-ferry", "../../etc")), "is no id like"),
        (_index(lambda text: text.replace("001-night-ferry", "001-day-ferry")), "no such file"),
        (_index(lambda text: text.replace("kind: time", "kind: thyme")), "did you mean time"),
        (_index(lambda text: text + "  - {id: x}\n"), "is missing"),
        (lambda folder: (folder / "scenes" / "001-night-ferry.yaml").write_bytes(b"\xff\xfe"), "UTF-16"),
        (_script(lambda text: text.replace("roles: 2", "roles: 3")), "rename it"),
        (_script(lambda text: text.replace("scene: 001-night-ferry", "scene: 002-else")), "no scene of this benchmark"),
        (_script(lambda text: text + '  - [Nobody, calm, "Me?"]\n'), "does not play here"),
        (_script(lambda text: text + "  - [Me]\n"), "1 parts"),
        (_script(lambda text: text + "  - &a [x, y, z]\n"), "anchors and aliases"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(folder)
    with pytest.raises(BenchmarkError, match=said):
        read_scene_set(folder)


def test_a_fact_that_the_background_does_not_state_is_refused(folder: Path) -> None:
    path = folder / "index.yaml"
    path.write_text(re.sub(r'kind: time, value: "[^"]*"', 'kind: time, value: "ten to four"', path.read_text("utf-8")))
    with pytest.raises(BenchmarkError, match="the background does not say 'ten to four'"):
        read_scene_set(folder)


# Scripts


def test_a_script_is_read_back_as_it_was_written(scenes: SceneSet, tmp_path: Path) -> None:
    briefs = {scene_id: scene.brief for scene_id, scene in scenes.scenes.items()}
    for script in list(scenes.scripts.values())[::9]:
        path = tmp_path / f"{script.scene_id}-{script.roles}.yaml"
        path.write_text(write_scene_script(script), "utf-8")
        again: SceneScript = read_scene_script(path, briefs)
        assert again == script
