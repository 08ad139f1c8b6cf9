"""A programme cut into segments that are encoded on their own, side by side, and land in one file in order.

Owns the cuts. Does not know codecs' insides (`codecs`) or files (`containers`). Cuts depend on the programme
and the codec's frame alone, never on the number of threads: the bytes are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

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


def encoding_lane(programme: Programme, codec: Codec, write: Callable[[Sequence[bytes]], None]) -> Lane:
    """Everything that must be done to encode a programme; packets are written in order."""
    return Lane(
        tasks=(
            _encode_task(programme, codec, segment)
            for segment in segments(programme.frames, programme.joints, grid=codec.grid)
        ),
        consume=write,
        total_s=programme.frames / PROGRAMME_HZ,
    )


def _encode_task(programme: Programme, codec: Codec, segment: Segment) -> Callable[[], Iterator[Product]]:
    def task() -> Iterator[Product]:
        done = 0

        def counted() -> Iterator[Samples]:
            nonlocal done
            for block in blocks_of(programme, segment):
                yield block
                done += len(block)

        told = 0
        for packets in codec.encode(counted(), frames=segment.frames, last=segment.last):
            yield Product(packets, (done - told) / PROGRAMME_HZ, sum(map(len, packets)))
            told = done

    return task
