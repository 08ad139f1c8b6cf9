"""Plots of a report: a metric by number of roles, as a scene goes on, how it is distributed, what it costs.

Owns which metric is drawn how. Does not know how anything is drawn (`plots`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from speechagents.benchmark.metrics.metric import Better, Metric
from speechagents.benchmark.plots import Bar, Line, Point, bar_plot, histogram, line_plot
from speechagents.benchmark.scores import RunScores
from speechagents.benchmark.summary import Summary, stretch_width, stretches, summarise, turn_values

Summaries: TypeAlias = Mapping[tuple[str, str, int | None], Summary]
"""By name of the run, name of the metric, and number of roles; None for all."""

_COST: Final = "cost"
"""What the heading of a group contains whose metrics are drawn as bars as well."""


def summarise_all(runs: Sequence[RunScores], metrics: Sequence[Metric], seed: int) -> Summaries:
    """All that tables and plots show of every metric."""
    return {
        (run.info.name, metric.name, roles): summarise(run, metric, roles=roles, seed=seed)
        for run in runs
        for metric in metrics
        for roles in (None, *role_counts(runs))
    }


def role_counts(runs: Sequence[RunScores]) -> tuple[int, ...]:
    """All numbers of roles that were played, the smallest first."""
    return tuple(sorted({cell.roles for run in runs for cell in run.cells}))


def pictures(runs: Sequence[RunScores], metric: Metric, summaries: Summaries, seed: int) -> Iterator[str]:
    """Plots of a metric, each as SVG; none where there is nothing to see.

    Values of single turns are drawn as they go on. Of a metric that only describes, such as the length of gaps, it is
    their distribution that tells something, unless they are only yes or no.
    """
    yield from _by_roles(runs, metric, summaries)
    values = {run.info.name: turn_values(run, metric.name) for run in runs}
    if metric.better is Better.NEITHER and len({value for found in values.values() for value in found}) > 2:
        x_name = f"{metric.title}, {metric.unit}" if metric.unit else metric.title
        yield histogram(f"{metric.title}, distribution", values, x_name=x_name)
    else:
        yield from _as_it_goes_on(runs, metric, seed)
    if _COST in metric.group.casefold():
        found = [(run.info.name, summaries[run.info.name, metric.name, None]) for run in runs]
        bars = [Bar(name, one.mean, one.interval) for name, one in found if one.mean is not None]
        if bars:
            yield bar_plot(f"{metric.title}, all cells", bars, unit=_scale(metric))


def _by_roles(runs: Sequence[RunScores], metric: Metric, summaries: Summaries) -> Iterator[str]:
    counts = role_counts(runs)
    lines = []
    for run in runs:
        found = [(roles, summaries[run.info.name, metric.name, roles]) for roles in counts]
        points = tuple(Point(roles, one.mean, one.interval) for roles, one in found if one.mean is not None)
        lines.append(Line(run.info.name, points))
    # With a single number of roles there is no line, and the table says it all.
    if len({point.x for line in lines for point in line.points}) > 1:
        yield line_plot(
            f"{metric.title}, by number of roles",
            lines,
            x_name="number of roles",
            y_name=_scale(metric),
            x_ticks=counts,
            log_x=True,
        )


def _as_it_goes_on(runs: Sequence[RunScores], metric: Metric, seed: int) -> Iterator[str]:
    width = stretch_width(runs, metric.name)
    lines = [
        Line(
            run.info.name,
            tuple(
                Point((one.first + one.last) / 2.0, one.mean, one.interval)
                for one in stretches(run, metric.name, width, seed=seed)
            ),
        )
        for run in runs
    ]
    if any(line.points for line in lines):
        yield line_plot(
            f"{metric.title}, turn by turn",
            lines,
            x_name=f"turn, {width} at a time",
            y_name=_scale(metric),
        )


def _scale(metric: Metric) -> str:
    better = "" if metric.better is Better.NEITHER else f"{metric.better} is better"
    return ", ".join(part for part in (metric.unit, better) if part) or "value"
