"""A run, measured: every metric on every finished cell, by workers of this machine, and what judges made of it.

Owns the order, and that nothing is measured twice. Does not know any metric (`metrics`) or judge (`judging`).

::

    DIR/cells/NAME/measures.json    what was measured of a cell
    DIR/scores.json                 all of it together, as reports read it
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speechagents.benchmark.facts import Fact
from speechagents.benchmark.metrics.metric import Looked, Measured, Needs
from speechagents.benchmark.played import Played, read_cell_record, read_played
from speechagents.benchmark.scene_set import SceneSet, read_scene_set, shipped_scene_set
from speechagents.benchmark.scores import (
    RUN_FILE,
    CellScores,
    RunInfo,
    RunScores,
    measured_from_json,
    measured_to_json,
    read_json,
    write_scores,
)
from speechagents.cluster.dispatch import Dispatcher, Done, Quarantined
from speechagents.cluster.executor import Post
from speechagents.cluster.local import LocalPool
from speechagents.cores import usable_cores
from speechagents.errors import BenchmarkError, SettingsError
from speechagents.production.storage import write_atomically

if TYPE_CHECKING:
    from speechagents.listeners.listener import Listener

MEASURES_FILE: Final = "measures.json"
NO_EARS: Final = "none"


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """Options of scoring.

    Attributes:
        ears: Name of the recogniser that listens to takes; empty takes the embedded one, ``none`` does without.
        judge: Base URL of an OpenAI-compatible server that judges; empty does without, and nothing judged is reported.
        judge_model: Its model.
        judge_repeats: How often each cell is judged by each criterion.
        judge_audio: The judge hears takes as well.
        judge_tokens: Most tokens that judging may cost; 0 for no limit.
        scene_set: Folder of the benchmark that was run; None takes the shipped one.
        seed: Of what judges are shown first.
        jobs: Cells at once; 0 takes one a core.
    """

    ears: str = ""
    judge: str = ""
    judge_model: str = ""
    judge_repeats: int = 2
    judge_audio: bool = False
    judge_tokens: int = 0
    scene_set: Path | None = None
    seed: int = 0
    jobs: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.judge_repeats <= 20:
            raise SettingsError(f"{self.judge_repeats} repeats of a judge are not between 1 and 20")
        if not 0 <= self.judge_tokens <= 10**12:
            raise SettingsError(f"{self.judge_tokens} tokens for a judge are not between 0 and {10**12}")
        if not 0 <= self.jobs <= 256:
            raise SettingsError(f"{self.jobs} jobs are not between 0 and 256")
        if (self.judge_model or self.judge_audio) and not self.judge:
            raise SettingsError("a judge's model or ears need a judge: --judge URL")


@dataclass(frozen=True, slots=True)
class CellScored:
    """A cell is measured.

    Attributes:
        name: Of the cell.
        reused: It was measured before.
        done: Cells that are measured by now.
        planned: Cells to be measured.
    """

    name: str
    reused: bool
    done: int
    planned: int


def score(folder: Path, settings: ScoreSettings) -> Iterator[CellScored | RunScores]:
    """Measure a run's finished cells.

    Yields:
        `CellScored` as cells are measured, `RunScores` last, which are written down by then.

    Raises:
        BenchmarkError: The folder holds no run, none of its cells is finished, or it is of another benchmark.
        ListenerError: The recogniser cannot be used.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        raise BenchmarkError(f"{folder}: holds no run; make one with `speechagents bench run --out {folder}`")
    info = RunInfo.from_json(read_json(path), path)
    scene_set = shipped_scene_set() if settings.scene_set is None else read_scene_set(settings.scene_set)
    if info.benchmark != f"{scene_set.name} {scene_set.digest}":
        raise BenchmarkError(
            f"{folder}: was run on {info.benchmark}, these scenes are {scene_set.name} {scene_set.digest}; run it "
            "again, or name its scenes with --set"
        )
    cells = sorted(one for one in (folder / "cells").glob("*") if read_cell_record(one) is not None)
    if not cells:
        raise BenchmarkError(f"{folder}: no cell is finished yet; run `speechagents bench run --out {folder}` again")
    found: dict[str, Mapping[str, Measured]] = {}
    yield from _measured(cells, settings, scene_set, found)
    judged, problems = _judged([_played(cell, scene_set) for cell in cells], settings)
    scores = []
    for cell in cells:
        record = read_cell_record(cell)
        if record is not None:
            values = {**found[cell.name], **judged.get(cell.name, {})}
            scores.append(CellScores(record.scene_id, record.roles, record.repeat, values))
    run = RunScores(info, tuple(scores), info.cells, problems)
    write_scores(folder, run)
    yield run


