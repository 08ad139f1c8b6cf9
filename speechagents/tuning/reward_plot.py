"""How rewards rose, and what of the policy changed meanwhile, as pictures.

Owns which lines there are. Does not know how a line is drawn (`benchmark.plots`), or a log written (`tuning_log`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from speechagents.benchmark.plots import Line, Point, line_plot
from speechagents.tuning.tuning_log import Entry

MOST_POINTS: Final = 60
"""Of a line; more are averaged: single rounds are few scenes."""

_REWARDS: Final = (("reward", "train scenes"), ("dev_reward", "dev scenes"))
_VITALS: Final = (
    ("formed", "well-formed turns"),
    ("distinct", "distinct word pairs"),
    ("line_words", "words of a line"),
    ("kl", "nats a token from the start"),
)


def reward_plot(entries: Sequence[Entry], *, title: str) -> str:
    """Rewards by round, of train and dev scenes.

    Args:
        entries: Lines of a log.
        title: Above the picture.

    Returns:
        An SVG document; empty if there is nothing to show yet.
    """
    lines = [Line(name, _points(entries, key)) for key, name in _REWARDS]
    lines = [line for line in lines if line.points]
    return line_plot(title, lines, x_name="round", y_name="reward, 0 to 1") if lines else ""


def vitals_plot(entries: Sequence[Entry], *, title: str) -> str:
    """What guards watch, by round: each as a multiple of its first value, the divergence in nats a token.

    Args:
        entries: Lines of a log.
        title: Above the picture.

    Returns:
        An SVG document; empty if there is nothing to show yet.
    """
    lines = [Line(name, _points(entries, key, relative=key != "kl")) for key, name in _VITALS]
    lines = [line for line in lines if line.points]
    return line_plot(title, lines, x_name="round", y_name="times the first round's; nats") if lines else ""


def _points(entries: Sequence[Entry], key: str, *, relative: bool = False) -> tuple[Point, ...]:
    found = [(int(entry["step"]), float(value)) for entry in entries if (value := _number(entry, key)) is not None]
    if relative:
        first = next((value for _, value in found if value), 0.0)
        found = [(step, value / first) for step, value in found] if first else []
    width = max(1, math.ceil(len(found) / MOST_POINTS))
    groups = [found[at : at + width] for at in range(0, len(found), width)]
    return tuple(
        Point(sum(step for step, _ in group) / len(group), math.fsum(value for _, value in group) / len(group))
        for group in groups
    )


def _number(entry: Mapping[str, object], key: str) -> float | None:
    value = entry.get(key)
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # type: ignore[arg-type]
