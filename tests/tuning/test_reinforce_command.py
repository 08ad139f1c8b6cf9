"""``speechagents tune`` by a recipe whose method is reinforcement, from the command line to the model that is left."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("accelerate")

from speechagents.cli import main
from speechagents.tuning.trajectory import Split
from speechagents.tuning.trajectory_folder import write_trajectory_folder
from tests.tuning.word_acts import trajectories

RECIPE = """\
name: scraps
about: For tests.
family: chat
base: {random: qwen2, layers: 1, width: 16, heads: 2, feed: 16, vocabulary: 400}
adapter: {kind: lora, rank: 2, alpha: 4, targets: [q_proj]}
data: {agent: 1.0, next_speaker: 0.0}
training: {steps: 2, batch: 8, learning_rate: 1.0e-2, max_tokens: 4096, dtype: float32, checkpoint_every: 1}
method: grpo
rl:
  roles: 3
  turns: 2
  scenes: 1
  episodes: 2
  dev_scenes: 1
  answer_tokens: 3
  reward: {formed: 1.0}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("command")
    write_trajectory_folder(path / "data", [*trajectories(2, Split.TRAIN), *trajectories(1, Split.DEV)])
    (path / "scraps.yaml").write_text(RECIPE, "utf-8")
    return path


def tune(folder: Path, *more: str, recipe: str = "scraps.yaml", out: str = "out") -> int:
    arguments = ["--recipe", str(folder / recipe), "--data", str(folder / "data"), "--out", str(folder / out)]
    return main(["tune", *arguments, *more])


def test_the_command_plays_and_leaves_a_model_and_says_why_it_ends(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert tune(folder, "--json") == 0
    out, err = capfd.readouterr()
    said = json.loads(out)
    # Random weights do not know what a turn is.
    assert (said["rounds"], said["planned"], said["kept"]) == (0, 2, 0)
    assert said["reason"].startswith("no episode of the first round earned anything")
    assert Path(said["model"]) == folder / "out" / "model"
    assert (said["first_reward"], said["kept_reward"]) == (0.0, 0.0)
    assert (folder / "out" / "model" / "adapter_model.safetensors").is_file()
    assert "2 rounds of 1 scenes with 3 roles, 2 times each, 2 turns at most" in err
    assert "round 1 of 2: reward 0.000, dev 0.000, 0% of turns well-formed" in err
    assert f"ended: {said['reason']}" in err


def test_with_a_cold_start_and_measured_everything_is_said_once_and_nothing_by_libraries(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cold = "  cold_start: {steps: 2, batch: 2, max_tokens: 4096, evaluate_every: 2, checkpoint_every: 2}\n"
    (folder / "cold.yaml").write_text(RECIPE + cold, "utf-8")
    assert tune(folder, "--evaluate", recipe="cold.yaml", out="measured") == 0
    said = capfd.readouterr().err.splitlines()
    assert not [line for line in said if "%|" in line or "Warning" in line]
    places = [line for line in said if re.search(r"\bon the (CPU|GPU)\b|\bon NVIDIA\b", line)]
    assert len(places) == 1
    assert places[0].startswith("computes on ")
    assert "2 of 2 steps are done; the best model is that of step 2" in " ".join(said)
    assert "measuring the base, and what came of it" in said
    report = (folder / "measured" / "evaluation.md").read_text("utf-8")
    assert "untuned" in report
    assert "Perplexity of lines" in report


def test_what_was_done_is_told_again_and_not_done_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "out" / "log.jsonl").read_bytes()
    assert tune(folder, "--resume") == 0
    out, err = capsys.readouterr()
    assert out.strip() == str(folder / "out" / "model")
    assert "round 1" not in err
    assert (folder / "out" / "log.jsonl").read_bytes() == before
    assert tune(folder) == 2
    assert "go on with it by --resume" in capsys.readouterr().err
