"""What a synthesizer says it can do, so that nobody finds out by a failed line.

Owns these values and the protocol that declares them. Knows no back end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable


class StyleMeans(StrEnum):
    """How a back end brings a style about."""

    PROSODY = "prosody"
    """Speed, pitch or other settings of the model."""
    INSTRUCTION = "instruction"
    """A sentence to the model that says how."""
    TAG = "tag"
    """A mark in the text that the model knows."""
    CLIP = "clip"
    """A recording of the voice in that style."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a synthesizer can do.

    Attributes:
        languages: Primary BCP 47 tags that it speaks (``en``, ``de``); empty when it depends on the loaded model and
            the model does not say.
        styles: Style tags that it really does, and by what; a line in any other style is spoken plainly.
        clones: It makes voices of recordings.
        rate_hz: Frames per second of its takes.
        code_licence: Of the code that runs the model (SPDX where there is one).
        weights_licence: Of the model.
        commercial: What is made with the weights may be sold.
        vram_gb: GPU memory that the model takes; 0 when it runs on the CPU as well as it should.
        max_chars: Longest text that the model speaks in one go; longer lines are spoken in pieces.
        varies: Another attempt at a line comes out otherwise; not so where a model always takes the likeliest sound.
    """

    languages: tuple[str, ...]
    rate_hz: int
    code_licence: str
    weights_licence: str
    commercial: bool
    styles: Mapping[str, StyleMeans] = field(default_factory=dict)
    clones: bool = False
    vram_gb: float = 0.0
    max_chars: int = 400
    varies: bool = True

    def __post_init__(self) -> None:
        if self.rate_hz <= 0:
            raise ValueError(f"a rate of {self.rate_hz} Hz is not above 0")
        if self.max_chars < 1:
            raise ValueError(f"pieces of {self.max_chars} characters are empty")
        if not 0.0 <= self.vram_gb < float("inf"):
            raise ValueError(f"{self.vram_gb} GB is no size")


@runtime_checkable
class DeclaresAbilities(Protocol):
    """What a synthesizer may offer besides: to say what it can do."""

    @property
    def abilities(self) -> Abilities:
        """Of the model as it is loaded."""
