"""What can be recalled of a scene: recent messages whole, older ones when they matter, and facts.

Owns the fold of messages into memory. Knows no controller and no sound. What a role could not hear it cannot recall.

Recent messages leave in blocks, not one by one, so that the prefix that all prompts share stays the same between turns.
Older ones are scored by recency, relevance and importance (Park et al. 2023, *Generative Agents*, arXiv 2304.03442,
section 4.1).
"""

from __future__ import annotations

import copy
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from speechagents.controllers.controller import Heard
from speechagents.drama import clean_name, role_key

_WORD = re.compile(r"\w{3,}")
_HALF_LIFE = 60.0
"""Messages after which recency has halved."""

_REACH = 512
"""How many messages back anybody remembers: what a turn costs stays the same however long the scene is."""


@dataclass(frozen=True, slots=True)
class _Entry:
    heard: Heard
    audience: frozenset[str]  # keys; empty means everybody
    words: Counter[str]

    def heard_by(self, key: str) -> bool:
        return not self.audience or key in self.audience or key == role_key(self.heard.speaker)


class Memory:
    """A pure fold over messages as they were understood.

    Args:
        recent: Most messages that are kept whole.
        block: By how many the window moves.
        recalled: Most older messages that are recalled at once.
        facts: Most facts.
        fact_chars: Longest fact.
    """

    def __init__(
        self, *, recent: int = 32, block: int = 16, recalled: int = 4, facts: int = 24, fact_chars: int = 200
    ) -> None:
        self._recent = recent
        self._block = block
        self._recalled = recalled
        self._most_facts = facts
        self._fact_chars = fact_chars
        self._entries: list[_Entry] = []
        self._spread: Counter[str] = Counter()  # in how many messages a word occurs
        self._facts: list[str] = []

    def forked(self) -> Memory:
        """A memory that goes on from here on its own."""
        other = copy.copy(self)
        vars(other).update(_entries=self._entries.copy(), _spread=self._spread.copy(), _facts=self._facts.copy())
        return other

    def add(self, heard: Heard, audience: Sequence[str] = ()) -> None:
        """Remember the next message.

        Args:
            heard: As it was understood.
            audience: Names of those who could hear it; empty means everybody.
        """
        words = Counter(_words(heard.text))
        self._spread.update(words.keys())
        self._entries.append(_Entry(heard, frozenset(map(role_key, audience)), words))

    def establish(self, facts: Sequence[str]) -> None:
        """Add facts. One about the same matter (the words before a colon) replaces the older one; the oldest leave."""
        for fact in facts:
            text = clean_name(fact)[: self._fact_chars]
            if not text:
                continue
            self._facts = [old for old in self._facts if _matter(old) != _matter(text)]
            self._facts.append(text)
        del self._facts[: -self._most_facts]

    @property
    def facts(self) -> tuple[str, ...]:
        """What is established, oldest first."""
        return tuple(self._facts)

    def recent(self, name: str) -> tuple[Heard, ...]:
        """What a role could hear of the recent window, oldest first."""
        key = role_key(name)
        return tuple(entry.heard for entry in self._entries[self._window :] if entry.heard_by(key))

    def recent_all(self) -> tuple[Heard, ...]:
        """All of the recent window: the director's view."""
        return tuple(entry.heard for entry in self._entries[self._window :])

    def recall(self, name: str, *, cue: str) -> tuple[Heard, ...]:
        """Older messages that matter to a role now, oldest first.

        Args:
            name: Of the role.
            cue: What is being talked about.
        """
        key, now = role_key(name), len(self._entries)
        wanted = set(_words(cue))
        scored = []
        for number in range(max(0, self._window - _REACH), self._window):
            entry = self._entries[number]
            if not entry.heard_by(key):
                continue
            relevance = sum(math.log(now / self._spread[word]) for word in wanted & entry.words.keys())
            if relevance <= 0.0:
                continue
            recency = 0.5 ** ((now - number) / _HALF_LIFE)
            to_me = key in map(role_key, entry.heard.addresses)
            scored.append((relevance + recency + to_me + entry.heard.private, number))
        best = sorted(scored, key=lambda one: (-one[0], one[1]))[: self._recalled]
        return tuple(self._entries[number].heard for number in sorted(number for _, number in best))

    @property
    def _window(self) -> int:
        """First message of the recent window: a multiple of the block."""
        over = len(self._entries) - self._recent
        return max(0, math.ceil(over / self._block)) * self._block


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _matter(fact: str) -> str:
    return role_key(fact.split(":", 1)[0])
