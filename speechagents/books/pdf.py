"""A PDF with a text layer becomes a book.

Owns the way from lines on pages to paragraphs: running heads and page numbers are told, paragraphs go on across
pages, words broken at the end of a line are joined. PDFium reads the file. Does not know headings: `text` finds them
in the lines, unless the file has bookmarks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, Final

from speechagents.books.book import Book
from speechagents.books.composing import MAX_TEXT_CHARS, Mark, is_break
from speechagents.books.heading_forms import numbered_kind
from speechagents.books.lines import Layout
from speechagents.books.marks import PAGE_NUMBER
from speechagents.books.notes import Notes
from speechagents.books.text import Plain, Skip, read_text
from speechagents.errors import ScriptError
from speechagents.scripts.languages import language_tag

MAX_PAGES: Final = 5_000
RUNNING_HEAD: Final = "running head"

_EDGE_LINES: Final = 2
"""How many lines at the top and at the bottom of a page may be running heads."""
_INDENT: Final = 4.0  # points
_OTHER_SIZE: Final = 0.12  # of a heading's type, as a share
_APART: Final = 1.45  # of the usual distance between lines
_HEAD_CHARS: Final = 100
_NUMBER: Final = re.compile(
    r"[-–—|\[( ]*(?:page |seite |p\. ?)?(?:\d{1,4}|[ivxlc]{1,7})(?: (?:of|von|/) \d{1,4})?[-–—|\]) ]*", re.IGNORECASE
)
_DIGITS: Final = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"[.!?…:][\"'”’»)\]]*$")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line on a page.

    Attributes:
        text: Without white space around it.
        left: Where it begins, in points.
        right: Where it ends, in points.
        top: Of its first character, in points from the bottom of the page.
        size: Of its type, in points.
    """

    text: str
    left: float
    right: float
    top: float
    size: float


def read_pdf(path: Path, notes: Notes = Notes.SKIP) -> Book:
    """A book from a PDF.

    Raises:
        ScriptError: It is broken, protected, too long, or has no text layer.
    """
    import pypdfium2 as pdfium

    source = path.name
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise ScriptError("protected by a password; save a copy without one", source=source) from None
        raise ScriptError(f"a broken PDF ({error}); download or export it again", source=source) from None
    try:
        if len(document) > MAX_PAGES:
            reason = f"{len(document)} pages (at most {MAX_PAGES}); split it into volumes"
            raise ScriptError(reason, source=source)
        pages = _pages(document, source)
        bookmarks = _bookmarks(document)
        said = {key: " ".join(str(value).split()) for key, value in document.get_metadata_dict().items()}
    except pdfium.PdfiumError as error:
        raise ScriptError(f"a broken PDF ({error}); download or export it again", source=source) from None
    finally:
        document.close()
    if sum(len(line.text) for page in pages for line in page) < 20 * max(1, len(pages)) ** 0.5:
        reason = "no text in it: its pages are pictures; run it through a text recogniser such as OCRmyPDF first"
        raise ScriptError(reason, source=source)
    layout = _Composition(pages)
    return read_text(
        Plain(
            layout.text,
            source,
            tuple(layout.skips),
            tuple(layout.marks(bookmarks)),
            Layout(0),
            title=said.get("Title", ""),
            authors=tuple(name.strip() for name in re.split(r";|,? and ", said.get("Author", "")) if name.strip()),
            language=language_tag(said.get("Language", "")),
        ),
        notes,
    )


def _pages(document: Any, source: str) -> list[list[_Line]]:
    pages, count = [], 0
    for number in range(len(document)):
        page = document[number]
        text_page = page.get_textpage()
        lines = _lines(text_page)
        text_page.close()
        page.close()
        count += sum(len(line.text) for line in lines)
        if count > MAX_TEXT_CHARS:
            reason = f"longer than {MAX_TEXT_CHARS // 1_000_000} million characters; split it into volumes"
            raise ScriptError(reason, source=source)
        pages.append(lines)
    return pages


def _lines(text_page: Any) -> list[_Line]:
    """Lines of a page from top to bottom as the file has them."""
    from pypdfium2 import raw

    whole = text_page.get_text_range()
    lines, at = [], 0
    usable = len(whole) == text_page.count_chars()  # characters beyond the basic plane shift the places
    for piece in re.split(r"(\r\n|\r|\n)", whole):
        text = _CONTROLS.sub("-", piece).strip() if piece.strip() else ""
        if text:
            first, last = at + len(piece) - len(piece.lstrip()), at + len(piece.rstrip()) - 1
            left = top = right = size = 0.0
            if usable:
                left, _, _, top = text_page.get_charbox(first)
                right = text_page.get_charbox(last)[2]
                size = raw.FPDFText_GetFontSize(text_page.raw, first)
            lines.append(_Line(text, left, right, top, size))
        at += len(piece)
    return lines


def _bookmarks(document: Any) -> list[tuple[str, int, int]]:
    """Title, level and page of the file's bookmarks, as far as they lead anywhere."""
    found: list[tuple[str, int, int]] = []
    for item in document.get_toc(max_depth=4):
        title = " ".join(item.get_title().split())[:300]
        target = item.get_dest()
        page = target.get_index() if target is not None else None
        if title and page is not None and len(found) < 2_000:
            found.append((title, item.level + 1, page))
    return found


