"""What is said before and after a book."""

from __future__ import annotations

import pytest

from speechagents.drama import NARRATOR
from speechagents.errors import SettingsError
from speechagents.novel.credits import MAX_CREDIT_CHARS, OPENING_LINES, write_credits


def test_title_author_and_synthetic_voices_are_named_at_both_ends() -> None:
    said = write_credits("Emma", ("Jane Austen",), "en-GB")
    assert said.opening == "Emma, by Jane Austen. Read by synthetic voices."
    assert said.closing == "This was Emma. Read by synthetic voices. The end."


@pytest.mark.parametrize(
    ("authors", "said"),
    [
        (("A B", "C D"), "Emma, by A B and C D. Read by synthetic voices."),
        (("A B", "C D", "E F"), "Emma, by A B, C D and E F. Read by synthetic voices."),
        ((), "Emma. Read by synthetic voices."),
        (("",), "Emma. Read by synthetic voices."),
    ],
)
def test_authors_are_listed(authors: tuple[str, ...], said: str) -> None:
    assert write_credits("Emma", authors, "en").opening == said


def test_a_book_without_title_says_what_is_known() -> None:
    said = write_credits("", ("A B",), "en")
    assert said.opening == "Read by synthetic voices."
    assert said.closing == "This recording is over. Read by synthetic voices. The end."


def test_a_title_may_look_like_a_form() -> None:
    assert write_credits("{author} {0}", ("{title}",), "en").opening.startswith("{author} {0}, by {title}.")


def test_a_title_with_a_mark_keeps_it() -> None:
    assert write_credits("Who Goes There?", (), "en").opening == "Who Goes There? Read by synthetic voices."


def test_german_is_german_and_what_is_not_written_is_english() -> None:
    assert write_credits("Effi Briest", ("Fontane",), "de-AT").opening_title == "Vorspann"
    assert write_credits("Effi Briest", ("Fontane",), "de").closing == (
        "Das war Effi Briest. Gelesen von künstlichen Stimmen. Ende."
    )
    assert write_credits("Kalevala", (), "fi").opening_title == "Opening credits"


def test_a_reader_is_named_and_the_voices_stay_synthetic() -> None:
    assert "Read by Ada, with synthetic voices." in write_credits("Emma", (), "en", reader="Ada").opening


def test_own_texts_take_the_place_of_the_usual_ones() -> None:
    said = write_credits("Emma", (), "en", opening="Welcome.\nThis is  Emma.", closing="Goodbye.")
    assert [line.text for line in said.opening_scene().lines] == ["Welcome. This is Emma."]
    assert [line.text for line in said.closing_scene(77).lines] == ["Goodbye."]


def test_scenes_have_narrated_lines_with_numbers_of_their_own() -> None:
    said = write_credits("Emma", ("Jane Austen",), "en", opening="A sentence of some length. " * 70)
    opening = said.opening_scene().lines
    assert [line.number for line in opening] == list(range(1, len(opening) + 1))
    assert 1 < len(opening) <= OPENING_LINES
    assert {line.role for line in opening} == {NARRATOR}
    assert said.closing_scene(412).lines[0].number == 412


def test_the_longest_text_allowed_fits_the_numbers_kept_for_it() -> None:
    text = ("word. " * 1000)[:MAX_CREDIT_CHARS]
    assert len(write_credits("", (), "en", opening=text).opening_scene().lines) <= OPENING_LINES


@pytest.mark.parametrize(("text", "fault"), [("x" * (MAX_CREDIT_CHARS + 1), "2001 characters"), ("* * *", "no word")])
def test_a_text_that_cannot_be_read_is_refused(text: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        write_credits("Emma", (), "en", closing=text)
