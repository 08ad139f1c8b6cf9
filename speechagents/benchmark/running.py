"""A run of the benchmark: its cells, played by workers, within a budget, and gone on with after a kill.

Owns the order, the budget and what ``run.json`` says. Does not know what a worker does with a cell (`cell_worker`), nor
what is measured of it. The workers are processes of this machine unless others are named (`cluster.workers`). One that
is lost with a cell is replaced, and the cell goes on where it was.

::

    DIR/run.json            what is run: all that must be known to repeat it
    DIR/cells/NAME/         one production for each cell; cell.json is there when it is finished
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from speechagents.benchmark.cell_worker import CellTask, Who, cell_post, is_light
from speechagents.benchmark.cells import Cell, plan_cells
from speechagents.benchmark.played import CellRecord, read_cell_record
from speechagents.benchmark.run_settings import RunSettings, run_info
from speechagents.benchmark.scene_set import SceneSet, Split
from speechagents.benchmark.scores import RUN_FILE, RunInfo, read_json
from speechagents.benchmark.script_file import HAND
from speechagents.cluster.dispatch import Dispatcher, Quarantined
from speechagents.cluster.executor import Executor, Post
from speechagents.cluster.local import MAX_WORKERS, LocalPool
from speechagents.cluster.sharing import SharedFolder
from speechagents.cluster.store_address import folder_here
from speechagents.cluster.workers import open_workers
from speechagents.cores import usable_cores
from speechagents.errors import BenchmarkError, ClusterError
from speechagents.production.storage import write_atomically

_REMEMBERED: Final = (
    "benchmark",
    "asked",
    "policy",
    "hearing",
    "split",
    "roles",
    "scenes",
    "repeats",
    "turns",
    "seed",
    "scripted",
)
"""What of a run must stay the same when it is gone on with; budgets may grow."""


@dataclass(frozen=True, slots=True)
class CellDone:
    """A cell is finished.

    Attributes:
        name: Of the cell.
        record: How it went.
        reused: It was finished before.
        done: Cells that are finished by now.
        planned: Cells of the run.
    """

    name: str
    record: CellRecord
    reused: bool
    done: int
    planned: int


@dataclass(frozen=True, slots=True)
class CellFailed:
    """A cell could not be played; the others go on."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunOver:
    """The run is over.

    Attributes:
        played: Cells that are finished.
        planned: Cells of the run.
        failed: Cells that could not be played.
        left: Cells that the budget left out.
        turns: Of all finished cells.
        tokens: Of all finished cells.
    """

    played: int
    planned: int
    failed: int
    left: int
    turns: int
    tokens: int


RunEvent = CellDone | CellFailed | RunOver


def run(settings: RunSettings, folder: Path) -> Iterator[RunEvent]:
    """Play a run into a folder; what is finished there already is not played again.

    Yields:
        `CellDone` and `CellFailed` as cells end, `RunOver` last.

    Raises:
        InputError: An option or the scenes are at fault, or the folder holds another run.
        ControllerError: The controller cannot be used.
        ClusterError: Workers on other machines cannot be reached or used.
    """
    folder = folder_here(folder, instead="name a folder here for the run, and copy it there when all is done")
    scene_set = settings.scene_set_read()
    cells = _cells(settings, scene_set)
    known = _known(folder)
    info = run_info(settings, scene_set, folder, cells=len(cells))
    if known is not None:
        _refuse_another(folder, known, replace(info, system=known.system, voices=known.voices))
    tasks = [
        CellTask(
            cell,
            scene_set.scenes[cell.scene_id].brief,
            scene_set.scenes[cell.scene_id].facts,
            scene_set.scripts.get((cell.scene_id, cell.roles)) if settings.script else None,
            folder.absolute() / "cells" / cell.name,
        )
        for cell in cells
    ]
    jobs = _jobs(settings)
    with ExitStack() as opened:
        # Threads wait for workers, so the workers are ended first.
        pool = opened.enter_context(ThreadPoolExecutor(MAX_WORKERS, thread_name_prefix="cell"))
        executor: Executor = open_workers(settings.workers, jobs=settings.jobs) if settings.workers else LocalPool(jobs)
        opened.enter_context(closing(executor))
        dispatcher, post = Dispatcher(executor), cell_post(settings)
        told = None if known and not settings.workers else _told(dispatcher, post)
        system, voices = (known.system, known.voices) if known else told or ("", "")
        _remember(replace(info, system=system, voices=voices), folder)
        if settings.workers:
            shared = opened.enter_context(SharedFolder.of(folder))
            tasks = [replace(task, shared=shared, company=told) for task in tasks]
        # Without a number, as many as keep workers busy that come and go.
        known_jobs = settings.jobs or not settings.workers
        at_once = (lambda: jobs) if known_jobs else (lambda: min(MAX_WORKERS, executor.capacity(post)))
        yield from _Budgeted(settings, pool, partial(_play_elsewhere, dispatcher, post), at_once).play(tasks)


