r"""The marks inside a text: notes, boneyards, escapes and emphasis.

Owns where they begin and end, the normal form of texts, and the plain words that remain when all marks are taken
out. Does not know what a text is part of (`script`) or how a file is divided into elements (`blocks`).

Rules, on top of Fountain's (https://fountain.io/syntax):

* ``[[`` opens a note and ``/*`` a boneyard (struck-out text); both may run over several lines.
* A note that another ``[[`` interrupts before its ``]]``, or a note or boneyard without an end, is an error: it
  would swallow what follows, or speak what was meant to be silent.
* A backslash takes the meaning from the character behind it, ``\[[`` and ``\/*`` included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap
from typing import NamedTuple

_MARK = re.compile(r"\\.|\[\[|/\*", re.DOTALL)
_ESCAPE = re.compile(r"\\([^\w\s]|_)")
_EMPHASIS = re.compile(r"\\.|\*+|_+", re.DOTALL)
_MARK_LIKE = re.compile(r"[\\*_]|\[(?=\[|\Z)|/(?=\*|\Z)")
_SPACES = re.compile(r"[^\S\n]+")

# Vertical tabs, form feeds, separators and Unicode's own line ends become spaces: an editor does not count them as
# lines, so that line numbers in messages stay right. Other control characters carry no text and are dropped.
_CONTROLS = {
    code: " " if chr(code).isspace() else None
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
    if chr(code) not in "\n\t"
}


class UnclosedMark(ValueError):  # noqa: N818 - says what is wrong with the text
    """A note or boneyard that does not end.

    Attributes:
        line: 1-based line in the text where it begins.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Span:
    """Where a note or boneyard stands in a text, its marks included."""

    start: int
    end: int
    is_note: bool

    def inner(self, text: str) -> str:
        """What stands between the marks."""
        return text[self.start + 2 : self.end - 2]


class SourceLine(NamedTuple):
    """A line of a file; it holds newlines only inside notes and boneyards.

    Attributes:
        number: 1-based line in the source where it begins.
        text: As written, without the newline at its end.
    """

    number: int
    text: str


def unify(text: str) -> str:
    r"""Text with ``\n`` as its only line end and without control characters.

    Raises:
        ValueError: It holds half of a surrogate pair, which no file can hold.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"character {error.start + 1} is half of a surrogate pair; remove it") from None
    return text.translate(_CONTROLS)


def spans(text: str) -> Iterator[Span]:
    """Notes and boneyards in order; linear in the length of the text.

    Raises:
        UnclosedMark: One of them has no end.
    """
    position = 0
    while match := _MARK.search(text, position):
        start, mark = match.start(), match.group()
        if mark.startswith("\\"):
            position = match.end()
            continue
        is_note = mark == "[["
        end = text.find("]]" if is_note else "*/", start + 2)
        if end < 0 or (is_note and text.find("[[", start + 2, end) >= 0):
            line = text.count("\n", 0, start) + 1
            if is_note:
                reason = "this note is not closed; close it with ]], or write \\[[ for two plain brackets"
            else:
                reason = "this boneyard (text struck out) is not closed; close it with */, or write \\/* to keep it"
            raise UnclosedMark(reason, line)
        yield Span(start, end + 2, is_note)
        position = end + 2


def source_lines(text: str) -> list[SourceLine]:
    """Lines of a text, newlines inside notes and boneyards left alone.

    Raises:
        UnclosedMark: A note or boneyard has no end.
    """
    if "[[" not in text and "/*" not in text:
        return list(starmap(SourceLine, enumerate(text.split("\n"), 1)))
    lines: list[SourceLine] = []
    position = 0
    open_line: list[str] = []
    open_number = number = 1
    for span in spans(text):
        *whole, rest = text[position : span.start].split("\n")
        for piece in whole:
            lines.append(SourceLine(open_number, "".join((*open_line, piece))))
            number += 1
            open_line, open_number = [], number
        kept = text[span.start : span.end]
        open_line += (rest, kept)
        number += kept.count("\n")
        position = span.end
    for piece in text[position:].split("\n"):
        lines.append(SourceLine(open_number, "".join((*open_line, piece))))
        number += 1
        open_line, open_number = [], number
    return lines


def lines_of(text: str) -> list[str]:
    """The texts of `source_lines`."""
    return [line.text for line in source_lines(text)] if "[[" in text or "/*" in text else text.split("\n")


def one_line(text: str) -> str:
    """Normal form of a text of one line: lines joined by spaces, outer white space removed.

    Raises:
        ValueError: It cannot be written to a file, or a note or boneyard in it has no end.
    """
    return " ".join(stripped for line in lines_of(unify(text)) if (stripped := line.strip()))


def without_spans(text: str) -> tuple[str, str]:
    """A text parted into its plain remainder and its notes and boneyards, joined by spaces."""
    plain, kept, position = [], [], 0
    for span in spans(text):
        plain.append(text[position : span.start])
        kept.append(text[span.start : span.end])
        position = span.end
    return "".join((*plain, text[position:])), " ".join(kept)


def literal(text: str) -> str:
    """Plain text as marked text: what is a mark, or would be with more text behind it, is escaped."""
    return _MARK_LIKE.sub(r"\\\g<0>", text)


def plain(text: str) -> str:
    """The words of a marked text: no notes, boneyards, emphasis or escapes; lines stay, spaces are collapsed."""
    words = without_spans(text)[0] if "[[" in text or "/*" in text else text
    lines = ("".join(_without_emphasis(line)) if "*" in line or "_" in line else line for line in words.split("\n"))
    return "\n".join(_SPACES.sub(" ", _ESCAPE.sub(r"\1", line)).strip() for line in lines)


def _without_emphasis(line: str) -> Iterator[str]:
    """Pieces of a line without its emphasis marks.

    As in Markdown, a run of stars or underscores opens before a letter and closes behind one, an underscore inside
    a word does neither, and a run without a partner is plain text. Emphasis does not go on in the next line.
    """
    runs = [match for match in _EMPHASIS.finditer(line) if not match.group().startswith("\\")]
    kept = [len(run.group()) for run in runs]
    open_runs: dict[str, list[int]] = {"*": [], "_": []}
    for index, run in enumerate(runs):
        sign = run.group()[0]
        before, after = line[run.start() - 1 : run.start()], line[run.end() : run.end() + 1]
        opens, closes = bool(after.strip()), bool(before.strip())
        if sign == "_":
            opens, closes = opens and not before.isalnum(), closes and not after.isalnum()
        while closes and kept[index] and open_runs[sign]:
            partner = open_runs[sign][-1]
            paired = min(kept[index], kept[partner])
            kept[index] -= paired
            kept[partner] -= paired
            if not kept[partner]:
                open_runs[sign].pop()
        if opens and kept[index]:
            open_runs[sign].append(index)
    position = 0
    for run, length in zip(runs, kept, strict=True):
        yield line[position : run.start()]
        yield run.group()[0] * length
        position = run.end()
    yield line[position:]
