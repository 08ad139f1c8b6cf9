"""A programme divided into parts, each complete in itself: for shops that take no longer file.

Owns where it is divided and the silence around a part. Does not know why parts must be short (`masters`) or what is
made of them (`exports`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from speechagents.audio import Samples
from speechagents.production.programme import PROGRAMME_HZ, Programme
from speechagents.production.timeline import SCENE_GUARD_S, Timeline

HEAD_S: Final = 0.75
"""Silence before the first sound of a part: the middle of what ACX allows (0.5 to 1 s)."""

TAIL_S: Final = 2.0
"""Silence after the last sound of a part (ACX: 1 to 5 s)."""

_SOUND: Final = 10.0 ** (-60.0 / 20.0)
_STEP: Final = PROGRAMME_HZ


@dataclass(frozen=True, slots=True)
class Part:
    """Some scenes of a programme, with a head and a tail of their own.

    Attributes:
        number: Counts from 1.
        of: How many parts there are.
        programme: Its sound.
        timeline: Its scenes, in times of the part.
    """

    number: int
    of: int
    programme: Programme
    timeline: Timeline

    @property
    def duration_s(self) -> float:
        """Length of its sound."""
        return self.programme.frames / PROGRAMME_HZ


def divide(programme: Programme, timeline: Timeline, *, longest_s: float) -> list[Part]:
    """Divide a programme at scene changes into parts of about the same length.

    A scene is never divided: one that is longer than `longest_s` is a part that is too long.

    Args:
        programme: The mix.
        timeline: Its scenes.
        longest_s: Most seconds of a part, its silences included.
    """
    room_s = longest_s - HEAD_S - TAIL_S
    starts: list[int] = [0]
    ends_s = [scene.end_s for scene in timeline.scenes]
    while starts[-1] < len(ends_s):
        begin_s = timeline.scenes[starts[-1]].start_s
        rest_s = timeline.duration_s - begin_s
        ideal_s = begin_s + rest_s / max(1, math.ceil(rest_s / room_s))
        fitting = [end for end in range(starts[-1], len(ends_s)) if ends_s[end] <= begin_s + room_s]
        last = min(fitting or [starts[-1]], key=lambda end: abs(ends_s[end] - ideal_s))
        starts.append(last + 1)
    bounds = list(pairwise(starts))
    return [_part(programme, timeline, number, len(bounds), *scenes) for number, scenes in enumerate(bounds, 1)]


def _part(programme: Programme, timeline: Timeline, number: int, of: int, first: int, end: int) -> Part:
    """The part of scenes ``first`` up to ``end``."""
    frames = [0, *programme.joints, programme.frames]
    begins, after = _sounding(programme, frames[first], frames[end])
    edge = round(SCENE_GUARD_S * PROGRAMME_HZ)
    lead, trail = min(edge, begins - frames[first]), min(edge, frames[end] - after)
    head, tail = (round(seconds * PROGRAMME_HZ) for seconds in (HEAD_S, TAIL_S))
    sound = PartOfProgramme(programme, begins - lead, after + trail, head=head - lead, tail=tail - trail)
    by_s = (sound.head - sound.first) / PROGRAMME_HZ
    scenes = [scene.shifted(by_s) for scene in timeline.scenes[first:end]]
    scenes[0] = replace(scenes[0], start_s=0.0)
    scenes[-1] = replace(scenes[-1], end_s=sound.frames / PROGRAMME_HZ)
    title = f"{timeline.title}, part {number} of {of}"
    return Part(number, of, sound, replace(timeline, title=title, scenes=tuple(scenes)))


class PartOfProgramme:
    """Frames of a programme between silences: a `Programme`.

    Args:
        whole: The programme.
        first: First frame of it.
        end: Frame after its last one.
        head: Frames of silence before.
        tail: Frames of silence after.
    """

    def __init__(self, whole: Programme, first: int, end: int, *, head: int, tail: int) -> None:
        self._whole = whole
        self.first = first
        self._end = end
        self.head = head
        self._tail = tail

    @property
    def frames(self) -> int:
        """Length with its silences."""
        return self.head + self._end - self.first + self._tail

    @property
    def joints(self) -> Sequence[int]:
        """Scene starts but the first."""
        return [joint - self.first + self.head for joint in self._whole.joints if self.first < joint < self._end]

    def read(self, first: int, count: int) -> Samples:
        """Frames ``first`` to ``first + count``; fewer only at the end."""
        count = max(0, min(count, self.frames - first))
        out = np.zeros((count, 2), np.float32)
        begin = max(first, self.head)
        end = min(first + count, self.frames - self._tail)
        if begin < end:
            out[begin - first : end - first] = self._whole.read(begin - self.head + self.first, end - begin)
        return out


def _sounding(programme: Programme, first: int, end: int) -> tuple[int, int]:
    """The frames between two that sound, from the first above -60 dB to the last."""
    begins = next(_loud(programme, range(first, end, _STEP), end, edge=0), first)
    after = next(_loud(programme, reversed(range(first, end, _STEP)), end, edge=-1), end - 1)
    return begins, max(begins, after + 1)


def _loud(programme: Programme, steps: Iterator[int] | range, end: int, *, edge: int) -> Iterator[int]:
    """In each step that sounds, its first or last frame that does."""
    for start in steps:
        block = programme.read(start, min(_STEP, end - start))
        loud = np.flatnonzero(np.abs(block).max(axis=1) > _SOUND)
        if len(loud):
            yield start + int(loud[edge])
