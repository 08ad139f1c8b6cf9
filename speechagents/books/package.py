"""The package of an EPUB: its metadata, its files, and the order in which they are read.

Owns the OPF document and how it is found. Does not know what stands on the pages.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from speechagents.books.archive import Archive
from speechagents.books.markup import Element, attribute, local_name, parse_xml
from speechagents.errors import ScriptError
from speechagents.scripts.languages import language_tag

MAX_PAGES: Final = 5_000
_PAGE_TYPES: Final = frozenset(("application/xhtml+xml", "text/html", "application/xml", "text/xml", ""))
_PAGE_SUFFIXES: Final = (".xhtml", ".html", ".htm", ".xml")
_FONT_ENCRYPTION: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the book.

    Attributes:
        name: In the archive.
        media_type: As the package says.
        properties: As the package says.
    """

    name: str
    media_type: str
    properties: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Package:
    """An EPUB without its pages.

    Attributes:
        title: Empty if it says none.
        authors: Those of the text.
        language: BCP 47 tag, empty if it says none.
        identifier: Its unique one.
        pages: Names in reading order, with whether each is part of it.
        nav: Name of the navigation document of EPUB 3, empty without one.
        ncx: Name of the table of contents of EPUB 2, empty without one.
        cover: Name of the picture, empty without one.
        roles: What pages are for, by their name: ``toc``, ``cover``, ``titlepage``, ``copyright-page``.
        warnings: What was doubtful.
    """

    title: str
    authors: tuple[str, ...]
    language: str
    identifier: str
    pages: tuple[tuple[str, bool], ...]
    nav: str
    ncx: str
    cover: str
    roles: Mapping[str, str]
    warnings: tuple[str, ...]


def read_package(archive: Archive, source: str) -> Package:
    """Read the package of an EPUB.

    Raises:
        ScriptError: It has none, it is broken, it lists no page that is there, or its pages are encrypted.
    """
    name = _find_package(archive, source)
    root = parse_xml(archive.read(name), f"the package {posixpath.basename(name)}", source)
    folder = posixpath.dirname(name)
    warnings: list[str] = []
    items = _manifest(root, folder)
    _refuse_locked(archive, items, source)
    metadata = [element for element in root.iter() if local_name(element) == "metadata"]
    said = [element for parent in metadata for element in parent.iter() if isinstance(element.tag, str)]
    pages = _spine(root, items, archive, warnings)
    if not pages:
        raise ScriptError("its package lists no page that is there; export the book again", source=source)
    if len(pages) > MAX_PAGES:
        raise ScriptError(f"{len(pages)} pages in one EPUB (at most {MAX_PAGES}); it is refused", source=source)
    nav = next((item.name for item in items.values() if "nav" in item.properties), "")
    ncx = next((item.name for item in items.values() if item.media_type == "application/x-dtbncx+xml"), "")
    unique = root.get("unique-identifier")
    identifiers = [e for e in said if local_name(e) == "identifier" and _text(e)]
    chosen = next((e for e in identifiers if e.get("id") == unique), identifiers[0] if identifiers else None)
    return Package(
        title=next((_text(e) for e in said if local_name(e) == "title" and _text(e)), ""),
        authors=_authors(said),
        language=next((language_tag(_text(e)) for e in said if local_name(e) == "language" and _text(e)), ""),
        identifier=_text(chosen) if chosen is not None else "",
        pages=tuple(pages),
        nav=archive.find(nav) or "" if nav else "",
        ncx=archive.find(ncx) or "" if ncx else "",
        cover=_cover(items, said, archive),
        roles=_guide(root, folder, archive),
        warnings=tuple(warnings),
    )


def is_picture(data: bytes) -> bool:
    """Whether bytes are a JPEG or PNG, as covers are."""
    return data.startswith(_PICTURES)


