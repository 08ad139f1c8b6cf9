"""What is in the folder of a tuned model, and what of it is never read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from speechagents.errors import TuningError
from speechagents.tuning.tuned_model import ADAPTER, ADAPTER_CONFIG, LoraSettings, TunedKind, read_tuned_model

SETTINGS: dict[str, Any] = {
    "peft_type": "LORA",
    "base_model_name_or_path": "acme/brain",
    "revision": "abc",
    "r": 8,
    "lora_alpha": 16,
    "target_modules": ["q_proj"],
    "use_dora": False,
    "target_parameters": None,
    "loftq_config": {},
}
RECIPE = """\
name: mine
about: A recipe.
family: chat
base: {model: acme/brain, revision: abc}
adapter: {kind: full}
data: {agent: 0.5}
training: {steps: 1}
"""


def an_adapter(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True)
    (folder / ADAPTER_CONFIG).write_text(json.dumps({**SETTINGS, **changes}), "utf-8")
    (folder / ADAPTER).write_bytes(b"")
    return folder


def a_model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", "utf-8")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


def test_an_adapter_says_what_it_was_tuned_from(tmp_path: Path) -> None:
    model = read_tuned_model(an_adapter(tmp_path / "harbour" / "model"))
    assert (model.kind, model.base, model.revision) == (TunedKind.ADAPTER, "acme/brain", "abc")
    assert model.name == "harbour"
    assert model.lora == LoraSettings(16.0)


def test_of_a_whole_model_the_recipe_beside_it_says_so(tmp_path: Path) -> None:
    folder = a_model(tmp_path / "harbour" / "model")
    assert (read_tuned_model(folder).base, read_tuned_model(folder).revision) == ("", "")
    (tmp_path / "harbour" / "recipe.yaml").write_text(RECIPE, "utf-8")
    model = read_tuned_model(folder)
    assert (model.kind, model.base, model.revision) == (TunedKind.WHOLE, "acme/brain", "abc")
    random = RECIPE.replace("{model: acme/brain, revision: abc}", "{random: qwen2}")
    (tmp_path / "harbour" / "recipe.yaml").write_text(random, "utf-8")
    assert read_tuned_model(folder).base == ""


def test_the_folder_of_a_run_stands_for_its_model(tmp_path: Path) -> None:
    folder = an_adapter(tmp_path / "harbour" / "model")
    assert read_tuned_model(folder.parent) == read_tuned_model(folder)


@pytest.mark.parametrize(
    ("settings", "module", "rank", "scale"),
    [
        (LoraSettings(16.0), "model.layers.0.q_proj", 8, 2.0),
        (LoraSettings(16.0, root=True), "model.layers.0.q_proj", 4, 8.0),
        (LoraSettings(16.0, {"q_proj": 4.0}), "model.layers.0.q_proj", 8, 0.5),
        (LoraSettings(16.0, {"q_proj": 4.0}), "model.layers.0.v_proj", 8, 2.0),
        (LoraSettings(16.0, {"proj": 4.0}), "model.layers.0.q_proj", 8, 2.0),
        (LoraSettings(16.0, {"layers.0.q_proj": 4.0, "q_proj": 8.0}), "model.layers.1.q_proj", 8, 1.0),
        (LoraSettings(16.0, {r"layers\.0\..*": 4.0}), "model.layers.0.q_proj", 8, 0.5),
    ],
)
def test_updates_are_scaled_as_peft_scales_them(settings: LoraSettings, module: str, rank: int, scale: float) -> None:
    assert settings.scale(module, rank) == scale


@pytest.mark.parametrize("name", ["adapter_model.bin", "pytorch_model.bin", "pytorch_model.bin.index.json"])
def test_pickles_are_never_read(name: str, tmp_path: Path) -> None:
    if name.startswith("adapter"):
        (an_adapter(tmp_path / "tuned") / ADAPTER).unlink()
    else:
        (a_model(tmp_path / "tuned") / "model.safetensors").unlink()
    (tmp_path / "tuned" / name).write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(TuningError, match=rf"tuned/{name}: pickled weights run whatever .*safe_serialization=True"):
        read_tuned_model(tmp_path / "tuned")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"peft_type": "IA3"}, "peft_type: 'IA3' is no LORA"),
        ({"use_dora": True}, "use_dora: this kind of LoRA is not merged here"),
        ({"target_parameters": ["experts"]}, "target_parameters: this kind of LoRA"),
        ({"trainable_token_indices": [1]}, "trainable_token_indices: this kind of LoRA"),
        ({"of_tomorrow": {"on": True}}, "of_tomorrow: this kind of LoRA"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights: 'pissa' has changed the base's own weights"),
        ({"lora_alpha": "much"}, "lora_alpha: 'much' is no number"),
        ({"lora_alpha": float("inf")}, "lora_alpha: 'inf' is no number"),
        ({"lora_alpha": None}, "lora_alpha: 'None' is no number"),
        ({"alpha_pattern": [1]}, "alpha_pattern: no mapping"),
        ({"alpha_pattern": {"q_proj": True}}, "alpha_pattern: 'True' is no number"),
        ({"alpha_pattern": {"(a+)+$": 1}}, r"alpha_pattern: '\(a\+\)\+\$' is no name of modules"),
        ({"alpha_pattern": {".*.*q": 1}}, "alpha_pattern: .* is no name of modules"),
        ({"base_model_name_or_path": 3}, "base_model_name_or_path: '3' is no text"),
    ],
)
def test_what_is_no_plain_sum_is_refused(changes: dict[str, object], said: str, tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=f"{ADAPTER_CONFIG}: {said}"):
        read_tuned_model(an_adapter(tmp_path / "tuned", **changes))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="there is no such folder; give the folder `speechagents tune` wrote"):
        read_tuned_model(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TuningError, match=r"empty: holds neither adapter_model\.safetensors nor"):
        read_tuned_model(tmp_path / "empty")
    (a_model(tmp_path / "bare") / "config.json").unlink()
    with pytest.raises(TuningError, match=r"bare: has no config\.json"):
        read_tuned_model(tmp_path / "bare")
    (an_adapter(tmp_path / "torn") / ADAPTER_CONFIG).write_text("{", "utf-8")
    with pytest.raises(TuningError, match=r"adapter_config\.json: no JSON"):
        read_tuned_model(tmp_path / "torn")
