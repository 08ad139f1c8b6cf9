"""What was heard, laid beside what is written, word by word.

Owns the alignment. Does not judge it (`wordfaults`). An edit distance over words in which words that sound or are
spelled alike cost little, and a word may stand for two ("any one", "anyone"): recognisers write as they please.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np

from speechagents.production.proofing.words import Said

ALIKE: Final = 0.6
"""From this likeness on, 0 to 1, a word counts as heard and merely spelled otherwise."""

_GAP: Final = 0.7
"""Cost of a word that is missing or too many: two of them cost more than one word in another's place."""


class Match(StrEnum):
    """How a word of the text was heard."""

    SAME = "same"
    ALIKE = "alike"
    OTHER = "other"
    """Something else stands in its place."""
    DROPPED = "dropped"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of the alignment, one word or two.

    Attributes:
        match: How they correspond.
        text: Words of the text, first and behind the last.
        heard: Words heard, first and behind the last.
    """

    match: Match
    text: tuple[int, int]
    heard: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Aligned:
    """An alignment.

    Attributes:
        text: Words of the text, each with the place of its `Said`.
        heard: Words heard.
        steps: In order, covering both.
    """

    text: tuple[tuple[str, int], ...]
    heard: tuple[str, ...]
    steps: tuple[Step, ...]


def align(text: Sequence[Said], heard: Sequence[str]) -> Aligned:
    """Lay what was heard beside the text."""
    words = _in_the_way_heard(text, heard)
    wild = [text[place].wild for _, place in words]
    return Aligned(tuple(words), tuple(heard), tuple(_steps([word for word, _ in words], wild, list(heard))))


def _in_the_way_heard(text: Sequence[Said], heard: Sequence[str]) -> list[tuple[str, int]]:
    """The text's words, each number said in the way of which most is heard."""
    present = set(heard)
    words: list[tuple[str, int]] = []
    for place, one in enumerate(text):
        way = max(one.ways, key=lambda way: sum(word in present for word in way) / len(way))
        words += [(word, place) for word in way]
    return words


# Moves of the alignment: words of the text and words heard that one step takes.
_MOVES: Final = ((1, 1), (1, 0), (0, 1), (1, 2), (2, 1))


def _steps(text: list[str], wild: list[bool], heard: list[str]) -> list[Step]:
    """The cheapest steps; what is the same at both ends, which is mostly all of it, is not searched."""
    shorter = min(len(text), len(heard))
    lead = next((at for at in range(shorter) if text[at] != heard[at]), shorter)
    rest = shorter - lead
    trail = next((at for at in range(rest) if text[-1 - at] != heard[-1 - at]), rest)
    between = _searched(
        text[lead : len(text) - trail], wild[lead : len(text) - trail], heard[lead : len(heard) - trail]
    )
    return [
        *(Step(Match.SAME, (at, at + 1), (at, at + 1)) for at in range(lead)),
        *(
            Step(step.match, (step.text[0] + lead, step.text[1] + lead), (step.heard[0] + lead, step.heard[1] + lead))
            for step in between
        ),
        *(
            Step(Match.SAME, (len(text) - at, len(text) - at + 1), (len(heard) - at, len(heard) - at + 1))
            for at in range(trail, 0, -1)
        ),
    ]


def _searched(text: list[str], wild: list[bool], heard: list[str]) -> list[Step]:
    rows, columns = len(text) + 1, len(heard) + 1
    cost = np.full((rows, columns), np.inf)
    move = np.zeros((rows, columns), np.int8)
    cost[0, 0] = 0.0
    for i in range(rows):
        for j in range(columns):
            for number, (down, right) in enumerate(_MOVES):
                if i < down or j < right:
                    continue
                price = cost[i - down, j - right] + _price(text[i - down : i], wild[i - down : i], heard[j - right : j])
                if price < cost[i, j] - 1e-9:
                    cost[i, j], move[i, j] = price, number
    steps = []
    i, j = rows - 1, columns - 1
    while i or j:
        down, right = _MOVES[move[i, j]]
        match = _match(text[i - down : i], wild[i - down : i], heard[j - right : j])
        steps.append(Step(match, (i - down, i), (j - right, j)))
        i, j = i - down, j - right
    return steps[::-1]


def _price(text: list[str], wild: list[bool], heard: list[str]) -> float:
    if not heard:
        return 0.1 if wild[0] else _GAP
    if not text:
        return _GAP
    if wild[0] and len(text) == 1 and len(heard) == 1:
        return 0.0
    like = likeness("".join(text), "".join(heard))
    if len(text) + len(heard) > 2:
        # Two for one must be the same letters, or nearly: else any two words would do.
        return 0.1 + 2.0 * (1.0 - like) if like >= 0.8 else float("inf")
    return (1.0 - like) * 1.2


def _match(text: list[str], wild: list[bool], heard: list[str]) -> Match:
    if not heard:
        return Match.ALIKE if wild[0] else Match.DROPPED
    if not text:
        return Match.ADDED
    if text == heard or any(wild):
        return Match.SAME
    return Match.ALIKE if likeness("".join(text), "".join(heard)) >= ALIKE else Match.OTHER


@lru_cache(maxsize=50_000)
def likeness(one: str, other: str) -> float:
    """How alike two words are spelled, 0 to 1."""
    if one == other:
        return 1.0
    if min(len(one), len(other)) / max(len(one), len(other)) < 0.4:
        return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
