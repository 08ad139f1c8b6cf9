"""Who is in a novel, found in its text."""

from __future__ import annotations

import pytest

from speechagents.attribution.quotation import Character, Gender

from .telling import told


def found(*paragraphs: str) -> dict[str, Character]:
    return {one.name: one for one in told(*paragraphs, cast=None).characters}


def test_whoever_speaks_under_a_name_is_somebody() -> None:
    assert set(found("“Yes,” said Emma.", "“No,” said Zorban.")) == {"Emma", "Zorban"}


def test_a_first_name_and_a_title_with_the_surname_are_one_person_under_the_full_name() -> None:
    people = found(
        "“Yes,” said Anna Weston.",
        "“No,” said Anna.",
        "“Well,” said Miss Weston.",
        "“Perhaps,” said Anna Weston.",
    )
    assert set(people) == {"Anna Weston"}
    assert set(people["Anna Weston"].aliases) == {"Anna", "Miss Weston"}
    assert people["Anna Weston"].gender is Gender.FEMALE


def test_the_mr_the_mrs_and_the_miss_of_one_surname_are_three() -> None:
    talk = [f"“Yes,” said {who}." for who in ("Mr. Hale", "Mrs. Hale", "Miss Hale") for _ in range(3)]
    people = found(*talk)
    assert {name: one.gender for name, one in people.items()} == {
        "Mr. Hale": Gender.MALE,
        "Mrs. Hale": Gender.FEMALE,
        "Miss Hale": Gender.FEMALE,
    }


def test_a_father_and_a_son_whom_the_narrator_names_side_by_side_are_two() -> None:
    talk = ["“Yes,” said Mr. Emory. George Emory laughed, and George sat down." for _ in range(14)]
    assert set(found(*talk)) == {"Mr. Emory", "George Emory"}


def test_a_mr_who_is_never_beside_the_full_name_is_the_same_man() -> None:
    talk = ["“Yes,” said Mr. Emory.", "“No,” said George Emory."]
    people = found(*talk * 2)
    assert len(people) == 1
    assert {*people, *next(iter(people.values())).aliases} == {"Mr. Emory", "George Emory"}


def test_a_nickname_is_the_person_who_alone_has_its_full_name() -> None:
    people = found("“Yes,” said Elizabeth Hurst.", "“No,” said Elizabeth Hurst.", "“Well,” said Lizzy.")
    assert set(people) == {"Elizabeth Hurst"}
    assert "Lizzy" in people["Elizabeth Hurst"].aliases


def test_a_nickname_that_two_may_have_is_a_person_of_its_own() -> None:
    people = found("“Yes,” said Catherine Hurst.", "“No,” said Katharine Vane.", "“Well,” said Kitty.")
    assert set(people) == {"Catherine Hurst", "Katharine Vane", "Kitty"}


def test_a_surname_that_could_be_a_nickname_is_a_surname() -> None:
    assert set(found("“Yes,” said William Hurst.", "“No,” said Mr. Bill.")) == {"William Hurst", "Mr. Bill"}


def test_a_wife_under_her_husbands_name_is_not_her_husband() -> None:
    talk = ["“Yes,” said Zorban Hale.", "“No,” said Mrs. Zorban Hale."]
    assert set(found(*talk * 2)) == {"Zorban Hale", "Mrs. Zorban Hale"}


def test_a_title_is_part_of_the_name() -> None:
    people = found("“Yes,” said Captain Brandt. “No,” said Lady Orne.", "“Well,” said Dr. Pell.")
    assert {name: one.gender for name, one in people.items()} == {
        "Captain Brandt": Gender.MALE,
        "Lady Orne": Gender.FEMALE,
        "Dr. Pell": Gender.UNKNOWN,
    }


@pytest.mark.parametrize(("pronoun", "gender"), [("she", Gender.FEMALE), ("he", Gender.MALE)])
def test_without_a_title_or_a_known_name_the_pronouns_that_follow_tell_the_gender(pronoun: str, gender: Gender) -> None:
    people = found(*[f"“Yes,” said Zorban, as {pronoun} left." for _ in range(3)])
    assert people["Zorban"].gender is gender


def test_places_weekdays_and_families_are_nobody() -> None:
    people = found(
        "They lived in Zembla. On Monday they went to Zembla, and from Zembla through Zembla.",
        "“Yes,” said Emma. The Harbens lived in Zembla. Emma met a Harben, then a Harben, then a Harben.",
        "“We are late!” Harbens shouted from both boats. The Harbens left.",
        "She walked through Florence, and in Florence she slept. “Yes,” Zembla said, as one says: all of Zembla.",
    )
    assert set(people) == {"Emma"}


def test_a_word_that_is_large_where_it_opens_a_sentence_is_nobody() -> None:
    people = found("“Yes,” said Emma. Suddenly, she left. But she came back. Nothing was said.")
    assert set(people) == {"Emma"}


def test_the_general_is_somebody_if_everybody_calls_him_so() -> None:
    people = found(*["“Yes,” said the General. The General left." for _ in range(3)])
    assert set(people) == {"The General"}
    assert people["The General"].gender is Gender.MALE


def test_who_speaks_without_a_name_is_called_by_the_description() -> None:
    people = found(
        "“Yes,” said the landlord.",
        "“No,” said the old woman.",
        "“Well,” said the sullen host.",
        "“Where?” said another voice.",
    )
    assert {name: one.gender for name, one in people.items()} == {
        "The Landlord": Gender.MALE,
        "The Host": Gender.MALE,
        "The Old Woman": Gender.FEMALE,
    }


def test_a_description_by_a_word_of_a_name_is_the_person_with_that_name() -> None:
    people = found("“Yes,” said Captain Brandt.", "“No,” said the captain. “I am Captain Brandt.”")
    assert set(people) == {"Captain Brandt"}


def test_names_with_hyphens_particles_and_apostrophes_stay_whole() -> None:
    people = found("“Yes,” said Anne-Marie de Vries.", "“No,” said Rory O'Neill.", "“Well,” said Karl von Alten.")
    assert set(people) == {"Anne-Marie de Vries", "Rory O'Neill", "Karl von Alten"}


def test_shouted_names_are_shown_as_names() -> None:
    assert set(found("“Yes,” said EMMA HART.", "“No,” said EMMA HART.")) == {"Emma Hart"}


def test_the_most_mentioned_comes_first_and_order_does_not_depend_on_the_run() -> None:
    talk = ["“Yes,” said Tom.", "“No,” said Emma.", "“Well,” said Emma.", "“I see,” said Lucy."]
    once, twice = told(*talk, cast=None).characters, told(*talk, cast=None).characters
    assert once == twice
    assert [one.name for one in once] == ["Emma", "Lucy", "Tom"]
    assert [one.mentions for one in once] == [2, 1, 1]


def test_a_text_full_of_names_has_a_limit_and_takes_seconds() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    talk = [f"“Oh,” said Z{a}{b}or Y{c}{b}an." for a in letters for b in letters for c in letters[:4]]
    assert len(told(*talk, cast=None).characters) == 400


def test_nobody_is_in_a_text_without_names() -> None:
    assert found("It rained. The road was empty.") == {}
    assert found() == {}
