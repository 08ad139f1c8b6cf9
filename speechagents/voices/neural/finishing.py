"""From a model's sound to a take: mono, trimmed, at the level of every other voice.

Owns that for neural back ends, for whole takes and for sound that is heard while it is made. Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from speechagents.audio import Audio
from speechagents.voices.measure import LEVEL_FRAME_S, frame_levels_db, speech_level_db

REFERENCE_DB: Final = -23.0
"""Level of speech, pauses left out: that of the embedded voices in their default style."""
PEAK_DB: Final = -1.0
"""No take peaks above this; a take that would is turned down as a whole."""
MARGIN_S: Final = 0.02
"""Silence kept at both ends."""
BREATH_S: Final = 0.35
"""Length of the silent take of a line with nothing to say."""
PIECE_GAP_S: Final = 0.25
"""Silence between the pieces of a long line."""

MOST_GAIN_DB: Final = 40.0
"""What is so soft that it would need more is no speech, and is not to become loud noise."""

_SILENT_BELOW_PEAK_DB: Final = 50.0
_SILENT_BELOW_DB: Final = -65.0
"""What is softer is silence where nobody knows yet how loud the speech will be."""
_BEGINNING_S: Final = 0.25
"""Speech that the level of a line is judged by before the rest of it is there."""
_MOST_GAIN_OF_A_BEGINNING_DB: Final = 12.0
"""A beginning may be a breath, and what follows it is not to become a shout."""
_RAMP_S: Final = 0.01


def joined(sounds: Sequence[Audio]) -> Audio:
    """Pieces of one line, in order, each trimmed, with a pause between them."""
    if len(sounds) == 1:
        return sounds[0]
    rate_hz = sounds[0].rate_hz
    gap = np.zeros(round(PIECE_GAP_S * rate_hz), np.float32)
    parts = [trimmed(sound).samples for sound in sounds]
    return Audio(np.concatenate([part for sound in parts for part in (sound, gap)][:-1]), rate_hz)


def finished(sound: Audio) -> Audio:
    """The audio of a take. Samples that are no numbers stay: whoever keeps takes refuses them."""
    sound = trimmed(sound.mono())
    if not sound.frames or not 0.0 < sound.peak < float("inf"):
        return sound
    gain = 10.0 ** (min(MOST_GAIN_DB, REFERENCE_DB - speech_level_db(sound)) / 20.0)
    return sound.scaled(min(gain, 10.0 ** (PEAK_DB / 20.0) / sound.peak))


def trimmed(sound: Audio) -> Audio:
    """What is not silence, with `MARGIN_S` on either side."""
    levels = frame_levels_db(sound.samples, sound.rate_hz)
    loud = np.flatnonzero(levels > max(float(levels.max(initial=-120.0)) - _SILENT_BELOW_PEAK_DB, -110.0))
    if not loud.size:
        return sound
    size, margin = round(LEVEL_FRAME_S * sound.rate_hz), round(MARGIN_S * sound.rate_hz)
    first, last = max(0, int(loud[0]) * size - margin), min(sound.frames, (int(loud[-1]) + 1) * size + margin)
    return Audio(np.ascontiguousarray(sound.samples[first:last]), sound.rate_hz)


def finished_as_it_comes(sounds: Iterable[Audio]) -> Iterator[Audio]:
    """Pieces of a line as they are made, its first silence left out, at a level that is chosen once.

    The level is that of the first `_BEGINNING_S` of speech; where something later would peak above `PEAK_DB` it is
    turned down for good from there on.

    Args:
        sounds: Pieces that follow each other without a gap, all at one rate.

    Yields:
        Pieces that do so too; nothing where nothing can be heard.
    """
    held: list[Audio] = []
    gain = 0.0
    for sound in sounds:
        held.append(sound.mono())
        if not gain:
            speech = _from_its_first_sound(_end_to_end(held))
            if speech is None or speech.duration_s < MARGIN_S + _BEGINNING_S:
                continue
            gain, held = _first_gain(speech), [speech]
        played, gain = _turned(_end_to_end(held), gain)
        held = []
        yield played
    if held and not gain and (speech := _from_its_first_sound(_end_to_end(held))) is not None:
        yield _turned(speech, _first_gain(speech))[0]


def _end_to_end(sounds: Sequence[Audio]) -> Audio:
    return sounds[0] if len(sounds) == 1 else Audio(np.concatenate([one.samples for one in sounds]), sounds[0].rate_hz)


def _from_its_first_sound(sound: Audio) -> Audio | None:
    """What is not silence, with `MARGIN_S` before it; None as long as all of it is silence."""
    loud = np.flatnonzero(frame_levels_db(sound.samples, sound.rate_hz) > _SILENT_BELOW_DB)
    if not loud.size:
        return None
    first = max(0, int(loud[0]) * round(LEVEL_FRAME_S * sound.rate_hz) - round(MARGIN_S * sound.rate_hz))
    return Audio(np.ascontiguousarray(sound.samples[first:]), sound.rate_hz)


def _first_gain(speech: Audio) -> float:
    return float(10.0 ** (min(_MOST_GAIN_OF_A_BEGINNING_DB, REFERENCE_DB - speech_level_db(speech)) / 20.0))


def _turned(sound: Audio, gain: float) -> tuple[Audio, float]:
    """A piece at a gain, or at less where it would peak; and the gain of what follows."""
    most = 10.0 ** (PEAK_DB / 20.0)
    if not sound.peak * gain > most:
        return sound.scaled(gain), gain
    less = most / sound.peak
    gains = np.full(sound.frames, less, np.float32)
    ramp = min(sound.frames, round(_RAMP_S * sound.rate_hz))
    gains[:ramp] = np.linspace(gain, less, ramp, dtype=np.float32)
    return Audio(np.clip(sound.samples * gains, -most, most).astype(np.float32), sound.rate_hz), less
