"""The limiter keeps its ceiling, whoever reads whichever stretch."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.production.limiter import BLOCK, REACH, Dip, MasteredProgramme
from speechagents.production.loudness import LoudnessMeter, merge
from speechagents.production.programme import PROGRAMME_HZ

from .conftest import ArrayProgramme, silence, speech_like


@pytest.fixture(scope="module")
def hot() -> ArrayProgramme:
    """Speech whose peaks stand far above any ceiling."""
    return ArrayProgramme(np.concatenate([silence(0.5), speech_like(5.3, seed=7, rms_db=-10.0), silence(0.5)]))


def test_no_peak_passes_the_ceiling_not_even_between_samples(hot: ArrayProgramme) -> None:
    meter = LoudnessMeter(true_peak=True)
    meter.feed(MasteredProgramme(hot, gain_db=3.0, ceiling_db=-2.0).read(0, hot.frames))
    assert -2.3 < merge([meter.finish()]).true_peak_db <= -1.9


def test_any_stretch_reads_the_same(hot: ArrayProgramme) -> None:
    mastered = MasteredProgramme(hot, gain_db=3.0, ceiling_db=-2.0)
    whole = mastered.read(0, hot.frames)
    assert len(whole) == hot.frames
    for first, count in ((0, 10), (BLOCK - 5, 10), (BLOCK * 2 + 123, BLOCK + 77), (hot.frames - 9, 100)):
        assert np.array_equal(mastered.read(first, count), whole[first : first + count])


def test_blocks_join_without_a_seam(hot: ArrayProgramme) -> None:
    # A gain that jumped at a block's edge would show against the gains on either side of it.
    mastered = MasteredProgramme(hot, gain_db=0.0, ceiling_db=-6.0).read(0, hot.frames)
    heard = np.abs(hot.sound[:, 0]) > 0.05
    gain = np.divide(mastered[:, 0], hot.sound[:, 0], out=np.ones(hot.frames, np.float32), where=heard)
    for edge in range(BLOCK, hot.frames, BLOCK):
        near = [frame for frame in range(edge - 200, edge + 200) if heard[frame]]
        assert np.abs(np.diff(gain[near])).max(initial=0.0) < 0.02


def test_what_stays_below_the_ceiling_is_only_scaled(hot: ArrayProgramme) -> None:
    quiet = MasteredProgramme(hot, gain_db=-30.0, ceiling_db=-2.0).read(0, hot.frames)
    assert np.array_equal(quiet, hot.sound * np.float32(10.0 ** (-30.0 / 20.0)))


def test_silence_stays_digital_silence(hot: ArrayProgramme) -> None:
    mastered = MasteredProgramme(hot, gain_db=20.0, ceiling_db=-2.0)
    assert not mastered.read(0, BLOCK // 2).any()
    assert not mastered.read(hot.frames - BLOCK // 2, BLOCK).any()


def test_a_dip_is_smooth() -> None:
    click = np.full((BLOCK, 2), 0.1, np.float32)
    click[BLOCK // 2] = 1.0
    limited = MasteredProgramme(ArrayProgramme(click), gain_db=0.0, ceiling_db=-6.0).read(0, BLOCK)
    gain = limited[:, 0] / click[:, 0]
    assert gain[BLOCK // 2] == pytest.approx(10.0 ** (-6.0 / 20.0), rel=0.12)
    assert np.abs(np.diff(gain)).max() < 0.005
    assert gain[0] == gain[-1] == 1.0


def test_a_dip_turns_its_place_down_and_leaves_the_rest_alone() -> None:
    mix = ArrayProgramme(speech_like(6.0, seed=5, rms_db=-14.0))
    first, end = 2 * PROGRAMME_HZ, 2 * PROGRAMME_HZ + PROGRAMME_HZ // 2
    plain = MasteredProgramme(mix, gain_db=0.0, ceiling_db=-3.0)
    dipped = MasteredProgramme(mix, gain_db=0.0, ceiling_db=-3.0, dips=[Dip(first, end, 0.4)])
    before, after = plain.read(0, mix.frames), dipped.read(0, mix.frames)
    assert np.abs(before[first:end]).max() > 0.5
    assert np.abs(after[first:end]).max() <= 0.4
    reach = 2 * REACH
    assert np.array_equal(before[: first - reach], after[: first - reach])
    assert np.array_equal(before[end + reach :], after[end + reach :])
