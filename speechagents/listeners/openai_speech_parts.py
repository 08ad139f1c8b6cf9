"""What is spoken in a clip, without its silence: recognisers make up words where nobody speaks.

Owns the cutting, and the way back from times in what was cut to times in the clip. Voice is told from silence by the
detector that comes with the package. Knows no recogniser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.audio import Audio, Samples
from speechagents.listeners.vad import RATE_HZ, WINDOW, SileroVad

MOST_S: Final = 600.0
"""Longest part: 19 MB at 16 bits, where servers take 25 MB."""

_THRESHOLD: Final = 0.5
_HYSTERESIS: Final = 0.15
_LEAST_WINDOWS: Final = 2
"""Less voice than this (64 ms) is a click."""
_PAD_S: Final = 0.3
"""Silence that is kept on either side of speech: consonants are softer than the detector hears."""
_HUSH: Final = 1e-4
"""Below three steps of 16 bits nobody speaks."""
_HUSHED_WINDOWS: Final = 10
"""After a third of a second of that the detector has settled, and need not be asked."""


@dataclass(frozen=True, slots=True)
class SpeechPart:
    """Speech of a clip with the long silences left out.

    Attributes:
        sound: Mono at `RATE_HZ`.
        starts: Where each stretch begins, in samples: in the sound and in the clip.
    """

    sound: Audio
    starts: tuple[tuple[int, int], ...]

    def in_clip_s(self, at_s: float) -> float:
        """The time in the clip, in seconds, of a time in the sound."""
        at = at_s * RATE_HZ
        here, there = next((pair for pair in reversed(self.starts) if pair[0] <= at), self.starts[0])
        return max(0.0, (there + at - here) / RATE_HZ)


def speech_parts(clip: Audio) -> Iterator[SpeechPart]:
    """The speech of a clip, in parts of at most `MOST_S`; none where nobody speaks."""
    samples = clip.mono().resampled(RATE_HZ).samples
    gathered: list[tuple[int, int]] = []
    for start, end in _stretches(samples):
        for first in range(start, end, int(MOST_S * RATE_HZ)):
            stretch = (first, min(end, first + int(MOST_S * RATE_HZ)))
            if gathered and _length([*gathered, stretch]) > MOST_S * RATE_HZ:
                yield _part(samples, gathered)
                gathered = []
            gathered.append(stretch)
    if gathered:
        yield _part(samples, gathered)


def _length(stretches: list[tuple[int, int]]) -> int:
    return sum(end - start for start, end in stretches)


def _part(samples: Samples, stretches: list[tuple[int, int]]) -> SpeechPart:
    starts: list[tuple[int, int]] = []
    held = 0
    for start, end in stretches:
        starts.append((held, start))
        held += end - start
    sound = np.concatenate([samples[start:end] for start, end in stretches])
    return SpeechPart(Audio(sound, RATE_HZ), tuple(starts))


def _stretches(samples: Samples) -> Iterator[tuple[int, int]]:
    """Speech with `_PAD_S` around it, from sample to sample; stretches that touch are one."""
    pad = round(_PAD_S * RATE_HZ)
    begun: tuple[int, int] | None = None
    for first, behind in _voiced_runs(samples):
        start, end = max(0, first * WINDOW - pad), min(len(samples), behind * WINDOW + pad)
        if begun is not None and start <= begun[1]:
            begun = (begun[0], end)
            continue
        if begun is not None:
            yield begun
        begun = (start, end)
    if begun is not None:
        yield begun


def _voiced_runs(samples: Samples) -> Iterator[tuple[int, int]]:
    """Runs of windows with voice, from window to window."""
    voiced = np.zeros(-(-len(samples) // WINDOW) + 1, np.int8)
    stream = _detector().stream()
    speaking, hushed = False, 0
    padded: NDArray[np.float32] = np.zeros((len(voiced) - 1) * WINDOW, np.float32)
    padded[: len(samples)] = samples
    for number, window in enumerate(padded.reshape(-1, WINDOW)):
        hushed = hushed + 1 if np.abs(window).max() < _HUSH else 0
        probability = 0.0 if hushed > _HUSHED_WINDOWS else stream.probability(window)
        speaking = probability >= _THRESHOLD - (_HYSTERESIS if speaking else 0.0)
        voiced[number] = speaking
    edges = np.flatnonzero(np.diff(voiced, prepend=0))
    for first, behind in edges.reshape(-1, 2).tolist():
        if behind - first >= _LEAST_WINDOWS:
            yield first, behind


@cache
def _detector() -> SileroVad:
    return SileroVad()
