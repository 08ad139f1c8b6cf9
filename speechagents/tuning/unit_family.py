"""Speech-unit language models: samples in the unit format, and small Llamas that learn it.

Owns how samples become tokens of that format and how such a model is begun or loaded. Does not know the format itself
(`units.wording`), the vocabulary (`units.tokens`), or how models are trained (`training`). Importing it needs no
PyTorch.

A new model gets a vocabulary made of the data's own words, so it is small: with the defaults about 2.8 million weights.
What stands before a target is not learnt: every message of a stream is the target of a sample of its own, with its own
thoughts before it. In a part of the samples to train on (`READ_SHARE`) messages are read instead of heard, so that a
model can act where agents are given text; what is measured is always heard.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speechagents.errors import SettingsError, TuningError, WeightsMissing
from speechagents.styles import STYLES
from speechagents.tuning.adapters import fitted
from speechagents.tuning.family import Example, Part, Span
from speechagents.tuning.recipe import Adapter, AdapterKind, Base, Recipe
from speechagents.tuning.speech_instructions import HEAR
from speechagents.tuning.trajectory import NextSpeaker, Sample, Split, Trajectory
from speechagents.units.tokens import END, FILE, MARKS, PAD, PIECES, UnitTokens, load_tokens, train_tokens
from speechagents.units.wording import (
    ANSWER_SHARE,
    Stretch,
    hear_prompt,
    next_answer,
    next_prompt,
    question_prompt,
    read_prompt,
    speech_answer,
    turn_answer,
    turn_prompt,
    words_answer,
)
from speechagents.weights import local_folder

__all__ = ["HEAR", "NEW", "READ_SHARE", "UnitFamily", "make_unit_family"]

if TYPE_CHECKING:
    from speechagents.tuning.trajectory_folder import TrajectoryFolder

NEW: Final = Base(random="llama-units", layers=6, width=192, heads=6, feed=512)
"""Sizes of a new model where a recipe says nothing else."""
READ_SHARE: Final = 0.25
"""Part of the samples to train on in which messages are read."""

_UNLEARNT: Final = -100
"""What labels hold where nothing is learnt: PyTorch's cross entropy leaves it out."""


