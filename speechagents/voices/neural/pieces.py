"""A line in pieces that a speech model can take: models forget or repeat words of texts longer than they learnt from.

Owns where a text is cut: behind sentences, else behind clauses, else between words, else anywhere. Does not know any
model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from speechagents.voices.phonetic import spelled

MAX_TEXT_CHARS: Final = 20_000
"""Longest text that one take may have (about 25 minutes)."""

# A full stop behind an initial or a title ends no sentence.
_SENTENCES: Final = re.compile(
    r"(?<=[.!?…])(?<!\b[A-Z]\.)(?<!\b(?:Mr|Ms|Dr|St|Jr|Sr|vs)\.)(?<!\b(?:Mrs|Mme|Col|Gen|Rev|Sgt|Hon)\.)"
    r"(?<!\b(?:Prof|Capt)\.)[\"”’»)]*\s+|(?<=[。！？])[」』”’）]*"
)
# Numbers and times have commas and colons inside; only dashes cut without a space.
_CLAUSES: Final = re.compile(r"(?<=[,;:])[\"”’»)]*\s+|(?<=[—–])\s*|(?<=[、，；：])")
_WORDS: Final = re.compile(r"\s+")


def pieces(text: str, most: int) -> list[str]:
    """Cut a text.

    Args:
        text: What is to be said; phonetic words in it are spelled out.
        most: Longest piece in characters.

    Returns:
        The pieces in order; none where there is nothing to say. White space between them is lost, and what would be
        a piece without letters or digits.
    """
    text = _WORDS.sub(" ", spelled(text)).strip()
    if not any(map(str.isalnum, text)):
        return []
    return [piece for piece in _packed(_cut(text, most, (_SENTENCES, _CLAUSES, _WORDS)), most) if _speaks(piece)]


def _cut(text: str, most: int, at: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    """Parts that are short enough, cut at the coarsest place that does."""
    if len(text.rstrip()) <= most:
        yield text
        return
    if not at:
        yield from (text[first : first + most] for first in range(0, len(text), most))
        return
    start = 0
    ends = [found.end() for found in at[0].finditer(text)]
    for end in (*ends, len(text)):
        if part := text[start:end]:
            yield from _cut(part, most, at[1:])
        start = end


def _packed(parts: Iterator[str], most: int) -> Iterator[str]:
    """Neighbours together, as many as a piece may hold."""
    held = ""
    for part in parts:
        if held and len((held + part).rstrip()) > most:
            yield held.strip()
            held = ""
        held += part
    if held.strip():
        yield held.strip()


def _speaks(piece: str) -> bool:
    return any(map(str.isalnum, piece))
