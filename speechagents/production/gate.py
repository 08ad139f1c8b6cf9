"""The finished file, heard once more: does what the listener gets meet the standard?

Owns decoding and the report. Does not know how the file was made; it reads it with FFmpeg's demuxers and decoders,
not with the code that wrote it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from speechagents.audio import Samples
from speechagents.errors import StorageError
from speechagents.production.lanes import Job, Lane, Product
from speechagents.production.limiter import Dip, MasteredProgramme
from speechagents.production.loudness import Loudness, LoudnessMeter, Measured, merge
from speechagents.production.masters import Master
from speechagents.production.narration_meter import NarrationMeter
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.truepeak import largest

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
        dips: Places where it kept to a lower one, because the codec overshot there.
    """

    master: str
    file: str
    measured: Loudness
    verdicts: tuple[Verdict, ...]
    gain_db: float
    ceiling_db: float
    dips: int = 0

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


@dataclass(frozen=True, slots=True)
class Over:
    """A place of a finished file whose peak breaks the rule.

    Attributes:
        start_s: Its start.
        end_s: Its end.
        excess_db: By how much.
    """

    start_s: float
    end_s: float
    excess_db: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a finished file measures.

    Attributes:
        loudness: Its figures.
        overs: Where its peaks break the rule, in order of time.
    """

    loudness: Loudness
    overs: tuple[Over, ...]


def measure_files(
    files: Sequence[tuple[Path, Path]], master: Master | None = None, *, one_channel: bool = False
) -> Job[list[Heard]]:
    """Measure sound files side by side: a job for `lanes.run`.

    A filter graph of FFmpeg reads and decodes a file in a thread of the pool, and gives out a second at a time. Frame
    by frame through Python it took three times as long.

    Args:
        files: Each file with its name for messages, if it does not have its own yet.
        master: Its rule for peaks decides what is an over; None finds none.
        one_channel: Both channels should be the same, and one is measured for both as long as they are.

    Returns:
        One entry for each file.

    Raises:
        StorageError: A file cannot be read back.
    """
    rule = master.peak_rule if master else None
    limit = 10.0 ** (rule.high / 20.0) if rule else math.inf
    parts: list[Measured] = []
    yield Lane(
        tasks=(partial(_heard, path, name, limit, one_channel=one_channel) for path, name in files),
        consume=lambda part: parts.append(part) if part is not None else None,
    )
    between_samples = rule is not None and rule.name == "true_peak_db"
    return [Heard(merge([part]), tuple(_overs(part, limit, between_samples=between_samples))) for part in parts]


def dips_at(overs: Iterable[Over], mastered: MasteredProgramme, *, known: Sequence[Dip]) -> list[Dip]:
    """Where and how far a programme must be turned down so that a codec's overshoot keeps the rule.

    Args:
        overs: What the file overshoots.
        mastered: The programme that was encoded, before any dips.
        known: Dips that were made already, and were not enough.

    Returns:
        Further dips.
    """
    dips = []
    for over in overs:
        first, end = (round(time_s * PROGRAMME_HZ) for time_s in (over.start_s, over.end_s))
        first = max(0, first - _DIP_REACH)
        lowest = min(
            [largest(mastered.read(first, end + _DIP_REACH - first))]
            + [dip.ceiling for dip in known if dip.first < end and dip.end > first]
        )
        dips.append(Dip(first, end + _DIP_REACH, lowest * 10.0 ** (-(over.excess_db + _DIP_MARGIN_DB) / 20.0)))
    return dips


_DIP_REACH = PROGRAMME_HZ // 50
_DIP_MARGIN_DB = 0.3


def _overs(part: Measured, limit: float, *, between_samples: bool) -> Iterator[Over]:
    peaks = part.peaks.astype(np.float64)
    if between_samples:
        for hop, value in part.true_peaks.items():
            peaks[hop] = max(peaks[hop], value)
    hop_s = part.hop / part.rate_hz
    for hop in np.flatnonzero(peaks > limit).tolist():
        yield Over(hop * hop_s, (hop + 1) * hop_s, 20.0 * math.log10(peaks[hop] / limit))


def _heard(path: Path, name: Path, limit: float, *, one_channel: bool) -> Iterator[Product]:
    """Hear a file to its end: its measurements come last, and nothing (None) every minute, to be stopped at."""
    import av

    try:
        meter: LoudnessMeter | NarrationMeter | None = None
        for count, frame in enumerate(_frames(path), 1):
            if meter is None:
                kind = NarrationMeter if one_channel else LoudnessMeter
                meter = kind(frame.sample_rate, true_peak=True, limit=limit)
            samples = _samples(frame)
            if isinstance(meter, LoudnessMeter):
                meter.feed(samples)
            elif np.array_equal(samples[:, 0], samples[:, 1]):
                meter.feed(np.ascontiguousarray(samples[:, 0]))
            else:
                # The codec has made two of one: it is heard again as it is.
                yield from _heard(path, name, limit, one_channel=False)
                return
            if count % 60 == 0:
                yield Product(None, 0.0, 0)
    except av.FFmpegError as error:
        raise StorageError(f"{name}: cannot be read back ({error}); export again, to another disk") from error
    yield Product((meter or LoudnessMeter()).finish(), 0.0, 0)


def _frames(path: Path) -> Iterator[Any]:
    """The frames of a sound file, about a second each."""
    import av

    graph = av.filter.Graph()
    source = graph.add("amovie", filename=f"file:{path}")
    whole = graph.add("asetnsamples", f"n={_BLOCK_FRAMES}:p=0")
    sink = graph.add("abuffersink")
    source.link_to(whole)
    whole.link_to(sink)
    graph.configure()
    while True:
        try:
            yield graph.pull()
        except av.EOFError:
            return


def _samples(frame: Any) -> Samples:
    """A frame as float32 of shape ``(n, 2)``."""
    values = frame.to_ndarray()
    laid_out = values.T if frame.format.is_planar else values.reshape(-1, 2)
    if np.issubdtype(laid_out.dtype, np.integer):
        return np.asarray(laid_out, np.float32) / np.float32(2.0 ** (8 * laid_out.itemsize - 1))
    return np.asarray(laid_out, np.float32)
