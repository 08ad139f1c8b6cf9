"""Contradictions of a speaker with himself."""

from __future__ import annotations

import pytest

from speechagents.benchmark.metrics.contradiction import contradictions
from tests.benchmark.playing_scenes import reference_scripts, said_in


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I opened the lockers in spring.", "I never opened the lockers in spring."),
        ("The tug can reach us before dawn.", "The tug cannot reach us before dawn."),
        ("There were forty good jackets in the locker.", "There were twelve good jackets in the locker."),
        ("The crane comes on Monday morning.", "The crane comes on Friday morning."),
        ("She painted the kitchen wall blue.", "She painted the kitchen wall green."),
    ],
)
def test_what_is_denied_or_changed_contradicts(first: str, second: str) -> None:
    assert contradictions([("Ana", first), ("Ben", "What?"), ("Ana", second)]) == {2}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("I opened the lockers in spring.", "I opened the lockers in spring, all of them."),
        ("I opened the lockers in spring.", "You never opened the lockers in spring."),
        ("I opened the lockers in spring.", "Have I not opened the lockers in spring?"),
        ("There were forty good jackets.", "The crane comes at nine."),
        ("The crane comes on Monday.", "The statue never stood on a slab."),
        ("I did.", "I didn't."),
    ],
)
def test_other_statements_do_not(first: str, second: str) -> None:
    assert contradictions([("Ana", first), ("Ana", second)]) == frozenset()


def test_two_speakers_may_contradict_each_other() -> None:
    lines = [("Ana", "You opened the lockers in spring."), ("Ben", "You never opened the lockers in spring.")]
    assert contradictions(lines) == frozenset()


def test_sentences_of_one_line_do_not_count_against_each_other() -> None:
    assert contradictions([("Ana", "I opened the lockers, no. I never opened the lockers.")]) == frozenset()


def test_people_who_write_by_hand_hardly_ever_seem_to_contradict_themselves() -> None:
    lines = sum(len(script.lines) for script in reference_scripts())
    found = sum(len(contradictions(said_in(script))) for script in reference_scripts())
    assert found <= 0.002 * lines
