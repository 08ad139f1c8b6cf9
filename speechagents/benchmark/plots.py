"""Plots of reports as SVG: lines with intervals, histograms, bars.

Owns the drawing. Does not know what is plotted, nor runs or metrics. A plot stands for itself: no script, no font and
nothing else is loaded; it is light or dark as its reader likes it; a title and a description say in words what it
shows; lines differ by mark and dash as well as by colour. Names are untrusted.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

from speechagents.benchmark.statistics import Floats, Interval
from speechagents.benchmark.wording import counted, number, shortened, visible, with_interval

LIGHT: Final = ("#0072b2", "#c94f00", "#00805c", "#a8397f", "#5c4300", "#4a4a55")
DARK: Final = ("#56b4e9", "#ff9248", "#2fd1a2", "#ff6fc0", "#f0e442", "#c8c8d2")
"""Colours after Okabe & Ito (2008), "Color Universal Design": darkened for white paper and lightened for black, so that
each has a contrast of 3 to 1 at least (WCAG 2.2, criterion 1.4.11)."""
_DASHES: Final = ("", "7 3", "2 3", "9 3 2 3", "4 2", "12 4")

_WIDTH: Final = 480
_LEFT, _RIGHT, _TOP = 58, 18, 58
_PLOT_HEIGHT: Final = 190
_CHAR: Final = 6.8
"""Width of a character of labels in pixels, about."""
_NAME_CHARS: Final = 40
_DODGE: Final = 5.0
"""By how many pixels intervals of several lines stand apart, so that all can be seen; of many lines by less."""
_MOST_DODGE: Final = 24.0
_TICKS: Final = 5
_BINS: Final = 20
_TAIL: Final = 1.0
"""Percentage of values at each end that a histogram gathers in its outermost bars."""
_ROW: Final = 42

_STYLE_ELEMENT: Final = "".join(
    (
        "<style>",
        ".plot{font:13px system-ui,sans-serif}",
        ".plot .paper{fill:#fff}.plot text{fill:#1d1d22}.plot .soft{fill:#55555f;font-size:12px}",
        ".plot .title{font-weight:600;font-size:14px}.plot .rule{stroke:#dedee4}.plot .axis{stroke:#85858f}",
        ".plot .ink{stroke:#1d1d22}.plot .line{fill:none;stroke-width:2}.plot .whisker{stroke-width:1.5}",
        *(f".plot .s{at}{{stroke:{colour}}}.plot .f{at}{{fill:{colour}}}" for at, colour in enumerate(LIGHT)),
        "@media screen and (prefers-color-scheme:dark){",
        ".plot .paper{fill:#17171b}.plot text{fill:#f1f1f4}.plot .soft{fill:#b6b6c0}.plot .rule{stroke:#35353d}",
        ".plot .ink{stroke:#f1f1f4}",
        *(f".plot .s{at}{{stroke:{colour}}}.plot .f{at}{{fill:{colour}}}" for at, colour in enumerate(DARK)),
        "}</style>",
    )
)


@dataclass(frozen=True, slots=True)
class Point:
    """A value with its interval.

    Attributes:
        x: To the right.
        y: Upwards.
        interval: Of y; None draws none.
    """

    x: float
    y: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line.

    Attributes:
        name: In the legend.
        points: From left to right.
    """

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar.

    Attributes:
        name: Above it.
        value: Its length.
        interval: Of the value; None draws none.
    """

    name: str
    value: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where values lie in the picture."""

    x_ends: tuple[float, float]
    y_ends: tuple[float, float]
    log_x: bool = False

    def x(self, value: float) -> float:
        low, at, high = (math.log(one) if self.log_x else one for one in (self.x_ends[0], value, self.x_ends[1]))
        part = (at - low) / (high - low) if high > low else 0.5
        return _LEFT + 14 + part * (_WIDTH - _LEFT - _RIGHT - 28)

    def y(self, value: float) -> float:
        low, high = self.y_ends
        return _TOP + (1.0 - (value - low) / (high - low)) * _PLOT_HEIGHT


