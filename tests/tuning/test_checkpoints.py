"""Checkpoints: read back to the bit, and refused with file and remedy when they are not what was written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from speechagents.errors import TuningError
from speechagents.tuning.checkpoints import (
    Checkpoint,
    Standing,
    checkpoints,
    copied,
    learnt,
    put_moments,
    put_weights,
    read_checkpoint,
    write_checkpoint,
)
from speechagents.tuning.early_stopping import Progress
from tests.tuning.letter_family import llama

PROGRESS = Progress(patience=3, best_loss=0.1 + 0.2, best_step=4, waited=1)


def standing(step: int = 6, progress: Progress = PROGRESS) -> Standing:
    return Standing(step, recipe="r" * 64, data="d" * 64, progress=progress, tokens=700, targets=90)


def stepped(*, seed: int = 0, steps: int = 2) -> tuple[Any, torch.optim.Optimizer]:
    """A model that has learnt a little; one of its weights has never had a gradient."""
    model = llama(seed=seed)
    model.model.embed_tokens.requires_grad_(requires_grad=False)
    optimizer = torch.optim.AdamW(list(learnt(model).values()), lr=0.01)
    for _ in range(steps):
        ids = torch.randint(1, 100, (2, 9))
        model(input_ids=ids, labels=ids).loss.backward()
        model.lm_head.weight.grad = None
        optimizer.step()
        optimizer.zero_grad()
    return model, optimizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model, optimizer = stepped()
    for step in (3, 6):
        write_checkpoint(tmp_path / "checkpoints", standing(step), model, optimizer, copied(llama(seed=1)))
    return tmp_path / "checkpoints"


def read(path: Path) -> Checkpoint:
    return read_checkpoint(path, recipe="r" * 64, data="d" * 64)


def test_what_is_read_is_what_was_written_to_the_bit(folder: Path) -> None:
    found = read(checkpoints(folder)[-1])
    assert found.standing == standing()
    model, optimizer = stepped(seed=5, steps=0)
    put_weights(model, found.weights, source="s")
    put_moments(model, optimizer, found.moments, source="s")
    torch.manual_seed(0)  # the second sample of chance that the first model saw
    wanted_model, wanted = stepped()
    own = learnt(model)
    for name, one in learnt(wanted_model).items():
        assert torch.equal(own[name], one)
        before, after = wanted.state.get(one, {}), optimizer.state.get(own[name], {})
        assert before.keys() == after.keys()
        assert all(torch.equal(before[key], after[key]) for key in before)
    assert "lm_head.weight" not in {name for name, one in own.items() if optimizer.state.get(one)}
    best = learnt(llama(seed=1))
    assert all(torch.equal(found.best[name], best[name]) for name in best)


def test_the_best_weights_are_not_kept_twice(tmp_path: Path) -> None:
    model, optimizer = stepped()
    best = Progress(patience=3, best_loss=1.0, best_step=6)
    path = write_checkpoint(tmp_path, standing(6, best), model, optimizer, copied(model))
    assert not (path / "best.safetensors").exists()
    assert all(torch.equal(read(path).best[name], one) for name, one in learnt(model).items())
    path = write_checkpoint(tmp_path, standing(7, Progress(patience=3)), model, optimizer, {})
    assert read(path).best == {}
    assert read(path).standing.progress == Progress(patience=3)


def test_the_last_two_are_kept(folder: Path) -> None:
    model, optimizer = stepped()
    assert [path.name for path in checkpoints(folder)] == ["step-000003", "step-000006"]
    write_checkpoint(folder, standing(1_000_000), model, optimizer, {})
    assert [path.name for path in checkpoints(folder)] == ["step-000006", "step-1000000"]
    assert checkpoints(folder / "none") == []


def test_nothing_of_one_that_cannot_be_written_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    before = sorted(folder.rglob("*"))
    model, optimizer = stepped()
    monkeypatch.setattr("speechagents.tuning.checkpoints.file_digest", full)
    with pytest.raises(Exception, match="the disk is full; free some space"):
        write_checkpoint(folder, standing(9), model, optimizer, {})
    assert sorted(folder.rglob("*")) == before


def _flip(at: int) -> Callable[[Path], object]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)

    return flip


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("name", ["weights.safetensors", "moments.safetensors", "best.safetensors", "checkpoint.json"])
@pytest.mark.parametrize(
    "harm", [_flip(0), _flip(-30), _cut, Path.unlink, lambda path: path.write_bytes(b"")], ids=lambda one: one.__name__
)
def test_any_harm_to_any_file_is_seen(folder: Path, name: str, harm: Callable[[Path], object]) -> None:
    path = folder / "step-000006"
    harm(path / name)
    with pytest.raises(TuningError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"step-000006/{name}: damaged: ")
    assert message.endswith("; delete the folder step-000006 and run the same command again to go on from step-000003")


def test_without_another_one_the_remedy_is_to_begin_again(folder: Path) -> None:
    shutil.rmtree(folder / "step-000003")
    _cut(folder / "step-000006/moments.safetensors")
    with pytest.raises(TuningError, match=r"damaged: it has not the [\d,]+ bytes .* same command again to begin again"):
        read(folder / "step-000006")


@pytest.mark.parametrize("name", ["recipe", "data"])
def test_one_of_another_run_is_refused(folder: Path, name: str) -> None:
    digests = {"recipe": "r" * 64, "data": "d" * 64, name: "0" * 64}
    with pytest.raises(TuningError, match=rf"checkpoint\.json: {name}: belongs to a run with another {name}; take the"):
        read_checkpoint(folder / "step-000006", **digests)


def test_one_that_was_made_up_is_refused_before_anything_is_loaded(folder: Path) -> None:
    path = folder / "step-000006/checkpoint.json"
    said = json.loads(path.read_text("utf-8"))
    said["files"]["../../weights.safetensors"] = said["files"].pop("weights.safetensors")
    path.write_text(json.dumps(said), "utf-8")
    with pytest.raises(TuningError, match="damaged: it is not what was written"):
        read(path.parent)


def test_weights_and_moments_of_another_model_are_refused(folder: Path) -> None:
    found = read(folder / "step-000006")
    model, optimizer = stepped(steps=0)
    remedy = "the base is another one than when it was written"
    with pytest.raises(TuningError, match=rf"step: model\.norm\.weight is not in both, .*{remedy}"):
        put_weights(model, {k: v for k, v in found.weights.items() if k != "model.norm.weight"}, source="step")
    with pytest.raises(TuningError, match=rf"model\.norm\.weight is \(3,\) torch\.float32, not \(32,\) .*; {remedy}"):
        put_weights(model, {**found.weights, "model.norm.weight": torch.zeros(3)}, source="step")
    with pytest.raises(TuningError, match=rf"model\.norm\.weight is \(32,\) torch\.float16, not .*; {remedy}"):
        put_weights(model, {**found.weights, "model.norm.weight": torch.zeros(32).half()}, source="step")
    with pytest.raises(TuningError, match=rf"exp_avg/other is of no weights of the model; {remedy}"):
        put_moments(model, optimizer, {**found.moments, "exp_avg/other": torch.zeros(3)}, source="step")
    moments = {k: v for k, v in found.moments.items() if k != "step/model.norm.weight"}
    with pytest.raises(TuningError, match=rf"the moments of model\.norm\.weight are not complete; {remedy}"):
        put_moments(model, optimizer, moments, source="step")
