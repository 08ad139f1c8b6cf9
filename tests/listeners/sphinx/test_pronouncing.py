"""Names get sounds that a recogniser knows."""

from __future__ import annotations

from pathlib import Path

import pocketsphinx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.listeners.sphinx.pronouncing import letters, pronounce

MODEL = Path(pocketsphinx.get_model_path("en-us"))
DICTIONARY = (MODEL / "cmudict-en-us.dict").read_text("utf-8").splitlines()
SOUNDS = {sound for line in DICTIONARY for sound in line.split()[1:]}


def differences(one: list[str], other: list[str]) -> int:
    """Least number of sounds to insert, leave out or replace."""
    row = list(range(len(other) + 1))
    for at, sound in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, wanted in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (sound != wanted))
    return row[-1]


@pytest.mark.parametrize(
    ("name", "sounds"),
    [
        ("tom", "T AA M"),
        ("kate", "K EY T"),
        ("grisha", "G R IH SH AH"),
        ("mireille", "M IH R EY"),
        ("knox", "N AA K S"),
        ("phoenix", "F IY N IH K S"),
        ("quill", "K W IH L"),
        ("thatcher", "TH AE CH ER"),
        ("mckenzie", "M AH K EH N Z IY"),
        ("h", "AH"),
    ],
)
def test_names_sound_as_an_english_speaker_would_guess(name: str, sounds: str) -> None:
    assert " ".join(pronounce(name)) == sounds


def test_four_sounds_in_five_are_those_of_the_dictionary() -> None:
    entries = [line.split() for line in DICTIONARY[::97]]
    known = [(word, sounds) for word, *sounds in entries if letters(word) == word and len(word) > 2]
    assert len(known) > 1000
    wrong = sum(differences(sounds, list(pronounce(word))) for word, sounds in known)
    assert wrong / sum(len(sounds) for _, sounds in known) < 0.22


@given(st.text("abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=40).filter(lambda word: letters(word) == word))
def test_every_word_has_sounds_of_the_model(word: str) -> None:
    if word:
        assert set(pronounce(word)) <= SOUNDS
        assert pronounce(word)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Zoë", "zoe"),
        ("Łukasz", "lukasz"),
        ("O’Brien", "o'brien"),
        ("Œdipe", "oedipe"),
        ("Анна", ""),
        ("R2", ""),
        ("", ""),
    ],
)
def test_words_are_written_in_plain_letters_or_not_at_all(written: str, plain: str) -> None:
    assert letters(written) == plain


def test_other_letters_are_refused() -> None:
    with pytest.raises(ValueError, match="plain letters"):
        pronounce("Zoë")
