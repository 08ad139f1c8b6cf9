"""Blocks become a book: text joined, chapters formed, what belongs together put together.

Owns the last step of every reader, and the limits that hold for all of them. Does not know any file format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from speechagents.books.book import Block, BlockKind, Book, Chapter, Cut, Tongue
from speechagents.books.gutenberg import HEADER, LICENCE, find_frame
from speechagents.books.numerals import roman_value
from speechagents.errors import ScriptError

MAX_TEXT_CHARS: Final = 20_000_000
"""Longest book, in characters: about six times *War and Peace*."""
MAX_BLOCK_CHARS: Final = 500_000
"""Longest paragraph; the longest of literature has about a quarter of it."""
MAX_WARNINGS: Final = 50

TITLE_PAGE: Final = "title page"
"""Reason of a skipped title page: the opening credits say what stands there."""

_END_CHARS: Final = 2  # of the newlines behind a block
_BY: Final = re.compile(r"(?:by|von|par|por|di|door)\s+", re.IGNORECASE)
_SPOKEN: Final = (BlockKind.PARAGRAPH, BlockKind.VERSE)
_BREAK_OF_MARKS: Final = re.compile(r"[\s*#~•·–—_=+⁂❦❧☙✻✽◆◇○●§.-]{1,80}")
_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SMALL: Final = (
    "a an and as at but by for from in into is nor of on or the to with und der die das des de la le les du et"
)
_SMALL_WORDS: Final = frozenset(_SMALL.split())


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a chapter begins.

    Attributes:
        at: First character; the chapter begins at the block that begins there or at the first one behind it.
        title: As the book has it.
        level: Depth in the outline, 1 the outermost.
    """

    at: int
    title: str
    level: int = 1


@dataclass(slots=True)
class Composer:
    """Takes the blocks of a book in reading order and joins them.

    Attributes:
        source: Name of the file, for messages.
        warnings: What was doubtful so far.
    """

    source: str
    warnings: list[str] = field(default_factory=list)
    _pieces: list[str] = field(default_factory=list)
    _blocks: list[Block] = field(default_factory=list)
    _marks: list[Mark] = field(default_factory=list)
    _length: int = 0

    @property
    def length(self) -> int:
        """Characters so far: where the next block will begin."""
        return self._length

    @property
    def blocks(self) -> Sequence[Block]:
        """The blocks so far."""
        return self._blocks

    def warn(self, message: str) -> None:
        """Keep a warning; of very many, the first."""
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(message)

    def mark(self, title: str, level: int = 1) -> None:
        """Let a chapter begin at the next block."""
        self._marks.append(Mark(self._length, title, level))

    def add(
        self,
        kind: BlockKind,
        text: str,
        *,
        reason: str = "",
        level: int = 0,
        cuts: Iterable[Cut] = (),
        tongues: Iterable[Tongue] = (),
    ) -> None:
        """Append a block.

        Args:
            kind: What it is.
            text: Without white space around it; empty for a scene break of white space.
            reason: Why it is skipped.
            level: Depth of a heading.
            cuts: With offsets into `text`.
            tongues: With offsets into `text`.

        Raises:
            ScriptError: The block or the book is too long.
        """
        at = self._length
        check_lengths(len(text), at + len(text), self.source)
        whole = f"{text}\n\n"
        self._pieces.append(whole)
        self._length += len(whole)
        self._blocks.append(
            Block(
                kind,
                at,
                self._length,
                reason,
                level,
                tuple(replace(cut, start=at + cut.start, end=at + cut.end) for cut in cuts),
                tuple(replace(tongue, start=at + tongue.start, end=at + tongue.end) for tongue in tongues),
            )
        )

    def skip(self, index: int, reason: str) -> None:
        """Let a block be skipped after all.

        Args:
            index: Its place among `blocks`.
            reason: Why.
        """
        block = self._blocks[index]
        self._blocks[index] = Block(BlockKind.SKIPPED, block.start, block.end, reason)

    def promote(self, index: int, level: int) -> None:
        """Let a paragraph be a heading after all.

        Args:
            index: Its place among `blocks`.
            level: Its depth.
        """
        self._blocks[index] = replace(self._blocks[index], kind=BlockKind.HEADING, level=level)

    def text(self) -> str:
        """Everything so far."""
        return "".join(self._pieces)

    def chapters(
        self, text: str, marks: Sequence[Mark] | None = None, *, title: str = "", authors: Sequence[str] = ()
    ) -> tuple[Chapter, ...]:
        """The chapters, by the marks given, else by those that were set on the way.

        What Project Gutenberg put around the book is skipped, and so are its title and authors at its beginning.

        Args:
            text: All of it, as `text` joins it.
            marks: Where chapters begin.
            title: Of the book.
            authors: Of the book.
        """
        front = [name for name in (title, *authors) if name]
        for index, block in enumerate(self._blocks):
            shown = _BY.sub("", text[block.start : block.end].strip(), count=1)
            if any(is_same_title(shown, name) for name in front):
                self.skip(index, TITLE_PAGE)
            elif block.kind in _SPOKEN or (block.kind is BlockKind.HEADING and index):
                break
        frame = find_frame(text)
        for index, block in enumerate(self._blocks):
            if block.end <= frame.start + _END_CHARS:
                self.skip(index, HEADER)
            elif block.start >= frame.end:
                self.skip(index, LICENCE)
        return chapters_of(text, self._blocks, self._marks if marks is None else marks)


