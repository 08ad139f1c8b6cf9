"""What a neural back end is to the rest: a model that turns a batch of short texts into sound.

Owns the protocol and its values. Queues, batches, long lines, loudness and the `Synthesizer` that all this makes are
`batching`'s; a back end knows its model alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.voices.abilities import Abilities
from speechagents.voices.synthesizer import Voice


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
