"""Which groups of lines in a plain text are a list of contents, not headings.

Owns the forms of such lists: "Contents" and what follows it, lines that end with a page's number, headings with
nothing between them. Does not know which of the others are headings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from speechagents.books.heading_forms import QUOTES, Candidate, is_title_like, numbered, plain
from speechagents.books.lines import Group, chars_between

_CONTENTS: Final = re.compile(
    r"(?:table of contents|contents|list of (?:illustrations|chapters|plates)|illustrations|inhalt(?:sverzeichnis)?|"
    r"table des matières|sommaire|índice|indice|inhoud|содержание)[.:]?",
    re.IGNORECASE,
)
_ENTRY: Final = re.compile(
    r"(?:\s{2,}|\.{3,}|(?:\s\.){3,}|\t)\s*(?:\d{1,4}|[ivxlc]{1,7})$|^(?:[IVXLC]+|\d{1,3})[.)]?\s+\S", re.IGNORECASE
)


def contents_groups(groups: Sequence[Group], candidates: Sequence[Candidate]) -> Iterator[int]:
    """Groups that are a list of contents, by index.

    Args:
        groups: All of a text.
        candidates: What may be a heading among them.
    """
    by_index = {found.index: found for found in candidates}
    for index, group in enumerate(groups):
        if len(group.lines) >= 3 and _is_list(group):
            yield index
    # A run of headings with nothing between them, whose numbers come again later, with their chapters.
    run: list[Candidate] = []
    for place, found in enumerate(candidates, 1):
        behind = candidates[place] if place < len(candidates) else None
        run.append(found)
        between = chars_between(groups, found.index + 1, behind.index if behind else len(groups))
        if (
            behind is None
            or between > 200
            or (found.kind == behind.kind and (behind.number or 0) <= (found.number or 0))
        ):
            if len(run) >= 3:
                last = run[-1].index
                later = {(other.kind, other.number) for other in candidates if other.index > last}
                if sum((item.kind, item.number) in later for item in run) >= 0.6 * len(run):
                    yield from range(run[0].index, last + 1)
            run = []
    starts = [
        i for i, group in enumerate(groups) if len(group.lines) <= 2 and _CONTENTS.fullmatch(plain(group.lines[0]))
    ]
    end = 0
    for start in starts:
        if start < end:
            continue
        end = start + (len(groups[start].lines) == 1)
        while end < min(len(groups), start + 400) and _is_entry(groups, end, by_index):
            end += 1
        if end > start + 1 or len(groups[start].lines) > 1:
            yield from range(start, max(end, start + 1))


def _is_list(group: Group) -> bool:
    """Whether most lines of a group name a chapter or end with a page's number."""
    lines = [plain(line) for line in group.lines]
    if any(line[:1] in QUOTES for line in lines):
        return False
    named = sum((numbered(line) is not None) for line in lines)
    paged = sum(_ENTRY.search(line) is not None for line in lines)
    return named >= max(3, 0.5 * len(lines)) or (paged >= max(3, 0.6 * len(lines)) and len(lines) >= 4)


def _is_entry(groups: Sequence[Group], index: int, candidates: dict[int, Candidate]) -> bool:
    """Whether a group behind the word "Contents" still belongs to it: short lines, and no chapter begins with them."""
    group = groups[index]
    if _is_list(group):
        return True
    if any(
        len(line.text.strip()) > 90 or line.text.strip()[-1] in '.!?,;”"'
        for line in group.lines
        if index not in candidates
    ):
        return False
    if index in candidates:
        # The last entry is followed by another heading or title; a chapter by its text.
        behind = next((other for other in groups[index + 1 : index + 3] if not is_title_like(other.text)), None)
        begun = behind is not None and len(behind.text) > 120 and not _is_list(behind)
        return not begun
    return True
