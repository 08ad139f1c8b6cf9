"""A book as it is to be read aloud: chapters of lines, and what stands on the title page.

Owns these values alone. `reading_aloud` makes them of a narration, `recital` reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from speechagents.drama import Scene
from speechagents.novel.narration import Narration


class ChapterFacts(Protocol):
    """What is known of a chapter beforehand."""

    @property
    def title(self) -> str:
        """As listeners see it."""

    @property
    def chars(self) -> int:
        """Characters that are spoken."""

    @property
    def lines(self) -> int:
        """Lines in it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A book as it is to be read aloud.

    Attributes:
        title: Of the book.
        author: In one line.
        language: BCP 47 tag.
        chapters: What is known of each chapter.
        scenes: The chapters' lines, one scene each; made when they are asked for.
        warnings: What was doubtful and how it was decided, for people.
        cover: The book's own picture, empty if it has none.
        narration: The book behind it, for what shows its text; None where there is nothing but lines.
    """

    title: str
    author: str
    language: str
    chapters: Sequence[ChapterFacts]
    scenes: Sequence[Scene]
    warnings: tuple[str, ...] = ()
    cover: bytes = b""
    narration: Narration | None = None
