"""Sounds inside a line's text: a word that is given in IPA, with letters for voices that read letters only.

Owns how such a word is written into the text of a `SpokenLine`, so that text stays one string: three characters of
Unicode's private use area, which no text means anything by, around the two readings. Does not know which back end
can speak sounds: one that cannot takes `spelled`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_OPEN, _BETWEEN, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARKS: Final = str.maketrans("", "", _OPEN + _BETWEEN + _CLOSE)
_WORD: Final = re.compile(f"{_OPEN}([^{_OPEN}-{_CLOSE}]*){_BETWEEN}([^{_OPEN}-{_CLOSE}]*){_CLOSE}")


def phonetic_word(ipa: str, letters: str) -> str:
    """A word by its sounds.

    Args:
        ipa: In the International Phonetic Alphabet, one word.
        letters: What to read where sounds cannot be spoken, one word.
    """
    return f"{_OPEN}{unmarked(ipa)}{_BETWEEN}{unmarked(letters)}{_CLOSE}"


def unmarked(text: str) -> str:
    """A text from outside without the characters that mark phonetic words: it cannot pretend to have any."""
    return text.translate(_MARKS)


def has_sounds(text: str) -> bool:
    """Whether there is a phonetic word in a text."""
    return _OPEN in text


def replaced(text: str, speak: Callable[[str, str], str]) -> str:
    """A text with every phonetic word replaced by what a function makes of its IPA and its letters."""
    if not has_sounds(text):
        return text
    return unmarked(_WORD.sub(lambda match: speak(match[1], match[2]), text))


def spelled(text: str) -> str:
    """A text with every phonetic word in letters."""
    return replaced(text, lambda _, letters: letters)
