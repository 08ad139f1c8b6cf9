"""XML, XHTML and HTML from a stranger become a tree, in bounded memory and without reaching anywhere.

Owns the parsers' settings. Document types are cut away before a parser sees them, so no entity of a document's own
is ever defined, let alone expanded; those that HTML names are put in by hand. Does not know what elements mean.
"""

from __future__ import annotations

import html.entities
import re
from functools import lru_cache
from typing import Any, Final

from speechagents.books.decoding import decode
from speechagents.errors import ScriptError

Element = Any
"""An element of lxml, which carries no types."""

MAX_PAGE_CHARS: Final = 10_000_000
"""Longest page, tags included; the parsers take no longer text in one piece."""

_DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
_DOCTYPE: Final = re.compile(r"<!DOCTYPE\b[^\[>]*(?:\[.*?\]\s*)?>", re.IGNORECASE | re.DOTALL)
_DOCTYPE_WITHIN: Final = 100_000
_ENTITY: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]{0,31});")
_XML_ENTITIES: Final = frozenset(("amp", "lt", "gt", "quot", "apos"))
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class BrokenMarkup(Exception):  # noqa: N818 - names what is wrong
    """A document is not well-formed.

    Args:
        message: What the parser says.
        line: 1-based.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def parse_xml(data: bytes, name: str, source: str) -> Element:
    """The root of a well-formed XML document.

    Args:
        data: The document.
        name: What it is, for messages.
        source: Name of the book's file.

    Raises:
        ScriptError: It is not well-formed, or nested too deeply.
    """
    text, _ = decode(data, source)
    try:
        return parse_text(text)
    except BrokenMarkup as error:
        reason = f"{name} in it is broken XML at its line {error.line}; export the book again"
        raise ScriptError(reason, source=source) from None


def parse_text(text: str) -> Element:
    """The root of a well-formed XML document that is decoded already.

    Raises:
        BrokenMarkup: It is not well-formed, or nested too deeply.
    """
    from lxml import etree

    try:
        return etree.fromstring(_prepared(text).encode(), _xml_parser())
    except etree.XMLSyntaxError as error:
        raise BrokenMarkup(error.msg or "no element in it", error.lineno or 1) from None


def parse_page(data: bytes, name: str, source: str) -> tuple[Element, str]:
    """The root of an XHTML or HTML page, and a warning if something was wrong with it (empty otherwise).

    A page that is no XML is read as browsers read it, so that one wrong tag does not cost a chapter.

    Raises:
        ScriptError: Not even so.
    """
    from lxml import etree

    text, warning = decode(data, source)
    if len(text) > MAX_PAGE_CHARS:
        reason = f"{name} is longer than {MAX_PAGE_CHARS // 1_000_000} million characters; split it into several pages"
        raise ScriptError(reason, source=source)
    if warning:
        warning = f"{name}: {warning}"
    prepared = _prepared(text)
    if not prepared.strip():
        return etree.Element("html"), warning
    looks_xml = prepared.lstrip().startswith("<?xml") or 'xmlns="http://www.w3.org/1999/xhtml"' in prepared[:2_000]
    if looks_xml or _DECLARATION.match(text):
        try:
            return parse_text(text), warning
        except BrokenMarkup as error:
            warning = warning or f"{name}: broken XHTML at its line {error.line}; read as a browser would"
    return parse_html(prepared, name, source), warning


def parse_html(text: str, name: str, source: str) -> Element:
    """The root of an HTML page, however wrong.

    Raises:
        ScriptError: Nothing at all can be made of it, or it is nested too deeply to be read to its end.
    """
    from lxml import etree

    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_pis=True, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ScriptError(f"{name} cannot be read as HTML ({error}); export it again", source=source) from None
    fatal = next((entry for entry in parser.error_log if entry.level_name == "FATAL"), None)
    if fatal is not None:
        # What stands behind this place was not read, and words must not be lost without a word about it.
        reason = (
            f"{name} goes beyond what is read (line {fatal.line}: {fatal.message.partition(',')[0]}); export it again"
        )
        raise ScriptError(reason, source=source)
    if root is None:
        return etree.Element("html")
    return root


def local_name(element: Element) -> str:
    """Name of an element without its namespace, lower case; empty for what is no element."""
    tag = element.tag
    return _local(tag) if isinstance(tag, str) else ""


@lru_cache(maxsize=1_024)
def _local(tag: str) -> str:
    return tag.rpartition("}")[2].rpartition(":")[2].lower()


def attribute(element: Element, name: str) -> str:
    """Value of an attribute by its local name, whatever its namespace; empty without one."""
    value = element.get(name)
    if value is not None:
        return str(value)
    for key, found in element.attrib.items():
        if key.rpartition("}")[2].rpartition(":")[2] == name:
            return str(found)
    return ""


def _xml_parser() -> Any:
    # A fresh parser for every document: what one of them defined, another one cannot use.
    from lxml import etree

    return etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, dtd_validation=False, remove_pis=True
    )


def _prepared(text: str) -> str:
    """A document without declaration and document type, HTML's names of characters replaced, forbidden ones cut."""
    text = text.removeprefix("\ufeff")
    text = _DECLARATION.sub("", text, count=1)
    place = text[:_DOCTYPE_WITHIN].lower().find("<!doctype")
    match = _DOCTYPE.match(text, place, place + _DOCTYPE_WITHIN) if place >= 0 else None
    if match is not None:
        # A newline for each that is cut, so that messages name the right line.
        text = text[:place] + "\n" * match[0].count("\n") + text[match.end() :]
    return _FORBIDDEN.sub("\ufffd", _ENTITY.sub(_character, text))


def _character(match: re.Match[str]) -> str:
    name = match[1]
    if name in _XML_ENTITIES:
        return match[0]
    known = html.entities.html5.get(f"{name};")
    # One of the document's own stands for nothing here: it is shown as it is written.
    return known if known is not None and known not in "&<>" else f"&amp;{name};"
