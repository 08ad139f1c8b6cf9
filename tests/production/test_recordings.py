"""A person's own sound as a take."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.production.recordings import MOST_GAIN_DB, SPEECH_DB, as_take_sound
from speechagents.production.takes import recording_address
from speechagents.voices.espeak.finish import REFERENCE_DB
from speechagents.voices.measure import speech_level_db

RATE = 24_000


def recording(*, level: float, before_s: float = 1.0, voice_s: float = 1.5, after_s: float = 2.0) -> Audio:
    """Speech-like sound, syllables of noise, between stretches of a quiet room."""
    dice = np.random.default_rng(4)
    room = dice.standard_normal(round((before_s + voice_s + after_s) * RATE)).astype(np.float32) * np.float32(2e-4)
    first = round(before_s * RATE)
    voice = dice.standard_normal(round(voice_s * RATE)).astype(np.float32) * np.float32(level)
    syllables = (np.sin(2 * np.pi * 4 * np.arange(voice.size) / RATE) > -0.3).astype(np.float32)
    room[first : first + voice.size] += voice * syllables
    return Audio(room, RATE)


@pytest.mark.parametrize("level", [0.005, 0.05, 0.3])
def test_whoever_speaks_softly_or_loudly_is_as_loud_as_the_voices(level: float) -> None:
    sound = as_take_sound(recording(level=level))
    assert sound is not None
    assert speech_level_db(sound) == pytest.approx(SPEECH_DB, abs=0.5)
    assert SPEECH_DB == REFERENCE_DB


def test_a_whisper_from_far_away_is_not_blown_up_without_end() -> None:
    soft = recording(level=0.0008)
    sound = as_take_sound(soft)
    assert sound is not None
    assert speech_level_db(sound) < SPEECH_DB - 5.0
    assert sound.peak <= soft.peak * 10 ** (MOST_GAIN_DB / 20) * 1.001


def test_silence_around_speech_is_trimmed_and_no_speech_is() -> None:
    sound = as_take_sound(recording(level=0.1))
    assert sound is not None
    assert 1.5 < sound.duration_s < 1.5 + 0.3
    assert abs(sound.samples[0]) < 1e-3
    assert abs(sound.samples[-1]) < 1e-3


def test_a_click_does_not_clip() -> None:
    samples = recording(level=0.01).samples.copy()
    samples[30_000] = 0.9
    sound = as_take_sound(Audio(samples, RATE))
    assert sound is not None
    assert sound.peak <= 10 ** (-1 / 20) + 1e-6


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(9_000, np.float32), np.ones(100, np.float32)])
def test_there_is_nothing_in_silence(samples: np.ndarray) -> None:
    assert as_take_sound(Audio(samples, RATE)) is None


def test_values_that_are_no_numbers_do_no_harm() -> None:
    samples = recording(level=0.1).samples.copy()
    samples[40_000:40_100] = np.nan
    sound = as_take_sound(Audio(samples, RATE))
    assert sound is not None
    assert np.isfinite(sound.samples).all()


def test_stereo_becomes_mono() -> None:
    both = np.stack([recording(level=0.1).samples] * 2, axis=1)
    sound = as_take_sound(Audio(both, RATE))
    assert sound is not None
    assert sound.channels == 1


def test_a_recording_is_named_by_what_it_holds() -> None:
    one = recording(level=0.1)
    assert recording_address(one) == recording_address(Audio(one.samples.copy(), RATE))
    assert recording_address(one) != recording_address(Audio(one.samples.copy(), 22_050))
    other = one.samples.copy()
    other[500] += 0.001
    assert recording_address(one) != recording_address(Audio(other, RATE))
    rounded = np.rint(one.samples * 32768).astype(np.int16)
    # As it is on disk: an address can be checked against its file.
    assert recording_address(one) == recording_address(Audio.from_pcm16(rounded.tobytes(), RATE))
