"""Text made fit for a voice: cut, reworded, out of capitals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.scripts.spoken import is_speakable, lower_capitals, speakable_heading, split_clauses, split_speech


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One two.", ["One two."]),
        ("One two. Three four. Five.", ["One two. Three four.", "Five."]),
        ("“One two!” three four five six.", ["“One two!”", "three four five six."]),
        ("One two, three four five six.", ["One two,", "three four five six."]),
        ("One two three four five six.", ["One two three four", "five six."]),
        ("一二三四五。六七八九十一二三四五六七八九十。", ["一二三四五。", "六七八九十一二三四五六七八九十。"]),
        ("Go. So is Mr. Dean of old.", ["Go.", "So is Mr. Dean of", "old."]),
        ("a" * 25, ["a" * 20, "a" * 5]),
    ],
)
def test_speech_is_cut_at_the_best_place_that_fits(text: str, pieces: list[str]) -> None:
    assert split_speech(text, 20) == pieces


def test_a_letter_keeps_its_accent() -> None:
    assert split_speech("e\u0301" * 11, 3) == ["e\u0301"] * 11


def test_accents_without_a_letter_are_cut_anywhere() -> None:
    assert split_speech("\u0301" * 5, 2) == ["\u0301" * 2, "\u0301" * 2, "\u0301"]


@given(st.text(alphabet="ab .,!?—\u0301\u200d字。", max_size=200), st.integers(2, 40))
def test_no_piece_is_too_long_and_nothing_is_lost(text: str, limit: int) -> None:
    pieces = split_speech(text, limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("No, I don't think so.", ["No, I don't think so."]),
        ("Really? I had no idea.", ["Really?", "I had no idea."]),
        (
            "Well, if you ask me, nobody came here on purpose, and nobody will leave.",
            ["Well, if you ask me,", "nobody came here on purpose, and nobody will leave."],
        ),
        ("I have never told you, Tom.", ["I have never told you, Tom."]),
        ("I am here to see Mr. Benjamin Stone.", ["I am here to see Mr. Benjamin Stone."]),
        ("She lives with J. R. Hartley in Hove.", ["She lives with J. R. Hartley in Hove."]),
        ("He is gone -- and he has the keys!", ["He is gone -- and he has the keys!"]),
        ("He is gone for good -- and he has the keys!", ["He is gone for good --", "and he has the keys!"]),
        ("What do you want—what are you doing there?", ["What do you want—what are you doing there?"]),
        (
            "我们不应该在这里，因为下雨了。你为什么不告诉我们呢？我不知道。",
            ["我们不应该在这里，因为下雨了。", "你为什么不告诉我们呢？我不知道。"],
        ),
        ("Is there nobody? ... ... ... ... ...", ["Is there nobody? ... ... ... ... ..."]),
        ("...", ["..."]),
    ],
)
def test_the_first_clause_of_a_line_can_be_spoken_before_the_others(text: str, pieces: list[str]) -> None:
    assert split_clauses(text) == pieces


@given(st.text(alphabet="ab .,!?—-\u0301字。，", max_size=400))
def test_clauses_hold_every_word_and_each_says_something(text: str) -> None:
    pieces = split_clauses(text)
    spaced = "".join(f"{c} " if c in "。，" else c for c in text)  # at these no space is needed for a cut
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert [word for piece in pieces for word in "".join(f"{c} " if c in "。，" else c for c in piece).split()] == (
        spaced.split()
    )
    assert all(map(is_speakable, pieces)) or len(pieces) == 1


@pytest.mark.parametrize(
    ("heading", "sentence"),
    [
        ("INT. KITCHEN - DAY", "Interior. Kitchen. Day."),
        ("EXT. BRICK'S PATIO – NIGHT", "Exterior. Brick's Patio. Night."),
        ("INT./EXT. CAR (MOVING) - DAY", "Interior and exterior. Car. Moving. Day."),
        ("I/E CAR", "Interior and exterior. Car."),
        ("EST. PARIS", "Establishing shot. Paris."),
        ("int. tv studio", "Interior. tv studio."),
        ("SNIPER SCOPE POV", "Sniper Scope Pov."),
        ("INTERIORS", "Interiors."),
    ],
)
def test_headings_are_sentences(heading: str, sentence: str) -> None:
    assert speakable_heading(heading, "en-GB") == sentence


def test_headings_in_other_languages_are_the_place_alone() -> None:
    assert speakable_heading("INT. KÜCHE - TAG", "de") == "Küche. Tag."


def test_capitals_become_words_but_abbreviations_stay() -> None:
    assert lower_capitals("ANNA's TV rings. BRICK'S a McCLANE, A NYPD man. ÉTÉ") == (
        "Anna's TV rings. Brick's a McCLANE, A NYPD man. Été"
    )


@pytest.mark.parametrize(("text", "speakable"), [("a", True), ("7", True), ("字", True), ("...", False)])
def test_only_words_are_speakable(text: str, speakable: bool) -> None:
    assert is_speakable(text) is speakable
