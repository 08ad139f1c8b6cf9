"""Loudness as EBU Tech 3341 tests meters, and against another implementation."""

from __future__ import annotations

import numpy as np
import pyloudnorm  # type: ignore[import-untyped]
import pytest

from speechagents.audio import Samples
from speechagents.production.loudness import SILENCE_DB, SILENCE_LUFS, LoudnessMeter, Measured, merge
from speechagents.production.programme import PROGRAMME_HZ

from .conftest import silence, speech_like


def measured(sound: Samples, *, block: int = PROGRAMME_HZ, rate_hz: int = PROGRAMME_HZ) -> Measured:
    meter = LoudnessMeter(rate_hz, true_peak=True)
    for first in range(0, len(sound), block):
        meter.feed(sound[first : first + block])
    return meter.finish()


def tone(level_db: float, duration_s: float, *, hz: float = 1000.0, phase: float = 0.0) -> Samples:
    angle = 2.0 * np.pi * hz * np.arange(round(duration_s * PROGRAMME_HZ)) / PROGRAMME_HZ + phase
    return np.repeat((10.0 ** (level_db / 20.0) * np.sin(angle))[:, None], 2, axis=1).astype(np.float32)


@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_a_stereo_tone_is_as_loud_as_its_level(level: float) -> None:
    # EBU Tech 3341, cases 1 and 2.
    assert merge([measured(tone(level, 20.0))]).integrated_lufs == pytest.approx(level, abs=0.1)


@pytest.mark.parametrize(
    "parts",
    [
        # EBU Tech 3341, cases 3, 4 and 5 (shortened; the gates decide, not the lengths).
        [(-36.0, 5.0), (-23.0, 30.0), (-36.0, 5.0)],
        [(-72.0, 5.0), (-36.0, 5.0), (-23.0, 30.0), (-36.0, 5.0), (-72.0, 5.0)],
        [(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)],
    ],
)
def test_gates_leave_quiet_passages_out(parts: list[tuple[float, float]]) -> None:
    sound = np.concatenate([tone(level, length) for level, length in parts])
    assert merge([measured(sound)]).integrated_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("seed", [1, 2])
def test_speech_measures_as_another_meter_says(seed: int) -> None:
    sound = speech_like(12.0, seed=seed)
    expected = pyloudnorm.Meter(PROGRAMME_HZ).integrated_loudness(sound.astype(np.float64))
    assert merge([measured(sound)]).integrated_lufs == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("phase", "hz", "peak_db"),
    [
        # EBU Tech 3341, cases 15 to 18: tones whose samples miss their crests.
        (0.0, PROGRAMME_HZ / 4.0, -6.0),
        (np.pi / 4.0, PROGRAMME_HZ / 4.0, -6.0),
        (np.pi / 3.0, PROGRAMME_HZ / 6.0, -6.0),
        (np.pi / 8.0, PROGRAMME_HZ / 8.0, -6.0),
    ],
)
def test_true_peak_finds_crests_between_samples(phase: float, hz: float, peak_db: float) -> None:
    sound = tone(-6.0, 1.0, hz=hz, phase=phase)
    sound *= np.hanning(len(sound))[:, None].astype(np.float32) ** 0.1
    assert peak_db - 0.4 <= merge([measured(sound)]).true_peak_db <= peak_db + 0.2


def test_blocks_of_any_size_measure_the_same() -> None:
    sound = speech_like(3.0, seed=4)
    whole, pieces = merge([measured(sound, block=len(sound))]), merge([measured(sound, block=777)])
    for figure in ("integrated_lufs", "rms_db", "peak_db", "true_peak_db", "noise_floor_db", "head_s", "tail_s"):
        assert getattr(pieces, figure) == pytest.approx(getattr(whole, figure), abs=1e-3), figure


def test_scenes_measured_apart_add_up_to_the_programme() -> None:
    scenes = [np.concatenate([silence(0.3), speech_like(6.0, seed=n, rms_db=-20.0 - 3 * n)]) for n in range(3)]
    apart, together = merge([measured(scene) for scene in scenes]), merge([measured(np.concatenate(scenes))])
    assert apart.integrated_lufs == pytest.approx(together.integrated_lufs, abs=0.05)
    assert apart.rms_db == pytest.approx(together.rms_db, abs=1e-3)
    assert apart.head_s == together.head_s
    assert apart.tail_s == together.tail_s
    assert apart.duration_s == together.duration_s


def test_silence_before_and_after_is_head_and_tail() -> None:
    loudness = merge([measured(np.concatenate([silence(0.75), tone(-20.0, 1.0, phase=1.0), silence(2.5)]))])
    assert loudness.head_s == pytest.approx(0.75, abs=1e-3)
    assert loudness.tail_s == pytest.approx(2.5, abs=1e-3)


def test_noise_in_the_pauses_is_the_noise_floor() -> None:
    speech = np.concatenate([tone(-20.0, 2.0), silence(1.0), tone(-20.0, 2.0)])
    noise = np.random.default_rng(5).standard_normal(speech.shape) * 10.0 ** (-55.0 / 20.0)
    assert merge([measured(speech + noise.astype(np.float32))]).noise_floor_db == pytest.approx(-55.0, abs=0.3)
    assert merge([measured(speech)]).noise_floor_db == SILENCE_DB


def test_sound_in_antiphase_is_lost_in_mono() -> None:
    middle = tone(-20.0, 1.0)
    side = middle * np.array([1.0, 0.0], np.float32)
    against = middle * np.array([1.0, -1.0], np.float32)
    assert merge([measured(middle)]).mono_loss_db == pytest.approx(0.0, abs=0.01)
    assert merge([measured(side)]).mono_loss_db == pytest.approx(3.01, abs=0.01)
    assert merge([measured(against)]).mono_loss_db > 40.0


def test_silence_and_nothing_have_finite_figures() -> None:
    for parts in ([], [measured(silence(1.0))], [measured(silence(0.01))]):
        loudness = merge(parts)
        assert loudness.integrated_lufs == SILENCE_LUFS
        assert loudness.rms_db == loudness.peak_db == loudness.true_peak_db == SILENCE_DB


def test_stretches_of_different_rates_do_not_mix() -> None:
    with pytest.raises(ValueError, match="rates"):
        merge([measured(silence(1.0)), measured(silence(1.0), rate_hz=48_000)])
