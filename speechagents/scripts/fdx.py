"""Final Draft (FDX) in: an XML file of typed paragraphs.

Owns what the parts of such a file become in a script. Does not write FDX and knows nothing of performing. Entities
and document types are refused: no Final Draft file holds any, and they are how XML is made to explode.

Final Draft publishes no schema; this follows what its versions 8 to 13 write. Text is literal there, so whatever
Fountain would take for a mark is escaped. Type styles become emphasis, struck-out text a boneyard, script notes
notes, omitted scenes a boneyard; "Cast List" paragraphs, which repeat the names of a scene, become notes.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain, groupby
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

from speechagents.errors import ScriptError
from speechagents.scripts.cue import is_extension, is_name, plain_name, split_cue
from speechagents.scripts.inline import literal
from speechagents.scripts.script import (
    Action,
    Boneyard,
    Dialogue,
    Element,
    Heading,
    Lyric,
    Note,
    PageBreak,
    Part,
    PartKind,
    Script,
    Transition,
)
from speechagents.scripts.title_page import TitlePage

MAX_DEPTH = 32
"""Deepest nesting of XML elements; Final Draft's own stays below ten."""

_EMPHASIS = (("Italic", "*"), ("Bold", "**"), ("Underline", "_"))
_LYRICS = frozenset({"lyrics", "lyric", "singing"})
_CREDIT = re.compile(r"(?:.*\b)?(?:by|written|screenplay|teleplay|story)$|by\b", re.IGNORECASE)
_BASIS = re.compile(r"(?:based|adapted|inspired)\b", re.IGNORECASE)


