"""Text made fit for a voice: cut, reworded, out of capitals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.scripts.spoken import is_speakable, lower_capitals, speakable_heading, split_speech


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One two.", ["One two."]),
        ("One two. Three four. Five.", ["One two. Three four.", "Five."]),
        ("“One two!” three four five six.", ["“One two!”", "three four five six."]),
        ("One two, three four five six.", ["One two,", "three four five six."]),
        ("One two three four five six.", ["One two three four", "five six."]),
        ("一二三四五。六七八九十一二三四五六七八九十。", ["一二三四五。", "六七八九十一二三四五六七八九十。"]),
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
