"""Chapters of a book by its own headings, for files that have no contents of their own.

Owns which level of headings a listener would call chapters. Does not know any file format.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from speechagents.books.book import Block, BlockKind
from speechagents.books.composing import Composer, Mark, is_same_title
from speechagents.books.heading_forms import numbered_kind

_HEADING_CHARS: Final = 90
_CHAPTER_CHARS: Final = 2_000
"""Chapters are longer than this, taken together; shorter ones are sections."""


def promote_headings(text: str, composer: Composer) -> None:
    """Make headings of paragraphs that say "Chapter 3" in a file that styles none: many authors only set them bold.

    Args:
        text: Of the book.
        composer: Holds its blocks.
    """
    blocks = composer.blocks
    if sum(block.kind is BlockKind.HEADING for block in blocks) > 1:
        return
    found = [
        (index, kind)
        for index, block in enumerate(blocks)
        if block.kind is BlockKind.PARAGRAPH
        and block.end - block.start <= _HEADING_CHARS
        and (kind := numbered_kind(text[block.start : block.end]))
    ]
    if len(found) > 1:
        outer = any(kind != "chapter" for _, kind in found)
        for index, kind in found:
            composer.promote(index, 2 if outer and kind == "chapter" else 1)


def heading_marks(text: str, blocks: Sequence[Block], *, title: str = "") -> list[Mark]:
    """Where chapters begin, by headings: their words where they say "Chapter", else their level and length.

    Args:
        text: The book's.
        blocks: The book's.
        title: Of the book: a heading that repeats it opens no chapter.
    """
    headings = [block for block in blocks if block.kind is BlockKind.HEADING]
    if headings and title and is_same_title(_title(text, headings[0]), title):
        headings = headings[1:]
    level = _chapter_level(text, headings)
    chosen = [heading for heading in headings if heading.level <= level]
    ranks = {depth: rank for rank, depth in enumerate(sorted({heading.level for heading in chosen}), 1)}
    return [Mark(heading.start, _title(text, heading), ranks[heading.level]) for heading in chosen]


def sole_title(text: str, blocks: Sequence[Block]) -> str:
    """The heading that stands above all others before anything is said: the book's title; empty without one."""
    headings = [block for block in blocks if block.kind is BlockKind.HEADING]
    first = next((block for block in blocks if block.kind not in (BlockKind.SKIPPED, BlockKind.SCENE_BREAK)), None)
    if len(headings) < 2 or headings[0] is not first or any(h.level <= headings[0].level for h in headings[1:]):
        return ""
    return " ".join(_title(text, headings[0]).split())


def _title(text: str, heading: Block) -> str:
    pieces, at = [], heading.start
    for cut in heading.cuts:
        pieces.append(text[at : cut.start])
        at = cut.end
    return "".join([*pieces, text[at : heading.end]])


def _chapter_level(text: str, headings: Sequence[Block]) -> int:
    """The level whose headings are chapters; those above it are parts."""
    levels = sorted({heading.level for heading in headings})
    if not levels:
        return 0
    said = [heading.level for heading in headings if numbered_kind(_title(text, heading)) == "chapter"]
    if len(said) >= 2:
        return max(set(said), key=said.count)
    best = next((level for level in levels if sum(h.level == level for h in headings) >= 2), levels[-1])
    for level in levels:
        starts = [heading.start for heading in headings if heading.level <= level] + [headings[-1].end]
        count = sum(heading.level == level for heading in headings)
        sizes = sorted(behind - here for here, behind in pairwise(starts))
        if level > best and count >= 3 and sizes[len(sizes) // 2] >= _CHAPTER_CHARS:
            best = level
    return best
