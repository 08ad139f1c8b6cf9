"""What hears speech: the protocol every speech recognition back end offers.

Owns the values. Knows no back end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

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
