"""How losses fell, as a picture.

Owns which lines there are and how many points. Does not know how a line is drawn (`benchmark.plots`), or a log written.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from speechagents.benchmark.plots import Line, Point, line_plot
from speechagents.tuning.tuning_log import Entry

MOST_POINTS: Final = 60
"""Of a line; more are averaged, so that noise of single steps does not hide where they go."""

_LINES: Final = (("loss", "training"), ("dev_agent", "dev, agent data"), ("dev_general", "dev, general"))


def loss_plot(entries: Sequence[Entry], *, title: str) -> str:
    """The losses of a log.

    Args:
        entries: Its lines.
        title: Above the picture.

    Returns:
        An SVG document; empty if there is nothing to show yet.
    """
    lines = []
    for key, name in _LINES:
        found = [(entry["step"], entry[key]) for entry in entries if isinstance(entry.get(key), int | float)]
        points = _averaged([(step, loss) for step, loss in found if math.isfinite(loss)])
        if points:
            lines.append(Line(name, points))
    return line_plot(title, lines, x_name="step", y_name="loss, nats a token") if lines else ""


def _averaged(found: Sequence[tuple[int, float]]) -> tuple[Point, ...]:
    """As many points as there are, or the means of neighbours."""
    width = max(1, math.ceil(len(found) / MOST_POINTS))
    groups = [found[at : at + width] for at in range(0, len(found), width)]
    return tuple(
        Point(sum(step for step, _ in group) / len(group), math.fsum(loss for _, loss in group) / len(group))
        for group in groups
    )
