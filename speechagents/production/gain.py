"""The gain that brings a mix to a standard's aim, limiter and all.

Owns the search, and measuring what it starts from. Does not know what standards there are (`masters`) or how files are
made (`exports`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from speechagents.production.encoding import Segment, blocks_of, segments
from speechagents.production.lanes import Job, Lane, Product
from speechagents.production.limiter import CONTEXT, limited
from speechagents.production.loudness import (
    SILENCE_LUFS,
    Levels,
    LoudnessMeter,
    Measured,
    integrated_lufs,
    merge,
)
from speechagents.production.masters import Level, Master
from speechagents.production.programme import Programme

MAX_GAIN_DB = 40.0
"""More than this would lift the noise of something that is silence in all but name."""

_CLOSE_ENOUGH_DB = 0.1
_MAX_ROUNDS = 4
_LEAST_SLOPE = 0.25
_BLOCK_HOPS = 4
_RUN_HOPS = 50
_MAX_RUNS = 400
"""Of a long programme that is limited everywhere, half an hour spread over all of it tells what the rest loses. With
30 runs (150 s) a made-up script of seven minutes came out 0.7 LU too quiet."""


def gain_for(programme: Programme, measured: Sequence[Measured], master: Master) -> Job[float]:
    """Find the gain that brings a programme to its aim after limiting: a job for `lanes.run`.

    Without limiting the gain is exact, for loudness is linear in it. The limiter takes a little energy away where
    peaks exceed the ceiling; those places alone are limited and measured again, and the gain makes up for it.

    Args:
        programme: The mix.
        measured: Its stretches in order, together as long as the programme.
        master: The standard.

    Returns:
        Gain in decibels, 0 for silence.

    Raises:
        ValueError: The stretches are not as long as the programme.
    """
    if sum(part.frames for part in measured) != programme.frames:
        raise ValueError("the measured stretches are not as long as the programme")
    if merge(measured).integrated_lufs <= SILENCE_LUFS:
        return 0.0
    gain_db, level, slope = 0.0, _level(measured, master, gain_db=0.0), 1.0
    for _ in range(_MAX_ROUNDS):
        missing = master.aim - level
        if abs(missing) < _CLOSE_ENOUGH_DB:
            break
        before_db, before = gain_db, level
        gain_db = min(MAX_GAIN_DB, gain_db + missing / slope)
        parts = [
            replace(part, momentary_lufs=part.momentary_lufs.copy(), square_sums=part.square_sums.copy())
            for part in measured
        ]
        runs = list(_runs_to_limit(measured, threshold=10.0 ** ((master.ceiling_db - gain_db) / 20.0)))
        sample = runs[:: -(-len(runs) // _MAX_RUNS) or 1]
        yield _limiting_lane(programme, parts, sample, gain_db=gain_db, ceiling_db=master.ceiling_db)
        rest = set(runs).difference(sample)
        if rest:
            _extrapolate(measured, parts, sample, rest, _Model(gain_db, master.ceiling_db))
        level = _level(parts, master, gain_db=gain_db)
        # The harder the limiter works, the less a decibel of gain brings.
        if gain_db != before_db:
            slope = min(1.0, max(_LEAST_SLOPE, (level - before) / (gain_db - before_db)))
    return gain_db


def measuring_lane(programme: Programme, consume: Callable[[Measured], None]) -> Lane:
    """Measure a programme that nobody measured while it was made, in stretches side by side.

    Args:
        programme: The mix.
        consume: Gets what was found, stretch by stretch and in order.
    """

    def tasks() -> Iterator[Callable[[], Iterator[Product]]]:
        for segment in segments(programme.frames, programme.joints):
            yield partial(_measured, programme, segment)

    return Lane(tasks=tasks(), consume=consume)


def _measured(programme: Programme, segment: Segment) -> Iterator[Product]:
    meter = LoudnessMeter()
    for block in blocks_of(programme, segment):
        meter.feed(block)
    yield Product(meter.finish(), 0.0, 0)


def _level(measured: Sequence[Measured], master: Master, *, gain_db: float) -> float:
    """The figure a standard aims at, after a gain."""
    if master.level is Level.RMS_DB:
        return merge(measured).rms_db + gain_db
    return integrated_lufs([part.momentary_lufs + gain_db for part in measured])


@dataclass(frozen=True, slots=True)
class _Run:
    """Hops ``first`` to ``end`` of a stretch that begins at frame ``start``: what the limiter may touch."""

    part: int
    start: int
    first: int
    end: int


def _limiting_lane(
    programme: Programme, parts: Sequence[Measured], runs: Sequence[_Run], *, gain_db: float, ceiling_db: float
) -> Lane:
    """Measure again what the limiter touches, and write it over what the stretches said.

    The gain itself is taken out of the new figures, so that all of a stretch refer to the mix.
    """

    def correct(found: tuple[_Run, Measured]) -> None:
        run, limited_run = found
        part = parts[run.part]
        lead = run.first - _lead_in(run)
        for old, new in (
            (part.momentary_lufs, limited_run.momentary_lufs - np.float32(gain_db)),
            (part.square_sums, limited_run.square_sums / np.float32(10.0 ** (gain_db / 10.0))),
        ):
            end = min(len(old), run.end)
            old[run.first : end] = new[lead : lead + end - run.first]

    return Lane(
        tasks=(_limiting_task(programme, run, parts[run.part], gain_db=gain_db, ceiling_db=ceiling_db) for run in runs),
        consume=correct,
    )


@dataclass(frozen=True, slots=True)
class _Model:
    """What limiting costs where it was not measured.

    A hop whose peak exceeds the ceiling by e decibels loses ``share * e`` decibels of its energy: all of e would
    be lost if the limiter turned the whole hop down as far as its peak. The share is fitted to what was measured.
    """

    gain_db: float
    ceiling_db: float

    def energy(self, part: Measured, run: _Run, share: float) -> Levels:
        """Square sums of a run's hops after limiting."""
        return self._limited(part, run.first, run.end, share)

    def momentary(self, part: Measured, run: _Run, share: float) -> Levels:
        """Momentary loudness of a run's hops after limiting: each covers its hop and the three before."""
        first = max(0, run.first - _BLOCK_HOPS + 1)
        end = min(run.end, len(part.momentary_lufs))
        window = np.ones(_BLOCK_HOPS, np.float32)
        before = np.convolve(part.square_sums[first:end], window)[run.first - first : end - first]
        after = np.convolve(self._limited(part, first, end, share), window)[run.first - first : end - first]
        kept = np.divide(after, before, out=np.ones_like(after), where=before > 0.0)
        return np.asarray(part.momentary_lufs[run.first : end] + 10.0 * np.log10(kept), np.float32)

    def _limited(self, part: Measured, first: int, end: int, share: float) -> Levels:
        excess_db = 20.0 * np.log10(np.maximum(part.peaks[first:end], 1e-9)) + self.gain_db - self.ceiling_db
        return np.asarray(
            part.square_sums[first:end] * np.power(10.0, -share * np.maximum(0.0, excess_db) / 10.0), np.float32
        )