def line_plot(
    title: str, lines: Sequence[Line], *, x_name: str, y_name: str, x_ticks: Sequence[float] = (), log_x: bool = False
) -> str:
    """Lines with intervals.

    Args:
        title: Above it.
        lines: At least one point among them.
        x_name: What is to the right.
        y_name: What is upwards, with its unit.
        x_ticks: Values that are written under the axis; round ones if none are given.
        log_x: Equal ratios are equally far apart; all x are above 0.

    Returns:
        The SVG document.
    """
    points = [point for line in lines for point in line.points]
    if not points:
        raise ValueError("a plot needs a point")
    ends = [end for point in points for end in _reach(point.y, point.interval)]
    xs = [*(point.x for point in points), *x_ticks]
    ticks = _round_ticks(*_padded(min(ends), max(ends)))
    frame = _Frame((min(xs), max(xs)), (ticks[0], ticks[-1]), log_x)
    body = [*_grid(frame, x_ticks or _ticks_within(*frame.x_ends), ticks, x_name, y_name)]
    apart = min(_DODGE, _MOST_DODGE / len(lines))
    for at, line in enumerate(lines):
        body += _drawn_line(frame, at, line, apart * (at - (len(lines) - 1) / 2.0))
    legend, height = _legend([line.name for line in lines], marks=True, top=_TOP + _PLOT_HEIGHT + 48)
    told = (
        f"{_name(line.name)}: "
        + "; ".join(f"{point.x:g}: {with_interval(point.y, point.interval)}" for point in line.points)
        for line in lines
    )
    return _document(title, f"{y_name} by {x_name}. {'. '.join(told)}.", (*body, *legend), height)


def histogram(title: str, values: Mapping[str, Sequence[float]], *, x_name: str) -> str:
    """How values are distributed: the share of them in equal steps.

    Args:
        title: Above it.
        values: By name, at least one among them.
        x_name: What they are, with the unit.

    Returns:
        The SVG document.
    """
    named = {name: np.asarray(found, np.float64) for name, found in values.items() if len(found)}
    if not named:
        raise ValueError("a histogram needs a value")
    edges = _edges(np.concatenate(list(named.values())))
    shares = {
        name: 100.0 * np.histogram(np.clip(found, edges[0], edges[-1]), edges)[0] / found.size
        for name, found in named.items()
    }
    ticks = _round_ticks(0.0, float(max(share.max() for share in shares.values())))
    frame = _Frame((float(edges[0]), float(edges[-1])), (0.0, ticks[-1]))
    body = [*_grid(frame, _ticks_within(*frame.x_ends), ticks, x_name, "share of values, %")]
    for at, (name, share) in enumerate(shares.items()):
        steps = [(frame.x(edges[0]), frame.y(0.0))]
        for left, right, height in zip(edges[:-1], edges[1:], share, strict=True):
            steps += [(frame.x(left), frame.y(height)), (frame.x(right), frame.y(height))]
        steps.append((frame.x(edges[-1]), frame.y(0.0)))
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in steps)
        colour, full = at % len(LIGHT), 0.3 if len(shares) == 1 else 0.1
        body.append(
            f'<polyline class="f{colour} s{colour}" fill-opacity="{full}" stroke-width="2"{_dash(at)} points="{path}">'
            f"<title>{escape(_name(name))}</title></polyline>"
        )
    legend, height = _legend(list(shares), marks=False, top=_TOP + _PLOT_HEIGHT + 48)
    told = ". ".join(
        f"{_name(name)}: {counted(found.size, 'value')}, the middle one {number(float(np.median(found)))}, "
        f"eight of ten from {number(float(np.quantile(found, 0.1)))} to {number(float(np.quantile(found, 0.9)))}"
        for name, found in named.items()
    )
    beyond = any(float(found.min()) < edges[0] or float(found.max()) > edges[-1] for found in named.values())
    rest = " What lies beyond the ends is counted in the outermost bars." if beyond else ""
    return _document(title, f"Distribution of {x_name}. {told}.{rest}", (*body, *legend), height)


