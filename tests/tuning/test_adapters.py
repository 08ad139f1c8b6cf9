"""What of a model is learnt: its language layers, and nothing of what hears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch

from speechagents.errors import TuningError
from speechagents.tuning.adapters import check_frozen, counted, fitted, language_prefix
from speechagents.tuning.chat_family import ChatFamily, make_chat_family
from speechagents.tuning.recipe import Adapter, AdapterKind, Hearing
from tests.tuning.chat_samples import recipe, samples, turn_sample

# PEFT asks Transformers something by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

HEARING = ("qwen2_audio", "qwen2_5_omni")
LORA = Adapter(AdapterKind.LORA, rank=4, alpha=8.0)
FULL = Adapter(AdapterKind.FULL)
EARS = ("audio_tower", "projector", "visual")
"""What names of weights outside the language models have in them."""


@pytest.fixture(scope="module")
def families() -> Mapping[str, ChatFamily]:
    return {name: make_chat_family(recipe(name, hearing=Hearing.AUDIO), samples(sounds=True)) for name in HEARING} | {
        "qwen2": make_chat_family(recipe(), samples())
    }


def bare(family: ChatFamily, **options: Any) -> Any:
    """The base as it is."""
    import transformers

    config = transformers.AutoConfig.from_pretrained(family._folder)
    return getattr(transformers, config.architectures[0]).from_pretrained(family._folder, **options)


@pytest.mark.parametrize("adapter", [LORA, FULL], ids=["lora", "full"])
@pytest.mark.parametrize("name", HEARING)
def test_after_a_step_only_the_language_model_has_changed(
    name: str, adapter: Adapter, families: Mapping[str, ChatFamily]
) -> None:
    family = families[name]
    model = fitted(bare(family), adapter, seed=0).train()
    before = {key: one.detach().clone() for key, one in model.named_parameters()}
    assert any(ear in key for ear in EARS for key in before)
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad], lr=1e-2, weight_decay=0.1)
    for _ in range(2):  # what stands behind the zeros of an update has a gradient from the second step on
        model(**family.collate([family.example(turn_sample(3, sounds=True))])).loss.backward()
        gradients = {key for key, one in model.named_parameters() if one.grad is not None}
        optimizer.step()
        optimizer.zero_grad()
    changed = {key for key, one in model.named_parameters() if not torch.equal(one, before[key])}
    assert changed
    assert not [key for key in changed | gradients if any(ear in key for ear in EARS)]
    if adapter is LORA:
        assert all("lora_" in key for key in changed)
    check_frozen(model)


@pytest.mark.parametrize("adapter", [LORA, FULL], ids=["lora", "full"])
@pytest.mark.parametrize("name", HEARING)
def test_a_tower_that_somebody_thaws_is_named(name: str, adapter: Adapter, families: Mapping[str, ChatFamily]) -> None:
    model = fitted(bare(families[name]), adapter, seed=0)
    key, one = next((key, one) for key, one in model.named_parameters() if "audio_tower" in key)
    one.requires_grad_()
    with pytest.raises(TuningError, match=f"{key} would be learnt, and is no part of the language model"):
        check_frozen(model)


def test_an_adapter_that_somebody_puts_into_the_ears_is_named(families: Mapping[str, ChatFamily]) -> None:
    """As it happens to whoever chooses layers by their last names alone."""
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(bare(families["qwen2_audio"]), LoraConfig(target_modules=["q_proj"]))
    with pytest.raises(TuningError, match=r"audio_tower.*lora_A.* would be learnt"):
        check_frozen(model)


def test_a_model_of_which_nothing_is_learnt_is_refused(families: Mapping[str, ChatFamily]) -> None:
    model = bare(families["qwen2"])
    for one in model.parameters():
        one.requires_grad_(requires_grad=False)
    with pytest.raises(TuningError, match="nothing of the model would be learnt"):
        check_frozen(model)


@pytest.mark.parametrize(
    ("name", "prefix"), [("qwen2", "model"), *((name, "model.language_model") for name in HEARING)]
)
def test_the_language_model_is_found(name: str, prefix: str, families: Mapping[str, ChatFamily]) -> None:
    assert language_prefix(bare(families[name])) == prefix


def test_targets_are_names_of_layers_and_all_are_meant_if_there_are_none(families: Mapping[str, ChatFamily]) -> None:
    def touched(*targets: str) -> set[str]:
        model = fitted(bare(families["qwen2"]), Adapter(targets=targets), seed=0)
        return {key.split(".")[-4] for key, one in model.named_parameters() if one.requires_grad}

    assert touched("q_proj", "down_proj") == {"q_proj", "down_proj"}
    assert touched() == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    with pytest.raises(
        TuningError, match=r"adapter.targets: 'query' is no linear layer .* it has down_proj, gate_proj"
    ):
        touched("q_proj", "query")


def test_weights_that_are_learnt_are_counted_once(families: Mapping[str, ChatFamily]) -> None:
    base = bare(families["qwen2"])
    every = base.num_parameters()
    # Width 32 with two of four heads for keys and values, feed 64: in and out of each of seven layers, twice.
    low = 2 * 4 * (2 * (32 + 32) + 2 * (32 + 16) + 3 * (32 + 64))
    updates = counted(fitted(base, LORA, seed=0))
    assert (updates.learnt, updates.frozen) == (low, every)
    whole = counted(fitted(bare(families["qwen2"]), FULL, seed=0))
    assert (whole.learnt, whole.frozen) == (every, 0)
    assert str(updates) == f"{low:,} of {low + every:,} weights are learnt ({100 * low / (low + every):.2f} %)"


@pytest.mark.parametrize("adapter", [LORA, FULL], ids=["lora", "full"])
def test_what_is_learnt_is_kept_in_full_precision(adapter: Adapter, families: Mapping[str, ChatFamily]) -> None:
    model = fitted(bare(families["qwen2_audio"], dtype=torch.bfloat16), adapter, seed=0)
    kinds = {one.requires_grad: set[Any]() for one in model.parameters()}
    for one in model.parameters():
        kinds[one.requires_grad].add(one.dtype)
    assert kinds == {True: {torch.float32}, False: {torch.bfloat16}}


def test_new_weights_are_the_same_for_the_same_seed(families: Mapping[str, ChatFamily]) -> None:
    def first(seed: int) -> Any:
        model = fitted(bare(families["qwen2"]), LORA, seed=seed)
        return next(one for key, one in model.named_parameters() if "lora_A" in key)

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))
