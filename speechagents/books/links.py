"""Which links of a book's pages are marks of notes, and which elements hold the notes.

Owns this for books that do not say so, as most do not. Does not know how pages are found.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from speechagents.books.markup import Element, local_name
from speechagents.books.notes import is_back_link, is_note_mark
from speechagents.books.xhtml import semantics

_HOLDERS: Final = frozenset(("p", "li", "aside", "div", "dd", "section", "tr", "td"))
_NOTE_CHARS: Final = 6_000
"""Longest note; a longer element with a mark's target is a chapter."""

Target = tuple[str, str]
"""A page and the id of an element in it."""


def scan_links(root: Element, page: str) -> dict[Target, str]:
    """Where the marks of notes on a page point, with what they show.

    Args:
        root: Of its tree.
        page: Its name, to resolve links.
    """
    targets: dict[Target, str] = {}
    for link in _links(root):
        target = resolved(link.get("href"), page)
        text = "".join(link.itertext()).strip()
        if target is not None and _is_mark(link, text):
            targets[target] = text
    return targets


def note_links(root: Element, page: str, notes: frozenset[Target]) -> frozenset[Element]:
    """Elements of a page that are marks of the notes given."""
    return frozenset(
        link
        for link in _links(root)
        if resolved(link.get("href"), page) in notes and _is_mark(link, "".join(link.itertext()).strip())
    )


def note_holders(root: Element, page: str, targets: Mapping[Target, str]) -> dict[Target, Element]:
    """Elements of a page that hold notes, by the target of their marks.

    A target is a note if the element that holds it begins with the mark, or with or ends in a link back. The place of
    the mark is a target too, of that link, but stands in the midst of a paragraph.
    """
    wanted = {identifier: shown for (name, identifier), shown in targets.items() if name == page}
    found: dict[Target, Element] = {}
    if not wanted:
        return found
    for element in root.iter():
        identifier = element.get("id") or element.get("name") if isinstance(element.tag, str) else None
        if identifier not in wanted:
            continue
        holder = element
        while holder is not None and local_name(holder) not in _HOLDERS:
            holder = holder.getparent()
        if holder is None:
            continue
        text = "".join(holder.itertext()).strip()
        if len(text) <= _NOTE_CHARS and (_begins(text, wanted[identifier]) or _links_back(holder)):
            found[page, identifier] = holder
    return found


def resolved(href: str | None, page: str) -> Target | None:
    """Page and id that a link points at; None for one that leads elsewhere or to no element."""
    if not href or "#" not in href or "://" in href or href.startswith(("mailto:", "data:")):
        return None
    name, _, identifier = href.partition("#")
    where = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(name))) if name else page
    return where, unquote(identifier)


def _links(element: Element) -> Iterator[Element]:
    for found in element.iter():
        if local_name(found) == "a" and found.get("href"):
            yield found


def _begins(text: str, shown: str) -> bool:
    """Whether a text begins with what a mark shows: "1. The timetable" with "[1]"."""
    mark = shown.strip("[]().: ")
    text = text.lstrip("[( ")
    return bool(mark) and text.startswith(mark) and not text[len(mark) : len(mark) + 1].isalnum()


def _links_back(holder: Element) -> bool:
    """Whether the last thing in an element is an arrow back to the text."""
    last = next((link for link in reversed(list(_links(holder))) if "#" in link.get("href")), None)
    return last is not None and is_back_link("".join(last.itertext()))


def _is_mark(link: Element, text: str) -> bool:
    """Whether a link is set as the mark of a note: said so, raised, or in brackets."""
    if "noteref" in semantics(link):
        return True
    if not text or not is_note_mark(text):
        return False
    if text[0] in "[(*†‡§" or "note" in (link.get("class") or "").lower():
        return True
    parent = link.getparent()
    return (parent is not None and local_name(parent) == "sup") or any(local_name(c) == "sup" for c in link.iter())
