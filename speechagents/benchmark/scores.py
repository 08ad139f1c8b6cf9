"""What was measured of a run, cell by cell, on disk.

Owns the values and their form in ``run.json`` and ``scores.json``. Does not know metrics, judges or reports.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from speechagents.benchmark.metrics.metric import Measured
from speechagents.errors import BenchmarkError
from speechagents.production.storage import write_atomically

RUN_FILE: Final = "run.json"
SCORES_FILE: Final = "scores.json"
_SCHEMA: Final = 1
_MAX_BYTES: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run is of: all that must be known to repeat it.

    Attributes:
        name: What it is called in reports: the folder's name, unless another was given.
        benchmark: Name and version of the scenes, and a digest of them.
        system: Who acts: identity of the controller, or which script.
        asked: Options that chose it, the voices and the scenes: ``controller``, ``model``, ``server``, ``script``,
            ``preset``, ``set``.
        voices: Identity of the synthesizer; empty where nothing was spoken.
        policy: Turn policy.
        hearing: What agents hear: text or audio.
        split: Of the scenes; empty for all.
        roles: Numbers of roles.
        scenes: Most scenes; 0 for all of the split.
        repeats: How often each cell.
        turns: Most turns of a cell; 0 goes by the number of roles.
        seed: Of the run.
        cells: Cells that are to be played.
        budget_turns: Turns that it may take in all; 0 for no limit.
        budget_tokens: Tokens that it may cost in all; 0 for no limit.
        scripted: Only cells that have a script written by hand.
        versions: Of the package, Python and what matters besides.
        commit: Of the code, empty where it is not known.
        machine: What it ran on.
    """

    name: str
    benchmark: str
    system: str
    asked: Mapping[str, str]
    voices: str
    policy: str
    hearing: str
    split: str
    roles: tuple[int, ...]
    scenes: int
    repeats: int
    turns: int
    seed: int
    cells: int = 0
    budget_turns: int = 0
    budget_tokens: int = 0
    scripted: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    machine: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"schema": _SCHEMA, **asdict(self), "roles": list(self.roles)}

    @classmethod
    def from_json(cls, values: object, source: Path) -> Self:
        """Values as `to_json` gave them.

        Raises:
            BenchmarkError: They are damaged, or of another version.
        """
        if not isinstance(values, dict) or values.get("schema") != _SCHEMA:
            raise BenchmarkError(f"{source}: is of another version; run the benchmark again into a new folder")
        try:
            kept = {name: value for name, value in values.items() if name != "schema"}
            return cls(**{**kept, "roles": tuple(kept["roles"])})
        except (TypeError, KeyError) as error:
            raise BenchmarkError(
                f"{source}: is damaged ({error}); run the benchmark again into a new folder"
            ) from error


@dataclass(frozen=True, slots=True)
class CellScores:
    """What was measured of one cell.

    Attributes:
        scene_id: Of the scene.
        roles: Number of roles.
        repeat: 0-based.
        values: By name of the metric; judged ones begin with ``judged_``.
    """

    scene_id: str
    roles: int
    repeat: int
    values: Mapping[str, Measured]

    @property
    def key(self) -> tuple[str, int, int]:
        """What two runs have in common of a cell: equal keys are compared with each other."""
        return (self.scene_id, self.roles, self.repeat)


@dataclass(frozen=True, slots=True)
class RunScores:
    """What was measured of a run.

    Attributes:
        info: Of what.
        cells: In the order in which they were played.
        planned: How many there are to be.
        problems: What could not be measured, for people: refusals of a judge and the like.
    """

    info: RunInfo
    cells: tuple[CellScores, ...]
    planned: int
    problems: tuple[str, ...] = ()

    def of(self, metric: str, *, roles: int | None = None) -> Mapping[tuple[str, int, int], float]:
        """A metric's value for each cell that has one, all or those with so many roles."""
        return {
            cell.key: found.value
            for cell in self.cells
            if (roles is None or cell.roles == roles)
            and (found := cell.values.get(metric)) is not None
            and found.value is not None
        }


def write_scores(folder: Path, scores: RunScores) -> None:
    """Write ``scores.json`` of a run.

    Raises:
        StorageError: The disk is full or the folder cannot be written.
    """
    values = {
        "schema": _SCHEMA,
        "info": scores.info.to_json(),
        "planned": scores.planned,
        "problems": list(scores.problems),
        "cells": [
            {
                "scene": cell.scene_id,
                "roles": cell.roles,
                "repeat": cell.repeat,
                "values": {name: measured_to_json(found) for name, found in cell.values.items()},
            }
            for cell in scores.cells
        ],
    }
    write_atomically(folder / SCORES_FILE, (json.dumps(values, ensure_ascii=False) + "\n").encode())


def read_scores(folder: Path) -> RunScores:
    """Read ``scores.json`` of a run.

    Raises:
        BenchmarkError: There is none, or a damaged one.
    """
    path = folder / SCORES_FILE
    if not path.is_file():
        raise BenchmarkError(f"{folder}: was not scored yet; run `speechagents bench score {folder}`")
    values = read_json(path)
    try:
        cells = tuple(
            CellScores(
                str(cell["scene"]),
                int(cell["roles"]),
                int(cell["repeat"]),
                {str(name): measured_from_json(found) for name, found in cell["values"].items()},
            )
            for cell in values["cells"]
        )
        info = RunInfo.from_json(values["info"], path)
        return RunScores(info, cells, int(values["planned"]), tuple(map(str, values["problems"])))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BenchmarkError(f"{path}: is damaged ({error}); score the run again") from error


def read_json(path: Path) -> Any:
    """A JSON file of a run.

    Raises:
        BenchmarkError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise BenchmarkError(f"{path}: cannot be read ({error}); run the same command again") from error


def measured_to_json(found: Measured) -> list[Any]:
    """Plain values of what was measured."""
    value = None if found.value is None else round(found.value, 6)
    return [value, found.count, [[turn, round(one, 6)] for turn, one in found.by_turn]]


def measured_from_json(values: Any) -> Measured:
    """What was measured, as `measured_to_json` gave it.

    Raises:
        ValueError, TypeError: It is damaged.
    """
    value, count, by_turn = values
    return Measured(
        None if value is None else float(value), int(count), tuple((int(turn), float(one)) for turn, one in by_turn)
    )
