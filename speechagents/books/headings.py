"""Which lines of a plain text are headings of chapters.

Owns how a series of headings is told from a list, page numbers and prose, and what is a chapter in which. Does not
know how headings are written: `heading_forms` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.books.contents_lists import contents_groups
from speechagents.books.heading_forms import (
    QUOTES,
    TITLE_LINES,
    Candidate,
    is_bare_number,
    is_title_like,
    plain,
    read_candidate,
)
from speechagents.books.lines import Group, chars_between

_NOTES: Final = re.compile(r"(?:foot|end)?notes|fu(?:ß|ss)noten|anmerkungen|notas|note", re.IGNORECASE)
_SECTION_CHARS: Final = 1_200
"""Sections shorter than this, taken together, are items of a list."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that was found.

    Attributes:
        title: As it stands, its lines joined.
        lines: How many lines of its group belong to it; 0 for a title in a group of its own, behind the number.
        level: Depth in the book, 1 the outermost.
        opens: Whether a chapter begins with it.
    """

    title: str
    lines: int
    level: int = 1
    opens: bool = True


@dataclass(frozen=True, slots=True)
class Outline:
    """Headings and contents of a text, by the index of their group.

    Attributes:
        headings: Those found.
        titles: Groups that continue the heading before them.
        contents: Groups that are a list of contents.
        notes: Index of the heading under which the notes stand, None without one.
    """

    headings: dict[int, Heading]
    titles: frozenset[int]
    contents: frozenset[int]
    notes: int | None


def find_outline(groups: Sequence[Group]) -> Outline:
    """Headings and contents of a text."""
    candidates = [found for index, group in enumerate(groups) if (found := read_candidate(index, group)) is not None]
    contents = set(contents_groups(groups, candidates))
    candidates = [found for found in candidates if found.index not in contents]
    notes = _notes(groups)
    if notes is not None:
        candidates = [found for found in candidates if found.index < notes]
    real = [found for found in candidates if found.kind not in ("roman", "arabic", "bracket")]
    for kind in ("roman", "arabic", "bracket"):
        real += _series([found for found in candidates if found.kind == kind], groups)
    real.sort(key=lambda found: found.index)
    if not any(found.kind != "named" for found in real):
        real = sorted([*real, *_unnumbered(groups, {found.index for found in real} | contents)], key=_index)
    levels, opening = _levels(real)
    headings: dict[int, Heading] = {}
    titles: set[int] = set()
    indices = {found.index for found in real}
    for found in real:
        title = found.title
        behind = found.index + 1
        if found.lines == len(groups[found.index].lines) and _continues(found, groups, behind, indices | contents):
            titles.add(behind)
            title = f"{title} {groups[behind].text}" if title[-1:] in ".:—" else f"{title}. {groups[behind].text}"
        headings[found.index] = Heading(title, found.lines, levels[found.kind], found.kind in opening)
    return Outline(headings, frozenset(titles), frozenset(contents), notes)


def _index(found: Candidate) -> int:
    return found.index


def _continues(found: Candidate, groups: Sequence[Group], index: int, taken: set[int]) -> bool:
    """Whether a group is the title that belongs to the heading before it."""
    if found.kind == "named" or index >= len(groups) or index in taken or len(plain(groups[index - 1].lines[0])) > 40:
        return False
    if not is_bare_number(plain(groups[index - 1].lines[0])) or len(groups[index - 1].lines) > 1:
        return False
    group = groups[index]
    text = group.text.strip()
    if len(group.lines) > TITLE_LINES or text[0] in "[(" or group.gap > 4 or not is_title_like(text):
        return False
    if any(mark in text for mark in QUOTES[:6]):
        # Somebody shouts, unless it stands apart from the text behind it.
        return text.isupper() and index + 1 < len(groups) and groups[index + 1].gap >= 2
    return text.isupper() or (len(group.lines) == 1 and len(text) <= 70 and text[-1] not in ".!?,;:")


def _notes(groups: Sequence[Group]) -> int | None:
    """The heading in the last third of a text under which numbered notes stand."""
    for index in range(len(groups) - 1, max(0, 2 * len(groups) // 3), -1):
        group = groups[index]
        if len(group.lines) == 1 and _NOTES.fullmatch(plain(group.lines[0]).rstrip(".:")):
            behind = groups[index + 1 : index + 6]
            if behind and sum(
                bool(re.match(r"\s*[\[(]?(?:\d{1,4}|[*†])", g.lines[0].text)) for g in behind
            ) >= 0.6 * len(behind):
                return index
    return None


def _series(candidates: Sequence[Candidate], groups: Sequence[Group]) -> list[Candidate]:
    """Of bare numbers those that count: each one more than the last, or one again, with text between them."""
    kept: list[Candidate] = []
    for found in candidates:
        if found.number == 1 or (kept and found.number == (kept[-1].number or 0) + 1):
            kept.append(found)
    if len(kept) < 2 or len(kept) < 0.5 * len(candidates):
        return []
    sizes = sorted(chars_between(groups, here.index + 1, there) for here, there in _sections(kept, len(groups)))
    # A typo in one of them, "[V]" for "[I]", leaves the rest of a series of brackets what they are.
    chosen = list(candidates) if candidates[0].kind == "bracket" else kept
    return (
        chosen
        if sizes[len(sizes) // 2] >= (_SECTION_CHARS if any(not is_bare_number(found.title) for found in kept) else 300)
        else []
    )


def _sections(candidates: Sequence[Candidate], end: int) -> Iterator[tuple[Candidate, int]]:
    """Each heading with the index of the group at which its section ends."""
    for place, here in enumerate(candidates, 1):
        yield here, candidates[place].index if place < len(candidates) else end


def _unnumbered(groups: Sequence[Group], taken: set[int]) -> list[Candidate]:
    """Lone lines in capitals, well apart from the text: the chapters of a book that numbers none."""
    found = [
        Candidate(index, "title", None, plain(group.lines[0]), 1)
        for index, group in enumerate(groups)
        if index not in taken and len(group.lines) == 1 and (group.gap >= 2 or not index) and _is_capital_title(group)
    ]
    if len(found) < 2:
        return []
    sizes = sorted(chars_between(groups, here.index + 1, end) for here, end in _sections(found, len(groups)))
    return found if sizes[len(sizes) // 2] >= _SECTION_CHARS else []


def _is_capital_title(group: Group) -> bool:
    text = plain(group.lines[0])
    if len(text) > 80 or text[:1] in QUOTES or not text.isupper() or text[-1] in ",;:":
        return False
    return sum(map(str.isalpha, text)) >= 4 and not re.fullmatch(
        r"(?:the end|finis|end|fin|ende)\W*", text, re.IGNORECASE
    )


def _levels(found: Sequence[Candidate]) -> tuple[dict[str, int], set[str]]:
    """Depth of each kind of heading, and the kinds that open chapters."""
    kinds = {candidate.kind for candidate in found}
    outer = [
        kind for kind in dict.fromkeys(candidate.kind for candidate in found) if kind in ("volume", "book", "part")
    ]
    if "volume" in outer:
        outer.sort(key=lambda kind: kind != "volume")
    order = list(outer)
    inner = [kind for kind in ("chapter", "title", "roman", "arabic", "bracket") if kind in kinds]
    order += inner
    levels = {kind: level for level, kind in enumerate(order, 1)} | {"named": 1}
    # One unit of the innermost kind that a listener would call a chapter; numbers inside of it are its sections.
    opening = {*outer, *inner[:1], "named"}
    if inner and inner[0] == "chapter" and sum(candidate.kind == "chapter" for candidate in found) == 1:
        opening |= set(inner[1:2])
    return levels, opening
