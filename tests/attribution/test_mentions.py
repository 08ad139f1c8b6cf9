"""Where a novel names its characters."""

from __future__ import annotations

from collections.abc import Sequence

from speechagents.attribution.lexicon import lexicon
from speechagents.attribution.mentions import NameIndex, described_by
from speechagents.attribution.passages import resolve
from speechagents.attribution.quotation import Character, Gender
from speechagents.attribution.tokens import tokenise

ANNA = Character("Anna Weston", (), Gender.FEMALE)
MR_WESTON = Character("Mr. John Weston", (), Gender.MALE)
MISSIONARY = Character("The Missionary", (), Gender.UNKNOWN)


def found(text: str, *cast: Character) -> list[tuple[str, list[str]]]:
    """What is taken for a name in a text, and who bears it."""
    tokens = tokenise(text, [(0, len(text))])
    return [
        (
            " ".join(tokens.words[one.token : one.token + one.length]),
            [cast[who].name for who in one.who],
        )
        for one in NameIndex(cast, lexicon(), tokens).find(tokens)
    ]


def meant(text: str, *cast: Character) -> list[str]:
    """Who each name in a text was given to."""
    tokens = tokenise(text, [(0, len(text))])
    mentions = list(NameIndex(cast, lexicon(), tokens).find(tokens))
    return [cast[one.who].name for one in resolve(mentions, tokens.paragraphs, cast).values()]


def test_the_longest_name_at_a_place_counts() -> None:
    assert found("Anna Weston saw Anna.", ANNA) == [("Anna Weston", ["Anna Weston"]), ("Anna", ["Anna Weston"])]


def test_a_character_is_called_by_parts_of_the_name_with_a_fitting_title() -> None:
    text = "He saw Mr. Weston. She saw Miss Weston, and then John."
    assert found(text, ANNA, MR_WESTON) == [
        ("Mr. Weston", [MR_WESTON.name]),
        ("Miss Weston", [ANNA.name]),
        ("John", [MR_WESTON.name]),
    ]


def test_a_name_with_a_possessive_is_a_name() -> None:
    assert found("It was Anna’s hat and the Westons' house.", ANNA) == [("Anna", [ANNA.name])]


def test_a_word_that_is_mostly_written_small_is_no_name_where_a_sentence_begins() -> None:
    will = Character("Will", (), Gender.MALE)
    text = "Will you come? I will. They will. You will. Then Will came."
    assert found(text, will) == [("Will", ["Will"])]
    assert found("anna came with Anna.", ANNA) == [("Anna", [ANNA.name])]


def test_a_description_is_found_in_small_letters_too() -> None:
    assert found("Then the missionary spoke.", MISSIONARY) == [("the missionary", [MISSIONARY.name])]


def test_a_general_is_also_spoken_to_without_the_article() -> None:
    general = Character("The General", (), Gender.MALE)
    assert found("“Good day, General.” Then the General left.", general) == [
        ("General", ["The General"]),
        ("the General", ["The General"]),
    ]


def test_a_surname_that_two_bear_is_the_mans() -> None:
    assert found("Then Weston came.", ANNA, MR_WESTON) == [("Weston", [ANNA.name, MR_WESTON.name])]
    assert meant("Anna sat. Then Weston came.", ANNA, MR_WESTON) == [ANNA.name, MR_WESTON.name]


def test_a_surname_behind_a_title_that_is_not_theirs_is_somebody_elses() -> None:
    assert found("Miss Weston spoke.", MR_WESTON) == []
    assert found("Mr. Weston spoke to Weston.", MR_WESTON) == [
        ("Mr. Weston", ["Mr. John Weston"]),
        ("Weston", ["Mr. John Weston"]),
    ]


def test_of_two_brothers_the_one_named_last_is_meant() -> None:
    brothers = (Character("John Weston", (), Gender.MALE), Character("Paul Weston", (), Gender.MALE))
    for last in ("John", "Paul"):
        assert meant(f"{last} came. Then Weston sat.", *brothers)[-1] == f"{last} Weston"


def test_a_name_without_a_word_names_nobody() -> None:
    for name in ("", "  ", " - "):
        assert found("Anna came - alone.", Character(name)) == []


def test_a_description_gives_the_noun_by_which_its_speaker_is_known() -> None:
    cast: Sequence[Character] = (MISSIONARY, Character("The Man in the Cloak", (), Gender.MALE), ANNA)
    assert described_by(cast) == {"missionary": Gender.UNKNOWN, "man": Gender.MALE}
    twice = (Character("The Cook", (), Gender.MALE), Character("A Cook", (), Gender.FEMALE))
    assert described_by(twice) == {"cook": Gender.UNKNOWN}
