"""Which lines of a plain text are headings of chapters, and which are a list of contents.

Owns the forms of headings in several languages and how a series of them is told from a list, page numbers and
prose. Does not know how groups of lines are found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.books.lines import Group, Line
from speechagents.books.numerals import number_value

_KINDS: Final = {
    "volume": "volume|vol|tome|tomo",
    "book": "book|buch|livre|libro|boek|книга",
    "part": "part|teil|partie|parte|deel|act|часть",
    "chapter": "chapter|chap|kapitel|chapitre|capítulo|capitulo|capitolo|hoofdstuk|letter|stave|canto|глава",
}
_KIND_OF: Final = {word: kind for kind, words in _KINDS.items() for word in words.split("|")}
_KIND_WORDS: Final = "|".join(sorted(_KIND_OF, key=len, reverse=True))
_NUMBER: Final = r"(?:\d{1,4}|[IVXLC]+|[ivxlc]+|[^\W\d_]{2,12}(?:[- ][^\W\d_]{3,7})?)"
_NUMBERED: Final = re.compile(
    rf"(?:the\s+)?(?P<kind>{_KIND_WORDS})\b\.?\s*(?:the\s+|no\.?\s*|#)?(?P<number>{_NUMBER})(?P<rest>(?:[\s.,:;—–-].*)?)",
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(
    rf"(?:(?:the|das|der|die|la|le)\s+)?(?P<number>[^\W\d_]{{3,12}}|\d{{1,3}}\.?)\s+(?P<kind>{_KIND_WORDS})(?P<rest>(?:[\s.:—–-].*)?)",
    re.IGNORECASE,
)
_LAST: Final = re.compile(
    rf"(?:the\s+)?(?:(?P<kind>{_KIND_WORDS})\s+the\s+last|last\s+(?P<other>{_KIND_WORDS}))\.?", re.IGNORECASE
)
_BARE: Final = re.compile(
    r"(?P<open>[\[(]?)(?:(?P<roman>[IVXLC]+)|(?P<arabic>\d{1,3}))[\])]?(?P<stop>[.:)]?)(?:\s*[—–-]?\s+(?P<title>\S.*))?"
)
_NAMED: Final = re.compile(
    r"(?:the\s+|an?\s+|author['’]s\s+|translator['’]s\s+)?(?:preface|prologue|prelude|epilogue|introduction|introductory|"
    r"foreword|afterword|conclusion|postscript|interlude|dedication|acknowledge?ments|appendix|glossary|"
    r"vorwort|vorrede|nachwort|prolog|epilog|einleitung|schluss|anhang|préface|avant-propos|épilogue|postface|"
    r"prólogo|epílogo|prefacio|prefazione|prologo|epilogo|voorwoord|proloog|epiloog)\b(?P<rest>.{0,60})",
    re.IGNORECASE,
)
_CONTENTS: Final = re.compile(
    r"(?:table of contents|contents|list of (?:illustrations|chapters|plates)|illustrations|inhalt(?:sverzeichnis)?|"
    r"table des matières|sommaire|índice|indice|inhoud|содержание)[.:]?",
    re.IGNORECASE,
)
_NOTES: Final = re.compile(r"(?:foot|end)?notes|fu(?:ß|ss)noten|anmerkungen|notas|note", re.IGNORECASE)
_ENTRY: Final = re.compile(
    r"(?:\s{2,}|\.{3,}|(?:\s\.){3,}|\t)\s*(?:\d{1,4}|[ivxlc]{1,7})$|^(?:[IVXLC]+|\d{1,3})[.)]?\s+\S", re.IGNORECASE
)
_QUOTES: Final = "\"“”„«»‘'"
_SMALL_WORDS: Final = (
    "a an and as at but by for from in into is it nor of off on or the their to up upon with without which that who "
    "der die das den dem des ein eine und von zu zur zum im in le la les du et un une en el los y del il lo di e"
)
_SMALL: Final = frozenset(_SMALL_WORDS.split())
_TITLE_LINES: Final = 6
_TITLE_CHARS: Final = 300
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


@dataclass(frozen=True, slots=True)
class _Candidate:
    index: int
    kind: str  # volume, book, part, chapter, named, roman, arabic, bracket
    number: int | None
    title: str
    lines: int


def find_outline(groups: Sequence[Group]) -> Outline:
    """Headings and contents of a text."""
    candidates = [found for index, group in enumerate(groups) if (found := _read(index, group)) is not None]
    contents = set(_contents(groups, candidates))
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


def numbered_kind(text: str) -> str:
    """Which kind of heading a text is by its words: ``chapter``, ``part``, ``book``, ``volume``, else empty."""
    found = _numbered(text.strip())
    return found[0] if found else ""


def is_title_like(text: str) -> bool:
    """Whether a text is set as a title: in capitals, or most of its words beginning with one, no sentence's end."""
    words = [word.strip("_*.,:;!?()\"“”'’") for word in text.split()]
    words = [word for word in words if any(map(str.isalpha, word))]
    if not words or len(text) > _TITLE_CHARS:
        return False
    if text.upper() == text:
        return True
    if text.rstrip("_*")[-1:] in ".,;" or len(words) > 14:
        return False
    return words[0][0].isupper() and _is_capitalised(words)


