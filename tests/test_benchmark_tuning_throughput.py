"""Throughput of tuning: measured by the code that tunes, kept by device, and told as a table."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from benchmarks.device_limits import Limits
from benchmarks.sized_family import SizedFamily
from benchmarks.tuning_throughput import Speed, better, kept, like_tflop_s, measure, table
from speechagents.errors import SpeechAgentsError
from speechagents.tuning.chat_family import ChatFamily
from speechagents.tuning.memory_estimate import Shape
from speechagents.tuning.random_base import write_random_base
from speechagents.tuning.recipe import Base, Hearing, Training
from speechagents.tuning.trajectory import Split, Trajectory
from speechagents.tuning.trajectory_folder import write_trajectory_folder
from tests.tuning import chat_samples

LIMITS = Limits("CPU, 1 threads", "float32", 10.0, 0.05)
SPEED = Speed(
    "tiny", "0.62 M, 0.02 M learnt", "2 x 2", 2815.0, 0.09, 4212.3, 230.1, 0.01, 0.05, 0.2, 0.25, 0.7, 0.003, None
)


def test_a_recipe_is_trained_for_some_steps_and_measured(tmp_path: Path) -> None:
    dev = [
        Trajectory(
            **{
                **{field.name: getattr(one, field.name) for field in dataclasses.fields(one)},
                "id": "pond/1",
                "scene_id": "pond",
            }
        )
        for one in [chat_samples.turn_sample(1, split=Split.DEV, text="Of dev.")]
    ]
    turns = [chat_samples.turn_sample(at) for at in range(len(chat_samples.LINES))]
    data = write_trajectory_folder(tmp_path / "data", [*turns, *dev])
    recipe = chat_samples.recipe(training=Training(steps=500, batch=1, accumulate=2, max_tokens=2_048, warmup=100))
    speed = measure(recipe, data, "cpu", LIMITS, steps=1)
    assert speed.recipe == "quarrel"
    assert speed.batch == "1 x 2"
    assert speed.padding == 0.0, "a batch of one sample has none"
    assert 0 < speed.targets_per_s < speed.tokens_per_s
    assert speed.tokens_per_s == pytest.approx(speed.tokens_per_step / speed.step_s, rel=0.01)
    assert speed.share_of_like == pytest.approx(speed.tflop_per_s / speed.like_tflop_per_s, rel=0.6, abs=0.002)
    assert speed.peak_gb is None


def test_a_base_that_is_not_here_is_stood_in_for_by_one_of_its_size(tmp_path: Path) -> None:
    shape = Shape(layers=3, width=48, feed=80, heads=6, key_heads=2, head_width=8, vocabulary=700, tied=True)
    small = Base(random="qwen2", layers=1, width=32, heads=2, vocabulary=600)
    recipe = chat_samples.recipe(base=small)
    folder = write_random_base(tmp_path / "base", small, ["some words of a play"] * 9, seed=0)
    family = ChatFamily(recipe, folder, sound=chat_samples.samples().audio)
    model = SizedFamily(family, recipe, shape, "cpu").load().get_base_model()
    assert sum(one.numel() for name, one in model.named_parameters() if "lora" not in name) == shape.language_weights


@pytest.mark.parametrize("kind", ["qwen2_audio", "qwen2_5_omni"])
def test_what_hears_has_the_size_of_the_base(tmp_path: Path, kind: str) -> None:
    small = Base(random=kind, layers=1, width=32, heads=2, vocabulary=600)
    training = Training(steps=1, batch=1, max_tokens=4_096)
    recipe = chat_samples.recipe(base=small, hearing=Hearing.AUDIO, training=training)
    folder = write_random_base(tmp_path / "base", small, ["some words of a play"] * 9, seed=0)
    family = ChatFamily(recipe, folder, sound=chat_samples.samples(sounds=True).audio)
    shape = Shape(layers=2, width=64, feed=80, heads=2, key_heads=1, head_width=32, vocabulary=700)
    ears = {"encoder_layers": 3, "output_dim": 64}
    towers = {
        "qwen2_audio": {"audio_config": ears},
        "qwen2_5_omni_thinker": {"audio_config": ears, "vision_config": {"depth": 2, "out_hidden_size": 64}},
    }
    with pytest.raises(SpeechAgentsError, match=r"its towers would have .* and those of the base 5$") as told:
        SizedFamily(family, recipe, dataclasses.replace(shape, others=5), "cpu", towers).load()
    (others,) = re.findall("would have ([0-9,]+)", str(told.value))
    shape = dataclasses.replace(shape, others=int(others.replace(",", "")))
    model = SizedFamily(family, recipe, shape, "cpu", towers).load()
    sample = family.example(chat_samples.turn_sample(3, sounds=True))
    assert model(**family.collate([sample])).logits.shape[-1] == 700


def test_figures_take_the_place_of_older_ones_and_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    for name, recipe, figure in (("GPU", "tiny", 1), ("CPU", "tiny", 2), ("GPU", "large", 3), ("GPU", "tiny", 4)):
        found = {"limits": {"name": name, "dtype": "float32"}, "recipes": [{"recipe": recipe, "tokens_per_s": figure}]}
        path.write_text(kept(path, found), "utf-8")
    devices = json.loads(path.read_text("utf-8"))["devices"]
    rows = {one["limits"]["name"]: [(row["recipe"], row["tokens_per_s"]) for row in one["recipes"]] for one in devices}
    assert rows == {"CPU": [("tiny", 2)], "GPU": [("large", 3), ("tiny", 4)]}


def test_the_table_has_a_row_for_each_recipe() -> None:
    lines = table([SPEED, SPEED], LIMITS).splitlines()
    assert lines[0] == "CPU, 1 threads: 10 GB/s, 0.05 TFLOP/s in float32"
    assert len({line.count("|") for line in lines[2:]}) == 1
    assert lines[4].startswith("| tiny | 0.62 M, 0.02 M learnt | 2 x 2 | 4,212 | 230 | 9% | 0.01 | 20% of 0.05 | 25% |")


def test_of_two_measurements_the_best_of_each_counts() -> None:
    other = dataclasses.replace(LIMITS, bandwidth_gb_s=20.0, compute_tflop_s=0.01)
    assert better(LIMITS, other) == dataclasses.replace(LIMITS, bandwidth_gb_s=20.0)


def test_a_product_of_matrices_is_timed() -> None:
    assert like_tflop_s("cpu", "float32", 64, 32, 32) > 0.0
