"""What stands below a cue: speech, parentheticals and lyrics, line by line.

Owns how a line of a dialogue block tells its kind, and the escape that keeps a line from it: a backslash before a
bracket or tilde at the start of a line makes it speech. Does not know where a dialogue block begins or ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from speechagents.scripts.inline import SourceLine, lines_of
from speechagents.scripts.script import Part, PartKind

MAX_PARENTHETICAL_LINES = 4
"""A parenthetical that is wrapped over more lines than this is speech."""

_ESCAPED = re.compile(r"\\+[(~]")


def read_parts(lines: Sequence[SourceLine]) -> tuple[Part, ...]:
    """Parts of a dialogue block; an empty line belongs to the speech or lyric around it."""
    parts: list[Part] = []
    run: list[str] = []
    run_kind, run_start = PartKind.SPEECH, 0

    def close() -> None:
        if any(run):
            parts.append(Part(run_kind, "\n".join(run), run_start))
        run.clear()

    index = 0
    while index < len(lines):
        text, number = lines[index].text.strip(), lines[index].number
        parenthetical, taken = _parenthetical(lines, index)
        if parenthetical:
            close()
            parts.append(Part(PartKind.PARENTHETICAL, parenthetical, number))
            index += taken
            continue
        kind, text = _kind(text, in_lyric=bool(run) and run_kind is PartKind.LYRIC)
        if kind is not run_kind and text:
            close()
        index += 1
        if not run:
            run_kind, run_start = kind, number
        if run or text:
            run.append(text)
    close()
    return tuple(parts)


def write_part(part: Part) -> list[str]:
    """A part as lines; an empty line is an empty string.

    Lines that hold notes over several lines hold newlines.
    """
    if part.kind is PartKind.PARENTHETICAL:
        return [f"({part.text})"]
    lines = lines_of(part.text)
    if part.kind is PartKind.LYRIC:
        return ["~" + line for line in lines]
    return ["\\" + line if _needs_escape(line) else line for line in lines]


def _kind(text: str, *, in_lyric: bool) -> tuple[PartKind, str]:
    """Kind and text of a line that is no parenthetical."""
    if text.startswith("~") and (in_lyric or text[1:].strip()):
        return PartKind.LYRIC, text[1:].strip()
    if _ESCAPED.match(text):
        return PartKind.SPEECH, text[1:]
    return PartKind.SPEECH, text


def _parenthetical(lines: Sequence[SourceLine], index: int) -> tuple[str, int]:
    """Text of the parenthetical that begins at a line and how many lines it takes; empty for anything else."""
    text = lines[index].text.strip()
    if not text.startswith("("):
        return "", 0
    if ")" in text:
        return (text[1:-1].strip(), 1) if text.endswith(")") else ("", 0)
    pieces = [text[1:]]
    for line in lines[index + 1 : index + MAX_PARENTHETICAL_LINES]:
        more = line.text.strip()
        if not more or "(" in more or (")" in more and not more.endswith(")")):
            return "", 0
        pieces.append(more)
        if more.endswith(")"):
            return " ".join(pieces)[:-1].strip(), len(pieces)
    return "", 0


def _needs_escape(line: str) -> bool:
    if line.startswith("("):
        return ")" not in line or line.endswith(")")
    return line.startswith("~") or _ESCAPED.match(line) is not None