def check_lengths(block: int, book: int, source: str, *, line: int | None = None) -> None:
    """Refuse what no book is.

    Args:
        block: Characters of a paragraph.
        book: Characters up to its end.
        source: Name of the file, for messages.
        line: Line at which the paragraph begins, if the file has lines.

    Raises:
        ScriptError: One of them is too long.
    """
    if block > MAX_BLOCK_CHARS:
        reason = (
            f"a paragraph of {block:,} characters (at most {MAX_BLOCK_CHARS:,}); set blank lines between paragraphs"
        )
        raise ScriptError(reason, source=source, line=line)
    if book > MAX_TEXT_CHARS:
        reason = f"longer than {MAX_TEXT_CHARS // 1_000_000} million characters; split it into volumes"
        raise ScriptError(reason, source=source)


def is_same_title(one: str, other: str) -> bool:
    """Whether two titles differ in nothing but case, spaces and punctuation."""
    return "".join(filter(str.isalnum, one)).casefold() == "".join(filter(str.isalnum, other)).casefold()


def is_break(text: str) -> bool:
    """Whether a paragraph is nothing but a scene break: ``* * *``, ``#``, ``⁂``."""
    return _BREAK_OF_MARKS.fullmatch(text) is not None and not text.isspace() and text.strip() not in (".", "...")


def chapters_of(text: str, blocks: Sequence[Block], marks: Sequence[Mark]) -> tuple[Chapter, ...]:
    """Chapters that tile the blocks.

    A chapter with nothing to say joins a neighbour: a part's title page the first chapter of the part, a title page
    and contents the first chapter, an index the last one.

    Args:
        text: The book's.
        blocks: At least one, in order.
        marks: In order; two at one place are a part and its first chapter.
    """
    drafts: list[_Draft] = [_Draft("", 1, [])]
    waiting = list(marks)
    for block in _settled(text, blocks):
        while waiting and waiting[0].at <= block.start:
            mark = waiting.pop(0)
            last = drafts[-1]
            if last.blocks:
                drafts.append(_Draft(shown_title(mark.title), mark.level, []))
            else:
                last.title, last.level = _joined(last.title, shown_title(mark.title)), mark.level
        drafts[-1].blocks.append(block)
    kept: list[_Draft] = []
    held: _Draft | None = None
    for draft in (draft for draft in drafts if draft.blocks):
        if held is not None:
            draft.blocks[:0] = held.blocks
            if draft.level > held.level:
                draft.title = _joined(held.title, draft.title)
            held = None
        if draft.is_silent:
            held = draft
        else:
            kept.append(draft)
    if held is not None:
        if kept:
            kept[-1].blocks.extend(held.blocks)
        else:
            kept.append(held)
    return tuple(Chapter(draft.title, tuple(draft.blocks), draft.level) for draft in kept)


@dataclass(slots=True)
class _Draft:
    title: str
    level: int
    blocks: list[Block]

    @property
    def is_silent(self) -> bool:
        return not any(block.kind in _SPOKEN for block in self.blocks)


def _joined(outer: str, inner: str) -> str:
    if not outer or not inner or outer == inner:
        return inner or outer
    return f"{outer} {inner}" if outer[-1] in ".:!?—" else f"{outer}. {inner}"


def _settled(text: str, blocks: Sequence[Block]) -> list[Block]:
    """Blocks without breaks of white space that mean nothing: beside a heading, beside another, or everywhere."""
    blank = [block.kind is BlockKind.SCENE_BREAK and not text[block.start : block.end].strip() for block in blocks]
    everywhere = 4 * sum(blank) > sum(block.kind in _SPOKEN for block in blocks)
    kept: list[Block] = []
    for index, block in enumerate(blocks):
        before = kept[-1].kind if kept else BlockKind.HEADING
        behind = blocks[index + 1].kind if index + 1 < len(blocks) else BlockKind.HEADING
        apart = before in _SPOKEN and behind in _SPOKEN
        if blank[index] and kept and (everywhere or not apart):
            kept[-1] = replace(kept[-1], end=block.end)
        else:
            kept.append(block)
    return kept


def shown_title(text: str) -> str:
    """A heading as listeners see it: one line, no marks of emphasis, capitals as in a title, no full stop behind.

    Numerals stay: "CHAPTER XIV." becomes "Chapter XIV".
    """
    text = " ".join(text.replace("_", " ").replace("*", " ").split()).strip(" =|")
    if text.endswith(".") and not text.endswith("..."):
        text = text[:-1].rstrip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1].strip()
    if not text.isupper():
        return text[:300]

    def cased(match: re.Match[str]) -> str:
        word = match[0]
        first = not _WORD.search(text[: match.start()]) or text[: match.start()].rstrip()[-1:] in ".:!?—"
        if roman_value(word) is not None and (len(word) > 1 or word == "I" or match.end() == len(text)):
            return word
        if re.fullmatch(r"[A-Z]", word) and text[match.end() : match.end() + 1] == ".":
            return word
        lower = word.lower()
        return lower if lower in _SMALL_WORDS and not first else lower[0].upper() + lower[1:]

    return _WORD.sub(cased, text)[:300]


def bind(
    text: str,
    chapters: tuple[Chapter, ...],
    *,
    source: str,
    title: str = "",
    authors: Sequence[str] = (),
    language: str = "",
    cover: bytes = b"",
    identifier: str = "",
    warnings: Sequence[str] = (),
) -> Book:
    """The finished book.

    Raises:
        ScriptError: Nothing in it can be spoken.
    """
    book = Book(
        text,
        chapters,
        title,
        tuple(dict.fromkeys(author for author in authors if author)),
        language,
        cover,
        identifier,
        source,
        tuple(dict.fromkeys(warnings)),
    )
    if not any(block.kind in _SPOKEN for block in book.blocks()):
        raise ScriptError("there is nothing to read in it; is it the right file?", source=source)
    return book
