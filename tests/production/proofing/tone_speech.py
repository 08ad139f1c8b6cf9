"""A language of tones: a voice that says every word as a note of its own, and a listener that writes the notes down.

What is dropped, repeated or invented is really dropped, repeated or invented in the sound, and whoever listens finds
it there and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from speechagents.audio import Audio, Samples
from speechagents.listeners.listener import TranscribedWord, Transcript
from speechagents.voices.measure import FINGERPRINT_SIZE
from speechagents.voices.synthesizer import Age, FailedTake, Gender, SpokenLine, Take, Voice

RATE_HZ = 16_000
LETTER_S = 0.06
GAP_S = 0.03
_LOWEST_HZ, _STEP_HZ = 300.0, 40.0


def voice(name: str = "tone") -> Voice:
    fingerprint = tuple(float(ord(name[-1]) + place) for place in range(FINGERPRINT_SIZE))
    return Voice(
        name,
        "Notes.",
        Gender.NEUTRAL,
        Age.ADULT,
        "en-GB",
        "La la.",
        300.0,
        "tones 1",
        "CC0-1.0",
        "test",
        narrates=True,
        fingerprint=fingerprint,
    )


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def sung(words: Sequence[str], vocabulary: list[str], *, slower: float = 1.0) -> Samples:
    """Words as notes with soft edges, a gap after each."""
    pieces = [np.zeros(round(GAP_S * RATE_HZ))]
    for word in words:
        if word not in vocabulary:
            vocabulary.append(word)
        hz = _LOWEST_HZ + _STEP_HZ * vocabulary.index(word)
        length = round(len(word) * LETTER_S * slower * RATE_HZ)
        note = 0.3 * np.sin(2.0 * np.pi * hz * np.arange(length) / RATE_HZ)
        pieces += [note * np.minimum(1.0, 8.0 * np.hanning(length)), np.zeros(round(GAP_S * RATE_HZ))]
    return np.concatenate(pieces).astype(np.float32)


@dataclass
class ToneVoices:
    """A synthesizer whose takes vary: what it says of a line may differ from attempt to attempt.

    Attributes:
        vocabulary: Words by the number of their note, shared with the listener.
        says: What it says instead of a line's text, by text and attempt; words, or what happens to the sound.
        takes_vary: It speaks a line otherwise when asked again.
    """

    vocabulary: list[str]
    says: dict[tuple[str, int], str | Callable[[Samples], Samples]] = field(default_factory=dict)
    takes_vary: bool = True
    identity: str = "tones 1"
    asked: list[SpokenLine] = field(default_factory=list)

    @property
    def voices(self) -> Sequence[Voice]:
        return (voice(),)

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        for line in lines:
            self.asked.append(line)
            saying = self.says.get((line.text, line.attempt), line.text)
            if saying == "FAILS":
                yield FailedTake(line, "the model gave up")
                continue
            samples = sung(words_of(line.text if callable(saying) else saying), self.vocabulary)
            yield Take(line, Audio(saying(samples) if callable(saying) else samples, RATE_HZ))


@dataclass
class ToneListener:
    """Writes down the notes it hears, with their times."""

    vocabulary: list[str]
    identity: str = "absolute pitch 1"
    heard: int = 0
    largest_batch: int = 0

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        self.largest_batch = max(self.largest_batch, len(clips))
        for clip in clips:
            self.heard += 1
            words = tuple(self._words(clip))
            yield Transcript(" ".join(word.text for word in words), words, "en")

    def _words(self, clip: Audio) -> Iterator[TranscribedWord]:
        frame = RATE_HZ // 100
        frames = clip.samples[: clip.frames // frame * frame].reshape(-1, frame)
        loud = np.abs(frames).max(axis=1) > 0.02
        edges = np.flatnonzero(np.diff(loud.astype(np.int8), prepend=0, append=0))
        for first, end in edges.reshape(-1, 2).tolist():
            note = clip.samples[first * frame : end * frame]
            spectrum = np.abs(np.fft.rfft(note * np.hanning(note.size), 32_768))
            number = round((float(spectrum.argmax()) * RATE_HZ / 32_768 - _LOWEST_HZ) / _STEP_HZ)
            yield TranscribedWord(self.vocabulary[number], first / 100.0, end / 100.0)
