"""Merging gives what PEFT gives, tensor by tensor from file to file, and refuses what does not go together."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("peft")
pytest.importorskip("transformers")

import torch
from safetensors.torch import load_file, save_file

from speechagents.errors import TuningError
from speechagents.tuning.breadcrumbs import Breadcrumbs
from speechagents.tuning.merging import Merge, Merged, Merger
from speechagents.tuning.tuned_model import ADAPTER, read_tuned_model
from speechagents.tuning.weight_files import WEIGHTS, read_weights
from tests.controllers.tiny_models import BUILDERS
from tests.controllers.tiny_omni import qwen2_5_omni_that_speaks, qwen3_omni_that_speaks
from tests.tuning.test_breadcrumbs import slowly
from tests.tuning.tuned_models import adapter, change_settings, loaded, merged_by_peft, small_text_model, whole

QUERY = "model.layers.0.self_attn.q_proj.weight"
ATTENTION = ["q_proj", "v_proj"]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Bases by name, made once."""
    folder = tmp_path_factory.mktemp("bases")
    return {
        **{name: BUILDERS[name](folder / name) for name in ("qwen2_audio", "qwen2_5_omni")},
        "text": small_text_model(folder / "text", tied=False),
        "tied": small_text_model(folder / "tied", tied=True),
        "half": small_text_model(folder / "half", tied=False, dtype="bfloat16"),
    }


@pytest.fixture(scope="module")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return qwen2_5_omni_that_speaks(tmp_path_factory.mktemp("speaking") / "omni")


def merged(base: Path, out: Path, *models: Path, merge: Merge | None = None) -> Merged:
    """Merge into a folder that loads: the base's own, with other weights."""
    shutil.copytree(base, out, ignore=shutil.ignore_patterns("*.safetensors"))
    return Merger(base, [read_tuned_model(one) for one in models], merge or Merge()).write(out)


def same(folder: Path, wanted: Mapping[str, Any], kind: str = "") -> None:
    """A merged model in memory has exactly these weights."""
    found = loaded(folder, kind).state_dict()
    assert set(found) == set(wanted)
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("name", ["text", "qwen2_audio", "qwen2_5_omni"])
def test_an_adapter_is_merged_as_peft_does_it(name: str, bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases[name], tmp_path / "tuned")
    told = merged(bases[name], tmp_path / "out", tuned)
    same(tmp_path / "out", merged_by_peft(bases[name], tuned))
    before, after = read_weights(bases[name]), read_weights(tmp_path / "out")
    assert {key: (one.format, one.shape) for key, one in after.items()} == {
        key: (one.format, one.shape) for key, one in before.items()
    }
    changed = [key for key in before if b"".join(before[key].chunks()) != b"".join(after[key].chunks())]
    assert len(changed) == told.changed == 4
    assert all("self_attn" in key and "audio" not in key for key in changed)
    assert told.kept == told.weights == sum(before[key].count for key in changed)


@pytest.mark.parametrize(
    "settings",
    [
        {"use_rslora": True},
        {"alpha_pattern": {"layers.1.self_attn.q_proj": 3.0}, "rank_pattern": {"v_proj": 2}},
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"modules_to_save": ["embed_tokens", "lm_head"]},
        {"bias": "lora_only"},
        {"target_modules": ["q_proj", "lm_head"]},
        {"target_modules": "all-linear", "exclude_modules": ["gate_proj"]},
        {"layers_to_transform": [1], "target_modules": ["down_proj"]},
    ],
    ids=["root", "patterns", "embedding", "learnt whole", "biases", "output", "all", "one layer"],
)
def test_settings_of_peft_mean_what_they_mean_there(
    settings: dict[str, Any], bases: Mapping[str, Path], tmp_path: Path
) -> None:
    tuned = adapter(bases["text"], tmp_path / "tuned", **settings)
    merged(bases["text"], tmp_path / "out", tuned)
    same(tmp_path / "out", merged_by_peft(bases["text"], tuned))


