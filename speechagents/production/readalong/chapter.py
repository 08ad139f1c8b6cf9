"""What a read-along book is made of: its facts, and one chapter after the other.

Owns the values. Does not know where text comes from, nor how an EPUB is written (`epub`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Print(StrEnum):
    """How a passage is printed."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    VERSE = "verse"
    """Line feeds in its text are line ends."""
    BREAK = "break"
    """White space between paragraphs; it has no text."""
    NOTE = "note"
    """A footnote that is not read."""


@dataclass(frozen=True, slots=True)
class Run:
    """Text said by one line, or by none.

    Attributes:
        text: As printed; white space collapses, but for line feeds in verse.
        line: Number of the line that says it, 0 if nobody does.
        language: BCP 47 tag where it differs from the book's.
    """

    text: str
    line: int = 0
    language: str = ""


@dataclass(frozen=True, slots=True)
class Passage:
    """A heading, a paragraph, a stanza.

    Attributes:
        kind: How it is printed.
        runs: Its text in order.
        level: Depth of a heading, 1 the outermost.
    """

    kind: Print
    runs: tuple[Run, ...] = ()
    level: int = 1


@dataclass(frozen=True, slots=True)
class Clip:
    """When a line is heard in its chapter's file, in seconds."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class ReadAlongChapter:
    """A chapter with its sound.

    Attributes:
        title: As the table of contents shows it.
        passages: Its text in order.
        audio: Its MP3 or M4A file.
        duration_s: Length of that file.
        clips: When each line is heard, by number, in the order of the text; lines that could not be spoken are missing.
        credits: It is no chapter of the book, but its credits.
    """

    title: str
    passages: tuple[Passage, ...]
    audio: Path
    duration_s: float
    clips: Mapping[int, Clip]
    credits: bool = False


@dataclass(frozen=True, slots=True)
class AboutBook:
    """What the book says about itself.

    Attributes:
        title: Its title.
        authors: Their names.
        language: BCP 47 tag.
        identifier: ISBN, URN or URL; empty derives one from title and authors.
        narrators: Who reads, for people.
        synthetic: Which voices are synthetic, in words.
        cover: JPEG, or empty.
        date: ``YYYY-MM-DD`` of this edition. Fixed by default, so that the same book gives the same bytes tomorrow.
    """

    title: str
    authors: tuple[str, ...] = ()
    language: str = "en"
    identifier: str = ""
    narrators: tuple[str, ...] = ()
    synthetic: str = ""
    cover: bytes = field(default=b"", repr=False)
    date: str = ""
