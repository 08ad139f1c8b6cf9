"""What a metric is: a named property of a cell as it was played, with its source, and a number for it.

Owns the values. Does not know any metric (`metrics.catalogue` lists them).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from speechagents.benchmark.played import Played
from speechagents.listeners.listener import Listener


class Better(StrEnum):
    """Which values are better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"
    """It describes; nothing is better for it."""


class Needs(StrEnum):
    """What a metric looks at besides the words."""

    TEXT = "text"
    SOUND = "sound"
    EARS = "ears"
    """Sound, and a recogniser that listens to it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a metric found in one cell.

    Attributes:
        value: The number; None where there is nothing to measure, which is not the same as 0.
        count: Observations behind it.
        by_turn: Values of single turns, with the 0-based position of each among `Played.lines`: what changes as a scene
            goes on.
    """

    value: float | None
    count: int = 0
    by_turn: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.value} is no measurement")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a metric is given.

    Attributes:
        played: The cell.
        ears: A recogniser, if there is one.
    """

    played: Played
    ears: Listener | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One property.

    Attributes:
        name: Short, unique, ``[a-z0-9_]+``.
        title: For people, as the head of a column.
        about: One sentence: what it is.
        group: Heading under which reports list it.
        better: Which values are better.
        needs: What it looks at.
        unit: Of its values; empty for a share or a plain number.
        source: Where the measure comes from: author, year, and where to find it.
        measure: Finds it. Deterministic: equal cells give equal numbers.
    """

    name: str
    title: str
    about: str
    group: str
    better: Better
    needs: Needs
    unit: str
    source: str
    measure: Callable[[Looked], Measured]