def _is_capitalised(words: Sequence[str]) -> bool:
    """Whether the words of weight begin with capitals."""
    heavy = [word for word in words if word.lower() not in _SMALL]
    return sum(word[0].isupper() for word in heavy) >= 0.75 * max(1, len(heavy))


def _index(found: _Candidate) -> int:
    return found.index


def _plain(line: Line) -> str:
    return line.text.strip().strip("_*=").strip()


def _read(index: int, group: Group) -> _Candidate | None:
    """A group as a heading, as far as its own lines tell."""
    first = _plain(group.lines[0])
    if not first or len(first) > 160 or first[0] in _QUOTES:
        return None
    numbered = _numbered(first)
    if numbered is not None:
        kind, number, title = numbered
    elif len(group.lines) <= 2 and (match := _NAMED.fullmatch(first)) and _is_named(first, match["rest"]):
        kind, number, title = "named", None, ""
    elif len(group.lines) <= _TITLE_LINES and (bare := _bare(first)) is not None:
        kind, number, title = bare
    else:
        return None
    lines = _title_lines(group, titled=bool(title))
    if lines == 1 and len(group.lines) > 1 and (title or kind not in _KINDS):
        # "Chapter 3. It rained …" at the head of a paragraph, or a numbered item of it.
        return None
    return _Candidate(index, kind, number, _joined(group.lines[:lines]), lines)


def _joined(lines: Sequence[Line]) -> str:
    first, *others = (_plain(line) for line in lines)
    if not others:
        return first
    rest = " ".join(others)
    return f"{first} {rest}" if first[-1] in ".:—" or not _is_bare_number(first) else f"{first}. {rest}"


def _is_bare_number(text: str) -> bool:
    numbered = _numbered(text)
    return (numbered is not None and not numbered[2]) or _BARE.fullmatch(text) is not None


def _numbered(text: str) -> tuple[str, int | None, str] | None:
    """Kind, number and title of "CHAPTER IV. The Storm", "Erstes Kapitel"; None for anything else."""
    if (match := _LAST.fullmatch(text)) is not None:
        return _KIND_OF[(match["kind"] or match["other"]).lower()], None, ""
    match = _NUMBERED.fullmatch(text)
    number = _leading_number(match) if match else None
    if match is None or number is None:
        match = _COUNTED.fullmatch(text)
        number = (number_value(match["number"].rstrip(".")), match["rest"]) if match else None
        if match is None or number is None or number[0] is None:
            return None
    value, rest = number
    title = rest.strip(" \t.,:;—–-_")
    if title:
        parted = rest.lstrip()[:1] in tuple(".:;—–-")
        sentence = title[:1].islower() or (title[-1:] == "," or rest.lstrip()[:1] == ",")
        if sentence or (not parted and not is_title_like(title)):
            return None
    return _KIND_OF[match["kind"].lower()], value, title


