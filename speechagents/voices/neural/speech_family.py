"""What kinds of speech models differ in: prompts, voices, and how their answer becomes sound.

Owns the values and the protocol that one adapter (`transformers_speech`) uses for all of them. Knows no kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.voices.abilities import StyleMeans
from speechagents.voices.neural.seeded_chance import Chance
from speechagents.voices.synthesizer import Gender

MOST_SPEAKERS: Final = 25
"""Voices that a model offers at most."""

_SLOWEST_CHARS_PER_S: Final = 7.0
_SPARE_S: Final = 2.0
_FIRST_SIGN: Final = "\u2e80"
"""From here on a sign is a syllable or more, as in Chinese, Japanese and Korean."""
_MORE_IN_A_SIGN: Final = 1.5


class Prompt(StrEnum):
    """What a model can be shown of a voice that it shall speak with."""

    NOTHING = "nothing"
    CLIP = "clip"
    """A recording."""
    CLIP_AND_WORDS = "clip and words"
    """A recording, and what is said in it."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What a loaded model can do.

    Attributes:
        rate_hz: Frames per second of its sound.
        languages: Primary BCP 47 tags; empty when nobody says.
        max_chars: Longest text that it speaks in one go.
        styles: Style tags that it does, and by what.
        prompt: What it can be shown of a voice.
    """

    rate_hz: int
    languages: tuple[str, ...] = ()
    max_chars: int = 400
    styles: Mapping[str, StyleMeans] = field(default_factory=dict)
    prompt: Prompt = Prompt.NOTHING


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice that a model knows, or one that it can make up.

    Attributes:
        key: What the model calls it.
        description: One sentence for people.
        language: BCP 47 tag; empty means the model's first.
        gender: As heard, where the model says so.
        seed: A model without voices of its own makes one up by chance: this fixes which. None for a voice it knows.
    """

    key: str
    description: str
    language: str = ""
    gender: Gender = Gender.NEUTRAL
    seed: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """How a voice sounds.

    Attributes:
        sample: It speaking, mono, at the model's rate.
        words: What it says; empty where the model need not know.
    """

    sample: Audio
    words: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Saying:
    """A text for a model.

    Attributes:
        text: What to say, without anything that the model would take for a mark.
        speaker: `Speaker.key` of the voice.
        style: How; a tag of `Traits.styles`, or to be ignored.
        language: Primary BCP 47 tag, or empty.
        reference: How the voice sounds, for models that are to be shown.
    """

    text: str
    speaker: str
    style: Style = Style()
    language: str = ""
    reference: Reference | None = None

    @property
    def most_s(self) -> float:
        """Longest that saying it can take: a model that does not stop by itself is stopped there."""
        spoken = len(self.text) + _MORE_IN_A_SIGN * sum(letter >= _FIRST_SIGN for letter in self.text)
        return _SPARE_S + spoken / _SLOWEST_CHARS_PER_S


class SpeechFamily(Protocol):
    """A model of one kind, in memory."""

    @property
    def traits(self) -> Traits:
        """What it can do."""

    @property
    def speakers(self) -> Sequence[Speaker]:
        """The voices it knows or makes up, at most `MOST_SPEAKERS`."""

    def speak(self, sayings: Sequence[Saying], chance: Chance) -> Sequence[Any]:
        """Say a batch.

        Args:
            sayings: What to say, at least one. Either all have a reference or none has.
            chance: Where noise comes from that the library does not draw itself; a stream for each saying.

        Returns:
            Samples of each as a one-dimensional tensor, in order, without padding; nothing where none came out.
        """


def made_up(count: int, first: str, *, genders: Sequence[Gender] = (Gender.NEUTRAL,)) -> tuple[Speaker, ...]:
    """Voices that a model makes up by chance, keyed by numbers.

    Args:
        count: How many.
        first: Their description; the number is put behind.
        genders: What they are asked to be, in turn.
    """
    return tuple(
        Speaker(str(number), f"{first}, number {number + 1}.", gender=genders[number % len(genders)], seed=number + 1)
        for number in range(min(count, MOST_SPEAKERS))
    )