def bar_plot(title: str, bars: Sequence[Bar], *, unit: str) -> str:
    """Bars from 0, one below the other.

    Args:
        title: Above it.
        bars: At least one.
        unit: Of the values.

    Returns:
        The SVG document.
    """
    if not bars:
        raise ValueError("a plot needs a bar")
    ends = [0.0, *(end for bar in bars for end in _reach(bar.value, bar.interval))]
    low, high = min(ends), max(ends)
    texts = [with_interval(bar.value, bar.interval) for bar in bars]
    room = 12 + _CHAR * max(map(len, texts))
    scale = (_WIDTH - 2 * _RIGHT - room) / ((high - low) or 1.0)
    zero = _RIGHT - low * scale
    body = [f'<text class="soft" x="{_RIGHT}" y="44">{escape(visible(unit))}</text>']
    for at, bar in enumerate(bars):
        top = _TOP + _ROW * at
        left, right = sorted((zero, zero + bar.value * scale))
        ended = max(zero + end * scale for end in (0.0, *_reach(bar.value, bar.interval)))
        body.append(f'<text x="{_RIGHT}" y="{top + 10}">{escape(_name(bar.name))}</text>')
        body.append(
            f'<rect class="f{at % len(LIGHT)}" x="{left:.1f}" y="{top + 16}" width="{max(1.0, right - left):.1f}" '
            'height="14" rx="2"/>'
        )
        if bar.interval is not None:
            body.append(_across(zero + bar.interval.low * scale, zero + bar.interval.high * scale, top + 23))
        body.append(f'<text class="soft" x="{ended + 6:.1f}" y="{top + 27}">{texts[at]}</text>')
    height = _TOP + _ROW * len(bars) + 8
    body.append(f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="{_TOP + 12}" y2="{height - 12}"/>')
    told = ". ".join(f"{_name(bar.name)}: {text}" for bar, text in zip(bars, texts, strict=True))
    return _document(title, f"{unit}. {told}.", body, height)


def _document(title: str, about: str, body: Iterable[str], height: float) -> str:
    """The document; its ids come from what it shows, as several may stand on one page."""
    head, description = escape(visible(title)), escape(visible(about))
    key = hashlib.blake2b(f"{head}\0{description}".encode(), digest_size=5).hexdigest()
    named = f'role="img" aria-labelledby="t{key} d{key}"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" {named} viewBox="0 0 {_WIDTH} {height:g}">',
            f'<title id="t{key}">{head}</title>',
            f'<desc id="d{key}">{description}</desc>',
            _STYLE_ELEMENT,
            f'<rect class="paper" width="{_WIDTH}" height="{height:g}"/>',
            f'<text class="title" x="{_RIGHT}" y="24">{escape(shortened(title, 58))}</text>',
            *body,
            "</svg>",
            "",
        )
    )


def _grid(frame: _Frame, x_ticks: Sequence[float], y_ticks: Sequence[float], x_name: str, y_name: str) -> Iterator[str]:
    bottom, right = _TOP + _PLOT_HEIGHT, _WIDTH - _RIGHT
    yield f'<text class="soft" x="{_RIGHT}" y="44">{escape(shortened(y_name, 62))}</text>'
    yield f'<text class="soft" x="{right}" y="{bottom + 36}" text-anchor="end">{escape(shortened(x_name, 60))}</text>'
    for value, text in zip(y_ticks, _tick_texts(y_ticks), strict=True):
        y = frame.y(value)
        yield f'<line class="rule" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'
    yield f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>'
    for value, text in zip(x_ticks, _tick_texts(x_ticks), strict=True):
        x = frame.x(value)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}"/>'
        yield f'<text class="soft" x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{text}</text>'


def _drawn_line(frame: _Frame, at: int, line: Line, aside: float) -> Iterator[str]:
    colour = at % len(LIGHT)
    placed = [(frame.x(point.x) + aside, frame.y(point.y), point) for point in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in placed)
    yield f'<polyline class="line s{colour}"{_dash(at)} points="{path}"/>'
    for x, y, point in placed:
        if point.interval is not None:
            low, high = frame.y(point.interval.low), frame.y(point.interval.high)
            yield (f'<path class="whisker s{colour}" fill="none" d="M{x - 3:.1f} {low:.1f}h6m-3 0V{high:.1f}m-3 0h6"/>')
        told = f"{_name(line.name)}, {point.x:g}: {with_interval(point.y, point.interval)}"
        yield f'<path class="f{colour}" d="{_mark(at, x, y)}"><title>{escape(told)}</title></path>'