def _extrapolate(
    before: Sequence[Measured],
    after: Sequence[Measured],
    sample: Sequence[_Run],
    rest: Iterable[_Run],
    model: _Model,
) -> None:
    """Write over runs that were not measured what the model, fitted to those that were, makes of them."""

    def power(parts: Sequence[Measured]) -> float:
        levels = [parts[run.part].momentary_lufs[run.first : run.end] for run in sample]
        return float(np.power(10.0, np.concatenate(levels, dtype=np.float64) / 10.0).sum())

    def modelled_power(share: float) -> float:
        levels = [model.momentary(before[run.part], run, share) for run in sample]
        return float(np.power(10.0, np.concatenate(levels, dtype=np.float64) / 10.0).sum())

    def modelled_energy(share: float) -> float:
        return float(sum(model.energy(before[run.part], run, share).sum(dtype=np.float64) for run in sample))

    energy = float(sum(after[run.part].square_sums[run.first : run.end].sum(dtype=np.float64) for run in sample))
    energy_share = _falling_to(modelled_energy, energy)
    power_share = _falling_to(modelled_power, power(after))
    for run in rest:
        part, mix = after[run.part], before[run.part]
        part.square_sums[run.first : run.end] = model.energy(mix, run, energy_share)
        part.momentary_lufs[run.first : run.end] = model.momentary(mix, run, power_share)


def _falling_to(falling: Callable[[float], float], value: float) -> float:
    """Where between 0 and 2 a falling function comes nearest to a value, by halving."""
    low, high = 0.0, 2.0
    for _ in range(20):
        middle = (low + high) / 2.0
        low, high = (middle, high) if falling(middle) > value else (low, middle)
    return (low + high) / 2.0


def _runs_to_limit(parts: Sequence[Measured], *, threshold: float) -> Iterator[_Run]:
    start = 0
    for index, part in enumerate(parts):
        touched = np.zeros(len(part.peaks), bool)
        for hop in np.flatnonzero(part.peaks > threshold):
            # A dip reaches into the neighbouring hops, and momentary loudness looks three hops back.
            touched[max(0, hop - 1) : hop + 2 + _BLOCK_HOPS] = True
        edges = np.flatnonzero(np.diff(touched, prepend=False, append=False))
        for first, end in edges.reshape(-1, 2).tolist():
            for at in range(first, end, _RUN_HOPS):
                yield _Run(index, start, at, min(end, at + _RUN_HOPS))
        start += part.frames


def _lead_in(run: _Run) -> int:
    """Hop from which a run is measured: early enough for the filter and the first block to have settled."""
    return max(0, run.first - 2 * _BLOCK_HOPS)


def _limiting_task(
    programme: Programme, run: _Run, part: Measured, *, gain_db: float, ceiling_db: float
) -> Callable[[], Iterator[Product]]:
    def task() -> Iterator[Product]:
        first = run.start + _lead_in(run) * part.hop
        end = run.start + min(part.frames, run.end * part.hop)
        start = max(0, first - CONTEXT)
        gain = np.float32(10.0 ** (gain_db / 20.0))
        block = programme.read(start, end + CONTEXT - start) * gain
        meter = LoudnessMeter()
        meter.feed(limited(block, ceiling=10.0 ** (ceiling_db / 20.0))[first - start : end - start])
        yield Product((run, meter.finish()), 0.0, 0)

    return task
