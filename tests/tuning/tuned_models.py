"""Tiny bases and what is tuned of them, without any training: random numbers where training would have left its own."""

from __future__ import annotations

import contextlib
import json
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.controllers.tiny_models import TEXT_TEMPLATE, language_sizes, make_tokenizer

QUERY_AND_VALUE = r".*(language_model|model)\.layers\.\d+\.self_attn\.(q_proj|v_proj)"


def architecture(folder: Path) -> Any:
    """The library's class for a model."""
    import transformers

    return getattr(transformers, json.loads((folder / "config.json").read_text("utf-8"))["architectures"][0])


def loaded(folder: Path, kind: str = "", dtype: Any = None) -> Any:
    """A model in memory, by the class its configuration names or another one."""
    import torch
    import transformers

    one = getattr(transformers, kind) if kind else architecture(folder)
    return one.from_pretrained(folder, dtype=dtype or torch.float32, local_files_only=True)


def small_text_model(folder: Path, *, tied: bool, dtype: str = "float32", width: int = 16) -> Path:
    """A Qwen2 that reads."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = make_tokenizer(folder, TEXT_TEMPLATE)
    torch.manual_seed(5)
    config = Qwen2Config(**language_sizes(tokenizer, width), tie_word_embeddings=tied)
    Qwen2ForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)
    return folder


def adapter(base: Path, out: Path, *, seed: int = 1, kind: str = "", size: float = 0.2, **settings: Any) -> Path:
    """An adapter as PEFT saves it, whose updates are not zero as new ones are."""
    import torch
    from peft import LoraConfig, get_peft_model

    options: dict[str, Any] = {"r": 4, "lora_alpha": 8, "target_modules": QUERY_AND_VALUE, **settings}
    torch.manual_seed(seed)
    with peft_says():
        model = get_peft_model(loaded(base, kind), LoraConfig(**options))
    lot = torch.Generator().manual_seed(seed)
    for name, one in model.named_parameters():
        if one.requires_grad:
            near = 0.0 if "lora_" in name else one.data
            one.data = near + size * torch.randn(one.shape, generator=lot)
    with peft_says():
        model.save_pretrained(str(out))
    return out


def whole(base: Path, out: Path, *, seed: int = 1, kind: str = "", size: float = 0.2) -> Path:
    """A model all of whose weights were tuned."""
    import torch

    model = loaded(base, kind)
    lot = torch.Generator().manual_seed(seed)
    for one in model.parameters():
        one.data += size * torch.randn(one.shape, generator=lot)
    model.save_pretrained(out)
    return out


def merged_by_peft(base: Path, adapter_folder: Path, kind: str = "") -> Mapping[str, Any]:
    """What PEFT makes of a base and an adapter."""
    from peft import PeftModel

    with peft_says():
        return dict(PeftModel.from_pretrained(loaded(base, kind), adapter_folder).merge_and_unload().state_dict())


@contextlib.contextmanager
def peft_says() -> Iterator[None]:
    """What PEFT warns of and tests do on purpose, or cannot help: tied weights, embeddings, names that get old."""
    with warnings.catch_warnings():
        for text in (".*is_gradient_checkpointing", ".*tie_word_embeddings", ".*embedding layer", ".*tied"):
            warnings.filterwarnings("ignore", message=text)
        yield


def change_settings(folder: Path, **settings: Any) -> Path:
    """Change what an adapter says of itself."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **settings}), "utf-8")
    return folder
