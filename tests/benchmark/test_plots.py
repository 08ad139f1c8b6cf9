"""Plots are whole SVG documents that can be read in the light, in the dark, without colours, and without eyes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechagents.benchmark.plots import DARK, LIGHT, Bar, Line, Point, bar_plot, histogram, line_plot
from speechagents.benchmark.statistics import Interval

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert(1)</script>"&\x00\u202e'
LINES = (
    Line("reference", (Point(2, 0.9, Interval(0.85, 0.93)), Point(25, 0.8))),
    Line(HOSTILE, (Point(2, 0.5), Point(5, 0.4, Interval(0.3, 0.45)))),
)


def by_roles(lines: Sequence[Line] = LINES) -> str:
    return line_plot("Style shown", lines, x_name="number of roles", y_name="share", x_ticks=(2, 5, 25), log_x=True)


PLOTS = {
    "lines": by_roles(),
    "histogram": histogram("Gaps", {"reference": [0.1, 0.2, 0.2, 0.5], HOSTILE: [0.3, -0.4]}, x_name="gap, s"),
    "bars": bar_plot("Cost", [Bar("reference", 3.0, Interval(2.0, 4.5)), Bar(HOSTILE, 1.0)], unit="s a turn"),
}


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - it was made here


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("svg", PLOTS.values(), ids=PLOTS)
def test_a_plot_stands_for_itself(svg: str) -> None:
    assert {element.tag.removeprefix(SVG) for element in parsed(svg).iter()} <= {
        *("svg", "title", "desc", "style", "rect", "text", "line", "polyline", "path")
    }
    assert not re.search(r"href|url\(|@import|\son\w+=|<script|javascript:", svg)


@pytest.mark.parametrize("svg", PLOTS.values(), ids=PLOTS)
def test_names_are_shown_as_they_are_and_make_no_markup(svg: str) -> None:
    assert '<script>alert(1)</script>"&' in texts(svg)
    assert "\x00" not in svg
    assert "\u202e" not in svg


@pytest.mark.parametrize("svg", PLOTS.values(), ids=PLOTS)
def test_a_plot_says_in_words_what_it_shows(svg: str) -> None:
    root = parsed(svg)
    title, about = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert about is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {about.get('id')}"
    assert "reference: " in (about.text or "")


def test_the_words_hold_every_value_with_its_interval() -> None:
    assert "share by number of roles. reference: 2: 0.900 (0.850 to 0.930); 25: 0.800." in PLOTS["lines"]
    assert "reference: 4 values, the middle one 0.200, eight of ten from" in PLOTS["histogram"]
    assert "s a turn. reference: 3.00 (2.00 to 4.50)." in PLOTS["bars"]


def test_plots_on_one_page_do_not_share_an_id_and_the_same_plot_is_the_same_text() -> None:
    ids = [found for svg in PLOTS.values() for found in re.findall(r' id="(\w+)"', svg)]
    assert len(set(ids)) == len(ids) == 6
    assert by_roles() == by_roles()


def test_every_value_is_marked_where_it_belongs() -> None:
    marks = re.findall(r'<path class="f0" d="M([\d.]+) ([\d.]+)', PLOTS["lines"])[:2]
    (x_2, y_high), (x_25, y_low) = [(float(x), float(y)) for x, y in marks]
    assert x_2 < x_25
    assert y_high < y_low, "y grows downwards in SVG"
    assert texts(PLOTS["lines"]).count("25") == 1


def test_equal_ratios_of_roles_are_equally_far_apart() -> None:
    svg = by_roles([Line("one", tuple(Point(x, 0.5) for x in (2, 5, 12.5)))])
    x = [float(found) for found in re.findall(r'<path class="f0" d="M([\d.]+) [\d.]+m-4', svg)][:3]
    assert x[1] - x[0] == pytest.approx((x[2] - x[1]), abs=0.2)


def test_lines_differ_without_their_colours() -> None:
    svg = by_roles([Line(str(at), (Point(2, at), Point(5, at))) for at in range(9)])
    drawn = re.findall(r'<polyline class="line s(\d)"(?: stroke-dasharray="([\d ]+)")?', svg)
    marks = re.findall(r'<path class="f\d" d="M[\d.]+ [\d.]+(m[^"]*)"><title>', svg)[::2]
    assert len(set(zip(drawn, marks, strict=True))) == 9
    assert len({dash for _, dash in drawn[: len(LIGHT)]}) == len(LIGHT)


def test_a_histogram_shows_shares_and_gathers_what_lies_far_out() -> None:
    svg = histogram("Gaps", {"one": [*np.linspace(0.0, 1.0, 400), 900.0]}, x_name="gap, s")
    assert "What lies beyond the ends is counted in the outermost bars." in svg
    assert "900" not in "".join(texts(svg))
    assert "share of values, %" in texts(svg)


def test_bars_are_as_long_as_their_values() -> None:
    widths = [float(width) for width in re.findall(r'<rect class="f\d"[^>]* width="([\d.]+)"', PLOTS["bars"])]
    assert widths[0] == pytest.approx(3.0 * widths[1], rel=0.02)


def test_nothing_to_plot_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a point"):
        line_plot("", [Line("one", ())], x_name="", y_name="")
    with pytest.raises(ValueError, match="needs a value"):
        histogram("", {"one": []}, x_name="")
    with pytest.raises(ValueError, match="needs a bar"):
        bar_plot("", [], unit="")


VALUES = st.floats(-1e9, 1e9, allow_nan=False)


@settings(deadline=None, max_examples=40)
@given(st.lists(VALUES, min_size=1, max_size=8), st.lists(VALUES, min_size=1, max_size=30))
def test_any_numbers_can_be_plotted_and_stay_in_the_picture(ys: Sequence[float], values: Sequence[float]) -> None:
    lines = [Line("one", tuple(Point(x, y, Interval(y - 1.0, y + 1.0)) for x, y in enumerate(ys, 1)))]
    for svg in (
        line_plot("t", lines, x_name="x", y_name="y"),
        histogram("t", {"one": values}, x_name="x"),
        bar_plot("t", [Bar("one", y, Interval(y - 1.0, y + 1.0)) for y in ys], unit="u"),
    ):
        root = parsed(svg)
        width, height = (float(found) for found in root.get("viewBox", "").split()[2:])
        for element in root.iter():
            for x, y in re.findall(
                r"M?(-?[\d.]+)[ ,](-?[\d.]+)", f"{element.get('points', '')} {element.get('d', '')}"
            ):
                assert -10.0 <= float(x) <= width
                assert -10.0 <= float(y) <= height


def linear(colour: str) -> NDArray[np.float64]:
    parts = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255.0
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize(("colours", "paper"), [(LIGHT, "#ffffff"), (DARK, "#17171b")])
def test_colours_stand_out_from_the_paper(colours: Sequence[str], paper: str) -> None:
    """WCAG 2.2, criterion 1.4.11: a contrast of 3 to 1."""
    for colour in colours:
        high, low = sorted((luminance(colour), luminance(paper)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 3.0, colour


SEEN = {
    "all": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""What is left of colours for colour-blind people (Machado, Oliveira & Fernandes 2009, IEEE TVCG 15:1291)."""


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIE L*a*b* of linear sRGB, white D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0.0, 1.0) / (0.9505, 1.0, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    return np.array([116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", SEEN)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_differ_for_colour_blind_people_too(colours: Sequence[str], kind: str) -> None:
    """By ten at least, where two are just noticeable."""
    for one, other in itertools.combinations(colours, 2):
        apart = np.linalg.norm(lab(SEEN[kind] @ linear(one)) - lab(SEEN[kind] @ linear(other)))
        assert apart >= 10.0, (one, other, apart)
