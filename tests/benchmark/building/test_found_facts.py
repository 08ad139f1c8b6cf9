"""Facts found in a background by rule, and none where nothing is stated plainly."""

from __future__ import annotations

import pytest

from speechagents.benchmark.building.found_facts import MAX_FACTS, facts_in
from speechagents.benchmark.facts import Fact, FactKind, Verdict
from speechagents.benchmark.scene_set import shipped_scene_set


@pytest.mark.parametrize(
    ("background", "fact"),
    [
        ("They have forty jackets between them.", Fact(("jackets", "jacket"), FactKind.NUMBER, "forty")),
        ("There are thirty-two coffins in the shed.", Fact(("coffins", "coffin"), FactKind.NUMBER, "thirty-two")),
        ("It hangs on the yellow wallpaper.", Fact(("wallpaper",), FactKind.COLOUR, "yellow")),
        ("The nurse comes at half past four with the pump.", Fact(("nurse",), FactKind.TIME, "half past four")),
        ("The hall is theirs until midnight.", Fact(("hall",), FactKind.TIME, "midnight")),
        ("Their wedding is on Sunday.", Fact(("wedding",), FactKind.WEEKDAY, "Sunday")),
        ("The plane went down in February.", Fact(("plane",), FactKind.MONTH, "February")),
    ],
)
def test_a_plain_statement_is_a_fact(background: str, fact: Fact) -> None:
    assert facts_in(background, "en") == (fact,)


@pytest.mark.parametrize(
    "background",
    [
        "Nobody knows how long the road is, or who paid for it.",
        "One of them may march in, and two of them know it.",
        "There were forty jackets. Now there are thirty jackets.",  # says two things
        "They waited for forty minutes.",  # everybody speaks of minutes
        "",
    ],
)
def test_nothing_else_is(background: str) -> None:
    assert facts_in(background, "en") == ()


def test_only_english_is_read() -> None:
    assert facts_in("Die Jacke ist blue, und forty jackets hängen da.", "de") == ()
    assert facts_in("Forty pigs, no: forty jackets.", "en-GB")


def test_there_are_few_and_none_is_twice_about_one_thing() -> None:
    background = " ".join(f"There are {number} {thing}." for number, thing in zip(NUMBERS, THINGS, strict=True))
    found = facts_in(f"{background} The jackets are blue jackets.", "en")
    assert len(found) == MAX_FACTS
    assert len({about for fact in found for about in fact.about}) == 2 * MAX_FACTS


def test_what_is_found_in_scenes_that_people_wrote_is_so() -> None:
    found = [
        (fact, scene.brief.background)
        for scene in shipped_scene_set().scenes.values()
        for fact in facts_in(scene.brief.background, "en")
    ]
    assert len(found) >= 100
    assert all(fact.verdict(background) is Verdict.SAYS for fact, background in found)


NUMBERS = ("forty", "twelve", "nine", "sixty", "seven", "three")
THINGS = ("jackets", "boats", "lamps", "goats", "keys", "letters")
