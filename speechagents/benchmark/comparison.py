"""Is one run better than another, metric by metric; and does a metric tell a good run from spoilt ones?

Owns what is paired with what, and when something may be called better. Does not know how it is shown. Cells are paired
by scene, number of roles and repetition; the differences of a scene are averaged, and scenes are what is tested.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from speechagents.benchmark.metrics.metric import Better, Metric
from speechagents.benchmark.scores import RunScores
from speechagents.benchmark.statistics import (
    CellKey,
    Interval,
    cliffs_delta,
    holm,
    mean_interval,
    paired_effect,
    scene_means,
    sign_flip_p,
)
from speechagents.errors import BenchmarkError

ALPHA: Final = 0.05
"""Largest p of a difference that counts as shown."""


class Winner(StrEnum):
    """Which of two runs is better."""

    FIRST = "first"
    SECOND = "second"
    UNDECIDED = "undecided"
    """The difference may be chance."""
    DESCRIBES = "describes"
    """Nothing is better for this metric."""


class Discerned(StrEnum):
    """Whether a metric puts a reference above another run."""

    ABOVE = "above"
    NOT_ABOVE = "not above"
    TOO_FEW = "too few"
    """There are no cells that both have a value for, or too few scenes for an interval."""
    DESCRIBES = "describes"
    """Nothing is better for this metric."""


@dataclass(frozen=True, slots=True)
class Paired:
    """A metric in two runs, over the cells for which both have a value.

    Attributes:
        pairs: Cells.
        scenes: That they are of.
        first: Mean of the first run over these scenes.
        second: Mean of the second.
        difference: Second less first.
        interval: Of the difference; None for too few scenes.
        p: Of the difference, by random signs.
        delta: Cliff's delta of the scenes' means, positive where the second is larger.
        effect: Cohen's d_z of the difference; None for one scene alone.
    """

    pairs: int
    scenes: int
    first: float
    second: float
    difference: float
    interval: Interval | None
    p: float
    delta: float
    effect: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What two runs are compared by.

    Attributes:
        metric: Of which.
        paired: Both runs in it.
        p_holm: Its p, adjusted for the number of metrics.
        winner: Which run is better.
    """

    metric: Metric
    paired: Paired
    p_holm: float
    winner: Winner


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs of one benchmark.

    Attributes:
        first: Name of the first run.
        second: Name of the second.
        metrics: Those for which there are pairs, in the order in which they were asked for.
        unpaired: Names of metrics for which there are none.
        only_first: Cells that the second lacks, in order.
        only_second: Cells that the first lacks, in order.
    """

    first: str
    second: str
    metrics: tuple[Compared, ...]
    unpaired: tuple[str, ...]
    only_first: tuple[CellKey, ...]
    only_second: tuple[CellKey, ...]


@dataclass(frozen=True, slots=True)
class Discernment:
    """How a metric tells a reference from another run.

    Attributes:
        pairs: Cells for which both have a value.
        scenes: That they are of.
        effect: Cohen's d_z, positive where the reference is better (where nothing is better: larger); None where it is
            not defined.
        delta: Cliff's delta with the same sign; None without pairs.
        interval: Of the mean difference, with the same sign; None for too few scenes.
        verdict: Whether the reference stands above.
    """

    pairs: int
    scenes: int
    effect: float | None
    delta: float | None
    interval: Interval | None
    verdict: Discerned


@dataclass(frozen=True, slots=True)
class Discrimination:
    """How metrics tell a reference from several other runs.

    Attributes:
        reference: Name of the reference run.
        others: Names of the other runs.
        baseline: That of `others` above which every metric has to put the reference.
        rows: Of each metric: one `Discernment` for each of `others`, in their order.
    """

    reference: str
    others: tuple[str, ...]
    baseline: str
    rows: tuple[tuple[Metric, tuple[Discernment, ...]], ...]

    def verdict(self, metric: str) -> Discerned:
        """Whether a metric puts the reference above the baseline.

        Raises:
            KeyError: The metric was not looked at.
        """
        rows = {one.name: found for one, found in self.rows}
        return rows[metric][self.others.index(self.baseline)].verdict


def compare(first: RunScores, second: RunScores, metrics: Sequence[Metric], *, seed: int = 0) -> Comparison:
    """Two runs, metric by metric, over the cells that both have.

    A run is called better where the p of its difference, adjusted for the number of metrics, is at most `ALPHA`.

    Args:
        first: One run.
        second: The other.
        metrics: By which.
        seed: Of the bootstrap and the test.

    Raises:
        BenchmarkError: They are runs of different benchmarks.
    """
    refuse_different((first, second))
    found = {metric.name: paired(first, second, metric.name, seed=seed) for metric in metrics}
    tested = [(metric, pair) for metric in metrics if (pair := found[metric.name]) is not None]
    adjusted = holm([pair.p for _, pair in tested])
    mine, theirs = ({cell.key for cell in run.cells} for run in (first, second))
    return Comparison(
        first=first.info.name,
        second=second.info.name,
        metrics=tuple(
            Compared(metric, pair, p, _winner(metric.better, pair.difference, p))
            for (metric, pair), p in zip(tested, adjusted, strict=True)
        ),
        unpaired=tuple(metric.name for metric in metrics if found[metric.name] is None),
        only_first=tuple(sorted(mine - theirs)),
        only_second=tuple(sorted(theirs - mine)),
    )


def discriminate(
    reference: RunScores, others: Sequence[RunScores], metrics: Sequence[Metric], *, baseline: str, seed: int = 0
) -> Discrimination:
    """How metrics tell a reference from runs that are worse on purpose.

    A metric puts the reference above another run where the interval of the mean difference lies on the better side.

    Args:
        reference: What should be best.
        others: What it is compared with.
        metrics: By which.
        baseline: Name of that of `others` which decides whether a metric is of use.
        seed: Of the bootstrap.

    Raises:
        BenchmarkError: They are runs of different benchmarks, or there is no such baseline.
    """
    refuse_different((reference, *others))
    names = tuple(run.info.name for run in others)
    if baseline not in names:
        raise BenchmarkError(f"no run is called {baseline!r}; the others are {', '.join(names) or 'none'}")
    return Discrimination(
        reference=reference.info.name,
        others=names,
        baseline=baseline,
        rows=tuple((metric, tuple(_discerned(reference, run, metric, seed) for run in others)) for metric in metrics),
    )


def refuse_different(runs: Sequence[RunScores]) -> None:
    """Runs are compared only where they played the same scenes.

    Raises:
        BenchmarkError: They are of different benchmarks.
    """
    for run in runs[1:]:
        if run.info.benchmark != runs[0].info.benchmark:
            raise BenchmarkError(
                f"{run.info.name} is a run of {run.info.benchmark}, {runs[0].info.name} one of "
                f"{runs[0].info.benchmark}; compare runs of one benchmark"
            )


def paired(first: RunScores, second: RunScores, metric: str, *, seed: int = 0) -> Paired | None:
    """A metric in two runs; None where they have no cell with a value in common."""
    one, other = first.of(metric), second.of(metric)
    shared = one.keys() & other.keys()
    if not shared:
        return None
    ones, others = (tuple(scene_means({key: values[key] for key in shared}).values()) for values in (one, other))
    # Values are kept to six digits: what is left behind the ninth is rounding, and no effect however steady it is.
    differences = tuple(round(b - a, 9) for a, b in zip(ones, others, strict=True))
    return Paired(
        pairs=len(shared),
        scenes=len(differences),
        first=math.fsum(ones) / len(ones),
        second=math.fsum(others) / len(others),
        difference=math.fsum(differences) / len(differences),
        interval=mean_interval(differences, seed=seed),
        p=sign_flip_p(differences, seed=seed),
        delta=cliffs_delta(others, ones),
        effect=paired_effect(differences),
    )


def _winner(better: Better, difference: float, p: float) -> Winner:
    if better is Better.NEITHER:
        return Winner.DESCRIBES
    if p > ALPHA:
        return Winner.UNDECIDED
    return Winner.SECOND if (difference > 0.0) is (better is Better.HIGHER) else Winner.FIRST


def _discerned(reference: RunScores, other: RunScores, metric: Metric, seed: int) -> Discernment:
    # A difference is second less first: the one that should be larger comes second.
    first, second = (reference, other) if metric.better is Better.LOWER else (other, reference)
    pair = paired(first, second, metric.name, seed=seed)
    if metric.better is Better.NEITHER:
        verdict = Discerned.DESCRIBES
    elif pair is None or pair.interval is None:
        verdict = Discerned.TOO_FEW
    else:
        verdict = Discerned.ABOVE if pair.interval.low > 0.0 else Discerned.NOT_ABOVE
    if pair is None:
        return Discernment(0, 0, None, None, None, verdict)
    return Discernment(pair.pairs, pair.scenes, pair.effect, pair.delta, pair.interval, verdict)
