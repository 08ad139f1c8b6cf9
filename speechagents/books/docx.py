"""A Word document (DOCX) becomes a book.

Owns WordprocessingML as far as prose uses it: styles of headings, notes, breaks, languages, tracked changes. Headers,
footers and comments are no part of the text and are not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from speechagents.books.archive import Archive
from speechagents.books.book import BlockKind, Book, Cut, Tongue
from speechagents.books.composing import TITLE_PAGE, Composer, bind, is_break
from speechagents.books.markup import Element, attribute, local_name, parse_xml
from speechagents.books.notes import FOOTNOTE, Notes
from speechagents.books.outline import heading_marks, promote_headings
from speechagents.books.runs import Run, without
from speechagents.books.xhtml import READING
from speechagents.errors import ScriptError
from speechagents.scripts.languages import language_tag

_DOCUMENT: Final = "word/document.xml"
_HEADING: Final = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop)\s*(\d)", re.IGNORECASE)
_CONTENTS_STYLE: Final = re.compile(
    r"(?:toc|table of contents|contents|verzeichnis|tm|sumário)\b\s*(?:heading|\d)?", re.IGNORECASE
)
_TITLE_STYLES: Final = frozenset(("title", "subtitle", "author", "date", "titel", "untertitel"))
_VERSE_STYLE: Final = re.compile(r"verse|poem|poetry|line block|gedicht", re.IGNORECASE)
_IGNORED_NAMES: Final = (
    "del deltext movefrom instrtext fallback pict drawing object rpr ppr sectpr comment commentreference "
    "footnoteref endnoteref separator continuationseparator sdtpr"
)
_IGNORED: Final = frozenset(_IGNORED_NAMES.split())
_BREAKING: Final = frozenset(("br", "cr"))
_SPACES: Final = {"tab": " ", "ptab": " ", "nobreakhyphen": "-"}


def read_docx(path: Path, notes: Notes = Notes.SKIP) -> Book:
    """A book from a Word document.

    Raises:
        ScriptError: It is broken, too large, encrypted, or has nothing to read.
    """
    source = path.name
    with Archive(path, "DOCX") as archive:
        root = parse_xml(archive.read(_DOCUMENT), _DOCUMENT, source)
        styles = _Styles.read(archive, source)
        stories = {kind: _notes(archive, f"word/{kind}s.xml", source) for kind in ("footnote", "endnote")}
        core = _core(archive, source)
    composer = Composer(source)
    reader = _Reader(composer, styles, stories, notes)
    body = next((element for element in root if local_name(element) == "body"), root)
    reader.read(body)
    text = composer.text()
    if not composer.blocks:
        raise ScriptError("there is no text in it; is it the right file?", source=source)
    promote_headings(text, composer)
    title = core.get("title", "") or reader.title
    author = core.get("creator", "")
    return bind(
        text,
        composer.chapters(text, heading_marks(text, composer.blocks, title=title), title=title, authors=(author,)),
        source=source,
        title=title,
        authors=[name.strip() for name in re.split(r";|,? and ", author)],
        language=language_tag(core.get("language", "")) or styles.language,
        warnings=composer.warnings,
    )


@dataclass(frozen=True, slots=True)
class _Styles:
    """Names and outline levels of paragraph styles, and the language of the document."""

    names: Mapping[str, str]
    levels: Mapping[str, int]
    language: str

    @classmethod
    def read(cls, archive: Archive, source: str) -> _Styles:
        names: dict[str, str] = {}
        levels: dict[str, int] = {}
        language = ""
        if not archive.find("word/styles.xml"):
            return cls(names, levels, language)
        for style in parse_xml(archive.read("word/styles.xml"), "word/styles.xml", source):
            if local_name(style) == "docdefaults":
                language = next((_tag(e) for e in style.iter() if local_name(e) == "lang" and _tag(e)), "")
            identifier = attribute(style, "styleId") if local_name(style) == "style" else ""
            if identifier:
                names[identifier] = next((attribute(e, "val") for e in style if local_name(e) == "name"), identifier)
                for element in style.iter():
                    if local_name(element) == "outlinelvl" and attribute(element, "val").isdigit():
                        levels[identifier] = int(attribute(element, "val")) + 1
        return cls(names, levels, language)


class _Reader:
    """A document on its way into blocks."""

    def __init__(
        self, composer: Composer, styles: _Styles, stories: Mapping[str, Mapping[str, Element]], notes: Notes
    ) -> None:
        self._composer, self._styles, self._stories, self._notes = composer, styles, stories, notes
        self.title = ""

    def read(self, body: Element) -> None:
        from lxml import etree

        walker = etree.iterwalk(body, events=("start",))
        for _, element in walker:
            name = local_name(element)
            if name == "p":
                self._paragraph(element)
                walker.skip_subtree()
            elif name == "sdt" and any("Table of Contents" in attribute(e, "val") for e in element[0].iter()):
                self._skip(element, "contents")
                walker.skip_subtree()
            elif name in _IGNORED:
                walker.skip_subtree()

    def _skip(self, element: Element, reason: str) -> None:
        for paragraph in element.iter():
            if local_name(paragraph) == "p" and (text := self._read(paragraph).text):
                self._composer.add(BlockKind.SKIPPED, text, reason=reason)

    def _paragraph(self, element: Element) -> None:
        style, level = self._style(element)
        run = self._read(element)
        text = run.text
        if not text:
            self._composer.add(BlockKind.SCENE_BREAK, "")
        elif style.lower() in _TITLE_STYLES and not any(b.kind is not BlockKind.SKIPPED for b in self._composer.blocks):
            self.title = self.title or (" ".join(text.split()) if style.lower() in ("title", "titel") else "")
            self._composer.add(BlockKind.SKIPPED, text, reason=TITLE_PAGE)
        elif _CONTENTS_STYLE.fullmatch(style):
            self._composer.add(BlockKind.SKIPPED, text, reason="contents")
        elif run.is_silent:
            self._composer.add(BlockKind.SKIPPED, text, reason=run.cuts[0].reason)
        elif is_break(text):
            self._composer.add(BlockKind.SCENE_BREAK, text)
        else:
            kind = BlockKind.HEADING if level else BlockKind.PARAGRAPH
            if _VERSE_STYLE.search(style) or (not level and text.count("\n") >= 2):
                kind = BlockKind.VERSE
            self._composer.add(kind, text, level=level, cuts=run.cuts, tongues=run.tongues)
        for story, identifier in run.notes:
            self._note(story, identifier)

    def _note(self, kind: str, identifier: str) -> None:
        """A note behind the paragraph that names it."""
        story = self._stories[kind].get(identifier)
        for paragraph in story if story is not None else ():
            text = self._read(paragraph).text if local_name(paragraph) == "p" else ""
            if text and self._notes is Notes.SKIP:
                self._composer.add(BlockKind.SKIPPED, text, reason=FOOTNOTE)
            elif text:
                self._composer.add(BlockKind.PARAGRAPH, text)

    def _style(self, element: Element) -> tuple[str, int]:
        """Name of a paragraph's style, and its level as a heading."""
        properties = next((child for child in element if local_name(child) == "ppr"), None)
        name, level = "", 0
        for child in properties if properties is not None else ():
            if local_name(child) == "pstyle":
                identifier = attribute(child, "val")
                name = self._styles.names.get(identifier, identifier)
                level = self._styles.levels.get(identifier, 0)
            elif local_name(child) == "outlinelvl" and attribute(child, "val").isdigit():
                level = int(attribute(child, "val")) + 1
        match = _HEADING.fullmatch(name.replace("-", " "))
        if match:
            level = int(match[1])
        return name, level if level <= 6 else 0

    def _read(self, paragraph: Element) -> _Prose:
        return _Prose.read(paragraph, self._styles.language)


