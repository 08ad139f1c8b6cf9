"""What tuning at several mixtures has done to a model: its abilities before and afterwards, and the verdict.

Owns which models are compared with which, and the sentences that say what is shown. Does not know how a model was tuned
or measured, nor how a report is written down (`ability_report`). Importing it needs no PyTorch.

The claim "better at agents' tasks, no worse in general" is about one mixture that is named beforehand: the best of
several would have been chosen by luck as well. It stands only where the figures show it, see `changes.Claim`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from speechagents.benchmark.statistics import LEAST_SCENES, Interval
from speechagents.benchmark.wording import counted, number, with_interval
from speechagents.tuning.changes import Change, Claim, Shown, change, claim, level, measured
from speechagents.tuning.measures import Evaluation, Measure, measure_of


@dataclass(frozen=True, slots=True)
class Rated:
    """A model, tuned by several seeds, or one that is not tuned.

    Attributes:
        name: For people.
        seeds: What was found of it with each seed, in the same order for all models.
    """

    name: str
    seeds: tuple[Evaluation, ...]

    def __post_init__(self) -> None:
        if not self.seeds:
            raise ValueError(f"nothing was found of {self.name}")


@dataclass(frozen=True, slots=True)
class AbilityTable:
    """Models that came of one.

    Attributes:
        untuned: The one that all others came of; with one seed.
        tuned: The others, the one with the smallest share of agent data first.
        claimed: Name of that of `tuned` which the claim is about.
        general_only: Name of that of `tuned` which was tuned on as much general data alone; empty if none was.
        baselines: What can be had without any model, by name.
    """

    untuned: Rated
    tuned: tuple[Rated, ...]
    claimed: str
    general_only: str = ""
    baselines: Mapping[str, Evaluation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [self.untuned.name, *(one.name for one in self.tuned)]
        if len(set(names)) < len(names):
            raise ValueError(f"two models have the same name: {', '.join(names)}")
        for name in filter(None, (self.claimed, self.general_only)):
            if name not in names[1:]:
                raise ValueError(f"no tuned model is called {name!r}")

    @property
    def measures(self) -> Sequence[str]:
        """Names of all that was measured."""
        return measured([one for rated in (self.untuned, *self.tuned) for one in rated.seeds])

    def named(self, name: str) -> Rated:
        """A tuned model.

        Raises:
            KeyError: There is none.
        """
        return {one.name: one for one in self.tuned}[name]

    def claim_of(self, name: str) -> Claim:
        """What the figures show of a tuned model against the untuned one."""
        return claim(self.untuned.seeds, self.named(name).seeds)

    def change_of(self, name: str, measure: str) -> Change | None:
        """How a tuned model differs from the untuned one."""
        return change(self.untuned.seeds, self.named(name).seeds, measure)


def verdict(table: AbilityTable) -> Sequence[str]:
    """What is shown, in sentences: the claim or its withdrawal, then what else has to be known of it."""
    found = table.claim_of(table.claimed)
    sentences = [_claimed(table, found), *_against_general_only(table)]
    others = [one.name for one in table.tuned if one.name not in (table.claimed, table.general_only)]
    if others:
        holds = [name for name in others if table.claim_of(name).holds]
        sentences.append(
            "Of the mixtures that were not named beforehand "
            + (f"the same shows with {' and '.join(holds)}" if holds else "none shows the same")
            + f" ({counted(len(others), 'mixture')}; with several, one may come out by luck)."
        )
    return sentences


def table_json(table: AbilityTable) -> dict[str, Any]:
    """All figures as plain values."""
    return {
        "claim": {
            "model": table.claimed,
            "holds": table.claim_of(table.claimed).holds,
            "verdict": list(verdict(table)),
        },
        "seeds": {one.name: len(one.seeds) for one in (table.untuned, *table.tuned)},
        "levels": {
            name: {
                rated.name: _plain(found)
                for rated in (table.untuned, *table.tuned)
                if (found := level(rated.seeds, name)) is not None
            }
            for name in table.measures
        },
        "changes": {
            name: {
                rated.name: {**_plain(made), "shown": str(made.shown), "no_worse": made.no_worse}
                for rated in table.tuned
                if (made := table.change_of(rated.name, name)) is not None
            }
            for name in table.measures
        },
        "baselines": {
            measure: {
                name: _plain(found)
                for name, one in table.baselines.items()
                if (found := level((one,), measure)) is not None
            }
            for measure in ("next_speaker", "style")
        },
    }


def told(found: Change) -> str:
    """A change for people: a difference, of perplexities a quotient, with its interval."""
    measure = found.measure
    if not measure.perplexity:
        return with_interval(found.difference, found.interval, signed=True)
    shown = found.interval and Interval(measure.shown(found.interval.low), measure.shown(found.interval.high))
    return f"× {with_interval(measure.shown(found.difference), shown)}"


def allowed(measure: Measure) -> str:
    """The margin of a measure for people, of perplexities as a quotient."""
    worst = -measure.margin if measure.gain(1.0) > 0.0 else measure.margin
    return f"× {number(measure.shown(worst), 2)}" if measure.perplexity else number(worst, 2, signed=True)


def shown_level(measure: str, seeds: Sequence[Evaluation]) -> str:
    """How good a model is by a measure, for people; of perplexities the exponential of the mean."""
    found, about = level(seeds, measure), measure_of(measure)
    if found is None:
        return ""
    shown = found.interval and Interval(about.shown(found.interval.low), about.shown(found.interval.high))
    return with_interval(about.shown(found.mean), shown)


def _claimed(table: AbilityTable, found: Claim) -> str:
    seeds = counted(len(table.named(table.claimed).seeds), "seed")
    scenes = counted(max((one.groups for one in found.agent), default=0), "scene")
    tasks = counted(max((one.groups for one in found.general), default=0), "general task")
    by = f"{seeds}, {scenes}, {tasks}"
    if found.holds:
        return (
            f"Shown with {table.claimed} ({by}): better at agents' tasks ({_list(found.agent)}) and no worse in "
            f"general ({_list(found.general, margins=True)})."
        )
    missing = []
    if not found.agent:
        missing.append("no agents' task was measured")
    missing += [f"{_one(one)} {_why_not_better(one)}" for one in found.agent if one.shown is not Shown.BETTER]
    if not found.general:
        missing.append("no general task was measured")
    missing += [f"{_one(one)} {_why_worse(one)}" for one in found.general if not one.no_worse]
    missing += [f"{_one(one)} is worse" for one in found.spoilt]
    kept = []
    if found.better_at_agents:
        kept.append(f"It is better at agents' tasks ({_list(found.agent)}).")
    elif shown := [one for one in found.agent if one.shown is Shown.BETTER]:
        kept.append(f"Shown to be better: {_list(shown)}.")
    if found.no_worse_in_general:
        kept.append(f"It is no worse in general ({_list(found.general, margins=True)}).")
    withdrawn = (
        f"Not shown with {table.claimed} ({by}): that it is better at agents' tasks and no worse in general. What is "
        f"missing: {'; '.join(missing)}."
    )
    return " ".join([withdrawn, *kept])


def _against_general_only(table: AbilityTable) -> Sequence[str]:
    """Tuning goes on learning general tasks as well: what the agent data have cost of that."""
    if not table.general_only or table.general_only == table.claimed:
        return []
    found = claim(table.named(table.general_only).seeds, table.named(table.claimed).seeds)
    if not found.general:
        return []
    no_worse = "no worse" if found.no_worse_in_general else "not shown to be no worse"
    figures = _list(found.general, margins=True)
    return [f"Against as many steps on general data alone it is {no_worse} in general ({figures})."]


def _list(changes: Sequence[Change], *, margins: bool = False) -> str:
    return "; ".join(_one(one) + (f", {allowed(one.measure)} allowed" if margins else "") for one in changes)


def _one(found: Change) -> str:
    title = found.measure.title
    return f"{title[:1].lower()}{title[1:]} {told(found)}"


def _why_not_better(found: Change) -> str:
    if found.interval is None:
        return f"has too few scenes ({found.groups}; an interval wants {LEAST_SCENES})"
    if found.shown is Shown.WORSE:
        return "is worse"
    low, high = found.interval.low, found.interval.high
    if min(map(found.measure.gain, (low, high))) > 0.0:
        return "differs from seed to seed in its sign"
    return "may be chance"


def _why_worse(found: Change) -> str:
    if found.interval is None:
        return f"has too few tasks ({found.groups}; an interval wants {LEAST_SCENES})"
    return f"may be worse than {allowed(found.measure)}"


def _plain(value: Any) -> dict[str, Any]:
    """A level or change as plain values, to nine digits."""
    found = {name: one for name, one in asdict(value).items() if name != "measure"}
    interval = found.pop("interval")
    return {
        **{name: _rounded(one) for name, one in found.items()},
        "interval": None if interval is None else [_rounded(interval["low"]), _rounded(interval["high"])],
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 9)
    return [_rounded(one) for one in value] if isinstance(value, tuple) else value
