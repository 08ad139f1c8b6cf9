"""What names and profiles say about voices."""

from __future__ import annotations

import pytest

from speechagents.drama import Role
from speechagents.voices.hints import role_hints
from speechagents.voices.synthesizer import Age, Gender

F, M = Gender.FEMALE, Gender.MALE


@pytest.mark.parametrize(
    ("name", "gender", "age"),
    [
        ("ANNA", F, None),
        ("Dr. Paul Braun", M, None),
        ("MRS. WHITE", F, None),
        ("SIR TOBY", M, None),
        ("LADY MACBETH", F, Age.ADULT),
        ("KING", M, None),
        ("QUEEN OF SPADES", F, None),
        ("ANNA'S FATHER", M, Age.ADULT),
        ("BEN’S MOTHER", F, Age.ADULT),
        ("GRANDPA JOE", M, Age.ELDER),
        ("BOY 1", M, Age.CHILD),
        ("GIRL", F, Age.CHILD),
        ("KID #2", None, Age.CHILD),
        ("OLD MAN", M, Age.ELDER),
        ("OLD ANNA", F, Age.ELDER),
        ("YOUNG WOMAN", F, Age.ADULT),
        ("YOUNG BEN", M, Age.TEEN),
        ("TEENAGE GIRL", F, Age.TEEN),
        ("WOMAN #2", F, Age.ADULT),
        ("POLICEMAN", M, None),
        ("ZORLA", F, None),
    ],
)
def test_names_titles_and_kin_words_tell_gender_and_age(name: str, gender: Gender | None, age: Age | None) -> None:
    hints = role_hints(Role(name))
    assert (hints.gender, hints.age) == (gender, age)


@pytest.mark.parametrize("name", ["NURSE", "JUDGE", "ALEX", "ANDREA", "CHEF", "KIND STRANGER", "HUMAN", "🤖", "R2-D2"])
def test_what_tells_nothing_is_not_guessed(name: str) -> None:
    assert role_hints(Role(name)).gender is None


def test_several_people_in_one_name_have_no_gender() -> None:
    hints = role_hints(Role("ANNA & BEN"))
    assert hints.gender is None
    assert hints.gender_why == "several people"


@pytest.mark.parametrize(
    ("name", "profile", "gender", "age"),
    [
        ("ANNA", "(30s), a weary nurse", F, Age.ADULT),
        ("EMMA", "12, his daughter", F, Age.CHILD),
        ("GUS", "an old fisherman", M, Age.ELDER),
        ("SAM", "a girl of 12", F, Age.CHILD),
        ("CHARLIE", "mid-30s. She runs the bar.", F, Age.ADULT),
        ("NURSE", "she is tired", F, None),
        ("ANNA", "a nurse who lost her husband", F, None),
        ("MORGAN", "late sixties", None, Age.ELDER),
        ("MORGAN", "early 60s", None, Age.ADULT),
        ("MORGAN", "17 years old", None, Age.TEEN),
        ("GUARD", "owns 12 cats", None, None),
        ("GUARD", "born in 1943", None, None),
        ("BEN", "60, Anna's brother", M, Age.ADULT),
        ("HELPLINE", "a woman of 40", F, Age.ADULT),
        ("ANNA", "mother of 2", F, Age.ADULT),
    ],
)
def test_a_profile_tells_by_nouns_pronouns_and_numbers(
    name: str, profile: str, gender: Gender | None, age: Age | None
) -> None:
    hints = role_hints(Role(name, profile))
    assert (hints.gender, hints.age) == (gender, age)


@pytest.mark.parametrize(
    ("name", "language", "gender", "age"),
    [
        ("FRAU MÜLLER", "de", F, Age.ADULT),
        ("KIND", "de-AT", None, Age.CHILD),
        ("ALTER MANN", "de", M, Age.ELDER),
        ("GRAND-MÈRE", "fr", F, Age.ELDER),
        ("VIEILLE FEMME", "fr", F, Age.ELDER),
        ("ABUELO", "es", M, Age.ELDER),
        ("NIÑA", "es", F, Age.CHILD),
        ("NONNO PIERO", "it", M, Age.ELDER),
        ("VOVÓ", "pt", F, Age.ELDER),
        ("ANDREA", "it", M, None),
        ("ANDREA", "de", F, None),
        ("JEAN", "fr", M, None),
        ("JEAN", "en", F, None),
    ],
)
def test_the_language_of_the_script_decides(name: str, language: str, gender: Gender | None, age: Age | None) -> None:
    hints = role_hints(Role(name), language=language)
    assert (hints.gender, hints.age) == (gender, age)


@pytest.mark.parametrize(
    ("name", "profile", "accent"),
    [
        ("ABERNATHY", "77, a Scotsman", "en-GB-scotland"),
        ("SCOTTISH GUARD", "", "en-GB-scotland"),
        ("JOE", "an American who loves a Scotsman", "en-US"),
        ("JOE", "a plumber", ""),
    ],
)
def test_where_somebody_comes_from_asks_for_an_accent(name: str, profile: str, accent: str) -> None:
    assert role_hints(Role(name, profile)).accent == accent


def test_reasons_are_fit_for_people() -> None:
    hints = role_hints(Role("ANNA", "(30s)"))
    assert (hints.gender_why, hints.age_why) == ("woman's name", "30s")


def test_a_profile_of_any_length_is_read_in_no_time() -> None:
    assert role_hints(Role("ANNA", "old, " * 200_000)).age is Age.ELDER
