"""Are takes as loud as they should be, equally so for all roles, whole, and there at all?

Owns these diagnostics of takes before they are mixed. Does not know what styles sound like: roles are compared within
the same style, so that it does not matter here whether a shout is louder than a whisper (`style_adherence`).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.metrics.take_sound import recorded_turns, spoken_turns
from speechagents.voices.espeak.finish import REFERENCE_DB


def _against_reference(looked: Looked) -> Measured:
    levels = [turn.sound.level_db for turn in spoken_turns(looked.played)]
    return Measured(float(np.median(levels)) - REFERENCE_DB, len(levels)) if levels else Measured(None)


def _spread_of_roles(looked: Looked) -> Measured:
    by_style: dict[str, dict[str, list[float]]] = {}
    for turn in spoken_turns(looked.played):
        style = f"{turn.style.tag} {turn.style.strength:g}"
        by_style.setdefault(style, {}).setdefault(turn.role, []).append(turn.sound.level_db)
    shared = [roles for roles in by_style.values() if len(roles) > 1]
    off: dict[str, list[float]] = {}
    for roles in shared:
        centre = float(np.mean([np.mean(levels) for levels in roles.values()]))
        for role, levels in roles.items():
            off.setdefault(role, []).extend(level - centre for level in levels)
    if len(off) < 2:
        return Measured(None)
    count = sum(map(len, off.values()))
    return Measured(float(np.std([np.mean(levels) for levels in off.values()], ddof=1)), count)


def _clipped(looked: Looked) -> Measured:
    turns = spoken_turns(looked.played)
    return Measured(float(np.mean([turn.sound.clipped for turn in turns])), len(turns)) if turns else Measured(None)


def _silent(looked: Looked) -> Measured:
    turns = recorded_turns(looked.played)
    if not turns:
        return Measured(None)
    # A line without a take could not be spoken: nothing is heard of it either.
    missing = sum(1 for line in looked.played.lines if not line.take and any(map(str.isalnum, line.text)))
    silent = missing + sum(turn.sound.silent for turn in turns)
    return Measured(silent / (missing + len(turns)), missing + len(turns))


METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="level_off_reference",
        title="Level against the reference",
        about=f"Median level of takes without their pauses, against the {REFERENCE_DB:g} dB of plain speech.",
        group="Sound",
        better=Better.NEITHER,
        needs=Needs.SOUND,
        unit="dB",
        source="Active speech level after ITU-T P.56, with a plain threshold",
        measure=_against_reference,
    ),
    Metric(
        name="level_spread",
        title="Level spread of roles",
        about="Standard deviation of the levels of roles, each measured against the other roles in the same style.",
        group="Sound",
        better=Better.NEITHER,
        needs=Needs.SOUND,
        unit="dB",
        source="Active speech level after ITU-T P.56; EBU R 128 allows programmes 0.5 LU off their target",
        measure=_spread_of_roles,
    ),
    Metric(
        name="clipped",
        title="Clipped takes",
        about="Share of takes whose wave tops are cut off.",
        group="Sound",
        better=Better.LOWER,
        needs=Needs.SOUND,
        unit="",
        source="Samples at the peak are counted: a whole wave stands there once",
        measure=_clipped,
    ),
    Metric(
        name="silent",
        title="Silent takes",
        about="Share of lines of which nothing can be heard, those that could not be spoken included.",
        group="Sound",
        better=Better.LOWER,
        needs=Needs.SOUND,
        unit="",
        source="No 20 ms above -60 dB of full scale",
        measure=_silent,
    ),
)
