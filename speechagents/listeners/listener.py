"""What hears speech: the protocol every speech recognition back end offers.

Owns the values. Knows no back end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from speechagents.audio import Audio


@dataclass(frozen=True, slots=True)
class TranscribedWord:
    """A word with its times in seconds from the start of the clip, and how sure the listener is, from 0 to 1."""

    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was understood.

    Attributes:
        text: Empty where nothing was said. Untrusted: anybody can say anything.
        words: With times, where the back end gives them.
        language: BCP 47 tag that was heard or assumed, empty if unknown.
    """

    text: str
    words: tuple[TranscribedWord, ...] = ()
    language: str = ""


class Listener(Protocol):
    """Understands speech."""

    @property
    def identity(self) -> str:
        """Name, model and version: what must be the same for the same transcripts."""

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        """One transcript for each clip, in order; all of a call are worked on together.

        Args:
            clips: Mono.
            hints: Names and words that are likely.
            language: BCP 47 tag; empty lets the back end find out.

        Raises:
            ListenerError: The back end cannot be used at all.
        """


class Hearer(Protocol):
    """Understands one utterance while it is spoken. Used by one thread at a time.

    Whoever is not interested any more lets go of it; what it holds is then free for others, as after `finish`.
    """

    def feed(self, audio: Audio) -> str:
        """Hear more.

        Args:
            audio: Mono, of any length; all pieces of an utterance have the same rate.

        Returns:
            What is understood so far: the whole text, which later sound may change.

        Raises:
            ListenerError: The back end cannot go on.
        """

    def finish(self) -> Transcript:
        """Nothing more will be said.

        Raises:
            ListenerError: The back end cannot go on.
        """


@runtime_checkable
class StreamingListener(Protocol):
    """What a listener may offer besides: to understand while somebody speaks."""

    def open(self, *, hints: Sequence[str] = (), language: str = "") -> Hearer:
        """Begin to listen to one utterance; see `Listener.transcribe` for the arguments.

        Raises:
            ListenerError: The back end cannot be used for this.
        """


@runtime_checkable
class ChecksLanguage(Protocol):
    """What a listener may offer besides: saying beforehand that it does not understand a language."""

    def check_language(self, tag: str) -> None:
        """Refuse a BCP 47 tag; empty is whatever the back end knows best.

        Raises:
            ListenerError: It is not understood; the message names what would understand it.
        """


@runtime_checkable
class HearsRoughly(Protocol):
    """What a listener may say of itself: it gets so much wrong that a single word proves nothing about the speaker."""

    @property
    def word_error_rate(self) -> float:
        """About which share of the words of clear speech it gets wrong, 0 to 1."""


@runtime_checkable
class HearsPeopleOnly(Protocol):
    """What a listener may say of itself: that it fails on the embedded voices, so that no agent can hear through it."""

    @property
    def people_only(self) -> str:
        """Why, for people."""