def parse_fdx(data: bytes, *, source: str = "") -> Script:
    """Read a Final Draft script.

    Args:
        data: The whole file; its XML declaration or UTF-8 says how it is encoded.
        source: Name of the file for messages.

    Raises:
        ScriptError: It is no well-formed XML, no Final Draft script, or holds entities or a document type.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.sax import make_parser

    reader = _Reader()
    parser = make_parser()
    parser.forbid_dtd = True
    parser.setContentHandler(reader)
    try:
        parser.parse(BytesIO(data))
    except DefusedXmlException:
        reason = "holds a document type or entities, which no Final Draft script needs; export it anew"
        raise ScriptError(reason, source=source, line=reader.line) from None
    except SAXParseException as error:
        reason = f"no well-formed XML ({error.getMessage()}); export it anew from Final Draft"
        raise ScriptError(reason, source=source, line=error.getLineNumber()) from None
    except ValueError as error:
        raise ScriptError(f"{error}; mend it in Final Draft", source=source, line=reader.line) from None
    return Script(reader.elements(), _title_page(reader.title_lines), source)


@dataclass(slots=True)
class _Run:
    """Text of one type style; `note` is a script note, already marked."""

    text: str
    styles: frozenset[str] = frozenset()
    note: bool = False


@dataclass(slots=True)
class _Paragraph:
    """A paragraph while it is read."""

    kind: str
    area: str
    line: int
    number: str = ""
    centered: bool = False
    new_page: bool = False
    dual: bool = False
    runs: list[_Run] = field(default_factory=list)

    @property
    def plain(self) -> str:
        """Its text without styles and notes."""
        return "".join(run.text for run in self.runs if not run.note)

    @property
    def marked(self) -> str:
        """Its text with emphasis and notes."""
        return "".join(_marked(self.runs))


class _Body:
    """Paragraphs of the body become elements; speech is gathered under its cue."""

    def __init__(self) -> None:
        self.elements: list[Element] = []
        self._cue: _Paragraph | None = None
        self._parts: list[Part] = []

    def add(self, paragraph: _Paragraph) -> None:
        """Take the next paragraph."""
        kind, text, line = paragraph.kind.casefold(), paragraph.marked, paragraph.line
        if not text.strip():
            return
        if self._cue and kind in ("dialogue", "parenthetical", *_LYRICS):
            self._parts += _parts(kind, text, line)
            return
        self.flush()
        if paragraph.new_page and self.elements:
            self.elements.append(PageBreak(line))
        if kind == "character":
            self._cue = paragraph
        elif not paragraph.plain.strip():
            self.elements += (Note(run.text.strip()[2:-2], line) for run in paragraph.runs if run.note)
        elif kind == "scene heading":
            self.elements.append(Heading(text, paragraph.number, line))
        elif kind == "transition":
            self.elements.append(Transition(text, line))
        elif kind in _LYRICS:
            self.elements.append(Lyric(text, line))
        elif kind == "cast list":
            self.elements.append(Note(_unbracketed(paragraph.plain), line))
        else:
            centered = paragraph.centered or kind in ("new act", "end of act")
            self.elements += (
                Action(block, centered, line) for block in re.split(r"\n[^\S\n]*\n", text) if block.strip()
            )

    def flush(self) -> None:
        """End the dialogue at hand."""
        cue, parts = self._cue, tuple(self._parts)
        self._cue, self._parts = None, []
        if cue is None:
            return
        name = split_cue(plain_name(cue.plain))
        if parts and is_name(name.name):
            extensions = tuple(filter(is_extension, name.extensions))
            self.elements.append(Dialogue(name.name, parts, extensions, cue.dual or name.dual, cue.line))
        else:
            # A cue that nobody follows, or that names nobody: shown, not lost.
            self.elements.append(Action("\n".join((cue.marked, *(part.text for part in parts))), source_line=cue.line))


class _Reader(ContentHandler):
    """Follows the XML and hands on each paragraph when it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.title_lines: list[tuple[str, bool]] = []
        self._body = _Body()
        self._locator: Locator | None = None
        self._path: list[str] = []
        self._open: list[_Paragraph] = []
        self._pieces: list[str] = []
        self._styles: frozenset[str] = frozenset()
        self._speakers = 0
        self._omitted: list[str] = []
        self._note: tuple[str, list[str]] = ("", [])
        self._ranged: list[tuple[int, Note]] = []
        self._offset = 0
        self._starts: list[int] = []
        self._places: list[int] = []

    @property
    def line(self) -> int:
        """Line of the file that is being read."""
        return (self._locator.getLineNumber() or 0) if self._locator else 0

    def elements(self) -> tuple[Element, ...]:
        """All of the body; notes with a range stand before the paragraph in which it begins."""
        self._body.flush()
        notes: defaultdict[int, list[Note]] = defaultdict(list)
        for offset, note in sorted(self._ranged, key=lambda entry: entry[0]):
            paragraph = bisect_right(self._starts, offset) - 1
            notes[self._places[paragraph] if paragraph >= 0 else 0].append(note)
        elements: list[Element] = []
        for place, element in enumerate(self._body.elements):
            elements += (*notes.pop(place, ()), element)
        return (*elements, *chain.from_iterable(notes.values()))

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802 - named by the SAX interface
        """Learn where lines are counted."""
        self._locator = locator

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - named by the SAX interface
        """Open an element."""
        if not self._path and name != "FinalDraft":
            raise ValueError(f"the file holds <{name[:40]}>, not a Final Draft script")
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} elements")
        if name == "Paragraph":
            self._open.append(self._paragraph(attrs))
        elif name == "Text":
            self._pieces = []
            self._styles = frozenset(attrs.get("Style", "").split("+"))
        elif name == "DualDialogue":
            self._speakers = 0
        elif name == "ScriptNote":
            self._note = (attrs.get("Range", ""), [])

    def characters(self, content: str) -> None:
        """Take text, possibly in pieces."""
        if self._path[-1] == "Text":
            self._pieces.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802 - named by the SAX interface
        """Close an element."""
        self._path.pop()
        if name == "Text" and self._open:
            self._open[-1].runs.append(_Run("".join(self._pieces), self._styles))
        elif name == "Paragraph":
            self._close(self._open.pop())
        elif name == "ScriptNote":
            self._close_note()
        elif name == "OmittedScene" and self._omitted:
            self._body.flush()
            self._body.elements.append(Boneyard("\n\n".join(self._omitted).replace("*/", "* /"), self.line))
            self._omitted = []

    def _paragraph(self, attrs: AttributesImpl) -> _Paragraph:
        paragraph = _Paragraph(attrs.get("Type", "Action"), self._area(), self.line)
        paragraph.number = "".join(c for c in attrs.get("Number", "") if c.isalnum() or c in ".-")
        paragraph.centered = attrs.get("Alignment") == "Center"
        paragraph.new_page = attrs.get("StartsNewPage") == "Yes"
        if paragraph.area == "body":
            self._starts.append(self._offset)
            self._places.append(len(self._body.elements))
            if "DualDialogue" in self._path and paragraph.kind == "Character":
                paragraph.dual = self._speakers % 2 == 1
                self._speakers += 1
        return paragraph

    def _area(self) -> str:
        """To what part of the file a paragraph that opens now belongs."""
        if "ScriptNote" in self._path:
            return "note"
        if "OmittedScene" in self._path:
            return "omitted"
        if "HeaderAndFooter" in self._path:
            return ""
        if "TitlePage" in self._path:
            return "title"
        return "body" if self._path[1:2] == ["Content"] else ""

    def _close(self, paragraph: _Paragraph) -> None:
        if paragraph.area == "body":
            self._offset += len(paragraph.plain) + 1
            self._body.add(paragraph)
        elif paragraph.area == "title":
            self.title_lines.append((paragraph.marked.strip(), paragraph.centered))
        elif paragraph.area == "omitted" and paragraph.plain.strip():
            self._omitted.append(paragraph.plain.strip())
        elif paragraph.area == "note" and paragraph.plain.strip():
            self._note[1].append(paragraph.plain.strip())

    def _close_note(self) -> None:
        place, texts = self._note
        text = _unbracketed("\n".join(texts))
        if not text:
            return
        first = place.partition(",")[0].strip()
        if self._open:
            self._open[-1].runs.append(_Run(f" [[{text}]]", note=True))
        elif first.isdecimal() and len(first) < 12:
            self._ranged.append((int(first), Note(text, self.line)))
        else:
            self._body.flush()
            self._body.elements.append(Note(text, self.line))


