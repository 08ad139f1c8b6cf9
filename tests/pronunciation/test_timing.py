"""Times of spoken words become times of written ones."""

from __future__ import annotations

from itertools import pairwise

import pytest

from speechagents.pronunciation.lexicon import Lexicon, Reading
from speechagents.pronunciation.saying import Pronunciation
from speechagents.pronunciation.timing import written_words
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.synthesizer import SpokenLine, Take, Word


def words(*texts: str) -> tuple[Word, ...]:
    return tuple(Word(text, float(at), at + 0.9) for at, text in enumerate(texts))


def test_a_written_word_lasts_from_its_first_spoken_word_to_its_last() -> None:
    said = (("In", "In"), ("1882,", "eighteen eighty-two,"), ("then", "then"))
    timed = written_words(said, words("In", "eighteen", "eighty-two,", "then"))
    assert timed == (Word("In", 0.0, 0.9), Word("1882,", 1.0, 2.9), Word("then", 3.0, 3.9))


def test_a_silent_word_shares_the_time_of_those_before_it() -> None:
    timed = written_words((("New", "Gotham,"), ("York,", "")), words("Gotham,"))
    assert [word.text for word in timed] == ["New", "York,"]
    assert timed[0].end_s == timed[1].start_s == pytest.approx(0.9 * 3 / 8)
    assert timed[1].end_s == 0.9


def test_a_dash_that_the_voice_passes_over_moves_nothing() -> None:
    timed = written_words((("so", "so"), ("—", "—"), ("then", "then")), words("so", "then"))
    assert [word.text for word in timed] == ["so", "—", "then"]
    assert timed[2] == Word("then", 1.0, 1.9)


def test_without_words_there_are_no_times() -> None:
    assert written_words((("so", "so"),), ()) == ()


def test_every_written_word_of_a_spoken_line_has_its_time() -> None:
    says = Pronunciation(Lexicon("en", {"Siobhan": Reading(ipa="ʃɪˈvɔːn"), "New York": Reading(alias="Gotham City")}))
    text = "“Siobhan’s in New York,” he said — on May 4, 1882, at 10:30 — and it cost $3.50."
    with EspeakSynthesizer(jobs=1) as synthesizer:
        (take,) = synthesizer.speak([SpokenLine(says.say(text), synthesizer.voices[0])])
    assert isinstance(take, Take)
    timed = written_words(says.said(text), take.words)
    assert [word.text for word in timed] == text.split()
    assert all(word.start_s <= word.end_s for word in timed)
    assert all(here.end_s <= there.start_s + 1e-9 for here, there in pairwise(timed))
    by_text = {word.text: word.end_s - word.start_s for word in timed}
    assert by_text["$3.50."] > 3 * by_text["at"]
    assert timed[-1].end_s <= take.audio.duration_s
