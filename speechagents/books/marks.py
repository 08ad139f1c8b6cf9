"""Marks inside the paragraphs of a plain text that are not spoken: notes, pages, pictures, emphasis, broken words.

Owns how they are written. Does not know where paragraphs begin.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from speechagents.books.book import Cut
from speechagents.books.gutenberg import ILLUSTRATION
from speechagents.books.notes import FOOTNOTE_MARK

PAGE_NUMBER: Final = "page number"
EMPHASIS: Final = "mark of emphasis"
HYPHEN: Final = "hyphen at the end of a line"
BYTE_ORDER: Final = "byte order mark"
INVISIBLE: Final = "soft hyphen"

_MARKS: Final = re.compile(
    r"(?P<page>\[(?:pg|page|p)\.? ?\d{1,4}\]|\{\d{1,4}\})"
    r"|(?P<picture>\[(?:Illustration|Frontispiece)\b[^\[\]]{0,2000}\])"
    r"|(?P<note>(?<=\S)(?:\[(?:\d{1,4}|[A-Za-z]|[*†‡§]{1,3})\]|[¹²³⁴-⁹]{1,3})|(?<=[.,;:!?\"”’])[†‡]{1,2}(?!\w))"
    r"|(?P<emphasis>(?<![^\W_])_+(?=\S)|(?<=\S)_+(?![^\W_])|(?<![\w*])\*{1,3}(?=[^\W_])|(?<=[^\s*])\*{1,3}(?![\w*]))"
    r"|(?P<hyphen>(?<=[^\W\d_])-[ \t]*(?:\r\n|\r|\n)[ \t]*(?=[^\W\d_]))"
    r"|(?P<order>\ufeff)|(?P<soft>\u00ad)",
    re.IGNORECASE,
)
_AT_END: Final = re.compile(r"(?<=[^\W\d_])-[ \t]*(?:\r\n|\r|\n)[ \t]*(?=[^\W\d_])")
_REASONS: Final = {
    "page": PAGE_NUMBER,
    "picture": ILLUSTRATION,
    "note": FOOTNOTE_MARK,
    "emphasis": EMPHASIS,
    "order": BYTE_ORDER,
    "soft": INVISIBLE,
}
_TOKEN: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BEFORE: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*$")
_BEHIND: Final = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Hyphens:
    """Tells a word broken at the end of a line from a compound whose own hyphen stands there.

    Attributes:
        words: The words of the book, lower case, with how often each occurs.
        breaks_words: Whether this text breaks words at all; many only break lines.
    """

    words: Counter[str]
    breaks_words: bool

    def keeps(self, before: str, behind: str) -> bool:
        """Whether the hyphen between two parts belongs to the word."""
        apart, joined = f"{before}-{behind}".lower(), f"{before}{behind}".lower()
        if self.words[apart] != self.words[joined]:
            return self.words[apart] > self.words[joined]
        return not self.breaks_words or behind[0].isupper()


def find_hyphens(text: str) -> Hyphens:
    """Learn from a text which of its words have hyphens."""
    at_ends = list(_AT_END.finditer(text))
    if not at_ends:
        return Hyphens(Counter(), breaks_words=False)
    words = Counter(token.lower() for token in _TOKEN.findall(text))
    plain = Hyphens(words, breaks_words=False)
    broken = kept = 0
    for match in at_ends:
        before, behind = _around(text, match)
        joined, apart = words[f"{before}{behind}".lower()], words[f"{before}-{behind}".lower()]
        broken += joined > apart
        kept += apart > joined
    return Hyphens(words, breaks_words=True) if broken > kept else plain


def find_cuts(text: str, start: int, end: int, hyphens: Hyphens) -> Iterator[Cut]:
    """What is not spoken between two characters, in order, apart from each other."""
    for match in _MARKS.finditer(text, start, end):
        kind = match.lastgroup or ""
        if kind == "hyphen":
            before, behind = _around(text, match)
            # White space of a compound goes too, so that "dining-" and "room" are one word.
            yield Cut(match.start() + hyphens.keeps(before, behind), match.end(), HYPHEN)
        else:
            yield Cut(match.start(), match.end(), _REASONS[kind])


def _around(text: str, match: re.Match[str]) -> tuple[str, str]:
    before = _BEFORE.search(text, max(0, match.start() - 60), match.start())
    behind = _BEHIND.match(text, match.end())
    return before[0] if before else "", behind[0] if behind else ""
