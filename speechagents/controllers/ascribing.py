"""Saying who speaks in a stretch of a novel: what a controller is shown, and what it may answer.

Owns these values, their bounds, and the protocol of controllers that can do it. Does not know how it is put into words
(`ascription_prompt`) or which quotations are worth asking about.

A controller labels quotations by number with people by name. An answer has no place for any text of the novel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from speechagents.controllers.controller import Usage

MAX_QUOTATIONS: Final = 12
"""Most quotations asked about in one excerpt."""
MAX_CANDIDATES: Final = 16
MAX_PIECES: Final = 120


class Join(StrEnum):
    """How a piece of an excerpt comes after the one in front of it."""

    RUNS_ON = "runs on"
    PARAGRAPH = "paragraph"
    """It begins a paragraph."""
    GAP = "gap"
    """Something between them is left out."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may speak.

    Attributes:
        name: As answers give it back.
        aliases: Other names.
        gender: ``female``, ``male`` or empty.
    """

    name: str
    aliases: tuple[str, ...] = ()
    gender: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Narration, or a quotation or a part of one.

    Attributes:
        text: Untrusted.
        join: How it comes after the piece in front.
        quoted: It is a quotation.
        number: From 1 if it is asked about; pieces of one quotation have one number. 0 otherwise.
        speaker: Name of whoever says a quotation that is not asked about; empty where that is not known.
        start: Where it begins in the novel, in characters. For whoever checks answers; models are not shown it.
    """

    text: str
    join: Join = Join.RUNS_ON
    quoted: bool = False
    number: int = 0
    speaker: str = ""
    start: int = 0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of a novel with quotations whose speakers are asked for.

    Attributes:
        pieces: In the order of the text. Those that are asked about are numbered from 1 on without a gap.
        candidates: All who can be answered with.
        teller: Name of the candidate who tells the story as “I”; empty for none.
    """

    pieces: tuple[Piece, ...]
    candidates: tuple[Candidate, ...]
    teller: str = ""

    def __post_init__(self) -> None:
        numbers = self.numbers
        if not numbers or numbers != tuple(range(1, len(numbers) + 1)):
            raise ValueError(f"quotations with the numbers {numbers[:20]} are not numbered from 1 on")
        for what, count, most in (
            ("quotations", len(numbers), MAX_QUOTATIONS),
            ("candidates", len(self.candidates), MAX_CANDIDATES),
            ("pieces", len(self.pieces), MAX_PIECES),
        ):
            if count > most:
                raise ValueError(f"{count} {what} in one excerpt are more than {most}")

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the quotations that are asked about."""
        return tuple(sorted({piece.number for piece in self.pieces if piece.number}))


@dataclass(frozen=True, slots=True)
class Ascribed:
    """Who speaks in an excerpt.

    Attributes:
        speakers: Names of candidates by number; None for the narrator's words. What it is not sure of is not there.
        usage: What it cost, failed attempts included.
    """

    speakers: Mapping[int, str | None]
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Unascribed:
    """Nothing usable was answered, not even after one repair.

    Attributes:
        reason: What was wrong, for people.
        answered: Something came back; asking the same again would hardly bring anything better.
        usage: What it cost.
    """

    reason: str
    answered: bool
    usage: Usage = field(default_factory=Usage)


@runtime_checkable
class Ascribes(Protocol):
    """Says who speaks in a novel."""

    @property
    def identity(self) -> str:
        """Name, model and version: what must be the same for the same answers."""

    def ascribe(self, excerpts: Sequence[Excerpt], *, seed: int) -> Iterator[Ascribed | Unascribed]:
        """One answer for each excerpt, in order; all of a call are worked on together.

        Raises:
            ControllerError: The back end cannot be reached or used at all.
        """
