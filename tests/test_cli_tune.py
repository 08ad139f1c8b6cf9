"""``speechagents tune`` as people type it: a small run, killed in earnest and gone on with, and wrong input."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import importlib.util

from speechagents.cli import main
from speechagents.tuning.recipe import Adapter, Base
from speechagents.tuning.recipe_file import find_recipe, read_recipe, write_recipe
from speechagents.tuning.trajectory import Split, Trajectory
from speechagents.tuning.trajectory_folder import write_trajectory_folder
from speechagents.tuning.tuning_log import read_log
from tests.tuning.chat_samples import LINES, turn_sample
from tests.tuning.letter_runs import tensors, untimed


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarrel to learn from, and one to measure with."""
    out = tmp_path_factory.mktemp("data") / "trajectories"
    dev = []
    for at in range(1, 4):
        one = turn_sample(at, split=Split.DEV, text=f"Of dev {at}.")
        values = {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
        dev.append(Trajectory(**{**values, "id": f"pond/{at}", "scene_id": "pond"}))
    write_trajectory_folder(out, [*(turn_sample(at) for at in range(len(LINES))), *dev])
    return out


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped recipe for trying out, still smaller, and with an adapter."""
    tiny = read_recipe(find_recipe("tiny"))
    training = dataclasses.replace(
        tiny.training, steps=6, batch=1, accumulate=2, warmup=1, evaluate_every=3, checkpoint_every=2, dev_samples=2
    )
    base = Base(random="qwen2", layers=2, width=32, heads=4, feed=64, vocabulary=600)
    path = tmp_path_factory.mktemp("recipe") / "smaller.yaml"
    path.write_text(
        write_recipe(dataclasses.replace(tiny, name="smaller", base=base, adapter=Adapter(), training=training)),
        "utf-8",
    )
    return path


def command(*arguments: object) -> list[str]:
    return ["tune", *map(str, arguments)]


def started(arguments: list[str]) -> subprocess.Popen[str]:
    """The command in a process of its own, as it is for people."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "HF_"))}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "speechagents", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.slow
def test_a_run_that_is_killed_in_earnest_goes_on_and_ends_with_the_same_bits(
    data: Path, recipe: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    arguments = command("--recipe", recipe, "--data", data, "--json")
    straight = started([*arguments, "--out", str(whole)])
    process = started([*arguments, "--out", str(killed)])
    until = time.monotonic() + 300
    while not any("loss" in entry and entry["step"] >= 3 for entry in read_log(killed / "log.jsonl")):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert json.loads((killed / "run.json").read_text("utf-8"))["state"] == "running"
    out, said = started([*arguments, "--out", str(killed), "--resume"]).communicate(timeout=300)
    assert json.loads(out)["step"] == 6, said
    assert "goes on from step 2 of 6" in said or "goes on from step 4 of 6" in said
    out, said = straight.communicate(timeout=300)
    told = json.loads(out)
    assert (told["step"], told["steps"], told["left_out"]) == (6, 6, 0)
    assert told["model"] == str(whole / "model")
    assert untimed(whole / "log.jsonl") == untimed(killed / "log.jsonl")
    for part in ("base", "checkpoints", "model"):
        first, second = tensors(whole / part), tensors(killed / part)
        assert first.keys() == second.keys()
        assert all(first[name].equal(second[name]) for name in first)
    lines = said.splitlines()
    assert lines[0].startswith("recipe smaller: ")
    assert lines[1] == "family chat, base random qwen2, low-rank updates of rank 8; 6 steps of 2 samples"
    assert any(line.startswith("learnt: ") and "are frozen" in line for line in lines)
    assert "samples: 8 of turn (40%), 7 of next speaker (10%), 6 of general (50%); dev: 2 of agents, 2 general" in lines
    assert any(line.startswith("step 1 of 6: loss ") for line in lines)
    assert any(line.startswith("step 3: dev ") and "the best so far" in line for line in lines)
    assert not [line for line in lines if "Warning" in line or "%|" in line]
    files = [path.name for path in whole.rglob("*") if path.is_file()]
    assert not [name for name in files if name.endswith((".bin", ".pt", ".pth", ".pkl"))]
    assert {"adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "README.md"} <= set(files)


def test_with_evaluate_it_says_what_has_changed(
    data: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(command("--recipe", recipe, "--data", data, "--out", out, "--steps", 2, "--evaluate")) == 0
    assert "measuring the base" in capsys.readouterr().err
    assert json.loads((out / "evaluation.json").read_text("utf-8"))
    report = (out / "evaluation.md").read_text("utf-8")
    assert "Perplexity of lines" in report
    assert "untuned" in report


def test_a_folder_in_use_is_refused_before_libraries_are_loaded(
    data: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    assert main(command("--recipe", recipe, "--data", data, "--out", tmp_path)) == 2
    assert "is not empty, and no run was begun in it; name a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--recipe", "tyni"], "there is no such recipe; write the path of a YAML file, or one of "),
        (["--data", "nowhere"], "no manifest.json here; make the folder with `speechagents trajectories SOURCE"),
    ],
)
def test_what_is_not_there_is_named_with_a_remedy(
    data: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    out = tmp_path / "out"
    assert main([*command("--recipe", recipe, "--data", data, "--out", out), *more]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_package_that_is_missing_gives_the_line_that_installs_it(
    data: Path, recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "peft" else found(name))
    assert main(command("--recipe", recipe, "--data", data, "--out", tmp_path / "out")) == 2
    assert 'peft is not installed: python -m pip install "speechagents[tuning]"' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("steps", ["0", "-1", "1.5", "ten"])
def test_steps_are_a_whole_number(steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(command("--recipe", "tiny", "--data", "d", "--out", "o", "--steps", steps))
    assert "is no whole number from 1 to" in capsys.readouterr().err
