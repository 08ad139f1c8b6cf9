"""From what a model wrote to what can be spoken: no names in front, no stage directions, no markup, no endless text.

Owns that cleaning. Does not know the form of an answer (`grammar`). Works on one text at a time, in time that is linear
in its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from speechagents.controllers.quoting import without_tags
from speechagents.drama import role_key
from speechagents.scripts.scene_file import clean_text
from speechagents.scripts.spoken import split_speech

MAX_SPEECH_CHARS: Final = 800
"""Longest speech: about a minute. What is longer ends with the last sentence that fits."""
MAX_DEED_CHARS: Final = 300
"""Longest description of what somebody does."""

_ROUND: Final = re.compile(r"\([^()]*\)|（[^（）]*）")
_SQUARE: Final = re.compile(r"\[[^\[\]]*\]|【[^【】]*】")
# Runs of marks are bounded everywhere: without bounds a long one would take time by its square.
_STARRED: Final = re.compile(r"\*{1,3}([^*]+)\*{1,3}")
_UNDERSCORES: Final = re.compile(r"(?<!\w)_{1,3}|_{1,3}(?!\w)")
_LEADING_MARKS: Final = re.compile(r"^(?:[#>•]+\s*|-\s+)+")
_STRAY: Final = re.compile(r"[*`<>\[\]()（）【】]+")
_BEFORE_MARK: Final = re.compile(r"\s+([,.!?…;:])(?=\s|$)")
_SENTENCE_ENDS: Final = '.!?…。！？"”»'
_QUOTES: Final = {'"': '"', "“": "”", "„": "“", "«": "»", "»": "«", "「": "」"}
_EMPHASIS_WORDS: Final = 2
_NESTED: Final = 4


def speech_of(text: str, own: Iterable[str] = ()) -> str:
    """What is spoken of a text: at most `MAX_SPEECH_CHARS`, empty if nothing is left.

    Parentheses and brackets go with what is in them. Between asterisks stands a direction where a sentence could begin
    ("*sighs* All right."), and a word that is stressed within one ("I did *not* ask"): that one stays.

    Args:
        text: As a model wrote it.
        own: Names of the speaker; they are taken away where they stand in front like in a script.
    """
    line = " ".join(_without_labels(_lines(text, MAX_SPEECH_CHARS), own))
    for _ in range(_NESTED):
        line = _SQUARE.sub(" ", _ROUND.sub(" ", line))
    line = _STARRED.sub(_unstarred, line)
    line = _UNDERSCORES.sub("", _STRAY.sub(" ", line))
    line = _unquoted(_LEADING_MARKS.sub("", _spaced(line)))
    return next(iter(split_speech(line, MAX_SPEECH_CHARS)), "")


def deed_of(text: str, own: Iterable[str] = ()) -> str:
    """What is done, in the third person and without the name: at most `MAX_DEED_CHARS`, empty if nothing is left."""
    names = tuple(own)
    line = _spaced(_STRAY.sub(" ", " ".join(_without_labels(_lines(text, MAX_DEED_CHARS), names))))
    line = _LEADING_MARKS.sub("", _UNDERSCORES.sub("", line))
    for name in names:
        if starts_with_name(line, name):
            line = line[len(name) :].lstrip(" ,:")
    return next(iter(split_speech(line, MAX_DEED_CHARS)), "")


def labelled(text: str, names: Iterable[str]) -> str | None:
    """The first of several names that stands in front of a sentence like in a script (``Tom: …``), or None."""
    whole = "\n".join(_lines(text, MAX_SPEECH_CHARS))
    return next((name for name in names if name.strip() and _label(role_key(name)).search(whole)), None)


def starts_with_name(text: str, name: str) -> bool:
    """Whether a text begins with a name as a word of its own; what begins small is none ("will not move")."""
    behind = text[len(name) : len(name) + 1]
    named = bool(name) and not text[:1].islower() and role_key(text[: len(name)]) == role_key(name)
    return named and (not behind or behind in " ,:")


def _lines(text: str, limit: int) -> list[str]:
    """Clean lines without tags; of a text that is far too long the beginning."""
    cleaned = (without_tags(clean_text(line)) for line in text[: 4 * limit].splitlines())
    return [line for line in cleaned if line]


def _without_labels(lines: Iterable[str], own: Iterable[str]) -> list[str]:
    patterns = [_label(role_key(name)) for name in own if name.strip()]
    kept = []
    for line in lines:
        for pattern in patterns:
            line = pattern.sub(r"\1 ", line)
        kept.append(line)
    return kept


@lru_cache(maxsize=1024)  # names of many scenes at once
def _label(key: str) -> re.Pattern[str]:
    """A name, perhaps with a parenthetical, before a colon where a sentence can begin."""
    name = r"\s+".join(map(re.escape, key.split()))
    aside = r"(?:\([^()\n]{0,80}\)|\[[^\[\]\n]{0,80}\])?"
    start = rf"(^|\n|[{re.escape(_SENTENCE_ENDS)}])[\s*_\"“#>]{{0,6}}"
    # More than once: some models write the name that they were just shown, and then their own.
    label = rf"{name}[\s*_\"”]{{0,6}}{aside}[\s*_]{{0,6}}[:：][\s*_]{{0,6}}"
    return re.compile(rf"{start}(?:{label}){{1,4}}", re.IGNORECASE)


def _unstarred(match: re.Match[str]) -> str:
    before = match.string[: match.start()].rstrip()[-1:]
    stressed = before and before not in _SENTENCE_ENDS and len(match[1].split()) <= _EMPHASIS_WORDS
    return match[1] if stressed else " "


def _spaced(line: str) -> str:
    return _BEFORE_MARK.sub(r"\1", " ".join(line.split()))


def _unquoted(line: str) -> str:
    """A line without the quotation marks around all of it."""
    if len(line) > 1 and _QUOTES.get(line[0]) == line[-1] and not {line[0], line[-1]} & set(line[1:-1]):
        return line[1:-1].strip()
    return line
