"""How loud sound is: gating blocks, peaks and noise floor, collected while sound passes by.

Owns measuring. Does not know what is loud enough (`masters`) or where the sound comes from. A `LoudnessMeter`
is fed one stretch of sound, a scene or a part of a decoded file; `merge` adds stretches up without a second
pass, because the integrated loudness of ITU-R BS.1770-4 is a gated mean over blocks that can be kept.

The momentary loudness every 100 ms (400 ms blocks that overlap by 75 %, exactly the gating blocks of BS.1770-4)
comes from FFmpeg's ``ebur128`` filter, which runs at more than 1 000 times real time and without the
interpreter lock.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Samples
from speechagents.production.energy import HOP_S, Energy
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.truepeak import TAPS, between_samples, largest, magnitudes

SILENCE_LUFS = -70.0
"""The absolute gate of BS.1770-4; also what is reported for sound that never passes it."""

SILENCE_DB = -120.0
"""What levels of digital silence are reported as."""

_BLOCK_HOPS = 4
_OFFSET_LUFS = -0.691
_RELATIVE_GATE_LU = -10.0
_NOISE_HOPS = 5
_SOUND = 10.0 ** (-60.0 / 20.0)
_PEAK_WINDOW = 10.0 ** (-3.0 / 20.0)

Levels = NDArray[np.float32]


def to_db(amplitude: float) -> float:
    """Amplitude as decibels of full scale, not below `SILENCE_DB`."""
    return max(SILENCE_DB, 20.0 * math.log10(amplitude)) if amplitude > 0.0 else SILENCE_DB


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a meter kept of one stretch of stereo sound.

    Attributes:
        frames: Length.
        rate_hz: Frames per second.
        momentary_lufs: Momentary loudness at the end of each whole hop, shape ``(frames // hop,)``. The first
            three hops lack a full block and hold a value below the gate.
        square_sums: Sum of the squares of both channels in each hop, the last may be shorter.
        peaks: Largest absolute sample in each hop, the last may be shorter.
        product_sum: Sum of left times right over the whole stretch.
        true_peaks: Largest absolute value of the 4 times oversampled signal by number of the hop, of hops that were
            oversampled; none if that was not asked for.
        first_sound: First frame whose absolute value exceeds -60 dB, `frames` if there is none.
        last_sound: Frame after the last one that does, 0 if there is none.
    """

    frames: int
    rate_hz: int
    momentary_lufs: Levels
    square_sums: Levels
    peaks: Levels
    product_sum: float
    true_peaks: Mapping[int, float]
    first_sound: int
    last_sound: int

    @property
    def hop(self) -> int:
        """Frames in a hop."""
        return round(HOP_S * self.rate_hz)

    @property
    def true_peak(self) -> float:
        """The largest of `true_peaks`; 0 if there are none."""
        return max(self.true_peaks.values(), default=0.0)

    @property
    def energy(self) -> Energy:
        """Its strength over time."""
        return Energy(self.frames, self.rate_hz, self.square_sums)


@dataclass(frozen=True, slots=True)
class Loudness:
    """Figures of a whole programme.

    Attributes:
        integrated_lufs: Gated loudness of BS.1770-4, `SILENCE_LUFS` for silence.
        rms_db: Level of the root mean square over both channels and the whole length.
        peak_db: Level of the largest sample.
        true_peak_db: Level of the largest value between samples too; equals `peak_db` if it was not measured.
        noise_floor_db: Root mean square of the quietest half second, the way narrators' checkers find it;
            `SILENCE_DB` if a pause is digital silence.
        head_s: Time before the first sample above -60 dB.
        tail_s: Time after the last one.
        mono_loss_db: How much quieter one loudspeaker for both channels is: 0 for sound in the middle, 3 for sound
            at one side, more for sound that cancels itself.
        duration_s: Length.
    """

    integrated_lufs: float
    rms_db: float
    peak_db: float
    true_peak_db: float
    noise_floor_db: float
    head_s: float
    tail_s: float
    mono_loss_db: float
    duration_s: float