@dataclass(frozen=True, slots=True)
class _Prose:
    """The characters of a paragraph, and what they are."""

    text: str
    cuts: tuple[Cut, ...]
    tongues: tuple[Tongue, ...]
    notes: tuple[tuple[str, str], ...]

    @property
    def is_silent(self) -> bool:
        """Whether all of it is cut."""
        return not without(self.text, self.cuts).strip()

    @classmethod
    def read(cls, paragraph: Element, language: str) -> _Prose:
        """What stands in a paragraph of a document in a language."""
        from lxml import etree

        run = Run()
        notes: list[tuple[str, str]] = []
        ruby: Element | None = None
        hidden = False
        walker = etree.iterwalk(paragraph, events=("start", "end"))
        for event, element in walker:
            name = local_name(element)
            start = run.length
            if event == "end":
                ruby = None if element is ruby else ruby
            elif name == "r":
                spoken, hidden = _how(element)
                foreign = language and spoken.partition("-")[0] != language.partition("-")[0]
                run.speak(spoken if foreign else "")
            elif name == "rt":
                ruby = element
            elif name == "t":
                run.text(element.text or "", keep=True)
            elif name in _BREAKING and attribute(element, "type") not in ("page", "column"):
                run.text("\n", keep=True)
            elif name in _SPACES:
                run.text(_SPACES[name], keep=True)
            elif name in ("footnotereference", "endnotereference"):
                notes.append((name.removesuffix("reference"), attribute(element, "id")))
            elif name in _IGNORED:
                walker.skip_subtree()
            if ruby is not None or hidden:
                run.cut_from(start, READING if ruby is not None else "hidden")
        return cls(*run.taken(), tuple(notes))


def _how(run: Element) -> tuple[str, bool]:
    """Language of a run, empty for the document's, and whether it is hidden."""
    language, hidden = "", False
    properties = next((child for child in run if local_name(child) == "rpr"), None)
    for child in properties if properties is not None else ():
        if local_name(child) == "lang":
            language = _tag(child)
        elif local_name(child) == "vanish":
            hidden = attribute(child, "val") not in ("0", "false")
    return language, hidden


def _tag(element: Element) -> str:
    return language_tag(attribute(element, "val"))


def _notes(archive: Archive, name: str, source: str) -> dict[str, Element]:
    if not archive.find(name):
        return {}
    return {
        attribute(note, "id"): note
        for note in parse_xml(archive.read(name), name, source)
        if local_name(note) in ("footnote", "endnote") and attribute(note, "type") in ("", "normal")
    }


def _core(archive: Archive, source: str) -> dict[str, str]:
    if not archive.find("docProps/core.xml"):
        return {}
    try:
        root = parse_xml(archive.read("docProps/core.xml"), "docProps/core.xml", source)
    except ScriptError:
        return {}  # the text can be read without
    return {local_name(child): " ".join((child.text or "").split()) for child in root}