def _find_package(archive: Archive, source: str) -> str:
    if archive.find("META-INF/container.xml"):
        root = parse_xml(archive.read("META-INF/container.xml"), "META-INF/container.xml", source)
        for element in root.iter():
            path = element.get("full-path") if local_name(element) == "rootfile" else None
            if path and (found := archive.find(path)):
                return found
    for guess in ("content.opf", "OEBPS/content.opf", "OPS/content.opf", "EPUB/package.opf", "OEBPS/package.opf"):
        if found := archive.find(guess):
            return found
    raise ScriptError("no EPUB: it has no package document (content.opf); export the book again", source=source)


def _manifest(root: Element, folder: str) -> dict[str, Item]:
    items: dict[str, Item] = {}
    for element in root.iter():
        if local_name(element) == "item" and element.get("id") and element.get("href"):
            name = posixpath.normpath(posixpath.join(folder, unquote(element.get("href").partition("#")[0])))
            properties = frozenset((element.get("properties") or "").split())
            items.setdefault(element.get("id"), Item(name, (element.get("media-type") or "").strip(), properties))
    return items


def _refuse_locked(archive: Archive, items: Mapping[str, Item], source: str) -> None:
    """Refuse a book with copy protection; scrambled fonts do not matter to a listener."""
    if not archive.find("META-INF/encryption.xml"):
        return
    pages = {item.name for item in items.values() if item.media_type in _PAGE_TYPES}
    root = parse_xml(archive.read("META-INF/encryption.xml"), "META-INF/encryption.xml", source)
    for data in root.iter():
        if local_name(data) != "encrypteddata":
            continue
        method = next((e.get("Algorithm", "") for e in data.iter() if local_name(e) == "encryptionmethod"), "")
        name = next((unquote(e.get("URI", "")) for e in data.iter() if local_name(e) == "cipherreference"), "")
        if method not in _FONT_ENCRYPTION and name in pages:
            raise ScriptError("its pages are encrypted (copy protection); use a copy without it", source=source)


def _spine(root: Element, items: Mapping[str, Item], archive: Archive, warnings: list[str]) -> list[tuple[str, bool]]:
    pages: list[tuple[str, bool]] = []
    seen = set()
    for element in root.iter():
        if local_name(element) != "itemref":
            continue
        item = items.get(element.get("idref") or "")
        found = archive.find(item.name) if item else None
        if item is None or found is None:
            shown = (item.name if item else element.get("idref") or "")[:80]
            warnings.append(f"the page {shown!r} of the reading order is missing; the book is read without it")
        elif found in seen:
            warnings.append(f"the page {found[:80]!r} stands twice in the reading order; it is read once")
        elif item.media_type in _PAGE_TYPES or found.lower().endswith(_PAGE_SUFFIXES):
            seen.add(found)
            pages.append((found, (element.get("linear") or "yes").strip().lower() != "no"))
    return pages


def _authors(said: list[Element]) -> tuple[str, ...]:
    """Creators that wrote the text; all of them where no role is said."""
    refined = {
        (e.get("refines") or "").lstrip("#"): _text(e)
        for e in said
        if local_name(e) == "meta" and e.get("property") == "role"
    }
    names = []
    for element in said:
        if local_name(element) == "creator" and _text(element):
            role = attribute(element, "role") or refined.get(element.get("id") or "", "")
            if role.lower() in ("", "aut", "author"):
                names.append(_text(element))
    return tuple(names)


def _cover(items: Mapping[str, Item], said: list[Element], archive: Archive) -> str:
    named = [item.name for item in items.values() if "cover-image" in item.properties]
    for element in said:
        if local_name(element) == "meta" and element.get("name") == "cover":
            item = items.get(element.get("content") or "")
            named += [item.name] if item else []
    named += [
        item.name for key, item in items.items() if "cover" in key.lower() and item.media_type.startswith("image/")
    ]
    return next((found for name in named if (found := archive.find(name))), "")


def _guide(root: Element, folder: str, archive: Archive) -> dict[str, str]:
    roles = {}
    for element in root.iter():
        if local_name(element) == "reference" and element.get("href"):
            name = posixpath.normpath(posixpath.join(folder, unquote(element.get("href").partition("#")[0])))
            kind = (element.get("type") or "").lower().replace("title-page", "titlepage").replace("notes", "footnotes")
            found = archive.find(name)
            if found:
                roles[found] = kind
    return roles


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())[:500]
