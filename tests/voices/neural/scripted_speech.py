"""A speech model that says what it is told to: tones as long as their texts, and troubles on request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from speechagents.audio import Audio
from speechagents.errors import MemoryFull, SynthesisError
from speechagents.voices.abilities import Abilities, StyleMeans
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.synthesizer import Age, Gender, SpokenLine, Voice

RATE_HZ = 16_000
LETTER_S = 0.05
VOICES = tuple(
    Voice(
        id=name,
        description=f"A tone of {hz:.0f} Hz.",
        gender=Gender.NEUTRAL,
        age=Age.ADULT,
        accent="en",
        sample="La la la.",
        f0_hz=hz,
        recipe=f"tone {hz}",
        licence="CC0-1.0",
        source="made up",
    )
    for name, hz in (("low", 110.0), ("middle", 220.0), ("high", 330.0))
)


def nothing(batch: Sequence[Utterance]) -> None:
    """No trouble."""


@dataclass
class ScriptedSpeech:
    """A model whose troubles a function decides.

    Attributes:
        fits: Pieces that its memory holds at once.
        trouble: Called with each batch, before it is spoken; raises what it likes.
        languages: What it speaks.
        batches: Texts of each batch that was tried, in order.
        at_once: Most threads that were in it together.
    """

    fits: int = 1_000
    trouble: Callable[[Sequence[Utterance]], None] = nothing
    languages: tuple[str, ...] = ("en", "de")
    max_chars: int = 100
    sound: Callable[[Utterance], Audio] | None = None
    batches: list[list[str]] = field(default_factory=list)
    utterances: list[Utterance] = field(default_factory=list)
    at_once: int = 0
    identity: str = "scripted speech 1"
    _inside: int = 0
    _counting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def abilities(self) -> Abilities:
        return Abilities(
            languages=self.languages,
            rate_hz=RATE_HZ,
            code_licence="Apache-2.0",
            weights_licence="CC0-1.0",
            commercial=True,
            styles={"angry": StyleMeans.PROSODY},
            max_chars=self.max_chars,
        )

    def render(self, utterances: Sequence[Utterance]) -> Sequence[Audio]:
        with self._counting:
            self._inside += 1
            self.at_once = max(self.at_once, self._inside)
        try:
            self.batches.append([one.text for one in utterances])
            self.utterances += utterances
            if len(utterances) > self.fits:
                raise MemoryFull("the batch does not fit into memory")
            self.trouble(utterances)
            return [self.sound(one) if self.sound else tone(one) for one in utterances]
        finally:
            with self._counting:
                self._inside -= 1


def tone(utterance: Utterance) -> Audio:
    """As long as its text, as high as its voice, its phase by its seed."""
    at = np.arange(round(max(4, len(utterance.text)) * LETTER_S * RATE_HZ)) / RATE_HZ
    note = 0.3 * np.sin(2.0 * np.pi * utterance.voice.f0_hz * at + utterance.seed % 100)
    return Audio(note.astype(np.float32), RATE_HZ)


def cannot_say(word: str) -> Callable[[Sequence[Utterance]], None]:
    """A trouble with every batch that has a word in it."""

    def trouble(batch: Sequence[Utterance]) -> None:
        if any(word in one.text for one in batch):
            raise SynthesisError(f"cannot say {word!r}")

    return trouble


def speech(model: ScriptedSpeech, *, max_batch: int = 32) -> BatchedSpeech:
    return BatchedSpeech(model, VOICES, max_batch=max_batch)


def line(text: str, voice: int = 0, **fields: object) -> SpokenLine:
    return SpokenLine(text, VOICES[voice], **fields)  # type: ignore[arg-type]


@dataclass
class StreamingSpeech(ScriptedSpeech):
    """A model that can be heard while it speaks: a piece for each 0.2 s, after somebody let it go on.

    Attributes:
        goes_on: Asked before each piece but the first of an utterance.
        handed_over: Pieces that were taken.
    """

    goes_on: Callable[[], object] = bool
    handed_over: int = 0
    streams = True

    def stream(self, utterance: Utterance, heard: Callable[[Audio], None]) -> None:
        (sound,) = self.render([utterance])
        step = RATE_HZ // 5
        for first in range(0, sound.frames, step):
            if first:
                self.goes_on()
            heard(Audio(sound.samples[first : first + step].copy(), RATE_HZ))
            self.handed_over += 1
