"""Cuts, and that segments laid end to end are the programme."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from speechagents.audio import Samples
from speechagents.production.codecs import AAC, MP3, OPUS
from speechagents.production.encoding import SEGMENT_S, Segment, blocks_of, segments
from speechagents.production.limiter import BLOCK
from speechagents.production.programme import PROGRAMME_HZ

from .conftest import ArrayProgramme, Exports
from .readback import decoded

LEAST = round(SEGMENT_S * PROGRAMME_HZ)


@given(
    st.lists(st.integers(1, 4 * LEAST), max_size=12),
    st.integers(1, 4 * LEAST),
    st.sampled_from([1, AAC.grid, MP3.grid, OPUS.grid]),
)
def test_segments_cover_everything_at_joints_on_the_grid(lengths: list[int], end: int, grid: int) -> None:
    joints = np.cumsum(lengths).tolist()
    frames = (joints[-1] if joints else 0) + end
    found = segments(frames, joints, grid=grid)
    assert found[0].first == 0
    assert found[-1].end == frames
    assert [segment.last for segment in found] == [False] * (len(found) - 1) + [True]
    for before, after in pairwise(found):
        assert before.end == after.first
        assert after.first % grid == 0
        assert min(abs(after.first - joint) for joint in joints) <= grid / 2
    if len(found) > 1:
        assert min(segment.frames for segment in found) >= LEAST - grid


def test_a_short_or_jointless_programme_is_one_segment() -> None:
    assert segments(100, ()) == (Segment(0, 100, last=True),)
    assert segments(10 * LEAST, ()) == (Segment(0, 10 * LEAST, last=True),)
    assert segments(LEAST, (LEAST // 2,)) == (Segment(0, LEAST, last=True),)


def test_blocks_lie_on_the_grid_of_mastering() -> None:
    programme = ArrayProgramme(np.arange(6 * BLOCK, dtype=np.float32).reshape(-1, 2))
    blocks = list(blocks_of(programme, Segment(100, 2 * BLOCK + 7)))
    assert [len(block) for block in blocks] == [BLOCK - 100, BLOCK, 7]
    assert np.array_equal(np.concatenate(blocks), programme.sound[100 : 2 * BLOCK + 7])


def lag(heard: Samples, sent: Samples) -> int:
    """By how many frames a sound comes late, from the crest of the cross-correlation."""
    size = 1 << (2 * len(sent) - 1).bit_length()
    spectrum = np.fft.rfft(heard[:, 0], size) * np.conj(np.fft.rfft(sent[:, 0], size))
    crest = int(np.argmax(np.fft.irfft(spectrum, size)))
    return crest if crest < size // 2 else crest - size


@pytest.mark.parametrize(
    ("name", "similar"), [("m4b", 0.98), ("mp3", 0.99), ("opus", 0.98), ("flac", 0.9999), ("wav", 0.9999)]
)
def test_every_scene_stands_where_it_was_to_the_sample(
    plain: Exports, drama: ArrayProgramme, name: str, similar: float
) -> None:
    heard, rate_hz = decoded(plain.path(name))
    sent = drama.sound if rate_hz == PROGRAMME_HZ else soxr.resample(drama.sound, PROGRAMME_HZ, rate_hz)
    scale = rate_hz / PROGRAMME_HZ
    ends = [*drama.joints, drama.frames]
    for first, end in zip([0, *drama.joints], ends, strict=True):
        scene = slice(round(first * scale), round(end * scale))
        assert lag(heard[scene], sent[scene]) == 0
        assert np.corrcoef(heard[scene].ravel(), sent[scene].ravel())[0, 1] > similar


@pytest.mark.parametrize("name", ["m4b", "mp3", "opus", "flac", "wav"])
def test_joints_are_silent(plain: Exports, drama: ArrayProgramme, name: str) -> None:
    heard, rate_hz = decoded(plain.path(name))
    for joint in drama.joints:
        at = round(joint * rate_hz / PROGRAMME_HZ)
        # The guard, less what a codec smears to both sides of a sound.
        assert np.abs(heard[at - rate_hz // 6 : at + rate_hz // 6]).max() < 1e-4


@pytest.mark.parametrize("name", ["mp3", "opus", "flac", "wav", "wav24"])
def test_decoded_files_are_as_long_as_the_programme(plain: Exports, drama: ArrayProgramme, name: str) -> None:
    heard, rate_hz = decoded(plain.path(name))
    assert len(heard) == round(drama.frames * rate_hz / PROGRAMME_HZ)


@pytest.mark.parametrize("name", ["m4b", "mp3", "opus"])
def test_lossy_codecs_keep_the_level(plain: Exports, drama: ArrayProgramme, name: str) -> None:
    heard, _ = decoded(plain.path(name))
    change = 20.0 * np.log10(np.sqrt(np.mean(heard**2)) / np.sqrt(np.mean(drama.sound**2)))
    assert abs(change) < 0.25


def test_the_number_of_threads_never_changes_the_bytes(plain: Exports, export_all: object) -> None:
    assert callable(export_all)
    alone = export_all(formats=tuple(plain.files), jobs=1)
    for name, exported in plain.files.items():
        assert exported.path.read_bytes() == alone.path(name).read_bytes(), name
