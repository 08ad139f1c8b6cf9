"""How headings are written: "CHAPTER IV. The Storm", "Erstes Kapitel", "Prologue", "XII".

Owns the forms, in several languages. Does not know whether a line that has such a form is a heading in its book:
`headings` does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
QUOTES: Final = "\"“”„«»‘'"
"""What no heading begins with."""
_SMALL_WORDS: Final = (
    "a an and as at but by for from in into is it nor of off on or the their to up upon with without which that who "
    "der die das den dem des ein eine und von zu zur zum im in le la les du et un une en el los y del il lo di e"
)
_SMALL: Final = frozenset(_SMALL_WORDS.split())
TITLE_LINES: Final = 6
"""Most lines of a heading."""
_TITLE_CHARS: Final = 300


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be a heading, as far as its own lines tell.

    Attributes:
        index: Of its group.
        kind: ``volume``, ``book``, ``part``, ``chapter``, ``named``, ``title``, or of a bare number ``roman``,
            ``arabic``, ``bracket``.
        number: Its number, None without one.
        title: As it stands, its lines joined.
        lines: How many lines of the group belong to it.
    """

    index: int
    kind: str
    number: int | None
    title: str
    lines: int


def numbered_kind(text: str) -> str:
    """Which kind of heading a text is by its words: ``chapter``, ``part``, ``book``, ``volume``, else empty."""
    found = numbered(text.strip())
    return found[0] if found else ""


def is_title_like(text: str) -> bool:
    """Whether a text is set as a title: in capitals, or most of its words beginning with one, no sentence's end."""
    words = [word.strip("_*.,:;!?()\"“”'’") for word in text.split()]
    words = [word for word in words if any(map(str.isalpha, word))]
    if not words or len(text) > _TITLE_CHARS:
        return False
    if text.isupper():
        return True
    if text.rstrip("_*")[-1:] in ".,;" or len(words) > 14:
        return False
    return words[0][0].isupper() and _is_capitalised(words)


def _is_capitalised(words: Sequence[str]) -> bool:
    """Whether the words of weight begin with capitals."""
    heavy = [word for word in words if word.lower() not in _SMALL]
    return sum(word[0].isupper() for word in heavy) >= 0.75 * max(1, len(heavy))


def plain(line: Line) -> str:
    """A line without white space and marks of emphasis around it."""
    return line.text.strip().strip("_*=").strip()


def read_candidate(index: int, group: Group) -> Candidate | None:
    """A group as a heading, as far as its own lines tell."""
    first = plain(group.lines[0])
    if not first or len(first) > 160 or first[0] in QUOTES:
        return None
    found = numbered(first)
    if found is not None:
        kind, number, title = found
    elif len(group.lines) <= 2 and (match := _NAMED.fullmatch(first)) and _is_named(first, match["rest"]):
        kind, number, title = "named", None, ""
    elif len(group.lines) <= TITLE_LINES and (bare := _bare(first)) is not None:
        kind, number, title = bare
    else:
        return None
    lines = _title_lines(group, titled=bool(title))
    if lines == 1 and len(group.lines) > 1 and (title or kind not in _KINDS):
        # "Chapter 3. It rained …" at the head of a paragraph, or a numbered item of it.
        return None
    return Candidate(index, kind, number, _joined(group.lines[:lines]), lines)


def _joined(lines: Sequence[Line]) -> str:
    first, *others = (plain(line) for line in lines)
    if not others:
        return first
    rest = " ".join(others)
    return f"{first} {rest}" if first[-1] in ".:—" or not is_bare_number(first) else f"{first}. {rest}"


def is_bare_number(text: str) -> bool:
    """Whether a heading is a number alone, with or without "Chapter" before it."""
    found = numbered(text)
    return (found is not None and not found[2]) or _BARE.fullmatch(text) is not None


def numbered(text: str) -> tuple[str, int | None, str] | None:
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
    others = [plain(line) for line in lines[1:]]
    if not others:
        return 1
    if len(lines) > TITLE_LINES or any(text[:1] in QUOTES for text in others[:1]):
        return 1
    whole = " ".join(others)
    if whole.isupper():
        return len(lines)
    if titled and len(whole) <= _TITLE_CHARS and len(whole.split()) >= 4 and _is_capitalised(whole.split()):
        return len(lines)
    fits = len(lines) <= 3 and len(whole) <= 160 and whole[-1:] not in (",", ";")
    if fits and (is_title_like(whole) or (titled and whole[-1:] not in ".!?")):
        return len(lines)
    return 1
