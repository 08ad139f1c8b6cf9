"""A worker that plays cells of a run: what it loads and keeps, and what it is told of each cell.

Owns these. Does not know how a cell is played (`playing`), nor which cells there are and who works (`running`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from speechagents.benchmark.baselines import BASELINES
from speechagents.benchmark.cells import Cell
from speechagents.benchmark.facts import Fact
from speechagents.benchmark.played import CellRecord
from speechagents.benchmark.playing import improvise_cell, speak_script
from speechagents.benchmark.run_settings import RunSettings
from speechagents.benchmark.script_file import SceneScript
from speechagents.cluster.executor import Needs, Post
from speechagents.cluster.sharing import SharedFolder
from speechagents.drama import SceneBrief
from speechagents.errors import ClusterError, SpeechAgentsError
from speechagents.preset import Preset
from speechagents.presets import choose_preset

_LIGHT: Final = ("rehearsal", "openai")
"""Controllers of which every process may have one: they hold no model in memory."""


@dataclass(frozen=True, slots=True)
class Who:
    """Asks a worker who acts, and with which voices."""


@dataclass(frozen=True, slots=True)
class CellTask:
    """All that a worker needs to play a cell.

    Attributes:
        cell: What is played.
        brief: Of its scene.
        facts: Of its scene.
        script: Of its scene, where scripts are played.
        folder: Of the cell.
        tokens: Most that may still be spent.
        shared: The run's folder, where the workers may be on other machines.
        company: Who shall act, and with which voices; None where all workers are alike.
    """

    cell: Cell
    brief: SceneBrief
    facts: tuple[Fact, ...]
    script: SceneScript | None
    folder: Path
    tokens: int | None = None
    shared: SharedFolder | None = None
    company: tuple[str, str] | None = None


class CellService:
    """A worker that plays cells: voices and actors, loaded once.

    Args:
        settings: Of the run.
        preset: The one that they name, as whoever plans the run has it.
    """

    def __init__(self, settings: RunSettings, preset: Preset) -> None:
        from speechagents.actors import Actors, choose_actors
        from speechagents.controllers.scripted import ScriptedController
        from speechagents.settings import ImproviseSettings
        from speechagents.studio import Studio

        self._settings = settings
        self._studio = Studio(preset=preset, jobs=1)
        if settings.script:
            self._actors = Actors(ScriptedController(), ScriptedController())
            return
        asked = ImproviseSettings(
            controller=settings.controller, model=settings.model, server=settings.server, hearing=settings.hearing
        )
        self._actors = choose_actors(self._studio.preset, asked, shared=self._studio.shared)[0]

    def do(self, tasks: Sequence[CellTask | Who]) -> Iterator[CellRecord | str | tuple[str, str]]:
        """What became of each cell: a reason where it could not be played."""
        for task in tasks:
            yield self._company if isinstance(task, Who) else self._play(task)

    def close(self) -> None:
        """End the voices' processes."""
        self._studio.close()

    @property
    def _company(self) -> tuple[str, str]:
        """Who acts, and with which voices."""
        script = self._settings.script
        system = f"script {script}" if script else self._actors.controller.identity
        return system, self._studio.synthesizer.identity

    def _play(self, task: CellTask) -> CellRecord | str:
        settings = self._settings
        if task.shared is not None and not task.shared.is_seen:
            raise ClusterError(
                f"a worker does not see {task.shared.folder}; name a folder for --out that all machines share"
            )
        if task.company not in (None, self._company):
            raise ClusterError(
                f"one worker plays with {task.company} and another one with {self._company}; name --controller and "
                "--preset, and install the same version for all workers"
            )
        try:
            if not settings.script:
                return improvise_cell(
                    self._studio.troupe,
                    self._actors,
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
                self._studio.troupe,
                self._actors,
                task.brief,
                task.facts,
                task.script,
                BASELINES[settings.script],
                task.cell,
                task.folder,
            )
        except SpeechAgentsError as error:
            return str(error)


def cell_post(settings: RunSettings) -> Post:
    """Workers that play cells. Those of this machine share what there is; others have a GPU if they need one."""
    preset, _ = choose_preset(settings.preset, elsewhere=bool(settings.workers))
    needs = Needs()
    if settings.workers and preset.vram_gb and not is_light(settings):
        needs = Needs(gpus=1.0, vram_gb=preset.vram_gb)
    return Post("cells", partial(CellService, settings, preset), needs)


def is_light(settings: RunSettings) -> bool:
    """Whether any number of workers may have the controller: it takes no memory."""
    return bool(settings.script) or settings.controller in _LIGHT or bool(settings.server)
