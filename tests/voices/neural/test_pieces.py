"""Where a text is cut for models that take a few sentences at once."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechagents.voices.neural.pieces import pieces
from speechagents.voices.phonetic import phonetic_word

TEXTS = st.text(st.sampled_from('ab é1,;:.!?…—–"”()。！，你 \n\t\u200b\u0301👋-'), max_size=200) | st.text(max_size=200)


def without_space(text: str) -> str:
    return re.sub(r"\s+", "", text)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 60))
def test_no_piece_is_longer_than_it_may_be(text: str, most: int) -> None:
    assert all(0 < len(piece) <= most for piece in pieces(text, most))


@settings(deadline=None)
@given(TEXTS, st.integers(1, 60))
def test_no_letter_is_lost_or_moved(text: str, most: int) -> None:
    def spoken(some: str) -> str:
        return "".join(char for char in some if char.isalnum())

    assert spoken("".join(pieces(text, most))) == spoken(text)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 60))
def test_only_white_space_and_pieces_without_a_letter_are_lost(text: str, most: int) -> None:
    rest = without_space(text)
    for piece in pieces(text, most):
        before, _, rest = rest.partition(without_space(piece))
        assert not any(map(str.isalnum, before))
    assert not any(map(str.isalnum, rest))


@settings(deadline=None)
@given(TEXTS, st.integers(1, 60))
def test_every_piece_can_be_spoken_and_has_no_space_at_its_ends(text: str, most: int) -> None:
    for piece in pieces(text, most):
        assert any(map(str.isalnum, piece))
        assert piece == piece.strip()


@settings(deadline=None)
@given(TEXTS, st.integers(200, 400))
def test_a_text_that_fits_stays_whole(text: str, most: int) -> None:
    assert pieces(text, most) == ([" ".join(text.split())] if any(map(str.isalnum, text)) else [])


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[A-Z][a-z]{2,9} [a-z]{2,9}[.!?]", fullmatch=True), min_size=2, max_size=9))
def test_a_cut_is_at_a_sentence_where_sentences_fit(sentences: list[str]) -> None:
    most = max(map(len, sentences)) + 5
    found = pieces(" ".join(sentences), most)
    assert " ".join(found) == " ".join(sentences)
    assert all(piece[-1] in ".!?" for piece in found)
    # As many to a piece as fit: with the first sentence of the next one it would be too long.
    for piece, following in pairwise(found):
        first = next(one for one in sentences if following.startswith(one))
        assert len(f"{piece} {first}") > most


@pytest.mark.parametrize(
    ("text", "most", "found"),
    [
        ("One two. Three four.", 20, ["One two. Three four."]),
        ("One two. Three four.", 12, ["One two.", "Three four."]),
        ("One two, three four, five six.", 20, ["One two, three four,", "five six."]),
        ("One two three four five six", 13, ["One two three", "four five six"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("He said: “Go.” She went.", 16, ["He said: “Go.”", "She went."]),
        ("Wait — no — stop.", 11, ["Wait — no —", "stop."]),
        ("今日は。」と言った。明日は雨！", 9, ["今日は。」", "と言った。", "明日は雨！"]),
        ("One.   \n\n  Two.", 5, ["One.", "Two."]),
        ("Sentence of twenty ch. Then.", 22, ["Sentence of twenty ch.", "Then."]),
    ],
    ids=["fits", "sentence", "clause", "word", "anywhere", "quote", "dash", "Chinese", "white space", "exactly"],
)
def test_a_cut_is_made_at_the_coarsest_place_that_will_do(text: str, most: int, found: list[str]) -> None:
    assert pieces(text, most) == found


@pytest.mark.parametrize(
    ("text", "most", "found"),
    [
        ("He left. Mr. Smith stayed.", 20, ["He left.", "Mr. Smith stayed."]),
        ("Call them. Prof. Higgins must know.", 26, ["Call them.", "Prof. Higgins must know."]),
        ("It is by J. R. Hartley. Read it.", 25, ["It is by J. R. Hartley.", "Read it."]),
    ],
)
def test_a_title_or_an_initial_is_no_end_of_a_sentence(text: str, most: int, found: list[str]) -> None:
    assert pieces(text, most) == found


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("There were about 1,000,000 of them.", "1,000,000"),
        ("It began, as ever, at 12:30 sharp.", "12:30"),
        ("It is 3.14159 and not any other.", "3.14159"),
    ],
)
def test_numbers_are_not_torn_apart(text: str, whole: str) -> None:
    for most in range(len(whole) + 1, len(text)):
        assert any(whole in piece for piece in pieces(text, most)), most


@pytest.mark.parametrize("text", ["", "  \n ", "…", "- - -", "?!", "👋🎭", "\u200b"])
def test_there_is_nothing_to_say_without_letters_or_digits(text: str) -> None:
    assert pieces(text, 40) == []


def test_a_word_by_its_sounds_is_spelled_out() -> None:
    text = f"Say {phonetic_word('ˈkwiːni', 'Queenie')} again."
    assert pieces(text, 40) == ["Say Queenie again."]


def test_a_page_without_a_single_space_is_cut() -> None:
    assert list(map(len, pieces("a" * 5_000, 400))) == [400] * 12 + [200]
