"""How well one line follows another."""

from __future__ import annotations

import pytest

from speechagents.benchmark.metrics.cohesion import Talk, rivals
from tests.benchmark.playing_scenes import messages_of, played, scene_of


def talk_of(*lines: tuple[str, str]) -> Talk:
    return Talk.of(played(scene_of("Ana", "Ben", "Cleo"), lines))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The kettle is cold.", "A cold kettle is no kettle."),
        ("She sold it.", "Then she has money."),
        ("Leave it.", "Sit down, Ana."),
        ("Have you slept?", "Yes, a little."),
        ("You broke it.", "My hands were wet."),
    ],
)
def test_every_tie_adds_to_the_cohesion(first: str, second: str) -> None:
    talk = talk_of(("Ana", first), ("Ben", second), ("Ben", "Trees are tall."))
    tied, loose = (talk.cohesion(talk.lines[0], talk.lines[place]) for place in (1, 2))
    assert tied > loose


def test_a_line_by_somebody_who_was_not_called_is_tied_less() -> None:
    talk = talk_of(("Ana", "Ben, sit down."), ("Ben", "Leave it."), ("Cleo", "Leave it."))
    assert talk.cohesion(talk.lines[0], talk.lines[1]) > 0 > talk.cohesion(talk.lines[0], talk.lines[2])


def test_names_of_those_who_play_are_no_content() -> None:
    talk = talk_of(("Ana", "Cleo took the kettle."), ("Ben", "Cleo drove home."))
    assert talk.shared(*talk.lines) == 0.0


def test_whom_a_message_addresses_is_called_without_a_name_in_it() -> None:
    messages = messages_of([("Ana", "Sit down."), ("Ben", "Why?")], addresses={0: ("ben", "Nobody", "Ana")})
    assert Talk.of(played(scene_of("Ana", "Ben"), messages)).lines[0].calls == {"ben"}


def test_only_a_question_has_answers() -> None:
    talk = talk_of(("Ana", "It is cold."), ("Ben", "Yes, it is."), ("Ana", "Is it cold?"), ("Ben", "Yes, it is."))
    assert talk.answering(talk.lines[0], talk.lines[1]) == 0.0
    assert talk.answering(talk.lines[2], talk.lines[3]) >= 2.0


def test_rivals_are_by_others_neither_the_line_nor_the_next_and_evenly_spread() -> None:
    talk = talk_of(*((("Ana", "Ben")[number % 2], f"Number {number}.") for number in range(40)))
    lines = talk.lines
    found = rivals(lines, 10, 5)
    assert len(found) == 5
    assert all(line.speaker == "ben" and line is not lines[11] for line in found)
    places = [lines.index(line) for line in found]
    assert places == sorted(places)
    assert places[0] < 10 < 30 < places[-1]
    assert len(rivals(lines, 10, 100)) == 19
