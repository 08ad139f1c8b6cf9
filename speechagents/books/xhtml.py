"""A page of XHTML or HTML becomes blocks: for EPUB, HTML and Markdown alike.

Owns what elements mean to a listener. Does not know where pages come from, nor which links point at notes: whoever
calls has told (`links`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from speechagents.books.book import BlockKind
from speechagents.books.composing import Composer, is_break
from speechagents.books.gutenberg import LICENCE, is_transcribers
from speechagents.books.markup import Element, attribute, local_name
from speechagents.books.notes import FOOTNOTE, FOOTNOTE_MARK, Notes, is_back_link, is_note_mark
from speechagents.books.runs import Run, without
from speechagents.scripts.languages import language_tag

CONTENTS: Final = "contents"
PAGE_NUMBER: Final = "page number"
READING: Final = "reading of a character"
RULE: Final = "* * *"
"""How a ruled line stands in the text."""
BACK_LINK: Final = "link back to the text"

_IGNORED_NAMES: Final = (
    "head script style template noscript object iframe audio video canvas svg math select textarea button input "
    "map track source embed"
)
_IGNORED: Final = frozenset(_IGNORED_NAMES.split())
_BLOCK_NAMES: Final = (
    "html body p div h1 h2 h3 h4 h5 h6 li ul ol dl dt dd blockquote section article aside header footer main nav "
    "figure figcaption table thead tbody tfoot tr caption pre address hr form fieldset details summary center "
    "hgroup search"
)
_BLOCKS: Final = frozenset(_BLOCK_NAMES.split())
_CELLS: Final = frozenset(("td", "th"))
_SKIPPED_TYPES: Final = {
    "note": FOOTNOTE, "footnote": FOOTNOTE, "footnotes": FOOTNOTE, "endnote": FOOTNOTE, "endnotes": FOOTNOTE,
    "rearnote": FOOTNOTE,
    "rearnotes": FOOTNOTE, "toc": "contents", "landmarks": "contents", "page-list": "contents", "loi": "contents",
    "lot": "contents", "pagelist": "contents", "index": "index", "titlepage": "title page",
    "halftitlepage": "title page", "copyright-page": "copyright", "copyrightpage": "copyright",
    "colophon": "colophon", "cover": "cover",
}  # fmt: skip
_PAGE_CLASS: Final = re.compile(
    r"(?:^|[\s_-])(?:pagenum|pageno|page-?number|page-?break|pb)(?:s|bered)?(?:$|[\s_-])", re.IGNORECASE
)
_NOTES_CLASS: Final = re.compile(r"(?:^|\s)(?:foot|end)notes?(?:-[\w-]+)?(?:$|\s)", re.IGNORECASE)
_NOTE_CLASS: Final = re.compile(r"note-?ref|fn-?ref|footnote|fnanchor", re.IGNORECASE)
_VERSE_CLASS: Final = re.compile(
    r"(?:^|[\s_-])(?:poem|poetry|verse|stanza|line-?block|line-?group|linegroup|lg)(?:$|[\s_-])", re.IGNORECASE
)
_STANZA_CLASS: Final = re.compile(
    r"(?:^|[\s_-])(?:stanza|line-?block|line-?group|linegroup|lg)(?:$|[\s_-])", re.IGNORECASE
)
_HIDDEN: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NOTED: Final = re.compile(r"(?:[.,;:!?…\"”’»)]|[^\W\d_]{3})$")
_VERSE_LINE_CHARS: Final = 60
_LINKED_SHARE: Final = 0.6
"""Share of a line of contents that is a link; a page's number or a chapter's may stand beside it."""
_CONTENTS_ENTRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Page:
    """What is known about a page before it is read.

    Attributes:
        marks: Title and level of the chapters that begin at an element, by its id.
        note_links: Elements that are links to notes.
        notes: Elements that hold a note each.
        skip: Reason if all of it is skipped, empty otherwise.
    """

    marks: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    note_links: frozenset[Element] = frozenset()
    notes: frozenset[Element] = frozenset()
    skip: str = ""


def read_page(root: Element, composer: Composer, page: Page, *, notes: Notes, language: str) -> None:
    """Append the blocks of a page.

    Args:
        root: Of its tree.
        composer: Takes them.
        page: What is known about it.
        notes: Whether notes are voiced.
        language: BCP 47 tag of the book, empty if it says none: the page's own counts then.

    Raises:
        ScriptError: A paragraph is too long.
    """
    _Reader(composer, page, notes, language).read(root)


def semantics(element: Element) -> frozenset[str]:
    """What an element says it is: the terms of EPUB's structural semantics, from ``epub:type`` and ARIA's roles."""
    terms: list[str] = []
    for key, value in element.attrib.items():
        if key in ("epub:type", "{http://www.idpf.org/2007/ops}type"):
            terms += value.lower().split()
        elif key == "role":
            terms += [role[4:] for role in value.lower().split() if role.startswith("doc-")]
    return frozenset(terms)


class _Reader:
    """One page on its way into blocks: elements come in document order, without recursion."""

    def __init__(self, composer: Composer, page: Page, notes: Notes, language: str) -> None:
        self._composer, self._page, self._notes = composer, page, notes
        self._book_language = _primary(language)
        self._run = Run()
        self._skips: list[str] = [page.skip] if page.skip else []
        self._skippers: set[Element] = set()
        self._headings: list[int] = []
        self._verse = self._stanza = self._pre = 0
        self._languages: list[str] = [""]
        self._waiting: list[tuple[str, int]] = []
        self._entries: list[int] = []

    def read(self, root: Element) -> None:
        from lxml import etree

        walker = etree.iterwalk(root, events=("start", "end", "comment"))
        for event, element in walker:
            if event == "comment":
                self._text(element.tail)
            elif event == "start":
                if local_name(element) in _IGNORED:
                    walker.skip_subtree()
                else:
                    self._start(element)
                    self._text(element.text)
            else:
                if local_name(element) not in _IGNORED:
                    self._end(element)
                if element is not root:
                    self._text(element.tail)
        self._flush()
        self._skip_contents()

    def _start(self, element: Element) -> None:
        name = local_name(element)
        self._language(element)
        if name in _BLOCKS:
            self._start_block(element, name)
        elif name == "br":
            self._run.newline()
        elif name in _CELLS:
            self._run.text(" ", keep=False)
        if name == "a" and "://" not in (element.get("href") or ""):
            self._run.open_link(element)
        reason = self._cut_reason(element, name) if name not in _BLOCKS else ""
        if reason:
            self._run.open_cut(element, reason)
        mark = element.get("id") or (element.get("name") if name == "a" else None)
        if mark and mark in self._page.marks:
            self._mark(self._page.marks[mark])

    def _start_block(self, element: Element, name: str) -> None:
        if self._stanza and name in ("p", "div", "li"):
            # Every line of a stanza is an element of its own in some books.
            if not self._run.is_empty:
                self._run.newline()
        else:
            self._flush()
        reason = self._skip_reason(element, name)
        if reason:
            self._skips.append(reason)
            self._skippers.add(element)
        if len(name) == 2 and name[0] == "h" and name[1].isdigit():
            self._headings.append(int(name[1]))
        kinds = element.get("class") or ""
        self._verse += _VERSE_CLASS.search(kinds) is not None
        self._stanza += _STANZA_CLASS.search(kinds) is not None
        self._pre += name == "pre"
        if name == "hr":
            self._break()

    def _end(self, element: Element) -> None:
        name = local_name(element)
        self._run.close_cut(element)
        self._run.close_link(element)
        if name in _BLOCKS:
            kinds = element.get("class") or ""
            inside = self._stanza and name in ("p", "div", "li") and not _STANZA_CLASS.search(kinds)
            if not inside:
                self._flush(lone=name == "p")
            if len(name) == 2 and name[0] == "h" and name[1].isdigit():
                self._headings.pop()
            self._verse -= _VERSE_CLASS.search(kinds) is not None
            self._stanza -= _STANZA_CLASS.search(kinds) is not None
            self._pre -= name == "pre"
            if element in self._skippers:
                self._skippers.discard(element)
                self._skips.pop()
        self._languages.pop()
        self._run.speak(self._languages[-1])

    def _text(self, text: str | None) -> None:
        if text:
            self._run.text(text, keep=self._pre > 0)

    def _language(self, element: Element) -> None:
        said = attribute(element, "lang")
        tag = language_tag(said) if said else ""
        if tag and not self._book_language and local_name(element) in ("html", "body"):
            self._book_language = _primary(tag)
        foreign = self._languages[-1] if not tag else tag if _primary(tag) != self._book_language else ""
        self._languages.append(foreign)
        self._run.speak(foreign)

    def _mark(self, chapters: tuple[tuple[str, int], ...]) -> None:
        if self._run.is_empty or self._headings:
            for title, level in chapters:
                self._composer.mark(title, level)
        else:
            # In the midst of a paragraph: the chapter begins behind it.
            self._waiting.extend(chapters)

    def _skip_reason(self, element: Element, name: str) -> str:
        kinds = semantics(element)
        for kind in sorted(kinds):
            if kind in _SKIPPED_TYPES:
                reason = _SKIPPED_TYPES[kind]
                return "" if reason == FOOTNOTE and self._notes is Notes.READ else reason
        css = element.get("class") or ""
        if element in self._page.notes or (_NOTES_CLASS.search(css) and name in ("div", "section", "aside", "ol")):
            return FOOTNOTE if self._notes is Notes.SKIP else ""
        if "pg-boilerplate" in css:
            return LICENCE
        if element.get("hidden") is not None or _HIDDEN.search(element.get("style") or ""):
            return "hidden"
        if "pagebreak" in kinds or _PAGE_CLASS.search(css):
            return PAGE_NUMBER if len("".join(element.itertext())) < 40 else ""
        return ""

    def _cut_reason(self, element: Element, name: str) -> str:
        if name in ("rt", "rp", "rtc"):
            return READING
        kinds = semantics(element)
        css = element.get("class") or ""
        text = "".join(element.itertext())
        if "pagebreak" in kinds or (_PAGE_CLASS.search(css) and len(text) < 40):
            return PAGE_NUMBER
        if kinds & {"noteref", "annoref"} or element in self._page.note_links:
            return FOOTNOTE_MARK
        if kinds & {"backlink", "referrer"} or (name == "a" and element.get("href") and is_back_link(text)):
            return BACK_LINK
        if kinds & {"footnote", "note", "endnote"} and self._notes is Notes.SKIP:
            return FOOTNOTE
        if _NOTE_CLASS.search(css) and is_note_mark(text):
            return FOOTNOTE_MARK
        if name == "sup" and is_note_mark(text) and not text.strip().isalpha() and _NOTED.search(self._run.tail()):
            return FOOTNOTE_MARK
        if element.get("hidden") is not None or _HIDDEN.search(element.get("style") or ""):
            return "hidden"
        return ""

    def _break(self) -> None:
        if self._skips:
            return
        self._composer.add(BlockKind.SCENE_BREAK, RULE)

    def _flush(self, *, lone: bool = False) -> None:
        """End the block that is being read.

        Args:
            lone: It was a paragraph of its own; an empty one is white space on the page.
        """
        text, cuts, tongues = self._run.taken()
        blank, linked = self._run.is_blank, self._run.linked
        self._run = self._run.follower()
        if not text:
            if lone and blank and not self._skips:
                self._composer.add(BlockKind.SCENE_BREAK, "")
            self._set_waiting()
            return
        spoken = without(text, cuts)
        if linked > _LINKED_SHARE * len(text):
            self._entries.append(len(self._composer.blocks))
        if self._skips:
            self._composer.add(BlockKind.SKIPPED, text, reason=self._skips[-1])
        elif not spoken.strip():
            self._composer.add(BlockKind.SKIPPED, text, reason=cuts[0].reason)
        elif is_transcribers(text):
            self._composer.add(BlockKind.SKIPPED, text, reason="transcriber's note")
        elif self._headings:
            self._composer.add(BlockKind.HEADING, text, level=self._headings[-1], cuts=cuts, tongues=tongues)
        elif is_break(spoken.strip()):
            self._composer.add(BlockKind.SCENE_BREAK, text)
        else:
            lines = text.split("\n")
            short = len(lines) > 2 and sum(map(len, lines)) < _VERSE_LINE_CHARS * len(lines)
            verse = self._verse > 0 or (short and not self._pre)
            kind = BlockKind.VERSE if verse else BlockKind.PARAGRAPH
            self._composer.add(kind, text, cuts=cuts, tongues=tongues)
        self._set_waiting()

    def _skip_contents(self) -> None:
        """Skip lists of links to other places in the book: contents that do not say what they are."""
        runs: list[list[int]] = []
        for index in self._entries:
            if runs and index - runs[-1][-1] == 1:
                runs[-1].append(index)
            else:
                runs.append([index])
        blocks = self._composer.blocks
        for run in runs:
            if len(run) < _CONTENTS_ENTRIES:
                continue
            before = run[0] - 1
            if (
                before >= 0
                and blocks[before].kind is BlockKind.HEADING
                and blocks[before].end - blocks[before].start < 40
            ):
                run = [before, *run]
            for index in run:
                if blocks[index].kind is not BlockKind.SKIPPED:
                    self._composer.skip(index, CONTENTS)

    def _set_waiting(self) -> None:
        for title, level in self._waiting:
            self._composer.mark(title, level)
        self._waiting.clear()


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()
