"""Who is better is said only where pairs of the same cells show it, and spoilt runs are told from good ones."""

from __future__ import annotations

import pytest

from speechagents.benchmark.comparison import ALPHA, Discerned, Winner, compare, discriminate, paired
from speechagents.benchmark.metrics.metric import Better
from speechagents.errors import BenchmarkError
from tests.benchmark.made_up_runs import SCENES, metric, run_of, spread

UP = metric("quality")
DOWN = metric("errors", Better.LOWER)
OF_A_KIND = metric("gap_s", Better.NEITHER)


def test_the_better_run_is_found_whatever_is_better_for_a_metric() -> None:
    one = run_of({"quality": spread(0.5), "errors": spread(0.5), "gap_s": spread(0.5)}, name="one")
    two = run_of(
        {"quality": spread(0.6, seed=1), "errors": spread(0.6, seed=1), "gap_s": spread(0.6, seed=1)}, name="two"
    )
    found = compare(one, two, [UP, DOWN, OF_A_KIND])
    assert [row.winner for row in found.metrics] == [Winner.SECOND, Winner.FIRST, Winner.DESCRIBES]
    turned = compare(two, one, [UP, DOWN, OF_A_KIND])
    assert [row.winner for row in turned.metrics] == [Winner.FIRST, Winner.SECOND, Winner.DESCRIBES]
    there, back = found.metrics[0].paired, turned.metrics[0].paired
    assert there.difference == -back.difference == pytest.approx(0.1, abs=0.02)
    assert there.p == back.p
    assert there.delta == -back.delta > 0.0
    assert there.effect is not None
    assert there.effect > 1.0


def test_what_may_be_chance_is_undecided() -> None:
    one, two = (run_of({"quality": spread(0.5, seed=seed)}, name=str(seed)) for seed in (1, 2))
    (row,) = compare(one, two, [UP]).metrics
    assert row.winner is Winner.UNDECIDED
    assert row.paired.interval is not None
    assert row.paired.interval.low < 0.0 < row.paired.interval.high


def test_a_run_compared_with_itself_shows_nothing() -> None:
    run = run_of({"quality": spread(0.5)})
    (row,) = compare(run, run, [UP]).metrics
    assert (row.paired.difference, row.paired.p, row.paired.effect, row.winner) == (0.0, 1.0, 0.0, Winner.UNDECIDED)


def test_pairs_see_what_lies_below_the_differences_between_scenes() -> None:
    """Scenes differ a hundred times as much as the runs do."""
    one = run_of({"quality": spread(0.5, deviation=0.5)}, name="one")
    two = run_of(
        {"quality": {key: value + 0.005 + 0.001 * (key[1] - 5) / 20 for key, value in one.of("quality").items()}},
        name="two",
    )
    assert compare(one, two, [UP]).metrics[0].winner is Winner.SECOND


def test_many_metrics_make_single_findings_rarer() -> None:
    """A difference that has p 0.03 alone is none among ten."""
    scenes = SCENES[:6]
    one = run_of({f"m{number}": dict.fromkeys([(scene, 2, 0) for scene in scenes], 0.5) for number in range(10)})
    shifted = {f"m{number}": dict(one.of(f"m{number}")) for number in range(10)}
    shifted["m0"] = {key: 0.6 + 0.01 * at for at, key in enumerate(shifted["m0"])}
    two = run_of(shifted, name="two")
    alone, among = (
        compare(one, two, [metric(f"m{number}") for number in range(count)]).metrics[0] for count in (1, 10)
    )
    assert alone.paired.p == among.paired.p == pytest.approx(2 / 2**6)
    assert alone.p_holm <= ALPHA < among.p_holm
    assert (alone.winner, among.winner) == (Winner.SECOND, Winner.UNDECIDED)


def test_only_cells_that_both_have_are_compared_and_the_others_are_named() -> None:
    values = spread(0.5, roles=(2, 5))
    first = {key: value for key, value in values.items() if key != (SCENES[0], 2, 0)}
    second = {key: value for key, value in values.items() if key not in ((SCENES[1], 5, 0), (SCENES[3], 2, 0))}
    found = compare(run_of({"quality": first}, name="one"), run_of({"quality": second}, name="two"), [UP, DOWN])
    assert found.only_first == ((SCENES[1], 5, 0), (SCENES[3], 2, 0))
    assert found.only_second == ((SCENES[0], 2, 0),)
    assert found.unpaired == ("errors",)
    assert [(row.paired.pairs, row.paired.scenes) for row in found.metrics] == [(37, 20)]
    assert found.metrics[0].paired.difference == 0.0


