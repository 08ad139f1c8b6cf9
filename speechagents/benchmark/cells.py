"""What a run plays: one cell for each scene, number of roles and repetition.

Owns the plan and its order. The order is such that a run that is stopped by its budget has played some of everything:
scenes one after the other for each number of roles in turn, all first repetitions before any second one. Does not know
how a cell is played.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.benchmark.scene_set import BenchScene

TURNS: Final = {2: 30, 3: 34, 5: 40, 10: 50, 25: 60}
"""Most turns of a cell by its number of roles: about as many as the scripts written by hand have lines. Speech models
are known to lose a style with time, so that large casts, where a turn is one among many, are played longest."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One scene to be played.

    Attributes:
        scene_id: Of the scene.
        roles: It is played with the first so many roles of its pool.
        repeat: 0-based.
        turns: Most turns.
        seed: Of this cell alone.
    """

    scene_id: str
    roles: int
    repeat: int
    turns: int
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder, unique within a run."""
        return f"{self.scene_id}-{self.roles}" + (f"-{self.repeat + 1}" if self.repeat else "")


def plan_cells(
    scenes: Iterable[BenchScene], roles: Sequence[int], *, repeats: int, seed: int, turns: int | None = None
) -> tuple[Cell, ...]:
    """All cells in the order in which they are played.

    Args:
        scenes: What is played.
        roles: With how many roles each.
        repeats: How often each; every time by another seed.
        seed: Of the run.
        turns: Most turns of each; None goes by `TURNS`.
    """
    ids = [scene.id for scene in scenes]
    return tuple(
        Cell(scene_id, count, repeat, turns or turns_of(count), _seed(seed, scene_id, count, repeat))
        for repeat, scene_id, count in itertools.product(range(repeats), ids, roles)
    )


def turns_of(roles: int) -> int:
    """Most turns of a cell with so many roles: that of the next larger number that `TURNS` has."""
    return next((turns for count, turns in TURNS.items() if count >= roles), max(TURNS.values()))


def _seed(seed: int, scene_id: str, roles: int, repeat: int) -> int:
    digest = hashlib.blake2b(f"{seed}\0{scene_id}\0{roles}\0{repeat}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
