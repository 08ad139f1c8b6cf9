"""A book as it was read: one source text, and what every character of it is.

Owns the values and the promise that nothing is lost: chapters tile the text, blocks tile their chapter, and what is
not to be spoken inside a block is named by a cut with its reason. Does not know any file format, nor who speaks.

The text is the file as decoded for plain text (newlines untouched), and the text in reading order, what is skipped
included, for every other format. Offsets count characters of it and are half open.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    """What a block of a book is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    VERSE = "verse"
    """Lines whose breaks mean something; read with a short pause at each."""
    SCENE_BREAK = "scene_break"
    """White space or asterisks between paragraphs; a longer pause, nothing is spoken."""
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Cut:
    """Characters inside a block that are not spoken: a footnote mark, a hyphen at the end of a line.

    Attributes:
        start: First character.
        end: Behind the last one.
        reason: Why, for people: ``footnote mark``.
    """

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Tongue:
    """Characters inside a block in another language than the book's.

    Attributes:
        start: First character.
        end: Behind the last one.
        language: BCP 47 tag.
    """

    start: int
    end: int
    language: str


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, a paragraph, or something skipped; it ends where the next one begins, white space included.

    Attributes:
        kind: What it is.
        start: First character.
        end: Behind the last one.
        reason: Why it is skipped, for people: ``footnote``, ``page number``, ``contents``; empty otherwise.
        level: Depth of a heading, 1 the outermost; 0 otherwise.
        cuts: What is not spoken inside of it, in order, apart from each other.
        tongues: Stretches in other languages, in order, apart from each other.
    """

    kind: BlockKind
    start: int
    end: int
    reason: str = ""
    level: int = 0
    cuts: tuple[Cut, ...] = ()
    tongues: tuple[Tongue, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a block from {self.start} to {self.end} holds nothing")
        if bool(self.reason) != (self.kind is BlockKind.SKIPPED):
            raise ValueError("a skipped block, and no other, has a reason")
        for inner in (self.cuts, self.tongues):
            at = self.start
            for stretch in inner:
                if not at <= stretch.start < stretch.end <= self.end:
                    raise ValueError(f"a stretch from {stretch.start} to {stretch.end} is out of place in its block")
                at = stretch.end


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter: blocks that tile it.

    Attributes:
        title: As listeners see it; empty for text before the first heading.
        blocks: In order, at least one.
        level: Depth in the book's outline, 1 the outermost.
    """

    title: str
    blocks: tuple[Block, ...]
    level: int = 1

    @property
    def start(self) -> int:
        """First character."""
        return self.blocks[0].start

    @property
    def end(self) -> int:
        """Behind the last character."""
        return self.blocks[-1].end


@dataclass(frozen=True, slots=True)
class Book:
    """A book.

    Attributes:
        text: Everything that stands in it; see the module.
        chapters: In order, at least one; they tile the text.
        title: Empty if it says none.
        authors: As on the title page.
        language: BCP 47 tag, empty if it says none.
        cover: Bytes of a JPEG or PNG, empty if it has none.
        identifier: ISBN or other identifier as the book says it, empty if it says none.
        source: Name of the file, for messages.
        warnings: What was doubtful and how it was decided, for people.
    """

    text: str
    chapters: tuple[Chapter, ...]
    title: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    cover: bytes = b""
    identifier: str = ""
    source: str = ""
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        at = 0
        for block in self.blocks():
            if block.start != at:
                raise ValueError(f"a block begins at {block.start}, and the one before it ends at {at}")
            at = block.end
        if at != len(self.text):
            raise ValueError(f"blocks end at {at} and the text at {len(self.text)}")

    def blocks(self) -> Iterator[Block]:
        """All blocks in order."""
        for chapter in self.chapters:
            yield from chapter.blocks

    def paragraphs(self) -> list[tuple[int, int]]:
        """Offsets of the blocks in which somebody may speak, in order."""
        speech = (BlockKind.PARAGRAPH, BlockKind.VERSE)
        return [(block.start, block.end) for block in self.blocks() if block.kind in speech]

    def spoken(self, block: Block, start: int, end: int) -> str:
        """What is to be said of a stretch of a block: without its cuts, white space collapsed to single spaces."""
        pieces, at = [], start
        for cut in block.cuts:
            if cut.end <= at:
                continue
            if cut.start >= end:
                break
            pieces.append(self.text[at : max(at, cut.start)])
            at = min(cut.end, end)
        pieces.append(self.text[at:end])
        return " ".join("".join(pieces).split())
