"""Questions and the forms of their answers."""

from __future__ import annotations

import pytest

from speechagents.benchmark.metrics.replies import Asks, asks, has_answer_form, question, turns_to


def test_the_last_question_of_a_line_is_its_question() -> None:
    assert question("Where were you? Did you run?") == "Did you run?"
    assert question("Who has them? I want them back.") == "Who has them?"
    assert question("“Is it?”") == "“Is it?”"
    assert question("No question at all.") == question("…") == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Did you crash?", Asks.WHETHER),
        ("Do you see what I mean?", Asks.WHETHER),
        ("And who held the hat?", Asks.WHO),
        ("Where is the switch?", Asks.WHERE),
        ("What time is it?", Asks.WHEN),
        ("When did you last eat?", Asks.WHEN),
        ("Why not?", Asks.WHY),
        ("How come she knows?", Asks.WHY),
        ("How many jackets do we have?", Asks.HOW_MUCH),
        ("What is on yours?", Asks.WHAT),
    ],
)
def test_what_a_question_asks_for(text: str, kind: Asks) -> None:
    assert asks(text) is kind


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("Is it your brother?", "No. Sorry."),
        ("Has he written that?", "He hasn't, and he won't."),
        ("And who held the hat?", "Me. It's a good hat."),
        ("Where is the switch?", "Behind the third panel."),
        ("When do they turn down the lights?", "They do it at ten."),
        ("Why on earth do you want it to be you?", "Because you can change a keeper."),
        ("How deep is it?", "Three hundred metres, perhaps more."),
        ("What did her mother say?", "Nothing. There's nothing on that side."),
        ("What did he say?", "I don't know."),
    ],
)
def test_answers_have_the_form_of_answers(asked: str, answer: str) -> None:
    assert has_answer_form(asked, answer)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("Is it your brother?", "Somebody wants tea."),
        ("Has he written that?", "We are late."),
        ("Where is the switch?", "You are late, my friend."),
        ("How deep is it?", "My wife is sitting on a wet carpet."),
        ("Why not?", "Give me the keys."),
        ("Why not?", "…"),
    ],
)
def test_other_lines_have_not(asked: str, line: str) -> None:
    assert not has_answer_form(asked, line)


def test_an_answer_turns_the_persons_of_its_question() -> None:
    assert turns_to("Are you the reserve?", "I am, Madam.")
    assert turns_to("Is she asleep?", "She's awake.")
    assert not turns_to("Is she asleep?", "The tug is out from Kos.")
