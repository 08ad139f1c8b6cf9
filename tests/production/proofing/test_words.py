"""Text and transcript become the same words, however numbers, short forms and marks are written."""

from __future__ import annotations

import pytest

from speechagents.production.proofing.words import heard_words, said, syllables


def likeliest(text: str, language: str = "en") -> str:
    return " ".join(heard_words(text, language=language))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("“Don’t!” — cried Emma.", "dont cried emma"),
        ("well-known, half-hearted", "well known half hearted"),
        ("Mr. & Mrs. Bennet", "mister and missus bennet"),
        ("naïve café, Brontë", "naive cafe bronte"),
        ("ALL CAPITALS", "all capitals"),
        ("21", "twenty one"),
        ("the 25th of May", "the twenty fifth of may"),
        ("1,250 men", "one thousand two hundred fifty men"),
        ("in 1984", "in nineteen eighty four"),
        ("in 1906", "in nineteen oh six"),
        ("in 1900", "in nineteen hundred"),
        ("in 2000", "in two thousand"),
        ("the 1920s", "the nineteen twenties"),
        ("£20 and $1.50", "twenty pounds and one point five zero dollars"),
        ("3:05", "three oh five"),
        ("7:00", "seven oclock"),
        ("50%", "fifty percent"),
        ("3.14", "three point one four"),
        ("1000000", "one million"),
        ("… — !", ""),
    ],
)
def test_what_is_written_is_compared_as_it_is_said(written: str, words: str) -> None:
    assert likeliest(written) == words


def test_a_year_and_a_day_may_be_said_in_several_ways() -> None:
    (year,) = said("1984", language="en")
    assert ("one", "thousand", "nine", "hundred", "eighty", "four") in year.ways
    (day,) = said("5", language="en")
    assert day.ways == (("five",), ("fifth",))


def test_numbers_of_other_languages_match_whatever_is_heard() -> None:
    (hour,) = said("21", language="de")
    assert hour.wild
    assert [word.text for word in said("Es schlägt 21.", language="de")] == ["Es", "schlägt", "21"]


def test_a_number_too_large_to_say_is_wild_rather_than_an_error() -> None:
    (number,) = said("9" * 5000, language="en")
    assert number.wild


@pytest.mark.parametrize(
    ("text", "count"),
    [("the kettle sang", 4), ("a lighthouse keeper", 5), ("table", 2), ("1984", 5), ("夏目漱石", 4), ("", 0), ("!", 0)],
)
def test_syllables_are_about_right(text: str, count: int) -> None:
    assert abs(syllables(text) - count) <= (1 if count else 0)
