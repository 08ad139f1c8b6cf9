"""Kinds of models that can be tuned: how samples become numbers for each, and how such a model is had.

Owns the values between data and training, and the protocol. Does not know any kind (`chat_family`, `unit_family`), nor
how models are trained (`training`) or measured (`evaluation`). Importing it needs no PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from speechagents.audio import Audio
from speechagents.tuning.trajectory import Sample


class Part(StrEnum):
    """What a stretch of a target is."""

    THOUGHTS = "thoughts"
    STYLE = "style"
    LINE = "line"
    """The words that are said."""
    UNITS = "units"
    """The speech units that are said."""
    ANSWER = "answer"
    """Of a question: who speaks next, or a general instruction."""
    FORM = "form"
    """What holds the others together: keys, braces, ends."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the target.

    Attributes:
        part: What it is.
        start: Index of its first token in `Example.ids`.
        end: Index behind its last.
    """

    part: Part
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 < self.start < self.end:
            raise ValueError(f"a span from {self.start} to {self.end} has nothing to predict")


@dataclass(frozen=True, slots=True)
class Example:
    """A sample as one kind of model takes it.

    Attributes:
        ids: Tokens of prompt and target. Where a sound stands, its tokens are there already, as many as it takes.
        spans: The target, in order, without overlap; what lies outside is prompt and is not learnt.
        sounds: In the order of their places.
    """

    ids: tuple[int, ...]
    spans: tuple[Span, ...]
    sounds: tuple[Audio, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        ends = [0, *(span.end for span in self.spans)]
        starts = [*(span.start for span in self.spans), len(self.ids)]
        if not self.spans or any(end > start for end, start in zip(ends, starts, strict=True)):
            raise ValueError("the spans of an example lie in order, within its tokens, and there is at least one")

    @property
    def targets(self) -> int:
        """How many tokens are learnt."""
        return sum(span.end - span.start for span in self.spans)


class Family(Protocol):
    """A kind of model."""

    def load(self) -> Any:
        """The model: a `torch.nn.Module` that takes what `collate` gives.

        It returns an output with ``loss`` and ``logits``. Its parameters that are to be learnt, and no others, require
        gradients.

        Raises:
            TuningError: It is not here, damaged, or not of this kind.
        """

    def example(self, sample: Sample) -> Example:
        """A sample in tokens, cut to the room there is (the oldest messages first, never the target).

        Raises:
            TuningError: Its target alone has no room.
        """

    def collate(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """Tensors of a batch, padded on the right.

        They are ``input_ids``, ``attention_mask``, ``labels`` (-100 outside the spans) and those of sounds.
        """


@runtime_checkable
class Saves(Protocol):
    """A family that writes its models in a way of its own, with what has to stand beside the weights."""

    def save(self, model: Any, folder: Path) -> None:
        """Write a tuned model: an adapter as PEFT writes it, or the whole, in safetensors.

        Args:
            model: What `Family.load` gave.
            folder: Where to; made if need be.
        """
