"""What a voice says of what stands in the book."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.novel.wording import lower_shouts, spoken_heading, spoken_narration, spoken_speech, spoken_words
from tests.novel.novels import letters


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("“I will,”", "I will,"),
        ('"I will,"', "I will,"),
        ("‘I will,’", "I will,"),
        ("'I will,'", "I will,"),
        ("«Ich will,»", "Ich will,"),
        ("»Ich will«,", "Ich will«,"),
        ("„Ich will“", "Ich will"),
        ("« Je viens ! »", "Je viens !"),
        ("— Je viens !", "Je viens !"),
        ("“He said ‘go’ to me”", "He said ‘go’ to me"),
        ("“‘Go,’ he said”", "‘Go,’ he said"),
        ("“the dogs’", "the dogs’"),
        ("I will", "I will"),
    ],
)
def test_a_quotation_loses_its_own_marks_alone(text: str, said: str) -> None:
    assert spoken_speech(text, opens=True, closes=True) == said


def test_a_piece_from_the_middle_keeps_its_marks() -> None:
    assert spoken_speech("“so he said” and", opens=False, closes=False) == "“so he said” and"


def test_marks_that_belong_to_the_quotation_beside_narration_are_not_said() -> None:
    assert spoken_narration('" said Emma: "') == "said Emma:"
    assert spoken_narration('"Emma" is a novel, they say') == '"Emma" is a novel, they say'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I _will_ go", "I will go"),
        ("*Never* again, **never**", "Never again, never"),
        ("five * six", "five * six"),
        ("snake_case stays", "snake_case stays"),
        ("_The whole sentence._", "The whole sentence."),
        ("an open _mark", "an open mark"),
    ],
)
def test_marks_of_emphasis_are_not_said(text: str, said: str) -> None:
    assert spoken_words(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("IT WAS A DARK night", "It was a Dark night"),
        ("the BBC and the USA", "the BBC and the USA"),
        ("CHAPTER XIV", "Chapter XIV"),
        ("I did NOT do it", "I did NOT do it"),
        ("I did NEVER do it", "I did Never do it"),
        ("NO!", "No!"),
        ("MR KNIGHTLEY came", "MR Knightley came"),
        ("I am here. SO ARE you", "I am here. So are you"),
    ],
)
def test_capitals_are_words_unless_they_may_be_spelled(text: str, said: str) -> None:
    assert lower_shouts(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CHAPTER I", "Chapter I."),
        ("Who Goes There?", "Who Goes There?"),
        ("The End —", "The End."),
        ("* * *", "* * *."),
        ("", ""),
    ],
)
def test_a_heading_is_a_sentence(text: str, said: str) -> None:
    assert spoken_heading(text) == said


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_no_letter_is_added_or_lost(text: str) -> None:
    for said in (
        spoken_words(text),
        spoken_narration(text),
        spoken_heading(text),
        spoken_speech(text, opens=True, closes=True),
    ):
        assert letters(said) == letters(text)
