"""The two documents of a chapter: its text as XHTML, and the SMIL file that ties each line to its sound.

Owns their markup. Does not know the package around them (`package`). Source: EPUB 3.3 (W3C), sections 6.1 (XHTML) and 9
(Media Overlays).

Every line is one element with an identifier, or several where text that nobody reads stands inside of it. Clips of a
chapter follow each other without a gap, from the first moment of its file to the last: reading systems play them one
by one, and what lies between two clips would be left out, pauses and all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape, quoteattr

from speechagents.production.readalong.chapter import Passage, Print, ReadAlongChapter, Run

ACTIVE_CLASS = "-epub-media-overlay-active"

STYLE = f"""\
body {{ margin: 1em; line-height: 1.5; }}
h1, h2, h3, h4, h5, h6 {{ line-height: 1.2; margin: 2em 0 1em; }}
p {{ margin: 0; text-indent: 1.5em; }}
h1 + p, h2 + p, h3 + p, hr + p, .verse {{ text-indent: 0; }}
.verse {{ margin: 1em 0 1em 1.5em; }}
hr {{ border: 0; height: 2em; }}
aside {{ font-size: 0.85em; margin: 1em; }}
.{ACTIVE_CLASS} {{ background-color: #ffe9a8; color: #000000; }}
"""

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPACE = re.compile(r"\s+")
_SPACE_IN_ROW = re.compile(r"[^\S\n]+")


def xml_text(text: str) -> str:
    """Text for XML: escaped, without characters that XML cannot hold."""
    return escape(_NO_XML.sub("", text))


def xml_attribute(text: str) -> str:
    """Text as a quoted attribute."""
    return quoteattr(_NO_XML.sub("", text))


class ChapterDocuments:
    """The documents of one chapter.

    Args:
        chapter: The chapter.
        name: Of both documents, without a suffix.
        language: BCP 47 tag of the book.
        style: Reference to the style sheet.
    """

    def __init__(self, chapter: ReadAlongChapter, *, name: str, language: str, style: str) -> None:
        self._chapter = chapter
        self._name = name
        self._language = language
        self._style = style
        self._ids: list[tuple[int, str, int]] = []
        self._pieces: dict[int, int] = {}

    def xhtml(self) -> Iterator[str]:
        """The text, in pieces. Read it to its end before `smil`."""
        chapter, language = self._chapter, xml_attribute(self._language)
        kind = "" if chapter.credits else ' epub:type="chapter" role="doc-chapter"'
        yield (
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
            '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
            f"lang={language} xml:lang={language}>\n<head>\n<title>{xml_text(chapter.title)}</title>\n"
            f'<link rel="stylesheet" type="text/css" href={xml_attribute(self._style)}/>\n</head>\n'
            f"<body>\n<section{kind} aria-label={xml_attribute(chapter.title)}>\n"
        )
        for passage in chapter.passages:
            yield self._passage(passage)
        yield "</section>\n</body>\n</html>\n"

    def smil(self, audio: str) -> Iterator[str]:
        """The overlay, in pieces.

        Args:
            audio: Reference to the sound.
        """
        text = f"{self._name}.xhtml"
        kind = "" if self._chapter.credits else ' epub:type="chapter"'
        yield (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<smil xmlns="http://www.w3.org/ns/SMIL" xmlns:epub="http://www.idpf.org/2007/ops" version="3.0">\n<body>\n'
            f'<seq id="all" epub:textref={xml_attribute(text)}{kind}>\n'
        )
        for number, (element, start_ms, end_ms) in enumerate(self._clips(), 1):
            yield (
                f'<par id="p{number}"><text src={xml_attribute(f"{text}#{element}")}/>'
                f'<audio src={xml_attribute(audio)} clipBegin="{clock(start_ms)}" clipEnd="{clock(end_ms)}"/></par>\n'
            )
        yield "</seq>\n</body>\n</smil>\n"

    @property
    def overlaid(self) -> bool:
        """Something of it is heard; a chapter without a single clip can have no overlay."""
        return any(line in self._chapter.clips for line, _, _ in self._ids)

    @property
    def duration_ms(self) -> int:
        """Length of all clips together."""
        return round(self._chapter.duration_s * 1000.0)

    def _clips(self) -> Iterator[tuple[str, int, int]]:
        """Elements with the start and end of their sound in milliseconds, without a gap."""
        begins: list[tuple[str, int]] = []
        total: dict[int, int] = {}
        for line, _, size in self._ids:
            total[line] = total.get(line, 0) + size
        done: dict[int, int] = {}
        for line, element, size in self._ids:
            clip = self._chapter.clips.get(line)
            if clip is None:
                continue
            # A line in several pieces: each has a share of its time by its length.
            share = done.get(line, 0) / total[line]
            done[line] = done.get(line, 0) + size
            start_s = clip.start_s + share * (clip.end_s - clip.start_s)
            earliest = begins[-1][1] + 1 if begins else 0
            begins.append((element, max(earliest, round(start_s * 1000.0)) if begins else 0))
        for (element, start_ms), (_, end_ms) in pairwise([*begins, ("", self.duration_ms)]):
            yield element, start_ms, max(end_ms, start_ms + 1)

    def _passage(self, passage: Passage) -> str:
        match passage.kind:
            case Print.BREAK:
                return "<hr/>\n"
            case Print.HEADING:
                tag, attributes = f"h{min(6, max(1, passage.level))}", ""
            case Print.VERSE:
                tag, attributes = "p", ' class="verse"'
            case Print.NOTE:
                return f'<aside epub:type="footnote" role="doc-footnote"><p>{self._runs(passage)}</p></aside>\n'
            case Print.PARAGRAPH:
                tag, attributes = "p", ""
        return f"<{tag}{attributes}>{self._runs(passage)}</{tag}>\n"

    def _runs(self, passage: Passage) -> str:
        verse = passage.kind is Print.VERSE
        pieces = []
        for run, text in _collapsed(passage.runs, verse=verse):
            marked = xml_text(text).replace("\n", "<br/>\n") if verse else xml_text(text)
            if run.line and text.strip():
                attributes = f" id={xml_attribute(self._new_id(run.line, len(text)))}"
                if run.language:
                    language = xml_attribute(run.language)
                    attributes += f" lang={language} xml:lang={language}"
                marked = f"<span{attributes}>{marked}</span>"
            pieces.append(marked)
        return "".join(pieces)

    def _new_id(self, line: int, size: int) -> str:
        piece = self._pieces[line] = self._pieces.get(line, 0) + 1
        element = f"l{line}" if piece == 1 else f"l{line}-{piece}"
        self._ids.append((line, element, size))
        return element


def _collapsed(runs: Sequence[Run], *, verse: bool) -> Iterator[tuple[Run, str]]:
    """Texts of runs with single spaces, none at the ends of the passage nor twice where two runs meet."""
    texts = []
    at_start = True
    for run in runs:
        text = _SPACE_IN_ROW.sub(" ", run.text) if verse else _SPACE.sub(" ", run.text)
        if verse:
            text = re.sub(r" ?\n ?", "\n", text)
        if at_start:
            text = text.lstrip()
        if text:
            at_start = text[-1].isspace()
        texts.append(text)
    for index in reversed(range(len(texts))):
        texts[index] = texts[index].rstrip()
        if texts[index]:
            break
    yield from zip(runs, texts, strict=True)


def clock(milliseconds: int) -> str:
    """A time as SMIL writes it: ``H:MM:SS.mmm``."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
