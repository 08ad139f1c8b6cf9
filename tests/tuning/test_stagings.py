"""Scenes of a folder of trajectories, to be played again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.drama import Deed
from speechagents.errors import TuningError
from speechagents.tuning.stagings import check_scenes, good_windows, staged_scenes
from speechagents.tuning.trajectory import Split, Trajectory
from tests.tuning.word_acts import rl, trajectories

KNOWN = "002-piano-on-the-stairs"


def of_the_benchmark(background: str = "") -> list[Trajectory]:
    """Turns in a scene that comes with this package, or in another one that bears its id."""
    brief = shipped_scene_set().scenes[KNOWN].brief.with_first_roles(3)
    scene = replace(brief, background=background or brief.background)
    found = []
    for one in trajectories(1, Split.TRAIN, roles=[role.name for role in scene.roles]):
        number = one.id.rpartition("/")[2]
        ask = replace(one.ask, scene=scene)
        found.append(replace(one, id=f"{KNOWN}/roles-3/{number}", scene_id=KNOWN, ask=ask))
    return found


def test_every_brief_is_staged_once_in_the_order_of_the_trajectories_as_the_recipe_says() -> None:
    found = staged_scenes(trajectories(3, Split.TRAIN), rl(turns=9, policy="random"), seed=1)
    assert [one.scene_id for one in found] == ["train-0", "train-1", "train-2"]
    assert {(one.scene.turns, one.scene.policy) for one in found} == {(9, "random")}
    assert found[0].scene.background == "Quay train-0 at night."


def test_chance_outside_the_policy_follows_from_the_seed_and_the_scene() -> None:
    def seeds(seed: int) -> list[int]:
        return [one.scene.seed for one in staged_scenes(trajectories(3, Split.TRAIN), rl(), seed=seed)]

    assert seeds(1) == seeds(1)
    assert len({*seeds(1), *seeds(2)}) == 6


def test_scenes_with_another_number_of_roles_are_left_out_and_a_folder_without_any_is_refused() -> None:
    there = [*trajectories(1, Split.TRAIN), *trajectories(1, Split.DEV, roles=("Ann", "Ben"))]
    assert [one.scene_id for one in staged_scenes(there, rl(roles=2), seed=0)] == ["dev-0"]
    with pytest.raises(TuningError, match=r"rl\.roles: .* no scene with 4 roles, but with 2, 3; write one of them"):
        check_scenes(staged_scenes(there, rl(roles=4), seed=0), there, rl(roles=4))
    check_scenes(staged_scenes(there, rl(roles=3), seed=0), there, rl(roles=3))


def test_facts_of_the_shipped_benchmark_are_known_and_those_of_no_other_scene() -> None:
    (known,) = staged_scenes(of_the_benchmark(), rl(), seed=0)
    assert known.facts == shipped_scene_set().scenes[KNOWN].facts != ()
    (other,) = staged_scenes(of_the_benchmark(background="Somewhere else."), rl(), seed=0)
    assert other.facts == ()


def test_windows_are_as_long_as_an_episode_and_hold_the_lines_of_one_take_in_order() -> None:
    there = trajectories(2, Split.TRAIN, turns=7)
    found = good_windows(list(reversed(there)), rl(turns=3))
    assert [one.scene_id for one in found] == ["train-1", "train-1", "train-0", "train-0"]
    said = [(one.ask.role.name, one.turn.text) for one in there if one.scene_id == "train-0"]
    assert [(line.role, line.text) for one in found[2:] for line in one.lines] == said[:6]


def test_what_was_done_without_a_word_is_no_line() -> None:
    there = trajectories(1, Split.TRAIN, turns=4)
    there[1] = replace(there[1], turn=replace(there[1].turn, deed=Deed.ACT))
    (window,) = good_windows(there, rl(turns=3))
    assert [line.role for line in window.lines] == ["Ann", "Cleo", "Ann"]
