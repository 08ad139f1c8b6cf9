"""Small Llamas in NumPy: reading tokens, and how likely each token is to come next.

Owns a model's folder as Hugging Face Transformers writes it (``config.json``, ``model.safetensors``), the forward pass
and what is kept between calls. Does not know what tokens mean (`tokens`), nor which of them is chosen (`generation`).

The architecture is Llama's (Touvron et al. 2023, arXiv 2302.13971): RMSNorm before each part, rotary positions (Su et
al. 2021, arXiv 2104.09864), grouped-query attention (Ainslie et al. 2023, arXiv 2305.13245) and SwiGLU.

What was read before is not read again: of a new prompt only what differs from the last one is computed. So that this
changes no bit of any answer, prompts are computed in blocks that always begin at the same places and have the same
size, and whole blocks alone are kept: sums of floats depend on the shapes of what is multiplied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from speechagents.errors import WeightsMissing
from speechagents.units.weights_file import read_weights

Floats = NDArray[np.float32]

BLOCK: Final = 64
CONFIG, WEIGHTS = "config.json", "model.safetensors"

_MAX_CONFIG_BYTES: Final = 1_000_000
_LIMITS: Final[Mapping[str, int]] = {
    "vocab_size": 400_000,
    "hidden_size": 8_192,
    "intermediate_size": 32_768,
    "num_hidden_layers": 64,
    "num_attention_heads": 128,
    "num_key_value_heads": 128,
    "head_dim": 512,
    "max_position_embeddings": 16_384,
}


@dataclass(frozen=True, slots=True)
class LlamaSizes:
    """What ``config.json`` says of a Llama, under the names it has there."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope_theta: float
    tie_word_embeddings: bool

    def __post_init__(self) -> None:
        for name, most in _LIMITS.items():
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} {getattr(self, name)} is not between 1 and {most}")
        if self.num_attention_heads % self.num_key_value_heads or self.head_dim % 2:
            raise ValueError("the heads of attention do not go together")
        if not (0.0 < self.rms_norm_eps < 1.0 and 1.0 < self.rope_theta < 1e9):
            raise ValueError("rms_norm_eps or rope_theta makes no sense")


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights of a layer; matrices are (out, in)."""

    before_attention: Floats
    queries_keys_values: Floats
    attended: Floats
    before_feed: Floats
    gate_up: Floats
    down: Floats


class Llama:
    """A model in memory; nothing of it changes. Safe to use from several threads.

    Args:
        sizes: Of the model.
        weights: Under the names that Transformers gives them.

    Raises:
        ValueError: An array is missing, or of another shape.
    """

    def __init__(self, sizes: LlamaSizes, weights: Mapping[str, Floats]) -> None:
        self.sizes = sizes
        width, head = sizes.hidden_size, sizes.head_dim
        own, shared = sizes.num_attention_heads * head, sizes.num_key_value_heads * head

        def named(name: str, *shape: int) -> Floats:
            found = weights.get(name)
            if found is None or found.shape != shape:
                raise ValueError(f"{name} is {'missing' if found is None else f'of shape {found.shape}, not {shape}'}")
            if not np.isfinite(found).all():
                raise ValueError(f"{name} holds something that is no number")
            return found

        self._embedding = named("model.embed_tokens.weight", sizes.vocab_size, width)
        tied = sizes.tie_word_embeddings
        self._out = self._embedding if tied else named("lm_head.weight", sizes.vocab_size, width)
        self._last_norm = named("model.norm.weight", width)
        self._layers = []
        for number in range(sizes.num_hidden_layers):
            at = f"model.layers.{number}."
            rows = {"q": own, "k": shared, "v": shared}
            of_attention = [named(f"{at}self_attn.{one}_proj.weight", count, width) for one, count in rows.items()]
            of_feed = [named(f"{at}mlp.{one}_proj.weight", sizes.intermediate_size, width) for one in ("gate", "up")]
            self._layers.append(
                _Layer(
                    before_attention=named(f"{at}input_layernorm.weight", width),
                    queries_keys_values=np.concatenate(of_attention),
                    attended=named(f"{at}self_attn.o_proj.weight", width, own),
                    before_feed=named(f"{at}post_attention_layernorm.weight", width),
                    gate_up=np.concatenate(of_feed),
                    down=named(f"{at}mlp.down_proj.weight", width, sizes.intermediate_size),
                )
            )
        turns = 1.0 / sizes.rope_theta ** (np.arange(0, head, 2, dtype=np.float64) / head)
        angles = np.outer(np.arange(sizes.max_position_embeddings), turns)
        self._cos = np.cos(angles).astype(np.float32)[:, None, :]
        self._sin = np.sin(angles).astype(np.float32)[:, None, :]

    def logits(self, hidden: Floats) -> Floats:
        """Logits of the next token, (positions, vocabulary), of what `advance` gave, (positions, width)."""
        return _normed(hidden, self._last_norm, self.sizes.rms_norm_eps) @ self._out.T

    def advance(self, ids: Sequence[int], at: int, keys: Floats, values: Floats) -> Floats:
        """Read tokens that follow on others.

        Args:
            ids: The tokens.
            at: How many were read before.
            keys: (layers, key heads, context, head width); those of the tokens are written into it.
            values: The same of values.

        Returns:
            The residual stream behind the last layer, (tokens, width).
        """
        sizes, count = self.sizes, len(ids)
        heads, shared, head = sizes.num_attention_heads, sizes.num_key_value_heads, sizes.head_dim
        group, end, eps = heads // shared, at + count, sizes.rms_norm_eps
        cos, sin = self._cos[at:end], self._sin[at:end]
        scale = np.float32(head**-0.5)
        # Nobody attends to what comes later.
        later = np.triu(np.full((count, count), -np.inf, dtype=np.float32), 1) if count > 1 else None
        stream = self._embedding[np.asarray(ids)]
        for number, layer in enumerate(self._layers):
            mixed = _normed(stream, layer.before_attention, eps) @ layer.queries_keys_values.T
            mixed = mixed.reshape(count, -1, head)
            turned = _turned(mixed[:, : heads + shared], cos, sin)
            keys[number, :, at:end] = turned[:, heads:].transpose(1, 0, 2)
            values[number, :, at:end] = mixed[:, heads + shared :].transpose(1, 0, 2)
            asking = turned[:, :heads].reshape(count, shared, group, head).transpose(1, 2, 0, 3)
            scores = (asking.reshape(shared, group * count, head) * scale) @ keys[number, :, :end].transpose(0, 2, 1)
            if later is not None:
                scores.reshape(shared, group, count, end)[..., at:] += later
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            found = (scores @ values[number, :, :end]).reshape(shared, group, count, head)
            stream = stream + found.transpose(2, 0, 1, 3).reshape(count, -1) @ layer.attended.T
            gated = _normed(stream, layer.before_feed, eps) @ layer.gate_up.T
            gate, up = gated[:, : sizes.intermediate_size], gated[:, sizes.intermediate_size :]
            stream = stream + (gate * _sigmoid(gate) * up) @ layer.down.T
        read: Floats = stream
        return read


class Memory:
    """What a model has read: tokens, and what it keeps of them. Used by one thread at a time.

    Args:
        model: The model.
    """

    def __init__(self, model: Llama) -> None:
        sizes = model.sizes
        shape = (sizes.num_hidden_layers, sizes.num_key_value_heads, sizes.max_position_embeddings, sizes.head_dim)
        self._model = model
        self._keys = np.zeros(shape, dtype=np.float32)
        self._values = np.zeros(shape, dtype=np.float32)
        self._ids: list[int] = []
        self._solid = 0
        """So many of the tokens were computed in whole blocks."""
        self._computed = 0

    @property
    def length(self) -> int:
        """How many tokens were read."""
        return len(self._ids)

    @property
    def room(self) -> int:
        """How many more can be read."""
        return self._model.sizes.max_position_embeddings - len(self._ids)

    @property
    def computed(self) -> int:
        """How many tokens the model has been through so far; those that were kept count once."""
        return self._computed

    def read(self, ids: Sequence[int]) -> Floats:
        """Read a prompt instead of all that was read before.

        Args:
            ids: At least one token.

        Returns:
            Logits of the token behind it, (vocabulary,).

        Raises:
            ValueError: It is empty, or longer than the model's context.
        """
        if not 0 < len(ids) <= self._model.sizes.max_position_embeddings:
            raise ValueError(f"{len(ids)} tokens are not between 1 and {self._model.sizes.max_position_embeddings}")
        same = next((at for at, (one, other) in enumerate(zip(self._ids, ids, strict=False)) if one != other), None)
        known = min(len(self._ids), len(ids)) if same is None else same
        start = min(known, self._solid, len(ids) - 1) // BLOCK * BLOCK
        self.cut(start)
        hidden = np.zeros((0, 0), dtype=np.float32)
        for at in range(start, len(ids), BLOCK):
            hidden = self._advance(ids[at : at + BLOCK])
        self._solid = len(ids) // BLOCK * BLOCK
        found: Floats = self._model.logits(hidden[-1:])[0]
        return found

    def follow(self, ids: Sequence[int]) -> Floats:
        """Read on.

        Args:
            ids: At least one token.

        Returns:
            Logits of the token behind each, (tokens, vocabulary).

        Raises:
            ValueError: There is no room for them.
        """
        if not 0 < len(ids) <= self.room:
            raise ValueError(f"{len(ids)} tokens do not fit into a room of {self.room}")
        return self._model.logits(self._advance(ids))

    def cut(self, length: int) -> None:
        """Forget all but the first so many tokens."""
        del self._ids[length:]
        self._solid = min(self._solid, length // BLOCK * BLOCK)

    def _advance(self, ids: Sequence[int]) -> Floats:
        hidden = self._model.advance(ids, len(self._ids), self._keys, self._values)
        self._ids += ids
        self._computed += len(ids)
        return hidden


def load_llama(folder: Path) -> Llama:
    """The Llama in a folder.

    Raises:
        WeightsMissing: There is none, or it is damaged, or needs something that this module does not know.
    """
    try:
        path = folder / CONFIG
        if path.stat().st_size > _MAX_CONFIG_BYTES:
            raise ValueError(f"{CONFIG} is larger than {_MAX_CONFIG_BYTES} bytes")
        return Llama(_sizes(json.loads(path.read_bytes())), read_weights(folder / WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsMissing(
            f"{folder}: holds no speech-unit language model that can be used ({error}); get the folder again"
        ) from error


def _sizes(config: Mapping[str, Any]) -> LlamaSizes:
    """Sizes of a configuration.

    Raises:
        ValueError: It is of no Llama, or of one with parts that are not built here.
        KeyError, TypeError, AttributeError: Something is missing, or no number.
    """
    if config["model_type"] != "llama":
        raise ValueError(f"it is a {str(config['model_type'])[:40]}, not a llama")
    # Up to version 4 of Transformers positions stood in two fields of their own.
    positions = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = positions.get("rope_type", positions.get("type", "default"))
    if kind != "default" or config.get("attention_bias") or config.get("mlp_bias"):
        raise ValueError("it has scaled positions or biases")
    if config.get("hidden_act", "silu") != "silu":
        raise ValueError(f"its activation is {str(config['hidden_act'])[:40]}, not silu")
    whole = {name: config.get(name) for name in _LIMITS}
    whole["head_dim"] = whole["head_dim"] or config["hidden_size"] // config["num_attention_heads"]
    whole["num_key_value_heads"] = whole["num_key_value_heads"] or config["num_attention_heads"]
    if bad := [name for name, value in whole.items() if type(value) is not int]:
        raise ValueError(f"{bad[0]} is no whole number")
    return LlamaSizes(
        **whole,  # type: ignore[arg-type]
        rms_norm_eps=float(config.get("rms_norm_eps", 1e-6)),
        rope_theta=float(positions.get("rope_theta", config.get("rope_theta", 10_000.0))),
        tie_word_embeddings=config.get("tie_word_embeddings") is True,
    )


def _normed(stream: Floats, weight: Floats, eps: float) -> Floats:
    """RMSNorm (Zhang & Sennrich 2019, arXiv 1910.07467) over the last axis."""
    mean = np.einsum("...i,...i->...", stream, stream)[..., None] / np.float32(stream.shape[-1])
    found: Floats = stream / np.sqrt(mean + np.float32(eps)) * weight
    return found


def _turned(heads: Floats, cos: Floats, sin: Floats) -> Floats:
    """Rotary positions: (tokens, heads, width), the first half of each head paired with its second."""
    half = heads.shape[-1] // 2
    first, second = heads[..., :half], heads[..., half:]
    return np.concatenate((first * cos - second * sin, second * cos + first * sin), axis=-1)


def _sigmoid(values: Floats) -> Floats:
    """By the hyperbolic tangent, which does not overflow."""
    found: Floats = np.float32(0.5) * (np.float32(1.0) + np.tanh(np.float32(0.5) * values))
    return found
