"""Line plots as SVG, for figures in results.

Owns the drawing. Does not know what is plotted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

_WIDTH: Final = 720
_HEIGHT: Final = 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 44, 56
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Told apart by colour-blind people, too (Okabe and Ito 2008)."""

Points = Sequence[tuple[float, float]]


def line_plot(title: str, x_name: str, y_name: str, lines: Mapping[str, Points]) -> str:
    """A plot with two logarithmic axes.

    Args:
        title: Above it.
        x_name: What is measured to the right, with its unit.
        y_name: What is measured upwards, with its unit.
        lines: Points of each line by its name, all above zero.

    Returns:
        The SVG document.
    """
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    x_ends, y_ends = _ends(xs, 2.0), _ends(ys, 10.0)

    def place(x: float, y: float) -> tuple[float, float]:
        right, up = _part(x, x_ends), _part(y, y_ends)
        return _LEFT + right * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        "<style>text { font: 13px sans-serif }</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="24">{escape(title)}</text>',
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 14}" text-anchor="end">{escape(x_name)}</text>',
        f'<text x="16" y="{_TOP}" transform="rotate(-90 16 {_TOP})" text-anchor="end">{escape(y_name)}</text>',
    ]
    for value in _ticks(x_ends, 2.0):
        x, bottom = place(value, y_ends[0])
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{value:g}</text>')
    for value in _ticks(y_ends, 10.0):
        left, y = place(x_ends[0], value)
        parts.append(f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        placed = [place(x, y) for x, y in points]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
            + " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            + '"/>'
        )
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in placed]
        parts.append(f'<text x="{_LEFT + 12}" y="{_TOP + 18 + 18 * number}" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _ends(values: Sequence[float], base: float) -> tuple[float, float]:
    """Powers of a base that all values lie between."""
    low = base ** math.floor(math.log(min(values), base) + 1e-9)
    high = base ** math.ceil(math.log(max(values), base) - 1e-9)
    return low, high if high > low else low * base


def _ticks(ends: tuple[float, float], base: float) -> list[float]:
    count = round(math.log(ends[1] / ends[0], base))
    return [ends[0] * base**step for step in range(count + 1)]


def _part(value: float, ends: tuple[float, float]) -> float:
    return math.log(value / ends[0]) / math.log(ends[1] / ends[0])
