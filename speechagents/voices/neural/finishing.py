"""From a model's sound to a take: mono, trimmed, at the level of every other voice.

Owns that for neural back ends. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence
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
