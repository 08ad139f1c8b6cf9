"""Who tells the story as “I”."""

from __future__ import annotations

from speechagents.attribution.clues import RefKind
from speechagents.attribution.narrator import is_first_person
from speechagents.attribution.novel import Novel
from speechagents.attribution.passages import TELLER

from .telling import names, told

FIRST_PERSON = (
    "I had met Emma on the quay. I carried her basket.",
    "“Tom, you are late,” said Emma.",
    "“I was held up,” said I.",
    "“You always are, Tom,” she said.",
    "I looked at the sea. I had nothing to say to that.",
    "“Tom!” cried Lucy from the boat.",
)
THIRD_PERSON = (
    "Tom had met Emma on the quay. He carried her basket.",
    "“Tom, I am late,” said Emma. “I know I am.”",
    "“I was late too,” said Tom. “I am always late.”",
)


def teller(novel: Novel) -> str:
    return novel.characters[novel.narrator].name if novel.narrator >= 0 else ""


def test_whom_others_call_while_the_narrator_never_names_them_tells_the_story() -> None:
    assert teller(told(*FIRST_PERSON)) == "Tom Reed"


def test_nobody_tells_a_story_in_the_third_person_however_often_people_say_i() -> None:
    novel = told(*THIRD_PERSON)
    assert teller(novel) == ""
    assert not is_first_person(novel.paragraphs)


def test_whom_the_narrator_names_as_often_does_not_tell_the_story() -> None:
    assert teller(told(*FIRST_PERSON, *["I saw that Tom was late."] * 5)) == ""


def test_a_teller_who_is_never_named_stays_unknown() -> None:
    novel = told("I had met Emma. I liked her.", "“You are late,” said Emma.", "“I am,” said I.")
    assert is_first_person(novel.paragraphs)
    assert teller(novel) == ""
    assert novel.passages[1].tag.subject.kind is RefKind.I
    assert all(TELLER not in paragraph.named for paragraph in novel.paragraphs)


def test_every_i_of_the_narration_becomes_a_name() -> None:
    novel = told(*FIRST_PERSON)
    tag = novel.passages[1].tag
    assert tag.subject.kind is RefKind.NAME
    assert names([tag.subject.who]) == ["Tom Reed"]
    assert "Tom Reed" in names(novel.paragraphs[0].named)
    assert names(novel.paragraphs[4].subjects) == ["Tom Reed"]


def test_an_empty_story_is_told_by_nobody() -> None:
    assert not is_first_person([])
    assert told().narrator == -1
