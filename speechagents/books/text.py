"""Plain text becomes a book; the text itself stays as it is, to the character.

Owns what each group of lines is: heading, paragraph, verse, break, or skipped. Does not know how headings, notes
and boilerplate are told: `headings`, `marks` and `gutenberg` do.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.books import gutenberg
from speechagents.books.book import Block, BlockKind, Book, Cut
from speechagents.books.composing import (
    MAX_BLOCK_CHARS,
    TITLE_PAGE,
    Mark,
    bind,
    chapters_of,
    check_lengths,
    is_break,
    shown_title,
)
from speechagents.books.heading_forms import is_title_like
from speechagents.books.headings import Outline, find_outline
from speechagents.books.lines import Group, Layout, Line, find_layout, group, is_verse, lines_of
from speechagents.books.marks import Hyphens, find_cuts, find_hyphens
from speechagents.books.notes import FOOTNOTE, FOOTNOTE_MARK, Notes

CONTENTS: Final = "contents"

_NOTE: Final = re.compile(
    r"\s*(?:(?P<named>[\[(]?(?:Foot|End)note\b[^:\]]{0,12}:)|(?P<mark>\[(?:\d{1,4}|[A-Za-z]|[*†‡]{1,3})\]:?\s))",
    re.IGNORECASE,
)
_NOTED_WITHIN: Final = 6_000
"""How far behind its mark a note may stand among the paragraphs, in characters."""
_BY: Final = re.compile(r"_?(?:by|von|par|por|di|door)\b[\s:]*(?P<author>\S.{0,80})?", re.IGNORECASE)
_FRONT_CHARS: Final = 800
_FIELD: Final = re.compile(r"(title|author|language)\s*:\s*(\S.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Skip:
    """Whole lines that are not the book's, known before paragraphs are looked for.

    Attributes:
        start: First character, at a line's beginning.
        end: Behind the last one, at a line's end.
        reason: Why, for people.
    """

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain text and what is known about it from elsewhere.

    Attributes:
        text: The whole of it.
        source: Name of the file, for messages.
        skips: Lines that are not the book's, in order.
        marks: Where chapters begin, if that is known better than by headings.
        layout: How it is set, if that is known.
        title: As the file says it.
        authors: As the file says them.
        language: BCP 47 tag that the file says.
        warnings: What was doubtful before.
    """

    text: str
    source: str = ""
    skips: tuple[Skip, ...] = ()
    marks: tuple[Mark, ...] = ()
    layout: Layout | None = None
    title: str = ""
    authors: tuple[str, ...] = ()
    language: str = ""
    warnings: tuple[str, ...] = ()


def read_text(plain: Plain, notes: Notes = Notes.SKIP) -> Book:
    """A book from a plain text.

    Raises:
        ScriptError: It is too long, has too long a paragraph, or nothing to read.
    """
    text = plain.text
    check_lengths(0, len(text), plain.source)
    frame = gutenberg.find_frame(text)
    every = lines_of(text)
    for number, line in enumerate(every, 1):
        check_lengths(len(line.text), 0, plain.source, line=number)
    lines = [line for line in every if frame.start <= line.start < frame.end]
    layout = plain.layout or find_layout(lines)
    groups = group(lines, layout)
    reader = _Reader(plain, notes, frame, groups, layout, find_outline(groups), find_hyphens(text))
    return reader.book()


