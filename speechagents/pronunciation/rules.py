"""What a rule of reading is, and a set of rules applied in one pass.

Owns how rules find their places and never meet. Knows no language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Characters that are said otherwise than they are written.

    Attributes:
        start: First character.
        end: Behind the last one.
        spoken: What is said instead.
    """

    start: int
    end: int
    spoken: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A form of writing and how it is read.

    Attributes:
        pattern: Regular expression; its groups are named, and no other rule of the set has the same names.
        read: What is said for each of its named groups, by their names; empty if this place is none of its.
    """

    pattern: str
    read: Callable[[re.Match[str]], dict[str, str]]


class Rules:
    """Rules of a language, compiled into one expression.

    Args:
        rules: The earlier one counts where two begin at the same place.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._readers = {f"rule{number}": rule.read for number, rule in enumerate(rules)}
        self._pattern = re.compile("|".join(f"(?P<rule{n}>{rule.pattern})" for n, rule in enumerate(rules)))

    def edits(self, text: str) -> Iterator[Edit]:
        """What is said otherwise in a text, in order, apart from each other."""
        for match in self._pattern.finditer(text):
            name = match.lastgroup or ""
            spoken = self._readers[name](match)
            yield from sorted(Edit(*match.span(group), words) for group, words in spoken.items())
