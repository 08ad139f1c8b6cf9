"""Facts: what a line says of them, and when it contradicts them."""

from __future__ import annotations

import pytest

from speechagents.benchmark.facts import Fact, FactKind, Verdict, sentences

FERRY = Fact(("ferry", "ship"), FactKind.TIME, "half past six")
JACKETS = Fact(("jackets",), FactKind.NUMBER, "forty")
DAY = Fact(("wedding",), FactKind.WEEKDAY, "Friday")
WALL = Fact(("wall",), FactKind.COLOUR, "blue")
CAPTAIN = Fact(("captain",), FactKind.NAME, "Stavros", ("Nikos", "Yannis"))


@pytest.mark.parametrize(
    ("fact", "text", "verdict"),
    [
        (FERRY, "The ferry was to leave at half past six.", Verdict.SAYS),
        (FERRY, "HALF PAST SIX, and the ship is still here!", Verdict.SAYS),
        (FERRY, "The ferry leaves at half past seven.", Verdict.BREAKS),
        (FERRY, "The ferry leaves at noon.", Verdict.BREAKS),
        (FERRY, "I get up at noon. The ferry can wait.", Verdict.SILENT),
        (FERRY, "The ferryman is never late.", Verdict.SILENT),
        (JACKETS, "There are forty jackets on board.", Verdict.SAYS),
        (JACKETS, "There are forty-one jackets.", Verdict.BREAKS),
        (JACKETS, "There are 38 jackets.", Verdict.BREAKS),
        (JACKETS, "The jackets? No one counted them.", Verdict.SILENT),
        (DAY, "Come to the wedding on Saturday.", Verdict.BREAKS),
        (DAY, "The wedding may be a disaster.", Verdict.SILENT),
        (WALL, "A green door in a blue wall.", Verdict.SAYS),
        (CAPTAIN, "Nikos is the captain here.", Verdict.BREAKS),
        (CAPTAIN, "The captain is called Stavros, not Nikos.", Verdict.SAYS),
        (CAPTAIN, "The captain is called Maria.", Verdict.SILENT),
    ],
)
def test_what_a_line_does_to_a_fact(fact: Fact, text: str, verdict: Verdict) -> None:
    assert fact.verdict(text) is verdict


def test_one_right_sentence_counts_more_than_one_wrong() -> None:
    assert FERRY.verdict("Was the ferry to leave at noon? No: the ferry leaves at half past six.") is Verdict.SAYS


@pytest.mark.parametrize("fact", [FERRY, JACKETS, DAY, WALL, CAPTAIN])
def test_a_wrong_value_breaks_the_fact(fact: Fact) -> None:
    for number in range(5):
        value = fact.wrong(number)
        assert value != fact.value
        assert fact.verdict(f"The {fact.about[0]}: {value}.") is Verdict.BREAKS, value


def test_sentences_end_at_their_marks_and_keep_their_quotes() -> None:
    assert sentences('"Go!" she said. Why? … Because.') == ['"Go!', "she said.", "Why?", "…", "Because."]
