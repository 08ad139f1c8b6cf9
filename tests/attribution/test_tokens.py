"""Words and marks with their places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.attribution.tokens import plain_word, plain_words, tokenise

from .telling import laid_out


def words(text: str) -> list[str]:
    return tokenise(text, [(0, len(text))]).words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Emma said so.", ["Emma", "said", "so", "."]),
        ("Mr. Reed and Mrs. Vane", ["Mr.", "Reed", "and", "Mrs.", "Vane"]),
        ("It was Mr. E. Hart.", ["It", "was", "Mr.", "E.", "Hart", "."]),
        ("Emma's hat", ["Emma", "'s", "hat"]),
        ("Emma’s hat", ["Emma", "’s", "hat"]),
        ("I don't, I’ll", ["I", "don't", ",", "I’ll"]),
        ("“Well--no…”", ["“", "Well", "--", "no", "…", "”"]),
        ("No... 42!", ["No", "...", "42", "!"]),
        ("Élise O'Neill", ["Élise", "O'Neill"]),
        ("said Mr.", ["said", "Mr."]),
    ],
)
def test_a_title_with_its_stop_a_possessive_and_a_mark_are_tokens_of_their_own(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("word", "plain"),
    [("Mr.", "mr"), ("DON’T", "don't"), (".", "."), ("...", "..."), ("E.", "e"), ("’s", "'s")],
)
def test_words_are_compared_without_case_stop_and_curl(word: str, plain: str) -> None:
    assert plain_word(word) == plain


def test_a_name_is_compared_token_by_token() -> None:
    assert plain_words("Mrs. Lucy O’Neill’s") == ("mrs", "lucy", "o'neill", "'s")
    assert plain_words("") == ()


def test_paragraphs_without_a_word_keep_their_place() -> None:
    text, places = laid_out("One two.", "", "Three.")
    tokens = tokenise(text, places)
    assert tokens.paragraphs == [0, 3, 3, 5]
    assert tokens.at(places[2][0]) == 3
    assert tokens.end(3) == places[2][1] - 1


@given(st.lists(st.text("ab É’'\"“.-\n…1Mr", max_size=40), max_size=5))
def test_tokens_stand_in_the_text_in_order_and_leave_out_white_space_alone(paragraphs: list[str]) -> None:
    text, places = laid_out(*paragraphs)
    tokens = tokenise(text, places)
    at = 0
    for word, start in zip(tokens.words, tokens.starts, strict=True):
        assert text[start : start + len(word)] == word
        assert not text[at:start].strip()
        at = start + len(word)
    assert len(tokens.paragraphs) == len(paragraphs) + 1
    assert tokens.paragraphs[-1] == len(tokens.words) == len(tokens.lower)
