"""Any cast of the embedded voices is clearly distinct: every pair of them is, measured on what they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from speechagents.voices.espeak import EmbeddedVoice, EspeakSynthesizer
from speechagents.voices.measure import fingerprint, pitch, voice_distance
from speechagents.voices.synthesizer import SpokenLine, Take

Catalogue = tuple[EmbeddedVoice, ...]

# None of them is among the sentences the catalogue's fingerprints were measured on.
HELD_OUT = {
    "en": (
        "She counted the lamps along the quay and found one more than yesterday.",
        "Would you rather have the truth, or shall I read you the newspaper?",
        "The carpenter left his hammer on the roof and his temper in the kitchen.",
        "After supper my uncle explained the stars, and got most of them wrong.",
    ),
    "de": ("Am Abend zählte sie die Lampen am Hafen.", "Möchtest du die Wahrheit hören oder lieber die Zeitung?"),
    "fr": ("Le soir, elle comptait les lampes du port.", "Préférez-vous la vérité, ou bien le journal du matin ?"),
    "es": ("Por la noche contaba las luces del puerto.", "¿Prefieres la verdad o te leo el periódico de hoy?"),
    "it": ("La sera contava le luci lungo il porto.", "Preferisci la verità, oppure ti leggo il giornale?"),
    "pt": ("À noite ela contava as luzes do porto.", "Preferes a verdade, ou leio-te o jornal de hoje?"),
    "cmn": ("晚上她数着码头上的灯，发现多了一盏。", "你想听真话，还是让我给你念报纸？"),
}
LEAST_DISTANCE = 2.3
LEAST_DISTANCE_ELSEWHERE = 1.6


def fingerprints(espeak: EspeakSynthesizer, catalogue: Catalogue, language: str) -> list[list[tuple[float, ...]]]:
    """Of every voice, the fingerprint of each held-out sentence."""
    texts = HELD_OUT[language]
    lines = [SpokenLine(text, entry.voice, language=language) for entry in catalogue for text in texts]
    singles = []
    for take in espeak.speak(lines):
        assert isinstance(take, Take)
        singles.append(fingerprint([take.audio]))
    return [singles[at : at + len(texts)] for at in range(0, len(singles), len(texts))]


def closest(rows: list[list[tuple[float, ...]]], catalogue: Catalogue) -> tuple[float, str, str]:
    """The least distance of any pair, and the pair."""
    centres = [tuple(np.mean(row, axis=0)) for row in rows]
    return min(
        (voice_distance(centres[a], centres[b]), catalogue[a].voice.id, catalogue[b].voice.id)
        for a, b in itertools.combinations(range(len(rows)), 2)
    )


@pytest.fixture(scope="module")
def english(espeak: EspeakSynthesizer, catalogue: Catalogue) -> list[list[tuple[float, ...]]]:
    return fingerprints(espeak, catalogue, "en")


def test_every_pair_is_clearly_distinct(english: list[list[tuple[float, ...]]], catalogue: Catalogue) -> None:
    assert closest(english, catalogue) > (LEAST_DISTANCE, "", "")


def test_speakers_are_known_again_by_one_sentence(english: list[list[tuple[float, ...]]], catalogue: Catalogue) -> None:
    right = [
        min(catalogue, key=lambda known: voice_distance(single, known.voice.fingerprint)) is entry
        for entry, row in zip(catalogue, english, strict=True)
        for single in row
    ]
    assert np.mean(right) >= 0.95


def test_the_catalogue_tells_what_voices_sound_like(
    english: list[list[tuple[float, ...]]], catalogue: Catalogue
) -> None:
    for entry, row in zip(catalogue, english, strict=True):
        assert voice_distance(tuple(np.mean(row, axis=0)), entry.voice.fingerprint) < 1.8, entry.voice.id


def test_the_stated_pitch_is_what_is_heard(espeak: EspeakSynthesizer, catalogue: Catalogue) -> None:
    for entry in catalogue:
        takes = espeak.speak([SpokenLine(text, entry.voice) for text in HELD_OUT["en"]])
        heard = np.median([pitch(take.audio).median_hz for take in takes if isinstance(take, Take)])
        assert heard == pytest.approx(entry.voice.f0_hz, rel=0.12), entry.voice.id


def test_pitch_spans_three_octaves(catalogue: Catalogue) -> None:
    heights = [entry.voice.f0_hz for entry in catalogue]
    assert max(heights) / min(heights) > 6.0


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "pt", "cmn"])
def test_roles_stay_apart_in_other_languages(espeak: EspeakSynthesizer, catalogue: Catalogue, language: str) -> None:
    rows = fingerprints(espeak, catalogue, language)
    assert closest(rows, catalogue) > (LEAST_DISTANCE_ELSEWHERE, "", "")
