"""Lines of a plain text, and the groups that paragraphs are made of.

Owns where a paragraph begins: at a blank line, at an indent, or at every line, whichever the text does. Does not
know what a paragraph is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_LINE: Final = re.compile(r"([^\r\n]*)(?:\r\n|\r|\n|\Z)")
_WRAPPED_CHARS: Final = 120
"""Longer lines are whole paragraphs: nobody wraps there."""
_SENTENCE_END: Final = re.compile(r"[.!?…:;—–][\"'”’»)\]_*]*$|[\"”’»]$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its newline and without white space behind it.

    Attributes:
        start: Its first character, white space before it included.
        end: Behind its last one.
        text: What stands there.
    """

    start: int
    end: int
    text: str

    @property
    def indent(self) -> int:
        """Columns of white space before it."""
        return len(self.text) - len(self.text.lstrip())


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that stand together.

    Attributes:
        lines: At least one, none blank.
        gap: How many blank lines stand before it.
    """

    lines: tuple[Line, ...]
    gap: int

    @property
    def start(self) -> int:
        """First character."""
        return self.lines[0].start

    @property
    def text(self) -> str:
        """All lines as one."""
        return " ".join(line.text.strip() for line in self.lines)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text is set.

    Attributes:
        width: Columns at which lines are wrapped, 0 if they are not.
        by_line: Every line is a paragraph.
        by_indent: A paragraph begins where a line is indented.
        gap: Blank lines between paragraphs.
    """

    width: int
    by_line: bool = False
    by_indent: bool = False
    gap: int = 1


def lines_of(text: str) -> list[Line]:
    """All lines, blank ones included."""
    found = []
    for match in _LINE.finditer(text):
        content = match[1].rstrip()
        found.append(Line(match.start(), match.start() + len(content), content))
    if found and not found[-1].text and found[-1].start == len(text):
        found.pop()
    return found


def find_layout(lines: Sequence[Line]) -> Layout:
    """Tell how a text is set."""
    filled = [line for line in lines if line.text]
    if not filled:
        return Layout(0)
    lengths = sorted(len(line.text) for line in filled)
    gaps = _gaps(lines)
    gap = max(set(gaps), key=gaps.count) if gaps else 1
    if lengths[int(len(lengths) * 0.9)] > _WRAPPED_CHARS:
        return Layout(0, by_line=True, gap=0 if len(gaps) * 4 < len(filled) else gap)
    width = lengths[int(len(lengths) * 0.98)]
    if len(gaps) * 10 < len(filled) and len(filled) > 1:
        # Blank lines do not part paragraphs here.
        indented = sum(line.text[0].isspace() for line in filled)
        if max(0.02 * len(filled), 2 * len(gaps)) < indented < 0.7 * len(filled):
            return Layout(width, by_indent=True, gap=0)
        if sum(bool(_SENTENCE_END.search(line.text)) for line in filled) > 0.8 * len(filled):
            return Layout(0, by_line=True, gap=0)
    return Layout(width, gap=gap)


def group(lines: Sequence[Line], layout: Layout) -> list[Group]:
    """Lines put together as the layout says."""
    groups: list[Group] = []
    current: list[Line] = []
    gap = blanks = 0
    for line in lines:
        if not line.text:
            blanks += 1
            continue
        if current and (blanks or layout.by_line or (layout.by_indent and line.text[0].isspace())):
            groups.append(Group(tuple(current), gap))
            current = []
        if not current:
            gap = blanks
        current.append(line)
        blanks = 0
    if current:
        groups.append(Group(tuple(current), gap))
    return groups


def is_verse(group: Group, width: int) -> bool:
    """Whether the lines of a group were broken on purpose: the next word would have fitted nearly every time."""
    lines = [line.text for line in group.lines]
    if width < 40 or len(lines) < 2:
        return False
    slack = [width - len(here) - 1 - len(behind.split(None, 1)[0]) for here, behind in pairwise(lines)]
    meant = sum(left >= max(6, width // 8) for left in slack)
    begun = sum(line.lstrip(" \"'“‘_(*")[:1].isupper() or line[:1].isspace() for line in lines)
    return meant >= 0.8 * len(slack) and begun >= 0.7 * len(lines)


def chars_between(groups: Sequence[Group], start: int, end: int) -> int:
    """Characters of some groups, white space at the ends of lines left out."""
    return sum(len(line.text) for group in groups[start:end] for line in group.lines)


def _gaps(lines: Sequence[Line]) -> list[int]:
    """Lengths of the runs of blank lines between filled ones."""
    gaps: list[int] = []
    blanks = 0
    seen = False
    for line in lines:
        if line.text:
            if blanks and seen:
                gaps.append(blanks)
            blanks, seen = 0, True
        else:
            blanks += 1
    return gaps
