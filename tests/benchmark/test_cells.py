"""What a run plays, and in which order."""

from __future__ import annotations

import itertools

from speechagents.benchmark.cells import TURNS, plan_cells, turns_of
from speechagents.benchmark.scene_set import Split, shipped_scene_set

SCENES = shipped_scene_set().of(Split.DEV)[:3]


def test_every_scene_is_played_with_every_number_of_roles_by_a_seed_of_its_own() -> None:
    cells = plan_cells(SCENES, (2, 5), repeats=2, seed=7)
    assert len(cells) == len({cell.name for cell in cells}) == len({cell.seed for cell in cells}) == 12
    assert all(cell.turns == TURNS[cell.roles] for cell in cells)
    assert cells == plan_cells(SCENES, (2, 5), repeats=2, seed=7)
    assert not {cell.seed for cell in cells} & {cell.seed for cell in plan_cells(SCENES, (2, 5), repeats=2, seed=8)}


def test_a_cell_does_not_depend_on_what_else_is_played() -> None:
    few, many = plan_cells(SCENES[1:2], (5,), repeats=1, seed=7), plan_cells(SCENES, (2, 5, 25), repeats=3, seed=7)
    assert few[0] in many


def test_a_run_that_is_cut_short_has_played_some_of_everything() -> None:
    cells = plan_cells(SCENES, (2, 5, 25), repeats=2, seed=7)
    assert [cell.repeat for cell in cells] == [0] * 9 + [1] * 9
    assert {cell.roles for cell in cells[:3]} == {2, 5, 25}


def test_larger_casts_play_longer() -> None:
    turns = [turns_of(count) for count in range(2, 26)]
    assert all(one <= other for one, other in itertools.pairwise(turns))
    assert turns_of(4) == TURNS[5]
    assert plan_cells(SCENES, (2,), repeats=1, seed=0, turns=7)[0].turns == 7
