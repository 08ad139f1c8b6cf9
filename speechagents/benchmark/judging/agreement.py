"""How far judges agree: with each other, with themselves, and with what is measured without a judge.

Owns the statistics. Does not know how anything was judged or measured.

Scores are bands, so that all of it goes by their order alone. Alpha asks whether two judges give the same score, rho
whether they put cells into the same order: a judge who is stricter by one band everywhere has a low alpha and a high
rho.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from speechagents.benchmark.judging.opinions import Judged, Opinion, judged_values
from speechagents.benchmark.scores import CellScores

JUDGED_PREFIX: Final = "judged_"

LEAST_CELLS: Final = 5
"""With fewer no correlation is worth telling: four cells rank alike, up or down, once in twelve times by chance."""
RESAMPLES: Final = 1_000
"""Enough for the ends of an interval of 95 % (Efron and Tibshirani 1993, doi 10.1201/9780429246593)."""
_INTERVAL: Final = (0.025, 0.975)
_LEAST_DEFINED: Final = 0.9

Key = TypeVar("Key", bound=Hashable)
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two or more sets of scores agree.

    Attributes:
        cells: Number of cells that were scored at least twice.
        alpha: Krippendorff's alpha for ordinal values: 1 for full agreement, 0 for that of chance; None where all
            scores are the same, so that nothing can be said.
        rho: Spearman's rho of the first two; None where one of them does not vary.
    """

    cells: int
    alpha: float | None
    rho: float | None


@dataclass(frozen=True, slots=True)
class Correlation:
    """How far a judged metric goes with one that is measured without a judge.

    Attributes:
        judged: Name of the judged metric.
        measured: Name of the other.
        rho: Spearman's rho over cells.
        low: Lower end of its interval of 95 %; None where there are too few scenes.
        high: Upper end.
        cells: Number of cells that have both.
        scenes: Number of scenes that these are of.
    """

    judged: str
    measured: str
    rho: float
    low: float | None
    high: float | None
    cells: int
    scenes: int