def test_a_cell_in_which_one_run_has_nothing_to_measure_is_no_pair() -> None:
    values: dict[tuple[str, int, int], float | None] = {**spread(0.5, roles=(2,))}
    values[SCENES[0], 2, 0] = None
    found = paired(run_of({"quality": values}), run_of({"quality": spread(0.5, roles=(2,))}), "quality")
    assert found is not None
    assert (found.pairs, found.scenes) == (19, 19)


def test_rounding_is_no_effect() -> None:
    """0.1 + 0.2 is not 0.3: without care a difference of 4e-17 in every scene would be certain."""
    keys = [(scene, 2, 0) for scene in SCENES]
    one, two = dict.fromkeys(keys, 0.1 + 0.2), dict.fromkeys(keys, 0.3)
    found = paired(run_of({"quality": one}), run_of({"quality": two}), "quality")
    assert found is not None
    assert (found.difference, found.p, found.effect) == (0.0, 1.0, 0.0)


def test_runs_of_different_benchmarks_are_refused() -> None:
    one, two = run_of({"quality": spread(0.5)}), run_of({"quality": spread(0.5)}, name="two", benchmark="hcs v2 99")
    with pytest.raises(BenchmarkError, match="two is a run of hcs v2 99, one one of hcs v1"):
        compare(one, two, [UP])
    with pytest.raises(BenchmarkError, match="compare runs of one benchmark"):
        discriminate(one, [two], [UP], baseline="two")


def test_more_than_zero_means_that_the_reference_is_better() -> None:
    good = run_of({"quality": spread(0.8), "errors": spread(0.1), "gap_s": spread(0.2)}, name="reference")
    bad = run_of(
        {"quality": spread(0.5, seed=1), "errors": spread(0.3, seed=1), "gap_s": spread(0.9, seed=1)}, name="shuffled"
    )
    same = run_of(
        {"quality": spread(0.8, seed=2), "errors": spread(0.1, seed=2), "gap_s": spread(0.2, seed=2)}, name="monotone"
    )
    found = discriminate(good, [bad, same], [UP, DOWN, OF_A_KIND], baseline="shuffled")
    assert (found.reference, found.others, found.baseline) == ("reference", ("shuffled", "monotone"), "shuffled")
    assert [found.verdict(one.name) for one in (UP, DOWN, OF_A_KIND)] == [
        Discerned.ABOVE,
        Discerned.ABOVE,
        Discerned.DESCRIBES,
    ]
    for one, (shuffled, monotone) in found.rows[:2]:
        assert shuffled.effect is not None, one.name
        assert shuffled.effect > 1.0
        assert shuffled.delta == pytest.approx(1.0)
        assert shuffled.interval is not None
        assert shuffled.interval.low > 0.0
        assert monotone.verdict is Discerned.NOT_ABOVE
    describing = found.rows[2][1][0]
    assert describing.delta is not None
    assert describing.delta < 0.0, "for what only describes the sign says which has more"


def test_a_metric_that_prefers_the_spoilt_run_is_not_above_it() -> None:
    good, bad = run_of({"quality": spread(0.4)}, name="reference"), run_of({"quality": spread(0.6)}, name="shuffled")
    found = discriminate(good, [bad], [UP], baseline="shuffled")
    assert found.verdict("quality") is Discerned.NOT_ABOVE


def test_without_enough_scenes_there_is_no_verdict() -> None:
    few = spread(0.8, scenes=SCENES[:5])
    good, bad = run_of({"quality": few}, name="reference"), run_of({"quality": spread(0.2)}, name="shuffled")
    found = discriminate(good, [bad], [UP, DOWN], baseline="shuffled")
    assert found.verdict("quality") is found.verdict("errors") is Discerned.TOO_FEW
    assert found.rows[0][1][0].pairs == 15
    assert found.rows[1][1][0].effect is None


def test_a_baseline_has_to_be_there() -> None:
    run = run_of({"quality": spread(0.5)})
    with pytest.raises(BenchmarkError, match="no run is called 'shuffled'; the others are none"):
        discriminate(run, [], [UP], baseline="shuffled")
