"""Which words a recogniser should expect, from the names and texts that it is given as hints.

Owns that choice and how such a word is written. Does not know how a recogniser is made to expect it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from speechagents.listeners.sphinx.process import LikelyWords
from speechagents.listeners.sphinx.pronouncing import letters, pronounce

MAX_WORDS: Final = 400
"""More would be likely at each other's expense."""

_NAME_WORDS: Final = 3
"""A hint of at most so many words is a name or a term; a longer one is a text about what may be spoken of."""
# Against a word that is like any other. 10 to 1000 gave the same results; of the words of a text there are more.
_NAME_WEIGHT: Final = 100.0
_TEXT_WEIGHT: Final = 10.0
_SHORT: Final = 4
"""Shorter words of a text are mostly those of any text."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_INSIDE: Final = re.compile(r"(?<=[^\W_][ ,] )|(?<=[^\W_] )")
_OF_MYSELF: Final = {"i": "I", "i'm": "I'm", "i'll": "I'll", "i've": "I've", "i'd": "I'd"}


@dataclass(frozen=True, slots=True)
class Likely:
    """What is likely to be said.

    Attributes:
        words: For the recogniser.
        spelling: From how it writes a word to how people do.
    """

    words: LikelyWords
    spelling: Mapping[str, str]

    def spelled(self, words: Iterable[str]) -> str:
        """Recognised words as a line: names with their capitals and accents, the first letter large."""
        text = " ".join(self.spelling.get(word) or _OF_MYSELF.get(word, word) for word in words)
        return text[:1].upper() + text[1:]


def likely_words(hints: Iterable[str]) -> Likely:
    """What hints make likely; a hint is a name, or a text of any length."""
    weights: dict[str, float] = {}
    spelling: dict[str, str] = {}
    for hint in hints:
        found = list(_WORD.finditer(hint))
        is_name = len(found) <= _NAME_WORDS
        for match in found:
            written, plain = match[0], letters(match[0])
            if not plain or (not is_name and len(plain) < _SHORT):
                continue
            weights[plain] = max(weights.get(plain, 0.0), _NAME_WEIGHT if is_name else _TEXT_WEIGHT)
            # A capital at the begin of a sentence says nothing.
            if written != plain and (is_name or _INSIDE.match(hint, match.start())):
                spelling.setdefault(plain, written)
    first = sorted(weights, key=lambda word: -weights[word])[:MAX_WORDS]
    return Likely(tuple((word, weights[word], " ".join(pronounce(word))) for word in first), spelling)
