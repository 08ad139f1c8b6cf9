"""Brackets read as pauses, places and manners."""

from __future__ import annotations

import pytest

from speechagents.drama import Delivery
from speechagents.scripts.directions import (
    BEAT_S,
    LONG_PAUSE_S,
    PAUSE_S,
    SILENCE_S,
    Direction,
    is_pause,
    read_direction,
)


@pytest.mark.parametrize(
    ("text", "pause_s"),
    [
        ("beat", BEAT_S),
        ("A beat.", BEAT_S),
        ("...", BEAT_S),
        ("pause", PAUSE_S),
        ("long pause", LONG_PAUSE_S),
        ("A long pause.", LONG_PAUSE_S),
        ("silence", SILENCE_S),
        ("lange Pause", LONG_PAUSE_S),
        ("un temps", BEAT_S),
        ("pausa", PAUSE_S),
        ("停顿", PAUSE_S),
    ],
)
def test_pauses_have_their_length(text: str, pause_s: float) -> None:
    assert read_direction(text) == Direction(pause_s=pause_s)
    assert is_pause(text)


def test_longer_words_mean_longer_pauses() -> None:
    assert 0 < BEAT_S < PAUSE_S < LONG_PAUSE_S < SILENCE_S


@pytest.mark.parametrize(
    ("text", "delivery"),
    [
        ("V.O.", Delivery.VOICE_OVER),
        ("VO", Delivery.VOICE_OVER),
        ("V/O", Delivery.VOICE_OVER),
        ("voice-over", Delivery.VOICE_OVER),
        ("voix off", Delivery.VOICE_OVER),
        ("O.S.", Delivery.OFF_SCREEN),
        ("O. S.", Delivery.OFF_SCREEN),
        ("O/S", Delivery.OFF_SCREEN),
        ("O.C.", Delivery.OFF_SCREEN),
        ("OFF", Delivery.OFF_SCREEN),
        ("off-screen", Delivery.OFF_SCREEN),
        ("from another room", Delivery.OFF_SCREEN),
        ("ON PHONE", Delivery.PHONE),
        ("over the phone", Delivery.PHONE),
        ("phone", Delivery.PHONE),
        ("FILTERED", Delivery.PHONE),
        ("voice on answering machine", Delivery.PHONE),
        ("am Telefon", Delivery.PHONE),
        ("au téléphone", Delivery.PHONE),
        ("por teléfono", Delivery.PHONE),
        ("al telefono", Delivery.PHONE),
        ("电话", Delivery.PHONE),
        ("RADIO", Delivery.RADIO),
        ("on the radio", Delivery.RADIO),
        ("over walkie-talkie", Delivery.RADIO),
        ("INTERCOM", Delivery.RADIO),
        ("ON TV", Delivery.RADIO),
        ("through the P.A. system", Delivery.RADIO),
    ],
)
def test_places_are_deliveries(text: str, delivery: Delivery) -> None:
    assert read_direction(text) == Direction(delivery=delivery)


@pytest.mark.parametrize(
    "text", ["off her look", "into phone", "to the phone", "looks at the radio", "turns off the TV"]
)
def test_places_count_only_as_whole_clauses(text: str) -> None:
    assert read_direction(text) == Direction(manner=text)


@pytest.mark.parametrize("text", ["CONT'D", "cont’d", "CONTINUING", "MORE", "PRE-LAP", "subtitled"])
def test_page_furniture_means_nothing(text: str) -> None:
    assert read_direction(text) == Direction()


def test_clauses_are_read_one_by_one() -> None:
    assert read_direction("beat, then softly; V.O.") == Direction(BEAT_S, Delivery.VOICE_OVER, "then softly")
    assert read_direction("V.O. - angry") == Direction(0.0, Delivery.VOICE_OVER, "angry")
