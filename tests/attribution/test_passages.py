"""What is said in one go, and the clues around it."""

from __future__ import annotations

from speechagents.attribution.passages import Passage
from speechagents.attribution.quotation import Character, Gender

from .telling import CAST, meant, names, only, told


def spoken_to(passage: Passage) -> list[str]:
    return names(passage.spoken_to)


def test_a_quotation_that_a_tag_splits_is_one_passage() -> None:
    passage = only(told("“Yes,” said Emma, “I do. Really,” she added. “I do.”"))
    assert len(passage.spans) == 3
    assert meant(passage.tag.subject) == "Emma Hart"


def test_two_who_are_named_in_one_paragraph_speak_two_passages() -> None:
    passages = told("“Yes,” said Emma. “No,” said Tom.", "“Well,” said she, and “Well?” said he.").passages
    assert [meant(one.tag.subject) for one in passages] == ["Emma Hart", "Tom Reed", "female", "male"]


def test_a_name_and_a_fitting_pronoun_in_one_paragraph_are_one() -> None:
    assert len(told("“Yes,” said Emma. “I do,” she said.").passages) == 1


def test_a_name_and_a_pronoun_of_the_other_gender_are_two() -> None:
    passages = told("“Yes,” said Tom. “Well,” said she.").passages
    assert [meant(one.tag.subject) for one in passages] == ["Tom Reed", "female"]


def test_what_is_late_is_said_of_somebody() -> None:
    assert meant(only(told("“Yes.” He's late again.")).behind) == "male"


def test_speech_of_several_paragraphs_is_one_passage() -> None:
    novel = told("“It was late.", "“It was dark.", "“We went home,” said Tom.", "“Good.”")
    first, second = novel.passages
    assert (first.first, first.last, len(first.spans)) == (0, 2, 3)
    assert meant(first.tag.subject) == "Tom Reed"
    assert second.first == 3


def test_names_that_are_called_are_told_from_names_that_are_talked_of() -> None:
    passage = only(told("“Tom, where is Lucy? Ask Emma!”"))
    assert spoken_to(passage) == ["Tom Reed"]
    assert names(passage.spoken_of) == ["Lucy Vane", "Emma Hart"]
    assert spoken_to(only(told("“Where are you, my dear Emma?”"))) == ["Emma Hart"]
    assert spoken_to(only(told("“Thank you, Emma,” said Tom."))) == ["Emma Hart"]


def test_a_possessive_is_talked_of() -> None:
    assert names(only(told("“It is Emma's.”")).spoken_of) == ["Emma Hart"]


def test_ways_of_address_tell_a_gender() -> None:
    assert only(told("“Yes, sir.”")).calls is Gender.MALE
    assert only(told("“Yes, madam, at once.”")).calls is Gender.FEMALE
    assert only(told("“Yes, my dear.”")).calls is Gender.UNKNOWN
    assert only(told("“The sir of that house is away.”")).calls is Gender.UNKNOWN


def test_a_title_with_its_full_stop_ends_no_sentence() -> None:
    cast = (*CAST, Character("Mr. Hale", (), Gender.MALE))
    passage = only(told("Mr. Hale turned round. “Yes.”", cast=cast))
    assert meant(passage.ahead, cast) == "Mr. Hale"
    assert meant(only(told("“Yes,” said Mr. Hale. Tom left.", cast=cast)).tag.subject, cast) == "Mr. Hale"


def test_words_and_the_last_mark_are_heard() -> None:
    passage = only(told("“Don't you know, Tom?” said Emma."))
    assert passage.words == ["don't", "you", "know", "tom"]
    assert passage.ends == "?"


def test_a_paragraph_knows_whom_the_narrator_names() -> None:
    novel = told("Emma saw Tom. She laughed, and he slept.", "“Lucy!” said Emma.", "Nothing moved.")
    first, second, third = novel.paragraphs
    assert (names(first.named), names(first.subjects), first.he, first.she) == (
        ["Emma Hart", "Tom Reed"],
        ["Emma Hart"],
        1,
        1,
    )
    assert (first.quoted, second.quoted, third.quoted) == (False, True, False)
    assert names(second.named) == ["Emma Hart"], "Lucy is named in speech alone"
    assert (third.words, third.named) == (3, [])


def test_who_acts_is_a_subject() -> None:
    assert names(told("Emma turned. Tom was late. Lucy of York.").paragraphs[0].subjects) == ["Emma Hart", "Tom Reed"]
