"""Who is voiced, and what casting is told of them."""

from __future__ import annotations

import pytest

from speechagents.attribution.quotation import Attribution, Character, Gender, Quote, QuoteKind
from speechagents.drama import MAX_ROLES, NARRATOR, Role
from speechagents.novel.people import find_people, profile
from speechagents.voices.hints import role_hints
from speechagents.voices.synthesizer import Age
from speechagents.voices.synthesizer import Gender as Heard


@pytest.mark.parametrize(
    ("character", "gender", "age"),
    [
        (Character("Mr. Knightley", ("George",), Gender.MALE), Heard.MALE, Age.ADULT),
        (Character("Miss Bates", ("old Miss Bates",), Gender.FEMALE), Heard.FEMALE, Age.ELDER),
        (Character("Tim", ("Tiny Tim", "little Tim"), Gender.MALE), Heard.MALE, Age.CHILD),
        (Character("Sam", (), Gender.FEMALE), Heard.FEMALE, Age.ADULT),
        (Character("Mrs. Elton", ("Augusta",), Gender.UNKNOWN), Heard.FEMALE, None),
        (Character("Xyz", (), Gender.UNKNOWN), None, None),
    ],
)
def test_casting_reads_gender_and_age_from_the_profile(
    character: Character, gender: Heard | None, age: Age | None
) -> None:
    hints = role_hints(Role(character.name, profile(character, language="en")), language="en")
    assert (hints.gender, hints.age) == (gender, age)


def test_a_profile_tells_other_names() -> None:
    assert profile(Character("Emma", ("Miss Woodhouse",), Gender.FEMALE), language="en") == (
        "a woman, also called Miss Woodhouse"
    )


def quotes(*speakers: str | None, confidence: float = 1.0) -> Attribution:
    made = (
        Quote(((10 * at, 10 * at + 5),), speaker, confidence, QuoteKind.IMPLICIT) for at, speaker in enumerate(speakers)
    )
    return Attribution((), tuple(made))


def test_who_says_nothing_has_no_role() -> None:
    attribution = Attribution((Character("Emma"), Character("Ben")), quotes("Emma").quotes)
    people = find_people(attribution, language="en", min_confidence=0.0)
    assert [role.name for role in people.roles.values()] == ["Emma"]


def test_two_spellings_are_one_role() -> None:
    people = find_people(quotes("Emma", "EMMA", "emma "), language="en", min_confidence=0.0)
    assert len(people.roles) == 1
    assert len({people.role_of(quote) for quote in quotes("Emma", "EMMA", "emma ").quotes}) == 1


def test_unsure_quotations_make_no_role() -> None:
    unsure = quotes("Emma", confidence=0.4)
    people = find_people(unsure, language="en", min_confidence=0.5)
    assert not people.roles
    assert people.role_of(unsure.quotes[0]) == NARRATOR


@pytest.mark.parametrize("name", ["narrator", "\u200b\u0007", "NARRATOR "])
def test_names_that_are_no_role_are_the_narrators(name: str) -> None:
    attribution = quotes(name)
    people = find_people(attribution, language="en", min_confidence=0.0)
    assert people.role_of(attribution.quotes[0]) == NARRATOR


def test_a_name_of_any_length_is_cut_to_what_a_role_may_have() -> None:
    attribution = quotes("Very " * 200)
    people = find_people(attribution, language="en", min_confidence=0.0)
    assert people.role_of(attribution.quotes[0]).startswith("Very Very")


def test_beyond_the_limit_the_narrator_reads_those_who_say_least() -> None:
    leads = [f"Lead {number}" for number in range(MAX_ROLES)]
    attribution = quotes(*leads, *leads, "Page", "Porter", "Maid", "Cook")
    people = find_people(attribution, language="en", min_confidence=0.0)
    assert len(people.roles) == MAX_ROLES
    assert people.role_of(attribution.quotes[-1]) == NARRATOR
    assert people.warnings == (
        f"more than {MAX_ROLES} characters speak; the narrator reads those who say least: Cook, Maid, Page and 1 more",
    )