class _Composition:
    """Pages joined into one plain text whose paragraphs are parted by blank lines."""

    def __init__(self, pages: Sequence[Sequence[_Line]]) -> None:
        self._pages = pages
        self._pieces: list[str] = []
        self._length = 0
        self.skips: list[Skip] = []
        self._page_starts: list[int] = []
        self._line_places: list[list[tuple[str, int]]] = []
        edges = self._edges()
        body = [
            line for number, page in enumerate(pages) for place, line in enumerate(page) if (number, place) not in edges
        ]
        gaps = [
            here.top - behind.top
            for number, page in enumerate(pages)
            for here, behind in pairwise(page)
            if here.top > behind.top
        ]
        self._gap = median(gaps) if gaps else 0.0
        rights = sorted(line.right for line in body)
        self._right = rights[int(len(rights) * 0.9)] if rights else 0.0
        previous: _Line | None = None
        for number, page in enumerate(pages):
            self._page_starts.append(self._length)
            places: list[tuple[str, int]] = []
            lefts = [round(line.left) for place, line in enumerate(page) if (number, place) not in edges]
            left = float(Counter(lefts).most_common(1)[0][0]) if lefts else 0.0
            fresh_page = True
            for place, line in enumerate(page):
                if (number, place) in edges:
                    self._skip(line, edges[number, place], paragraph=previous is not None and self._goes_on(previous))
                    continue
                if previous is not None and self._begins(line, previous, left, fresh_page=fresh_page):
                    self._write("\n")
                places.append((line.text, self._length))
                self._write(line.text + "\n")
                previous, fresh_page = line, False
            self._line_places.append(places)
        self.text = "".join(self._pieces)

    def marks(self, bookmarks: Sequence[tuple[str, int, int]]) -> list[Mark]:
        """Where the chapters of the bookmarks begin: at the line that bears the title, else at the page."""
        if len(bookmarks) < 2:
            return []
        marks = []
        for title, level, page in bookmarks:
            if page >= len(self._page_starts):
                continue
            at = next(
                (place for text, place in self._line_places[page] if _folded(text) and _folded(text) in _folded(title)),
                self._page_starts[page],
            )
            marks.append(Mark(at, title, level))
        return sorted(marks, key=lambda mark: mark.at)

    def _edges(self) -> dict[tuple[int, int], str]:
        """Lines at the edges of pages that are no text, with the reason."""
        found: dict[tuple[int, int], str] = {}
        seen: Counter[tuple[int, str]] = Counter()
        candidates = []
        for number, page in enumerate(self._pages):
            # By height, for many programs write a page's number before its text.
            order = sorted(range(len(page)), key=lambda place: -page[place].top)
            for side, places in ((0, order[:_EDGE_LINES]), (1, order[::-1][:_EDGE_LINES])):
                for rank, place in enumerate(places):
                    shape = _shape(page[place].text)
                    candidates.append((number, places, rank, side, shape))
                    if len(shape) <= _HEAD_CHARS:
                        seen[side, shape] += 1
        least = max(2, len(self._pages) // 12)
        for number, places, rank, side, shape in candidates:
            text = self._pages[number][places[rank]].text
            # Behind a running head the page's number may be one line further in.
            outermost = rank == 0 or (number, places[0]) in found
            if _NUMBER.fullmatch(text) and outermost and (seen[side, shape] >= least or len(self._pages) == 1):
                found[number, places[rank]] = PAGE_NUMBER
            elif seen[side, shape] >= least and outermost and not _SENTENCE_END.search(text):
                found[number, places[rank]] = RUNNING_HEAD
        return found

    def _begins(self, line: _Line, previous: _Line, left: float, *, fresh_page: bool) -> bool:
        """Whether a paragraph begins with a line."""
        if (
            abs(line.size - previous.size) > _OTHER_SIZE * previous.size
            or is_break(line.text)
            or is_break(previous.text)
        ):
            return True
        indented = line.left > left + _INDENT
        ended = _SENTENCE_END.search(previous.text) is not None
        if indented and (previous.left <= left + _INDENT or ended):
            return True
        if fresh_page:
            return not self._goes_on(previous)
        return self._gap > 0 and not -1 <= previous.top - line.top <= _APART * self._gap

    def _goes_on(self, line: _Line) -> bool:
        """Whether a paragraph cannot end with a line: no sentence does, or the line is full."""
        if line.text.endswith("-"):
            return True
        full = line.right == 0 or line.right >= 0.93 * self._right
        return full or not _SENTENCE_END.search(line.text)

    def _skip(self, line: _Line, reason: str, *, paragraph: bool) -> None:
        if not paragraph and self._pieces:
            self._write("\n")
        start = self._length
        self._write(line.text + "\n")
        self.skips.append(Skip(start, self._length, reason))
        if not paragraph:
            self._write("\n")

    def _write(self, text: str) -> None:
        self._pieces.append(text)
        self._length += len(text)


def _shape(text: str) -> str:
    """A line with its numbers masked, as it looks on every page; headings of chapters differ by their number."""
    return text if numbered_kind(text) else _DIGITS.sub("#", text.casefold())


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
