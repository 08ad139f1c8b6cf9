"""What resembles what: shingles of characters, and how well minima estimate what they share."""

from __future__ import annotations

import re

import numpy as np
import pytest

from speechagents.benchmark.building.duplicates import (
    LINE_AT_LEAST,
    MINIMA,
    ROLE_AT_LEAST,
    SCRIPT_AT_LEAST,
    SHINGLE_CHARS,
    STORY_AT_LEAST,
    Twins,
    minima,
    resemblance,
)
from tests.benchmark.building.authors import words


def jaccard(one: str, other: str) -> float:
    """The coefficient itself, by its definition."""

    def shingles(text: str) -> set[str]:
        plain = re.sub(r"[\W\d_]+", " ", text.casefold()).strip()
        return {plain[at : at + SHINGLE_CHARS] for at in range(len(plain) - SHINGLE_CHARS + 1)}

    return len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))


def test_equal_texts_resemble_each_other_wholly_and_strangers_hardly() -> None:
    assert resemblance("The ferry is late again.", "The ferry is late again.") == 1.0
    assert resemblance(words(1, 60), words(2, 60)) < 0.1


def test_case_digits_and_punctuation_make_no_difference() -> None:
    assert resemblance("34, a nurse; tired!", "51, A NURSE - tired") == 1.0


@pytest.mark.parametrize("shared", [10, 30, 50, 70, 90])
def test_the_estimate_is_as_near_to_the_coefficient_as_theory_says(shared: int) -> None:
    errors = []
    for seed in range(12):
        common = words((seed, "common"), shared)
        one, other = f"{common} {words((seed, 1), 100 - shared)}", f"{common} {words((seed, 2), 100 - shared)}"
        errors.append(resemblance(one, other) - jaccard(one, other))
    # The standard error of a share of 256 is at most 0.032, that of the mean of twelve at most 0.0091.
    assert abs(float(np.mean(errors))) < 3 * 0.0091
    assert max(map(abs, errors)) < 4 * 0.032


def test_a_long_text_is_taken_in_pieces_that_make_no_difference() -> None:
    long = words("long", 2_000)
    assert (minima(long) == minima(f"  {long.upper()}  ")).all()
    assert resemblance(long, long + " " + words("tail", 200)) == pytest.approx(10 / 11, abs=0.1)


def test_the_nearest_of_many_is_found_and_named() -> None:
    twins = Twins()
    assert twins.nearest("nothing yet") is None
    for number in range(200):
        twins.add(str(number), words(number, 30))
    twin = twins.nearest(words(137, 30) + " and a little more")
    assert twin is not None
    assert twin.name == "137"
    assert twins.like(words("new", 30), 0.5) is None
    assert twins.like(words(3, 30), 1.0) is not None


def test_a_text_without_letters_resembles_nothing_but_its_like() -> None:
    assert resemblance("", "…!") == 1.0
    assert resemblance("", "a word") < 0.1


@pytest.mark.parametrize(
    ("at_least", "same", "different"),
    [
        (
            LINE_AT_LEAST,
            (
                "I could not agree more, and I am sorry for the bed.",
                "I could not agree more, and I'm sorry for the bed!",
            ),
            ("Only one person knows, and that one never noticed the ought.", "Only one person knows of the crate."),
        ),
        (
            ROLE_AT_LEAST,
            ("Ida, 35, waiter; full of plans", "Ida, 41, waiter, full of plans"),
            ("Cora, 42, teacher; brave in the evening", "Colin, 42, waiter; brave in the evening"),
        ),
        (
            STORY_AT_LEAST,
            (
                "The Count. The life jackets were counted twice and the two counts differ; nobody may leave the ferry.",
                "The Count. The life jackets were counted twice, and the counts differ: nobody may leave the boat.",
            ),
            (
                "The Count. The life jackets were counted twice and the two counts differ; nobody may leave the ferry.",
                "The Toast. The ferry leaves at noon, and the best man cannot find the words that he was paid for.",
            ),
        ),
        (SCRIPT_AT_LEAST, (words(5, 100), f"{words(5, 90)} {words(6, 10)}"), (words(5, 100), words(6, 100))),
    ],
)
def test_thresholds_tell_what_says_the_same_from_what_does_not(
    at_least: float, same: tuple[str, str], different: tuple[str, str]
) -> None:
    assert resemblance(*same) >= at_least > resemblance(*different)


def test_minima_are_the_same_on_every_machine() -> None:
    found = minima("The ferry is late again.")
    assert found.shape == (MINIMA,)
    assert found[:3].tolist() == [203764952, 171259123, 44484023]
