"""What a voice is and what every speech synthesis back end offers.

Owns the values that pass between production and back ends, and the protocol. Knows no back end.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from speechagents.audio import Audio
from speechagents.drama import Style


class Gender(StrEnum):
    """How a voice is heard."""

    FEMALE = "female"
    MALE = "male"
    NEUTRAL = "neutral"


class Age(StrEnum):
    """How old a voice sounds."""

    CHILD = "child"
    TEEN = "teen"
    ADULT = "adult"
    ELDER = "elder"


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of a catalogue.

    Attributes:
        id: Short, unique within its synthesizer, ``[a-z0-9-]+``.
        description: One sentence for people.
        gender: As heard.
        age: As heard.
        accent: BCP 47 tag of the accent in its home language (``en-GB-scotland``).
        sample: A sentence to audition it with.
        f0_hz: Measured median fundamental frequency in the default style, in hertz; 0 when nobody measured it.
        recipe: What makes it sound so, as one string; a change of it makes new takes.
        licence: Licence of the voice's data (SPDX where there is one).
        source: Where the voice comes from.
        narrates: Calm and neutral enough to read action and headings.
        fingerprint: What it sounds like, measured (`speechagents.voices.measure.fingerprint`); casting keeps roles
            apart by it. Empty when nobody measured it.
    """

    id: str
    description: str
    gender: Gender
    age: Age
    accent: str
    sample: str
    f0_hz: float
    recipe: str
    licence: str
    source: str
    narrates: bool = False
    fingerprint: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line ready for a back end.

    Attributes:
        text: What to say; plain text, one language.
        voice: Who says it; a voice of that synthesizer.
        style: How.
        language: BCP 47 tag; empty means the voice's home language.
        attempt: Which rendering of the line is wanted, 0 the first. A back end that offers `SpeaksAnew` speaks it
            otherwise each time, and the same attempt the same way; for all others it changes nothing.
        units: Speech units of the text, if it came with any. A back end that voices units may speak these; all others
            speak the text.
    """

    text: str
    voice: Voice
    style: Style = Style()
    language: str = ""
    attempt: int = 0
    units: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a line as spoken, times in seconds from the start of its take's audio."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One rendering of one line.

    Attributes:
        line: What was asked for.
        audio: Mono speech, leading and trailing silence trimmed to a few milliseconds, levelled.
        words: The words of the text in order, one for each white-space separated token that is spoken;
            empty when the back end gives no times.
    """

    line: SpokenLine
    audio: Audio
    words: tuple[Word, ...] = ()

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return self.audio.duration_s


@dataclass(frozen=True, slots=True)
class FailedTake:
    """A line that could not be spoken, with the reason for people."""

    line: SpokenLine
    reason: str


class Synthesizer(Protocol):
    """Speaks lines, batch-first.

    `speak` yields exactly one `Take` or `FailedTake` per line, in order, each as soon as it is ready, and may be
    called from several threads at once. The same line gives the same samples, whatever was spoken before.
    """

    @property
    def identity(self) -> str:
        """Name, version and settings as one string: part of every take's address."""

    @property
    def voices(self) -> Sequence[Voice]:
        """The catalogue."""

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        """Render lines."""


@runtime_checkable
class ChecksLanguage(Protocol):
    """What a synthesizer may offer besides: saying beforehand that it does not speak a language.

    A production asks it once for the language of the whole script, so that a mistyped one stops the run before
    anything is written, rather than failing every line. A back end without it lets lines fail one by one.
    """

    def check_language(self, tag: str) -> None:
        """Refuse a BCP 47 tag that no voice speaks; empty means each voice's home language.

        Raises:
            SettingsError: It is not spoken; the message names similar ones.
        """


@runtime_checkable
class SpeaksAnew(Protocol):
    """What a synthesizer may offer besides: speaking a line again in another way, by `SpokenLine.attempt`."""

    @property
    def takes_vary(self) -> bool:
        """Whether it does so as it is loaded; a model that always takes the likeliest sound does not."""


@runtime_checkable
class StreamsSpeech(Protocol):
    """What a synthesizer may offer besides: a line that can be heard while it is still being made.

    For who waits for it, as on the live stage. A production takes whole takes, many at a time.
    """

    @property
    def streams(self) -> bool:
        """Whether it does so as it is loaded."""

    def stream(self, line: SpokenLine) -> Generator[Audio, None, None]:
        """The sound of one line, piece after piece, each as soon as it is there.

        All pieces are mono and of one rate; end to end they are the line, without the silence before it, at a level
        that its beginning decides. Closing the generator stops the work.

        Raises:
            SynthesisError: It cannot be spoken, or broke off; what was heard until then was good.
        """


@runtime_checkable
class SpeaksByRule(Protocol):
    """What a synthesizer may say of itself: it makes sound word by word, and tells each word as it makes it.

    Its takes are proofed by those words. Recognisers, which learnt from people, misread such voices and would find
    faults where there are none.
    """

    @property
    def rule(self) -> str:
        """What it goes by, for people."""


@runtime_checkable
class ClonesVoices(Protocol):
    """What a synthesizer may offer besides: making a voice that sounds like a recording of somebody.

    Whoever calls it has that person's consent on record (`voices.own_voices`). The voice it gives can be spoken with
    like one of the catalogue, for as long as the synthesizer is loaded; the same sample gives the same voice.
    """

    def clone(self, sample: Audio, name: str) -> Voice:
        """Make a voice.

        Args:
            sample: Somebody speaking, mono.
            name: What the voice is called, for people.

        Raises:
            SynthesisError: Nothing can be made of the sample; the message says what it should be like.
        """
