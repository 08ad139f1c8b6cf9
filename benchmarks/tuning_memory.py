"""Memory that tuning allocates, counted tensor by tensor, beside what `tuning.memory_estimate` says.

    python -m benchmarks.tuning_memory

For every shipped recipe of chat models two steps are taken by its base's language model, with all samples as long as
they may be. The tensors are PyTorch's fake ones: they have sizes, and no contents, so that 7 B need no GPU. Every
storage that an operation gives is counted until nothing holds it any more. Towers are not built; what they weigh is in
both figures. Prints a table, and writes ``benchmarks/results/tuning_memory.json``.
"""

from __future__ import annotations

import contextlib
import json
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest import mock

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from speechagents.tuning.adapters import fitted
from speechagents.tuning.memory_estimate import ANSWER_TOKENS, SHAPES, Shape, estimated
from speechagents.tuning.optimisation import make_optimizer
from speechagents.tuning.recipe import AdapterKind, Precision, Recipe
from speechagents.tuning.recipe_file import read_recipe, shipped_recipes

RESULTS: Final = Path(__file__).parent / "results" / "tuning_memory.json"
STEPS: Final = 2
"""The moments of the optimizer are there from the second step on."""


class Living(TorchDispatchMode):  # type: ignore[misc,no-untyped-call,unused-ignore]
    """Counts the bytes of all storages that operations give and that are still held."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call,unused-ignore]
        self.now = 0
        self.peak = 0
        self._held: dict[int, Any] = {}

    def add(self, tensor: torch.Tensor) -> None:
        """Count a tensor, unless its storage is known."""
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()  # noqa: SLF001 - fake ones have no other address
        if key in self._held:
            return

        def gone(_: Any) -> None:
            self.now -= size
            self._held.pop(key, None)

        self._held[key] = weakref.ref(storage, gone)
        self.now += size
        self.peak = max(self.peak, self.now)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in tree_iter(out):
            if isinstance(one, torch.Tensor):
                self.add(one)
        return out


def counted_bytes(recipe: Recipe, shape: Shape, *, fake: bool) -> int:
    """The most that two steps of two batches each hold at once, weights that are not built included.

    Args:
        recipe: Its adapter and training count.
        shape: Of the base.
        fake: Without contents, and without computing anything.
    """
    training = replace(recipe.training, dtype=_dtype(recipe))
    half = training.dtype is Precision.BFLOAT16
    frozen = torch.bfloat16 if half and recipe.adapter.kind is AdapterKind.LORA else torch.float32
    with FakeTensorMode() if fake else contextlib.nullcontext():
        with _unmoved() if fake else contextlib.nullcontext():
            model = fitted(_language_model(shape, frozen), recipe.adapter, seed=0).train()
        if training.recompute:
            model.activation_checkpointing_enable({"use_reentrant": False})
        optimizer = make_optimizer(model, training)
        ids, mask = (torch.ones((training.batch, training.max_tokens), dtype=torch.long) for _ in range(2))
        if not fake:
            mask[0, -1] = 0  # without any padding no mask is made; fake tensors cannot tell
        living = Living()
        for one in model.parameters():
            living.add(one)
        with living:
            for _ in range(STEPS):
                for _ in range(2):  # gradients of the first batch are there while the second one runs
                    with torch.autocast("cpu", torch.bfloat16, enabled=half):
                        out = model(input_ids=ids, attention_mask=mask, use_cache=False)
                    loss = _span_loss(out.logits, min(ANSWER_TOKENS, training.max_tokens))
                    del out
                    loss.backward()
                    del loss
                optimizer.step()
                optimizer.zero_grad()
    peak: int = living.peak + shape.others * frozen.itemsize
    return peak


def _span_loss(logits: torch.Tensor, learnt: int) -> Any:
    """As `training.span_loss`, of the last tokens of each sample: where labels are is nothing fake tensors know."""
    rows, places = len(logits), logits.shape[1] - 1
    count = min(learnt, places)
    where = (
        torch.arange(rows).repeat_interleave(count),
        torch.arange(places - count, places).repeat(rows),
    )
    chosen = logits[:, :-1][where].float()
    return functional.cross_entropy(chosen, torch.ones(rows * count, dtype=torch.long), reduction="sum")


def _language_model(shape: Shape, dtype: torch.dtype) -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=shape.vocabulary,
            hidden_size=shape.width,
            intermediate_size=shape.feed,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.key_heads,
            tie_word_embeddings=shape.tied,
        )
    )
    for one in model.parameters():
        one.data = one.data.to(dtype)
    return model


@contextlib.contextmanager
def _unmoved() -> Iterator[None]:
    """Modules stay where they are: fake ones cannot be moved, not even to where they are already."""

    def stay(module: Any, *_: Any, **__: Any) -> Any:
        return module

    with mock.patch.object(torch.nn.Module, "to", stay):
        yield


def _dtype(recipe: Recipe) -> Precision:
    return Precision.BFLOAT16 if recipe.training.dtype is Precision.AUTO else recipe.training.dtype


def main() -> None:
    """Print the table, and write the figures."""
    rows: list[Mapping[str, Any]] = []
    for name, path in shipped_recipes().items():
        recipe = read_recipe(path)
        shape = SHAPES.get(recipe.base.model)
        if shape is None:
            continue
        counted, said = counted_bytes(recipe, shape, fake=True), estimated(recipe, shape)
        rows.append(
            {
                "recipe": name,
                "base": recipe.base.model,
                "counted_gb": round(counted / 1e9, 2),
                "estimated_gb": round(said.total / 1e9, 2),
                **{f"{part}_gb": round(getattr(said, part) / 1e9, 2) for part in said.__slots__},
            }
        )
        print(f"{name:24} counted {counted / 1e9:6.1f} GB   estimated {said}", flush=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
