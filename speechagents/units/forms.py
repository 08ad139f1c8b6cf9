"""Which tokens may come next: the unit format as a rule, so that whatever a model writes can be read back.

Owns the order of the parts, and how long each may get. Does not know likelihoods (`generation`), nor what the parts
mean (`wording`).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from speechagents.units.tokens import END, UnitTokens
from speechagents.units.wording import ADDRESSES

Ids = NDArray[np.int64]

LEAST_ROOM: Final = 32
"""Fewest tokens in which a turn has room."""
THOUGHT_TOKENS: Final = 96
WORD_TOKENS: Final = 96
"""Some 60 words."""
FEWEST_UNITS: Final = 4
LEAST_UNITS_A_TOKEN: Final = 0.5
SPARE_UNITS: Final = 16
UNITS_A_TOKEN: Final = 6
"""Speech has at most so many units for each token of its words, and `SPARE_UNITS` more. Lines of the benchmark have
1.4 (1st percentile) to 3.5 (the most) for each; what goes on for longer repeats itself."""


class Form(Protocol):
    """What may be written, token by token."""

    @property
    def speaks(self) -> bool:
        """The next token is speech, not text."""

    def allowed(self) -> Ids:
        """Tokens of which the next one is one; never none."""

    def take(self, token: int) -> bool:
        """One of them was written; whether it was the last."""


class Alphabet:
    """Tokens by what they are; made once for a model.

    Args:
        tokens: The vocabulary.
        units: How many of its units can be voiced; None is all.
    """

    def __init__(self, tokens: UnitTokens, *, units: int | None = None) -> None:
        self.end = tokens.id_of(END)
        self.to = tokens.id_of("<to>")
        self.answers = tokens.id_of("<answers>")
        self.text: Ids = tokens.text_ids()
        self.styles: Ids = np.array(list(tokens.style_ids()), dtype=np.int64)
        self.units: Ids = tokens.unit_ids()[:units]
        self.letters: Ids = np.array(
            [one for one in self.text.tolist() if any(map(str.isalnum, tokens.decode([one])))], dtype=np.int64
        )
        self.text_or_end = self.with_marks(self.text, self.end)
        self.units_or_end = self.with_marks(self.units, self.end)

    @staticmethod
    def with_marks(ids: Ids, *marks: int) -> Ids:
        """These tokens and some marks."""
        return np.concatenate((ids, np.array(marks, dtype=np.int64)))


class WordsForm:
    """Text, then the end.

    Args:
        alphabet: Of the model.
        room: Most tokens, the end included.
    """

    speaks = False

    def __init__(self, alphabet: Alphabet, *, room: int) -> None:
        self._alphabet = alphabet
        self._left = room

    def allowed(self) -> Ids:
        """Text or the end, the end alone when there is no room for more."""
        return self._alphabet.text_or_end if self._left > 1 else np.array([self._alphabet.end])

    def take(self, token: int) -> bool:
        """Over with the end."""
        self._left -= 1
        return token == self._alphabet.end


class SpeechForm:
    """Units, never the same twice in a row, then the end.

    Args:
        alphabet: Of the model.
        words: Tokens of the words that are spoken.
        room: Most tokens, the end included.
    """

    speaks = True

    def __init__(self, alphabet: Alphabet, *, words: int, room: int) -> None:
        self._alphabet = alphabet
        self._most = max(0, min(SPARE_UNITS + UNITS_A_TOKEN * words, room - 1))
        self._fewest = min(self._most, max(FEWEST_UNITS, round(LEAST_UNITS_A_TOKEN * words)))
        self._count = 0
        self._last = -1

    def allowed(self) -> Ids:
        """Units; the end as well once there are a few, and alone when there are enough."""
        alphabet = self._alphabet
        if self._count >= self._most:
            return np.array([alphabet.end])
        ids = alphabet.units if self._count < self._fewest else alphabet.units_or_end
        # A codec tells how often a unit is repeated otherwise than by writing it again.
        return ids[ids != self._last] if len(ids) > 1 else ids

    def take(self, token: int) -> bool:
        """Over with the end."""
        self._count += 1
        self._last = token
        return token == self._alphabet.end


class _At(Enum):
    """Where a turn is."""

    THOUGHTS = auto()
    NAME = auto()
    NAMED = auto()
    WORDS = auto()
    SPEECH = auto()


class TurnForm:
    """Thoughts, those spoken to, words, a style, and speech.

    Args:
        alphabet: Of the model.
        others: Tokens of the roles that can be spoken to.
        own: Token of the role that speaks, of which it may think; None if it has none.
        room: Most tokens, `LEAST_ROOM` at least; a quarter of them each is for thoughts and for words, at most.
    """

    def __init__(self, alphabet: Alphabet, others: Sequence[int], *, own: int | None = None, room: int) -> None:
        self._alphabet = alphabet
        self._others: Ids = np.array(others, dtype=np.int64)
        thought_of = [*others, own] if own is not None else others
        self._thinkable = alphabet.with_marks(alphabet.text, *thought_of)
        self._named = 0
        self._at = _At.THOUGHTS
        self._thoughts_left = min(THOUGHT_TOKENS, room // 4)
        self._words_left = self._most_words = min(WORD_TOKENS, room // 4)
        self._room = room
        self._worded = False
        self._speech: SpeechForm | None = None

    @property
    def speaks(self) -> bool:
        """Behind the style."""
        return self._speech is not None

    def allowed(self) -> Ids:
        """What fits the place."""
        alphabet = self._alphabet
        if self._speech is not None:
            return self._speech.allowed()
        if self._at is _At.THOUGHTS:
            marks = self._further
            return alphabet.with_marks(self._thinkable, *marks) if self._thoughts_left > 0 else np.array(marks)
        if self._at is _At.NAME:
            return self._others
        if self._at is _At.NAMED:
            return np.array(self._further)
        if self._words_left > 1 or (self._words_left == 1 and self._worded):
            return np.concatenate((alphabet.text, alphabet.styles)) if self._worded else alphabet.text
        return alphabet.styles if self._worded else alphabet.letters

    def take(self, token: int) -> bool:
        """Over with the end of the speech."""
        alphabet = self._alphabet
        self._room -= 1
        if self._speech is not None:
            return self._speech.take(token)
        if token == alphabet.to:
            self._at = _At.NAME
            self._named += 1
        elif token == alphabet.answers:
            self._at = _At.WORDS
        elif self._at is _At.THOUGHTS:
            self._thoughts_left -= 1
        elif self._at is _At.NAME:
            self._at = _At.NAMED
        elif token in alphabet.styles:
            self._at = _At.SPEECH
            words = self._most_words - self._words_left
            self._speech = SpeechForm(alphabet, words=words, room=self._room)
        else:
            self._words_left -= 1
            self._worded = self._worded or token in alphabet.letters
        return False

    @property
    def _further(self) -> tuple[int, ...]:
        """The words begin, or somebody else is named for whom there is room."""
        left = self._room - 1 - self._most_words
        others = len(self._others) > 0 and self._named < ADDRESSES and left > LEAST_ROOM // 2
        return (self._alphabet.answers, self._alphabet.to) if others else (self._alphabet.answers,)
