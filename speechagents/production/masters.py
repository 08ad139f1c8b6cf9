"""Loudness standards: what each demands of the finished file.

Owns the standards and their rules. Does not know how loudness is measured (`loudness`), which gain meets a
standard (`gain`) or how a finished file is checked (`gate`).

Sources: ACX, "Audio Submission Requirements"; EBU R 128 (2020) with EBU Tech 3343; Apple, "Podcast audio
requirements" (-16 LKFS, tolerance 1 dB, true peak at most -1 dB).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from speechagents.errors import SettingsError
from speechagents.production.loudness import Loudness


class Level(StrEnum):
    """Which figure a standard aims at."""

    INTEGRATED_LUFS = "integrated_lufs"
    RMS_DB = "rms_db"


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand of a standard.

    Attributes:
        name: The figure of `Loudness` that it is about.
        low: Least value allowed.
        high: Largest value allowed.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf

    def passes(self, loudness: Loudness) -> bool:
        """Whether a file meets it."""
        value: float = getattr(loudness, self.name)
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Master:
    """A loudness standard.

    Attributes:
        name: As given with ``--master``.
        level: The figure that the gain is chosen by.
        aim: Its aim.
        ceiling_db: What the limiter keeps to: below the rule for peaks, because lossy codecs add overshoot.
        rules: What the finished file must meet.
    """

    name: str
    level: Level
    aim: float
    ceiling_db: float
    rules: tuple[Rule, ...]

    @property
    def peak_rule(self) -> Rule:
        """The rule that a lower ceiling helps to meet."""
        return next(rule for rule in self.rules if rule.name in {"peak_db", "true_peak_db"})

    @property
    def longest_s(self) -> float:
        """Most seconds of a file; infinite without a rule."""
        return min((rule.high for rule in self.rules if rule.name == "duration_s"), default=math.inf)


MASTERS: dict[str, Master | None] = {
    "acx": Master(
        "acx",
        Level.RMS_DB,
        aim=-20.5,
        ceiling_db=-5.0,
        rules=(
            Rule("rms_db", -23.0, -18.0),
            Rule("peak_db", high=-3.0),
            Rule("noise_floor_db", high=-60.0),
            Rule("head_s", 0.5, 1.0),
            Rule("tail_s", 1.0, 5.0),
            Rule("mono_loss_db", high=4.0),
            Rule("duration_s", high=120 * 60.0),
        ),
    ),
    "r128": Master(
        "r128",
        Level.INTEGRATED_LUFS,
        aim=-23.0,
        ceiling_db=-3.0,
        rules=(Rule("integrated_lufs", -23.5, -22.5), Rule("true_peak_db", high=-1.0)),
    ),
    "podcast": Master(
        "podcast",
        Level.INTEGRATED_LUFS,
        aim=-16.0,
        ceiling_db=-3.0,
        rules=(Rule("integrated_lufs", -16.5, -15.5), Rule("true_peak_db", high=-1.0)),
    ),
    "none": None,
}
"""Standards by name; ``none`` leaves the mix as it is and promises nothing."""


def master_named(name: str) -> Master | None:
    """The standard of a name, None for ``none``.

    Raises:
        SettingsError: There is none of that name.
    """
    if name not in MASTERS:
        raise SettingsError(f"unknown master {name!r}; choose one of {', '.join(MASTERS)}")
    return MASTERS[name]
