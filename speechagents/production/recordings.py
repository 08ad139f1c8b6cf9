"""A person's own sound, made fit to stand among takes: trimmed and levelled.

Owns what is done to it, which is little: it stays the recording that it is. Does not know what is said in it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from speechagents.audio import Audio
from speechagents.voices.measure import ACTIVE_BELOW_PEAK_DB, LEVEL_FRAME_S, frame_levels_db, speech_level_db

SPEECH_DB: Final = -23.0
"""Level of speech: RMS of the active frames, dB relative to full scale; what the embedded voices have by default."""
PEAK_DB: Final = -1.0
MOST_GAIN_DB: Final = 30.0
"""A recording so soft that it needs more stays softer: what is turned up further is mostly noise."""

_BEFORE_S: Final = 0.08
_AFTER_S: Final = 0.15
"""What is kept around the loud part: soft first and last consonants lie below the threshold."""
_FADE_S: Final = 0.01


def as_take_sound(audio: Audio) -> Audio | None:
    """A recording as the sound of a take; None if there is nothing in it.

    Args:
        audio: As it was recorded, at any rate.
    """
    samples = np.nan_to_num(audio.mono().samples, nan=0.0, posinf=0.0, neginf=0.0)
    rate_hz = audio.rate_hz
    levels = frame_levels_db(samples, rate_hz)
    if not levels.size or not samples.any():
        return None
    loud = np.flatnonzero(levels > levels.max() - ACTIVE_BELOW_PEAK_DB)
    size = round(LEVEL_FRAME_S * rate_hz)
    first = max(0, int(loud[0]) * size - round(_BEFORE_S * rate_hz))
    last = min(samples.size, (int(loud[-1]) + 1) * size + round(_AFTER_S * rate_hz))
    kept = samples[first:last].copy()
    fade = min(kept.size // 2, round(_FADE_S * rate_hz))
    kept[:fade] *= np.linspace(0.0, 1.0, fade, dtype=np.float32)
    kept[kept.size - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    sound = Audio(kept, rate_hz)
    gain_db = min(MOST_GAIN_DB, SPEECH_DB - speech_level_db(sound))
    return sound.scaled(min(10.0 ** (gain_db / 20.0), 10.0 ** (PEAK_DB / 20.0) / max(sound.peak, 1e-9)))
