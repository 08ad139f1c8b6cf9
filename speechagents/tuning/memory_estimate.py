"""How much memory tuning by a recipe will take, before anything is loaded.

Owns the estimate and the sizes of models that it needs. Does not know GPUs, nor whether the model is here: sizes come
from its configuration, or for the bases of the shipped recipes from a table. Importing it needs no PyTorch.

**What is counted.** Weights, those that are learnt in float32, the others as they are multiplied; of all that is learnt
a gradient and two moments of AdamW in float32; copies of weights in half precision that automatic mixed precision
makes; what the layers keep for the gradient; and the logits. The last two were counted tensor by tensor for one layer
of the kind that all bases here have (grouped-query attention, RMSNorm, SwiGLU), after the way of Korthikanti et al.
2022 (arXiv 2205.05198), whose layer was another one. `benchmarks/tuning_memory.py` compares it with what training
allocates.

**What is not.** Towers that hear, while they hear: they are frozen, so that nothing of theirs is kept. The driver's own
part, a library's workspace, memory in fragments: leave a tenth of a GPU free for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from speechagents.errors import TuningError
from speechagents.pretrained_options import size_on_disk_gb
from speechagents.residency import SPARE
from speechagents.tuning.recipe import Adapter, AdapterKind, Precision, Recipe

ANSWER_TOKENS: Final = 256
"""Tokens of a sample that are learnt, at most: thoughts, form and a speech of sixty words."""

_SINGLE: Final = 4
_HALF: Final = 2
_QUERIES: Final = frozenset({"q_proj", "k_proj", "v_proj"})
_FEEDS: Final = frozenset({"gate_proj", "up_proj"})


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model.

    Attributes:
        layers: Of the language model.
        width: Of its residual stream.
        feed: Inner width of the feed-forward part.
        heads: Of queries.
        key_heads: Of keys and values.
        head_width: Of each head.
        vocabulary: Tokens.
        tied: The last layer is the embedding.
        others: Weights outside the language model: towers, projections.
    """

    layers: int
    width: int
    feed: int
    heads: int
    key_heads: int
    head_width: int
    vocabulary: int
    tied: bool = False
    others: int = 0

    @property
    def matrices(self) -> Mapping[str, tuple[int, int]]:
        """Width in and out of each linear layer, by the last part of its name."""
        queries, keys = self.heads * self.head_width, self.key_heads * self.head_width
        return {
            "q_proj": (self.width, queries),
            "k_proj": (self.width, keys),
            "v_proj": (self.width, keys),
            "o_proj": (queries, self.width),
            "gate_proj": (self.width, self.feed),
            "up_proj": (self.width, self.feed),
            "down_proj": (self.feed, self.width),
        }

    @property
    def linear_weights(self) -> int:
        """Of all linear layers, the last one among them."""
        return self.layers * sum(a * b for a, b in self.matrices.values()) + self.vocabulary * self.width

    @property
    def language_weights(self) -> int:
        """Of the language model, with the biases that queries, keys and values have in Qwen2."""
        biases = sum(self.matrices[name][1] for name in _QUERIES)
        norms = (2 * self.layers + 1) * self.width
        embeddings = 0 if self.tied else self.vocabulary * self.width
        return self.linear_weights + self.layers * biases + norms + embeddings


SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        # config.json of copies of it; 1 543 714 304 weights, as model.safetensors of the preset `laptop` has.
        "Qwen/Qwen2.5-1.5B-Instruct": Shape(28, 1536, 8960, 12, 2, 128, 151_936, tied=True),
        # config.json of copies of it.
        "Qwen/Qwen2.5-7B-Instruct": Shape(28, 3584, 18_944, 28, 4, 128, 152_064),
        # Its config.json, with the library's defaults for what it leaves out; others: tower and projection, counted.
        "Qwen/Qwen2-Audio-7B-Instruct": Shape(32, 4096, 11_008, 32, 32, 128, 156_032, others=642_215_936),
        # The part that hears and thinks; others: the towers that hear and see, counted.
        "Qwen/Qwen2.5-Omni-7B": Shape(28, 3584, 18_944, 28, 4, 128, 152_064, others=1_316_197_376),
    }
)
"""Sizes of the bases that shipped recipes name (read 2026-11)."""


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """What tuning takes at its peak, in bytes.

    Attributes:
        weights: And their copies in half precision.
        gradients: Of what is learnt.
        moments: Of the optimizer.
        activations: What is kept for the gradient.
        passing: What is there for a moment on top of it: logits and their gradients, or a layer that is computed again.
    """

    weights: int
    gradients: int
    moments: int
    activations: int
    passing: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.moments + self.activations + self.passing

    def fits(self, gpu_gb: float) -> bool:
        """Whether it fits into a GPU of so many 10⁹ bytes with some to spare."""
        return self.total <= gpu_gb * 1e9 * (1.0 - SPARE)

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {getattr(self, name) / 1e9:.1f}" for name in self.__slots__)
        return f"{self.total / 1e9:.1f} GB ({parts})"


def estimated(recipe: Recipe, shape: Shape, *, half: bool = True) -> MemoryEstimate:
    """The memory that a recipe takes, if all samples are as long as they may be.

    Args:
        recipe: What is learnt, how many samples at once, how long they are.
        shape: Of its base.
        half: Where the recipe leaves the precision to the device, it has bfloat16.

    Raises:
        TuningError: The recipe names layers that such a model does not have.
    """
    training, adapter = recipe.training, recipe.adapter
    halved = training.dtype is Precision.BFLOAT16 or (training.dtype is Precision.AUTO and half)
    size = _HALF if halved else _SINGLE
    full = adapter.kind is AdapterKind.FULL
    targets = _targets(adapter, shape)
    if full:
        learnt, frozen = shape.language_weights, shape.others
        copied = shape.linear_weights
        frozen_size = _SINGLE
    else:
        learnt = shape.layers * adapter.rank * sum(sum(shape.matrices[name]) for name in targets)
        frozen, copied, frozen_size = shape.language_weights + shape.others, learnt, size
    weights = _SINGLE * learnt + frozen_size * frozen + (_HALF * copied if halved else 0)
    tokens = training.batch * training.max_tokens
    layer = _layer_bytes(shape, adapter, targets, halved=halved, length=training.max_tokens)
    # Where embeddings are learnt, they are in float32, and so is what runs from layer to layer.
    between = shape.width * (_SINGLE if full else size)
    kept = shape.layers * (between if training.recompute else layer)
    again = tokens * layer if training.recompute else 0.0
    return MemoryEstimate(
        weights=weights,
        gradients=_SINGLE * learnt,
        moments=2 * _SINGLE * learnt,
        activations=round(tokens * (kept + _last_norm_bytes(shape, full=full, halved=halved))),
        passing=round(max(again, _logit_bytes(shape, tokens, training.batch, size))),
    )


