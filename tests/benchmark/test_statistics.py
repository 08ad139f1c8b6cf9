"""Intervals, tests and effect sizes agree with SciPy's, and keep what must hold of any numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from speechagents.benchmark.statistics import (
    CONFIDENCE,
    LEAST_SCENES,
    PERMUTATIONS,
    cliffs_delta,
    holm,
    mean_interval,
    paired_effect,
    scene_means,
    sign_flip_p,
    tail_z,
)

NUMBERS = st.integers(-1_000, 1_000).map(lambda whole: whole / 16.0)
SAMPLES = st.lists(NUMBERS, min_size=LEAST_SCENES, max_size=40)


def sample(size: int, seed: int = 1) -> list[float]:
    """Skewed numbers, as times and counts are."""
    return [float(value) for value in np.random.default_rng(seed).lognormal(size=size)]


def test_cells_of_a_scene_count_as_one_and_every_scene_counts_the_same() -> None:
    values = {("002-b", 2, 0): 5.0, ("001-a", 5, 0): 2.0, ("001-a", 2, 0): 1.0, ("001-a", 2, 1): 3.0}
    assert list(scene_means(values).items()) == [("001-a", 2.0), ("002-b", 5.0)]


def test_more_cells_of_the_same_scenes_do_not_make_an_interval_narrower() -> None:
    values = dict(zip([f"{number:03d}-s" for number in range(12)], sample(12), strict=True))
    once = scene_means({(scene, 2, 0): value for scene, value in values.items()})
    often = scene_means({(scene, 2, repeat): value for scene, value in values.items() for repeat in range(50)})
    assert mean_interval(tuple(once.values())) == mean_interval(tuple(often.values()))


@pytest.mark.parametrize("size", [6, 9, 20, 100])
def test_the_interval_is_that_of_scipy_with_tails_for_few_values(size: int) -> None:
    values = sample(size)
    level = 2.0 * stats.norm.cdf(tail_z(size)) - 1.0
    theirs = stats.bootstrap(
        (values,), np.mean, confidence_level=level, n_resamples=20_000, method="BCa", rng=np.random.default_rng(5)
    ).confidence_interval
    ours = mean_interval(values)
    assert ours is not None
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


@pytest.mark.parametrize("size", [6, 8, 15, 30, 1_000])
def test_tails_are_those_of_student(size: int) -> None:
    student = stats.t.ppf(0.5 + CONFIDENCE / 2.0, size - 1) * math.sqrt(size / (size - 1))
    assert tail_z(size) == pytest.approx(student, rel=0.002)


def test_of_symmetric_values_the_interval_is_about_that_of_student() -> None:
    values = [float(value) for value in stats.norm.ppf((np.arange(30) + 0.5) / 30.0)]
    ours = mean_interval(values)
    theirs = stats.t.interval(CONFIDENCE, 29, np.mean(values), stats.sem(values))
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx(theirs, abs=0.03)


def test_few_values_have_no_interval_and_equal_ones_that_value_alone() -> None:
    assert mean_interval(sample(LEAST_SCENES - 1)) is None
    found = mean_interval([0.3] * 10)
    assert found is not None
    assert found.low == found.high == pytest.approx(0.3)


def test_equal_numbers_give_equal_answers_and_another_seed_others() -> None:
    values = sample(30)
    assert mean_interval(values) == mean_interval(values) != mean_interval(values, seed=1)
    assert sign_flip_p(values) == sign_flip_p(values)


@settings(deadline=None, max_examples=40)
@given(SAMPLES)
def test_the_interval_holds_the_mean_and_lies_within_the_values(values: Sequence[float]) -> None:
    found = mean_interval(values)
    assert found is not None
    room = 1e-9 * max(map(abs, values))
    assert min(values) - room <= found.low <= np.mean(values) + room
    assert np.mean(values) - room <= found.high <= max(values) + room


@settings(deadline=None, max_examples=40)
@given(SAMPLES, st.integers(-50, 50), st.integers(1, 8))
def test_the_interval_moves_and_grows_with_the_values(values: Sequence[float], moved: int, grown: int) -> None:
    one, other = mean_interval(values), mean_interval([value * grown + moved for value in values])
    assert one is not None
    assert other is not None
    assert (other.low, other.high) == pytest.approx((one.low * grown + moved, one.high * grown + moved), abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(SAMPLES)
def test_with_the_other_sign_the_interval_is_turned_around(values: Sequence[float]) -> None:
    one, other = mean_interval(values), mean_interval([-value for value in values])
    assert one is not None
    assert other is not None
    assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-6)


@pytest.mark.parametrize(("size", "shift", "within"), [(2, 1.2, 0.0), (5, 1.2, 0.0), (12, 1.2, 0.0), (40, 1.2, 0.02)])
def test_p_is_that_of_scipy_for_few_differences_exactly(size: int, shift: float, within: float) -> None:
    differences = [value - shift for value in sample(size, seed=3)]
    theirs = stats.permutation_test(
        (differences, [0.0] * size),
        lambda one, other, axis: np.mean(np.subtract(one, other), axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9_999,
        rng=np.random.default_rng(6),
    )
    assert sign_flip_p(differences) == pytest.approx(theirs.pvalue, abs=max(within, 1e-12))


def test_p_is_never_smaller_than_its_draws_can_tell() -> None:
    assert sign_flip_p([1.0] * 100) == pytest.approx(1.0 / (PERMUTATIONS + 1))
    assert sign_flip_p([1.0] * 6) == pytest.approx(2.0 / 2**6)
    assert sign_flip_p([0.0] * 30) == sign_flip_p([0.4]) == 1.0
    with pytest.raises(ValueError, match="no differences"):
        sign_flip_p([])


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=12))
def test_p_knows_neither_sign_nor_order_nor_scale(differences: Sequence[float]) -> None:
    p = sign_flip_p(differences)
    assert 2.0 ** (1 - len(differences)) <= p <= 1.0
    assert p == sign_flip_p([-3.0 * value for value in reversed(differences)])


@settings(deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=30), st.lists(NUMBERS, min_size=1, max_size=30))
def test_cliffs_delta_counts_pairs(first: Sequence[float], second: Sequence[float]) -> None:
    pairs = [float(np.sign(one - other)) for one, other in itertools.product(first, second)]
    assert cliffs_delta(first, second) == pytest.approx(sum(pairs) / len(pairs)) == -cliffs_delta(second, first)


def test_cliffs_delta_goes_with_mann_and_whitney() -> None:
    first, second = sample(30, seed=1), sample(25, seed=2)
    u = stats.mannwhitneyu(first, second).statistic
    assert cliffs_delta(first, second) == pytest.approx(2.0 * u / (30 * 25) - 1.0)
    with pytest.raises(ValueError, match="no values"):
        cliffs_delta([], second)


def test_the_paired_effect_is_t_by_the_root_of_the_count() -> None:
    differences = [value - 1.0 for value in sample(20)]
    t = stats.ttest_1samp(differences, 0.0).statistic
    assert paired_effect(differences) == pytest.approx(t / math.sqrt(20))


def test_an_effect_that_never_varies_has_no_bound() -> None:
    assert paired_effect([0.3 - 0.1, 0.4 - 0.2, 0.2]) == math.inf
    assert paired_effect([-0.25] * 4) == -math.inf
    assert paired_effect([0.0] * 4) == 0.0
    assert paired_effect([0.5]) is None


def test_holm_gives_the_numbers_of_his_procedure() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20), st.floats(0.001, 0.5))
def test_holm_rejects_what_the_sequence_of_tests_rejects(ps: Sequence[float], alpha: float) -> None:
    """The procedure as it is told: from the smallest p on, until one is above alpha by the tests that are left."""
    rejected = set()
    for done, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        assume(not math.isclose(ps[at] * (len(ps) - done), alpha))
        if ps[at] * (len(ps) - done) > alpha:
            break
        rejected.add(at)
    adjusted = holm(ps)
    assert {at for at, p in enumerate(adjusted) if p <= alpha} == rejected
    assert all(raw <= p <= min(1.0, raw * len(ps)) for raw, p in zip(ps, adjusted, strict=True))
