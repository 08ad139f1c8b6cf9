"""A novel as tokens: words and marks with their places, paragraph by paragraph.

Owns what counts as a token. Does not know what any word means.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# A title with its full stop is one token, so that it ends no sentence; so is an initial ("Mr. E.").
TOKEN: Final = re.compile(
    r"(?:Mr|Mrs|Ms|Dr|Messrs|St|Esq|Mlle|Mme|Rev|Prof|Capt|Col|Gen|Lt|Sgt|Hon|Jr|Sr|M|[A-Z])\.(?=[\s\-—,]|$)"
    r"|[’'](?:s|S)(?![^\W_])"  # possessive
    r"|[^\W\d_]+(?:[’'](?![sS](?![^\W_]))[^\W\d_]+)*"
    r"|\d+|--+|\.\.+|[^\w\s]"
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a text.

    Attributes:
        words: As written.
        lower: The same in lower case, without the full stop of a title, apostrophes straight.
        starts: Character offset of each.
        paragraphs: First token of each paragraph, and the number of tokens behind the last.
    """

    words: list[str]
    lower: list[str]
    starts: array[int]
    paragraphs: list[int]

    def at(self, offset: int) -> int:
        """The first token that starts at a character offset or behind it."""
        return bisect_left(self.starts, offset)

    def end(self, token: int) -> int:
        """Character offset behind a token."""
        return self.starts[token] + len(self.words[token])


def tokenise(text: str, paragraphs: Sequence[tuple[int, int]]) -> Tokens:
    """Split paragraphs into tokens.

    Args:
        text: The whole text.
        paragraphs: Offsets of the paragraphs, in order, apart from each other.
    """
    words: list[str] = []
    starts = array("q")
    firsts: list[int] = []
    lower: list[str] = []
    # Each word is held once, however often it stands in the text.
    known: dict[str, tuple[str, str]] = {}
    for start, end in paragraphs:
        firsts.append(len(words))
        for match in TOKEN.finditer(text, start, end):
            word = match.group()
            pair = known.get(word)
            if pair is None:
                pair = known[word] = (word, plain_word(word))
            words.append(pair[0])
            lower.append(pair[1])
            starts.append(match.start())
    firsts.append(len(words))
    return Tokens(words, lower, starts, firsts)


def plain_word(word: str) -> str:
    """A token in the form in which words are compared."""
    lower = word.lower().replace("’", "'")
    return lower[:-1] if lower[-1] == "." and len(lower) > 1 and lower[0] != "." else lower


def plain_words(text: str) -> tuple[str, ...]:
    """The tokens of a name, in the form in which words are compared."""
    return tuple(plain_word(match.group()) for match in TOKEN.finditer(text))
