"""What of a model is learnt, and what is not: low-rank updates of the language layers, or these layers themselves.

Owns the choice of weights, the check that everything else stands still, and the count of both. Does not know data,
losses, or how a model came into memory. Importing it needs no PyTorch.

A model that hears or sees has parts around its language model: towers, the projections behind them, a talker. Their
layers often bear the same names as those of the language model, so names alone choose wrongly. Here the language model
is found first, as a module, and whatever does not lie in it is frozen, whoever made it.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from speechagents.errors import TuningError
from speechagents.tuning.recipe import Adapter, AdapterKind

_NOT_ADAPTED: Final = frozenset({"gate", "router", "lm_head"})
"""Linear layers that no recipe means by leaving its targets out: those that choose experts, and the last one."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many weights there are.

    Attributes:
        learnt: Of those that change.
        frozen: Of those that do not.
    """

    learnt: int
    frozen: int

    def __str__(self) -> str:
        share = 100.0 * self.learnt / max(1, self.learnt + self.frozen)
        return f"{self.learnt:,} of {self.learnt + self.frozen:,} weights are learnt ({share:.2f} %)"


def fitted(model: Any, adapter: Adapter, *, seed: int) -> Any:
    """A model of which what an adapter says is learnt, and nothing else.

    Args:
        model: A `transformers.PreTrainedModel`; it is changed.
        adapter: What is learnt.
        seed: Of the weights that are new.

    Returns:
        With `AdapterKind.LORA` a `peft.PeftModel` around it, else the model itself. Weights that are learnt are in
        float32 whatever the others are: in half precision small updates get lost.

    Raises:
        TuningError: The adapter names layers that are not there, or weights outside the language model would be learnt.
    """
    for one in model.parameters():
        one.requires_grad_(requires_grad=False)
    if adapter.kind is AdapterKind.FULL:
        for _, one in _language_weights(model):
            one.data = one.data.float()
            one.requires_grad_(requires_grad=True)
    else:
        model = _with_updates(model, adapter, seed=seed)
    check_frozen(model)
    return model


def check_frozen(model: Any) -> None:
    """Make sure that nothing outside the language model would be learnt, and that something within it is.

    Raises:
        TuningError: Names the first weights that would be learnt and should not.
    """
    allowed = {id(one) for _, one in _language_weights(_inner(model))}
    learnt = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
    for name, one in learnt:
        if id(one) not in allowed:
            raise TuningError(
                f"{name} would be learnt, and is no part of the language model: towers, projections and talkers stay "
                "frozen; name layers of the language model alone in adapter.targets"
            )
    if not learnt:
        raise TuningError("nothing of the model would be learnt", field="adapter")


def counted(model: Any) -> Counts:
    """How many weights of a model are learnt; those that two layers share count once."""
    learnt = frozen = 0
    for one in model.parameters():
        if one.requires_grad:
            learnt += one.numel()
        else:
            frozen += one.numel()
    return Counts(learnt, frozen)


def language_prefix(model: Any) -> str:
    """What the names of the language model's layers begin with, as ``model.language_model``.

    Raises:
        TuningError: The library does not tell where it is.
    """
    decoder = model.get_decoder()
    found = next((name for name, module in model.named_modules() if module is decoder), "")
    if not found:
        raise TuningError(f"{type(model).__name__} does not say where its language model is; take another base")
    return found


def _with_updates(model: Any, adapter: Adapter, *, seed: int) -> Any:
    import torch
    from peft import LoraConfig, TaskType, get_peft_model

    prefix = language_prefix(model)
    there = _linear_names(model.get_submodule(prefix))
    targets = adapter.targets or tuple(sorted(there - _NOT_ADAPTED))
    if missing := [name for name in targets if name not in there]:
        raise TuningError(
            f"{missing[0]!r} is no linear layer of this model's language part; it has {', '.join(sorted(there))}",
            field="adapter.targets",
        )
    options: dict[str, Any] = {
        "task_type": TaskType.CAUSAL_LM,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": adapter.dropout,
        # The whole name is matched: what hears has layers of the same last names.
        "target_modules": rf"{re.escape(prefix)}\.(?:.*\.)?(?:{'|'.join(map(re.escape, sorted(targets)))})",
    }
    with torch.random.fork_rng(), warnings.catch_warnings():
        # The two libraries are not of the same age; nobody else can do anything about it.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        torch.manual_seed(seed)
        return get_peft_model(model, LoraConfig(**options), autocast_adapter_dtype=True)


def _linear_names(module: Any) -> set[str]:
    """Last parts of the names of all linear layers in a module."""
    import torch

    return {name.rpartition(".")[2] for name, one in module.named_modules() if isinstance(one, torch.nn.Linear)}


def _language_weights(model: Any) -> Iterator[tuple[str, Any]]:
    """The weights of the language model, its input and output layers and whatever was put into it among them."""
    yield from model.get_decoder().named_parameters()
    outputs = model.get_output_embeddings()
    if outputs is not None:
        yield from outputs.named_parameters()


def _inner(model: Any) -> Any:
    """The library's model within what an adapter wraps around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
