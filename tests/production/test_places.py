"""Slug lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.production.places import Setting, read_place


@pytest.mark.parametrize(
    ("slug", "setting", "parts"),
    [
        ("INT. KITCHEN - DAY", Setting.INSIDE, ("kitchen",)),
        ("int kitchen", Setting.INSIDE, ("kitchen",)),
        ("EXT. HOUSE - GARDEN - NIGHT", Setting.OUTSIDE, ("house", "garden")),
        ("INT./EXT. CAR - MOVING", Setting.BOTH, ("car", "moving")),
        ("I/E CAVE", Setting.BOTH, ("cave",)),
        ("EST. CITY", Setting.OUTSIDE, ("city",)),
        ("INNEN. KÜCHE - TAG", Setting.INSIDE, ("küche",)),
        ("EXTÉRIEUR - RUE - NUIT", Setting.OUTSIDE, ("rue",)),
        ("KITCHEN", Setting.UNSAID, ("kitchen",)),
        ("EXT. NIGHT CLUB", Setting.OUTSIDE, ("night club",)),
        ("INTERNAL AFFAIRS", Setting.UNSAID, ("internal affairs",)),
        ("", Setting.UNSAID, ()),
    ],
)
def test_a_slug_line_is_read(slug: str, setting: Setting, parts: tuple[str, ...]) -> None:
    place = read_place(slug)
    assert (place.setting, place.parts) == (setting, parts)


@pytest.mark.parametrize(
    ("slug", "continuous", "later"),
    [
        ("INT. KITCHEN - CONTINUOUS", True, False),
        ("INT. KITCHEN - MOMENTS LATER", True, False),
        ("INT. KITCHEN - LATER", False, True),
        ("INT. KITCHEN - THE NEXT DAY", False, True),
        ("INT. KÜCHE - SPÄTER", False, True),
        ("INT. KITCHEN - DAY", False, False),
    ],
)
def test_a_slug_line_tells_how_time_passed(slug: str, *, continuous: bool, later: bool) -> None:
    place = read_place(slug)
    assert (place.continuous, place.later) == (continuous, later)
    assert place.parts[0] in {"kitchen", "küche"}


@given(st.text(max_size=2000))
def test_any_text_is_accepted(text: str) -> None:
    assert all(part == part.strip() and part for part in read_place(text).parts)
