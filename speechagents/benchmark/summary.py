"""What a run shows of a metric: its mean over scenes with an interval, by number of roles, and as a scene goes on.

Owns the sums, and why there is no number where there is none. Does not know how they are shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.benchmark.metrics.metric import Metric, Needs
from speechagents.benchmark.scores import CellScores, RunScores
from speechagents.benchmark.statistics import CellKey, Interval, mean_interval, scene_means
from speechagents.benchmark.wording import counted

_JUDGED: Final = "judged_"
"""So names of metrics begin that come from a judge."""
_MOST_STRETCHES: Final = 12
_WIDTHS: Final = (5, 10, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class Summary:
    """A metric of a run.

    Attributes:
        mean: Over scenes; None where there is no value.
        interval: Of the mean; None for too few scenes.
        cells: That have a value.
        scenes: That these are of.
        absent: Why there is no value; empty where there is one.
    """

    mean: float | None
    interval: Interval | None = None
    cells: int = 0
    scenes: int = 0
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A metric of a run in some turns.

    Attributes:
        first: 1-based number of the first turn.
        last: Of the last one.
        mean: Over scenes.
        interval: Of the mean; None for too few scenes.
    """

    first: int
    last: int
    mean: float
    interval: Interval | None


def summarise(run: RunScores, metric: Metric, *, roles: int | None = None, seed: int = 0) -> Summary:
    """A metric of a run, of all its cells or those with so many roles."""
    values = run.of(metric.name, roles=roles)
    if not values:
        return Summary(None, absent=_why_absent(run, metric, roles))
    mean, interval, scenes = _over_scenes(values, seed)
    return Summary(mean, interval, len(values), scenes)


def stretches(run: RunScores, metric: str, width: int, *, seed: int = 0) -> tuple[Stretch, ...]:
    """A metric as scenes go on: means over so many turns at a time, where any scene has a value.

    Args:
        run: Of which.
        metric: Name of one that has values of single turns.
        width: Turns of each stretch.
        seed: Of the bootstrap.
    """
    found: dict[int, dict[CellKey, list[float]]] = {}
    for cell in run.cells:
        for turn, value in _by_turn(cell, metric):
            found.setdefault(turn // width, {}).setdefault(cell.key, []).append(value)
    stretched = []
    for at, by_cell in sorted(found.items()):
        mean, interval, _ = _over_scenes(
            {key: math.fsum(values) / len(values) for key, values in by_cell.items()}, seed
        )
        stretched.append(Stretch(at * width + 1, (at + 1) * width, mean, interval))
    return tuple(stretched)


def stretch_width(runs: Sequence[RunScores], metric: str) -> int:
    """Turns of a stretch such that the longest scene has a dozen at most, of a round length; at least five."""
    longest = max((turn + 1 for run in runs for cell in run.cells for turn, _ in _by_turn(cell, metric)), default=1)
    return next((width for width in _WIDTHS if longest <= width * _MOST_STRETCHES), 200)


def turn_values(run: RunScores, metric: str) -> tuple[float, ...]:
    """Values of all single turns, whatever their scene."""
    return tuple(value for cell in run.cells for _, value in _by_turn(cell, metric))


def _by_turn(cell: CellScores, metric: str) -> Sequence[tuple[int, float]]:
    found = cell.values.get(metric)
    return found.by_turn if found is not None else ()


def _over_scenes(values: Mapping[CellKey, float], seed: int) -> tuple[float, Interval | None, int]:
    means = tuple(scene_means(values).values())
    return math.fsum(means) / len(means), mean_interval(means, seed=seed), len(means)


def _why_absent(run: RunScores, metric: Metric, roles: int | None) -> str:
    cells = [cell for cell in run.cells if roles is None or cell.roles == roles]
    if not cells:
        return "no cell was played" + (f" with {roles} roles" if roles is not None else "")
    if metric.name.startswith(_JUDGED):
        return "no judge gave a score that counts"
    if metric.needs is not Needs.TEXT and not run.info.voices:
        return "nothing was spoken"
    if any(metric.name in cell.values for cell in cells):
        return f"there was nothing to measure in {counted(len(cells), 'cell')}"
    return "no recogniser listened" if metric.needs is Needs.EARS else "it was not measured"
