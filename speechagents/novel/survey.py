"""How much of each chapter is heard, found in one pass over a book that keeps no line.

Owns the numbers of chapters and first lines, and the cutting of chapters that are too long for one scene. Does not know
how lines are made (`chapter_reader`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from speechagents.books.book import Block, BlockKind, Chapter
from speechagents.novel.acquaintance import Acquaintances
from speechagents.novel.chapter_reader import ChapterReader
from speechagents.novel.credits import OPENING_LINES

UNTITLED: Final = "Opening"
MAX_PART_CHARS: Final = 100_000
"""Longest scene. Shops take at most 120 minutes a file, which is some 18 600 words or 106 000 characters at 155 words a
minute; a longer chapter is read in parts, each a scene of its own, so that it can also be spoken on several cores."""


@dataclass(frozen=True, slots=True)
class NarratedChapter:
    """What is known of a scene of the programme without making it.

    Attributes:
        title: As listeners see it.
        number: Which chapter it is, counted from 1; the parts of a long one share it; 0 for credits.
        start: First character in the book's text.
        end: Behind the last one.
        first_line: Number of its first line.
        lines: How many it has.
        words: Words in them.
        chars: Characters in them.
    """

    title: str
    number: int
    start: int
    end: int
    first_line: int
    lines: int
    words: int
    chars: int


@dataclass(frozen=True, slots=True)
class Part:
    """A chapter, or a part of a long one, as it stands in the book; `number` is 0 where nothing of it is read."""

    blocks: tuple[Block, ...]
    first_line: int
    opens: bool
    number: int


def survey(reader: ChapterReader, acquaintances: Acquaintances) -> tuple[list[Part], list[NarratedChapter], int]:
    """The parts of the book, what is heard of each, and the number of the last line."""
    parts: list[Part] = []
    chapters: list[NarratedChapter] = []
    number, last = 0, OPENING_LINES
    for chapter in reader.book.chapters:
        title = " ".join(chapter.title.split()) or reader.book.title or UNTITLED
        pieces = list(_parts_of(chapter))
        counted = False
        for index, blocks in enumerate(pieces):
            first_line, opens = last + 1, not counted
            shown = title if len(pieces) == 1 else f"{title}, part {index + 1}"
            facts: Counter[str] = Counter()
            acquaintances.open(shown)
            for piece in reader.read(blocks, first_line=first_line, opens=opens):
                last = max(last, piece.number)
                if piece.line is not None:
                    acquaintances.hear(piece.line)
                    facts["lines"] += 1
                    facts["words"] += len(piece.line.text.split())
                    facts["chars"] += len(piece.line.text)
            if facts["lines"]:
                number += not counted
                counted = True
                chapters.append(
                    NarratedChapter(
                        shown,
                        number,
                        blocks[0].start,
                        blocks[-1].end,
                        first_line,
                        facts["lines"],
                        facts["words"],
                        facts["chars"],
                    )
                )
            parts.append(Part(blocks, first_line, opens, number if facts["lines"] else 0))
    return parts, chapters, last


def _parts_of(chapter: Chapter) -> Iterator[tuple[Block, ...]]:
    """A chapter in parts of about `MAX_PART_CHARS` at most, as equal as can be, cut at scene breaks that are near."""
    count = -(-(chapter.end - chapter.start) // MAX_PART_CHARS)
    share = (chapter.end - chapter.start) / count
    # No part ends with a heading.
    borders = [
        (after.start, index, before.kind is BlockKind.SCENE_BREAK)
        for index, (before, after) in enumerate(pairwise(chapter.blocks), 1)
        if before.kind is not BlockKind.HEADING
    ]
    begun = 0
    for part in range(1, count):
        ideal = chapter.start + part * share
        first, middle, last = (bisect_left(borders, (ideal + way * share / 10,)) for way in (-1, 0, 1))
        # Where paragraphs are so long that no border is near, the nearest one will do.
        for some in (borders[first:last], borders[max(0, middle - 1) : middle + 1]):
            left = [(calm, -abs(start - ideal), index) for start, index, calm in some if index > begun]
            if left:
                _, _, end = max(left)
                yield chapter.blocks[begun:end]
                begun = end
                break
    yield chapter.blocks[begun:]
