"""Language models that chat: of text, audio-language models and omni models, all by Hugging Face Transformers.

Owns how samples become tokens for them, and how such a model is loaded to be tuned. Prompts are those of the running
system, rendered the way `controllers.transformers` renders them, so that a tuned model has seen what it will see on
stage. Does not know what an answer looks like (`chat_target`), which weights are learnt (`adapters`), or how training
runs. Importing this module needs PyTorch and Transformers.

Targets are cut into tokens piece by piece, prompts by themselves: so that the tokens of a style are those of a style
and nothing else, whatever tokenizer there is. What a model writes need not have the same cuts; the text is the same.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speechagents.audio import Audio
from speechagents.controllers.controller import AgentInput, Heard
from speechagents.controllers.language_model import Part as PromptPart
from speechagents.controllers.language_model import Prompt, PromptMessage, Speaker
from speechagents.controllers.multimodal_text import Encoder, Piece, make_encoder, rendered
from speechagents.controllers.prompts import MAX_MESSAGES, next_speaker_prompt, turn_prompt
from speechagents.controllers.quoting import Names
from speechagents.devices import choose_device
from speechagents.errors import ControllerError, TuningError
from speechagents.pretrained import ModelChoice, pretrained
from speechagents.tuning.adapters import fitted
from speechagents.tuning.chat_target import Piece as TargetPiece
from speechagents.tuning.chat_target import shown_name, turn_pieces
from speechagents.tuning.family import Example, Part, Span
from speechagents.tuning.random_base import write_random_base
from speechagents.tuning.recipe import AdapterKind, Hearing, Precision, Recipe
from speechagents.tuning.trajectory import Instruction, NextSpeaker, Sample, Split, Trajectory
from speechagents.weights import local_folder

if TYPE_CHECKING:
    from speechagents.tuning.trajectory_folder import TrajectoryFolder

for _package in ("torch", "transformers", "peft"):
    if importlib.util.find_spec(_package) is None:
        raise ModuleNotFoundError(f"No module named {_package!r}", name=_package)

ANSWER_SHARE: Final = 6
"""One of so many tokens of the room stays free for the answer, even if this answer is shorter: answers that are
compared with each other have the same prompt before them, where their lengths differ."""
LEAST_SOUND_S: Final = 0.1
"""What is shorter is given as text: of a shorter sound no model makes anything."""

_PROBE: Final = "Zebra"
_TEXTS: Final = 400
"""Samples whose texts a tokenizer is made of."""
_FILES: Final = (
    "tokenizer*",
    "vocab.json",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "chat_template*",
    "preprocessor_config.json",
    "processor_config.json",
)
"""What else than weights and configuration a model's folder holds: without it nobody can talk to the model."""