class _Reader:
    """One text on its way to a book."""

    def __init__(
        self,
        plain: Plain,
        notes: Notes,
        frame: gutenberg.Frame,
        groups: Sequence[Group],
        layout: Layout,
        outline: Outline,
        hyphens: Hyphens,
    ) -> None:
        self._plain, self._notes, self._frame = plain, notes, frame
        self._groups, self._layout, self._outline, self._hyphens = groups, layout, outline, hyphens
        self._skip_starts = [skip.start for skip in plain.skips]
        self._note_marks: dict[str, int] = {}
        self._title, self._authors, self._language = frame.title, [frame.author], frame.language
        # Blocks without their ends: each ends where the next one begins.
        self._begun: list[tuple[int, BlockKind, str, int]] = []
        self._marks: list[Mark] = list(plain.marks)

    def book(self) -> Book:
        text, frame = self._plain.text, self._frame
        if frame.start:
            self._begin(0, BlockKind.SKIPPED, gutenberg.HEADER)
        front = self._front_matter()
        in_notes = False
        for index, lines in enumerate(self._groups):
            if index in front:
                self._begin(lines.start, BlockKind.SKIPPED, front[index])
            elif index in self._outline.contents:
                self._begin(lines.start, BlockKind.SKIPPED, CONTENTS)
            elif index in self._outline.headings:
                in_notes = False
                self._heading(index, lines)
            elif index in self._outline.titles:
                self._begin(lines.start, BlockKind.HEADING, level=self._begun[-1][3])
            else:
                in_notes = in_notes or index == self._outline.notes
                self._paragraph(lines, in_notes=in_notes)
        if frame.end < len(text):
            self._begin(frame.end, BlockKind.SKIPPED, gutenberg.LICENCE)
        blocks = self._blocks()
        if not blocks:
            blocks = [Block(BlockKind.SKIPPED, 0, len(text), "nothing but white space")] if text else []
        return bind(
            text,
            chapters_of(text, blocks, self._marks),
            source=self._plain.source,
            title=self._plain.title or self._title,
            authors=self._plain.authors or self._authors,
            language=self._plain.language or self._language,
            warnings=self._plain.warnings,
        )

    def _begin(self, at: int, kind: BlockKind, reason: str = "", level: int = 0) -> None:
        if self._begun and self._begun[-1][1:3] == (kind, reason) and kind is BlockKind.SKIPPED:
            return  # one block for all of the contents
        self._begun.append((at, kind, reason, level))

    def _heading(self, index: int, lines: Group) -> None:
        heading = self._outline.headings[index]
        if heading.opens and not self._plain.marks:
            self._marks.append(Mark(lines.start, heading.title, heading.level))
        self._begin(lines.start, BlockKind.HEADING, level=heading.level)
        rest = lines.lines[heading.lines :]
        if rest:
            self._paragraph(Group(rest, 0), in_notes=False)

    def _paragraph(self, lines: Group, *, in_notes: bool) -> None:
        text = lines.text
        skipped = self._skip_at(lines.lines[0])
        if skipped and all(self._skip_at(line) for line in lines.lines):
            self._begin(lines.start, BlockKind.SKIPPED, skipped)
            return
        if gutenberg.is_illustration(text):
            self._begin(lines.start, BlockKind.SKIPPED, gutenberg.ILLUSTRATION)
        elif gutenberg.is_transcribers(text):
            self._begin(lines.start, BlockKind.SKIPPED, gutenberg.TRANSCRIBER)
        elif self._is_note(lines, in_notes=in_notes):
            kind = BlockKind.SKIPPED if self._notes is Notes.SKIP else BlockKind.PARAGRAPH
            self._begin(lines.start, kind, FOOTNOTE if kind is BlockKind.SKIPPED else "")
        elif is_break(text):
            self._begin(lines.start, BlockKind.SCENE_BREAK)
        else:
            self._space(lines)
            verse = is_verse(lines, self._layout.width)
            self._begin(lines.start, BlockKind.VERSE if verse else BlockKind.PARAGRAPH)
            for match in re.finditer(r"(?<=\S)\[(\d{1,4}|[A-Za-z]|[*†‡]{1,3})\]", text):
                self._note_marks[match[1]] = lines.start

    def _space(self, lines: Group) -> None:
        """A break where more white space than usual stands between two paragraphs."""
        if lines.gap > max(1, self._layout.gap) and self._begun:
            at = lines.start - 1
            text = self._plain.text
            # The block is the last of the blank lines; the paragraph before keeps the others.
            while at > self._begun[-1][0] and text[at - 1] not in "\r\n":
                at -= 1
            if at > self._begun[-1][0] and not text[at : lines.start].strip():
                self._begin(at, BlockKind.SCENE_BREAK)

    def _is_note(self, lines: Group, *, in_notes: bool) -> bool:
        match = _NOTE.match(lines.text)
        if in_notes or match is None:
            return in_notes
        if match["named"]:
            return True
        marked = self._note_marks.get(match["mark"].strip(" []:\t\r\n"))
        return marked is not None and lines.start - marked < _NOTED_WITHIN

    def _skip_at(self, line: Line) -> str:
        place = bisect_right(self._skip_starts, line.start) - 1
        if place < 0 or line.start >= self._plain.skips[place].end:
            return ""
        return self._plain.skips[place].reason

    def _blocks(self) -> list[Block]:
        text = self._plain.text
        blocks = []
        for number, (at, kind, reason, level) in enumerate(self._begun):
            start = 0 if number == 0 else at
            end = self._begun[number + 1][0] if number + 1 < len(self._begun) else len(text)
            spoken = kind is not BlockKind.SKIPPED and kind is not BlockKind.SCENE_BREAK
            cuts = self._cuts(start, end) if spoken else ()
            if spoken:
                check_lengths(end - start, 0, self._plain.source, line=_line_number(text, start, end))
            blocks.append(Block(kind, start, end, reason, level, cuts))
        return blocks

    def _cuts(self, start: int, end: int) -> tuple[Cut, ...]:
        cuts = list(find_cuts(self._plain.text, start, end, self._hyphens))
        if self._notes is Notes.READ and (match := _NOTE.match(self._plain.text, start, end)) and match["mark"]:
            cuts.append(Cut(match.start("mark"), match.end(), FOOTNOTE_MARK))
        first = max(0, bisect_right(self._skip_starts, start) - 1)
        for skip in self._plain.skips[first:]:
            if skip.start >= end:
                break
            if skip.end > start:
                cuts.append(Cut(max(start, skip.start), min(end, skip.end), skip.reason))
        return merged(cuts)

    def _front_matter(self) -> dict[int, str]:
        """Groups of a title page, with the reason why they are skipped; title and author are learnt from them."""
        groups, found = self._groups, {}
        first = min(self._outline.headings, default=None)
        if groups and (head := gutenberg.head_line(groups[0].text)) is not None:
            found[0] = gutenberg.HEADER
            self._title, self._authors = self._title or head[0], [*self._authors, head[1]]
        end = min(first if first is not None else len(groups), 12)
        front = [index for index in range(end) if index not in found and index not in self._outline.contents]
        if first is None and not any(_BY.fullmatch(groups[index].text) for index in front[1:4]):
            return found
        if sum(len(groups[index].text) for index in front) > _FRONT_CHARS:
            return found
        author_next = False
        for index in front:
            text = groups[index].text.strip("_ ")
            fields = [_FIELD.fullmatch(line.text.strip()) for line in groups[index].lines]
            by = _BY.fullmatch(text)
            if first is None and len(text) > 80:
                break
            if gutenberg.is_transcribers(text):
                continue
            if fields[0] is not None:
                self._learn({match[1].lower(): match[2] for match in fields if match})
            elif author_next or by is not None:
                name = text if author_next else (by["author"] or "") if by else ""
                self._authors.append(_plain_name(name))
                author_next = not name
            elif not self._title and is_title_like(text):
                self._title = _plain_name(text)
            elif not (is_title_like(text) or (len(text) <= 80 and text[-1] not in '.!?"”’,;:')):
                continue
            found[index] = TITLE_PAGE
        return found

    def _learn(self, fields: dict[str, str]) -> None:
        self._title = self._title or fields.get("title", "")
        self._authors.append(fields.get("author", ""))


def merged(cuts: Sequence[Cut]) -> tuple[Cut, ...]:
    """Cuts in order, those that overlap as one with the first one's reason."""
    kept: list[Cut] = []
    for cut in sorted(cuts, key=lambda cut: (cut.start, -cut.end)):
        if kept and cut.start < kept[-1].end:
            if cut.end > kept[-1].end:
                kept[-1] = Cut(kept[-1].start, cut.end, kept[-1].reason)
        else:
            kept.append(cut)
    return tuple(kept)


def _plain_name(text: str) -> str:
    return shown_title(text).rstrip(".,;:")


def _line_number(text: str, start: int, end: int) -> int | None:
    """Line of a block that is too long; counting lines for every other one would take quadratic time."""
    return text.count("\n", 0, start) + 1 if end - start > MAX_BLOCK_CHARS else None
