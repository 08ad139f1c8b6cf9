"""The picture of a timeline: a bar a line, at its place, and the same in words."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from speechagents.ui import timeline_picture as module
from speechagents.ui.timeline_picture import timeline_picture


def line(number: int, role: str, start_s: float, end_s: float, **about: Any) -> dict[str, Any]:
    return {
        "line": number,
        "role": role,
        "text": f"line {number}",
        "style": {"tag": "default", "strength": 1.0},
        "delivery": "direct",
        "start_s": start_s,
        "end_s": end_s,
        "level_db": -20.0,
        **about,
    }


def timeline(*lines: dict[str, Any], length_s: float = 20.0) -> dict[str, Any]:
    names = dict.fromkeys(one["role"] for one in lines)
    return {
        "title": "A play",
        "duration_s": length_s,
        "roles": [{"name": name, "voice": "x"} for name in names],
        "scenes": [{"title": "INT. HALL", "start_s": 0.0, "end_s": length_s, "lines": list(lines)}],
    }


def svg(markup: str) -> ET.Element:
    """The drawing alone, parsed strictly."""
    found = re.search(r"<svg.*</svg>", markup, re.DOTALL)
    assert found
    return ET.fromstring(found[0])  # noqa: S314 - our own drawing


def bars(markup: str) -> list[ET.Element]:
    return [rect for rect in svg(markup).iter("rect") if "data-sa-line" in rect.attrib]


def test_each_line_is_a_bar_at_its_time() -> None:
    drawn = timeline_picture(timeline(line(1, "ANNA", 0.0, 5.0), line(2, "BEN", 10.0, 15.0)))
    first, second = bars(drawn)
    width = float(svg(drawn).attrib["width"])
    assert float(first.attrib["x"]) == 0.0
    assert float(second.attrib["x"]) == pytest.approx(width / 2, abs=0.1)
    assert (second.attrib["data-sa-at"], second.attrib["data-sa-line"]) == ("10.00", "2")
    assert first.attrib["y"] != second.attrib["y"]


def test_a_loud_line_is_taller_and_a_distant_one_pale() -> None:
    loud = line(1, "ANNA", 0.0, 5.0, level_db=-12.0)
    low = line(2, "ANNA", 6.0, 9.0, level_db=-32.0, delivery="phone")
    first, second = bars(timeline_picture(timeline(loud, low)))
    assert float(first.attrib["height"]) > 2 * float(second.attrib["height"])
    assert "sa-tl-far" in second.attrib["class"]
    assert "sa-tl-far" not in first.attrib["class"]


def test_where_people_talk_at_the_same_time_a_mark_stands() -> None:
    drawn = timeline_picture(timeline(line(1, "ANNA", 0.0, 5.0), line(2, "BEN", 4.0, 8.0), line(3, "ANNA", 9.0, 10.0)))
    marks = [rect for rect in svg(drawn).iter("rect") if rect.attrib["class"] == "sa-tl-both"]
    assert len(marks) == 1
    scale = float(svg(drawn).attrib["width"]) / 20.0
    assert float(marks[0].attrib["x"]) == pytest.approx(4.0 * scale, abs=0.1)
    assert float(marks[0].attrib["width"]) == pytest.approx(scale, abs=0.1)
    assert "At the same time: 1.0 s in 1 place" in drawn


def test_the_picture_is_told_in_words_and_as_a_table() -> None:
    drawn = timeline_picture(timeline(line(1, "ANNA", 0.0, 5.0), line(2, "BEN", 10.0, 12.0)))
    assert svg(drawn).attrib["aria-label"] == "0:20 in 1 scene, 2 voices. Most time: ANNA 0:05, BEN 0:02."
    assert '<th scope="row">' in drawn
    assert "<td>1</td><td>0:05</td><td>0:00</td><td>-20 dB</td>" in drawn


def test_no_text_of_a_script_becomes_markup() -> None:
    evil = '"><img src=x onerror=alert(1)><script>alert(1)</script>'
    made = timeline(line(1, evil, 0.0, 5.0, text=evil))
    made["scenes"][0]["title"] = evil
    drawn = timeline_picture(made)
    assert "<img" not in drawn
    assert "<script" not in drawn
    assert len(bars(drawn)) == 1


def test_levels_that_nobody_measured_are_left_out() -> None:
    assert "<td>–</td>" in timeline_picture(timeline(line(1, "ANNA", 0.0, 5.0, level_db=None)))


def test_a_book_is_drawn_up_to_a_bound_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BARS", 3)
    many = [line(n + 1, "ANNA", n * 2.0, n * 2.0 + 1.0) for n in range(5)]
    drawn = timeline_picture(timeline(*many))
    assert len(bars(drawn)) == 3
    assert "The last 2 lines are not drawn" in drawn


def test_a_role_has_the_colour_that_it_has_in_the_cast() -> None:
    drawn = timeline_picture(timeline(line(1, "BEN", 0.0, 5.0)), roles=("NARRATOR", "ANNA", "Ben"))
    assert bars(drawn)[0].attrib["fill"] == "var(--role-2)"
