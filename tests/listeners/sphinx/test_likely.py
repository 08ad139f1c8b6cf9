"""Hints become words that are likely, and come back as people write them."""

from __future__ import annotations

from speechagents.listeners.sphinx.likely import MAX_WORDS, likely_words

HINTS = [
    "Inspector Quill",
    "Zoë",
    "The rain over Warsaw has not stopped. Nobody at the station knows why Anna’s train is late, or who she is.",
]


def test_names_weigh_more_than_the_words_of_a_text() -> None:
    weights = {word: weight for word, weight, _ in likely_words(HINTS).words}
    assert weights["quill"] == weights["zoe"] > weights["warsaw"] == weights["station"]
    assert "she" not in weights


def test_a_name_that_stands_in_a_text_too_weighs_as_a_name() -> None:
    weights = {word: weight for word, weight, _ in likely_words(["Warsaw", *HINTS]).words}
    assert weights["warsaw"] == weights["quill"]


def test_every_word_comes_with_its_sounds() -> None:
    sounds = {word: sounds for word, _, sounds in likely_words(HINTS).words}
    assert sounds["quill"] == "K W IH L"
    assert all(sounds.values())


def test_names_are_spelled_as_the_hints_spell_them() -> None:
    likely = likely_words(HINTS)
    assert likely.spelled(["nobody", "i'm", "told", "zoe", "or", "inspector", "quill", "in", "warsaw"]) == (
        "Nobody I'm told Zoë or Inspector Quill in Warsaw"
    )
    assert likely.spelled([]) == ""


def test_a_capital_at_the_begin_of_a_sentence_is_none() -> None:
    assert "nobody" not in likely_words(HINTS).spelling
    assert likely_words(HINTS).spelling["anna's"] == "Anna’s"


def test_there_is_an_end_to_what_is_likely_and_names_come_first() -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    text = " ".join(f"bo{one}{other}" for one in alphabet for other in alphabet)
    found = likely_words([text, "Quill"]).words
    assert len(found) == MAX_WORDS
    assert found[0][0] == "quill"


def test_what_cannot_be_spelled_in_english_letters_is_left_out() -> None:
    assert likely_words(["Анна", "R2-D2", "", "…"]).words == likely_words(["R", "D"]).words
