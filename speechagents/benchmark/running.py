"""A run of the benchmark: its cells, played in processes of their own, within a budget, and gone on with after a kill.

Owns the order, the processes and what ``run.json`` says. Does not know how a cell is played (`playing`), nor what is
measured of it.

::

    DIR/run.json            what is run: all that must be known to repeat it
    DIR/cells/NAME/         one production for each cell; cell.json is there when it is finished
"""

from __future__ import annotations

import functools
import json
import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speechagents.benchmark.baselines import BASELINES
from speechagents.benchmark.cells import Cell, plan_cells
from speechagents.benchmark.facts import Fact
from speechagents.benchmark.played import CellRecord, read_cell_record
from speechagents.benchmark.playing import improvise_cell, speak_script
from speechagents.benchmark.run_settings import RunSettings, run_info
from speechagents.benchmark.scene_set import SceneSet, Split
from speechagents.benchmark.scores import RUN_FILE, RunInfo, read_json
from speechagents.benchmark.script_file import HAND, SceneScript
from speechagents.cores import usable_cores
from speechagents.drama import SceneBrief
from speechagents.errors import BenchmarkError, SpeechAgentsError
from speechagents.production.storage import write_atomically

if TYPE_CHECKING:
    from speechagents.actors import Actors
    from speechagents.studio import Studio

_LIGHT: Final = ("rehearsal", "openai")
"""Controllers of which every process may have one: they hold no model in memory."""
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


@dataclass(frozen=True, slots=True)
class _Task:
    """All that a process needs to play a cell."""

    settings: RunSettings
    cell: Cell
    brief: SceneBrief
    facts: tuple[Fact, ...]
    script: SceneScript | None
    folder: Path
    tokens: int | None = None


def run(settings: RunSettings, folder: Path) -> Iterator[RunEvent]:
    """Play a run into a folder; what is finished there already is not played again.

    Yields:
        `CellDone` and `CellFailed` as cells end, `RunOver` last.

    Raises:
        InputError: An option or the scenes are at fault, or the folder holds another run.
        ControllerError: The controller cannot be used.
    """
    scene_set = settings.scene_set_read()
    cells = _cells(settings, scene_set)
    known = _known(folder)
    info = run_info(settings, scene_set, folder, cells=len(cells))
    if known is not None:
        _refuse_another(folder, known, replace(info, system=known.system, voices=known.voices))
    tasks = [
        _Task(
            settings,
            cell,
            scene_set.scenes[cell.scene_id].brief,
            scene_set.scenes[cell.scene_id].facts,
            scene_set.scripts.get((cell.scene_id, cell.roles)) if settings.script else None,
            folder / "cells" / cell.name,
        )
        for cell in cells
    ]
    jobs = _jobs(settings)
    # Spawned, not forked: a fork would share the locks and threads of whoever runs this. They start when first needed.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            system, voices = (known.system, known.voices) if known else pool.submit(_identities, settings).result()
            _remember(replace(info, system=system, voices=voices), folder)
            yield from _Budgeted(settings, pool, jobs).play(tasks)
        except BrokenProcessPool as error:
            raise BenchmarkError(
                "a process that plays cells was killed (out of memory?); run the same command with fewer --jobs"
            ) from error


class _Budgeted:
    """The cells of a run, as far as its budget goes."""

    def __init__(self, settings: RunSettings, pool: ProcessPoolExecutor, jobs: int) -> None:
        self._settings = settings
        self._pool = pool
        self._jobs = jobs
        self._turns = self._tokens = 0
        self._done = self._failed = self._left = 0

    def play(self, tasks: list[_Task]) -> Iterator[RunEvent]:
        """Play them, what is finished already first."""
        waiting: list[_Task] = []
        for task in tasks:
            if (record := read_cell_record(task.folder)) is not None:
                yield self._counted(task, record, reused=True, planned=len(tasks))
            else:
                waiting.append(task)
        yield from self._played(iter(waiting), len(tasks))
        yield RunOver(self._done, len(tasks), self._failed, self._left, self._turns, self._tokens)

    def _played(self, rest: Iterator[_Task], planned: int) -> Iterator[RunEvent]:
        running: dict[Future[CellRecord | str], _Task] = {}
        try:
            while True:
                while len(running) < self._jobs and (task := self._affordable(rest, running)) is not None:
                    running[self._pool.submit(_play, task)] = task
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield self._ended(running.pop(future), future, planned)
        finally:
            for future in running:
                future.cancel()

    def _affordable(self, rest: Iterator[_Task], running: Mapping[Future[Any], _Task]) -> _Task | None:
        """The next cell that the budget allows; those that it does not are counted."""
        turns, tokens = self._settings.budget_turns, self._settings.budget_tokens
        for task in rest:
            planned = self._turns + sum(one.cell.turns for one in running.values()) + task.cell.turns
            if (turns and planned > turns) or (tokens and self._tokens >= tokens):
                self._left += 1
                continue
            return replace(task, tokens=max(0, tokens - self._tokens)) if tokens else task
        return None

    def _ended(self, task: _Task, future: Future[CellRecord | str], planned: int) -> RunEvent:
        result = future.result()
        if isinstance(result, str):
            self._failed += 1
            return CellFailed(task.cell.name, result)
        return self._counted(task, result, reused=False, planned=planned)

    def _counted(self, task: _Task, record: CellRecord, *, reused: bool, planned: int) -> CellDone:
        self._done += 1
        self._turns += record.turns
        self._tokens += record.tokens_in + record.tokens_out
        return CellDone(task.cell.name, record, reused, self._done, planned)


@functools.cache
def _company(settings: RunSettings) -> tuple[Studio, Actors]:
    """Voices and actors, loaded once in each process that plays cells."""
    from speechagents.actors import Actors, choose_actors
    from speechagents.controllers.scripted import ScriptedController
    from speechagents.settings import ImproviseSettings
    from speechagents.studio import Studio

    studio = Studio(preset=settings.preset, jobs=1)
    if settings.script:
        return studio, Actors(ScriptedController(), ScriptedController())
    asked = ImproviseSettings(
        controller=settings.controller, model=settings.model, server=settings.server, hearing=settings.hearing
    )
    return studio, choose_actors(studio.preset, asked, shared=studio.shared)[0]


def _identities(settings: RunSettings) -> tuple[str, str]:
    """Who acts, and with which voices."""
    studio, actors = _company(settings)
    system = f"script {settings.script}" if settings.script else actors.controller.identity
    return system, studio.synthesizer.identity


def _play(task: _Task) -> CellRecord | str:
    """Play one cell; a reason where that fails."""
    settings = task.settings
    try:
        studio, actors = _company(settings)
        if not settings.script:
            return improvise_cell(
                studio.troupe,
                actors,
                task.brief,
                task.cell,
                task.folder,
                policy=settings.policy,
                hearing=settings.hearing,
                tokens=task.tokens,
            )
        if task.script is None:
            return "there is no script for it"
        return speak_script(
            studio.troupe,
            actors,
            task.brief,
            task.facts,
            task.script,
            BASELINES[settings.script],
            task.cell,
            task.folder,
        )
    except SpeechAgentsError as error:
        return str(error)


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
    light = bool(settings.script) or settings.controller in _LIGHT or bool(settings.server)
    return settings.jobs or (usable_cores() if light else 1)


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
