"""Takes on a reel, and the programme that plays them at their places."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.audio import Audio
from speechagents.errors import StorageError
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.reel import Reel, ReelProgramme, Strip
from speechagents.production.timeline import SCENE_GUARD_S


def a_take(seconds: float, level: float = 0.5) -> Audio:
    return Audio(np.full(round(seconds * PROGRAMME_HZ), level, np.float32), PROGRAMME_HZ)


@pytest.fixture
def strips(tmp_path: Path) -> list[Strip]:
    reel = Reel(tmp_path / "reel.f32")
    made = [reel.add(a_take(seconds, level)) for seconds, level in ((1.0, 0.1), (0.5, 0.2), (2.0, 0.3))]
    reel.close()
    return made


def at(strips: list[Strip], *starts_s: float, end_s: float) -> ReelProgramme:
    firsts = [round(start_s * PROGRAMME_HZ) for start_s in starts_s]
    return ReelProgramme(list(zip(firsts, strips, strict=True)), round(end_s * PROGRAMME_HZ))


def test_takes_are_heard_at_their_places_and_silence_between(strips: list[Strip]) -> None:
    programme = at(strips, 0.5, 2.0, 3.0, end_s=6.0)
    sound = programme.read(0, programme.frames)
    assert sound.shape == (6 * PROGRAMME_HZ, 2)
    for second, level in ((0.2, 0.0), (1.0, 0.1), (1.8, 0.0), (2.25, 0.2), (2.8, 0.0), (4.0, 0.3), (5.5, 0.0)):
        assert sound[round(second * PROGRAMME_HZ)] == pytest.approx((level, level))


def test_takes_fade_in_and_out_within_two_milliseconds(strips: list[Strip]) -> None:
    programme = at(strips, 0.0, 2.0, 3.0, end_s=5.0)
    first = programme.read(0, 100)[:, 0]
    assert first[0] == 0.0
    assert np.all(np.diff(first) >= 0.0)
    assert first[88] == pytest.approx(0.1)


@given(cuts=st.lists(st.integers(0, 6 * PROGRAMME_HZ), max_size=8).map(sorted))
def test_pieces_are_the_whole(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    reel = Reel(tmp_path_factory.mktemp("reel") / "reel.f32")
    strips = [reel.add(a_take(0.7, 0.1 * number)) for number in range(1, 4)]
    reel.close()
    programme = at(strips, 0.5, 1.2, 3.0, end_s=5.0)
    bounds = [0, *(min(cut, programme.frames) for cut in cuts), programme.frames]
    pieces = [programme.read(first, end - first) for first, end in pairwise(bounds)]
    assert np.array_equal(np.concatenate(pieces), programme.read(0, programme.frames))
    assert len(programme.read(programme.frames - 10, 99)) == 10
    assert len(programme.read(programme.frames + 5, 99)) == 0


def test_it_may_be_cut_in_the_middle_of_longer_silences_alone(strips: list[Strip]) -> None:
    programme = at(strips, 0.5, 1.7, 4.0, end_s=7.0)
    # 0.2 s between the first two, 1.8 s between the others.
    assert list(programme.joints) == [round((2.2 + 4.0) / 2 * PROGRAMME_HZ)]
    guard = round(SCENE_GUARD_S * PROGRAMME_HZ)
    for joint in programme.joints:
        assert not programme.read(joint - guard, 2 * guard).any()


def test_energy_is_that_of_what_sounds(strips: list[Strip]) -> None:
    programme = at(strips, 0.5, 2.0, 3.0, end_s=6.0)
    sound = programme.read_mono(0, programme.frames).astype(np.float64)
    assert programme.energy == pytest.approx(float(np.sum(sound**2)))
    assert programme.sounding == round(3.5 * PROGRAMME_HZ)


def test_takes_that_overlap_are_refused(strips: list[Strip]) -> None:
    with pytest.raises(ValueError, match="before the one before it is over"):
        at(strips, 0.5, 1.4, 3.0, end_s=6.0)
    with pytest.raises(ValueError, match="before the one before it is over"):
        at(strips, 0.5, 2.0, 3.0, end_s=4.9)


def test_a_take_of_another_rate_is_brought_to_the_programmes(tmp_path: Path) -> None:
    reel = Reel(tmp_path / "reel.f32")
    strip = reel.add(Audio(np.full(22_050, 0.5, np.float32), 22_050))
    reel.close()
    assert strip.frames == PROGRAMME_HZ


def test_a_reel_that_is_gone_says_so(strips: list[Strip], tmp_path: Path) -> None:
    programme = at(strips, 0.5, 2.0, 3.0, end_s=6.0)
    (tmp_path / "reel.f32").unlink()
    with pytest.raises(StorageError, match=r"reel\.f32"):
        programme.read(PROGRAMME_HZ, 100)
