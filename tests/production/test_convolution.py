"""Fast convolution against the slow one."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.audio import Samples
from speechagents.production.convolution import StereoConvolver, filtered, minimum_phase


@pytest.mark.parametrize("taps", [1, 100, 256, 257, 1_000])
def test_blockwise_convolution_equals_the_direct_one(taps: int) -> None:
    lot = np.random.default_rng(0)
    response = lot.standard_normal((2, taps)).astype(np.float32)
    sound = lot.standard_normal(256 * 9).astype(np.float32)
    out = _convolved(response, sound, blocks_at_once=1)
    for channel in range(2):
        direct = np.convolve(sound.astype(np.float64), response[channel])[: len(sound)]
        assert np.abs(out[channel] - direct).max() < 2e-6 * np.abs(direct).max() * np.sqrt(taps)


@pytest.mark.parametrize("blocks_at_once", [2, 3, 5, 12])
def test_how_many_blocks_are_fed_at_once_changes_no_bit(blocks_at_once: int) -> None:
    lot = np.random.default_rng(2)
    response = lot.standard_normal((2, 1_000)).astype(np.float32)
    sound = lot.standard_normal(256 * 60).astype(np.float32)
    sound[256 * 7 : 256 * 20] = 0.0
    assert np.array_equal(
        _convolved(response, sound, blocks_at_once=blocks_at_once), _convolved(response, sound, blocks_at_once=1)
    )


def test_silence_is_exact_before_and_after_sound() -> None:
    convolver = StereoConvolver(np.ones((2, 300), np.float32), 256)
    silence, sound = np.zeros(256, np.float32), np.ones(256, np.float32)
    assert not convolver.feed(silence).any()
    assert convolver.feed(sound).any()
    heard = convolver.feed(np.zeros(6 * 256, np.float32))
    assert heard[:, :256].any()
    assert not heard[:, 4 * 256 :].any()


def _convolved(response: Samples, sound: Samples, *, blocks_at_once: int) -> Samples:
    convolver = StereoConvolver(response, 256)
    stretch = 256 * blocks_at_once
    pieces = [convolver.feed(sound[first : first + stretch]) for first in range(0, len(sound), stretch)]
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("frames", [1, 1_000, 16_000, 50_000])
def test_a_filter_gives_as_many_frames_as_it_gets(frames: int) -> None:
    lot = np.random.default_rng(1)
    sound, taps = lot.standard_normal(frames).astype(np.float32), lot.standard_normal(700).astype(np.float32)
    direct = np.convolve(sound.astype(np.float64), taps)[:frames]
    out = filtered(sound, taps)
    assert out.dtype == np.float32
    assert np.abs(out - direct).max() < 1e-4


def test_a_minimum_phase_filter_has_its_magnitudes_and_does_not_ring_ahead() -> None:
    hz = np.fft.rfftfreq(4096)
    magnitudes = 1.0 / np.sqrt(1.0 + (hz / 0.1) ** 4)
    taps = minimum_phase(magnitudes, 511)
    got = np.abs(np.fft.rfft(taps, 4096))
    assert np.abs(20 * np.log10(got[:1500] / magnitudes[:1500])).max() < 0.2
    assert np.sum(taps[:30] ** 2) > 0.99 * np.sum(taps**2)


def test_a_filter_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        filtered(np.ones(10, np.float32), np.ones(20_000, np.float32))
