"""Where every character of a book went: read as narration, speech or heading, or passed over for a reason.

Owns the entries and the proof that they cover a text. Does not know how a book is cut (`pieces`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class LedgerKind(StrEnum):
    """What became of a stretch of text."""

    NARRATION = "narration"
    SPEECH = "speech"
    HEADING = "heading"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A stretch of the source text and the one thing it became.

    Attributes:
        start: First character.
        end: Behind the last one.
        kind: What it became.
        line: Number of the line that says it, 0 for what is skipped. A line may have several entries: what is
            skipped inside of it, a footnote mark for example, stands between them.
        reason: Why it is skipped, for people; empty otherwise.
    """

    start: int
    end: int
    kind: LedgerKind
    line: int = 0
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"an entry from {self.start} to {self.end} holds nothing")
        if (self.kind is LedgerKind.SKIPPED) != (self.line == 0) or (self.line == 0) != bool(self.reason):
            raise ValueError("what is skipped, and nothing else, has a reason and no line")


def checked(entries: Iterable[LedgerEntry], *, start: int, end: int) -> Iterator[LedgerEntry]:
    """Pass entries on and see to it that they tile a text.

    Args:
        entries: In order.
        start: Where the text begins.
        end: Where it ends.

    Raises:
        ValueError: Characters are missing or accounted for twice; the message gives their offsets.
    """
    at, line = start, 0
    for entry in entries:
        if entry.start != at:
            fault = "are accounted for twice" if entry.start < at else "are missing"
            raise ValueError(f"characters {min(at, entry.start)} to {max(at, entry.start)} {fault}")
        if entry.line and entry.line < line:
            raise ValueError(f"line {entry.line} stands behind line {line}")
        at, line = entry.end, entry.line or line
        yield entry
    if at != end:
        raise ValueError(f"characters {min(at, end)} to {max(at, end)} {'are missing' if at < end else 'do not exist'}")
