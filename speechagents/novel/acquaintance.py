"""Who talks how much in a novel, and near whom: what casting needs, counted in one pass over the lines.

Owns the counting alone; what a voice costs is the affair of `speechagents.voices.assignment`. In a novel everybody of
a chapter would count as meeting everybody else, were the chapter one scene: then a village would need a voice for
each. What a listener confuses are people who talk near each other, so here two meet who speak within a few turns; who
shares a chapter, or with a lead the book, is kept apart as long as voices last.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from speechagents.drama import NARRATOR, Line, Role, role_key
from speechagents.voices.company import Company

NEAR_TURNS: Final = 12
"""Two meet who speak within so many turns of each other. People keep the wording, and with it the voice, of about the
last seven clauses in mind (our choice: a page of dialogue)."""

LEAD_SHARE: Final = 0.04
"""Who says so much of all that is spoken is a lead: their voice is given to others last, wherever in the book."""

_NARRATOR_KEY: Final = role_key(NARRATOR)


@dataclass(frozen=True, slots=True)
class FirstLine:
    """Where somebody is heard first.

    Attributes:
        number: Number of the line.
        text: What is said in it.
        chapter: Title of the chapter.
    """

    number: int
    text: str
    chapter: str


class Acquaintances:
    """Counts lines as they are heard, chapter by chapter."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._lines: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._turns: Counter[tuple[str, str]] = Counter()
        self._met: set[tuple[str, str]] = set()
        self._chapters: list[set[str]] = []
        self._crowded: dict[str, tuple[str, int]] = {}
        self._firsts: dict[str, FirstLine] = {}
        self._title = ""
        self._recent: deque[str] = deque(maxlen=NEAR_TURNS)

    def open(self, title: str) -> None:
        """Begin a chapter: nobody of the one before is remembered."""
        self._title = title
        self._recent.clear()
        self._chapters.append(set())

    def hear(self, line: Line) -> None:
        """Count the next line of the chapter."""
        key = role_key(line.role)
        if key not in self._names:
            self._names[key] = line.role
            self._firsts[key] = FirstLine(line.number, line.text, self._title)
        self._lines[key] += 1
        self._words[key] += len(line.text.split())
        if key == _NARRATOR_KEY or (self._recent and self._recent[-1] == key):
            return
        if self._recent:
            self._turns[self._recent[-1], key] += 1
        around = {*self._recent, key}
        self._met.update((other, key) for other in around if other != key)
        for other in around:
            if self._crowded.get(other, ("", 0))[1] < len(around):
                self._crowded[other] = self._title, len(around)
        self._recent.append(key)
        self._chapters[-1].add(key)

    def firsts(self) -> Mapping[str, FirstLine]:
        """The first line of everybody by `role_key`."""
        return dict(self._firsts)

    def company(self, profiles: Mapping[str, Role], narrator: Role | None = None) -> Company:
        """What was counted.

        Args:
            profiles: Roles by key, for those of whom more is known than the name.
            narrator: Who tells the story, where it is a person of it.
        """
        order = sorted(self._names.keys() - {_NARRATOR_KEY}, key=lambda key: (-self._words[key], key))
        at = {key: index for index, key in enumerate(order)}
        count = len(order)
        together = np.zeros((count, count), np.bool_)
        for one, other in self._met:
            together[at[one], at[other]] = together[at[other], at[one]] = True
        turns = np.zeros((count, count))
        for (one, other), times in self._turns.items():
            turns[at[one], at[other]] += times
            turns[at[other], at[one]] += times
        busy = turns.sum(axis=1)
        near = np.zeros((count, count), np.bool_)
        for present in self._chapters:
            indices = [at[key] for key in present]
            near[np.ix_(indices, indices)] = True
        spoken = sum(self._words[key] for key in order)
        leads = [index for index, key in enumerate(order) if self._words[key] >= LEAD_SHARE * spoken]
        near[leads, :] = near[:, leads] = True
        near &= ~together
        np.fill_diagonal(near, val=False)
        company = Company(
            roles=tuple(profiles.get(key) or Role(self._names[key]) for key in order),
            lines=np.array([self._lines[key] for key in order], np.int64),
            words=np.array([self._words[key] for key in order], np.int64),
            together=together,
            exchange=turns / np.maximum(1.0, np.maximum.outer(busy, busy)),
            crowded=tuple(self._crowded.get(key, ("", 0)) for key in order),
            narrated=(self._lines[_NARRATOR_KEY], self._words[_NARRATOR_KEY]),
            near=near,
            place="conversation",
        )
        return company if narrator is None else replace(company, narrator=narrator)
