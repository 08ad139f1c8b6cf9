"""Tiny Llamas with random weights, as folders: made here, without PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.units.ferry import ferry_tokens

WIDTH, HEADS, SHARED, FEED, LAYERS, CONTEXT = 16, 4, 2, 24, 2, 320


def tiny_llama(folder: Path, *, context: int = CONTEXT, seed: int = 0, dtype: str = "F16") -> Path:
    """A Llama that knows the vocabulary of the ferry, and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = ferry_tokens()
    tokens.save(folder, context=context)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": tokens.size,
        "hidden_size": WIDTH,
        "intermediate_size": FEED,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": SHARED,
        "max_position_embeddings": context,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10_000.0,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
    }
    (folder / "config.json").write_text(json.dumps(config))
    head = WIDTH // HEADS
    shapes: dict[str, tuple[int, ...]] = {"model.norm.weight": (WIDTH,)}
    shapes["model.embed_tokens.weight"] = (tokens.size, WIDTH)
    for layer in range(LAYERS):
        at = f"model.layers.{layer}."
        shapes |= {f"{at}{name}.weight": (WIDTH,) for name in ("input_layernorm", "post_attention_layernorm")}
        shapes |= {f"{at}self_attn.{name}_proj.weight": (HEADS * head, WIDTH) for name in ("q", "o")}
        shapes |= {f"{at}self_attn.{name}_proj.weight": (SHARED * head, WIDTH) for name in ("k", "v")}
        shapes |= {f"{at}mlp.{name}_proj.weight": (FEED, WIDTH) for name in ("gate", "up")}
        shapes[f"{at}mlp.down_proj.weight"] = (WIDTH, FEED)
    chance = np.random.default_rng(seed)
    arrays = {
        name: chance.normal(1.0 if len(shape) == 1 else 0.0, 0.3, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    write_weights(folder / "model.safetensors", arrays, dtype=dtype)
    return folder


def write_weights(path: Path, arrays: dict[str, np.ndarray], *, dtype: str = "F16") -> None:
    """A safetensors file."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in arrays.items():
        if dtype == "BF16":
            raw = (array.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        else:
            raw = array.astype({"F16": "<f2", "F32": "<f4"}[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
