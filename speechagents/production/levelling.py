"""A chapter of narration brought to its standard before it is encoded: limited once, measured once.

Owns the order: a gain is estimated from the takes' energy, the chapter is limited at it, what comes out is measured,
and the rest is one exact factor, for loudness is linear in it. A factor that would lift the limited peaks too far sends
the chapter through once more. Works on one channel and hands out two that are the same. Does not know what is measured
on finished files (`gate`), nor the search that a stereo mix needs, whose limiter and gain are found together (`gain`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from speechagents.audio import Samples
from speechagents.production.encoding import Segment, segments
from speechagents.production.gain import MAX_GAIN_DB
from speechagents.production.lanes import Job, Lane, Product
from speechagents.production.limiter import BLOCK, CONTEXT, limited
from speechagents.production.loudness import SILENCE_LUFS, Measured, integrated_lufs, merge
from speechagents.production.masters import Level, Master
from speechagents.production.narration_meter import NarrationMeter
from speechagents.production.reel import ReelProgramme
from speechagents.production.storage import storage_errors

_SAMPLE_BYTES: Final = 4
_TOO_MUCH_DB: Final = 0.3
"""Most that peaks may come to lie above the ceiling: codecs are left 1.7 dB and more, and finished files are heard."""
_LOST_DB: Final = 0.3
"""What the limiter takes from speech at the usual gains, to begin with."""
_WEIGHTING_DB: Final = 0.7
"""By how much speech without its pauses is louder in LUFS than its root mean square, to begin with."""
_ROUNDS: Final = 3


@dataclass(frozen=True, slots=True)
class Levelled:
    """A chapter at the level of its standard: a `Programme`.

    Attributes:
        path: One channel of it, raw float32, after the limiter.
        frames: Length in frames.
        joints: Where it may be cut.
        factor: What is left to multiply by.
        gain_db: All that was added to the takes.
    """

    path: Path
    frames: int
    joints: Sequence[int]
    factor: float
    gain_db: float

    def read(self, first: int, count: int) -> Samples:
        """Frames ``first`` to ``first + count`` as ``(n, 2)``; fewer only at the end.

        Raises:
            StorageError: The file is gone.
        """
        count = max(0, min(count, self.frames - first))
        with storage_errors(self.path), self.path.open("rb", buffering=0) as file:
            file.seek(first * _SAMPLE_BYTES)
            samples = np.frombuffer(file.read(count * _SAMPLE_BYTES), np.float32) * np.float32(self.factor)
        both = np.empty((2, count), np.float32)
        both[:] = samples
        return both.T


def level(programme: ReelProgramme, master: Master, path: Path) -> Job[Levelled]:
    """Bring a chapter to a standard: a job for `lanes.run`.

    Args:
        programme: The takes at their places.
        master: The standard.
        path: File for what comes out.

    Raises:
        StorageError: The disk is full or read-only.
    """
    gain_db = _first_gain_db(programme, master)
    rest_db = 0.0
    for _ in range(_ROUNDS):
        parts: list[Measured] = []
        with storage_errors(path), path.open("wb") as file:
            file.truncate(programme.frames * _SAMPLE_BYTES)
        yield _limiting_lane(programme, path, gain_db, master.ceiling_db, parts.append)
        rest_db = _missing_db(parts, master)
        if gain_db + rest_db > MAX_GAIN_DB:
            rest_db = MAX_GAIN_DB - gain_db
        if rest_db <= _TOO_MUCH_DB:
            break
        # What was estimated too low is put right, and a little more for what a harder limiter will take.
        gain_db += rest_db + _LOST_DB
    return Levelled(path, programme.frames, programme.joints, 10.0 ** (rest_db / 20.0), gain_db + rest_db)


def _first_gain_db(programme: ReelProgramme, master: Master) -> float:
    """The gain that will about do, told by the energy of the takes alone."""
    if programme.energy <= 0.0:
        return 0.0
    if master.level is Level.RMS_DB:
        present_db = 10.0 * math.log10(programme.energy / programme.frames)
    else:
        # Both channels count, and gating leaves the pauses out.
        present_db = 10.0 * math.log10(2.0 * programme.energy / programme.sounding) - 0.691 + _WEIGHTING_DB
    return min(MAX_GAIN_DB, master.aim - present_db + _LOST_DB)


def _missing_db(parts: Sequence[Measured], master: Master) -> float:
    loudness = merge(parts)
    if loudness.integrated_lufs <= SILENCE_LUFS:
        return 0.0
    if master.level is Level.RMS_DB:
        return master.aim - loudness.rms_db
    return master.aim - integrated_lufs([part.momentary_lufs for part in parts])


def _limiting_lane(
    programme: ReelProgramme, path: Path, gain_db: float, ceiling_db: float, consume: Callable[[Measured], None]
) -> Lane:
    def tasks() -> Iterator[Callable[[], Iterator[Product]]]:
        for segment in segments(programme.frames, programme.joints):
            yield partial(_limit, programme, path, segment, gain_db, ceiling_db)

    return Lane(tasks=tasks(), consume=consume)


def _limit(
    programme: ReelProgramme, path: Path, segment: Segment, gain_db: float, ceiling_db: float
) -> Iterator[Product]:
    """Limit a stretch into its place of the file, and measure it. Each block is right by itself, whoever asks."""
    meter = NarrationMeter()
    gain = np.float32(10.0 ** (gain_db / 20.0))
    ceiling = 10.0 ** (ceiling_db / 20.0)
    with storage_errors(path), path.open("r+b", buffering=0) as file:
        file.seek(segment.first * _SAMPLE_BYTES)
        first = segment.first
        while first < segment.end:
            end = min(segment.end, (first // BLOCK + 1) * BLOCK)
            start = max(0, first - CONTEXT)
            around = programme.read_mono(start, end + CONTEXT - start) * gain
            block = np.ascontiguousarray(limited(around[:, None], ceiling=ceiling)[first - start : end - start, 0])
            file.write(block.data)
            meter.feed(block)
            first = end
    yield Product(meter.finish(), 0.0, 0)