def test_of_an_omni_model_the_part_that_thinks_is_merged(speaking: Path, tmp_path: Path) -> None:
    thinker = "Qwen2_5OmniThinkerForConditionalGeneration"
    tuned = adapter(speaking, tmp_path / "tuned", kind=thinker)
    told = merged(speaking, tmp_path / "out", tuned)
    same(tmp_path / "out", merged_by_peft(speaking, tuned, thinker), thinker)
    assert told.changed == 4
    before, after = read_weights(speaking), read_weights(tmp_path / "out")
    assert set(before) == set(after)
    others = [name for name in before if not name.startswith("thinker.")]
    assert len(others) > 100
    assert all(b"".join(before[name].chunks()) == b"".join(after[name].chunks()) for name in others)


@pytest.mark.parametrize("apart", [True, False], ids=["out of the whole", "loaded alone"])
def test_of_an_omni_model_that_was_tuned_whole_what_speaks_is_the_bases(
    apart: bool, speaking: Path, tmp_path: Path
) -> None:
    thinker = "Qwen2_5OmniThinkerForConditionalGeneration"
    tuned = loaded(speaking).thinker if apart else loaded(speaking, thinker)
    tuned.model.language_model.layers[1].mlp.up_proj.weight.data += 0.5
    tuned.save_pretrained(tmp_path / "tuned")
    told = merged(speaking, tmp_path / "out", tmp_path / "tuned")
    wanted = load_file(speaking / WEIGHTS)
    wanted["thinker.model.layers.1.mlp.up_proj.weight"] += 0.5
    found = load_file(tmp_path / "out" / WEIGHTS)
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    assert told.changed == 1


def test_experts_stay_as_they_are_when_attention_is_tuned(tmp_path: Path) -> None:
    base = qwen3_omni_that_speaks(tmp_path / "base")
    thinker = "Qwen3OmniMoeThinkerForConditionalGeneration"
    targets = r".*language_model\.layers\.\d+\.self_attn\.(q_proj|v_proj)"
    tuned = adapter(base, tmp_path / "tuned", kind=thinker, target_modules=targets)
    merged(base, tmp_path / "out", tuned)
    same(tmp_path / "out", merged_by_peft(base, tuned, thinker), thinker)


def test_changes_are_rounded_once_to_the_bases_format(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases["half"], tmp_path / "tuned", size=0.05)
    merged(bases["half"], tmp_path / "out", tuned)
    stored = load_file(tuned / ADAPTER)
    key = f"base_model.model.{QUERY}".removesuffix(".weight")
    change = stored[f"{key}.lora_B.weight"] @ stored[f"{key}.lora_A.weight"] * 2.0
    before = load_file(bases["half"] / WEIGHTS)[QUERY]
    after = load_file(tmp_path / "out" / WEIGHTS)[QUERY]
    assert after.dtype == before.dtype == torch.bfloat16
    assert torch.equal(after, (before.float() + change).to(torch.bfloat16))
    assert {one.format for one in read_weights(tmp_path / "out").values()} == {"BF16"}


def test_several_adapters_add_up_each_with_its_strength(bases: Mapping[str, Path], tmp_path: Path) -> None:
    base = bases["text"]
    first = adapter(base, tmp_path / "a", seed=1)
    second = adapter(base, tmp_path / "b", seed=2, target_modules=["q_proj", "o_proj"], r=2)
    merged(base, tmp_path / "out", first, second, merge=Merge((0.5, 2.0)))
    start, one, two = (
        dict(each) for each in (loaded(base).state_dict(), merged_by_peft(base, first), merged_by_peft(base, second))
    )
    found = loaded(tmp_path / "out").state_dict()
    for name, before in start.items():
        wanted = before + 0.5 * (one[name] - before) + 2.0 * (two[name] - before)
        assert torch.allclose(found[name], wanted, atol=1e-5), name


