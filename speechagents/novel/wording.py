"""What a voice says of a stretch of a novel: without quotation marks, emphasis marks and capitals.

Owns the changes between the words in the book and the words spoken; no letter is added or lost. How numbers and
abbreviations are read is the pronunciation's affair.
"""

from __future__ import annotations

import re
from typing import Final

OPENERS: Final = "“„‟\"«‹»›‘‚‛'「『《"
"""Marks that may open a quotation; guillemets stand here and below, for German and Danish turn them round."""
CLOSERS: Final = "”“\"»›«‹’‘'」』》"
"""Marks that may close one; the German closing mark is the English opening one."""

_DASHES: Final = "—–―"
_SINGLE: Final = "'‘’‚‛"
_UNDERLINES: Final = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])")
_STARS: Final = re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*]{1,400}?)(?<=[^\s*])\1(?![\w*])")
_STRAY: Final = re.compile(r"^\s*[“”\"„«»’]+(?=\s|$)|(?:(?<=\s)|^)[“”\"„«»‘]+\s*$")
_CAPITALS: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_ROMAN: Final = re.compile(r"M{0,4}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_VOWELS: Final = frozenset("AEIOUYÄÖÜÅÆØÉÈÊËÁÀÂÃÍÌÎÏÓÒÔÕÚÙÛ")
_SHORT: Final = 4
"""Capitals of fewer letters that stand alone may be an abbreviation (USA, BBC) and are left as they are."""
_SENTENCE_MARKS: Final = ".!?…:;。！？"


def spoken_narration(text: str) -> str:
    """Narration as it is said; a mark that stands by itself at an end belongs to the quotation beside it."""
    return spoken_words(_STRAY.sub("", text))


def spoken_words(text: str) -> str:
    """Words as they are said: marks of emphasis gone, words in capitals as ordinary words."""
    return lower_shouts(_STARS.sub(r"\2", _UNDERLINES.sub("", text))).strip()


def spoken_speech(text: str, *, opens: bool, closes: bool) -> str:
    """A piece of a quotation as it is said, its own marks gone; marks of a quotation inside of it stay.

    Args:
        text: The piece, white space collapsed.
        opens: It is the beginning of the quotation's span.
        closes: It is the end of it.
    """
    text = text.strip()
    opener = text[0] if opens and text and text[0] in OPENERS else ""
    if opener:
        text = text[1:].lstrip()
    elif opens and text.startswith(tuple(_DASHES)):
        text = text.lstrip(_DASHES).lstrip()  # French and Spanish begin a speech with a dash
    if closes and text and text[-1] in CLOSERS and (text[-1] not in _SINGLE or opener in _SINGLE):
        text = text[:-1].rstrip()
    return spoken_words(text)


def spoken_heading(text: str) -> str:
    """A heading as it is said: in ordinary letters, and with a full stop for the voice to fall at."""
    text = spoken_words(text).rstrip(" ,-–—")
    return text if not text or text[-1] in _SENTENCE_MARKS else text + "."


def lower_shouts(text: str) -> str:
    """Words in capitals as ordinary words, for voices spell what is all capitals.

    Lowered are words of four letters and more, and shorter ones beside another word in capitals (“IT WAS the best”);
    Roman numerals and words without a vowel stay. A sentence's first letter stays large.
    """
    words = list(_CAPITALS.finditer(text))
    loud = [len(match[0]) > 1 and match[0].isupper() for match in words]
    pieces: list[str] = []
    at = 0
    for index, match in enumerate(words):
        word = match[0]
        if word == "A" and all(loud[index - 1 : index]) and any(loud[index + 1 : index + 2]) and index:
            pieces += (text[at : match.start()], "a")
            at = match.end()
        if not loud[index] or _VOWELS.isdisjoint(word) or _ROMAN.fullmatch(word):
            continue
        neighbours = loud[max(0, index - 1) : index] + loud[index + 1 : index + 2]
        if len(word) >= _SHORT or any(neighbours) or len(words) == 1:
            starts = index == 0 or any(mark in text[words[index - 1].end() : match.start()] for mark in _SENTENCE_MARKS)
            # In the midst of a sentence a shout is no name: "I did NOT" against "She saw EMMA", which cannot be told.
            lowered = word[0] + word[1:].lower() if starts or len(word) >= _SHORT else word.lower()
            pieces += (text[at : match.start()], lowered)
            at = match.end()
    return "".join((*pieces, text[at:]))