class LoudnessMeter:
    """Measures one stretch of stereo sound that is fed to it in blocks.

    Not for several threads at once; make one meter for each.

    Args:
        rate_hz: Frames per second of what will be fed.
        true_peak: Also find the true peak. Only places within 3 dB of the largest sample so far are oversampled.
        limit: Oversample all places, too, that may exceed this.
    """

    def __init__(self, rate_hz: int = PROGRAMME_HZ, *, true_peak: bool = False, limit: float = math.inf) -> None:
        self._rate_hz = rate_hz
        self._hop = round(HOP_S * rate_hz)
        self._wants_true_peak = true_peak
        self._limit = limit
        self._graph: Any = None
        self._momentary: list[float] = []
        self._square_sums: list[float] = []
        self._peaks: list[float] = []
        self._product_sum = 0.0
        # Inside, channels are rows: whatever looks at one channel runs through memory in order.
        self._rest = np.zeros((2, 0), np.float32)
        self._edge = np.zeros((2, 0), np.float32)
        self._true_peaks: dict[int, float] = {}
        self._largest = 0.0
        self._frames = 0
        self._heard = 0
        self._first_sound: int | None = None
        self._last_loud: tuple[int, Samples] | None = None

    def feed(self, block: Samples) -> None:
        """Measure the next frames: float32 of shape ``(n, 2)``, any n."""
        if len(block) == 0:
            return
        rows = np.ascontiguousarray(block.T, np.float32)
        self._hear(rows)
        peak = largest(rows)
        if peak > _SOUND:
            if self._first_sound is None:
                self._first_sound = self._frames + int(np.argmax(magnitudes(rows.T) > _SOUND))
            self._last_loud = (self._frames, rows)
        self._largest = max(self._largest, peak)
        if self._wants_true_peak:
            self._find_true_peak(rows, peak)
        self._frames += len(block)
        # Not `np.dot`: how BLAS splits a sum depends on its threads.
        self._product_sum += float(np.einsum("i,i->", rows[0], rows[1]))
        self._hops_of(rows)

    def finish(self) -> Measured:
        """What was measured; feed nothing afterwards."""
        if self._rest.size:
            self._add_hops(self._rest[:, None, :])
        last_sound = 0
        if self._last_loud is not None:
            start, rows = self._last_loud
            last_sound = start + rows.shape[1] - int(np.argmax(magnitudes(rows.T)[::-1] > _SOUND))
        return Measured(
            frames=self._frames,
            rate_hz=self._rate_hz,
            momentary_lufs=np.array(self._momentary, np.float32),
            square_sums=np.array(self._square_sums, np.float32),
            peaks=np.array(self._peaks, np.float32),
            product_sum=self._product_sum,
            true_peaks=self._true_peaks,
            first_sound=self._frames if self._first_sound is None else self._first_sound,
            last_sound=last_sound,
        )

    def _hear(self, rows: Samples) -> None:
        import av

        if self._graph is None:
            self._graph = _ebur128_graph(self._rate_hz)
        frame = av.AudioFrame.from_ndarray(rows, format="fltp", layout="stereo")
        frame.sample_rate = self._rate_hz
        frame.pts = self._heard
        self._heard += rows.shape[1]
        self._graph.push(frame)
        while True:
            try:
                metered = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            self._momentary.append(float(metered.metadata["lavfi.r128.M"]))

    def _find_true_peak(self, rows: Samples, peak: float) -> None:
        joined = np.concatenate([self._edge, rows], axis=1)
        floor = _PEAK_WINDOW * min(self._largest, self._limit)
        if max(peak, largest(self._edge)) >= floor:
            gaps, values = between_samples(joined.T, floor=floor)
            hops = (gaps + (self._frames - self._edge.shape[1])) // self._hop
            starts = np.flatnonzero(np.diff(hops, prepend=-1))
            for hop, value in zip(hops[starts].tolist(), _maxima(values, starts), strict=True):
                self._true_peaks[hop] = max(self._true_peaks.get(hop, 0.0), value)
        self._edge = joined[:, -2 * TAPS :].copy()

    def _hops_of(self, rows: Samples) -> None:
        joined = np.concatenate([self._rest, rows], axis=1) if self._rest.size else rows
        whole = joined.shape[1] // self._hop
        self._add_hops(joined[:, : whole * self._hop].reshape(2, whole, self._hop))
        self._rest = joined[:, whole * self._hop :].copy()

    def _add_hops(self, hops: Samples) -> None:
        """Add hops of shape ``(2, hops, frames)``."""
        self._square_sums += np.einsum("chf,chf->h", hops, hops).tolist()
        self._peaks += np.abs(hops).max(axis=(0, 2), initial=0.0).tolist()


