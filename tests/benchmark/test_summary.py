"""Means over scenes, turn by turn too; and where there is no number, why."""

from __future__ import annotations

from typing import Any

import pytest

from speechagents.benchmark.metrics.metric import Measured, Needs
from speechagents.benchmark.summary import Stretch, Summary, stretch_width, stretches, summarise, turn_values
from tests.benchmark.made_up_runs import SCENES, metric, run_of, spread, with_turns

QUALITY = metric("quality")


def test_scenes_that_were_played_more_often_do_not_weigh_more() -> None:
    often = {(SCENES[0], 2, repeat): 1.0 for repeat in range(9)}
    run = run_of({"quality": {**often, (SCENES[1], 2, 0): 0.0}})
    assert summarise(run, QUALITY) == Summary(0.5, None, 10, 2)


def test_a_mean_has_an_interval_where_there_are_enough_scenes() -> None:
    run = run_of({"quality": spread(0.5)})
    for roles, cells in ((None, 60), (5, 20)):
        found = summarise(run, QUALITY, roles=roles)
        assert found.mean is not None
        assert found.interval is not None
        assert found.interval.low < found.mean < found.interval.high
        assert (found.cells, found.scenes, found.absent) == (cells, 20, "")


@pytest.mark.parametrize(
    ("name", "needs", "changed", "why"),
    [
        ("quality", Needs.TEXT, {}, "there was nothing to measure in 2 cells"),
        ("other", Needs.TEXT, {}, "it was not measured"),
        ("wer", Needs.EARS, {}, "no recogniser listened"),
        ("wer", Needs.EARS, {"voices": ""}, "nothing was spoken"),
        ("level_db", Needs.SOUND, {"voices": ""}, "nothing was spoken"),
        ("judged_quality", Needs.TEXT, {}, "no judge gave a score that counts"),
        ("judged_quality", Needs.SOUND, {"voices": ""}, "no judge gave a score that counts"),
    ],
)
def test_it_is_said_why_a_value_is_absent(name: str, needs: Needs, changed: dict[str, Any], why: str) -> None:
    run = run_of({"quality": dict.fromkeys([(scene, 2, 0) for scene in SCENES[:2]], None)}, **changed)
    assert summarise(run, metric(name, needs=needs)) == Summary(None, absent=why)


def test_numbers_of_roles_that_were_not_played_say_so() -> None:
    run = run_of({"quality": spread(0.5, roles=(2,))})
    assert summarise(run, QUALITY, roles=25).absent == "no cell was played with 25 roles"
    assert summarise(run_of({}), QUALITY).absent == "no cell was played"


def test_what_falls_from_turn_to_turn_is_seen_to_fall() -> None:
    run = run_of({"quality": with_turns(spread(0.8), turns=30, falling=0.4)})
    found = stretches(run, "quality", 5)
    assert [(one.first, one.last) for one in found] == [(at + 1, at + 5) for at in range(0, 30, 5)]
    assert found[0].mean - found[-1].mean == pytest.approx(0.4 * 25 / 29, abs=0.02)
    first, last = found[0].interval, found[-1].interval
    assert first is not None
    assert last is not None
    assert first.low > last.high


def test_a_stretch_in_which_nothing_was_measured_is_left_out() -> None:
    values = Measured(0.5, 3, ((0, 0.25), (1, 0.35), (12, 0.9)))
    assert stretches(run_of({"quality": {(SCENES[0], 2, 0): values}}), "quality", 5) == (
        Stretch(1, 5, 0.3, None),
        Stretch(11, 15, 0.9, None),
    )


@pytest.mark.parametrize(("turns", "width"), [(2, 5), (60, 5), (61, 10), (240, 20), (600, 50), (2_000, 200)])
def test_the_longest_scene_has_a_dozen_stretches_at_most(turns: int, width: int) -> None:
    run = run_of({"quality": with_turns({(SCENES[0], 2, 0): 0.5}, turns=turns)})
    assert stretch_width([run, run_of({})], "quality") == width
    assert len(turn_values(run, "quality")) == turns
