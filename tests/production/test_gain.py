"""The aim of each standard is met after limiting, without a second pass over everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from speechagents.production import gain as gain_module
from speechagents.production.gain import MAX_GAIN_DB, gain_for
from speechagents.production.lanes import Done, run
from speechagents.production.limiter import MasteredProgramme
from speechagents.production.loudness import Loudness, LoudnessMeter, Measured, merge
from speechagents.production.masters import MASTERS, Master

from .conftest import ArrayProgramme, silence, speech_like

STANDARDS = [master for master in MASTERS.values() if master is not None]


def metered(programme: Any, frames: int) -> Measured:
    meter = LoudnessMeter(true_peak=True)
    meter.feed(programme.read(0, frames))
    return meter.finish()


def gain(programme: ArrayProgramme, measured: Sequence[Measured], master: Master) -> float:
    events = list(run({"": gain_for(programme, measured, master)}, threads=2))
    assert isinstance(events[-1], Done)
    return float(events[-1].result)


def mastered(programme: ArrayProgramme, master: Master) -> Loudness:
    gain_db = gain(programme, [metered(programme, programme.frames)], master)
    result = MasteredProgramme(programme, gain_db=gain_db, ceiling_db=master.ceiling_db)
    return merge([metered(result, programme.frames)])


@pytest.mark.parametrize("master", STANDARDS, ids=lambda master: master.name)
@pytest.mark.parametrize("level_db", [-45.0, -24.0, -8.0])
def test_the_aim_is_met_whatever_the_mix_was(master: Master, level_db: float) -> None:
    programme = ArrayProgramme(speech_like(8.0, seed=11, rms_db=level_db))
    loudness = mastered(programme, master)
    assert getattr(loudness, master.level) == pytest.approx(master.aim, abs=0.2)
    assert loudness.true_peak_db <= master.ceiling_db + 0.1


def test_limiting_is_made_up_for(drama: ArrayProgramme) -> None:
    # Peaks 20 dB above the speech: without making up for it, the limiter would cost more than the tolerance.
    sound = drama.sound.copy()
    rng = np.random.default_rng(3)
    for at in rng.integers(40_000, len(sound) - 100_000, 60):
        sound[at : at + 400] += np.hanning(400)[:, None].astype(np.float32) * 0.9
    podcast = MASTERS["podcast"]
    assert podcast is not None
    programme = ArrayProgramme(sound)
    measured = [metered(programme, programme.frames)]
    assert gain(programme, measured, podcast) > podcast.aim - merge(measured).integrated_lufs + 0.5
    assert mastered(programme, podcast).integrated_lufs == pytest.approx(podcast.aim, abs=0.3)


def test_stretches_serve_as_well_as_the_whole(drama: ArrayProgramme) -> None:
    podcast = MASTERS["podcast"]
    assert podcast is not None
    ends = [*drama.joints, drama.frames]
    parts = []
    for first, end in zip([0, *drama.joints], ends, strict=True):
        meter = LoudnessMeter()
        meter.feed(drama.read(first, end - first))
        parts.append(meter.finish())
    whole = gain(drama, [metered(drama, drama.frames)], podcast)
    assert gain(drama, parts, podcast) == pytest.approx(whole, abs=0.1)


def test_silence_is_not_turned_up() -> None:
    programme = ArrayProgramme(silence(2.0))
    for master in STANDARDS:
        assert gain(programme, [metered(programme, programme.frames)], master) == 0.0


def test_gain_has_a_limit() -> None:
    programme = ArrayProgramme(speech_like(3.0, seed=12, rms_db=-66.0))
    for master in STANDARDS:
        assert gain(programme, [metered(programme, programme.frames)], master) <= MAX_GAIN_DB


def test_measurements_of_something_else_are_refused(drama: ArrayProgramme) -> None:
    with pytest.raises(ValueError, match="not as long"):
        gain(drama, [metered(drama, drama.frames - 1)], STANDARDS[0])


def test_a_sample_of_a_long_programme_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    podcast = MASTERS["podcast"]
    assert podcast is not None
    scenes = [speech_like(4.0, seed=20 + n, rms_db=-12.0 - 2 * (n % 3)) for n in range(12)]
    programme = ArrayProgramme(np.concatenate(scenes))
    measured = [metered(programme, programme.frames)]
    exact = gain(programme, measured, podcast)
    monkeypatch.setattr(gain_module, "_RUN_HOPS", 10)
    monkeypatch.setattr(gain_module, "_MAX_RUNS", 12)
    assert gain(programme, measured, podcast) == pytest.approx(exact, abs=0.3)