def _parts(kind: str, text: str, line: int) -> Iterator[Part]:
    """A paragraph below a cue as parts."""
    if kind == "parenthetical":
        words = text.strip()
        words = words[1:-1] if words.startswith("(") and words.endswith(")") else words.lstrip("(")
        if words.strip():
            yield Part(PartKind.PARENTHETICAL, words, line)
    else:
        yield Part(PartKind.SPEECH if kind == "dialogue" else PartKind.LYRIC, text, line)


def _marked(runs: list[_Run]) -> Iterator[str]:
    """Runs as marked text; neighbours of one style, which revisions part, are joined first."""
    for (styles, note), group in groupby(runs, key=lambda run: (run.styles, run.note)):
        text = "".join(run.text for run in group)
        if note:
            yield text
        elif "Strikeout" in styles and text.strip():
            yield "/*" + text.replace("*/", "* /") + "*/"
        else:
            yield "\n".join(_emphasised(literal(line), styles) for line in text.split("\n"))


def _emphasised(text: str, styles: frozenset[str]) -> str:
    """One line between the marks of its styles; spaces at its ends stay outside, where they do not break marks."""
    words = text.strip()
    if not words:
        return text
    start = text.index(words)
    marks = "".join(mark for style, mark in _EMPHASIS if style in styles)
    return f"{text[:start]}{marks}{words}{marks[::-1]}{text[start + len(words) :]}"


def _unbracketed(text: str) -> str:
    """Text that a note can hold."""
    return re.sub(r"\[(?=\[)|\](?=\])", r"\g<0> ", text).strip()


def _title_page(lines: list[tuple[str, bool]]) -> TitlePage:
    """Entries of a title page, told by order: Final Draft keeps no keys there.

    Empty lines and changes of alignment part blocks. The first block is the title; "written by" and its kin are
    the credit and the block below it the author; "based on" begins the source; all else is contact.
    """
    blocks = [
        [text for text, _ in group]
        for (filled, _), group in groupby(lines, key=lambda line: (bool(line[0]), line[1]))
        if filled
    ]
    entries: dict[str, list[str]] = {}
    awaited = "Title"
    for block in blocks:
        for text in block:
            if awaited != "Title" and "Credit" not in entries and _CREDIT.match(text):
                entries["Credit"], awaited = [text], "Author"
            elif awaited != "Title" and _BASIS.match(text):
                entries.setdefault("Source", []).append(text)
            else:
                entries.setdefault(awaited, []).append(text)
        if awaited in entries:
            awaited = "Contact"
    order = ("Title", "Credit", "Author", "Source", "Contact")
    return tuple((key, "\n".join(entries[key])) for key in order if key in entries)
