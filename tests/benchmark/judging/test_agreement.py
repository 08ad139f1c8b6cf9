"""Agreement: against published examples and SciPy, and what it says of judges that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from speechagents.benchmark.judging.agreement import (
    agreement,
    agreement_of_judges,
    agreement_of_repeats,
    correlations,
    krippendorff_alpha,
    spearman_rho,
)
from speechagents.benchmark.judging.opinions import Failure, FailureKind, Judged, Opinion, Order
from speechagents.benchmark.metrics.metric import Measured
from speechagents.benchmark.scores import CellScores

# The example of Krippendorff 2011: four observers, twelve units, values missing; 0.815 with the ordinal metric.
_OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
EXAMPLE = [
    [int(value) for value in unit if value != "."] for unit in zip(*(row.split() for row in _OBSERVERS), strict=True)
]


def test_alpha_is_that_of_the_published_example() -> None:
    assert krippendorff_alpha(EXAMPLE) == pytest.approx(0.815, abs=5e-4)


def test_alpha_goes_by_order_alone_and_by_no_order_of_judges() -> None:
    stretched = [[value**3 for value in unit] for unit in EXAMPLE]
    turned = [unit[::-1] for unit in EXAMPLE[::-1]]
    assert krippendorff_alpha(stretched) == pytest.approx(krippendorff_alpha(EXAMPLE))
    assert krippendorff_alpha(turned) == pytest.approx(krippendorff_alpha(EXAMPLE))


def test_alpha_is_one_for_full_agreement_and_near_none_for_chance() -> None:
    assert krippendorff_alpha([[score, score] for score in (1, 2, 5, 3)]) == 1.0
    chance = np.random.default_rng(1).integers(1, 6, size=(4_000, 2)).tolist()
    assert krippendorff_alpha(chance) == pytest.approx(0.0, abs=0.04)
    assert krippendorff_alpha([[1, 5], [5, 1]]) == pytest.approx(-0.5)


@pytest.mark.parametrize("units", [[], [[3]], [[3, 3], [3, 3]], [[1], [2]]])
def test_where_nothing_varies_alpha_says_nothing(units: list[list[float]]) -> None:
    assert krippendorff_alpha(units) is None


@pytest.mark.parametrize("seed", range(5))
def test_rho_is_that_of_scipy_with_and_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for first, second in ((rng.normal(size=40), rng.normal(size=40)), rng.integers(1, 6, size=(2, 40))):
        assert spearman_rho(list(first), list(second)) == pytest.approx(stats.spearmanr(first, second).statistic)


@pytest.mark.parametrize(("first", "second"), [([], []), ([1.0], [2.0]), ([1.0, 1.0], [1.0, 2.0])])
def test_where_nothing_varies_rho_says_nothing(first: list[float], second: list[float]) -> None:
    assert spearman_rho(first, second) is None


# Judges


def judged(scores: dict[str, list[int]]) -> list[Judged]:
    return [
        Judged(cell, tuple(Opinion("quality", score, "why", at, Order.of(at)) for at, score in enumerate(given)))
        for cell, given in scores.items()
    ]


def test_a_stricter_judge_agrees_in_order_and_not_in_value() -> None:
    mild = judged({"a": [3, 3], "b": [4, 4], "c": [5, 5], "d": [2, 2]})
    strict = judged({"a": [2, 2], "b": [3, 3], "c": [4, 4], "d": [1, 1], "elsewhere": [5, 5]})
    found = agreement_of_judges(mild, strict)["judged_quality"]
    assert found.cells == 4
    assert found.rho == pytest.approx(1.0)
    assert found.alpha is not None
    assert found.alpha < 0.8


def test_a_judge_that_always_answers_3_agrees_with_nobody() -> None:
    three = judged({cell: [3, 3] for cell in "abcd"})
    other = judged({"a": [1, 2], "b": [5, 4], "c": [3, 3], "d": [2, 2]})
    both = agreement_of_judges(three, other)["judged_quality"]
    assert both.rho is None
    assert both.alpha is not None
    assert both.alpha < 0.3
    alone = agreement_of_repeats(three)["judged_quality"]
    assert (alone.cells, alone.alpha, alone.rho) == (4, None, None)


def test_repetitions_agree_as_far_as_both_are_there() -> None:
    cells = judged({"a": [1, 1], "b": [3, 3], "c": [5, 4], "d": [2]})
    found = agreement_of_repeats(cells)["judged_quality"]
    assert found.cells == 3
    assert found.rho == pytest.approx(1.0)
    assert found.alpha == krippendorff_alpha([[1, 1], [3, 3], [5, 4]])


def test_failures_agree_with_nothing() -> None:
    lost = Judged("a", tuple(Failure("quality", FailureKind.REFUSED, "why", repeat) for repeat in (0, 1)))
    assert agreement_of_repeats([lost]) == {}
    assert agreement_of_judges([lost], judged({"a": [3, 3]})) == {}
    assert agreement({"a": 1.0}, {}).cells == 0


# With what is measured


def cells(count: int, *, per_scene: int = 1, noise: float = 0.3) -> list[CellScores]:
    rng = np.random.default_rng(3)
    made = []
    for at in range(count):
        good = float(rng.normal())
        values = {
            "judged_quality": Measured(3.0 + good + noise * float(rng.normal()), 2),
            "distinct": Measured(good, 9),
            "noise": Measured(float(rng.normal()), 9),
            "absent": Measured(None),
            "same": Measured(1.0, 9),
        }
        made.append(CellScores(f"scene-{at // per_scene}", 2, at % per_scene, values))
    return made


def test_what_goes_together_is_told_from_what_does_not() -> None:
    found = {one.measured: one for one in correlations(cells(60))}
    assert set(found) == {"distinct", "noise"}
    assert all(one.low is not None and one.high is not None and one.low < one.rho < one.high for one in found.values())
    assert found["distinct"].low > 0.8  # type: ignore[operator]
    assert found["noise"].low < 0.0 < found["noise"].high  # type: ignore[operator]
    assert (found["noise"].cells, found["noise"].scenes) == (60, 60)


def test_the_same_seed_gives_the_same_intervals() -> None:
    assert correlations(cells(30), seed=5) == correlations(cells(30), seed=5)
    assert correlations(cells(30), seed=5) != correlations(cells(30), seed=6)


def test_the_interval_is_that_of_resampling_scenes_by_hand() -> None:
    made = cells(24, per_scene=3)
    found = next(one for one in correlations(made, seed=8, resamples=400) if one.measured == "noise")
    first = np.array([cell.values["judged_quality"].value for cell in made], float)
    second = np.array([cell.values["noise"].value for cell in made], float)
    rows = {
        scene: [at for at, cell in enumerate(made) if cell.scene_id == scene] for scene in {c.scene_id for c in made}
    }
    names = sorted(rows)
    drawn = np.random.default_rng(8).multinomial(len(names), np.full(len(names), 1 / len(names)), size=400)
    rhos = []
    for counts in drawn:
        taken = [at for name, count in zip(names, counts, strict=True) for at in rows[name] * count]
        rhos.append(stats.spearmanr(first[taken], second[taken]).statistic)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(rhos, [0.025, 0.975])))
    assert found.scenes == 8


def test_few_cells_correlate_with_nothing_and_few_scenes_have_no_interval() -> None:
    assert correlations(cells(4)) == ()
    (one, _) = correlations(cells(12, per_scene=4))
    assert (one.low, one.high, one.scenes) == (None, None, 3)
