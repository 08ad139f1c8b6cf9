"""Who is named in a line, and who is called."""

from __future__ import annotations

import pytest

from speechagents.benchmark.metrics.naming import Company
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.drama import Role
from tests.benchmark.playing_scenes import reference_scripts

NAMES = ("Stavros", "Dr Bediako", "Papa Loukas", "Beatrix", "Miss Tolley", "Old Lefteris", "Margaret")
COMPANY = Company.of([Role(name) for name in NAMES])


@pytest.mark.parametrize(
    ("line", "called"),
    [
        ("Mr Stavros, how deep is it?", {"stavros"}),
        ("Stavros! Are we still waiting?", {"stavros"}),
        ("No, Stavros.", {"stavros"}),
        ("Oh Stavros, no.", {"stavros"}),
        ("Wait -- Stavros, not you!", {"stavros"}),
        ("Dr Bediako, hold your tongue!", {"dr bediako"}),
        ("Come here, Lefteris, and sit.", {"old lefteris"}),
        ("Thank you, Miss Tolley.", {"miss tolley"}),
        ("Upside down, Bea!", {"beatrix"}),
        ("Peggy? Is that you?", {"margaret"}),
        ("Loukas. People are listening.", {"papa loukas"}),
        ("Stavros's keys, Beatrix.", {"beatrix"}),
    ],
)
def test_marks_around_a_name_make_it_a_call(line: str, called: set[str]) -> None:
    assert COMPANY.called(line) == called


@pytest.mark.parametrize(
    "line",
    [
        "Stavros.",
        "Then Stavros went home.",
        "Ask Stavros about it.",
        "I counted with Papa Loukas beside me.",
        "Good Lord!",
    ],
)
def test_a_name_within_a_sentence_calls_nobody(line: str) -> None:
    assert COMPANY.called(line) == frozenset()


def test_those_spoken_of_are_mentioned() -> None:
    assert COMPANY.mentioned("Stavros's keys lie with Papa Loukas, Beatrix.") == {"stavros", "papa loukas", "beatrix"}


def test_a_word_of_two_names_names_neither() -> None:
    company = Company.of([Role("Ana Silva"), Role("Rui Silva")])
    assert company.called("Silva! Come here!") == frozenset()
    assert company.called("Rui! Come here!") == {"rui silva"}


def test_a_part_of_a_name_finds_who_is_meant() -> None:
    assert COMPANY.resolve(" BEDIAKO ") == "dr bediako"
    assert COMPANY.resolve("Nobody") is None


@pytest.mark.parametrize(
    ("line", "strangers"),
    [
        ("Thank you, Marco.", ["marco"]),
        ("It was Mr Ambrose who did it.", ["ambrose"]),
        ("I saw Peter there.", ["peter"]),
        ("Peter, sit down.", ["peter"]),
        ("Over here, in Paris, you see.", []),
        ("Good Lord, it was Easter week, Doctor.", []),
        ("Yes, Miss. On Sunday, Madam.", []),
        ("Beatrix and I went home.", []),
    ],
)
def test_strangers_are_persons_whom_nobody_knows(line: str, strangers: list[str]) -> None:
    assert COMPANY.strangers(line, frozenset()) == strangers


def test_who_is_known_is_no_stranger() -> None:
    assert COMPANY.strangers("Thank you, Marco.", frozenset({"marco"})) == []


def test_hand_written_lines_call_those_who_play() -> None:
    calls = own = 0
    for script in reference_scripts():
        brief = shipped_scene_set().scenes[script.scene_id].brief
        company = Company.of(brief.with_first_roles(script.roles).roles)
        for line in script.lines:
            called = company.called(line.text)
            calls += len(called)
            own += line.role.casefold() in called
    assert calls > 300
    assert own < 0.03 * calls