class _Budgeted:
    """The cells of a run, as far as its budget goes."""

    def __init__(
        self,
        settings: RunSettings,
        pool: ThreadPoolExecutor,
        play: Callable[[CellTask], CellRecord | str],
        at_once: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._play = play
        self._at_once = at_once
        self._turns = self._tokens = 0
        self._done = self._failed = self._left = 0

    def play(self, tasks: list[CellTask]) -> Iterator[RunEvent]:
        """Play them, what is finished already first."""
        waiting: list[CellTask] = []
        for task in tasks:
            if (record := read_cell_record(task.folder)) is not None:
                yield self._counted(task, record, reused=True, planned=len(tasks))
            else:
                waiting.append(task)
        yield from self._played(iter(waiting), len(tasks))
        yield RunOver(self._done, len(tasks), self._failed, self._left, self._turns, self._tokens)

    def _played(self, rest: Iterator[CellTask], planned: int) -> Iterator[RunEvent]:
        running: dict[Future[CellRecord | str], CellTask] = {}
        try:
            while True:
                while len(running) < self._at_once() and (task := self._affordable(rest, running)) is not None:
                    running[self._pool.submit(self._play, task)] = task
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield self._ended(running.pop(future), future, planned)
        finally:
            for future in running:
                future.cancel()

    def _affordable(self, rest: Iterator[CellTask], running: Mapping[Future[Any], CellTask]) -> CellTask | None:
        """The next cell that the budget allows; those that it does not are counted."""
        turns, tokens = self._settings.budget_turns, self._settings.budget_tokens
        for task in rest:
            planned = self._turns + sum(one.cell.turns for one in running.values()) + task.cell.turns
            if (turns and planned > turns) or (tokens and self._tokens >= tokens):
                self._left += 1
                continue
            return replace(task, tokens=max(0, tokens - self._tokens)) if tokens else task
        return None

    def _ended(self, task: CellTask, future: Future[CellRecord | str], planned: int) -> RunEvent:
        result = future.result()
        if isinstance(result, str):
            self._failed += 1
            return CellFailed(task.cell.name, result)
        return self._counted(task, result, reused=False, planned=planned)

    def _counted(self, task: CellTask, record: CellRecord, *, reused: bool, planned: int) -> CellDone:
        self._done += 1
        self._turns += record.turns
        self._tokens += record.tokens_in + record.tokens_out
        return CellDone(task.cell.name, record, reused, self._done, planned)


def _told(dispatcher: Dispatcher, post: Post) -> tuple[str, str]:
    """Who acts, and with which voices."""
    (outcome,) = dispatcher.ordered(post, [Who()])
    if isinstance(outcome, Quarantined):
        raise ClusterError(outcome.reason)
    system, voices = outcome.result
    return system, voices


def _play_elsewhere(dispatcher: Dispatcher, post: Post, task: CellTask) -> CellRecord | str:
    """What became of a cell; a reason where it could not be played."""
    (outcome,) = dispatcher.ordered(post, [task])
    if isinstance(outcome, Quarantined):
        return f"{outcome.reason}; run the same command again, with fewer --jobs if memory is short"
    result: CellRecord | str = outcome.result
    return result


def _cells(settings: RunSettings, scene_set: SceneSet) -> tuple[Cell, ...]:
    scenes = scene_set.of(Split(settings.split) if settings.split else None)
    cells = plan_cells(
        scenes[: settings.scenes or None],
        settings.roles,
        repeats=settings.repeats,
        seed=settings.seed,
        turns=settings.turns or None,
    )
    if settings.script or settings.scripted:
        written = {key for key, script in scene_set.scripts.items() if script.made_by == HAND}
        cells = tuple(cell for cell in cells if (cell.scene_id, cell.roles) in written)
    if not cells:
        what = "with a script written by hand" if settings.script or settings.scripted else "to play"
        raise BenchmarkError(f"there is no scene {what} in {scene_set.name}; choose another split or other roles")
    return cells


def _jobs(settings: RunSettings) -> int:
    return settings.jobs or (usable_cores() if is_light(settings) else 1)


def _known(folder: Path) -> RunInfo | None:
    """What the folder is a run of, if it is one.

    Raises:
        BenchmarkError: It holds something else.
    """
    path = folder / RUN_FILE
    if path.is_file():
        return RunInfo.from_json(read_json(path), path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BenchmarkError(f"{folder}: is not empty and no run of the benchmark; name a new folder for --out")
    return None


def _refuse_another(folder: Path, known: RunInfo, asked: RunInfo) -> None:
    for name in _REMEMBERED:
        if (before := getattr(known, name)) != (now := getattr(asked, name)):
            raise BenchmarkError(
                f"{folder}: holds a run with {name} {before!r}, not {now!r}; run the same command as then, or name a "
                "new folder for --out"
            )


def _remember(info: RunInfo, folder: Path) -> None:
    data = json.dumps(info.to_json(), ensure_ascii=False, indent=2) + "\n"
    write_atomically(folder / RUN_FILE, data.encode())
