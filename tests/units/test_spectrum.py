"""Spectra and melodies are those of the sound, a hundred frames a second."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.units.spectrum import (
    BANDS,
    FLOOR,
    HOP,
    RATE_HZ,
    frame_count,
    heard,
    mel_filters,
    mel_spectrum,
    melody,
)


def tone(hertz: float, seconds: float = 0.5, rate_hz: int = RATE_HZ) -> Audio:
    """A voice-like tone: ten harmonics that fall off."""
    at = np.arange(round(seconds * rate_hz)) / rate_hz
    numbers = np.arange(1, 11)[:, None]
    wave = (np.sin(2 * np.pi * hertz * numbers * at) / numbers).sum(axis=0)
    return Audio((0.1 * wave).astype(np.float32), rate_hz)


@pytest.mark.parametrize("hertz", [60.0, 110.0, 233.0, 440.0])
def test_melody_is_the_pitch_of_a_tone(hertz: float) -> None:
    found = melody(tone(hertz).samples)[5:-5]
    assert np.all(np.abs(found / hertz - 1.0) < 0.02)


def test_noise_and_silence_have_no_melody() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE_HZ // 2).astype(np.float32) * 0.1
    assert (melody(noise) > 0).mean() < 0.1
    assert not melody(np.zeros(RATE_HZ // 2, np.float32)).any()


def test_there_is_a_frame_every_ten_milliseconds() -> None:
    samples = tone(200.0).samples
    assert mel_spectrum(samples).shape == (frame_count(samples.size), BANDS)
    assert melody(samples).shape == (frame_count(samples.size),)
    assert frame_count(samples.size) == samples.size // HOP + 1


def test_ten_times_the_amplitude_is_one_more_and_silence_is_the_floor() -> None:
    samples = tone(200.0).samples
    low, high = mel_spectrum(samples * np.float32(0.1)), mel_spectrum(samples)
    loud = high > FLOOR + 2
    assert np.allclose(high[loud] - low[loud], 1.0, atol=1e-3)
    assert np.all(mel_spectrum(np.zeros(RATE_HZ, np.float32)) == FLOOR)


def test_a_long_sound_is_the_same_in_pieces() -> None:
    samples = (0.1 * np.random.default_rng(1).standard_normal(RATE_HZ * 11)).astype(np.float32)
    whole, part = mel_spectrum(samples), mel_spectrum(samples[: RATE_HZ * 2].copy())
    assert np.allclose(whole[:190], part[:190], atol=1e-4)


def test_every_band_weighs_its_frequencies_to_one() -> None:
    assert np.allclose(mel_filters().sum(axis=1), 1.0, atol=1e-5)


def test_any_rate_and_two_channels_are_heard_as_one_sound() -> None:
    wide = tone(150.0, rate_hz=44_100)
    stereo = Audio(np.stack([wide.samples, wide.samples], axis=1), 44_100)
    assert heard(stereo).shape == (RATE_HZ // 2,)
    assert np.median(melody(heard(stereo))) == pytest.approx(150.0, rel=0.02)
