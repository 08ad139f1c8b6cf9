"""Training: it learns, it is measured, it stops in time, and a run that was killed ends with the same bits."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch
from safetensors.torch import load_file

from speechagents.errors import ProductionBusy, TuningError
from speechagents.tuning.checkpoints import checkpoints
from speechagents.tuning.family import Example
from speechagents.tuning.recipe import Precision, Recipe
from speechagents.tuning.recipe_file import read_recipe
from speechagents.tuning.run_folder import run_folder
from speechagents.tuning.training import chance_of, span_loss, tune
from speechagents.tuning.tuning_events import Begun, CheckpointWritten, Measured, StepDone, TuningEvent, TuningOver
from tests.tuning.letter_family import LetterFamily, llama
from tests.tuning.letter_runs import LoraFamily, data, make, recipe, tensors, untimed, with_mix


def run(out: Path, one: Recipe | None = None, *, kind: Any = LetterFamily, **more: Any) -> TuningOver:
    one = one or recipe()
    return tune(one, data(one), out, make=make(kind), device="cpu", **more)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("straight") / "out"
    run(out)
    return out


def test_it_learns_and_says_how_far_it_is(tmp_path: Path) -> None:
    events: list[TuningEvent] = []
    over = run(tmp_path / "out", recipe(steps=40, evaluate_every=10, checkpoint_every=20), announce=events.append)
    begun, *_ = events
    assert isinstance(begun, Begun)
    assert (begun.step, begun.steps, begun.frozen) == (0, 40, 0)
    assert begun.samples == {"turn": 20, "next speaker": 20, "general": 15}
    assert begun.shares == {"turn": 0.375, "next speaker": 0.125, "general": 0.5}
    assert begun.dev_samples == (6, 5)
    losses = [event.loss for event in events if isinstance(event, StepDone)]
    assert len(losses) == 40
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    measured = [event for event in events if isinstance(event, Measured)]
    assert [event.step for event in measured] == [10, 20, 30, 40]
    assert measured[0].best
    assert [event.step for event in events if isinstance(event, CheckpointWritten)] == [20, 40]
    assert events[-1] == over
    assert over.best_loss == min(event.loss for event in measured)
    assert over.best_loss < measured[0].loss
    assert not over.stopped_early


def test_the_folder_holds_recipe_log_plot_checkpoints_and_the_best_model_and_no_pickle(straight: Path) -> None:
    names = sorted(str(path.relative_to(straight)) for path in straight.rglob("*") if path.is_file())
    assert [name for name in names if name != ".lock"] == [
        "checkpoints/step-000009/best.safetensors",
        "checkpoints/step-000009/checkpoint.json",
        "checkpoints/step-000009/moments.safetensors",
        "checkpoints/step-000009/weights.safetensors",
        "checkpoints/step-000012/checkpoint.json",
        "checkpoints/step-000012/moments.safetensors",
        "checkpoints/step-000012/weights.safetensors",
        "log.jsonl",
        "loss.svg",
        "model/README.md",
        "model/config.json",
        "model/generation_config.json",
        "model/model.safetensors",
        "recipe.yaml",
        "run.json",
    ]
    assert read_recipe(straight / "recipe.yaml") == recipe()
    said = json.loads((straight / "run.json").read_text("utf-8"))
    assert (said["state"], said["step"], said["best_step"]) == ("finished", 12, 12)
    assert said["data"]["digest"] == data().digest
    assert (straight / "loss.svg").read_text("utf-8").startswith("<svg")


def test_each_step_and_each_measurement_is_a_line_of_the_log(straight: Path) -> None:
    log = untimed(straight / "log.jsonl")
    steps = [entry for entry in log if "loss" in entry]
    assert [entry["step"] for entry in steps] == list(range(1, 13))
    assert [entry["learning_rate"] for entry in steps][:3] == [0.005, 0.01, 0.01]
    assert steps[-1]["learning_rate"] < 0.001
    assert all(0 < entry["targets"] < entry["tokens"] <= entry["places"] for entry in steps)
    assert all(entry["gradient"] > 0 for entry in steps)
    measured = [entry for entry in log if "dev" in entry]
    assert [entry["step"] for entry in measured] == [4, 8, 12]
    for entry in measured:
        assert entry["dev"] == pytest.approx(0.5 * entry["dev_agent"] + 0.5 * entry["dev_general"])
        assert set(entry["dev_parts"]) == {"answer", "form", "line", "style", "thoughts"}


def test_the_model_is_the_best_one_and_is_loaded_by_the_library(straight: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(straight / "model", local_files_only=True)
    saved = load_file(straight / "checkpoints/step-000012/weights.safetensors")
    assert all(torch.equal(one, saved[name]) for name, one in model.named_parameters())
    assert model.config.use_cache is True, "a setting of training alone would slow its use down"


def test_it_stops_when_nothing_becomes_better(tmp_path: Path) -> None:
    one = recipe(learning_rate=5.0, clip=1e4, warmup=0, evaluate_every=1, patience=2, steps=30)
    over = run(tmp_path / "out", one)
    assert over.stopped_early
    assert over.step == over.best_step + 2
    assert json.loads((tmp_path / "out/run.json").read_text("utf-8"))["state"] == "stopped early"
    assert checkpoints(tmp_path / "out/checkpoints")[-1].name == f"step-{over.step:06d}"


def test_another_seed_gives_another_model(straight: Path, tmp_path: Path) -> None:
    run(tmp_path / "out", recipe(seed=2))
    assert untimed(tmp_path / "out/log.jsonl") != untimed(straight / "log.jsonl")


def test_a_loss_that_is_no_number_ends_it_with_a_remedy(tmp_path: Path) -> None:
    class Broken(LetterFamily):
        def load(self) -> Any:
            model = super().load()
            with torch.no_grad():
                next(model.parameters()).fill_(math.nan)
            return model

    with pytest.raises(TuningError, match=r"training\.learning_rate: the loss of step 1 is no number any more; lower"):
        run(tmp_path / "out", kind=Broken)
    assert untimed(tmp_path / "out/log.jsonl") == []


def test_a_sample_that_has_no_room_is_left_out_and_counted(tmp_path: Path) -> None:
    class Narrow(LetterFamily):
        def __init__(self) -> None:
            super().__init__(context=53)

    over = run(tmp_path / "out", kind=Narrow)
    entries = untimed(tmp_path / "out/log.jsonl")
    assert over.left_out == sum(entry.get("left_out", 0) for entry in entries) > 0


def test_no_room_at_all_is_an_error(tmp_path: Path) -> None:
    class Tiny(LetterFamily):
        def __init__(self) -> None:
            super().__init__(context=4)

    with pytest.raises(TuningError, match=r"training\.max_tokens: no sample of dev has room; raise it"):
        run(tmp_path / "out", kind=Tiny)


def test_another_recipe_or_other_data_are_refused_in_the_same_folder(straight: Path) -> None:
    with pytest.raises(TuningError, match=r"recipe: holds a run with another recipe; take the one that it was begun"):
        run(straight, recipe(seed=2), resume=True)
    other = data(with_mix(recipe(), next_speaker=0.5))
    assert other.digest != data().digest
    with pytest.raises(TuningError, match=r"data: holds a run with another data; take the one that it was begun with"):
        tune(recipe(), other, straight, make=make(), resume=True, device="cpu")
    with pytest.raises(TuningError, match=r"holds this run already; go on with it by --resume, or name a new folder"):
        run(straight)


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(TuningError, match="is not empty, and no run was begun in it; name a new folder"):
        run(tmp_path, resume=True)
    with pytest.raises(TuningError, match="is a file; name a folder"):
        run(tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_runs_at_once_do_not_share_a_folder(tmp_path: Path) -> None:
    one = recipe()
    with (
        run_folder(tmp_path / "out", recipe=one.digest, data=data().digest, resume=False),
        pytest.raises(ProductionBusy, match="another run is at work here"),
    ):
        run(tmp_path / "out")


def test_agent_data_alone_is_what_counts_where_nothing_else_is_mixed_in(tmp_path: Path) -> None:
    run(tmp_path / "out", with_mix(recipe(steps=4), agent=1.0))
    (measured,) = (entry for entry in untimed(tmp_path / "out/log.jsonl") if "dev" in entry)
    assert measured["dev"] == measured["dev_agent"]
    assert measured["dev_general"] > 0, "how much is forgotten is seen all the same"


def test_accumulating_gives_what_one_large_batch_gives(tmp_path: Path) -> None:
    class Calm(LetterFamily):
        def load(self) -> Any:
            model = super().load()
            model.config.attention_dropout = 0.0
            for module in model.modules():
                if hasattr(module, "attention_dropout"):
                    module.attention_dropout = 0.0
            return model

    small = recipe(steps=3, batch=2, accumulate=3, evaluate_every=3)
    large = recipe(steps=3, batch=6, accumulate=1, evaluate_every=3)
    run(tmp_path / "small", small, kind=Calm)
    run(tmp_path / "large", large, kind=Calm)
    losses = [
        [entry["loss"] for entry in untimed(tmp_path / name / "log.jsonl") if "loss" in entry]
        for name in ("small", "large")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("more", [{"dtype": Precision.BFLOAT16}, {"recompute": True}])
def test_half_precision_and_recomputing_train_as_well(straight: Path, tmp_path: Path, more: Mapping[str, Any]) -> None:
    for kind in (LetterFamily, LoraFamily):
        out = tmp_path / kind.__name__
        run(out, recipe(steps=4, evaluate_every=2, **more), kind=kind)
        weights = tensors(out / "model")
        assert all(one.dtype == torch.float32 for one in weights.values())
    own = [entry["loss"] for entry in untimed(tmp_path / "LetterFamily/log.jsonl") if "loss" in entry]
    wanted = [entry["loss"] for entry in untimed(straight / "log.jsonl") if "loss" in entry][:1]
    assert own[:1] == pytest.approx(wanted, rel=0.05)


def test_the_library_is_quiet_and_stays_as_it_was(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import transformers

    before = transformers.utils.logging.get_verbosity()
    run(tmp_path / "out", recipe(steps=2, evaluate_every=2))
    assert capfd.readouterr() == ("", "")
    assert transformers.utils.logging.get_verbosity() == before
    assert logging.getLogger().level == logging.WARNING


def test_the_loss_counts_what_is_learnt_and_nothing_else() -> None:
    family, model = LetterFamily(), llama(seed=0).eval()
    examples: Sequence[Example] = [family.example(sample) for sample in data().dev_agent[:3]]
    batch = dict(family.collate(examples))
    labels = batch.pop("labels")
    with torch.no_grad():
        outputs = model(**batch)
        own = span_loss(outputs, labels, (labels != -100).sum())
        library = model(**batch, labels=labels).loss
    assert own == pytest.approx(float(library), rel=1e-6)


def test_chance_depends_on_seed_and_step() -> None:
    seeds = {chance_of(seed, step) for seed in range(20) for step in range(20)}
    assert len(seeds) == 400
    assert max(seeds) < 2**63


def test_a_recipe_that_wants_what_is_not_there_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    one = with_mix(recipe(), next_speaker=0.0)
    train = {pool: samples for pool, samples in data(one).train.items() if pool != "general"}
    lacking = dataclasses.replace(data(one), train=train)
    with pytest.raises(TuningError, match="data: there are no general instructions of this split"):
        tune(one, lacking, tmp_path / "out", make=make(), device="cpu")
    assert not (tmp_path / "out").exists()
