"""Stems: one file for each role, and one for what nobody speaks."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speechagents.audio import Audio
from speechagents.drama import Line
from speechagents.errors import StorageError
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.stems import SOUNDS, SOUNDS_TITLE, write_stems
from speechagents.production.timeline import PlacedLine, PlacedScene, PlacedSound, Timeline

COMMENT = "A play.\nSynthetic voices: all voices are synthetic (test 1.0)"


def noise(thing: PlacedLine | PlacedSound) -> Audio:
    """Noise, for it cannot be compressed: sizes of files can be foreseen."""
    random = np.random.default_rng(round(100 * thing.start_s))
    samples = random.uniform(-0.3, 0.3, round(thing.duration_s * PROGRAMME_HZ))
    return Audio(samples.astype(np.float32), PROGRAMME_HZ)


def play(*roles: str, sounds: bool = False) -> Timeline:
    """Each role has one line of a second, one after the other."""
    lines = tuple(PlacedLine(Line(number, role, "x"), "", float(number), 1.0) for number, role in enumerate(roles, 1))
    effects = (PlacedSound(0, 0.5, 1.0),) if sounds else ()
    end_s = len(roles) + 2.5
    return Timeline("T", (PlacedScene("S", "INT. HALL - DAY", 0.0, end_s, lines, effects),), ("door.wav",))


def test_stems_are_as_long_as_the_programme_and_each_holds_its_own_part(tmp_path: Path) -> None:
    timeline = play("ANNA", "BEN", sounds=True)
    stems = write_stems(timeline, noise, tmp_path, comment=COMMENT, jobs=2)
    assert list(stems) == ["ANNA", "BEN", SOUNDS]
    for start_s, path in zip((1.0, 2.0, 0.5), stems.values(), strict=True):
        samples, rate_hz = sf.read(path)
        assert (len(samples), rate_hz) == (round(timeline.duration_s * PROGRAMME_HZ), PROGRAMME_HZ)
        loud = np.flatnonzero(np.abs(samples).max(axis=1) > 0.05)
        assert loud[0] / PROGRAMME_HZ == pytest.approx(start_s, abs=0.05)


def test_a_role_may_be_called_what_the_stem_of_sounds_is_called(tmp_path: Path) -> None:
    stems = write_stems(play(SOUNDS_TITLE, sounds=True), noise, tmp_path, comment="", jobs=1)
    assert list(stems) == [SOUNDS_TITLE, SOUNDS]
    sounds = [sf.read(path)[0] for path in stems.values()]
    assert not np.array_equal(*sounds)
    with sf.SoundFile(stems[SOUNDS]) as file:
        assert file.title == SOUNDS_TITLE


def test_every_stem_says_whose_it_is_and_that_the_voices_are_synthetic(tmp_path: Path) -> None:
    stems = write_stems(play("ANNA", "BEN"), noise, tmp_path, comment=COMMENT, jobs=1)
    for role, path in stems.items():
        with sf.SoundFile(path) as file:
            assert (file.title, file.comment) == (role, COMMENT)


def test_stems_of_an_earlier_run_go_and_nothing_else_does(tmp_path: Path) -> None:
    write_stems(play("ANNA", "BEN", "CLEO"), noise, tmp_path, comment="", jobs=2)
    (tmp_path / "mine.flac").write_bytes(b"precious")
    stems = write_stems(play("BEN"), noise, tmp_path, comment="", jobs=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.flac", "stem-001.flac"]
    assert stems == {"BEN": tmp_path / "stem-001.flac"}


def test_stems_of_an_earlier_run_stay_if_the_new_ones_fail(tmp_path: Path) -> None:
    write_stems(play("ANNA", "BEN"), noise, tmp_path, comment="", jobs=1)

    def gone(_: PlacedLine | PlacedSound) -> Audio:
        raise StorageError("the take is gone")

    with pytest.raises(StorageError, match="take is gone"):
        write_stems(play("CLEO"), gone, tmp_path, comment="", jobs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stem-001.flac", "stem-002.flac"]


def _write_into_little_space(folder: str, limits: list[int]) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for limit in limits:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write_stems(play("ANNA"), noise, Path(folder), comment=COMMENT, jobs=1)
        except StorageError as error:
            if "stem-001.flac" not in str(error) or "free some space" not in str(error):
                os._exit(1)
        else:
            os._exit(2)
    os._exit(17)


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits on Windows")
def test_a_full_disk_is_told_wherever_in_the_file_it_is_met(tmp_path: Path) -> None:
    whole = write_stems(play("ANNA"), noise, tmp_path / "whole", comment=COMMENT, jobs=1)["ANNA"].stat().st_size
    assert whole > 100_000
    # In the header, in the sound, and in the last bytes, which are written when the file is closed.
    limits = [0, 10, 1_000, whole // 2, whole - 1_000, whole - 10, whole - 1]
    folder = tmp_path / "little"
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_write_into_little_space, args=(str(folder), limits))
    process.start()
    process.join()
    assert process.exitcode == 17
    assert list(folder.iterdir()) == []