def _leading_number(match: re.Match[str]) -> tuple[int | None, str] | None:
    """The number behind "Chapter", of two words as far as two are one number, and what follows it."""
    text, rest = match["number"], match["rest"]
    value = number_value(text)
    if value is None and " " in text:
        first, _, second = text.partition(" ")
        value, rest = number_value(first), f" {second}{rest}"
    elif value is not None and text.islower() and text in ("i", "v", "x", "l", "c", "di", "mi", "vi"):
        return None
    return None if value is None else (value, rest)


def _bare(text: str) -> tuple[str, int, str] | None:
    match = _BARE.fullmatch(text)
    if match is None or (match["title"] and not match["stop"]):
        return None
    number = number_value(match["roman"] or match["arabic"])
    title = match["title"] or ""
    if number is None or (title and not is_title_like(title)):
        return None
    return ("bracket" if match["open"] else "roman" if match["roman"] else "arabic"), number, title


def _is_named(text: str, rest: str) -> bool:
    return text.isupper() or (is_title_like(text) and not rest.strip(" .:—-")) or (is_title_like(text) and ":" in rest)


def _title_lines(group: Group, *, titled: bool) -> int:
    """How many lines of a group are its heading: the first, and those behind it if all of them are set as a title."""
    lines = group.lines
    others = [_plain(line) for line in lines[1:]]
    if not others:
        return 1
    if len(lines) > _TITLE_LINES or any(text[:1] in _QUOTES for text in others[:1]):
        return 1
    whole = " ".join(others)
    if whole.upper() == whole:
        return len(lines)
    if titled and len(whole) <= _TITLE_CHARS and len(whole.split()) >= 4 and _is_capitalised(whole.split()):
        return len(lines)
    fits = len(lines) <= 3 and len(whole) <= 160 and whole[-1:] not in (",", ";")
    if fits and (is_title_like(whole) or (titled and whole[-1:] not in ".!?")):
        return len(lines)
    return 1


def _continues(found: _Candidate, groups: Sequence[Group], index: int, taken: set[int]) -> bool:
    """Whether a group is the title that belongs to the heading before it."""
    if found.kind == "named" or index >= len(groups) or index in taken or len(_plain(groups[index - 1].lines[0])) > 40:
        return False
    if not _is_bare_number(_plain(groups[index - 1].lines[0])) or len(groups[index - 1].lines) > 1:
        return False
    group = groups[index]
    text = group.text.strip()
    if len(group.lines) > _TITLE_LINES or text[0] in "[(" or group.gap > 4 or not is_title_like(text):
        return False
    if any(mark in text for mark in _QUOTES[:6]):
        # Somebody shouts, unless it stands apart from the text behind it.
        return text.upper() == text and index + 1 < len(groups) and groups[index + 1].gap >= 2
    return text.upper() == text or (len(group.lines) == 1 and len(text) <= 70 and text[-1] not in ".!?,;:")


def _contents(groups: Sequence[Group], candidates: Sequence[_Candidate]) -> Iterator[int]:
    """Groups that are a list of contents."""
    by_index = {found.index: found for found in candidates}
    for index, group in enumerate(groups):
        if len(group.lines) >= 3 and _is_list(group):
            yield index
    # A run of headings with nothing between them, whose numbers come again later, with their chapters.
    run: list[_Candidate] = []
    for place, found in enumerate(candidates, 1):
        behind = candidates[place] if place < len(candidates) else None
        run.append(found)
        between = _chars(groups, found.index + 1, behind.index if behind else len(groups))
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
        i for i, group in enumerate(groups) if len(group.lines) <= 2 and _CONTENTS.fullmatch(_plain(group.lines[0]))
    ]
    for start in starts:
        end = start + (len(groups[start].lines) == 1)
        while end < min(len(groups), start + 400) and _is_entry(groups, end, by_index):
            end += 1
        if end > start + 1 or len(groups[start].lines) > 1:
            yield from range(start, max(end, start + 1))


