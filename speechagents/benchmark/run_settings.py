"""Options of a run of the benchmark, checked, and what a report says of them.

Owns that. Does not know how a run is played.
"""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from speechagents import __version__
from speechagents.benchmark.baselines import BASELINES
from speechagents.benchmark.scene_set import SceneSet, Split, read_scene_set, shipped_scene_set
from speechagents.benchmark.scores import RunInfo
from speechagents.cluster.workers import check_workers
from speechagents.drama import MAX_PLAYERS, MIN_PLAYERS
from speechagents.errors import SettingsError
from speechagents.scripts.scene_file import POLICIES
from speechagents.settings import HEARINGS

ASKED: Final = ("controller", "model", "server", "script", "preset")
"""Options that choose who acts and speaks."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Options of a run.

    Attributes:
        controller: Who acts; empty goes by what runs on this machine and the preset.
        model: Its model.
        server: Base URL of an OpenAI-compatible server.
        script: Instead of a controller: the name of a `Baseline`, played from the scripts.
        preset: Voices and the rest.
        scene_set: Folder of a benchmark; None takes the shipped one.
        split: Of its scenes: ``train``, ``dev``, ``test``, or empty for all.
        roles: Numbers of roles.
        scenes: Most scenes; 0 for all of the split.
        repeats: How often each cell.
        turns: Most turns of a cell; 0 goes by the number of roles.
        seed: Of everything.
        policy: Turn policy.
        hearing: What agents hear, text or audio.
        scripted: Only cells that have a script written by hand, for comparing with those.
        budget_turns: Turns that it may take in all; 0 for no limit.
        budget_tokens: Tokens that it may cost in all; 0 for no limit.
        jobs: Cells at once, and Ray's workers at most; 0 takes one a core where nothing heavy is loaded for each, and
            as many as a cluster has room for.
        workers: Who plays them, as ``--workers`` says it; empty for processes of this machine.
        name: What it is called in reports; empty takes the folder's name.
    """

    controller: str = ""
    model: str = ""
    server: str = ""
    script: str = ""
    preset: str = "auto"
    scene_set: Path | None = None
    split: str = "test"
    roles: tuple[int, ...] = (2, 5, 10, 25)
    scenes: int = 0
    repeats: int = 1
    turns: int = 0
    seed: int = 0
    policy: str = "addressed"
    hearing: str = "text"
    scripted: bool = False
    budget_turns: int = 0
    budget_tokens: int = 0
    jobs: int = 0
    workers: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if self.split and self.split not in list(Split):
            raise SettingsError(f"split {self.split!r} is none of {', '.join(Split)}")
        if not self.roles or len(set(self.roles)) < len(self.roles):
            raise SettingsError("give numbers of roles, each once, such as 2,5,10,25")
        if bad := [count for count in self.roles if not MIN_PLAYERS <= count <= MAX_PLAYERS]:
            raise SettingsError(f"{bad[0]} roles are not between {MIN_PLAYERS} and {MAX_PLAYERS}")
        if self.script and self.script not in BASELINES:
            raise SettingsError(f"script {self.script!r} is none of {', '.join(BASELINES)}")
        if self.script and (self.controller or self.model or self.server):
            raise SettingsError("a script is played by nobody: leave --controller, --model and --server out")
        if self.policy not in POLICIES:
            raise SettingsError(f"no turn policy {self.policy!r}; there are: {', '.join(POLICIES)}")
        if self.hearing not in HEARINGS:
            raise SettingsError(f"hearing {self.hearing!r} is none of {', '.join(HEARINGS)}")
        if self.workers:
            check_workers(self.workers)
        for field, least, most in (
            ("scenes", 0, 10_000),
            ("repeats", 1, 100),
            ("turns", 0, 2_000),
            ("seed", 0, 2**63 - 1),
            ("budget_turns", 0, 10**9),
            ("budget_tokens", 0, 10**12),
            ("jobs", 0, 256),
        ):
            if not least <= getattr(self, field) <= most:
                raise SettingsError(f"{field} {getattr(self, field)} is not between {least} and {most}")

    def scene_set_read(self) -> SceneSet:
        """The scenes and scripts.

        Raises:
            BenchmarkError: They cannot be used.
        """
        return shipped_scene_set() if self.scene_set is None else read_scene_set(self.scene_set)


def run_info(settings: RunSettings, scene_set: SceneSet, folder: Path, *, cells: int) -> RunInfo:
    """What is run; who acts and with which voices is told by who loads them."""
    return RunInfo(
        name=settings.name or folder.resolve().name,
        benchmark=f"{scene_set.name} {scene_set.digest}",
        system="",
        asked={
            **{name: value for name in ASKED if (value := str(getattr(settings, name)))},
            **({} if settings.scene_set is None else {"set": str(settings.scene_set)}),
        },
        voices="",
        policy="scripted" if settings.script else settings.policy,
        hearing=settings.hearing,
        split=settings.split,
        roles=settings.roles,
        scenes=settings.scenes,
        repeats=settings.repeats,
        turns=settings.turns,
        seed=settings.seed,
        cells=cells,
        budget_turns=settings.budget_turns,
        budget_tokens=settings.budget_tokens,
        scripted=bool(settings.script) or settings.scripted,
        versions={"speechagents": __version__, "python": platform.python_version(), "numpy": np.__version__},
        commit=_commit(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores",
    )


def _commit() -> str:
    """Commit of the checkout that this code runs from; empty where it is none, or Git is not here."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return ""
    try:
        told = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],  # noqa: S607 - whichever Git is on the path
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()[:40]
