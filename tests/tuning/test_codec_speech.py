"""Lines are spoken in voices of chance, and espeak-ng tells of which phonemes it made them."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.drama import Style
from speechagents.tuning.codec_speech import PAUSE, UNKNOWN, LabelledSpeech, inventory_of, spoken_lines
from speechagents.units.spectrum import BANDS
from speechagents.voices.espeak.catalogue import load_catalogue

LINES = [("See the tea.", Style()), ("Moon, soon.", Style("sad")), ("A fish.", Style("angry"))] * 3


@pytest.fixture(scope="module")
def speech() -> list[LabelledSpeech]:
    return list(spoken_lines(LINES, list(load_catalogue()), seed=5))


def test_phonemes_are_those_of_the_words(speech: list[LabelledSpeech]) -> None:
    names = [name for name in speech[0].phonemes if name != PAUSE]
    assert names[0] == "s"
    assert {"s", "t"} <= set(names)
    assert not any(mark in name for name in names for mark in "',%=")
    assert "m" in speech[1].phonemes
    assert "f" in speech[2].phonemes


def test_they_begin_one_after_the_other_within_the_sound(speech: list[LabelledSpeech]) -> None:
    for one in speech:
        assert len(one.phonemes) == len(one.onsets_s)
        assert np.all(np.diff(one.onsets_s) >= 0)
        assert one.onsets_s[-1] < len(one.mel) * 0.01 + 1.0
        assert one.mel.shape == (len(one.f0_hz), BANDS)


def test_a_vowel_is_voiced_where_it_is_said_to_be(speech: list[LabelledSpeech]) -> None:
    one = speech[0]
    inventory = {name: number for number, name in enumerate(dict.fromkeys((PAUSE, *one.phonemes)))}
    labels = one.labels(inventory)
    vowel = np.flatnonzero(labels == inventory["i:"])
    hiss = np.flatnonzero(labels == inventory["s"])
    assert len(labels) == -(-len(one.mel) // 2)
    if one.style.tag != "whispering":
        assert (one.f0_hz[vowel * 2] > 0).mean() > 0.6
    high, low = one.mel[:, 44:].mean(axis=1), one.mel[:, :20].mean(axis=1)
    assert (high - low)[hiss * 2].mean() > (high - low)[vowel * 2].mean()


def test_a_rare_phoneme_has_no_unit(speech: list[LabelledSpeech]) -> None:
    assert inventory_of(speech) == (PAUSE,)
    assert UNKNOWN in speech[0].labels({PAUSE: 0})
    assert set(inventory_of(speech * 20)) >= {PAUSE, "s", "t"}


def test_the_same_seed_speaks_the_same(speech: list[LabelledSpeech]) -> None:
    again = list(spoken_lines(LINES, list(load_catalogue()), seed=5))
    assert [one.voice for one in again] == [one.voice for one in speech]
    assert all(one.mel.tobytes() == other.mel.tobytes() for one, other in zip(again, speech, strict=True))
    other = list(spoken_lines(LINES, list(load_catalogue()), seed=6))
    assert [one.voice for one in other] != [one.voice for one in speech]