def _is_list(group: Group) -> bool:
    """Whether most lines of a group name a chapter or end with a page's number."""
    lines = [_plain(line) for line in group.lines]
    if any(line[:1] in _QUOTES for line in lines):
        return False
    named = sum(_numbered(line) is not None for line in lines)
    paged = sum(_ENTRY.search(line) is not None for line in lines)
    return named >= max(3, 0.5 * len(lines)) or (paged >= max(3, 0.6 * len(lines)) and len(lines) >= 4)


def _is_entry(groups: Sequence[Group], index: int, candidates: dict[int, _Candidate]) -> bool:
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


def _notes(groups: Sequence[Group]) -> int | None:
    """The heading in the last third of a text under which numbered notes stand."""
    for index in range(len(groups) - 1, max(0, 2 * len(groups) // 3), -1):
        group = groups[index]
        if len(group.lines) == 1 and _NOTES.fullmatch(_plain(group.lines[0]).rstrip(".:")):
            behind = groups[index + 1 : index + 6]
            if behind and sum(
                bool(re.match(r"\s*[\[(]?(?:\d{1,4}|[*†])", g.lines[0].text)) for g in behind
            ) >= 0.6 * len(behind):
                return index
    return None


def _series(candidates: Sequence[_Candidate], groups: Sequence[Group]) -> list[_Candidate]:
    """Of bare numbers those that count: each one more than the last, or one again, with text between them."""
    kept: list[_Candidate] = []
    for found in candidates:
        if found.number == 1 or (kept and found.number == (kept[-1].number or 0) + 1):
            kept.append(found)
    if len(kept) < 2 or len(kept) < 0.5 * len(candidates):
        return []
    sizes = sorted(_chars(groups, here.index + 1, there) for here, there in _sections(kept, len(groups)))
    # A typo in one of them, "[V]" for "[I]", leaves the rest of a series of brackets what they are.
    chosen = list(candidates) if candidates[0].kind == "bracket" else kept
    return chosen if sizes[len(sizes) // 2] >= (_SECTION_CHARS if any(c.title != "" for c in kept) else 300) else []


def _sections(candidates: Sequence[_Candidate], end: int) -> Iterator[tuple[_Candidate, int]]:
    """Each heading with the index of the group at which its section ends."""
    for place, here in enumerate(candidates, 1):
        yield here, candidates[place].index if place < len(candidates) else end


def _unnumbered(groups: Sequence[Group], taken: set[int]) -> list[_Candidate]:
    """Lone lines in capitals, well apart from the text: the chapters of a book that numbers none."""
    found = [
        _Candidate(index, "title", None, _plain(group.lines[0]), 1)
        for index, group in enumerate(groups)
        if index and index not in taken and len(group.lines) == 1 and group.gap >= 2 and _is_capital_title(group)
    ]
    if len(found) < 2:
        return []
    sizes = sorted(_chars(groups, here.index + 1, end) for here, end in _sections(found, len(groups)))
    return found if sizes[len(sizes) // 2] >= _SECTION_CHARS else []


def _is_capital_title(group: Group) -> bool:
    text = _plain(group.lines[0])
    if len(text) > 80 or text[:1] in _QUOTES or text.upper() != text or text[-1] in ",;:":
        return False
    return sum(map(str.isalpha, text)) >= 4 and not re.fullmatch(
        r"(?:the end|finis|end|fin|ende)\W*", text, re.IGNORECASE
    )


def _levels(found: Sequence[_Candidate]) -> tuple[dict[str, int], set[str]]:
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


def _chars(groups: Sequence[Group], start: int, end: int) -> int:
    return sum(len(line.text) for group in groups[start:end] for line in group.lines)
