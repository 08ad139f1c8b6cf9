"""Language models in this process, by Hugging Face Transformers: text models and those that hear.

Owns loading, batching, what prompts share, and seeded sampling. Does not know what prompts say. Importing this module
needs PyTorch and Transformers; nothing else in the package imports it but the registry.

All prompts of a call are one left-padded batch. What they share, sound included, is computed once and its cache copied
to all of them; between calls the cache is kept, so that of a scene that has grown by a message only the message is new
(prompts are written for that, see `prompts`). Sampling draws for every prompt from a generator of its own (Gumbel-max:
the largest of logits plus Gumbel noise is a sample of their softmax; Maddison et al. 2014, arXiv 1411.0030), so an
answer does not depend on who else was asked.

Weights are read from disk alone unless `download` is asked for, safetensors only, and no code that comes with a model
is run.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from speechagents.controllers.controller import Controller, Usage
from speechagents.controllers.language_model import Prompt, Reply
from speechagents.controllers.multimodal_text import Encoder, Piece, common, make_encoder, rendered
from speechagents.errors import ControllerError, SettingsError

for _package in ("torch", "transformers"):
    if importlib.util.find_spec(_package) is None:
        raise ModuleNotFoundError(f"No module named {_package!r}", name=_package)

# Threads that spin while they wait take the cores of whoever is at work beside this model.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

MAX_BATCH: Final = 64
TOP_P: Final = 0.95
_MAX_NEW_TOKENS: Final = 2_000


class TransformersModel:
    """A model in memory.

    Safe to use from several threads; they wait for each other.

    Args:
        model: A folder, or a name on the Hugging Face hub whose files are in the local cache.
        revision: Of a name on the hub.
        download: Fetch what is missing.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` …; ``auto`` spreads a model over GPUs if there are any.
        dtype: ``auto`` (as the weights are), ``float32``, ``bfloat16`` or ``float16``.
        attention: Implementation of attention, such as ``sdpa``; empty leaves the choice to the library.
        max_batch: Most prompts in one batch.
        reuse: Compute what prompts share once, and keep it between calls.

    Raises:
        SettingsError: An argument is out of range.
        ControllerError: There is no such model here, or the installed library cannot load it.
    """

    def __init__(
        self,
        *,
        model: str = "",
        revision: str = "",
        download: bool = False,
        device: str = "auto",
        dtype: str = "auto",
        attention: str = "",
        max_batch: int = MAX_BATCH,
        reuse: bool = True,
    ) -> None:
        if not model:
            raise SettingsError("the transformers controller needs a model: --model FOLDER, or a name on the hub")
        if dtype not in ("auto", "float32", "bfloat16", "float16"):
            raise SettingsError(f"dtype {dtype!r} is none of auto, float32, bfloat16, float16")
        if not 1 <= max_batch <= 1024:
            raise SettingsError(f"a batch of {max_batch} is not between 1 and 1024")
        self._name = model
        self._max_batch = max_batch
        self._reuse = reuse
        self._one_at_a_time = threading.Lock()
        self._kept: _Kept | None = None
        where = {"local_files_only": not download, **({"revision": revision} if revision else {})}
        try:
            self._model, config = _load(model, where, device=device, dtype=dtype, attention=attention)
            self._encoder: Encoder = make_encoder(model, config, where)
        except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
            raise ControllerError(
                f"the model {model!r} cannot be loaded: {(str(error) or repr(error)).splitlines()[0][:300]}; give a "
                "folder that holds it, or download it first (huggingface-cli download NAME), or set download: true"
            ) from error
        digest = hashlib.blake2b(json.dumps(config.to_dict(), sort_keys=True, default=str).encode(), digest_size=6)
        self._identity = f"transformers 1 {Path(model).name} {revision}".rstrip() + f" {digest.hexdigest()}"

    @property
    def identity(self) -> str:
        """The model's name and a digest of its configuration."""
        return self._identity

    @property
    def hears(self) -> bool:
        """It has ears, and its processor makes something of sound."""
        return self._encoder.hears

    def generate(self, prompts: Sequence[Prompt], *, seed: int) -> Iterator[Reply]:
        """One reply for each prompt, in order."""
        for first in range(0, len(prompts), self._max_batch):
            batch = prompts[first : first + self._max_batch]
            with self._one_at_a_time:
                yield from self._answered(batch, seed=seed + first)

    def _answered(self, prompts: Sequence[Prompt], *, seed: int) -> list[Reply]:
        """Answers to a batch; one that does not fit into memory is halved."""
        import torch

        try:
            return self._batch(prompts, seed=seed)
        except torch.cuda.OutOfMemoryError:
            self._kept = None
            torch.cuda.empty_cache()
            if len(prompts) == 1:
                return [Reply("", error="the prompt does not fit into the memory of the GPU")]
            half = len(prompts) // 2
            return [
                *self._answered(prompts[:half], seed=seed),
                *self._answered(prompts[half:], seed=seed + half),
            ]

    def _batch(self, prompts: Sequence[Prompt], *, seed: int) -> list[Reply]:
        import torch

        pieces = [rendered(prompt, self._encoder) for prompt in prompts]
        shared, own = _split(pieces, self._encoder)
        with torch.inference_mode():
            inputs, cache = self._inputs(shared, own)
            self._forget_positions(len(prompts), cached=cache is not None)
            length = inputs["input_ids"].shape[1]
            most = min(_MAX_NEW_TOKENS, max(prompt.max_tokens for prompt in prompts))
            out = self._model.generate(
                **inputs,
                past_key_values=cache,
                use_cache=True,
                do_sample=False,
                max_new_tokens=most,
                logits_processor=_processors(prompts, self._encoder.tokenizer, seed=seed),
                pad_token_id=self._encoder.pad_id,
            )
        tokens_in = inputs["attention_mask"].sum(dim=1).tolist()
        replies = []
        for row, prompt, count in zip(out[:, length:].tolist(), prompts, tokens_in, strict=True):
            made = self._encoder.until_end(row)[: prompt.max_tokens]
            text = self._encoder.tokenizer.decode(made, skip_special_tokens=True)
            replies.append(Reply(text, Usage(int(count), len(made))))
        return replies

    def _inputs(self, shared: Piece, own: Sequence[Piece]) -> tuple[dict[str, Any], Any]:
        """What the model is given, and the cache of what all prompts share."""
        import torch

        rows = self._encoder.encode(own, device=self._device)
        if not shared.text:
            return rows, None
        count = len(own)
        if self._reuse:
            kept = self._computed(shared)
            before, sounds = kept.ids, self._encoder.sounds(rows)
            cache = copy.deepcopy(kept.cache)
            cache.batch_repeat_interleave(count)
        else:
            prefix = self._encoder.encode([shared], device=self._device)
            before, cache = prefix["input_ids"], None
            sounds = self._encoder.sounds_by_row(prefix, rows, [len(piece.sounds) for piece in own])
        ids = torch.cat([before.expand(count, -1), rows["input_ids"]], dim=1)
        mask = torch.cat([torch.ones_like(before).expand(count, -1), rows["attention_mask"]], dim=1)
        return {"input_ids": ids, "attention_mask": mask, **sounds}, cache

    def _computed(self, shared: Piece) -> _Kept:
        """The cache of what is shared: as much of the kept one as this begins with, and the rest computed."""
        import torch

        kept = self._kept.cut_to(shared, self._encoder) if self._kept is not None else None
        # On a failure nothing half-done is kept.
        self._kept = None
        rest = shared if kept is None else shared.after(kept.piece)
        if kept is None or rest.text:
            inputs = self._encoder.encode([rest], device=self._device)
            ids = inputs["input_ids"] if kept is None else torch.cat([kept.ids, inputs["input_ids"]], dim=1)
            positions = torch.arange(ids.shape[1] - inputs["input_ids"].shape[1], ids.shape[1], device=self._device)
            out = self._model(
                **{**inputs, "attention_mask": torch.ones_like(ids)},
                past_key_values=None if kept is None else kept.cache,
                use_cache=True,
                logits_to_keep=1,
                position_ids=self._encoder.axes(positions[None]),
            )
            kept = _Kept(shared, ids, out.past_key_values)
        self._kept = kept
        return kept

    def _forget_positions(self, rows: int, *, cached: bool) -> None:
        """Models whose positions have three axes remember offsets of their last batch, which are not those of this one.

        Without pictures all three axes count alike, so what goes on behind a cache has none.
        """
        import torch

        inner = getattr(self._model, "model", None)
        if inner is not None and hasattr(inner, "rope_deltas"):
            inner.rope_deltas = torch.zeros((rows, 1), dtype=torch.long, device=self._device) if cached else None

    @property
    def _device(self) -> Any:
        return self._model.device


@dataclass(frozen=True, slots=True)
class _Kept:
    """The cache of a shared part."""

    piece: Piece
    ids: Any
    cache: Any

    def cut_to(self, other: Piece, encoder: Encoder) -> _Kept | None:
        """The part of it that another piece begins with, up to the end of a line; None if that is nothing."""
        both = common([self.piece, other], encoder)
        if len(both.text) == len(self.piece.text):
            return self
        length = encoder.length_of(both, self.ids)
        if not length or not hasattr(self.cache, "crop"):
            return None
        self.cache.crop(length - self.ids.shape[1])
        return _Kept(both, self.ids[:, :length], self.cache)


def make_transformers_controller(**options: Any) -> Controller:
    """A controller that prompts a model in this process.

    Args:
        options: Those of `TransformersModel`.
    """
    from speechagents.controllers.prompted import PromptedController

    return PromptedController(TransformersModel(**options))


def _load(name: str, where: dict[str, Any], *, device: str, dtype: str, attention: str) -> tuple[Any, Any]:
    """A model and its configuration: of an omni model the thinker alone."""
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(name, trust_remote_code=False, **where)
    options: dict[str, Any] = {
        "dtype": dtype if dtype == "auto" else getattr(torch, dtype),
        "use_safetensors": True,
        "trust_remote_code": False,
        **where,
    }
    if attention:
        options["attn_implementation"] = attention
    spread = device == "auto" and torch.cuda.is_available()
    if spread:
        options["device_map"] = "auto"
    thinker = getattr(config, "thinker_config", None)
    architecture = next(iter(config.architectures or ()), "")
    if thinker is not None:
        of_thinker = architecture.replace("ForConditionalGeneration", "ThinkerForConditionalGeneration")
        chosen = getattr(transformers, of_thinker)
        config = thinker
        options["config"] = thinker
    else:
        chosen = getattr(transformers, architecture, None) or transformers.AutoModelForCausalLM
    loaded = chosen.from_pretrained(name, **options).eval()
    if not spread:
        loaded = loaded.to("cpu" if device == "auto" else device)
    return loaded, config


def _split(pieces: Sequence[Piece], encoder: Encoder) -> tuple[Piece, list[Piece]]:
    """What all prompts begin with, up to the end of a line, and the rest of each, which is never nothing."""
    if not encoder.splits:
        return Piece("", ()), list(pieces)
    last = min(piece.text.rstrip("\n").rfind("\n") + 1 for piece in pieces)
    shared = common([*pieces, Piece(pieces[0].text[:last], pieces[0].sounds)], encoder)
    return shared, [piece.after(shared) for piece in pieces]


def _processors(prompts: Sequence[Prompt], tokenizer: Any, *, seed: int) -> Any:
    from transformers import LogitsProcessorList

    from speechagents.controllers.sampling import SeededSampling, grammar_of

    found: list[Any] = []
    grammar = grammar_of([prompt.schema for prompt in prompts], tokenizer)
    if grammar is not None:
        found.append(grammar)
    seeds = [seed + number for number in range(len(prompts))]
    found.append(SeededSampling(seeds, [prompt.temperature for prompt in prompts], top_p=TOP_P))
    return LogitsProcessorList(found)
