"""The seam between prompts and models: messages with text and sound go in, text comes out.

Owns the values and the protocol. Does not know what prompts say (`prompts`) or where models run (`openai`,
`transformers`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from speechagents.audio import Audio
from speechagents.controllers.controller import Usage


class Speaker(StrEnum):
    """Who a part of a prompt comes from."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Part:
    """Text, sound, or both: a prompt's messages are rows of these.

    Attributes:
        text: Comes before the sound.
        audio: Mono; None for none.
    """

    text: str = ""
    audio: Audio | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One message of a prompt."""

    speaker: Speaker
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked.

    Attributes:
        messages: Oldest first. Prompts of one batch share as many leading messages and parts as they can.
        schema: JSON Schema of the answer.
        max_tokens: Most tokens of the answer.
        temperature: 0 takes the likeliest.
    """

    messages: tuple[PromptMessage, ...]
    schema: Mapping[str, Any]
    max_tokens: int = 400
    temperature: float = 0.8


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said.

    Attributes:
        text: Untrusted; empty if `error` is not.
        usage: Tokens.
        error: Why there is none, after all retries; empty if there is one.
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    error: str = ""


class LanguageModel(Protocol):
    """Answers prompts."""

    @property
    def identity(self) -> str:
        """Name, model and version."""

    @property
    def hears(self) -> bool:
        """Takes sound."""

    def generate(self, prompts: Sequence[Prompt], *, seed: int) -> Iterator[Reply]:
        """One reply for each prompt, in order; a prompt that fails gives a reply with `error` and harms no other.

        Raises:
            ControllerError: The model cannot be reached or used at all.
        """
