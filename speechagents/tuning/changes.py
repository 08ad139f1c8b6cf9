"""What tuning has changed: means over scenes, paired differences with their intervals, and what may be claimed of them.

Owns the comparison and the rule for the claim. Does not know how anything was measured, nor how it is shown
(`ability_table`). Importing it needs no PyTorch.

A model is given by the evaluations of its seeds. For each scene the seeds are averaged; scenes are paired and drawn
again (`benchmark.statistics`), so that an interval speaks of other scenes. What other seeds would give is another
question, and few seeds cannot answer it with an interval: something counts as shown only where each single pair of
seeds has the same sign as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from speechagents.benchmark.statistics import Interval, mean_interval
from speechagents.errors import TuningError
from speechagents.tuning.measures import MEASURES, OF_KIND, Evaluation, Measure, Side, measure_of


class Shown(StrEnum):
    """What the figures show of a difference."""

    BETTER = "better"
    WORSE = "worse"
    NOTHING = "not shown"
    """It may be chance, or there are too few scenes to tell."""


@dataclass(frozen=True, slots=True)
class Level:
    """How good a model is by a measure.

    Attributes:
        mean: Over scenes.
        interval: Of the mean; None for too few scenes.
        groups: Scenes, or samples where each is for itself.
        seeds: Mean of each seed.
    """

    mean: float
    interval: Interval | None
    groups: int
    seeds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """How two models differ by a measure, over the scenes that both have.

    Attributes:
        measure: By which.
        difference: Second less first.
        interval: Of the difference; None for too few scenes.
        groups: Scenes, or samples where each is for itself.
        seeds: Difference of each pair of seeds.
    """

    measure: Measure
    difference: float
    interval: Interval | None
    groups: int
    seeds: tuple[float, ...]

    @property
    def shown(self) -> Shown:
        """Whether the second is better: the interval lies on that side, and so does each pair of seeds."""
        if self.interval is None:
            return Shown.NOTHING
        for verdict, sign in ((Shown.BETTER, 1.0), (Shown.WORSE, -1.0)):
            ends = (self.interval.low, self.interval.high, *self.seeds)
            if all(sign * self.measure.gain(end) > 0.0 for end in ends):
                return verdict
        return Shown.NOTHING

    @property
    def no_worse(self) -> bool:
        """Whether the second is not worse by more than the measure's margin: the whole interval says so.

        A test of non-inferiority (Piaggio et al. 2012, J. American Medical Association 308:2594): that a difference is
        not shown would prove nothing.
        """
        if self.interval is None:
            return False
        return min(map(self.measure.gain, (self.interval.low, self.interval.high))) > -self.measure.margin


@dataclass(frozen=True, slots=True)
class Claim:
    """Whether a model is better at agents' tasks and no worse in general.

    Attributes:
        agent: Changes that have to be for the better, all of them.
        general: Changes that have to be no worse, all of them.
        kinds: Changes of single kinds of general tasks; none of them may be shown to be worse.
    """

    agent: tuple[Change, ...]
    general: tuple[Change, ...]
    kinds: tuple[Change, ...] = ()

    @property
    def better_at_agents(self) -> bool:
        """Each measure of agents' tasks shows it.

        With several conditions that all must hold, none needs a correction for their number (Berger 1982, Technometrics
        24:295).
        """
        return bool(self.agent) and all(one.shown is Shown.BETTER for one in self.agent)

    @property
    def no_worse_in_general(self) -> bool:
        """Each measure of general tasks shows it, and no kind of them is shown to be worse beyond the margin."""
        return bool(self.general) and all(one.no_worse for one in self.general) and not self.spoilt

    @property
    def spoilt(self) -> tuple[Change, ...]:
        """Kinds of general tasks that are shown to be worse, by more than is allowed for all of them.

        Each is looked at by itself, without a correction for their number: that errs towards taking the claim back.
        """
        found = []
        for one in self.kinds:
            margin = MEASURES[one.measure.name.partition(OF_KIND)[0]].margin
            if one.shown is Shown.WORSE and -one.measure.gain(one.difference) > margin:
                found.append(one)
        return tuple(found)

    @property
    def holds(self) -> bool:
        """Both of it."""
        return self.better_at_agents and self.no_worse_in_general


def level(seeds: Sequence[Evaluation], measure: str, *, seed: int = 0) -> Level | None:
    """How good a model is; None where it was not measured.

    Args:
        seeds: Evaluations of a model tuned by several seeds.
        measure: By which.
        seed: Of the bootstrap.
    """
    _refuse_different(seeds)
    groups = [one.by_group(measure) for one in seeds]
    means = _over_seeds(groups)
    if not means:
        return None
    values = tuple(means.values())
    each = tuple(math.fsum(one[name] for name in means) / len(means) for one in groups)
    return Level(math.fsum(values) / len(values), mean_interval(values, seed=seed), len(values), each)


def change(first: Sequence[Evaluation], second: Sequence[Evaluation], measure: str, *, seed: int = 0) -> Change | None:
    """How two models differ; None where they have no scene in common.

    Args:
        first: Evaluations of a model; one alone, as of the untuned one, is paired with each seed of the other.
        second: Of another.
        measure: By which.
        seed: Of the bootstrap.

    Raises:
        TuningError: They were measured with different samples.
        ValueError: There are neither as many seeds of both nor one alone of one of them.
    """
    _refuse_different((*first, *second))
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise ValueError(f"{len(first)} and {len(second)} seeds make no pairs")
    count = max(len(first), len(second))
    ones = [one.by_group(measure) for one in (first if len(first) == count else tuple(first) * count)]
    others = [one.by_group(measure) for one in (second if len(second) == count else tuple(second) * count)]
    apart = [
        {name: other[name] - one[name] for name in one if name in other}
        for one, other in zip(ones, others, strict=True)
    ]
    means = _over_seeds(apart)
    if not means:
        return None
    # Values are kept to nine digits: what is left behind them is rounding, and no effect however steady it is.
    values = tuple(round(value, 8) for value in means.values())
    each = tuple(math.fsum(one[name] for name in means) / len(means) for one in apart)
    return Change(
        measure_of(measure), math.fsum(values) / len(values), mean_interval(values, seed=seed), len(values), each
    )


def claim(first: Sequence[Evaluation], second: Sequence[Evaluation], *, seed: int = 0) -> Claim:
    """Is the second better at agents' tasks, and no worse in general?

    Asked are the measures that `Measure.claims` names, as far as both models have them.
    """
    found = [change(first, second, name, seed=seed) for name in measured((*first, *second))]
    changes = [one for one in found if one is not None]
    claiming = [one for one in changes if one.measure.claims]
    return Claim(
        agent=tuple(one for one in claiming if one.measure.side is Side.AGENT),
        general=tuple(one for one in claiming if one.measure.side is Side.GENERAL),
        kinds=tuple(one for one in changes if OF_KIND in one.measure.name),
    )


def measured(evaluations: Sequence[Evaluation]) -> Sequence[str]:
    """Names of all measures that any of some evaluations has.

    Those of `MEASURES` come in their order, each with its kinds behind it, then all else.
    """
    names = dict.fromkeys(name for one in evaluations for name in one.measures)
    order = {name: number for number, name in enumerate(MEASURES)}
    return sorted(names, key=lambda name: (order.get(name.partition(OF_KIND)[0], len(order)), OF_KIND in name, name))


def _over_seeds(groups: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Mean of the seeds for each scene that all have."""
    if not groups:
        return {}
    shared = [name for name in groups[0] if all(name in one for one in groups)]
    return {name: math.fsum(one[name] for one in groups) / len(groups) for name in shared}


def _refuse_different(evaluations: Sequence[Evaluation]) -> None:
    if len({one.held_out for one in evaluations}) > 1:
        raise TuningError("models were measured with different samples; evaluate them with the same data and seed")
