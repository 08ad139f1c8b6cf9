"""Styles as they sound: each differs measurably from default on the same voice, and grows with its strength."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from speechagents.drama import Style
from speechagents.styles import STYLES
from speechagents.voices.espeak import EmbeddedVoice
from speechagents.voices.espeak.finish import REFERENCE_DB
from speechagents.voices.measure import pitch, speech_level_db
from speechagents.voices.synthesizer import Take, Voice

from .conftest import Speak

TEXTS = ("I never said that you could open the red door.", "We leave at seven, with or without the piano.")


@dataclass(frozen=True)
class Sound:
    """How some takes sound."""

    duration_s: float
    f0_hz: float
    spread_st: float
    level_db: float
    voiced: float
    harmonicity_db: float
    wavering: float


def wavering(take: Take) -> float:
    """How much of the level's movement has the speed of laughter (about 4.6 Hz)."""
    frame = take.audio.rate_hz // 100
    samples = take.audio.samples[: take.audio.frames // frame * frame].reshape(-1, frame)
    envelope = np.sqrt((samples**2).mean(axis=1))
    movement = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(envelope.size), 4096)) ** 2
    speed_hz = np.fft.rfftfreq(4096, 0.01)
    return float(movement[np.abs(speed_hz - 4.6) < 0.5].sum() / movement[(speed_hz > 1) & (speed_hz < 10)].sum())


def sound(takes: list[Take]) -> Sound:
    tracks = [pitch(take.audio) for take in takes]
    return Sound(
        duration_s=sum(take.audio.duration_s for take in takes),
        f0_hz=float(np.median([track.median_hz for track in tracks])),
        spread_st=float(np.mean([track.spread_st for track in tracks])),
        level_db=float(np.mean([speech_level_db(take.audio) for take in takes])),
        voiced=float(np.mean([track.voiced for track in tracks])),
        harmonicity_db=float(np.mean([track.harmonicity_db for track in tracks])),
        wavering=float(np.mean([wavering(take) for take in takes])),
    )


def semitones(one_hz: float, other_hz: float) -> float:
    return 12.0 * float(np.log2(one_hz / other_hz))


def differences(one: Sound, other: Sound) -> dict[str, float]:
    """Differences in units of what is clearly audible or measurable."""
    return {
        "rate": abs(one.duration_s / other.duration_s - 1.0) / 0.05,
        "pitch": abs(semitones(one.f0_hz, other.f0_hz)) / 1.0,
        "spread": abs(one.spread_st / other.spread_st - 1.0) / 0.3,
        "level": abs(one.level_db - other.level_db) / 1.0,
        "voicing": abs(one.voiced - other.voiced) / 0.2,
        "breath": abs(one.harmonicity_db - other.harmonicity_db) / 2.0,
        "wavering": abs(one.wavering / other.wavering - 1.0) / 0.5,
    }


@pytest.fixture(scope="module", params=["adam", "alma", "pip"])
def voice(request: pytest.FixtureRequest, catalogue: tuple[EmbeddedVoice, ...]) -> Voice:
    return next(entry.voice for entry in catalogue if entry.voice.id == request.param)


@pytest.fixture(scope="module")
def plain(speak: Speak, voice: Voice) -> Sound:
    return sound(speak(TEXTS, voice=voice))


@pytest.mark.parametrize("tag", sorted(STYLES.keys() - {"default"}))
def test_a_style_differs_from_default_in_two_ways_at_least(speak: Speak, voice: Voice, plain: Sound, tag: str) -> None:
    found = differences(sound(speak(TEXTS, voice=voice, style=Style(tag))), plain)
    assert sum(amount > 1.0 for amount in found.values()) >= 2, found


@pytest.mark.parametrize("tag", ["whispering", "shouting", "angry", "sad", "happy", "afraid", "cold", "laughing"])
def test_strength_zero_sounds_like_default(speak: Speak, narrator: Voice, tag: str) -> None:
    (none,), (plain,) = speak(TEXTS[:1], style=Style(tag, 0.0)), speak(TEXTS[:1])
    assert np.array_equal(none.audio.samples, plain.audio.samples)


@pytest.mark.parametrize(
    ("tag", "measure", "grows"),
    [
        ("sad", "duration_s", True), ("sad", "f0_hz", False), ("angry", "level_db", True),
        ("shouting", "level_db", True), ("shouting", "f0_hz", True), ("urgent", "duration_s", False),
        ("cold", "spread_st", False), ("surprised", "spread_st", True), ("tired", "duration_s", True),
        ("afraid", "f0_hz", True), ("quiet", "level_db", False), ("laughing", "f0_hz", True),
        ("whispering", "voiced", False),
    ],
)  # fmt: skip
def test_strength_is_monotone(speak: Speak, voice: Voice, tag: str, measure: str, grows: bool) -> None:
    values = [getattr(sound(speak(TEXTS, voice=voice, style=Style(tag, s))), measure) for s in (0.0, 0.5, 1.0)]
    assert values == sorted(values, reverse=not grows)
    assert len(set(values)) == 3


def test_laughter_pulses_and_more_so_with_strength(speak: Speak) -> None:
    pulses = [sound(speak(TEXTS, style=Style("laughing", strength))).wavering for strength in (0.0, 0.5, 1.0)]
    assert pulses == sorted(pulses)
    assert pulses[2] > 1.8 * pulses[0]


def test_a_whisper_has_no_voicing(speak: Speak, voice: Voice) -> None:
    assert sound(speak(TEXTS, voice=voice, style=Style("whispering"))).voiced < 0.3


def test_levels_follow_the_style_and_nothing_clips(speak: Speak, voice: Voice) -> None:
    for tag in STYLES:
        for take in speak(TEXTS, voice=voice, style=Style(tag, 2.0)):
            assert take.audio.peak < 0.9
    whisper, plain, shout = (
        sound(speak(TEXTS, voice=voice, style=Style(tag))).level_db for tag in ("whispering", "default", "shouting")
    )
    assert plain == pytest.approx(REFERENCE_DB, abs=0.2)
    assert whisper < plain - 6
    assert shout > plain + 4