def test_a_whole_model_is_a_sum_too(bases: Mapping[str, Path], tmp_path: Path) -> None:
    base = bases["tied"]
    tuned = whole(base, tmp_path / "tuned")
    told = merged(base, tmp_path / "out", tuned)
    same(tmp_path / "out", loaded(tuned).state_dict())
    assert told.changed == told.tensors
    merged(base, tmp_path / "half", tuned, merge=Merge((0.5,)))
    before, after = loaded(base).state_dict(), loaded(tuned).state_dict()
    for name, found in loaded(tmp_path / "half").state_dict().items():
        assert torch.allclose(found, (before[name] + after[name]) / 2, atol=1e-6), name


def test_breadcrumbs_keep_the_middle_of_each_tensors_change(bases: Mapping[str, Path], tmp_path: Path) -> None:
    base, crumbs = bases["text"], Breadcrumbs(0.6, 0.95)
    models = [adapter(base, tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 2))]
    told = merged(base, tmp_path / "out", *models, merge=Merge((1.0, 0.5), crumbs))
    before, after = load_file(base / WEIGHTS), load_file(tmp_path / "out" / WEIGHTS)
    kept = total = 0
    for name in before:
        wanted = before[name]
        for model, strength in zip(models, (1.0, 0.5), strict=True):
            stored, key = load_file(model / ADAPTER), f"base_model.model.{name}".removesuffix(".weight")
            if f"{key}.lora_A.weight" in stored:
                change = stored[f"{key}.lora_B.weight"] @ stored[f"{key}.lora_A.weight"] * 2.0
                left = torch.tensor(slowly(change.reshape(-1).tolist(), crumbs)).reshape(change.shape)
                kept += int((left != 0).sum())
                total += left.numel()
                wanted = wanted + strength * left
        assert torch.allclose(after[name], wanted, atol=1e-6), name
    assert (told.kept, told.weights) == (kept, total)
    assert told.share == pytest.approx(0.35, abs=0.01)


def test_breadcrumbs_that_keep_everything_are_a_plain_merge(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases["text"], tmp_path / "tuned")
    plain = merged(bases["text"], tmp_path / "plain", tuned)
    crumbs = merged(bases["text"], tmp_path / "crumbs", tuned, merge=Merge(breadcrumbs=Breadcrumbs(0.0, 1.0)))
    assert plain == crumbs


def test_the_norm_is_that_of_what_was_added(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases["text"], tmp_path / "tuned")
    told = merged(bases["text"], tmp_path / "out", tuned)
    before, after = load_file(bases["text"] / WEIGHTS), load_file(tmp_path / "out" / WEIGHTS)
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    difference = torch.cat([(after[name] - before[name]).double().reshape(-1) for name in changed])
    start = torch.cat([before[name].double().reshape(-1) for name in changed])
    assert told.norm == pytest.approx(float(difference.norm()), rel=1e-5)
    assert told.relative == pytest.approx(float(difference.norm() / start.norm()), rel=1e-5)


def test_what_was_not_tuned_is_copied(bases: Mapping[str, Path], tmp_path: Path) -> None:
    told = merged(bases["text"], tmp_path / "out")
    assert (told.changed, told.weights, told.norm, told.share) == (0, 0, 0.0, 1.0)
    assert load_file(tmp_path / "out" / WEIGHTS).keys() == load_file(bases["text"] / WEIGHTS).keys()
    again = merged(tmp_path / "out", tmp_path / "again")
    assert again.digests == told.digests


def test_the_same_models_give_the_same_bytes(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases["qwen2_audio"], tmp_path / "tuned")
    merge = Merge(breadcrumbs=Breadcrumbs())
    first, second = (merged(bases["qwen2_audio"], tmp_path / name, tuned, merge=merge) for name in ("a", "b"))
    assert first == second
    assert (tmp_path / "a" / WEIGHTS).read_bytes() == (tmp_path / "b" / WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["embed_tokens"]},
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"target_modules": ["q_proj", "lm_head"]},
    ],
    ids=["learnt output", "learnt embedding", "updated embedding", "updated output"],
)
def test_one_side_of_a_shared_tensor_is_not_merged(
    settings: dict[str, Any], bases: Mapping[str, Path], tmp_path: Path
) -> None:
    tuned = adapter(bases["tied"], tmp_path / "tuned", **settings)
    with pytest.raises(TuningError, match=r"shares its weights with.*; tune other"):
        merged(bases["tied"], tmp_path / "out", tuned)


