"""Numbers are written so that one can read them, and texts so that they stay on their line."""

from __future__ import annotations

import math

import pytest

from speechagents.benchmark.statistics import Interval
from speechagents.benchmark.wording import number, p_value, shortened, visible, with_interval


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.81234, "0.812"),
        (0.0051234, "0.00512"),
        (5.1234, "5.12"),
        (51.234, "51.2"),
        (51_234.5, "51,234"),
        (-0.5, "−0.500"),
        (1.0, "1.000"),
        (0.0, "0.000"),
        (1e-9, "0.000000"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers_have_three_digits_or_decimals_and_a_true_minus(value: float, written: str) -> None:
    assert number(value) == written


def test_signs_are_shown_where_they_are_asked_for_and_zero_has_none() -> None:
    assert number(0.25, 2, signed=True) == "+0.25"
    assert number(-0.001, 2, signed=True) == number(0.0, 2, signed=True) == "0.00"


def test_an_interval_has_the_digits_of_its_value() -> None:
    assert with_interval(0.5, Interval(-0.1234, 0.61)) == "0.500 (−0.123 to 0.610)"
    assert with_interval(12.0, None) == "12.0"


def test_small_ps_are_not_zero() -> None:
    assert (p_value(0.0301), p_value(0.0002), p_value(1.0)) == ("0.030", "< 0.001", "1.000")


def test_texts_lose_what_would_leave_their_line_or_turn_it_around() -> None:
    assert visible(" a\x00b\r\n\n c\u202ed\ud800 ") == "a b c d"
    assert shortened("abcdef ghij", 8) == "abcdef…"