def _mark(at: int, x: float, y: float) -> str:
    """Circle, square, triangle, diamond, triangle downwards, cross: which line it is, without its colour."""
    shapes = (
        "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        "m-3.6 -3.6h7.2v7.2h-7.2z",
        "m0 -4.8l4.6 8h-9.2z",
        "m0 -5l5 5l-5 5l-5 -5z",
        "m0 4.8l4.6 -8h-9.2z",
        "m-1.6 -4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
    )
    return f"M{x:.1f} {y:.1f}{shapes[at % len(shapes)]}"


def _dash(at: int) -> str:
    """Of a line: beyond the last colour they come again with another dash."""
    dash = _DASHES[(at + at // len(LIGHT)) % len(_DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _across(low: float, high: float, y: float) -> str:
    return (
        f'<path class="whisker ink" fill="none" d="M{low:.1f} {y - 4}v8m0 -4H{high:.1f}m0 -4v8">'
        "<title>confidence interval</title></path>"
    )


def _legend(names: Sequence[str], *, marks: bool, top: float) -> tuple[list[str], float]:
    """Names with their lines and marks in as many rows as they need, and where that ends."""
    parts: list[str] = []
    x, y = float(_RIGHT), top + 12.0
    for at, name in enumerate(names):
        shown = _name(name)
        width = 36 + _CHAR * len(shown) + 14
        if x > _RIGHT and x + width > _WIDTH:
            x, y = float(_RIGHT), y + 20.0
        colour = at % len(LIGHT)
        parts.append(f'<path class="line s{colour}"{_dash(at)} d="M{x:.1f} {y - 4:.1f}h28"/>')
        if marks:
            parts.append(f'<path class="f{colour}" d="{_mark(at, x + 14, y - 4)}"/>')
        parts.append(f'<text x="{x + 34:.1f}" y="{y:.1f}">{escape(shown)}</text>')
        x += width
    return parts, y + 12.0


def _name(name: str) -> str:
    return shortened(name, _NAME_CHARS)


def _reach(value: float, interval: Interval | None) -> tuple[float, ...]:
    return (value,) if interval is None else (value, interval.low, interval.high)


def _padded(low: float, high: float) -> tuple[float, float]:
    """Ends with some room; around a single value, too."""
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    # What cannot be negative is not drawn as if it could.
    return (low - room if low < 0.0 or low >= room else 0.0), high + room


def _round_ticks(low: float, high: float) -> list[float]:
    """Round numbers in equal steps, the first not above the low end and the last not below the high end."""
    step = _round_step((high - low) / _TICKS) if high > low else 1.0
    first = math.floor(low / step + 1e-9)
    last = max(first + 1, math.ceil(high / step - 1e-9))
    return [at * step for at in range(first, last + 1)]


def _ticks_within(low: float, high: float) -> list[float]:
    return [tick for tick in _round_ticks(low, high) if low <= tick <= high] or [low]


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of 10, not below a number above 0."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * (1.0 - 1e-9))


def _tick_texts(ticks: Sequence[float]) -> list[str]:
    """With as many decimals as tell them apart and no more."""
    scale = max((abs(tick) for tick in ticks), default=0.0)
    for decimals in range(7):
        if all(abs(tick - round(tick, decimals)) <= 1e-9 * max(scale, 1e-9) for tick in ticks):
            break
    return [number(tick, decimals) for tick in ticks]


def _edges(values: Floats) -> Floats:
    """Edges of equal steps, round ones, around all but the few lowest and highest values."""
    low, high = (float(end) for end in np.percentile(values, (_TAIL, 100.0 - _TAIL)))
    step = _round_step((high - low) / _BINS) if high > low else (0.1 * abs(high) or 1.0)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return np.asarray(np.arange(first, max(last, first + 1) + 1) * step, np.float64)
