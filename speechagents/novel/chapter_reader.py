"""Pieces of a chapter become lines: numbered, with a role, a style and the pause before each, and their ledger.

Owns the pauses, the numbers and which piece goes on in the breath of the one before. Does not know how blocks are cut
(`pieces`) or how tags are read (`delivery`).

**Pauses** come on top of the gap that the rhythm leaves between any two lines (0.5–0.6 s between two of the narrator's,
0.24 s between two people's). No figures for audiobooks are known to us, so they are our choice, by ear and by what is
known of reading aloud: pauses grow with the rank of the boundary (sentence, paragraph, section), and a pause of one to
two seconds is heard as a new beginning.

**Numbers** depend on the text and its quotations alone: not on who speaks, nor on what is left out by option. So a
correction that names a line still names it after it was applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from speechagents.attribution.quotation import Quote
from speechagents.books.book import Block, BlockKind, Book
from speechagents.drama import NARRATOR, Line, Style
from speechagents.novel.delivery import is_plain_tag, line_style, manner
from speechagents.novel.ledger import LedgerEntry, LedgerKind
from speechagents.novel.pieces import Piece, Quotations, cut_block

CHAPTER_PAUSE_S: Final = 1.2
"""Before a chapter; with the end of the scene before, some two and a half seconds of silence."""
HEADING_PAUSE_S: Final = 0.7
"""Behind a heading: about 1.3 s with the usual gap."""
SUBHEADING_PAUSE_S: Final = 0.3
"""Between two headings, “Chapter 3” and its title."""
SCENE_BREAK_PAUSE_S: Final = 1.4
"""For white space or asterisks between paragraphs: about 2 s with the usual gap."""
PARAGRAPH_PAUSE_S: Final = 0.25
"""Between paragraphs with narration in either: about 0.85 s, half as long again as between sentences."""
TURN_PAUSE_S: Final = 0.12
"""Between two people's speeches in paragraphs of their own. Less than between paragraphs of narration, for nobody
tells the listener who answers but the voice and the speed of the answer."""
VERSE_PAUSE_S: Final = 0.15
"""At the end of a line of verse."""
WORDLESS_PAUSE_S: Final = 0.8
"""For a quotation without a word in it: “…”."""

_SENTENCE_MARKS: Final = (".", "!", "?", "…", "。", "！", "？")
_CLOSERS: Final = " \"'”’»)]"
_DASHES: Final = ("—", "–", "--", "―")


class TagReading(StrEnum):
    """What happens to tags that say nothing but who speaks."""

    READ = "read"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class ReadPiece:
    """A piece that was read or passed over.

    Attributes:
        entries: What became of its characters, in order.
        line: The line that says it, None if it is passed over.
        number: The number of the line, or the one that it would have; 0 for what no line can say.
        quote: Index of the quotation it belongs to, -1 for none.
    """

    entries: tuple[LedgerEntry, ...]
    line: Line | None
    number: int = 0
    quote: int = -1


@dataclass(frozen=True, slots=True)
class ChapterReader:
    """Reads chapters of one book.

    Attributes:
        book: The book.
        quotes: Its quotations, as the attribution lists them.
        quotations: Their spans.
        role_of: Name of the role that speaks a quotation, the narrator's for what is left to the narrator.
        tags: Whether plain tags are read; one is dropped only behind or before a quotation that has a voice of its own.
        line_chars: Most characters of a line.
    """

    book: Book
    quotes: Sequence[Quote]
    quotations: Quotations
    role_of: Callable[[Quote], str]
    tags: TagReading
    line_chars: int

    def read(self, blocks: Sequence[Block], *, first_line: int, opens: bool) -> Iterator[ReadPiece]:
        """Read blocks of a chapter, piece by piece; the entries of all pieces tile them.

        Args:
            blocks: In order.
            first_line: Number of the first line.
            opens: A chapter begins with them; False for the further parts of a long one.
        """
        state = _State(first_line - 1, CHAPTER_PAUSE_S if opens else PARAGRAPH_PAUSE_S)
        for block in blocks:
            if block.kind is BlockKind.SKIPPED or block.kind is BlockKind.SCENE_BREAK:
                if block.kind is BlockKind.SCENE_BREAK:
                    state.wait(SCENE_BREAK_PAUSE_S)
                yield ReadPiece((_skipped(block.start, block.end, block.reason or "scene break"),), None)
                continue
            state.open(block)
            for piece in cut_block(self.book, block, self.quotations, limit=self.line_chars):
                yield self._read_piece(block, piece, state)

    def _read_piece(self, block: Block, piece: Piece, state: _State) -> ReadPiece:
        if not piece.text:
            if piece.quote >= 0 and self.book.text[piece.start : piece.end].strip():
                state.wait(WORDLESS_PAUSE_S)
            return ReadPiece((_skipped(piece.start, piece.end, piece.reason),), None, quote=piece.quote)
        state.number += 1
        if piece.quote < 0 and self.tags is TagReading.DROP and self._is_dropped(block, piece):
            return ReadPiece((_skipped(piece.start, piece.end, "speech tag"),), None, state.number)
        role, style, kind = NARRATOR, Style(), LedgerKind.NARRATION
        if piece.quote >= 0:
            quote = self.quotes[piece.quote]
            kind = LedgerKind.SPEECH
            role = self.role_of(quote)
            style = line_style(state.manner(self.book.text, piece.quote, quote, role), piece.text)
        elif block.kind is BlockKind.HEADING:
            kind = LedgerKind.HEADING
        line = state.line(role, piece, style, kind)
        return ReadPiece(tuple(_entries(piece, kind, line.number)), line, line.number, piece.quote)

    def _is_dropped(self, block: Block, piece: Piece) -> bool:
        if not is_plain_tag(piece.text):
            return False
        before = len(self.book.text[block.start : piece.start].rstrip()) + block.start
        beside = self.quotations.within(max(block.start, before - 1), min(block.end, piece.end + 1))
        voiced = {self.role_of(self.quotes[quote]) for start, end, quote in beside if start < end}
        return bool(voiced) and NARRATOR not in voiced


class _State:
    """What the next line needs to know of those before it."""

    def __init__(self, number: int, pause_s: float) -> None:
        self.number = number
        self._pause_s = pause_s
        self._last: Line | None = None
        self._last_kind: LedgerKind | None = None
        self._last_quote = -1
        self._block: Block | None = None
        self._opens_block = True
        self._manner: tuple[int, Style | None, str, Block | None] = (-1, None, "", None)

    def open(self, block: Block) -> None:
        self._block = block
        self._opens_block = True

    def wait(self, pause_s: float) -> None:
        """At least this pause comes before the next line."""
        self._pause_s = max(self._pause_s, pause_s)

    def manner(self, text: str, index: int, quote: Quote, role: str) -> Style | None:
        """The manner of a quotation, read once for all its pieces.

        One without a tag takes it from the scene: what the same person says on in a paragraph is said as it began, and
        who answers a whisper with nothing told in between keeps their voice down.
        """
        if self._manner[0] != index:
            own = manner(text, quote)
            _, before, speaker, block = self._manner
            if own is None and quote.tag is None and before is not None:
                if speaker == role and block is self._block:
                    own = before
                elif self._last_kind is LedgerKind.SPEECH and before.tag == "whispering":
                    own = Style("quiet")
            self._manner = (index, own, role, self._block)
        return self._manner[1]

    def line(self, role: str, piece: Piece, style: Style, kind: LedgerKind) -> Line:
        """The next line."""
        line = Line(
            number=self.number,
            role=role,
            text=piece.text,
            style=style,
            continues=self._continues(role, piece),
            pause_s=self._pause_before(piece, kind),
            language=piece.language,
        )
        self._last, self._last_kind, self._last_quote = line, kind, piece.quote
        self._pause_s, self._opens_block = 0.0, False
        return line

    def _continues(self, role: str, piece: Piece) -> bool:
        last = self._last
        if last is None:
            return False
        if piece.quote >= 0 and piece.quote == self._last_quote:
            return True  # also from one paragraph to the next
        if self._opens_block:
            return False
        if piece.goes_on or piece.breaks or role == last.role:
            return True
        # “I will,” | said Emma, | “go.” is one sentence in two voices.
        return piece.text[0].islower() or not last.text.rstrip(_CLOSERS).endswith(_SENTENCE_MARKS)

    def _pause_before(self, piece: Piece, kind: LedgerKind) -> float:
        pause_s = self._pause_s
        if not self._opens_block:
            return max(pause_s, VERSE_PAUSE_S) if piece.breaks else pause_s
        last = self._last
        if last is None:
            return pause_s
        if self._last_kind is LedgerKind.HEADING:
            return max(pause_s, SUBHEADING_PAUSE_S if kind is LedgerKind.HEADING else HEADING_PAUSE_S)
        if kind is LedgerKind.HEADING:
            return max(pause_s, SCENE_BREAK_PAUSE_S)
        if kind is self._last_kind is LedgerKind.SPEECH and piece.quote != self._last_quote:
            # Who is cut short is answered at once; a pause asked for would keep the rhythm from doing so.
            return max(pause_s, 0.0 if last.text.endswith(_DASHES) else TURN_PAUSE_S)
        return max(pause_s, PARAGRAPH_PAUSE_S)


def _skipped(start: int, end: int, reason: str) -> LedgerEntry:
    return LedgerEntry(start, end, LedgerKind.SKIPPED, reason=reason)


def _entries(piece: Piece, kind: LedgerKind, line: int) -> Iterator[LedgerEntry]:
    """A spoken piece with what is cut out of it."""
    at = piece.start
    for cut in piece.cuts:
        if cut.start > at:
            yield LedgerEntry(at, cut.start, kind, line)
        yield _skipped(cut.start, cut.end, cut.reason)
        at = cut.end
    if at < piece.end:
        yield LedgerEntry(at, piece.end, kind, line)
