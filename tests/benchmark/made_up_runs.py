"""Runs with numbers that were made up, as if they had been measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.scores import CellScores, RunInfo, RunScores

SCENES = tuple(f"{number:03d}-scene" for number in range(1, 21))


def metric(
    name: str = "quality",
    better: Better = Better.HIGHER,
    *,
    title: str = "",
    group: str = "Words",
    needs: Needs = Needs.TEXT,
    unit: str = "",
) -> Metric:
    """A metric that nobody measures."""

    def unmeasured(looked: Looked) -> Measured:
        raise AssertionError("a report measures nothing")

    return Metric(
        name=name,
        title=title or name.replace("_", " ").capitalize(),
        about=f"What {name} is.",
        group=group,
        better=better,
        needs=needs,
        unit=unit,
        source=f"Author (1999), {name}.",
        measure=unmeasured,
    )


def info(name: str = "one", **changed: Any) -> RunInfo:
    """What a run is of."""
    values: dict[str, Any] = {
        "benchmark": "hcs v1 0123abcd",
        "system": "rehearsal 1",
        "asked": {"controller": "rehearsal", "preset": "auto"},
        "voices": "espeak 1.52",
        "policy": "addressed",
        "hearing": "text",
        "split": "test",
        "roles": (2, 5, 25),
        "scenes": 0,
        "repeats": 1,
        "turns": 0,
        "seed": 7,
        "versions": {"speechagents": "0.5", "python": "3.11.9"},
        "commit": "0123456789abcdef",
        "machine": "x86_64, 2 cores",
    }
    return RunInfo(name=name, **{**values, **changed})


def run_of(
    values: Mapping[str, Mapping[tuple[str, int, int], float | Measured | None]],
    *,
    name: str = "one",
    planned: int | None = None,
    problems: Sequence[str] = (),
    **changed: Any,
) -> RunScores:
    """A run with given values: by metric, then by cell; None where there was nothing to measure."""
    keys = sorted({key for found in values.values() for key in found})
    cells = tuple(
        CellScores(*key, {one: _measured(found[key]) for one, found in values.items() if key in found}) for key in keys
    )
    return RunScores(info(name, **changed), cells, len(cells) if planned is None else planned, tuple(problems))


def spread(
    mean: float,
    *,
    deviation: float = 0.05,
    seed: int = 0,
    scenes: Iterable[str] = SCENES,
    roles: Sequence[int] = (2, 5, 25),
    repeats: int = 1,
) -> dict[tuple[str, int, int], float]:
    """Values around a mean: each scene has its own level, the same for every seed, and each cell differs from it."""
    chance = np.random.default_rng(seed)
    return {
        (scene, count, repeat): round(
            mean + deviation * float(np.sin(7.0 * int(scene[:3])) + 0.3 * chance.standard_normal()), 6
        )
        for scene in scenes
        for count in roles
        for repeat in range(repeats)
    }


def with_turns(
    values: Mapping[tuple[str, int, int], float], *, turns: int = 30, falling: float = 0.0, seed: int = 0
) -> dict[tuple[str, int, int], Measured]:
    """The same values with one for each turn, which fall by so much from the first turn to the last."""
    chance = np.random.default_rng(seed)
    return {
        key: Measured(
            value,
            turns,
            tuple(
                (at, value - falling * at / (turns - 1) + 0.02 * float(chance.standard_normal())) for at in range(turns)
            ),
        )
        for key, value in values.items()
    }


def _measured(value: float | Measured | None) -> Measured:
    return value if isinstance(value, Measured) else Measured(value, 0 if value is None else 1)
