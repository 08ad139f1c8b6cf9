"""A block of a book cut into pieces, each to be said by one voice in one go, or to be passed over.

Owns the cutting and the offsets: the pieces tile their block. Does not know who speaks, how, or the lines' numbers.

Cuts are made where a quotation begins or ends, at the breaks of verse, around longer stretches in another language,
and at sentence ends where a piece would be too long. White space goes with the piece before it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from speechagents.attribution.quotation import Attribution
from speechagents.books.book import Block, BlockKind, Book
from speechagents.novel.wording import spoken_heading, spoken_speech, spoken_words
from speechagents.scripts.spoken import is_speakable, split_speech

MIN_TONGUE_WORDS: Final = 3
"""A stretch in another language of fewer words stays in its sentence; a voice of its own would tear it apart."""

WORDLESS: Final = "no words"
SPACE: Final = "white space"

_LINE_BREAK: Final = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_EMPTY_LINE: Final = re.compile(r"[^\S\n]*(?:\r\n|\n|\r)[^\S\n\r]*(?:(?:\r\n|\n|\r)\s*)+")
_JOINER: Final = "\u2060"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a block.

    Attributes:
        start: First character.
        end: Behind the last one; the next piece begins there.
        quote: Index of the quotation it belongs to, -1 for none.
        text: What is said, empty if it is passed over.
        language: BCP 47 tag where it differs from the book's, else empty.
        reason: Why it is passed over; empty otherwise.
        goes_on: It and the one before were one stretch that was too long, or in two languages.
        breaks: A line of verse, or of a heading, ended before it.
    """

    start: int
    end: int
    quote: int
    text: str
    language: str = ""
    reason: str = ""
    goes_on: bool = False
    breaks: bool = False


