"""The meter for one channel tells what the stereo meter does of two that are the same."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.audio import Samples
from speechagents.production.kweighting import high_pass, shelf, weighted_energies
from speechagents.production.loudness import Loudness, LoudnessMeter, merge
from speechagents.production.narration_meter import NarrationMeter
from speechagents.production.programme import PROGRAMME_HZ


def speechlike(seconds: float, *, seed: int = 0) -> Samples:
    """Noise with the spectrum and the pauses of speech, more or less."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * PROGRAMME_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(frames))
    hz = np.fft.rfftfreq(frames, 1.0 / PROGRAMME_HZ)
    spectrum *= 1.0 / (1.0 + (hz / 500.0) ** 2) * (hz > 80.0)
    times = np.arange(frames) / PROGRAMME_HZ
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * times) + 0.4, 0.0, 1.0) * (np.sin(2 * np.pi * 0.2 * times) > -0.6)
    sound = np.fft.irfft(spectrum, frames) * syllables
    return np.asarray(0.4 * sound / np.abs(sound).max(), np.float32)


def stereo_meter(sound: Samples) -> Loudness:
    meter = LoudnessMeter(true_peak=True)
    meter.feed(np.repeat(sound[:, None], 2, axis=1))
    return merge([meter.finish()])


def one_channel(sound: Samples, cuts: Sequence[int] = ()) -> Loudness:
    meter = NarrationMeter(true_peak=True)
    for block in np.split(sound, cuts):
        meter.feed(np.ascontiguousarray(block))
    return merge([meter.finish()])


def test_the_filters_are_those_of_the_standard() -> None:
    """Coefficients for 48 kHz as ITU-R BS.1770-4 prints them in tables 1 and 2."""
    assert shelf(48_000) == pytest.approx(
        (1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585), abs=1e-12
    )
    assert high_pass(48_000) == pytest.approx((1.0, -2.0, 1.0, -1.99004745483398, 0.99007225036621), abs=1e-12)


@pytest.mark.parametrize("hz", [100.0, 997.0, 4_000.0])
def test_a_sine_counts_as_the_standard_says(hz: float) -> None:
    """EBU Tech 3341, case 1, for a tone of 1 kHz at -23 dBFS in both channels: -23 LUFS, within 0.1 LU."""
    times = np.arange(20 * PROGRAMME_HZ) / PROGRAMME_HZ
    sound = np.asarray(10 ** (-23 / 20) * np.sin(2 * np.pi * hz * times), np.float32)
    measured = one_channel(sound).integrated_lufs
    assert measured == pytest.approx(stereo_meter(sound).integrated_lufs, abs=0.02)
    if hz == 997.0:
        assert measured == pytest.approx(-23.0, abs=0.1)


def test_every_figure_is_that_of_the_stereo_meter() -> None:
    sound = np.concatenate((np.zeros(30_000, np.float32), speechlike(30.0), np.zeros(50_000, np.float32)))
    ours, theirs = one_channel(sound), stereo_meter(sound)
    assert ours.integrated_lufs == pytest.approx(theirs.integrated_lufs, abs=0.02)
    for name in ("rms_db", "peak_db", "true_peak_db", "noise_floor_db", "head_s", "tail_s", "duration_s"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-4), name
    assert ours.mono_loss_db == pytest.approx(0.0, abs=1e-6)


@given(cuts=st.lists(st.integers(0, 3 * PROGRAMME_HZ), max_size=6).map(sorted))
def test_blocks_of_any_length_make_no_difference(cuts: list[int]) -> None:
    sound = speechlike(3.0)
    whole, pieces = one_channel(sound), one_channel(sound, cuts)
    assert pieces.integrated_lufs == pytest.approx(whole.integrated_lufs, abs=1e-4)
    assert pieces.rms_db == pytest.approx(whole.rms_db, abs=1e-4)
    assert (pieces.peak_db, pieces.head_s, pieces.tail_s) == (whole.peak_db, whole.head_s, whole.tail_s)


@pytest.mark.parametrize("frames", [0, 1, 4_409, 4_410, 20_000])
def test_silence_and_scraps_are_below_any_gate(frames: int) -> None:
    measured = one_channel(np.zeros(frames, np.float32))
    assert measured.integrated_lufs <= -70.0
    assert measured.duration_s == frames / PROGRAMME_HZ


def test_the_energy_of_a_hop_is_parsevals() -> None:
    """A frequency that the filter passes as it is keeps its energy: 997 Hz counts 0.69 dB more than nothing."""
    times = np.arange(4_410) / PROGRAMME_HZ
    hop = np.asarray(np.sin(2 * np.pi * 1_000.0 * times), np.float32)
    (energy,) = weighted_energies(hop[None, :], PROGRAMME_HZ).tolist()
    assert 10.0 * math.log10(energy / float(np.sum(hop.astype(np.float64) ** 2))) == pytest.approx(0.69, abs=0.02)