def krippendorff_alpha(units: Iterable[Sequence[float]]) -> float | None:
    """Krippendorff's alpha with the ordinal metric.

    Krippendorff 2011, Computing Krippendorff's Alpha-Reliability (repository.upenn.edu/asc_papers/43).

    Args:
        units: The values that each unit was given, by however many judges; missing ones left out.

    Returns:
        None where fewer than two values can be compared, or all are the same.
    """
    paired = [list(unit) for unit in units if len(unit) > 1]
    values = sorted({value for unit in paired for value in unit})
    if len(values) < 2:
        return None
    places = {value: place for place, value in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for unit in paired:
        counts = np.bincount([places[value] for value in unit], minlength=len(values)).astype(float)
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    totals = coincidences.sum(axis=1)
    # Between two values lie all that are ranked between them, and half of those that have them.
    middles = np.cumsum(totals) - totals / 2.0
    distances = (middles[:, None] - middles[None, :]) ** 2
    expected = float((np.outer(totals, totals) * distances).sum())
    observed = float((coincidences * distances).sum())
    return 1.0 - (float(totals.sum()) - 1.0) * observed / expected


def spearman_rho(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation; equal values share the mean of their ranks.

    Spearman 1904, doi 10.2307/1412159; ties as in Kendall 1945, doi 10.1093/biomet/33.3.239.

    Args:
        first: Values.
        second: As many.

    Returns:
        None where one of them has fewer than two different values.
    """
    weights = np.ones((1, len(first)))
    rho = _weighted_rho(weights, np.asarray(first, float), np.asarray(second, float))[0] if len(first) else np.nan
    return None if np.isnan(rho) else float(rho)


def agreement(first: Mapping[Key, float], second: Mapping[Key, float]) -> Agreement:
    """Between two sets of scores, over what both have."""
    pairs = [(value, second[key]) for key, value in first.items() if key in second]
    rho = spearman_rho([one for one, _ in pairs], [other for _, other in pairs])
    return Agreement(len(pairs), krippendorff_alpha(pairs), rho)


def agreement_of_judges(first: Iterable[Judged], second: Iterable[Judged]) -> Mapping[str, Agreement]:
    """Between two judges, by judged metric; cells go by name."""
    one, other = _values_by_metric(first), _values_by_metric(second)
    return {name: agreement(values, other[name]) for name, values in one.items() if name in other}


def agreement_of_repeats(judged: Iterable[Judged]) -> Mapping[str, Agreement]:
    """Of one judge with itself, by judged metric: between repetitions, and so between both orders too."""
    scores: defaultdict[str, dict[str, dict[int, int]]] = defaultdict(dict)
    for one in judged:
        for opinion in one.verdicts:
            if isinstance(opinion, Opinion):
                cells = scores[JUDGED_PREFIX + opinion.criterion]
                cells.setdefault(one.cell, {})[opinion.repeat] = opinion.score
    found: dict[str, Agreement] = {}
    for name, cells in scores.items():
        units = [[given[repeat] for repeat in sorted(given)] for given in cells.values()]
        repeated = [unit for unit in units if len(unit) > 1]
        both = [(given[0], given[1]) for given in cells.values() if 0 in given and 1 in given]
        rho = spearman_rho([one for one, _ in both], [other for _, other in both])
        found[name] = Agreement(len(repeated), krippendorff_alpha(repeated), rho)
    return found


def correlations(cells: Sequence[CellScores], *, seed: int = 0, resamples: int = RESAMPLES) -> tuple[Correlation, ...]:
    """Of every judged metric with every other one, over cells that have both.

    Intervals are percentiles of bootstrap samples (Efron and Tibshirani 1993, doi 10.1201/9780429246593), of scenes and
    not of cells: cells of one scene are alike (Field and Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x).

    With so many pairs some are far from 0 by chance; nothing is done about that here.

    Args:
        cells: What was measured of a run, or of several.
        seed: Of the bootstrap.
        resamples: Number of its samples.

    Returns:
        In the order of the names; pairs with fewer than `LEAST_CELLS` cells, or where one does not vary, are left out.
    """
    names = sorted({name for cell in cells for name, found in cell.values.items() if found.value is not None})
    judged = [name for name in names if name.startswith(JUDGED_PREFIX)]
    others = [name for name in names if not name.startswith(JUDGED_PREFIX)]
    found: list[Correlation] = []
    for one, other in itertools.product(judged, others):
        if (correlation := _correlation(cells, one, other, seed, resamples)) is not None:
            found.append(correlation)
    return tuple(found)


def _correlation(
    cells: Sequence[CellScores], judged: str, measured: str, seed: int, resamples: int
) -> Correlation | None:
    rows = [
        (cell.scene_id, first.value, second.value)
        for cell in cells
        if (first := cell.values.get(judged)) is not None
        and (second := cell.values.get(measured)) is not None
        and first.value is not None
        and second.value is not None
    ]
    if len(rows) < LEAST_CELLS:
        return None
    x, y = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    rho = _weighted_rho(np.ones((1, len(rows))), x, y)[0]
    if np.isnan(rho):
        return None
    names, scenes = np.unique([row[0] for row in rows], return_inverse=True)
    low, high = _interval(x, y, scenes, len(names), seed, resamples)
    return Correlation(judged, measured, float(rho), low, high, len(rows), len(names))


def _interval(
    x: Numbers, y: Numbers, scenes: NDArray[np.intp], count: int, seed: int, resamples: int
) -> tuple[float | None, float | None]:
    if count < LEAST_CELLS:
        return None, None
    # How often each scene was drawn, and with it each of its cells.
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=resamples)
    rhos = _weighted_rho(drawn[:, scenes].astype(float), x, y)
    defined = rhos[~np.isnan(rhos)]
    if len(defined) < _LEAST_DEFINED * resamples:
        return None, None
    low, high = np.quantile(defined, _INTERVAL)
    return float(low), float(high)


def _weighted_rho(weights: Numbers, x: Numbers, y: Numbers) -> Numbers:
    """Spearman's rho of samples in which each pair stands so many times; one row of weights for each sample."""
    ranks = _ranks(weights, x), _ranks(weights, y)
    total = weights.sum(axis=1, keepdims=True)
    first, second = (one - (weights * one).sum(axis=1, keepdims=True) / total for one in ranks)
    products = (weights * first * second).sum(axis=1)
    spreads = (weights * first**2).sum(axis=1) * (weights * second**2).sum(axis=1)
    varies = spreads > 1e-9
    return np.where(varies, products / np.sqrt(np.where(varies, spreads, 1.0)), np.nan)


def _ranks(weights: Numbers, values: Numbers) -> Numbers:
    """Mean ranks within each sample."""
    different, places = np.unique(values, return_inverse=True)
    counts = weights @ np.eye(len(different))[places]
    return (np.cumsum(counts, axis=1) - counts / 2.0 + 0.5)[:, places]


def _values_by_metric(judged: Iterable[Judged]) -> Mapping[str, Mapping[str, float]]:
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for one in judged:
        for name, measured in judged_values(one.verdicts).items():
            if measured.value is not None:
                found[name][one.cell] = measured.value
    return found
