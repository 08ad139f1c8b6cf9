"""Measures of sounds whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.voices.measure import (
    FINGERPRINT_SIZE,
    cepstra,
    fingerprint,
    pitch,
    speech_level_db,
    voice_distance,
)

RATE = 22_050


def buzz(f0_hz: float, duration_s: float = 1.0, formant_hz: float = 1_000.0) -> Audio:
    """Harmonics of a fundamental under one resonance."""
    times = np.arange(int(duration_s * RATE)) / RATE
    harmonics = np.arange(1, int(8_000 / f0_hz)) * f0_hz
    heights = 1.0 / (1.0 + ((harmonics - formant_hz) / 300.0) ** 2) + 0.05
    sound = (heights[:, None] * np.sin(2 * np.pi * harmonics[:, None] * times)).sum(axis=0)
    return Audio((0.1 * sound / np.abs(sound).max()).astype(np.float32), RATE)


def noise(seed: int = 1) -> Audio:
    return Audio((0.1 * np.random.default_rng(seed).standard_normal(RATE)).astype(np.float32), RATE)


@pytest.mark.parametrize("f0_hz", [55.0, 82.4, 110.0, 220.0, 331.0, 450.0])
def test_pitch_of_a_buzz_is_its_fundamental(f0_hz: float) -> None:
    assert pitch(buzz(f0_hz)).median_hz == pytest.approx(f0_hz, rel=0.02)


def test_a_buzz_is_voiced_and_noise_is_not() -> None:
    assert pitch(buzz(120.0)).voiced > 0.95
    assert pitch(noise()).voiced < 0.1
    assert pitch(buzz(120.0)).harmonicity_db > 20.0


def test_spread_is_the_width_of_the_melody() -> None:
    glide = Audio(np.concatenate([buzz(100.0).samples, buzz(200.0).samples]), RATE)
    assert pitch(glide).spread_st == pytest.approx(6.0, abs=0.5)
    assert pitch(buzz(100.0)).spread_st < 0.1


def test_pauses_do_not_lower_the_speech_level() -> None:
    sound = buzz(120.0)
    paused = Audio(np.concatenate([sound.samples, np.zeros(3 * RATE, np.float32)]), RATE)
    assert speech_level_db(paused) == pytest.approx(speech_level_db(sound), abs=0.1)
    assert speech_level_db(sound.scaled(0.5)) == pytest.approx(speech_level_db(sound) - 6.02, abs=0.01)


@pytest.mark.parametrize("audio", [Audio.silence(0, RATE), Audio.silence(0.01, RATE), Audio.silence(1, RATE)])
def test_silence_has_no_pitch_and_a_low_level(audio: Audio) -> None:
    assert pitch(audio).voiced == 0.0
    assert speech_level_db(audio) <= -100.0


def test_cepstra_tell_resonances_apart_but_not_levels() -> None:
    one, louder, other = buzz(120.0), buzz(120.0).scaled(3.0), buzz(120.0, formant_hz=2_500.0)
    centre = cepstra(one).mean(axis=0)
    assert np.abs(cepstra(louder).mean(axis=0) - centre).max() < 0.1
    assert np.abs(cepstra(other).mean(axis=0) - centre).max() > 0.5


def test_distance_is_symmetric_zero_for_itself_and_grows() -> None:
    low, middle, high = (fingerprint([buzz(f0)]) for f0 in (100.0, 130.0, 200.0))
    assert len(low) == FINGERPRINT_SIZE
    assert voice_distance(low, low) == 0.0
    assert voice_distance(low, high) == voice_distance(high, low)
    assert 0.0 < voice_distance(low, middle) < voice_distance(low, high)


def test_distance_refuses_what_is_no_fingerprint() -> None:
    with pytest.raises(ValueError, match="14 numbers"):
        voice_distance((1.0,), (1.0,))