def _maxima(values: Levels, starts: NDArray[np.intp]) -> list[float]:
    """The largest of each run of values."""
    return [] if not len(starts) else np.maximum.reduceat(values, starts).tolist()


def merge(parts: Sequence[Measured]) -> Loudness:
    """Figures of a programme from its stretches, in order.

    Raises:
        ValueError: Their rates differ.
    """
    if len({part.rate_hz for part in parts}) > 1:
        raise ValueError("stretches of different rates cannot be merged")
    rate_hz = parts[0].rate_hz if parts else PROGRAMME_HZ
    frames = sum(part.frames for part in parts)
    peak = max((float(part.peaks.max(initial=0.0)) for part in parts), default=0.0)
    energy = sum(float(part.square_sums.sum(dtype=np.float64)) for part in parts)
    mono_energy = energy + 2.0 * sum(part.product_sum for part in parts)
    first, last, start = frames, 0, 0
    for part in parts:
        if part.last_sound:
            first = min(first, start + part.first_sound)
            last = start + part.last_sound
        start += part.frames
    return Loudness(
        integrated_lufs=integrated_lufs([part.momentary_lufs for part in parts]),
        rms_db=to_db(math.sqrt(energy / (2 * frames))) if frames else SILENCE_DB,
        peak_db=to_db(peak),
        true_peak_db=to_db(max([peak, *(part.true_peak for part in parts)])),
        noise_floor_db=_noise_floor_db(parts),
        head_s=first / rate_hz,
        tail_s=(frames - last) / rate_hz,
        mono_loss_db=_ratio_db(2.0 * energy, mono_energy),
        duration_s=frames / rate_hz,
    )


def integrated_lufs(momentary: Sequence[NDArray[np.floating[Any]]]) -> float:
    """Gated mean of gating blocks: ITU-R BS.1770-4 Annex 1, equations 3 to 7 (EBU Tech 3341 section 2.2).

    Blocks at or below -70 LUFS are left out, then those more than 10 LU below the mean of the rest.
    """
    blocks = np.concatenate(momentary).astype(np.float64) if momentary else np.zeros(0)
    blocks = blocks[blocks > SILENCE_LUFS]
    if not len(blocks):
        return SILENCE_LUFS
    relative_gate = _mean_lufs(blocks) + _RELATIVE_GATE_LU
    return _mean_lufs(blocks[blocks > relative_gate])


def _mean_lufs(blocks: NDArray[np.float64]) -> float:
    power = np.power(10.0, (blocks - _OFFSET_LUFS) / 10.0).mean()
    return float(10.0 * np.log10(power) + _OFFSET_LUFS)


def _ratio_db(energy: float, rest: float) -> float:
    if energy <= 0.0:
        return 0.0
    return max(0.0, 10.0 * math.log10(energy / rest)) if rest > energy * 1e-12 else -SILENCE_DB


def _noise_floor_db(parts: Sequence[Measured]) -> float:
    sums = np.concatenate([part.square_sums for part in parts]).astype(np.float64) if parts else np.zeros(0)
    if len(sums) < _NOISE_HOPS:
        return SILENCE_DB
    counts = np.concatenate([part.energy.hop_frames for part in parts])
    window = np.ones(_NOISE_HOPS)
    squares = np.convolve(sums, window, "valid") / (2.0 * np.convolve(counts, window, "valid"))
    quietest = float(squares.min())
    return max(SILENCE_DB, 10.0 * math.log10(quietest)) if quietest > 0.0 else SILENCE_DB


def _ebur128_graph(rate_hz: int) -> Any:
    import av

    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate_hz, format="fltp", layout="stereo", time_base=Fraction(1, rate_hz))
    meter = graph.add("ebur128", "metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    return graph
