"""An EPUB of version 2 or 3 becomes a book.

Owns the order of things: package, contents, notes, then page by page. Does not know how each of them is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from speechagents.books.archive import Archive
from speechagents.books.book import Book
from speechagents.books.composing import Composer, bind
from speechagents.books.links import Target, note_holders, note_links, scan_links
from speechagents.books.markup import Element, local_name, parse_page
from speechagents.books.notes import FOOTNOTE, Notes
from speechagents.books.outline import heading_marks, promote_headings
from speechagents.books.package import Package, is_picture, read_package
from speechagents.books.toc import Point, chapter_points, landmarks, read_contents
from speechagents.books.xhtml import Page, read_page
from speechagents.errors import ScriptError

MAX_COVER_BYTES: Final = 20 * 1024**2
_ROLES: Final = {
    "toc": "contents", "loi": "contents", "lot": "contents", "index": "index", "cover": "cover",
    "titlepage": "title page", "halftitlepage": "title page", "copyright-page": "copyright", "colophon": "colophon",
    "footnotes": FOOTNOTE, "endnotes": FOOTNOTE, "rearnotes": FOOTNOTE,
}  # fmt: skip
_OUTSIDE: Final = "outside the reading order"
_RIGHTS: Final = re.compile(
    r"©|\(c\)\s*\d|copyright|all rights reserved|\bISBN\b|alle rechte vorbehalten|tous droits", re.IGNORECASE
)
_RIGHTS_CHARS: Final = 4_000


@dataclass(slots=True)
class _Survey:
    """What a first pass over all pages tells about the notes of a book."""

    targets: dict[Target, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def read_epub(path: Path, notes: Notes = Notes.SKIP) -> Book:
    """A book from an EPUB.

    Raises:
        ScriptError: It is broken beyond what a reader would bear, too large, encrypted, or has nothing to read.
    """
    source = path.name
    with Archive(path, "EPUB") as archive:
        package = read_package(archive, source)
        points, warnings = read_contents(archive, package, source)
        composer = Composer(source, [*package.warnings, *warnings])
        roles = dict(package.roles) | landmarks(archive, package, source)
        survey = _survey(archive, package, roles, source)
        by_page = _by_page(chapter_points(points), package)
        for name, linear in package.pages:
            root, warning = parse_page(archive.read(name), name, source)
            if warning:
                composer.warn(warning)
            reason = survey.reasons.get(name, "" if linear else _OUTSIDE)
            if notes is Notes.READ and reason in (FOOTNOTE, _OUTSIDE):
                reason = ""
            holders = note_holders(root, name, survey.targets)
            page = Page(
                _marks(by_page.get(name, ()), root, composer),
                note_links(root, name, frozenset(survey.targets)),
                frozenset(holders.values()),
                reason,
            )
            read_page(root, composer, page, notes=notes, language=package.language)
        cover = _cover(archive, package, composer)
    text = composer.text()
    if not composer.blocks:
        raise ScriptError("its pages are empty or pictures only; there is nothing to read", source=source)
    few = len({(point.page, point.fragment) for point in points}) < 2
    if few:
        promote_headings(text, composer)
    marks = heading_marks(text, composer.blocks, title=package.title) if few else None
    return bind(
        text,
        composer.chapters(text, marks or None, title=package.title, authors=package.authors),
        source=source,
        title=package.title,
        authors=package.authors,
        language=package.language,
        cover=cover,
        identifier=package.identifier,
        warnings=composer.warnings,
    )


def _survey(archive: Archive, package: Package, roles: Mapping[str, str], source: str) -> _Survey:
    """Read every page once for its links: a note may stand on another page than its mark."""
    survey = _Survey()
    for name, _ in package.pages:
        root, _ = parse_page(archive.read(name), name, source)
        survey.targets |= scan_links(root, name)
        reason = _ROLES.get(roles.get(name, ""), "")
        body = _body(root)
        text = "".join(body.itertext()) if body is not None else ""
        if not reason and len(text) < _RIGHTS_CHARS and len(set(map(str.lower, _RIGHTS.findall(text)))) >= 2:
            reason = "copyright"
        if reason:
            survey.reasons[name] = reason
    return survey


def _body(root: Element) -> Element | None:
    return next((element for element in root.iter() if local_name(element) == "body"), None)


def _by_page(points: Sequence[Point], package: Package) -> dict[str, list[Point]]:
    pages: dict[str, list[Point]] = {name: [] for name, _ in package.pages}
    for point in points:
        if point.page in pages:
            pages[point.page].append(point)
    return pages


def _marks(points: Sequence[Point], root: Element, composer: Composer) -> dict[str, tuple[tuple[str, int], ...]]:
    """Chapters of a page by the element they begin at; those at its beginning are set at once."""
    if not points:
        return {}
    present = {
        identifier
        for element in root.iter()
        if isinstance(element.tag, str)
        for identifier in (element.get("id"), element.get("name"))
        if identifier
    }
    marks: dict[str, list[tuple[str, int]]] = {}
    for point in points:
        if point.fragment and point.fragment in present:
            marks.setdefault(point.fragment, []).append((point.title, point.level))
            continue
        if point.fragment:
            shown = f"“{point.title[:60]}” at #{point.fragment[:60]}, which is missing"
            composer.warn(f"the contents name {shown}; the chapter begins with its page")
        composer.mark(point.title, point.level)
    return {identifier: tuple(chapters) for identifier, chapters in marks.items()}


def _cover(archive: Archive, package: Package, composer: Composer) -> bytes:
    if not package.cover:
        return b""
    try:
        data = archive.read(package.cover)
    except ScriptError as error:
        composer.warn(f"its cover cannot be used: {error}")
        return b""
    if not is_picture(data) or len(data) > MAX_COVER_BYTES:
        composer.warn(f"its cover {package.cover[:80]!r} is no JPEG or PNG of at most 20 MB; it is left out")
        return b""
    return data
