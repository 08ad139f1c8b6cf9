"""How a tuned model gets onto a disk: an adapter or the whole, as safetensors, with what it needs to be used.

Owns that. Does not know the folder of a run, nor kinds of models: a family that has a way of its own is asked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speechagents.library_talk import without_bars
from speechagents.tuning.family import Family, Saves


def save_model(family: Family, model: Any, folder: Path) -> None:
    """Write a tuned model into a folder: an adapter or the whole, as safetensors, with what it needs to be used.

    Args:
        family: Knows what stands beside the weights if it is one that `Saves`; of any other the weights alone are
            written.
        model: What `Family.load` gave.
        folder: Where to; it exists.
    """
    with _as_loaded(model), without_bars():
        if isinstance(family, Saves):
            family.save(model, folder)
            return
        # PEFT would ask the hub whether the base's vocabulary has grown; it never does here.
        more = {"save_embedding_layers": False} if hasattr(model, "peft_config") else {}
        model.save_pretrained(str(folder), **more)


@contextlib.contextmanager
def _as_loaded(model: Any) -> Iterator[None]:
    """The model's settings without what is of use in training alone."""
    config = getattr(model, "config", None)
    before = getattr(config, "use_cache", None)
    if config is None or before is None:
        yield
        return
    config.use_cache = True
    try:
        yield
    finally:
        config.use_cache = before
