"""Recipes: what is tuned, on which mixture of data, and how.

Owns the values, their limits and their digest. Does not know their file (`recipe_file`), nor what a base, an adapter or
a sample is to the library that trains. Importing it needs no PyTorch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from speechagents.errors import TuningError

if TYPE_CHECKING:
    from speechagents.tuning.rl_recipe import Reinforcement

RULES: Final = "rules"
"""What `Mix.general` says of general instructions that are made by rule."""
RANDOM_BASES: Final = ("qwen2", "qwen2_audio", "qwen2_5_omni", "llama-units")
"""Architectures that `Base.random` can name."""
MAX_TARGETS: Final = 64

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
"""Of a recipe."""
_TARGET: Final = re.compile(r"[A-Za-z0-9_.]{1,80}")
Limits = Mapping[str, tuple[float, float]]
"""The least and the most of each number of a part."""
BASE_LIMITS: Final[Limits] = {
    "layers": (1, 200),
    "width": (8, 20_000),
    "heads": (1, 256),
    "feed": (8, 100_000),
    "vocabulary": (64, 1_000_000),
}
ADAPTER_LIMITS: Final[Limits] = {"rank": (1, 1024), "alpha": (1, 4096), "dropout": (0.0, 0.9)}
MIX_LIMITS: Final[Limits] = {"agent": (0.0, 1.0), "next_speaker": (0.0, 1.0), "speech": (0.0, 1.0)}
TRAINING_LIMITS: Final[Limits] = {
    "steps": (1, 10_000_000),
    "batch": (1, 4096),
    "accumulate": (1, 4096),
    "learning_rate": (1e-8, 10.0),
    "warmup": (0, 1_000_000),
    "weight_decay": (0.0, 1.0),
    "clip": (1e-4, 1e4),
    "max_tokens": (32, 1_000_000),
    "seed": (0, 2**31 - 1),
    "evaluate_every": (1, 1_000_000),
    "patience": (1, 1_000_000),
    "checkpoint_every": (1, 1_000_000),
    "dev_samples": (1, 100_000),
}


class FamilyKind(StrEnum):
    """Which kind of model."""

    CHAT = "chat"
    """Language models of `transformers` that chat: of text, audio-language, omni."""
    UNITS = "units"
    """Language models of speech units."""


class Method(StrEnum):
    """From what is learnt."""

    MIX = "mix"
    """From what others did: trajectories, mixed with general instructions."""
    GRPO = "grpo"
    """From what came of own turns."""


class AdapterKind(StrEnum):
    """What is learnt."""

    LORA = "lora"
    """Low-rank updates of some matrices (Hu et al. 2021, arXiv 2106.09685)."""
    FULL = "full"
    """All weights, except of towers that stay frozen."""


class Hearing(StrEnum):
    """As what a model is given the messages before its turn."""

    TEXT = "text"
    AUDIO = "audio"
    UNITS = "units"


class Schedule(StrEnum):
    """How the learning rate falls after the warm-up, to 0 at the last step."""

    COSINE = "cosine"
    LINEAR = "linear"


class Precision(StrEnum):
    """Numbers that are multiplied. Weights that are learnt are always kept in float32."""

    AUTO = "auto"
    """bfloat16 on a GPU that has it, else float32."""
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True)
class Base:
    """The model to begin with.

    Attributes:
        model: A name on the hub whose files are on this machine, or a folder; empty for random weights.
        revision: Of a name on the hub; empty takes what is there.
        random: One of `RANDOM_BASES`: that architecture, small, with random weights; empty for `model`.
        layers: Of random weights: how many; 0 leaves this and all below to the architecture's own small default.
        width: Of random weights: of the residual stream.
        heads: Of random weights: of attention.
        feed: Of random weights: inner width of the feed-forward part.
        vocabulary: Of random weights: tokens of the tokenizer that is made of the data, at most.
    """

    model: str = ""
    revision: str = ""
    random: str = ""
    layers: int = 0
    width: int = 0
    heads: int = 0
    feed: int = 0
    vocabulary: int = 0

    def __post_init__(self) -> None:
        if bool(self.model) == bool(self.random):
            raise TuningError("write model: OWNER/NAME or FOLDER, or random: ARCHITECTURE, one of them", field="base")
        if self.random and self.random not in RANDOM_BASES:
            raise TuningError(f"{self.random[:40]!r} is none of {', '.join(RANDOM_BASES)}", field="base.random")
        sizes = {name: getattr(self, name) for name in BASE_LIMITS if getattr(self, name)}
        if sizes and not self.random:
            raise TuningError("only random weights have a size to choose; remove it", field=f"base.{next(iter(sizes))}")
        _check("base", sizes, BASE_LIMITS)
        if self.width and self.heads and self.width % (2 * self.heads):
            raise TuningError(f"{self.width} is no multiple of twice {self.heads} heads", field="base.width")


@dataclass(frozen=True, slots=True)
class Adapter:
    """What of it is learnt.

    Attributes:
        kind: Which way; all else is of `AdapterKind.LORA`.
        rank: Of the updates.
        alpha: They are scaled by alpha / rank.
        dropout: Share of their inputs that is left out while training.
        targets: Last parts of the names of the matrices; none takes those of attention and feed-forward.
    """

    kind: AdapterKind = AdapterKind.LORA
    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check("adapter", {name: getattr(self, name) for name in ADAPTER_LIMITS}, ADAPTER_LIMITS)
        if len(self.targets) > MAX_TARGETS or len(set(self.targets)) < len(self.targets):
            raise TuningError(f"write up to {MAX_TARGETS} names, each once", field="adapter.targets")
        if bad := [name for name in self.targets if not _TARGET.fullmatch(name)]:
            raise TuningError(f"{bad[0][:40]!r} is no name of a layer like q_proj", field="adapter.targets")


@dataclass(frozen=True, slots=True)
class Mix:
    """What it is trained on.

    Attributes:
        agent: Share of agent data among all samples; the rest are general instructions.
        next_speaker: Share among agent data of questions who speaks next; the rest are turns.
        speech: Share among general instructions of those about speech (what is said? say it), where models hear.
        general: `RULES`, or the file of general instructions, as JSON Lines, beside the recipe.
        hearing: How messages are heard.
    """

    agent: float = 0.5
    next_speaker: float = 0.2
    speech: float = 0.5
    general: str = RULES
    hearing: Hearing = Hearing.TEXT

    def __post_init__(self) -> None:
        _check("data", {name: getattr(self, name) for name in MIX_LIMITS}, MIX_LIMITS)
        if not self.general:
            raise TuningError(f"write {RULES}, or the name of a file", field="data.general")


@dataclass(frozen=True, slots=True)
class Training:
    """How it is trained.

    Attributes:
        steps: Updates of the weights.
        batch: Samples that go through the model at once.
        accumulate: So many batches make one step.
        learning_rate: The highest.
        schedule: How it falls.
        warmup: Steps in which it rises from 0.
        weight_decay: As in AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101).
        clip: The gradient is shortened to this length.
        max_tokens: Of a sample; older messages are left out beyond that.
        seed: Of the order of samples, of new weights and of dropout.
        evaluate_every: Steps between measurements on dev.
        patience: So many measurements in a row without a better one end it.
        checkpoint_every: Steps between checkpoints.
        dtype: Numbers to multiply.
        dev_samples: Samples of dev that are measured, of agent data and of general instructions each.
        recompute: Forget activations and compute them again for the gradient: less memory, about a third more time.
    """

    steps: int
    batch: int = 8
    accumulate: int = 1
    learning_rate: float = 2e-4
    schedule: Schedule = Schedule.COSINE
    warmup: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0
    max_tokens: int = 2048
    seed: int = 0
    evaluate_every: int = 100
    patience: int = 5
    checkpoint_every: int = 100
    dtype: Precision = Precision.AUTO
    dev_samples: int = 64
    recompute: bool = False

    def __post_init__(self) -> None:
        _check("training", {name: getattr(self, name) for name in TRAINING_LIMITS}, TRAINING_LIMITS)
        if self.warmup > self.steps:
            raise TuningError(f"{self.warmup} is more than all {self.steps} steps", field="training.warmup")

    @property
    def samples(self) -> int:
        """Samples of a step."""
        return self.batch * self.accumulate


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe.

    Attributes:
        name: Small letters, digits and hyphens.
        about: One sentence for people.
        family: Which kind of model.
        base: To begin with.
        adapter: What of it is learnt.
        data: What it is trained on.
        training: How.
        rl: How scenes are played and what is rewarded; None for `Method.MIX`.
        folder: Where its file lies, for files beside it; the working folder for a recipe without a file.
    """

    name: str
    about: str
    family: FamilyKind
    base: Base
    adapter: Adapter
    data: Mix
    training: Training
    rl: Reinforcement | None = None
    folder: Path = field(default=Path(), compare=False)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise TuningError(
                f"{self.name[:50]!r} is not made of small letters, digits and hyphens, 41 at most", field="name"
            )
        units = self.base.random == "llama-units"
        if self.base.random and units is not (self.family is FamilyKind.UNITS):
            reason = f"{self.base.random} is of the family {FamilyKind.UNITS if units else FamilyKind.CHAT}"
            raise TuningError(f"{reason}; change one of them", field="base.random")
        if (self.data.hearing is Hearing.UNITS) is not (self.family is FamilyKind.UNITS):
            raise TuningError(
                f"the family {self.family} does not hear {self.data.hearing}; write "
                + (Hearing.UNITS if self.family is FamilyKind.UNITS else f"{Hearing.TEXT} or {Hearing.AUDIO}"),
                field="data.hearing",
            )

    @property
    def method(self) -> Method:
        """From what is learnt."""
        return Method.MIX if self.rl is None else Method.GRPO

    @property
    def general_file(self) -> Path | None:
        """The file of general instructions; None if they are made by rule."""
        return None if self.data.general == RULES else self.folder / self.data.general

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides what is learnt, but for what stands in files that it names."""
        values = recipe_values(self)
        del values["name"], values["about"]
        if self.data.general != RULES:
            values["data"]["general"] = "a file"
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values: what stands in its file, defaults written out."""
    values = {name: plain_values(getattr(recipe, name)) for name in names_of(Recipe) if name not in ("folder", "rl")}
    values["base"] = {name: value for name, value in values["base"].items() if value}
    if recipe.adapter.kind is AdapterKind.FULL:
        values["adapter"] = {"kind": str(AdapterKind.FULL)}
    if recipe.rl is not None:
        from speechagents.tuning.rl_recipe import reinforcement_values

        values |= {"method": str(recipe.method), "rl": reinforcement_values(recipe.rl)}
    return values


def _check(part: str, values: Mapping[str, Any], limits: Limits) -> None:
    for name, value in values.items():
        low, high = limits[name]
        if not low <= value <= high:
            raise TuningError(f"{value} is not between {low:g} and {high:g}", field=f"{part}.{name}")


def plain_values(value: Any) -> Any:
    """A part of a recipe as JSON and YAML have it."""
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, tuple):
        return list(value)
    if dataclasses.is_dataclass(value):
        return {name: plain_values(getattr(value, name)) for name in names_of(type(value))}
    return value


def names_of(kind: type[Any]) -> Sequence[str]:
    """Names of the fields of a value."""
    return [one.name for one in dataclasses.fields(kind)]
