"""Runs of reinforcement with a policy that knows two dozen words: over in a second."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.numpy import load_file

from speechagents.tuning.recipe import Adapter, AdapterKind, Base, FamilyKind, Mix, Precision, Recipe, Training
from speechagents.tuning.run_folder import read_run
from speechagents.tuning.trajectory import Split
from speechagents.tuning.trajectory_folder import TrajectoryFolder, write_trajectory_folder
from speechagents.tuning.tuning_log import read_log
from tests.tuning.word_acts import WordActs, WordFamily, rl, trajectories

if TYPE_CHECKING:
    from speechagents.tuning.rl_events import ReinforcementOver

ROUNDS = 4
COLD = Training(steps=6, batch=8, learning_rate=0.03, max_tokens=64, evaluate_every=3, checkpoint_every=3)


def write_data(path: Path) -> TrajectoryFolder:
    """Five scenes to learn from, and two of dev."""
    return write_trajectory_folder(path, [*trajectories(5, Split.TRAIN), *trajectories(2, Split.DEV)])


def recipe(training: Mapping[str, Any] | None = None, **more: Any) -> Recipe:
    """A recipe of four rounds."""
    return Recipe(
        name="words",
        about="For tests.",
        family=FamilyKind.CHAT,
        base=Base(random="qwen2"),
        adapter=Adapter(AdapterKind.FULL),
        data=Mix(agent=1.0, next_speaker=0.0),
        training=Training(
            **{
                "steps": ROUNDS,
                "batch": 64,
                "learning_rate": 0.02,
                "max_tokens": 64,
                "seed": 3,
                "evaluate_every": 2,
                "checkpoint_every": 2,
                "dtype": Precision.FLOAT32,
                "dev_samples": 4,
                **(training or {}),
            }
        ),
        rl=rl(**{"scenes": 2, "episodes": 4, "dev_scenes": 1, "turns": 3, **more}),
    )


def run(out: Path, data: TrajectoryFolder, one: Recipe | None = None, **more: Any) -> ReinforcementOver:
    """Let the policy learn."""
    from speechagents.tuning.reinforcing import reinforce

    return reinforce(one or recipe(), data, out, make=lambda *_: WordFamily(), act=lambda _: WordActs(), **more)


def lines(out: Path) -> list[dict[str, Any]]:
    """Of the log, without times."""
    return [
        {name: value for name, value in entry.items() if not name.endswith("_s")}
        for entry in read_log(out / "log.jsonl")
    ]


def weights(out: Path) -> dict[str, bytes]:
    """Of the model that a run has left."""
    return {name: one.tobytes() for name, one in load_file(out / "model" / "model.safetensors").items()}


def start_weights() -> dict[str, bytes]:
    """Of the model that a run without a cold start begins with."""
    state = WordFamily().load().state_dict()
    return {name: value.detach().numpy().tobytes() for name, value in state.items()}


def unfinished(straight: Path, tmp_path: Path) -> Path:
    """A copy of a run, killed before its end."""
    out = tmp_path / "copy"
    shutil.copytree(straight, out)
    said = {**read_run(out), "state": "running"}
    (out / "run.json").write_text(json.dumps(said), "utf-8")
    return out