def test_a_shared_tensor_that_stayed_shared_is_merged(bases: Mapping[str, Path], tmp_path: Path) -> None:
    settings: dict[str, Any] = {"modules_to_save": ["embed_tokens"], "ensure_weight_tying": True}
    tuned = adapter(bases["tied"], tmp_path / "tuned", **settings)
    merged(bases["tied"], tmp_path / "out", tuned)
    found = loaded(tmp_path / "out")
    assert found.lm_head.weight is found.model.embed_tokens.weight
    same(tmp_path / "out", merged_by_peft(bases["tied"], tuned))


def test_a_shared_tensor_that_became_two_is_refused(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = whole(bases["tied"], tmp_path / "tuned")
    stored = load_file(tuned / WEIGHTS)
    stored["lm_head.weight"] = stored["model.embed_tokens.weight"] + 1.0
    save_file(stored, tuned / WEIGHTS)
    with pytest.raises(TuningError, match="are one tensor in the base, and have become two"):
        merged(bases["tied"], tmp_path / "out", tuned)


def test_a_shared_tensor_that_files_hold_twice_is_changed_twice(bases: Mapping[str, Path], tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(bases["tied"], base)
    stored = load_file(base / WEIGHTS)
    stored["lm_head.weight"] = stored["model.embed_tokens.weight"].clone()
    save_file(stored, base / WEIGHTS, metadata={"format": "pt"})
    tuned = whole(bases["tied"], tmp_path / "tuned")
    merged(base, tmp_path / "out", tuned)
    after = load_file(tmp_path / "out" / WEIGHTS)
    assert torch.equal(after["lm_head.weight"], after["model.embed_tokens.weight"])
    assert torch.equal(after["lm_head.weight"], load_file(tuned / WEIGHTS)["model.embed_tokens.weight"])


def test_more_tokens_than_the_base_has_are_refused(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases["text"], tmp_path / "tuned", modules_to_save=["embed_tokens", "lm_head"])
    stored = load_file(tuned / ADAPTER)
    for name in ("base_model.model.lm_head.weight", "base_model.model.model.embed_tokens.weight"):
        stored[name] = torch.cat([stored[name], stored[name][:3]])
    save_file(stored, tuned / ADAPTER)
    with pytest.raises(TuningError, match=r"lm_head.weight has the shape .*; tune with the base's own vocabulary"):
        merged(bases["text"], tmp_path / "out", tuned)


def test_another_base_is_refused(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases["text"], tmp_path / "tuned")
    wider = small_text_model(tmp_path / "wider", tied=False, width=32)
    with pytest.raises(TuningError, match="give its own base by --base"):
        merged(wider, tmp_path / "a", tuned)
    with pytest.raises(TuningError, match="has no place of its own in the files of the base"):
        merged(bases["text"], tmp_path / "b", adapter(bases["qwen2_audio"], tmp_path / "other"))


def test_a_whole_model_that_lacks_something_is_refused(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = whole(bases["text"], tmp_path / "tuned")
    stored = load_file(tuned / WEIGHTS)
    del stored[QUERY]
    save_file(stored, tuned / WEIGHTS)
    with pytest.raises(TuningError, match=f"lacks 1 of the base's tensors, {QUERY}"):
        merged(bases["text"], tmp_path / "out", tuned)


def test_numbers_that_are_none_are_refused(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases["text"], tmp_path / "tuned")
    stored = load_file(tuned / ADAPTER)
    stored[f"base_model.model.{QUERY}".replace(".weight", ".lora_B.weight")][0, 0] = float("nan")
    save_file(stored, tuned / ADAPTER)
    with pytest.raises(TuningError, match=r"q_proj.weight has changed by numbers that are not finite"):
        merged(bases["text"], tmp_path / "out", tuned)


def test_sums_that_the_format_cannot_hold_are_refused(tmp_path: Path) -> None:
    base = small_text_model(tmp_path / "base", tied=False, dtype="float16")
    tuned = adapter(base, tmp_path / "tuned", size=400.0)
    with pytest.raises(TuningError, match="the format F16 cannot hold; merge with a smaller --strength"):
        merged(base, tmp_path / "out", tuned)


@pytest.mark.parametrize(("name", "kind"), [("float16", torch.float16), ("bfloat16", torch.bfloat16)])
def test_all_weights_are_rounded_once_to_the_format_that_was_asked_for(
    bases: Mapping[str, Path], tmp_path: Path, name: str, kind: torch.dtype
) -> None:
    tuned = adapter(bases["text"], tmp_path / "tuned")
    merged(bases["text"], tmp_path / "whole", tuned)
    merged(bases["text"], tmp_path / "half", tuned, merge=Merge(dtype=name))
    wide, narrow = (load_file(tmp_path / folder / WEIGHTS) for folder in ("whole", "half"))
    assert wide.keys() == narrow.keys()
    assert {one.dtype for one in narrow.values()} == {kind}
    for key, tensor in wide.items():
        assert torch.equal(tensor.to(kind), narrow[key])


def test_a_format_that_nobody_knows_is_refused() -> None:
    with pytest.raises(TuningError, match="'int4' is none of float32, float16, bfloat16; change --dtype"):
        Merge(dtype="int4")


def test_matrices_that_do_not_fit_each_other_are_refused(bases: Mapping[str, Path], tmp_path: Path) -> None:
    tuned = adapter(bases["text"], tmp_path / "tuned")
    stored = load_file(tuned / ADAPTER)
    name = f"base_model.model.{QUERY}".replace(".weight", ".lora_B.weight")
    save_file({**stored, name: stored[name][:, :2].contiguous()}, tuned / ADAPTER)
    with pytest.raises(TuningError, match="has no two matrices that can be multiplied"):
        merged(bases["text"], tmp_path / "a", tuned)
    del stored[name]
    save_file(stored, tuned / ADAPTER)
    with pytest.raises(TuningError, match="has no two matrices that can be multiplied"):
        merged(bases["text"], tmp_path / "b", tuned)


def test_tensors_of_other_adapters_are_refused_whatever_the_settings_say(
    bases: Mapping[str, Path], tmp_path: Path
) -> None:
    tuned = change_settings(adapter(bases["text"], tmp_path / "tuned", use_dora=True), use_dora=False)
    with pytest.raises(TuningError, match=r"lora_magnitude_vector.* belongs to a kind of LoRA"):
        merged(bases["text"], tmp_path / "out", tuned)


def test_a_model_that_the_library_does_not_know_is_refused(bases: Mapping[str, Path], tmp_path: Path) -> None:
    base = tmp_path / "base"
    shutil.copytree(bases["text"], base)
    config = json.loads((base / "config.json").read_text("utf-8"))
    (base / "config.json").write_text(json.dumps({**config, "architectures": ["ZebraForCausalLM"]}), "utf-8")
    with pytest.raises(TuningError, match="'ZebraForCausalLM' is no model of it; update transformers"):
        merged(base, tmp_path / "out", adapter(bases["text"], tmp_path / "tuned"))


@pytest.mark.parametrize("strengths", [(), (0.0,), (-1.0,), (11.0,), (float("nan"),)])
def test_strengths_that_cannot_be_are_refused(strengths: tuple[float, ...]) -> None:
    with pytest.raises(TuningError, match="--strength"):
        Merge(strengths)


def test_there_is_a_strength_for_each_model() -> None:
    assert Merge((2.0,)).strengths_of(3) == (2.0, 2.0, 2.0)
    with pytest.raises(TuningError, match="2 strengths for 3 models"):
        Merge((1.0, 2.0)).strengths_of(3)
