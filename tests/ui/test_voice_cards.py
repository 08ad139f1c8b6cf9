"""The catalogue: what a voice is said to be is what was measured, and every filter does what it says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from speechagents import Studio
from speechagents.ui.voice_cards import ANY, Wanted, kinds, language_of, neighbours, voice_cards
from speechagents.voices.measure import voice_distance
from tests.ui.scenes import EVIL


def shown(studio: Studio, **wanted: str) -> list[str]:
    page = voice_cards(studio.synthesizer.voices, Wanted(**wanted), sample=lambda one: f"/voices/{one}.wav")
    return re.findall(r'id="voice-([a-z0-9-]+)"', page)


def test_all_voices_are_shown_the_lowest_first(studio: Studio) -> None:
    voices = sorted(studio.synthesizer.voices, key=lambda voice: (voice.f0_hz, voice.id))
    assert shown(studio) == [voice.id for voice in voices]


@pytest.mark.parametrize("name", ["gender", "age", "accent"])
def test_filters_keep_just_the_voices_that_are_so(studio: Studio, name: str) -> None:
    voices = studio.synthesizer.voices
    for value in kinds([str(getattr(voice, name)) for voice in voices])[1:]:
        assert set(shown(studio, **{name: value})) == {voice.id for voice in voices if getattr(voice, name) == value}


def test_words_are_looked_for_in_what_is_said_of_a_voice(studio: Studio) -> None:
    voice = studio.synthesizer.voices[0]
    assert voice.id in shown(studio, words=voice.description.split()[0].upper())
    assert set(shown(studio, words="narrator")) >= {one.id for one in studio.synthesizer.voices if one.narrates}
    assert shown(studio, words="nobody-is-called-so") == []
    assert set(shown(studio, language=language_of(voice))) >= {voice.id}


def test_a_card_has_sample_pitch_licence_and_source(studio: Studio) -> None:
    voice = studio.synthesizer.voices[0]
    page = voice_cards([voice], Wanted(), sample=lambda one: f"/voices/{one}.wav?a=1&b=2")
    assert f'data-sa-hear="/voices/{voice.id}.wav?a=1&amp;b=2"' in page
    assert f"{voice.f0_hz:.0f} Hz, measured" in page
    assert voice.licence.partition(" ")[0] in page
    assert voice.source in page


def test_neighbours_are_those_that_sound_most_alike(studio: Studio) -> None:
    voices = studio.synthesizer.voices
    for voice in voices[:5]:
        others = [other for other in voices if other.id != voice.id]
        nearest = min(others, key=lambda other: voice_distance(voice.fingerprint, other.fingerprint))
        assert neighbours(voice, voices)[0][1] == nearest.id


def test_what_nobody_measured_is_not_made_up(studio: Studio) -> None:
    unmeasured = replace(studio.synthesizer.voices[0], f0_hz=0.0, fingerprint=())
    page = voice_cards([unmeasured, *studio.synthesizer.voices[1:3]], Wanted(words=unmeasured.id), sample=str)
    assert "not measured" in page
    assert "nobody measured" in page


def test_choices_begin_with_leaving_it_open() -> None:
    assert kinds(["b", "a", "b"]) == [ANY, "a", "b"]


def test_nothing_that_a_plugin_says_of_its_voices_breaks_out_of_the_page(studio: Studio) -> None:
    evil = replace(studio.synthesizer.voices[0], description=EVIL, licence=EVIL, source=EVIL, accent=EVIL)
    assert "<img" not in voice_cards([evil], Wanted(), sample=lambda _: EVIL)