class Quotations:
    """The spans of all quotations, for looking up those of a block.

    Args:
        attribution: The quotations; spans must not overlap.
    """

    def __init__(self, attribution: Attribution) -> None:
        spans = sorted(
            (start, end, index) for index, quote in enumerate(attribution.quotes) for start, end in quote.spans
        )
        for (_, end, _), (start, _, _) in pairwise(spans):
            if start < end:
                raise ValueError(f"two quotations overlap at character {start}")
        self._starts = [start for start, _, _ in spans]
        self._ends = [end for _, end, _ in spans]
        self._indices = [index for _, _, index in spans]

    def within(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Start, end and quotation of the spans that reach into a stretch, cut to it."""
        for at in range(bisect_right(self._ends, start), bisect_left(self._starts, end)):
            yield max(start, self._starts[at]), min(end, self._ends[at]), self._indices[at]


def cut_block(book: Book, block: Block, quotations: Quotations, *, limit: int) -> Iterator[Piece]:
    """Cut a heading, a paragraph or a block of verse into pieces that tile it.

    Args:
        book: Whose block it is.
        block: Of a kind that is read.
        quotations: Where somebody speaks; in headings nobody does.
        limit: Most characters of a piece.
    """
    stretches = _stretches(book.text, block, quotations)
    masked = _masked(book.text, block)
    for start, end, quote in stretches:
        begun = False
        for (first, behind), (_, language, breaks) in _bounds(book, block, start, end):
            parts = _split(masked, first - block.start, behind - block.start, limit)
            for index, (one, other) in enumerate(parts):
                one, other = one + block.start, other + block.start
                said = book.spoken(block, one, other)
                if block.kind is BlockKind.HEADING:
                    text = spoken_heading(said)
                elif quote >= 0:
                    text = spoken_speech(said, opens=one == start, closes=other == end)
                else:
                    text = spoken_words(said)
                yield Piece(
                    start=one,
                    end=other,
                    quote=quote,
                    text=text if is_speakable(text) else "",
                    language=language,
                    reason="" if is_speakable(text) else WORDLESS if said else SPACE,
                    goes_on=begun and not (breaks and index == 0),
                    breaks=breaks and index == 0,
                )
                begun = True


def _stretches(text: str, block: Block, quotations: Quotations) -> list[tuple[int, int, int]]:
    """Narration and quotations by turns, white space added to what stands before it."""
    if block.kind is BlockKind.HEADING:
        return [(block.start, block.end, -1)]
    found: list[tuple[int, int, int]] = []
    at = block.start
    for start, end, quote in (*quotations.within(block.start, block.end), (block.end, block.end, -1)):
        if start > at:
            gap = text[at:start]
            if not found or gap.strip():
                found.append((at, start, -1))
            else:
                found[-1] = (found[-1][0], start, found[-1][2])
        if end > start:
            found.append((start, end, quote))
        at = end
    if len(found) > 1 and found[0][2] < 0 and not text[found[0][0] : found[0][1]].strip():
        found[:2] = [(found[0][0], found[1][1], found[1][2])]
    return found


def _bounds(book: Book, block: Block, start: int, end: int) -> Iterator[tuple[tuple[int, int], tuple[int, str, bool]]]:
    """Parts of a stretch with (start, language, whether a line ended before)."""
    marks: dict[int, tuple[int, str, bool]] = {start: (start, "", False)}
    pattern = {BlockKind.VERSE: _LINE_BREAK, BlockKind.HEADING: _EMPTY_LINE}.get(block.kind)
    languages = [
        (max(start, tongue.start), min(end, tongue.end), tongue.language)
        for tongue in block.tongues
        if tongue.start < end
        and tongue.end > start
        and len(book.spoken(block, max(start, tongue.start), min(end, tongue.end)).split()) >= MIN_TONGUE_WORDS
    ]

    def language_at(place: int) -> str:
        return next((language for first, behind, language in languages if first <= place < behind), "")

    if pattern is not None:
        for match in pattern.finditer(book.text, start, end):
            if match.end() < end and not _inside(block, match.end()):
                marks[match.end()] = (match.end(), "", True)
    for first, behind, _ in languages:
        for place in (first, behind):
            if start < place < end:
                marks.setdefault(place, (place, "", False))
    places = sorted(marks)
    for place, following in pairwise([*places, end]):
        yield (place, following), (place, language_at(place), marks[place][2])


def _inside(block: Block, place: int) -> bool:
    return any(cut.start < place < cut.end for cut in block.cuts)


def _masked(text: str, block: Block) -> str:
    """A block's text with what is cut out as blanks of the same length, so that nobody cuts at marks inside of it."""
    if not block.cuts:
        return text[block.start : block.end]
    pieces: list[str] = []
    at = block.start
    for cut in block.cuts:
        within_word = text[cut.start - 1 : cut.start].isalnum() and text[cut.end : cut.end + 1].isalnum()
        pieces += (text[at : cut.start], (_JOINER if within_word else " ") * (cut.end - cut.start))
        at = cut.end
    pieces.append(text[at : block.end])
    return "".join(pieces)


def _split(masked: str, start: int, end: int, limit: int) -> Sequence[tuple[int, int]]:
    """Offsets of the parts of a stretch, none longer than the limit but for white space around it."""
    if end - start <= limit:
        return [(start, end)]
    stretch = masked[start:end]
    found: list[int] = []
    at = 0
    for piece in split_speech(stretch, limit):
        at = stretch.index(piece, at)
        found.append(at)
        at += len(piece)
    bounds = [start, *(start + one for one in found[1:]), end]
    return list(pairwise(bounds))


def quoted_lines(book: Book, quotations: Quotations, first_line: int, *, limit: int) -> Iterator[tuple[int, int]]:
    """Number and quotation of every line of a book, -1 for narration; the numbers are those that a narration gives.

    Args:
        book: The book.
        quotations: Where somebody speaks.
        first_line: Number of the first line.
        limit: Most characters of a line.
    """
    spoken = (
        piece
        for block in book.blocks()
        if block.kind not in (BlockKind.SKIPPED, BlockKind.SCENE_BREAK)
        for piece in cut_block(book, block, quotations, limit=limit)
        if piece.text
    )
    for number, piece in enumerate(spoken, first_line):
        yield number, piece.quote
