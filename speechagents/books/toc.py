"""An EPUB's table of contents: the navigation document of EPUB 3 and the NCX of EPUB 2.

Owns their reading, however nested, circular or broken. Does not know the pages they point at.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from speechagents.books.archive import Archive
from speechagents.books.heading_forms import numbered_kind
from speechagents.books.markup import Element, local_name, parse_page, parse_xml
from speechagents.books.package import Package
from speechagents.books.xhtml import semantics
from speechagents.errors import ScriptError

MAX_DEPTH: Final = 4
"""Deeper entries are sections within chapters."""
MAX_POINTS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Point:
    """An entry of the contents.

    Attributes:
        title: As shown.
        page: Name of the page in the archive.
        fragment: Id of the element on it, empty for its beginning.
        level: Depth, 1 the outermost.
    """

    title: str
    page: str
    fragment: str
    level: int


def read_contents(archive: Archive, package: Package, source: str) -> tuple[list[Point], list[str]]:
    """Entries in the order in which they stand, and warnings; none of either is an error.

    The navigation document counts; the NCX where there is none or it is empty.
    """
    warnings: list[str] = []
    for name, read in ((package.nav, _read_nav), (package.ncx, _read_ncx)):
        if not name:
            continue
        try:
            points = read(archive, name, source)
        except ScriptError as error:
            warnings.append(f"its contents cannot be read ({error}); chapters are found by other means")
            continue
        kept = _resolved(points, archive, warnings)
        if kept:
            return kept, warnings
    return [], warnings


def chapter_points(points: Sequence[Point]) -> list[Point]:
    """The entries that a listener would call chapters: those above them too, but not the sections within them."""
    said = [point.level for point in points if numbered_kind(point.title) == "chapter"]
    if len(said) < 2:
        return list(points)
    level = max(set(said), key=said.count)
    return [point for point in points if point.level <= level]


def landmarks(archive: Archive, package: Package, source: str) -> dict[str, str]:
    """What pages are for, by their name, as the navigation document of EPUB 3 says."""
    roles: dict[str, str] = {}
    if not package.nav:
        return roles
    try:
        root, _ = parse_page(archive.read(package.nav), package.nav, source)
    except ScriptError:
        return roles
    for nav in root.iter():
        if local_name(nav) == "nav" and "landmarks" in semantics(nav):
            for link in nav.iter():
                href = link.get("href") if local_name(link) == "a" else None
                if href and (found := archive.find(_joined(package.nav, href)[0])):
                    roles[found] = min(semantics(link), default="")
    return roles


def _read_nav(archive: Archive, name: str, source: str) -> list[Point]:
    root, _ = parse_page(archive.read(name), name, source)
    navs = [element for element in root.iter() if local_name(element) == "nav"]
    toc = next((nav for nav in navs if "toc" in semantics(nav)), navs[0] if navs else None)
    if toc is None:
        return []
    points: list[Point] = []
    for link in toc.iter():
        if local_name(link) == "a" and link.get("href") and len(points) < MAX_POINTS:
            level = sum(local_name(parent) in ("ol", "ul") for parent in link.iterancestors())
            page, fragment = _joined(name, link.get("href"))
            points.append(Point(_text(link), page, fragment, max(1, level)))
    return points


def _read_ncx(archive: Archive, name: str, source: str) -> list[Point]:
    root = parse_xml(archive.read(name), name, source)
    points: list[Point] = []
    for point in root.iter():
        if local_name(point) != "navpoint" or len(points) >= MAX_POINTS:
            continue
        label = next((_text(child) for child in point if local_name(child) == "navlabel"), "")
        target = next((child.get("src") for child in point if local_name(child) == "content"), None)
        if target:
            level = 1 + sum(local_name(parent) == "navpoint" for parent in point.iterancestors())
            page, fragment = _joined(name, target)
            points.append(Point(label, page, fragment, level))
    return points


def _resolved(points: list[Point], archive: Archive, warnings: list[str]) -> list[Point]:
    """Entries whose page is there, each place once."""
    kept, seen = [], set()
    for point in points:
        found = archive.find(point.page)
        if found is None:
            warnings.append(f"the contents name “{point.title[:60]}” on a page that is missing; the entry is left out")
        elif point.level <= MAX_DEPTH and (found, point.fragment, point.title) not in seen:
            seen.add((found, point.fragment, point.title))
            kept.append(Point(point.title, found, point.fragment, point.level))
    return kept


def _joined(page: str, href: str) -> tuple[str, str]:
    name, _, fragment = href.partition("#")
    where = posixpath.join(posixpath.dirname(page), unquote(name)) if name else page
    return posixpath.normpath(where), unquote(fragment)


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())[:300]
