"""What the sound alone says about a take: clipping, silence, noise, length.

Owns the checks beyond those every fresh take gets (`voices.checks`), which are made here too. Knows no words and no
listener. Cheap: about a millisecond for a second of sound.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from speechagents.audio import Samples
from speechagents.production.proofing.finding import Fault, FaultKind
from speechagents.production.proofing.words import syllables
from speechagents.voices.checks import CLIPPED_ABOVE, Doubt, doubts
from speechagents.voices.measure import ACTIVE_BELOW_PEAK_DB, LEVEL_FRAME_S, frame_levels_db
from speechagents.voices.phonetic import spelled
from speechagents.voices.synthesizer import Take

FLAT_SAMPLES: Final = 4
FLAT_PLACES: Final = 3
"""Wave tops cut flat for so many samples, at so many places: clipped before it was levelled. A wave that is whole stays
at its top for two samples at most."""

NOISE_DB: Final = 12.0
"""Speech falls further than this between its loud and its soft moments (closures, pauses); noise fills them. One
drawn-out syllable has none, nor has "own your one", so lines must be of some length."""
NOISE_SYLLABLES: Final = 8

PACE_SYLLABLES: Final = 4
"""Shorter lines tell nothing of the pace."""

_KINDS: Final = {
    Doubt.DAMAGED: FaultKind.DAMAGED,
    Doubt.CLIPPING: FaultKind.CLIPPING,
    Doubt.SILENCE: FaultKind.SILENCE,
    Doubt.LENGTH: FaultKind.LENGTH,
    Doubt.WORDS: FaultKind.DROPPED,
}


def signal_faults(take: Take, *, timed: bool) -> tuple[Fault, ...]:
    """What is wrong with the sound of a take, and with its word times where they count.

    Args:
        take: The take.
        timed: Its words and their times are the engine's own: each word of the text must be there, in order.
    """
    found = [Fault(_KINDS[one.doubt], one.what) for one in doubts(take, timed=timed)]
    kinds = {fault.kind for fault in found}
    if kinds & {FaultKind.DAMAGED, FaultKind.SILENCE} or not any(map(str.isalnum, spelled(take.line.text))):
        return tuple(found)
    samples = take.audio.mono().samples
    if FaultKind.CLIPPING not in kinds and (place := _flat(samples)) is not None:
        found.append(Fault(FaultKind.CLIPPING, "its wave tops are cut flat", place / take.audio.rate_hz))
    span_db = _span_db(samples, take.audio.rate_hz)
    if span_db < NOISE_DB and syllables(spelled(take.line.text)) >= NOISE_SYLLABLES:
        found.append(Fault(FaultKind.NOISE, f"noise fills it: {span_db:.0f} dB between its loud and soft moments"))
    return tuple(found)


def sounding_s(take: Take, start_s: float, end_s: float) -> float:
    """Seconds of sound, pauses not counted, between two times of a take."""
    levels = frame_levels_db(take.audio.mono().samples, take.audio.rate_hz)
    if not levels.size:
        return 0.0
    first, last = max(0, round(start_s / LEVEL_FRAME_S)), max(0, round(end_s / LEVEL_FRAME_S))
    loud = levels[first:last] > levels.max() - ACTIVE_BELOW_PEAK_DB
    return float(np.count_nonzero(loud)) * LEVEL_FRAME_S


def s_per_syllable(take: Take) -> float:
    """Pace of a take in seconds of sound for each syllable; 0 where the line is too short to tell."""
    count = syllables(spelled(take.line.text))
    if count < PACE_SYLLABLES or not take.audio.frames:
        return 0.0
    return sounding_s(take, 0.0, take.audio.duration_s) / count


def _flat(samples: Samples) -> int | None:
    """Where the first of several flat tops begins, None where tops are whole."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak >= CLIPPED_ABOVE or samples.size <= FLAT_SAMPLES:
        return None
    # A flat top keeps one value to within the rounding of 16 bits.
    still = (np.abs(np.diff(samples)) <= 1.5 / 32768.0) & (np.abs(samples[1:]) > 0.9 * peak)
    edges = np.flatnonzero(np.diff(still.astype(np.int8), prepend=0, append=0))
    begins, ends = edges[::2], edges[1::2]
    flat = begins[ends - begins >= FLAT_SAMPLES - 1]
    return int(flat[0]) if flat.size >= FLAT_PLACES else None


def _span_db(samples: Samples, rate_hz: int) -> float:
    """How far a take falls between its loud and its soft moments."""
    levels = frame_levels_db(samples, rate_hz)
    return float(np.percentile(levels, 95) - np.percentile(levels, 5)) if levels.size else 0.0
