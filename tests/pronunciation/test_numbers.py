"""Numbers in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.pronunciation.numbers import (
    MAX_NUMBER,
    english_cardinal,
    english_ordinal,
    english_year,
    german_cardinal,
    german_ordinal,
    german_year,
)


@pytest.mark.parametrize(
    ("number", "english", "german"),
    [
        (0, "zero", "null"),
        (21, "twenty-one", "einundzwanzig"),
        (101, "one hundred and one", "einhunderteins"),
        (1_001, "one thousand and one", "eintausendeins"),
        (21_000, "twenty-one thousand", "einundzwanzigtausend"),
        (2_000_030, "two million and thirty", "zwei Millionen dreißig"),
        (10**9, "one billion", "eine Milliarde"),
    ],
)
def test_cardinals(number: int, english: str, german: str) -> None:
    assert (english_cardinal(number), german_cardinal(number)) == (english, german)


@pytest.mark.parametrize(
    ("number", "english", "german"),
    [
        (1, "first", "erste"),
        (3, "third", "dritte"),
        (7, "seventh", "siebte"),
        (12, "twelfth", "zwölfte"),
        (19, "nineteenth", "neunzehnte"),
        (20, "twentieth", "zwanzigste"),
        (31, "thirty-first", "einunddreißigste"),
        (100, "one hundredth", "einhundertste"),
        (101, "one hundred and first", "einhunderterste"),
        (1_000, "one thousandth", "eintausendste"),
    ],
)
def test_ordinals(number: int, english: str, german: str) -> None:
    assert (english_ordinal(number), german_ordinal(number, "e")) == (english, german)


@pytest.mark.parametrize(
    ("year", "english", "german"),
    [
        (1066, "ten sixty-six", "eintausendsechsundsechzig"),
        (1900, "nineteen hundred", "neunzehnhundert"),
        (1907, "nineteen oh seven", "neunzehnhundertsieben"),
        (2000, "two thousand", "zweitausend"),
        (2009, "two thousand and nine", "zweitausendneun"),
        (2024, "twenty twenty-four", "zweitausendvierundzwanzig"),
    ],
)
def test_years(year: int, english: str, german: str) -> None:
    assert (english_year(year), german_year(year)) == (english, german)


@given(st.integers(0, MAX_NUMBER))
def test_every_number_has_words_of_its_own(number: int) -> None:
    for cardinal in (english_cardinal, german_cardinal):
        assert not any(map(str.isdigit, cardinal(number)))
        if number:
            assert cardinal(number) != cardinal(number - 1)
