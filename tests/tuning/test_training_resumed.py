"""A run that is killed goes on from its newest checkpoint, and ends with the same bits as one that never stopped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch

from speechagents.errors import TuningError
from speechagents.tuning.recipe import Recipe
from speechagents.tuning.training import tune
from speechagents.tuning.tuning_events import CheckpointWritten, StepDone, TuningEvent, TuningOver
from tests.tuning.letter_family import LetterFamily
from tests.tuning.letter_runs import LoraFamily, data, make, recipe, tensors, untimed


class Killed(BaseException):
    """What ends a run from outside."""


def run(out: Path, one: Recipe | None = None, *, kind: Any = LetterFamily, **more: Any) -> TuningOver:
    one = one or recipe()
    return tune(one, data(one), out, make=make(kind), device="cpu", **more)


def killed_after(out: Path, step: int, one: Recipe | None = None, *, kind: Any = LetterFamily) -> None:
    """A run that is killed when a step was logged, before anything else is done."""

    def watch(event: TuningEvent) -> None:
        if isinstance(event, StepDone) and event.step == step:
            raise Killed

    with pytest.raises(Killed):
        run(out, one, kind=kind, announce=watch)


def assert_same(one: Path, other: Path) -> None:
    assert untimed(one / "log.jsonl") == untimed(other / "log.jsonl")
    for part in ("model", "checkpoints"):
        first, second = tensors(one / part), tensors(other / part)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)
    for name in ("recipe.yaml", "loss.svg", "model/README.md"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("straight") / "out"
    run(out)
    return out


@pytest.mark.parametrize("step", [2, 6, 11])
def test_a_run_that_was_killed_ends_with_the_same_bits(straight: Path, tmp_path: Path, step: int) -> None:
    killed_after(tmp_path / "out", step)
    over = run(tmp_path / "out", resume=True)
    assert over.step == 12
    assert_same(straight, tmp_path / "out")


def test_so_does_one_with_low_rank_updates_that_was_killed_twice(tmp_path: Path) -> None:
    kind = LoraFamily
    run(tmp_path / "straight", kind=kind)
    killed_after(tmp_path / "killed", 5, kind=kind)
    with pytest.raises(Killed):
        run(tmp_path / "killed", kind=kind, resume=True, announce=_kill_at_checkpoint(9))
    run(tmp_path / "killed", kind=kind, resume=True)
    assert_same(tmp_path / "straight", tmp_path / "killed")
    assert (tmp_path / "killed/model/adapter_model.safetensors").is_file()
    assert len(tensors(tmp_path / "killed/checkpoints/step-000012")) == 8 * 4, "nothing frozen is kept"


def _kill_at_checkpoint(step: int) -> Any:
    def watch(event: TuningEvent) -> None:
        if isinstance(event, CheckpointWritten) and event.step == step:
            raise Killed

    return watch


def test_what_a_killed_run_left_half_written_is_gone(straight: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    killed_after(out, 8)
    (out / "checkpoints/.step-000009.1-1-1.part").mkdir()
    (out / ".model.1-1-1.part").mkdir()
    with (out / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 9, "loss": 1')
    run(out, resume=True)
    assert_same(straight, out)
    assert not list(out.rglob("*.part"))


def test_a_best_model_that_a_killed_run_lost_is_made_again(tmp_path: Path) -> None:
    one = recipe(learning_rate=10.0, clip=1e4, warmup=0, evaluate_every=1, checkpoint_every=1, patience=3)
    over = run(tmp_path / "straight", one)
    assert over.stopped_early
    assert over.best_step < over.step
    with pytest.raises(Killed):
        run(tmp_path / "killed", one, announce=_kill_at_checkpoint(over.step))
    for path in (tmp_path / "killed/model").iterdir():
        path.write_bytes(b"lost")
    assert run(tmp_path / "killed", one, resume=True).best_step == over.best_step
    assert_same(tmp_path / "straight", tmp_path / "killed")


def test_a_damaged_checkpoint_is_refused_and_the_one_before_is_as_good(straight: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    killed_after(out, 8)
    newest = out / "checkpoints/step-000006/weights.safetensors"
    content = bytearray(newest.read_bytes())
    content[-1] ^= 1
    newest.write_bytes(content)
    with pytest.raises(TuningError, match=r"step-000006/weights\.safetensors: damaged: .* to go on from step-000003"):
        run(out, resume=True)
    shutil.rmtree(newest.parent)
    run(out, resume=True)
    assert_same(straight, out)


def test_a_run_that_is_over_is_told_again_and_nothing_is_made(straight: Path) -> None:
    before = (straight / "log.jsonl").stat().st_mtime_ns
    events: list[TuningEvent] = []
    over = run(straight, resume=True, announce=events.append)
    assert events == [over]
    assert over.step == 12
    assert (straight / "log.jsonl").stat().st_mtime_ns == before


def test_resume_begins_where_nothing_was_begun(straight: Path, tmp_path: Path) -> None:
    run(tmp_path / "out", resume=True)
    assert_same(straight, tmp_path / "out")
