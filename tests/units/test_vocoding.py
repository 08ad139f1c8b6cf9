"""Spectrum and melody become sound that has them."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.units.spectrum import BANDS, FLOOR, HOP, RATE_HZ, mel_spectrum, melody
from speechagents.units.vocoding import vocoded
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.measure import pitch, speech_level_db
from speechagents.voices.synthesizer import SpokenLine, Take


@pytest.fixture(scope="module")
def spoken() -> list[Take]:
    with EspeakSynthesizer(jobs=1) as synthesizer:
        voices = [voice for voice in synthesizer.voices if voice.id in ("adam", "alma", "wren")]
        takes = list(
            synthesizer.speak([SpokenLine("The old ferry has been silent since nine.", one) for one in voices])
        )
    return [take for take in takes if isinstance(take, Take)]


def test_speech_that_is_taken_apart_and_put_together_keeps_pitch_level_and_spectrum(spoken: list[Take]) -> None:
    assert len(spoken) == 3
    for take in spoken:
        samples = take.audio.resampled(RATE_HZ).samples
        spectrum = mel_spectrum(samples)
        again = vocoded(spectrum, melody(samples))
        found = mel_spectrum(again.samples)
        count = min(len(spectrum), len(found))
        speech = spectrum[:count].max(axis=1) > spectrum.max() - 2
        assert 20 * np.abs(spectrum[:count] - found[:count])[speech].mean() < 4.5  # dB
        assert pitch(again).median_hz == pytest.approx(pitch(take.audio).median_hz, rel=0.03)
        assert speech_level_db(again) == pytest.approx(speech_level_db(take.audio), abs=2.5)


def test_where_there_is_no_voice_there_is_noise() -> None:
    hiss = vocoded(np.full((100, BANDS), -2.0, np.float32), np.zeros(100, np.float32))
    assert hiss.duration_s == pytest.approx(0.99)
    assert pitch(hiss).voiced < 0.2


def test_a_voice_of_which_the_melody_is_known_has_it() -> None:
    tone = vocoded(np.full((100, BANDS), -2.0, np.float32), np.full(100, 180.0, np.float32))
    assert pitch(tone).median_hz == pytest.approx(180.0, rel=0.02)
    assert np.isfinite(tone.samples).all()


def test_silence_stays_silent_and_nothing_is_nothing() -> None:
    assert vocoded(np.full((50, BANDS), FLOOR, np.float32), np.full(50, 100.0, np.float32)).peak == 0.0
    assert vocoded(np.full((1, BANDS), -2.0, np.float32), np.zeros(1, np.float32)).frames == 0


def test_the_same_input_gives_the_same_samples() -> None:
    spectrum = np.random.default_rng(0).uniform(-4, -1, (80, BANDS)).astype(np.float32)
    line = np.linspace(90.0, 200.0, 80, dtype=np.float32)
    assert vocoded(spectrum, line).samples.tobytes() == vocoded(spectrum, line).samples.tobytes()
    assert vocoded(spectrum, line).frames == 79 * HOP
