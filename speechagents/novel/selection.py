"""Which chapters are read: ``1-3,5``.

Owns the reading of such a list and its faults. Chapters are counted as they are heard, from 1; credits have no number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from speechagents.errors import SettingsError

MAX_TEXT_CHARS: Final = 1_000
_RANGE: Final = re.compile(r"\s*(?P<first>[0-9]{1,6})?\s*(?:(?P<dash>[-–])\s*(?P<last>[0-9]{1,6})?\s*)?")
_REMEDY: Final = "write for example 1-3,5 or 7-"


@dataclass(frozen=True, slots=True)
class ChapterRanges:
    """Ranges of chapters as they were asked for.

    Attributes:
        ranges: First and last number of each, None for the book's own last.
        asked: The text, for messages.
    """

    ranges: tuple[tuple[int, int | None], ...]
    asked: str

    def numbers(self, count: int) -> tuple[int, ...]:
        """The chapters of a book that are asked for, ascending.

        Args:
            count: Chapters that the book has.

        Raises:
            SettingsError: A number is beyond the last chapter.
        """
        found: set[int] = set()
        for first, last in self.ranges:
            beyond = max(first, last or 0)
            if beyond > count:
                chapters = f"{count} chapters" if count != 1 else "one chapter"
                raise SettingsError(f"chapters {self.asked}: there is no chapter {beyond}, the book has {chapters}")
            found.update(range(first, (last or count) + 1))
        return tuple(sorted(found))


def parse_chapters(text: str) -> ChapterRanges:
    """Read a list of chapters: numbers and ranges with commas between; a range may be open at either end.

    Raises:
        SettingsError: It is no such list; the message quotes the part at fault.
    """
    shown = " ".join(text.split())[:60]
    if len(text) > MAX_TEXT_CHARS:
        raise SettingsError(f"chapters {shown}…: longer than {MAX_TEXT_CHARS} characters; {_REMEDY}")
    ranges: list[tuple[int, int | None]] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None or not (match["first"] or match["last"]):
            raise SettingsError(f"chapters {shown}: “{part.strip()[:20]}” is no number or range; {_REMEDY}")
        first = int(match["first"] or 1)
        last = int(match["last"]) if match["last"] else None if match["dash"] else first
        if first < 1 or last == 0:
            raise SettingsError(f"chapters {shown}: chapters are counted from 1; {_REMEDY}")
        if last is not None and last < first:
            raise SettingsError(f"chapters {shown}: {first}-{last} runs backwards; write {last}-{first}")
        ranges.append((first, last))
    return ChapterRanges(tuple(ranges), shown)