class ChatFamily:
    """Chat models, see `family.Family`.

    Safe to use from several threads, as batches are made while the model is measured: tokenizers are not.

    Args:
        recipe: Which base, what of it is learnt, how long samples are and whether they are heard.
        folder: The base's folder.
        sound: The sound of a SHA-256.

    Raises:
        TuningError: The base is damaged, or cannot hear and should.
    """

    def __init__(self, recipe: Recipe, folder: Path, *, sound: Callable[[str], Audio]) -> None:
        self._recipe = recipe
        self._folder = folder
        self._sound = sound
        self._hears = recipe.data.hearing is Hearing.AUDIO
        self._counts: dict[int, int] = {}
        # A tokenizer is told for each text whether marks in it are text, and remembers that in between.
        self._one_at_a_time = threading.Lock()
        self._encoder = _encoder(folder)
        if self._hears and not self._encoder.hears:
            raise TuningError(
                f"the model {_called(recipe)!r} reads and does not hear; write text", field="data.hearing"
            )
        self._end = _end_of_turn(self._encoder)

    @property
    def tokenizer(self) -> Any:
        """The library's tokenizer of the base."""
        return self._encoder.tokenizer

    def load(self) -> Any:
        """The model, see `family.Family.load`; on the GPU if there is one.

        Raises:
            TuningError: It is damaged, not of this kind, or its layers are not those the recipe names.
            BackendMissing: A package that its weights need is not installed.
            MemoryFull: It does not fit.
        """
        # By its name, so that it is one, and nothing is said of the choice: that is for whoever computes there.
        choice = ModelChoice(str(self._folder), device=choose_device().name, dtype=self._dtype())
        model = pretrained(choice, residence=None, loaded=None, failure=TuningError).thinker
        model = fitted(model, self._recipe.adapter, seed=self._recipe.training.seed)
        if self._recipe.adapter.kind is AdapterKind.LORA:
            base = self._recipe.base
            # A name on the hub is how others find the base; the place where it lies is of use on this machine alone.
            named = base.model if base.model and not Path(base.model).expanduser().is_dir() else ""
            for config in model.peft_config.values():
                config.base_model_name_or_path = named or str(self._folder.absolute())
                config.revision = base.revision or None
        return model

    def example(self, sample: Sample) -> Example:
        """A sample in tokens, see `family.Family.example`.

        The token that ends a turn is the last label: it is `Part.FORM` behind a turn, and part of the `Part.ANSWER` of
        a question, since “Ann” is the beginning of “Anna” until it ends.

        Raises:
            TuningError: There is no room, or it is about a sound and the recipe is for reading.
        """
        most = self._recipe.training.max_tokens
        with self._one_at_a_time:
            target = self._target(sample)
            prompt = self._prompt(sample, most - max(len(target.ids), most // ANSWER_SHARE))
        if len(prompt.ids) + len(target.ids) > most:
            raise TuningError(
                f"the sample {sample.id[:80]} has {len(prompt.ids)} tokens of prompt at least and {len(target.ids)} of "
                f"answer, and there is room for {most}; raise it",
                field="training.max_tokens",
            )
        begin = len(prompt.ids)
        spans = tuple(Span(part, begin + start, begin + end) for part, start, end in target.spans)
        return Example(prompt.ids + target.ids, spans, prompt.sounds)

    def collate(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """Tensors of a batch, see `chat_collation.collated`.

        Raises:
            TuningError: Sound would get lost.
        """
        from speechagents.tuning.chat_collation import collated

        with self._one_at_a_time:
            return collated(examples, self._encoder)

    def save(self, model: Any, folder: Path) -> None:
        """Write a tuned model with tokenizer and processor: an adapter as PEFT writes it, or the whole, in safetensors.

        Args:
            model: What `load` gave.
            folder: Where to; made if need be.
        """
        folder.mkdir(parents=True, exist_ok=True)
        # PEFT would ask the hub whether the base's vocabulary has grown; it never does here.
        more = {"save_embedding_layers": False} if self._recipe.adapter.kind is AdapterKind.LORA else {}
        model.save_pretrained(str(folder), **more)
        for pattern in _FILES:
            for path in sorted(self._folder.glob(pattern)):
                if path.is_file():
                    shutil.copyfile(path, folder / path.name)

    def _dtype(self) -> str:
        import torch

        # What is learnt is kept in float32, and with it all, since most of it is learnt.
        if self._recipe.adapter.kind is AdapterKind.FULL:
            return "float32"
        if self._recipe.training.dtype is Precision.AUTO:
            return "bfloat16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "float32"
        return str(self._recipe.training.dtype)

    def _target(self, sample: Sample) -> _Target:
        if isinstance(sample, Trajectory):
            target = self._tokens(turn_pieces(sample.turn, sample.ask))
            return target.ended(self._end, Part.FORM)
        if isinstance(sample, NextSpeaker):
            name = shown_name(Names.of(sample.ask.scene), sample.speaker)
            return self._tokens([TargetPiece(Part.ANSWER, name)]).ended(self._end, Part.ANSWER)
        if not sample.answer.strip():
            raise TuningError(f"the instruction {sample.id[:80]} has no answer in words, and a chat model writes words")
        return self._tokens([TargetPiece(Part.ANSWER, sample.answer)]).ended(self._end, Part.ANSWER)

    def _tokens(self, pieces: Sequence[TargetPiece]) -> _Target:
        """Each piece by itself. Marks of the model's machinery that stand in a text are text."""
        ids: list[int] = []
        spans = []
        for piece in pieces:
            found = self.tokenizer(piece.text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
            spans.append((piece.part, len(ids), len(ids) + len(found)))
            ids += found
        return _Target(tuple(ids), tuple(spans))

    def _prompt(self, sample: Sample, room: int) -> _Asked:
        """The prompt of a sample with as many of the last messages as there is room for, the last one at least."""
        if isinstance(sample, Instruction):
            return self._encoded(_question(sample, self._question_sound(sample)))
        ask = replace(sample.ask, heard=self._heard(sample.ask, sample.heard_sounds))
        words = turn_prompt if isinstance(sample, Trajectory) else next_speaker_prompt

        def without(count: int) -> _Asked:
            return self._encoded(words(replace(ask, heard=ask.heard[count:]), hears=self._hears))

        whole = without(0)
        most = len(ask.heard) - 1
        if len(whole.ids) <= room or most < 1:
            return whole
        # The prompt itself leaves messages out in blocks beyond this; behind it each one that goes makes it shorter.
        low, high = max(1, len(ask.heard) - MAX_MESSAGES), most
        found = without(most)
        while low < high:
            middle = (low + high) // 2
            tried = without(middle)
            if len(tried.ids) <= room:
                found, high = tried, middle
            else:
                low = middle + 1
        return found

    def _encoded(self, prompt: Prompt) -> _Asked:
        """Tokens of a prompt, the mark of a sound as often as the sound has tokens."""
        try:
            piece = rendered(prompt, self._encoder)
        except ControllerError as error:
            raise TuningError(str(error)) from error
        ids = self.tokenizer(piece.text, add_special_tokens=False)["input_ids"]
        if not piece.sounds:
            return _Asked(tuple(ids), ())
        mark = self.tokenizer.convert_tokens_to_ids(self._encoder.mark)
        sounds = iter(piece.sounds)
        spread = [token for one in ids for token in ([mark] * self._count(next(sounds)) if one == mark else [one])]
        return _Asked(tuple(spread), piece.sounds)

    def _count(self, sound: Audio) -> int:
        """How many tokens a sound becomes: its length decides it, and the model's processor says it."""
        if sound.frames not in self._counts:
            found = self._encoder.encode([Piece(self._encoder.mark, (sound,))], device="cpu")
            mark = self.tokenizer.convert_tokens_to_ids(self._encoder.mark)
            self._counts[sound.frames] = int((found["input_ids"] == mark).sum())
        return self._counts[sound.frames]

    def _heard(self, ask: AgentInput, sounds: Sequence[str]) -> tuple[Heard, ...]:
        if not self._hears:
            return ask.heard
        return tuple(replace(one, audio=self._audible(sha)) for one, sha in zip(ask.heard, sounds, strict=True))

    def _question_sound(self, sample: Instruction) -> Audio | None:
        if not sample.sound and sample.question.strip():
            return None
        sound = self._audible(sample.sound) if self._hears else None
        if sound is None:
            raise TuningError(
                f"the instruction {sample.id[:80]} is about a sound; write hearing: audio and take a base that hears, "
                "or leave such instructions out",
                field="data.hearing",
            )
        return sound

    def _audible(self, sha: str) -> Audio | None:
        """A sound as models hear it; None where there is none, or next to none."""
        if not sha:
            return None
        sound = self._sound(sha)
        return sound if sound.duration_s >= LEAST_SOUND_S else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A prompt in tokens."""

    ids: tuple[int, ...]
    sounds: tuple[Audio, ...]


@dataclass(frozen=True, slots=True)
class _Target:
    """An answer in tokens: parts with begin and end, counted from its first token."""

    ids: tuple[int, ...]
    spans: tuple[tuple[Part, int, int], ...]

    def ended(self, end: int, part: Part) -> _Target:
        """With the token behind it that ends a turn, as the end of its last span."""
        *first, (last, start, stop) = self.spans
        if last is not part:
            raise ValueError(f"the last part is {last}, not {part}")
        return _Target((*self.ids, end), (*first, (part, start, stop + 1)))


def make_chat_family(recipe: Recipe, data: TrajectoryFolder, *, folder: Path | None = None) -> ChatFamily:
    """The family of a recipe.

    Args:
        recipe: Says which base.
        data: The tokenizer of a base with random weights is made of its texts; sounds come from it.
        folder: Where a base with random weights is written; None takes a folder that is gone when the family is.

    Raises:
        TuningError: The base is damaged, or cannot hear and should.
        WeightsMissing: It is not on this machine.
    """
    base = recipe.base
    if not base.random:
        found = local_folder(base.model, revision=base.revision, files=("config.json", "*.safetensors"))
        return ChatFamily(recipe, found, sound=data.audio)
    where = folder or Path(tempfile.mkdtemp(prefix="speechagents-base-"))
    write_random_base(where, base, _texts(data), seed=recipe.training.seed)
    family = ChatFamily(recipe, where, sound=data.audio)
    if folder is None:
        weakref.finalize(family, shutil.rmtree, where, ignore_errors=True)
    return family


def _texts(data: TrajectoryFolder) -> Iterator[str]:
    """What the samples to be learnt say, prompt and answer, of scenes all over them."""
    samples = data.samples(Split.TRAIN)
    for sample in samples[:: max(1, len(samples) // _TEXTS)]:
        prompt = turn_prompt(sample.ask, hears=False)
        yield "".join(part.text for message in prompt.messages for part in message.parts)
        yield "".join(piece.text for piece in turn_pieces(sample.turn, sample.ask))


def _question(sample: Instruction, sound: Audio | None) -> Prompt:
    """A general question is asked plainly, without the rules of the play."""
    part = PromptPart(sample.question, sound)
    return Prompt((PromptMessage(Speaker.USER, (part,)),), {})


def _encoder(folder: Path) -> Encoder:
    """The encoder of the running system; tokenizers that put something between pieces are refused."""
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        config = getattr(config, "thinker_config", None) or config
        encoder = make_encoder(str(folder), config, {"local_files_only": True})
    except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
        raise TuningError(f"the model cannot be loaded: {str(error).strip()[:300]}", source=folder.name) from error
    cut = partial(encoder.tokenizer, add_special_tokens=False)
    ids = [token for text in ('{"a": "', "Yes", '"}') for token in cut(text)["input_ids"]]
    if encoder.tokenizer.decode(ids) != '{"a": "Yes"}':
        raise TuningError(
            "the tokenizer puts spaces between texts that it is given apart; take a model whose tokenizer cuts bytes",
            source=folder.name,
        )
    return encoder


def _end_of_turn(encoder: Encoder) -> int:
    """The token that the model's template has behind an answer; else the one that ends all."""
    said = (PromptMessage(Speaker.USER, (PromptPart("?"),)), PromptMessage(Speaker.ASSISTANT, (PromptPart(_PROBE),)))
    text = rendered(Prompt(said, {}), encoder).text
    behind = encoder.tokenizer(text[text.rindex(_PROBE) + len(_PROBE) :], add_special_tokens=False)["input_ids"]
    known = encoder.tokenizer.added_tokens_decoder
    if behind and behind[0] in known and known[behind[0]].special:
        return int(behind[0])
    return int(encoder.tokenizer.eos_token_id)


def _called(recipe: Recipe) -> str:
    return recipe.base.model or f"random {recipe.base.random}"
