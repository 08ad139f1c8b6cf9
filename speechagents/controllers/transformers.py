"""Language models in this process, by Hugging Face Transformers: text models and those that hear.

Owns batching, what prompts share, and seeded sampling. Does not know what prompts say, nor how a model gets into memory
(`pretrained`). Importing this module needs PyTorch and Transformers; nothing else in the package imports it but the
registry.

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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any, Final

from speechagents.controllers.controller import Controller, Usage
from speechagents.controllers.language_model import Prompt, Reply
from speechagents.controllers.multimodal_text import Encoder, Piece, common, make_encoder, rendered
from speechagents.devices import memory_errors
from speechagents.errors import ControllerError, MemoryFull, SettingsError
from speechagents.pretrained import ModelChoice, pretrained
from speechagents.residency import LoadedModels, Residence

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
        max_batch: Most prompts in one batch.
        reuse: Compute what prompts share once, and keep it between calls.
        residence: The memory that the model shares with others.
        loaded: Models that are loaded already: with ``speaks`` the voices `voices.neural.omni_speech` use the same.
        options: How it is loaded: ``revision``, ``download``, ``device``, ``dtype``, ``attention``, ``quantisation``
            and ``speaks``, see `pretrained.ModelChoice`.

    Raises:
        SettingsError: An argument is out of range, or the device cannot be used.
        WeightsMissing: There is no such model here.
        ControllerError: It is damaged, or the installed library cannot load it.
        BackendMissing: A package that its weights need is not installed.
        MemoryFull: It does not fit.
    """

    def __init__(
        self,
        *,
        model: str = "",
        max_batch: int = MAX_BATCH,
        reuse: bool = True,
        residence: Residence | None = None,
        loaded: LoadedModels | None = None,
        **options: Any,
    ) -> None:
        if not model:
            raise SettingsError("the transformers controller needs a model: --model FOLDER, or a name on the hub")
        if not 1 <= max_batch <= 1024:
            raise SettingsError(f"a batch of {max_batch} is not between 1 and 1024")
        self._max_batch = max_batch
        self._reuse = reuse
        self._kept: _Kept | None = None
        self._computed_tokens = 0
        choice = ModelChoice(model, **options)
        self._weights = pretrained(choice, residence=residence, loaded=loaded, failure=ControllerError)
        self._weights.when_out(self._forget)
        # The library calls it `cache` from 5.24 on.
        self._cache_name = "cache" if "cache" in signature(self._model.forward).parameters else "past_key_values"
        config = self._weights.thinker_config
        try:
            self._encoder: Encoder = make_encoder(str(self._weights.folder), config, {"local_files_only": True})
        except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
            raise ControllerError(
                f"the model {model!r} cannot be loaded: {(str(error) or repr(error)).splitlines()[0][:300]}; download "
                "it again"
            ) from error
        digest = hashlib.blake2b(json.dumps(config.to_dict(), sort_keys=True, default=str).encode(), digest_size=6)
        named = f"transformers 1 {Path(model).name} {choice.revision}".rstrip()
        self._identity = f"{named} {choice.quantisation}".rstrip() + f" {digest.hexdigest()}"

    @property
    def identity(self) -> str:
        """The model's name and a digest of its configuration."""
        return self._identity

    @property
    def hears(self) -> bool:
        """It has ears, and its processor makes something of sound."""
        return self._encoder.hears

    @property
    def notices(self) -> tuple[str, ...]:
        """What is done otherwise than asked for, for people."""
        return self._weights.notices

    @property
    def computed_tokens(self) -> int:
        """Tokens of prompts that the model has computed so far; those that were shared or kept count once.

        `Usage.tokens_in` counts the tokens of each prompt whole: the difference is what reuse has saved.
        """
        return self._computed_tokens

    def generate(self, prompts: Sequence[Prompt], *, seed: int) -> Iterator[Reply]:
        """One reply for each prompt, in order."""
        for first in range(0, len(prompts), self._max_batch):
            batch = prompts[first : first + self._max_batch]
            with self._weights.using():
                replies = self._answered(batch, seed=seed + first)
            # Nobody holds the model while the caller is busy: its voices may be this model, too.
            yield from replies

    def _answered(self, prompts: Sequence[Prompt], *, seed: int) -> list[Reply]:
        """Answers to a batch; one that does not fit into memory is halved."""
        try:
            with memory_errors():
                return self._batch(prompts, seed=seed)
        except MemoryFull:
            # What failed holds on to memory until this block is left: the halves come afterwards.
            self._kept = None
        if len(prompts) == 1:
            return [Reply("", error="the prompt does not fit into the memory of the GPU")]
        half = len(prompts) // 2
        return [
            *self._answered(prompts[:half], seed=seed),
            *self._answered(prompts[half:], seed=seed + half),
        ]

    def _forget(self) -> None:
        self._kept = None

    def _batch(self, prompts: Sequence[Prompt], *, seed: int) -> list[Reply]:
        import torch

        pieces = [rendered(prompt, self._encoder) for prompt in prompts]
        shared, own = _split(pieces, self._encoder)
        with torch.inference_mode():
            inputs, cache = self._inputs(shared, own)
            self._forget_positions(len(prompts), cached=cache is not None)
            length = inputs["input_ids"].shape[1]
            # All of it, if nothing was computed before; else the prompts' own ends.
            self._computed_tokens += int(inputs["attention_mask"][:, cache.get_seq_length() if cache else 0 :].sum())
            most = min(_MAX_NEW_TOKENS, max(prompt.max_tokens for prompt in prompts))
            out = self._model.generate(
                **inputs,
                **{self._cache_name: cache},
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
                **{self._cache_name: None if kept is None else kept.cache},
                use_cache=True,
                logits_to_keep=1,
                position_ids=self._encoder.axes(positions[None]),
            )
            self._computed_tokens += int(inputs["input_ids"].shape[1])
            kept = _Kept(shared, ids, getattr(out, self._cache_name))
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
    def _model(self) -> Any:
        return self._weights.thinker

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


def make_transformers_controller(
    *, residence: Residence | None = None, loaded: LoadedModels | None = None, **options: Any
) -> Controller:
    """A controller that prompts a model in this process.

    Args:
        residence: The memory that the model shares with others.
        loaded: Models that are loaded already.
        options: Those of `TransformersModel`.
    """
    from speechagents.controllers.prompted import PromptedController

    return PromptedController(TransformersModel(residence=residence, loaded=loaded, **options))


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
