"""A block of a book cut into pieces, each to be said by one voice in one go, or to be passed over.

Owns the cutting and the offsets: the pieces tile their block. Does not know who speaks, how, or the lines' numbers.

Cuts are made where a quotation begins or ends, at the breaks of verse, around longer stretches in another language,
and at sentence ends where a piece would be too long. White space goes with the piece before it.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from speechagents.attribution.quotation import Attribution
from speechagents.books.book import Block, BlockKind, Book, Cut, Tongue
from speechagents.novel.wording import spoken_heading, spoken_narration, spoken_speech
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
        cuts: What of the stretch is not said.
        language: BCP 47 tag where it differs from the book's, else empty.
        reason: Why it is passed over; empty otherwise.
        goes_on: It and the one before were one stretch that was too long, or in two languages.
        breaks: A line of verse, or of a heading, ended before it.
    """

    start: int
    end: int
    quote: int
    text: str
    cuts: tuple[Cut, ...] = ()
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
        # Arrays of numbers rather than lists of objects: a long novel has tens of thousands of spans.
        self._starts = array("q", (start for start, _, _ in spans))
        self._ends = array("q", (end for _, end, _ in spans))
        self._indices = array("q", (index for _, _, index in spans))

    def within(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Start, end and quotation of the spans that reach into a stretch, cut to it."""
        for at in range(bisect_right(self._ends, start), bisect_left(self._starts, end)):
            yield max(start, self._starts[at]), min(end, self._ends[at]), self._indices[at]


def cut_block(book: Book, block: Block, quotations: Quotations, *, limit: int) -> Iterator[Piece]:
    """Cut a heading, a paragraph or a block of verse into pieces that tile it. Linear in its length.

    Args:
        book: Whose block it is.
        block: Of a kind that is read.
        quotations: Where somebody speaks; in headings nobody does.
        limit: Most characters of a piece.
    """
    for start, end, quote in _stretches(book.text, block, quotations):
        stretch = _within(block, start, end)
        begun = False
        for first, behind, language, breaks in _bounds(book, stretch, start, end):
            for index, (one, other) in enumerate(_split(book.text, stretch, first, behind, limit)):
                part = _within(stretch, one, other)
                said = book.spoken(part, one, other)
                if block.kind is BlockKind.HEADING:
                    text = spoken_heading(said)
                elif quote >= 0:
                    text = spoken_speech(said, opens=one == start, closes=other == end)
                else:
                    text = spoken_narration(said)
                speakable = is_speakable(text)
                yield Piece(
                    start=one,
                    end=other,
                    quote=quote,
                    text=text if speakable else "",
                    cuts=part.cuts,
                    language=language,
                    reason="" if speakable else WORDLESS if said else SPACE,
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
            if not found or text[at:start].strip():
                found.append((at, start, -1))
            else:
                found[-1] = (found[-1][0], start, found[-1][2])
        if end > start:
            found.append((start, end, quote))
        at = end
    if len(found) > 1 and found[0][2] < 0 and not text[found[0][0] : found[0][1]].strip():
        found[:2] = [(found[0][0], found[1][1], found[1][2])]
    return found


def _within(block: Block, start: int, end: int) -> Block:
    """A stretch of a block as a block of its own, with the cuts and tongues that reach into it."""
    if not (block.cuts or block.tongues) or (start, end) == (block.start, block.end):
        return block
    cuts = block.cuts[bisect_right(block.cuts, start, key=_end_of) : bisect_left(block.cuts, end, key=_start_of)]
    tongues = block.tongues[
        bisect_right(block.tongues, start, key=_end_of) : bisect_left(block.tongues, end, key=_start_of)
    ]
    return Block(
        block.kind,
        start,
        end,
        level=block.level,
        cuts=tuple(replace(cut, start=max(start, cut.start), end=min(end, cut.end)) for cut in cuts),
        tongues=tuple(replace(one, start=max(start, one.start), end=min(end, one.end)) for one in tongues),
    )


def _start_of(stretch: Cut | Tongue) -> int:
    return stretch.start


def _end_of(stretch: Cut | Tongue) -> int:
    return stretch.end


def _bounds(book: Book, stretch: Block, start: int, end: int) -> Iterator[tuple[int, int, str, bool]]:
    """Start and end of the parts of a stretch, with the language and whether a line ended before it."""
    broken: set[int] = set()
    pattern = {BlockKind.VERSE: _LINE_BREAK, BlockKind.HEADING: _EMPTY_LINE}.get(stretch.kind)
    if pattern is not None:
        broken = {
            match.end()
            for match in pattern.finditer(book.text, start, end)
            if match.end() < end and not _is_cut(stretch.cuts, match.end())
        }
    tongues = [
        tongue
        for tongue in stretch.tongues
        if len(book.spoken(_within(stretch, tongue.start, tongue.end), tongue.start, tongue.end).split())
        >= MIN_TONGUE_WORDS
    ]
    edges = {place for tongue in tongues for place in (tongue.start, tongue.end) if not _is_cut(stretch.cuts, place)}
    places = sorted({start, *broken, *(place for place in edges if start < place < end)})
    for place, following in pairwise([*places, end]):
        before = bisect_right(tongues, place, key=_start_of) - 1
        language = tongues[before].language if before >= 0 and place < tongues[before].end else ""
        yield place, following, language, place in broken


def _is_cut(cuts: Sequence[Cut], place: int) -> bool:
    """Whether a place is inside of a cut, where nothing may be parted."""
    before = bisect_left(cuts, place, key=_start_of) - 1
    return before >= 0 and place < cuts[before].end


def _split(text: str, stretch: Block, start: int, end: int, limit: int) -> Sequence[tuple[int, int]]:
    """Start and end of the parts of a stretch, none longer than the limit but for white space around it."""
    if end - start <= limit:
        return [(start, end)]
    masked = _masked(text, _within(stretch, start, end).cuts, start, end)
    found: list[int] = []
    at = 0
    for piece in split_speech(masked, limit):
        at = masked.index(piece, at)
        found.append(at)
        at += len(piece)
    return list(pairwise([start, *(start + one for one in found[1:]), end]))


def _masked(text: str, cuts: Sequence[Cut], start: int, end: int) -> str:
    """A stretch with what is cut out as blanks of the same length, so that nobody parts it at marks inside of that."""
    pieces: list[str] = []
    at = start
    for cut in cuts:
        within_word = text[cut.start - 1 : cut.start].isalnum() and text[cut.end : cut.end + 1].isalnum()
        pieces += (text[at : cut.start], (_JOINER if within_word else " ") * (cut.end - cut.start))
        at = cut.end
    pieces.append(text[at:end])
    return "".join(pieces)


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
