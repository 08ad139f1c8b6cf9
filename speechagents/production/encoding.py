"""A programme cut into segments that are encoded on their own, side by side, and land in one file in order.

Owns the cuts. Does not know codecs' insides (`codecs`) or files (`containers`). Cuts depend on the programme
and the codec's frame alone, never on the number of threads: the bytes are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from speechagents.audio import Samples
from speechagents.production.codecs import Codec
from speechagents.production.lanes import Lane, Product
from speechagents.production.limiter import BLOCK
from speechagents.production.programme import PROGRAMME_HZ, Programme

SEGMENT_S = 30.0
"""Segments are at least this long, but for a programme that is shorter: starting an encoder costs about 10 ms."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames ``first`` up to ``end`` of a programme."""

    first: int
    end: int
    last: bool = False

    @property
    def frames(self) -> int:
        """Length."""
        return self.end - self.first


def segments(frames: int, joints: Sequence[int], *, grid: int = 1) -> tuple[Segment, ...]:
    """Cut a programme at joints into segments of at least `SEGMENT_S`.

    Args:
        frames: Length of the programme.
        joints: Where it may be cut, ascending.
        grid: Cuts are rounded to multiples of this many frames; a joint's silence has room for that.
    """
    least = round(SEGMENT_S * PROGRAMME_HZ)
    cuts = [0]
    for joint in joints:
        if joint - cuts[-1] >= least and frames - joint >= least:
            cuts.append(joint)
    rounded = [round(cut / grid) * grid for cut in cuts] + [frames]
    return tuple(Segment(first, end, last=end == frames) for first, end in pairwise(rounded))


def blocks_of(programme: Programme, segment: Segment) -> Iterator[Samples]:
    """A segment in blocks of at most a second that lie on the grid of `limiter.BLOCK`."""
    first = segment.first
    while first < segment.end:
        end = min(segment.end, (first // BLOCK + 1) * BLOCK)
        yield programme.read(first, end - first)
        first = end


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a programme is encoded into.

    Attributes:
        codec: Makes its packets.
        write: Takes them, in order.
    """

    codec: Codec
    write: Callable[[Sequence[bytes]], None]


def encoding_lane(programme: Programme, outputs: Sequence[Output]) -> Lane:
    """Everything that must be done to encode a programme into several files.

    Each stretch is read, and if the programme is mastered, limited, once for all of them.
    """
    cuts = [segments(programme.frames, programme.joints, grid=output.codec.grid) for output in outputs]

    def write(packets_of: tuple[int, list[bytes]]) -> None:
        index, packets = packets_of
        outputs[index].write(packets)

    def tasks() -> Iterator[Callable[[], Iterator[Product]]]:
        everything = range(len(outputs))
        for stretch in zip(*cuts, strict=True):
            # The end is dealt out file by file, so that no thread is left with all of it.
            shares = [[index] for index in everything] if stretch[0].last else [everything]
            for share in shares:
                yield _encode_task(programme, {index: (outputs[index].codec, stretch[index]) for index in share})

    return Lane(tasks=tasks(), consume=write, total_s=programme.frames / PROGRAMME_HZ)


def _encode_task(programme: Programme, work: Mapping[int, tuple[Codec, Segment]]) -> Callable[[], Iterator[Product]]:
    def task() -> Iterator[Product]:
        once = _ReadOnce(programme)
        encoders = {
            index: iter(codec.encode(blocks_of(once, segment), frames=segment.frames, last=segment.last))
            for index, (codec, segment) in work.items()
        }
        # The first file tells of all: cuts differ by less than a packet.
        progress = _Progress(work[0][1].first, once) if 0 in work else None
        # In turn, so that all are at the same block.
        while encoders:
            for index in list(encoders):
                packets = next(encoders[index], None)
                if packets is None:
                    del encoders[index]
                else:
                    told_s = progress.seconds() if progress else 0.0
                    yield Product((index, packets), told_s, sum(map(len, packets)))

    return task


class _ReadOnce:
    """A programme that remembers its latest blocks, for several readers that go through it side by side."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._blocks: dict[int, Samples] = {}
        self.frames = programme.frames
        self.joints = programme.joints
        self.reached = 0

    def read(self, first: int, count: int) -> Samples:
        """Frames that lie within one block, as `blocks_of` asks for them."""
        number, offset = divmod(first, BLOCK)
        if number not in self._blocks:
            self._blocks.pop(number - 2, None)
            # Columns in one piece each: what most encoders take.
            self._blocks[number] = np.asfortranarray(self._programme.read(number * BLOCK, BLOCK))
            self.reached = max(self.reached, first + count)
        return self._blocks[number][offset : offset + count]


class _Progress:
    """How far a stretch is, told in differences."""

    def __init__(self, first: int, source: _ReadOnce) -> None:
        self._told = first
        self._source = source

    def seconds(self) -> float:
        """Seconds since the last time."""
        reached = max(self._told, self._source.reached)
        news, self._told = reached - self._told, reached
        return news / PROGRAMME_HZ
