"""Mixes on disk and the programme they add up to."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speechagents.errors import StorageError
from speechagents.production.mixfile import MixedProgramme, MixFile


def counting(first: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    ramp = np.arange(first, first + count, dtype=np.float32)
    return np.stack([ramp, -ramp], axis=1)


def test_a_growing_mix_can_be_read_while_it_grows(tmp_path: Path) -> None:
    mix = MixFile(tmp_path / "1.f32")
    assert mix.read(0, 10).shape == (0, 2)
    mix.append(counting(0, 5))
    assert np.array_equal(mix.read(2, 10), counting(2, 3))
    mix.append(counting(5, 5))
    assert np.array_equal(mix.read(3, 4), counting(3, 4))
    assert mix.frames == 10


def test_a_second_run_does_not_append_to_the_first(tmp_path: Path) -> None:
    MixFile(tmp_path / "1.f32").append(counting(0, 100))
    mix = MixFile(tmp_path / "1.f32")
    mix.append(counting(7, 1))
    assert (tmp_path / "1.f32").stat().st_size == 8


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    lengths=st.lists(st.integers(1, 20), min_size=1, max_size=6),
    first=st.integers(0, 130),
    count=st.integers(0, 130),
)
def test_a_programme_reads_as_if_it_were_one_file(tmp_path: Path, lengths: list[int], first: int, count: int) -> None:
    scenes = []
    for index, length in enumerate(lengths):
        scenes.append(MixFile(tmp_path / f"{index}.f32"))
        scenes[-1].append(counting(sum(lengths[:index]), length))
    programme = MixedProgramme(scenes)
    whole = counting(0, sum(lengths))
    assert programme.frames == len(whole)
    assert np.array_equal(programme.read(first, count), whole[first : first + count])
    assert list(programme.joints) == [sum(lengths[:index]) for index in range(1, len(lengths))]


def test_a_mix_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        MixFile(tmp_path / "nowhere" / "1.f32").append(counting(0, 1))
