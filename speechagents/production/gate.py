"""The finished file, heard once more: does what the listener gets meet the standard?

Owns decoding and the report. Does not know how the file was made; it reads it with FFmpeg's demuxers and decoders,
not with the code that wrote it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from speechagents.audio import Samples
from speechagents.errors import StorageError
from speechagents.production.lanes import Job, Lane, Product
from speechagents.production.loudness import Loudness, LoudnessMeter, Measured, merge
from speechagents.production.masters import Master

_BLOCK_FRAMES = 48_000
"""Frames that are decoded and measured at a time: about a second."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule, applied.

    Attributes:
        rule: Name of the figure.
        value: What the file has.
        low: Least value allowed, None for no limit.
        high: Largest value allowed, None for no limit.
        passed: The value lies between them.
    """

    rule: str
    value: float
    low: float | None
    high: float | None
    passed: bool


@dataclass(frozen=True, slots=True)
class GateReport:
    """What a finished file measures, and which rules it meets.

    Attributes:
        master: Name of the standard.
        file: Name of the file.
        measured: Figures of the decoded file.
        verdicts: One for each rule of the standard.
        gain_db: Gain that was applied to the mix.
        ceiling_db: Ceiling that the limiter kept to.
    """

    master: str
    file: str
    measured: Loudness
    verdicts: tuple[Verdict, ...]
    gain_db: float
    ceiling_db: float

    @property
    def passed(self) -> bool:
        """Every rule is met."""
        return all(verdict.passed for verdict in self.verdicts)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "verdicts": [asdict(verdict) for verdict in self.verdicts], "passed": self.passed}


def judge(loudness: Loudness, master: Master) -> tuple[Verdict, ...]:
    """Apply every rule of a standard to a file's figures."""
    return tuple(
        Verdict(
            rule=rule.name,
            value=getattr(loudness, rule.name),
            low=None if math.isinf(rule.low) else rule.low,
            high=None if math.isinf(rule.high) else rule.high,
            passed=rule.passes(loudness),
        )
        for rule in master.rules
    )


def measure_file(path: Path, *, known_as: Path | None = None) -> Job[Loudness]:
    """Measure a sound file: a job for `lanes.run`.

    A filter graph of FFmpeg reads and decodes the file in a thread of the pool, and gives out a second at a time. Frame
    by frame through Python it took three times as long, and held up the encoders of other files beside it.

    Args:
        path: The file.
        known_as: Name for messages, if the file does not have its own yet.

    Raises:
        StorageError: The file cannot be read back.
    """
    parts: list[Measured] = []
    yield Lane(
        tasks=iter([partial(_heard, path, known_as or path)]),
        consume=lambda part: parts.append(part) if part is not None else None,
    )
    return merge(parts)


def _heard(path: Path, name: Path) -> Iterator[Product]:
    """Hear a file to its end: its measurements come last, and nothing (None) every minute, to be stopped at."""
    import av

    try:
        graph = av.filter.Graph()
        source = graph.add("amovie", filename=f"file:{path}")
        whole = graph.add("asetnsamples", f"n={_BLOCK_FRAMES}:p=0")
        sink = graph.add("abuffersink")
        source.link_to(whole)
        whole.link_to(sink)
        graph.configure()
        meter: LoudnessMeter | None = None
        for count in itertools.count(1):
            try:
                frame: Any = graph.pull()
            except av.EOFError:
                break
            if meter is None:
                meter = LoudnessMeter(frame.sample_rate, true_peak=True)
            meter.feed(_samples(frame))
            if count % 60 == 0:
                yield Product(None, 0.0, 0)
    except av.FFmpegError as error:
        raise StorageError(f"{name}: cannot be read back ({error}); export again, to another disk") from error
    yield Product((meter or LoudnessMeter()).finish(), 0.0, 0)


def _samples(frame: Any) -> Samples:
    """A frame as float32 of shape ``(n, 2)``."""
    values = frame.to_ndarray()
    laid_out = values.T if frame.format.is_planar else values.reshape(-1, 2)
    if np.issubdtype(laid_out.dtype, np.integer):
        return np.asarray(laid_out, np.float32) / np.float32(2.0 ** (8 * laid_out.itemsize - 1))
    return np.asarray(laid_out, np.float32)
