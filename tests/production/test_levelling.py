"""A chapter is brought to its standard: aim met, ceiling kept, the same whoever does the work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio, Samples
from speechagents.production.lanes import Done, run
from speechagents.production.levelling import Levelled, level
from speechagents.production.loudness import LoudnessMeter, merge
from speechagents.production.masters import MASTERS, Level, Master
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.reel import Reel, ReelProgramme, Strip

from .test_narration_meter import speechlike


def a_chapter(folder: Path, *, gain: float = 1.0, takes: int = 9) -> ReelProgramme:
    """Takes of some seconds with pauses between, some with a peak that must be limited."""
    reel = Reel(folder / "reel.f32")
    strips: list[tuple[int, Strip]] = []
    at = PROGRAMME_HZ // 2
    for number in range(takes):
        sound = speechlike(7.0, seed=number)
        sound[PROGRAMME_HZ * 2 : PROGRAMME_HZ * 2 + 60] *= 2.2
        strip = reel.add(Audio(np.clip(sound * np.float32(gain), -1.0, 1.0), PROGRAMME_HZ))
        strips.append((at, strip))
        at += strip.frames + PROGRAMME_HZ * 6 // 10
    reel.close()
    return ReelProgramme(strips, at + PROGRAMME_HZ)


def levelled(programme: ReelProgramme, master: Master, path: Path, *, threads: int = 2) -> Levelled:
    (result,) = [
        event.result for event in run({"": level(programme, master, path)}, threads=threads) if isinstance(event, Done)
    ]
    assert isinstance(result, Levelled)
    return result


def whole(programme: Levelled) -> Samples:
    return programme.read(0, programme.frames)


@pytest.mark.parametrize("name", ["acx", "podcast", "r128"])
@pytest.mark.parametrize("gain", [0.05, 0.4, 1.0])
def test_the_aim_is_met_and_the_ceiling_kept(tmp_path: Path, name: str, gain: float) -> None:
    master = MASTERS[name]
    assert master is not None
    sound = whole(levelled(a_chapter(tmp_path, gain=gain), master, tmp_path / "level.f32"))
    meter = LoudnessMeter(true_peak=True)
    meter.feed(sound)
    loudness = merge([meter.finish()])
    reached = loudness.rms_db if master.level is Level.RMS_DB else loudness.integrated_lufs
    assert reached == pytest.approx(master.aim, abs=0.05)
    assert loudness.true_peak_db <= master.ceiling_db + 0.4


def test_both_channels_are_one(tmp_path: Path) -> None:
    master = MASTERS["acx"]
    assert master is not None
    sound = whole(levelled(a_chapter(tmp_path), master, tmp_path / "level.f32"))
    assert np.array_equal(sound[:, 0], sound[:, 1])


def test_the_number_of_threads_changes_nothing(tmp_path: Path) -> None:
    master = MASTERS["podcast"]
    assert master is not None
    programme = a_chapter(tmp_path)
    one = levelled(programme, master, tmp_path / "one.f32", threads=1)
    four = levelled(programme, master, tmp_path / "four.f32", threads=4)
    assert one.factor == four.factor
    assert np.array_equal(whole(one), whole(four))


def test_pauses_stay_digital_silence(tmp_path: Path) -> None:
    """Joints rely on it."""
    master = MASTERS["podcast"]
    assert master is not None
    programme = levelled(a_chapter(tmp_path), master, tmp_path / "level.f32")
    assert len(programme.joints) == 8
    for joint in programme.joints:
        assert not programme.read(joint - 8_000, 16_000).any()


def test_silence_is_left_alone(tmp_path: Path) -> None:
    master = MASTERS["acx"]
    assert master is not None
    reel = Reel(tmp_path / "reel.f32")
    strip = reel.add(Audio.silence(2.0, PROGRAMME_HZ))
    reel.close()
    silent = levelled(ReelProgramme([(0, strip)], 3 * PROGRAMME_HZ), master, tmp_path / "level.f32")
    assert (silent.gain_db, silent.frames) == (0.0, 3 * PROGRAMME_HZ)
    assert not whole(silent).any()


def test_a_gain_without_bounds_is_not_given(tmp_path: Path) -> None:
    """What is silence in all but name is not lifted to speech."""
    master = MASTERS["podcast"]
    assert master is not None
    assert levelled(a_chapter(tmp_path, gain=0.001), master, tmp_path / "level.f32").gain_db <= 40.0
