"""The timeline as JSON: everything that is known about every line, for programs.

Owns the schema ``speechagents.timeline``, version 1: new fields may come, a change of meaning is a new version.
Written scene by scene, so that a long book needs no more memory than a short one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from speechagents.drama import role_key
from speechagents.production.energy import HOP_S, Energy
from speechagents.production.loudness import SILENCE_DB
from speechagents.production.tags import Tags
from speechagents.production.timeline import PlacedLine, PlacedScene, Timeline

SCHEMA = "speechagents.timeline"
VERSION = 1


def timeline_json(timeline: Timeline, tags: Tags, *, energy: Sequence[Energy] | None, gain_db: float) -> Iterator[str]:
    """The timeline in pieces.

    Args:
        timeline: Who speaks when.
        tags: Texts and the cast.
        energy: The mix before mastering, stretch by stretch; None leaves levels out.
        gain_db: What mastering added to it.
    """
    voices = {role_key(role): voice for role, voice in tags.cast}
    levels = _Levels(energy, gain_db) if energy else None
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "title": timeline.title,
        "author": tags.author,
        "language": timeline.language,
        "synthetic_voices": tags.synthetic,
        "duration_s": _rounded(timeline.duration_s),
        "gain_db": _rounded(gain_db),
        "roles": [{"name": role, "voice": voices.get(role_key(role), "")} for role in timeline.roles],
        "sounds": list(timeline.sounds),
    }
    yield json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "scenes": ['
    for number, scene in enumerate(timeline.scenes):
        yield ",\n" if number else "\n"
        yield json.dumps(_scene(scene, voices, levels), ensure_ascii=False)
    yield "\n ]\n}\n"


def _scene(scene: PlacedScene, voices: dict[str, str], levels: _Levels | None) -> dict[str, Any]:
    return {
        "title": scene.title,
        "setting": scene.setting,
        "start_s": _rounded(scene.start_s),
        "end_s": _rounded(scene.end_s),
        "lines": [_line(placed, voices, levels) for placed in scene.lines],
        "sounds": [
            {
                "sound": sound.file,
                "start_s": _rounded(sound.start_s),
                "duration_s": _rounded(sound.duration_s),
                "gain_db": _rounded(sound.gain_db),
                "fade_s": _rounded(sound.fade_s),
                "looped": sound.looped,
            }
            for sound in scene.sounds
        ],
    }


def _line(placed: PlacedLine, voices: dict[str, str], levels: _Levels | None) -> dict[str, Any]:
    line = placed.line
    return {
        "line": line.number,
        "role": line.role,
        "voice": voices.get(role_key(line.role), ""),
        "text": line.text,
        "language": line.language,
        "style": {"tag": line.style.tag, "strength": line.style.strength},
        "delivery": str(line.delivery),
        "simultaneous": line.simultaneous,
        "continues": line.continues,
        "source_line": line.source_line,
        "take": placed.take,
        "pan": _rounded(placed.pan),
        "start_s": _rounded(placed.start_s),
        "end_s": _rounded(placed.end_s),
        "level_db": levels.between(placed.start_s, placed.end_s) if levels else None,
        "words": [
            {"text": word.text, "start_s": _rounded(word.start_s), "end_s": _rounded(word.end_s)}
            for word in placed.words
        ],
    }


class _Levels:
    """Level of the finished programme between two times, from the energy of its hops."""

    def __init__(self, energy: Sequence[Energy], gain_db: float) -> None:
        counts = np.concatenate([part.hop_frames for part in energy])
        sums = np.concatenate([part.square_sums for part in energy])
        self._starts_s = np.concatenate([[0.0], np.cumsum(counts)])[:-1] / energy[0].rate_hz
        self._counts = counts
        self._sums = sums.astype(np.float64)
        self._gain_db = gain_db

    def between(self, start_s: float, end_s: float) -> float:
        """Root mean square of the hops that begin between two times, in decibels; at least one hop."""
        first, last = np.searchsorted(self._starts_s, [start_s - HOP_S / 2, end_s - HOP_S / 2])
        chosen = slice(min(int(first), len(self._sums) - 1), max(int(last), int(first) + 1))
        mean = float(self._sums[chosen].sum()) / (2.0 * float(self._counts[chosen].sum()))
        return _rounded(max(SILENCE_DB, 10.0 * math.log10(mean) + self._gain_db) if mean > 0.0 else SILENCE_DB)


def _rounded(value: float) -> float:
    """To four places: a tenth of a millisecond is finer than any word time."""
    return round(float(value), 4)
