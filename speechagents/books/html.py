"""A page of HTML becomes a book.

Owns what is a book's metadata on a page. Does not know what elements mean to a listener: `xhtml` does.
"""

from __future__ import annotations

from speechagents.books.book import Book
from speechagents.books.composing import Composer, bind
from speechagents.books.gutenberg import find_frame
from speechagents.books.links import note_holders, note_links, scan_links
from speechagents.books.markup import Element, attribute, local_name, parse_page
from speechagents.books.notes import Notes
from speechagents.books.outline import heading_marks, promote_headings, sole_title
from speechagents.books.xhtml import Page, read_page
from speechagents.scripts.languages import language_tag

_AUTHORS = ("author", "dc.creator", "dcterms.creator", "dc:creator")


def read_html(data: bytes, source: str, notes: Notes = Notes.SKIP) -> Book:
    """A book from a page of HTML or XHTML.

    Args:
        data: The page.
        source: Name of the file, for messages.
        notes: Whether notes are voiced.

    Raises:
        ScriptError: It is no text, too long, or has nothing to read.
    """
    root, warning = parse_page(data, source, source)
    return book_of_page(root, source, notes, (warning,) if warning else ())


def book_of_page(
    root: Element,
    source: str,
    notes: Notes,
    warnings: tuple[str, ...] = (),
    *,
    title: str = "",
    authors: tuple[str, ...] = (),
    language: str = "",
) -> Book:
    """A book from the tree of one page.

    Args:
        root: Of the tree.
        source: Name of the file, for messages.
        notes: Whether notes are voiced.
        warnings: What was doubtful before.
        title: As known from elsewhere; else the page's.
        authors: As known from elsewhere; else the page's.
        language: As known from elsewhere; else the page's.

    Raises:
        ScriptError: It is too long, or has nothing to read.
    """
    composer = Composer(source, list(warnings))
    targets = scan_links(root, "")
    page = Page(
        note_links=note_links(root, "", frozenset(targets)),
        notes=frozenset(note_holders(root, "", targets).values()),
    )
    language = language or language_tag(attribute(root, "lang"))
    read_page(root, composer, page, notes=notes, language=language)
    text = composer.text()
    promote_headings(text, composer)
    frame = find_frame(text)
    shown = title or frame.title or _title(root) or sole_title(text, composer.blocks)
    names = authors or (frame.author, *_metas(root, _AUTHORS))
    marks = heading_marks(text, composer.blocks, title=shown)
    return bind(
        text,
        composer.chapters(text, marks, title=shown, authors=names),
        source=source,
        title=shown,
        authors=names,
        language=language or frame.language,
        warnings=composer.warnings,
    )


def _title(root: Element) -> str:
    found = next((element for element in root.iter() if local_name(element) == "title"), None)
    said = " ".join("".join(found.itertext()).split()) if found is not None else ""
    return said or next(iter(_metas(root, ("dc.title", "dcterms.title"))), "")


def _metas(root: Element, names: tuple[str, ...]) -> list[str]:
    return [
        " ".join((element.get("content") or "").split())
        for element in root.iter()
        if local_name(element) == "meta" and (element.get("name") or "").lower() in names and element.get("content")
    ]
