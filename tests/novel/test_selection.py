"""Which chapters are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.errors import SettingsError
from speechagents.novel.selection import parse_chapters


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1", (1,)),
        ("1-3,5", (1, 2, 3, 5)),
        (" 2 - 3 , 1 ", (1, 2, 3)),
        ("7-", (7, 8)),
        ("-2", (1, 2)),
        ("3,3,2-4", (2, 3, 4)),
        ("1–2", (1, 2)),
    ],
)
def test_numbers_and_ranges(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_chapters(text).numbers(8) == numbers


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "“” is no number or range; write for example 1-3,5"),
        ("one", "“one” is no number"),
        ("1,,2", "“” is no number"),
        ("-", "“-” is no number"),
        ("1-2-3", "“1-2-3” is no number"),
        ("0", "counted from 1"),
        ("5-3", "5-3 runs backwards; write 3-5"),
        ("1 2", "“1 2” is no number"),
        ("1234567", "is no number"),
        ("1," * 600, "longer than 1000 characters"),
    ],
)
def test_what_is_no_list_is_refused_with_the_remedy(text: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        parse_chapters(text)


@pytest.mark.parametrize(
    ("text", "count", "fault"), [("9", 8, "8 chapters"), ("3-", 2, "no chapter 3"), ("2", 1, "one ch")]
)
def test_a_chapter_that_is_not_there_is_named(text: str, count: int, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        parse_chapters(text).numbers(count)


@given(st.sets(st.integers(1, 60), min_size=1))
def test_any_set_of_chapters_can_be_written(numbers: set[int]) -> None:
    assert parse_chapters(",".join(map(str, numbers))).numbers(60) == tuple(sorted(numbers))
