"""What a neural back end is to the rest: a model that turns a batch of short texts into sound.

Owns the protocol and its values. Queues, batches, long lines, loudness and the `Synthesizer` that all this makes are
`batching`'s; a back end knows its model alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.voices.abilities import Abilities
from speechagents.voices.neural.off_thread import Heard
from speechagents.voices.synthesizer import SpokenLine, Voice


@dataclass(frozen=True, slots=True)
class Utterance:
    """A piece of a line, short enough for the model.

    Attributes:
        text: What to say: never empty, something in it can be spoken, at most `Abilities.max_chars` long.
        voice: Who says it.
        style: How; one that `Abilities.styles` does not list is to be ignored.
        language: BCP 47 tag; empty means the voice's own.
        seed: For whatever the model draws: equal for the same piece of the same line, other for another attempt.
    """

    text: str
    voice: Voice
    style: Style
    language: str
    seed: int


class SpeechModel(Protocol):
    """A model in memory. Used by one thread at a time."""

    @property
    def identity(self) -> str:
        """Name, version, weights and settings: whatever changes the sound."""

    @property
    def abilities(self) -> Abilities:
        """What it can do."""

    def render(self, utterances: Sequence[Utterance]) -> Sequence[Audio]:
        """Speak a batch: mono sound for each, in order, as the model makes it.

        Raises:
            MemoryFull: The batch is too large.
            SynthesisError: It cannot be spoken; the batch is then tried one by one.
        """


@runtime_checkable
class StreamsSound(Protocol):
    """What a model may offer besides: sound while it is still being made."""

    @property
    def streams(self) -> bool:
        """Whether it does so as it is loaded."""

    def stream(self, utterance: Utterance, heard: Heard) -> None:
        """Speak alone what `render` would; end to end the pieces are the same sound.

        Raises:
            MemoryFull: There is not enough memory.
            SynthesisError: It cannot be spoken.
            NobodyListens: `heard` raised it.
        """


def seed_of(line: SpokenLine, number: int) -> int:
    """The seed for a piece of a line, 0 being its first: the same for the same line and attempt, 32 bits."""
    told = f"{line.text}\0{line.voice.id}\0{line.style.tag}\0{line.style.strength}\0{line.attempt}\0{number}"
    return int.from_bytes(hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=4).digest())