class UnitFamily:
    """A `Family`: models that read and write the unit format.

    Args:
        tokens: The vocabulary.
        base: The model to begin with; sizes that are 0 are those of `NEW`.
        adapter: What of it is learnt.
        context: Most tokens of a sample.
        seed: Of new weights.
        folder: Of the base, unless its weights are new.
    """

    def __init__(
        self,
        tokens: UnitTokens,
        base: Base,
        adapter: Adapter,
        *,
        context: int,
        seed: int,
        folder: Path | None = None,
    ) -> None:
        self._tokens = tokens
        self._base = base
        self._adapter = adapter
        self._context = context
        self._seed = seed
        self._folder = folder
        # Texts hold none (`tokens.plain`): one that is spelt was to be a mark.
        self._bracket = frozenset(tokens.encode("<"))

    @property
    def tokens(self) -> UnitTokens:
        """The vocabulary."""
        return self._tokens

    @property
    def context(self) -> int:
        """Most tokens of a sample."""
        return self._context

    def load(self) -> Any:
        """A `LlamaForCausalLM`, or PEFT's around one, on the GPU if there is one.

        New weights follow from the seed.

        Raises:
            TuningError: The base is damaged, or no Llama with this vocabulary; or the adapter does not fit it.
        """
        import torch

        if self._folder is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self._seed)
                model = self._begun()
        else:
            model = self._loaded(self._folder)
        model = fitted(model.to("cuda" if torch.cuda.is_available() else "cpu"), self._adapter, seed=self._seed)
        if self._adapter.kind is AdapterKind.LORA:
            # The name by which others find the base, not the place where it lies on this machine.
            for config in model.peft_config.values():
                config.base_model_name_or_path = self._base.model or None
                config.revision = self._base.revision or None
        return model

    def example(self, sample: Sample) -> Example:
        """A sample in tokens; the oldest messages, for which there is no room, are left out.

        Raises:
            TuningError: It has no room, no place in the unit format, or units that the vocabulary lacks.
        """
        try:
            answer = [(stretch, self._encoded(stretch.text)) for stretch in _answer(sample)]
            length = sum(len(ids) for _, ids in answer)
            reserved = max(length, round(ANSWER_SHARE * self._context))
            prompt = self._encoded(self._prompt(sample, self._context - reserved))
            if len(prompt) + length > self._context:
                raise ValueError(f"{len(prompt)} + {length} tokens are more than max_tokens, {self._context}")
        except ValueError as error:
            raise TuningError(str(error), field=sample.id) from error
        ids, spans = list(prompt), []
        for stretch, more in answer:
            spans.append(Span(Part(stretch.what.value), len(ids), len(ids) + len(more)))
            ids += more
        return Example(tuple(ids), tuple(spans))

    def collate(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """``input_ids``, ``attention_mask`` and ``labels``, int64, of shape (examples, tokens of the longest)."""
        import torch

        longest = max(len(one.ids) for one in examples)
        ids = torch.full((len(examples), longest), self._tokens.id_of(PAD), dtype=torch.long)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, _UNLEARNT)
        for row, one in enumerate(examples):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
            mask[row, : len(one.ids)] = 1
            for span in one.spans:
                labels[row, span.start : span.end] = ids[row, span.start : span.end]
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    def save(self, model: Any, folder: Path) -> None:
        """Write a tuned model: an adapter as PEFT writes it, or the whole, in safetensors, with its vocabulary.

        Args:
            model: What `load` gave.
            folder: Where to; made if need be.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # PEFT would ask the hub whether the base's vocabulary has grown; it never does here.
        more = {"save_embedding_layers": False} if hasattr(model, "peft_config") else {}
        model.save_pretrained(str(folder), safe_serialization=True, **more)
        self._tokens.save(folder, context=self._context)

    def _encoded(self, text: str) -> list[int]:
        """Tokens of a string of the format.

        Raises:
            ValueError: A unit in it is not in the vocabulary: it would be spelt with letters.
        """
        ids = self._tokens.encode(text)
        if not self._bracket.isdisjoint(ids):
            raise ValueError(f"has units beyond the {self._tokens.units} of the vocabulary; encode the sounds again")
        return ids

    def _prompt(self, sample: Sample, room: int) -> str:
        if isinstance(sample, Trajectory):
            return turn_prompt(sample.ask, _heard(sample), room=room, count=self._tokens.count)
        if isinstance(sample, NextSpeaker):
            return next_prompt(sample.ask, _heard(sample), room=room, count=self._tokens.count)
        if sample.answer_units:
            return read_prompt(sample.answer or sample.question, sample.style)
        if sample.question_units and (sample.task == HEAR or not sample.question.strip()):
            return hear_prompt(sample.question_units)
        return question_prompt(sample.question, sample.question_units)

    def _begun(self) -> Any:
        from transformers import LlamaConfig, LlamaForCausalLM

        base, tokens = self._base, self._tokens
        heads = base.heads or NEW.heads
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=tokens.size,
                hidden_size=base.width or NEW.width,
                intermediate_size=base.feed or NEW.feed,
                num_hidden_layers=base.layers or NEW.layers,
                num_attention_heads=heads,
                num_key_value_heads=heads // 2 if heads % 2 == 0 else heads,
                max_position_embeddings=self._context,
                tie_word_embeddings=True,
                bos_token_id=None,
                eos_token_id=tokens.id_of(END),
                pad_token_id=tokens.id_of(PAD),
            )
        )

    def _loaded(self, folder: Path) -> Any:
        import torch
        from safetensors import SafetensorError
        from transformers import LlamaForCausalLM

        try:
            model = LlamaForCausalLM.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, local_files_only=True
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise TuningError(
                f"{folder}: cannot be loaded ({str(error).splitlines()[0][:200]}); get the model again",
                field="base.model",
            ) from error
        if model.config.model_type != "llama" or model.config.vocab_size < self._tokens.size:
            raise TuningError(f"{folder}: is no Llama with its vocabulary; name another model", field="base.model")
        return model


def make_unit_family(recipe: Recipe, data: TrajectoryFolder) -> UnitFamily:
    """The family of a recipe of unit models.

    Args:
        recipe: With a folder or name of such a model, or ``random: llama-units``.
        data: Trajectories; the vocabulary of a new model is made of those to train on.

    Raises:
        TuningError: The base is none of this kind, or the data has no units.
        WeightsMissing: The base is not on this machine.
        ModuleNotFoundError: A package is not installed.
    """
    for package in ("torch", "transformers", "peft", "tokenizers"):
        if importlib.util.find_spec(package) is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    base, context = recipe.base, recipe.training.max_tokens
    folder: Path | None = None
    if base.random:
        tokens = _new_tokens(data.samples(Split.TRAIN), base.vocabulary)
    else:
        try:
            folder = local_folder(base.model, revision=base.revision, files=("config.json", "*.safetensors", FILE))
            tokens = load_tokens(folder)
        except SettingsError as error:
            raise TuningError(str(error), field="base.model") from error
        except WeightsMissing as error:
            if "vocabulary" in str(error):
                raise TuningError(str(error), field="base.model") from error
            raise
    return UnitFamily(tokens, base, recipe.adapter, context=context, seed=recipe.training.seed, folder=folder)


def _new_tokens(samples: Sequence[Trajectory], vocabulary: int) -> UnitTokens:
    units = 1 + max(chain.from_iterable(_units(one) for one in samples), default=-1)
    if not units:
        raise TuningError(
            "the trajectories have no speech units, which a new unit model needs; gather them with units", field="data"
        )
    # The inventory of a codec is not in the data; a power of two is what codecs have, and more marks do no harm.
    units = 1 << (units - 1).bit_length()
    marks = len(MARKS) + len(STYLES) + units
    pieces = vocabulary - marks if vocabulary else PIECES
    try:
        # Each text once: a background counts no more than a line, however many turns it stands before.
        texts = dict.fromkeys(chain.from_iterable(map(_texts, samples)))
        return train_tokens(texts, units=units, pieces=pieces)
    except ValueError as error:
        raise TuningError(f"{error}; {marks} tokens are marks", field="base.vocabulary") from error


def _units(sample: Trajectory) -> Iterator[int]:
    yield from sample.units
    for heard in sample.heard_units:
        yield from heard


def _texts(sample: Trajectory) -> Iterable[str]:
    ask, turn = sample.ask, sample.turn
    return (ask.scene.title, ask.scene.background, *ask.present, ask.role.profile, turn.thoughts, turn.text)


def _heard(sample: Trajectory | NextSpeaker) -> Sequence[tuple[int, ...]]:
    """Units of what was heard; none of what is read."""
    told = hashlib.blake2b(sample.id.encode(), digest_size=4).digest()
    reads = sample.split is Split.TRAIN and int.from_bytes(told, "big") < READ_SHARE * 2**32
    return ((),) * len(sample.heard_units) if reads else sample.heard_units


def _answer(sample: Sample) -> tuple[Stretch, ...]:
    if isinstance(sample, Trajectory):
        return turn_answer(sample.turn, sample.units, sample.ask.present)
    if isinstance(sample, NextSpeaker):
        return next_answer(sample.speaker, sample.ask.present)
    return speech_answer(sample.answer_units) if sample.answer_units else words_answer(sample.answer)
