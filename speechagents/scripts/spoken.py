"""Script text as a voice needs it: pieces short enough for one take, headings as sentences, capitals as words.

Owns the cutting and rewording alone. Does not know who speaks.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from speechagents.drama import MAX_LINE_CHARS

_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[”’」』）]*\s*")
_CLAUSE_END = re.compile(r"[,;:]\s+|\s?[—–]\s?|\s--?\s|[，；：、]")
_SPACE = re.compile(r"\s+")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(\"'“‘])(?:mr|mrs|ms|dr|st|prof|sgt|lt|capt|col|gen|rev|hon|mt|[a-hj-z])\.$", re.IGNORECASE
)
_FIRST_CHARS = (8, 16)  # least length of the first clause: at a sentence's end, at a clause's end
_LATER_CHARS = (60, 160)
_LAST_CHARS = 12
_CAPITALS = re.compile(r"([^\W\d_]{2,})(?:['’][^\W\d_]+)*")
_VOWELS = frozenset("AEIOUÄÖÜÅÆØÉÈÊËÁÀÂÃÍÌÎÏÓÒÔÕÚÙÛ")
_LONGEST_CLUSTER = 16  # characters that are drawn as one: a letter with its accents, an emoji made of several
_PLACES = re.compile(
    r"(?P<both>INT\.?/EXT\.?|EXT\.?/INT\.?|I/E\.?|E/I\.?)|(?P<inside>INT\.?)|(?P<outside>EXT\.?)|(?P<far>EST\.?)",
    re.IGNORECASE,
)
_PLACE_WORDS = {
    "both": "Interior and exterior",
    "inside": "Interior",
    "outside": "Exterior",
    "far": "Establishing shot",
}


def split_speech(text: str, limit: int = MAX_LINE_CHARS) -> list[str]:
    """Cut a text into pieces of at most `limit` characters.

    It is cut behind the last sentence that fits; where one sentence is too long, behind a clause; then at a space;
    and where there is none, anywhere but before a combining mark. Linear in the length of the text.
    """
    pieces: list[str] = []
    start, end = 0, len(text)
    while end - start > limit:
        cut = _cut(text[start : start + limit + 1], limit)
        pieces.append(text[start : start + cut].strip())
        start += cut
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]


def split_clauses(text: str) -> list[str]:
    """Cut a text where a speaker breathes, so that its beginning can be spoken before its end.

    The first piece is a clause, for somebody waits for it; later ones are sentences, for they sound the better the more
    of them is spoken in one go. Every piece has something to say, and white space or an ideographic mark stands at
    every cut, so that no word is divided. Linear in the length of the text.
    """
    sentences = {match.end() for match in _SENTENCE_END.finditer(text)}
    clauses = {match.end() for match in _CLAUSE_END.finditer(text)}
    bounds, least = [0], _FIRST_CHARS
    for cut in sorted(sentences | clauses):
        sentence = cut in sentences
        if cut - bounds[-1] < least[not sentence] or len(text) - cut < _LAST_CHARS:
            continue
        piece = text[bounds[-1] : cut].strip()
        whole = text[cut - 1].isspace() or unicodedata.east_asian_width(text[cut - 1]) == "W"
        if whole and is_speakable(piece) and not (sentence and _ABBREVIATION.search(piece)):
            bounds.append(cut)
            least = _LATER_CHARS
    if len(bounds) > 1 and not is_speakable(text[bounds[-1] :]):
        bounds.pop()
    pieces = (text[start:end].strip() for start, end in pairwise([*bounds, len(text)]))
    return [piece for piece in pieces if piece]


def speakable_heading(heading: str, language: str) -> str:
    """A scene heading as the narrator reads it: ``INT. KITCHEN - DAY`` as "Interior. Kitchen. Day", dot behind.

    In languages other than English the place is read as it stands, without the abbreviation before it.
    """
    english = language.casefold().partition("-")[0] == "en"
    match = _PLACES.match(heading)
    opening, rest = "", heading
    if match and match.lastgroup and heading[match.end() : match.end() + 1] in ("", " ", ".", "/"):
        opening = _PLACE_WORDS[match.lastgroup] if english else ""
        rest = heading[match.end() :].lstrip(" ./")
    pieces = (piece.strip(" .,") for piece in re.split(r"\s+[-–—]+\s+|[()\[\]]", rest))
    return " ".join(f"{piece}." for piece in (opening, *map(lower_capitals, pieces)) if piece)


def lower_capitals(text: str) -> str:
    """Words in capitals as ordinary words: a screenplay's emphasis is to be read, not spelled or shouted.

    Words without a vowel (TV, NYPD) stay, so that they are spelled.
    """

    def lowered(match: re.Match[str]) -> str:
        word, stem = match.group(), match[1]
        cased = stem.isupper() and (not stem.isascii() or not _VOWELS.isdisjoint(stem))
        return word[0] + word[1:].lower() if cased else word

    return _CAPITALS.sub(lowered, text)


def is_speakable(text: str) -> bool:
    """Whether there is a word in it; ``...`` and a lone dash are silence."""
    return any(character.isalnum() for character in text)


def _cut(window: str, limit: int) -> int:
    """Where to cut a window of ``limit + 1`` characters."""
    for pattern in (_SENTENCE_END, _CLAUSE_END, _SPACE):
        ends = [
            match.end()
            for match in pattern.finditer(window)
            if pattern is not _SENTENCE_END or not _ABBREVIATION.search(window[: match.end()].rstrip()[-8:])
        ]
        if ends and ends[-1] > limit and not window[limit].isspace():
            # What stands behind the limit would not fit; white space is stripped, so costs nothing.
            ends.pop()
        if ends:
            return ends[-1]
    for cut in range(limit, max(0, limit - _LONGEST_CLUSTER), -1):
        if not (unicodedata.combining(window[cut]) or window[cut] in "\u200d\ufe0f"):
            return cut
    return limit
