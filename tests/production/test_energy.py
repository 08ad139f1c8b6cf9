"""The energy of a mix over time."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.production.energy import EnergyMeter
from speechagents.production.loudness import LoudnessMeter
from speechagents.production.programme import PROGRAMME_HZ


@pytest.mark.parametrize("block", [1_000, 4_410, 16_384, 100_000])
def test_it_is_the_one_that_the_loudness_meter_finds_however_it_is_fed(block: int) -> None:
    sound = np.random.default_rng(0).standard_normal((PROGRAMME_HZ + 777, 2)).astype(np.float32)
    energy, loudness = EnergyMeter(), LoudnessMeter()
    for first in range(0, len(sound), block):
        energy.feed(sound[first : first + block])
        loudness.feed(sound[first : first + block])
    found, wanted = energy.finish(), loudness.finish().energy
    assert (found.frames, found.hop) == (wanted.frames, wanted.hop)
    assert np.allclose(found.square_sums, wanted.square_sums, rtol=1e-5)
    assert found.hop_frames.sum() == len(sound)
    assert found.hop_frames[-1] == 777


def test_nothing_has_no_energy() -> None:
    assert EnergyMeter().finish().square_sums.size == 0