def shape_of(config: Any, *, weights: int = 0) -> Shape:
    """Sizes of a model by the library's configuration.

    Args:
        config: A `transformers.PreTrainedConfig`; of an omni model the part that hears and thinks is meant.
        weights: Of the whole model, to know how many are not the language model's; 0 if nobody knows.

    Raises:
        TuningError: It is no language model of the kind that is counted here.
    """
    part = getattr(config, "thinker_config", None) or config
    text = part.get_text_config()
    try:
        width, heads = int(text.hidden_size), int(text.num_attention_heads)
        shape = Shape(
            layers=int(text.num_hidden_layers),
            width=width,
            feed=int(text.intermediate_size),
            heads=heads,
            key_heads=int(getattr(text, "num_key_value_heads", None) or heads),
            head_width=int(getattr(text, "head_dim", None) or width // heads),
            vocabulary=int(text.vocab_size),
            tied=bool(getattr(part, "tie_word_embeddings", getattr(text, "tie_word_embeddings", False))),
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise TuningError(f"no memory estimate for a {getattr(config, 'model_type', 'model')}: {error}") from error
    return replace(shape, others=max(0, weights - shape.language_weights)) if weights else shape


def recipe_shape(recipe: Recipe, folder: Path | None = None) -> Shape | None:
    """Sizes of a recipe's base: by its folder if it is here, else by the table.

    Args:
        recipe: The recipe.
        folder: Of its base, None if it is not here.

    Returns:
        None if it is not here and in no table.

    Raises:
        TuningError: The folder's configuration cannot be read, or is of another kind of model.
    """
    if folder is None:
        return SHAPES.get(recipe.base.model)
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        part = "thinker." if hasattr(config, "thinker_config") else ""
        weights = size_on_disk_gb(folder, dtype="float32", quantisation="", part=part) * 1e9 / _SINGLE
    except (OSError, ValueError, KeyError) as error:
        raise TuningError(f"its configuration cannot be read: {error}", source=folder.name) from error
    return shape_of(config, weights=round(weights))


def _targets(adapter: Adapter, shape: Shape) -> tuple[str, ...]:
    if adapter.kind is AdapterKind.FULL:
        return ()
    targets = adapter.targets or tuple(shape.matrices)
    if unknown := [name for name in targets if name not in shape.matrices]:
        known = ", ".join(shape.matrices)
        raise TuningError(f"no memory estimate with {unknown[0]!r}; it knows {known}", field="adapter.targets")
    return targets


def _layer_bytes(shape: Shape, adapter: Adapter, targets: tuple[str, ...], *, halved: bool, length: int) -> float:
    """What one layer keeps of one token.

    In units of the residual stream's width h, of the feed-forward part's f, single precision (half precision):

    - the input of both norms, which compute in float32: 8 h; if their scales are learnt, what they scale: 8 h more;
    - queries, keys, values, each key and value repeated for the queries of its group, and what attention gives: 16 h
      (8 h);
    - inputs of linear layers, if these or updates of them are learnt: 4 h once for queries, keys and values and once
      for the feed-forward part's two (each casts its own copy: 2 h each); what goes into the last matrix of attention
      has been counted, but for updates is cast once more (2 h);
    - feed-forward part: before and behind its gate, and what is gated: 12 f (6 f); the input of its last matrix: 4 f
      (2 f);
    - the inner values of updates, rank each: 4 (2);
    - scales of norms 8, normalisers of attention 4 a head, and the mask, which is spread out for each layer: 4 (2) a
      token of the sample.
    """
    size = _HALF if halved else _SINGLE
    full = adapter.kind is AdapterKind.FULL
    names = frozenset(shape.matrices) if full else frozenset(targets)
    inner = shape.heads * shape.head_width
    stream = 16 if full else 8
    if halved:
        stream += _HALF * len(names & (_QUERIES | _FEEDS))
    else:
        stream += _SINGLE * (bool(names & _QUERIES) + bool(names & _FEEDS))
    attended = 4 * size * inner + (_HALF * inner if halved and not full and "o_proj" in names else 0)
    fed = (3 + ("down_proj" in names)) * size * shape.feed
    updates = 0 if full else adapter.rank * len(targets) * size
    return stream * shape.width + attended + fed + updates + 8 + 4 * shape.heads + size * length


def _last_norm_bytes(shape: Shape, *, full: bool, halved: bool) -> int:
    """What the norm behind all layers keeps of one token, and the last matrix."""
    if not full:
        return _SINGLE * shape.width
    return (2 * _SINGLE + (_HALF if halved else _SINGLE)) * shape.width


def _logit_bytes(shape: Shape, tokens: int, samples: int, size: int) -> int:
    """Logits as `training.span_loss` needs them.

    Those of all tokens, when their gradient is put together; or those of the tokens that are learnt, when their
    logarithms are taken in float32.
    """
    learnt = min(tokens, samples * ANSWER_TOKENS)
    return shape.vocabulary * max(size * (2 * tokens + learnt), 3 * _SINGLE * learnt)
