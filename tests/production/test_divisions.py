"""Programmes that are too long for one file."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.drama import Line
from speechagents.production.divisions import HEAD_S, TAIL_S, divide
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.timeline import PlacedLine, PlacedScene, Timeline
from tests.production.conftest import ArrayProgramme, silence, speech_like


def scenes_of(*durations_s: float) -> tuple[ArrayProgramme, Timeline]:
    """Scenes with a second of silence around what sounds, and one line in each."""
    sounds = [
        np.concatenate([silence(1.0), speech_like(length - 2.0, seed=seed), silence(1.0)])
        for seed, length in enumerate(durations_s)
    ]
    ends = np.cumsum([len(sound) for sound in sounds])
    starts = [0, *ends[:-1].tolist()]
    scenes = tuple(
        PlacedScene(
            f"Scene {number}",
            "",
            first / PROGRAMME_HZ,
            end / PROGRAMME_HZ,
            (PlacedLine(Line(number, "Ann", "Hello."), f"{number:064x}", first / PROGRAMME_HZ + 1.1, 1.0),),
        )
        for number, (first, end) in enumerate(zip(starts, ends.tolist(), strict=True), 1)
    )
    return ArrayProgramme(np.concatenate(sounds), tuple(starts[1:])), Timeline("Long", scenes)


def test_parts_are_of_about_the_same_length_and_never_too_long() -> None:
    parts = divide(*scenes_of(4, 4, 4, 4, 4, 4), longest_s=19.0)
    assert [len(part.timeline.scenes) for part in parts] == [3, 3]
    assert all(part.programme.frames / PROGRAMME_HZ <= 19.0 for part in parts)


def test_every_scene_is_in_one_part_and_all_of_its_sound() -> None:
    programme, timeline = scenes_of(4, 9, 3, 3, 8, 4)
    parts = divide(programme, timeline, longest_s=16.0)
    assert [scene.title for part in parts for scene in part.timeline.scenes] == [s.title for s in timeline.scenes]
    energy = sum(float(np.square(part.programme.read(0, part.programme.frames)).sum()) for part in parts)
    assert energy == pytest.approx(float(np.square(programme.sound).sum()), rel=1e-3)


def test_a_part_has_its_head_and_its_tail_and_times_of_its_own() -> None:
    programme, timeline = scenes_of(5, 5, 5, 5)
    for part in divide(programme, timeline, longest_s=14.0):
        sound = part.programme.read(0, part.programme.frames + 5)
        assert len(sound) == part.programme.frames
        loud = np.flatnonzero(np.abs(sound).max(axis=1) > 1e-3)
        assert loud[0] / PROGRAMME_HZ == pytest.approx(HEAD_S, abs=0.01)
        assert (len(sound) - loud[-1]) / PROGRAMME_HZ == pytest.approx(TAIL_S, abs=0.01)
        assert part.timeline.scenes[0].start_s == 0.0
        assert part.timeline.duration_s == pytest.approx(part.programme.frames / PROGRAMME_HZ)
        for joint in part.programme.joints:
            assert not part.programme.read(joint - 4_000, 8_000).any()
        for number, placed in enumerate(part.timeline.lines(), 2 * part.number - 1):
            whole = timeline.scenes[number - 1].lines[0]
            first, other = round(placed.start_s * PROGRAMME_HZ), round(whole.start_s * PROGRAMME_HZ)
            assert np.array_equal(part.programme.read(first, 1_000), programme.read(other, 1_000))


def test_reading_in_pieces_gives_the_same_sound() -> None:
    (first, *_) = divide(*scenes_of(5, 5, 5), longest_s=9.0)
    whole = first.programme.read(0, first.programme.frames)
    pieces = [first.programme.read(at, 7_777) for at in range(0, first.programme.frames, 7_777)]
    assert np.array_equal(np.concatenate(pieces), whole)


def test_a_scene_that_is_too_long_by_itself_stays_whole() -> None:
    parts = divide(*scenes_of(4, 30, 4), longest_s=12.0)
    assert [part.timeline.scenes[0].title for part in parts] == ["Scene 1", "Scene 2", "Scene 3"]


def test_a_silent_programme_can_be_divided() -> None:
    _, timeline = scenes_of(5, 5)
    programme = ArrayProgramme(silence(10.0), (5 * PROGRAMME_HZ,))
    assert len(divide(programme, timeline, longest_s=8.0)) == 2
