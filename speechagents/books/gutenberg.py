"""What Project Gutenberg and its transcribers add to a book, and what they say about it.

Owns the forms of their header, licence, notes and marks. Does not know paragraphs or chapters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from speechagents.scripts.languages import language_tag

HEADER: Final = "Project Gutenberg header"
LICENCE: Final = "Project Gutenberg licence"
TRANSCRIBER: Final = "transcriber's note"
ILLUSTRATION: Final = "illustration"

_START: Final = re.compile(
    r"^[ \t]*\*{3} ?START OF (?:THE|THIS) PROJECT GUTENBERG[^\r\n]*(?:\r?\n(?!\s*\r?\n)[^\r\n]{0,200}\*{3})?",
    re.IGNORECASE | re.MULTILINE,
)
_SMALL_PRINT: Final = re.compile(r"^[ \t]*\*END\*? ?THE SMALL PRINT[^\r\n]*", re.IGNORECASE | re.MULTILINE)
_END: Final = re.compile(
    r"^[ \t]*(?:\*{3} ?END OF (?:THE|THIS) PROJECT GUTENBERG|END OF (?:THE |THIS )?PROJECT GUTENBERG|"
    r"\*{3} ?START: FULL LICENSE)",
    re.IGNORECASE | re.MULTILINE,
)
_HEADER_CHARS: Final = 60_000
"""The longest header of the nineties has about a third of it."""
_FIELD: Final = re.compile(
    r"^[ \t]*(title|author|language)[ \t]*:[ \t]*(\S[^\r\n]{0,300})", re.IGNORECASE | re.MULTILINE
)
_HEAD_LINE: Final = re.compile(
    r"(?:The )?Project Gutenberg(?:'s|’s)?(?: E-?(?:Book|Text)(?: of)?)?\b.{0,200}", re.IGNORECASE
)
_HEAD_TITLE: Final = re.compile(r"E-?(?:Book|Text) of (.{1,120}?),? by (.{1,80})", re.IGNORECASE)
_TRANSCRIBED: Final = re.compile(
    r"[\[*(\s_]*(?:transcriber(?:['’]?s)?['’]? notes?\b|produced by |e-?text (?:prepared|produced) by |"
    r"this (?:e-?text|e-?book|file) (?:was|is) (?:produced|prepared|for the use)|html version by |"
    r"updated editions will replace|note: (?:images|project gutenberg))",
    re.IGNORECASE,
)
_ILLUSTRATED: Final = re.compile(r"\[(?:Illustration|Frontispiece|Image|Picture|Abbildung|Décor)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a book from Project Gutenberg.

    Attributes:
        start: Where the book itself begins; 0 without a header.
        end: Where it ends.
        title: As the header says it.
        author: As the header says it.
        language: BCP 47 tag of the header, empty without one.
    """

    start: int
    end: int
    title: str = ""
    author: str = ""
    language: str = ""


def find_frame(text: str) -> Frame:
    """Where header and licence of a text end and begin."""
    head = text[:_HEADER_CHARS]
    match = _START.search(head) or _SMALL_PRINT.search(head)
    start = match.end() if match else 0
    end = len(text)
    # The licence is some 20 000 characters long; a sentence of the book that speaks of the project is not it.
    for found in _END.finditer(text, start):
        if start or "\n***" in f"\n{text[found.start() : found.end()].lstrip()}" or end - found.start() < _HEADER_CHARS:
            end = found.start()
            break
    fields = {name.lower(): value.strip() for name, value in reversed(_FIELD.findall(text[:start]))}
    language = language_tag(fields["language"]) if "language" in fields else ""
    return Frame(start, end, fields.get("title", ""), fields.get("author", ""), language)


def head_line(paragraph: str) -> tuple[str, str] | None:
    """Title and author of a lone first line "The Project Gutenberg EBook of TITLE, by AUTHOR"; None if it is none."""
    if not _HEAD_LINE.fullmatch(paragraph):
        return None
    match = _HEAD_TITLE.search(paragraph)
    return (match[1].strip(), match[2].strip()) if match else ("", "")


def is_transcribers(paragraph: str) -> bool:
    """Whether a paragraph is by whoever typed the book in."""
    return _TRANSCRIBED.match(paragraph) is not None


def is_illustration(paragraph: str) -> bool:
    """Whether a paragraph is the place and caption of a picture, brackets around the whole of it."""
    return _ILLUSTRATED.match(paragraph) is not None and paragraph.endswith("]")