def _played(cell: Path, scene_set: SceneSet) -> Played:
    record = read_cell_record(cell)
    scene = scene_set.scenes.get(record.scene_id) if record else None
    if scene is None:
        raise BenchmarkError(f"{cell}: is of no scene of {scene_set.name}; delete it and run again")
    return read_played(cell, scene.facts)


def _measured(
    cells: Sequence[Path], settings: ScoreSettings, scene_set: SceneSet, found: dict[str, Mapping[str, Measured]]
) -> Iterator[CellScored]:
    """Measure cells, those that were measured before first; `found` gets what was measured, by name of the cell."""
    with closing(LocalPool(settings.jobs or usable_cores())) as pool:
        dispatcher, post = Dispatcher(pool), Post("measures", partial(_Measuring, settings.ears))
        (key,) = (_result(outcome) for outcome in dispatcher.ordered(post, [None]))
        waiting = []
        for cell in cells:
            if (known := _known(cell, key)) is None:
                waiting.append(cell)
            else:
                found[cell.name] = known
                yield CellScored(cell.name, True, len(found), len(cells))
        tasks = (_Task(cell, _played(cell, scene_set).facts) for cell in waiting)
        for outcome in dispatcher.as_they_come(post, tasks):
            cell, values = outcome.task.cell, _result(outcome)
            found[cell.name] = values
            kept = {"key": key, "values": {name: measured_to_json(value) for name, value in values.items()}}
            write_atomically(cell / MEASURES_FILE, (json.dumps(kept) + "\n").encode())
            yield CellScored(cell.name, False, len(found), len(cells))


def _result(outcome: Done | Quarantined) -> Any:
    if isinstance(outcome, Quarantined):
        raise BenchmarkError(f"{outcome.reason}; run the same command again, with fewer --jobs if memory is short")
    return outcome.result


def _judged(
    cells: Sequence[Played], settings: ScoreSettings
) -> tuple[Mapping[str, Mapping[str, Measured]], tuple[str, ...]]:
    """What a judge made of the cells, by name, and what people have to know of it; nothing without one."""
    if not settings.judge:
        return {}, ()
    from speechagents.benchmark.judging.judge import Judge
    from speechagents.benchmark.judging.opinions import judged_values, problems_of

    with Judge(
        base_url=settings.judge,
        model=settings.judge_model,
        repeats=settings.judge_repeats,
        audio=settings.judge_audio,
        budget_tokens=settings.judge_tokens,
    ) as judge:
        judged = list(judge.judge_all(cells, seed=settings.seed))
        verdicts = [verdict for one in judged for verdict in one.verdicts]
        return {one.cell: judged_values(one.verdicts) for one in judged}, problems_of(judge.identity, verdicts)


def _known(cell: Path, key: str) -> Mapping[str, Measured] | None:
    """What was measured of a cell before, by the same metrics and ears."""
    path = cell / MEASURES_FILE
    if not path.is_file():
        return None
    try:
        kept = read_json(path)
        if kept["key"] != key:
            return None
        return {str(name): measured_from_json(value) for name, value in kept["values"].items()}
    except (BenchmarkError, KeyError, TypeError, ValueError, AttributeError):
        return None  # damaged: it is measured again


@dataclass(frozen=True, slots=True)
class _Task:
    """A cell to be measured, and what is known of its scene."""

    cell: Path
    facts: tuple[Fact, ...]


class _Measuring:
    """A worker that measures cells: a recogniser, loaded once.

    Args:
        ears: Its name.
    """

    def __init__(self, ears: str) -> None:
        self._ears: Listener | None = None
        if ears != NO_EARS:
            from speechagents.backends import LISTENERS

            self._ears = LISTENERS.load(ears or "pocketsphinx", {})

    def do(self, tasks: Sequence[_Task | None]) -> Iterator[Mapping[str, Measured] | str]:
        """All metrics of each cell; for None, what measures depend on beside the cell."""
        from speechagents.benchmark.metrics.catalogue import metrics_key

        for task in tasks:
            yield self._measured(task) if task else metrics_key(self._ears.identity if self._ears else "")

    def _measured(self, task: _Task) -> Mapping[str, Measured]:
        from speechagents.benchmark.metrics.catalogue import all_metrics

        looked = Looked(read_played(task.cell, task.facts), self._ears)
        # As it will be read again: rounded.
        return {
            metric.name: measured_from_json(measured_to_json(metric.measure(looked)))
            for metric in all_metrics()
            if metric.needs is not Needs.EARS or looked.ears is not None
        }
