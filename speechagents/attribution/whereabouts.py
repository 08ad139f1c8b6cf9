"""Where the characters of a novel are named, tagged, called and talked of, and where its talks begin and end.

Owns these indices and what is looked up in them. Does not choose candidates nor put them into numbers for the model
(`features`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from speechagents.attribution.clues import Ref, RefKind
from speechagents.attribution.passages import Paragraph, Passage
from speechagents.attribution.quotation import Character, Gender
from speechagents.attribution.tokens import plain_words

_RUN_GAP: Final = 1
"""Paragraphs of narration that do not end a run of dialogue."""
_FAR: Final = 400.0
_FAR_IN_PASSAGES: Final = 200.0
_MAX_RECENT: Final = 16
NEVER: Final = (_FAR, 30.0, 30.0, _FAR)
"""What `Whereabouts.recency` would say of somebody who was not named lately."""


class Whereabouts:
    """Everything about one novel that candidates are chosen and described by.

    Args:
        characters: Everybody.
        paragraphs: What the narrator says.
        passages: What is said, in order.

    Attributes:
        paragraphs: As given.
        passages: As given.
        gender: Of each character.
        share: Part of the narrator's mentions that name each character.
        rank: Place of each character by that share, 0 the first.
        tag_share: Part of the tags with a name that name each character.
        order: Paragraph and character of each mention by the narrator.
        named_in: How often each paragraph's narration names whom.
        gap: Paragraphs of narration in front of each passage, at most 99.
        words_between: Words of narration in front of each passage.
        run: First passage of the run of dialogue that each passage belongs to.
        place: Place of each passage in its run, 0 the first.
        length: Number of passages in the run of each.
    """

    def __init__(
        self, characters: Sequence[Character], paragraphs: Sequence[Paragraph], passages: Sequence[Passage]
    ) -> None:
        self.paragraphs = paragraphs
        self.passages = passages
        self.gender = [character.gender for character in characters]
        self._nouns = [
            frozenset(word for name in (one.name, *one.aliases) for word in plain_words(name)) for one in characters
        ]
        self._index_narration(len(characters))
        self._index_passages(len(characters))
        self._index_runs()
        total = max(1, len(self.order))
        tags = max(1, sum(map(len, self._tagged)))
        self.share = [len(where) / total for where in self._named]
        self.tag_share = [len(where) / tags for where in self._tagged]
        self.rank = [0] * len(characters)
        for rank, who in enumerate(sorted(range(len(characters)), key=lambda one: (-self.share[one], one))):
            self.rank[who] = rank

    def _index_narration(self, characters: int) -> None:
        """Where each character is named by the narrator: paragraphs, in order, one entry a mention."""
        self._named: list[list[int]] = [[] for _ in range(characters)]
        self._subject: list[list[int]] = [[] for _ in range(characters)]
        self.order: list[tuple[int, int]] = []
        for index, paragraph in enumerate(self.paragraphs):
            for who in paragraph.named:
                self._named[who].append(index)
                self.order.append((index, who))
            for who in paragraph.subjects:
                self._subject[who].append(index)
        self._order_paragraphs = [index for index, _ in self.order]
        self.named_in = [Counter(paragraph.named) for paragraph in self.paragraphs]
        self._recent: dict[int, dict[int, tuple[float, float, float, float]]] = {}

    def _index_passages(self, characters: int) -> None:
        """In which passages each character is called, talked of, and said to speak."""
        self._called: list[list[int]] = [[] for _ in range(characters)]
        self._talked: list[list[int]] = [[] for _ in range(characters)]
        self._tagged: list[list[int]] = [[] for _ in range(characters)]
        for number, passage in enumerate(self.passages):
            for who in passage.spoken_to:
                self._called[who].append(number)
            for who in passage.spoken_of:
                self._talked[who].append(number)
            if passage.tag.strength and passage.tag.subject.kind is RefKind.NAME:
                self._tagged[passage.tag.subject.who].append(number)
        self._firsts = [passage.first for passage in self.passages]

    def _index_runs(self) -> None:
        """Number the runs of dialogue, and the places of passages in them."""
        self.gap: list[int] = [99]
        self.words_between: list[int] = [999]
        for one, other in pairwise(self.passages):
            gap = other.first - one.last - 1
            self.gap.append(min(gap, 99))
            self.words_between.append(
                sum(self.paragraphs[index].words for index in range(one.last + 1, other.first)) if gap > 0 else 0
            )
        self.run: list[int] = []
        self.place: list[int] = []
        for number in range(len(self.passages)):
            if number == 0 or self.gap[number] > _RUN_GAP:
                self.run.append(number)
                self.place.append(0)
            else:
                self.run.append(self.run[-1])
                self.place.append(self.place[-1] + 1)
        counts = Counter(self.run)
        self.length = [counts[run] for run in self.run]

    def mentions_before(self, paragraph: int) -> int:
        """How many mentions by the narrator, of anybody, stand in front of a paragraph."""
        return bisect_left(self._order_paragraphs, paragraph)

    def matching(self, ref: Ref, most: int) -> list[int]:
        """Characters that a description may mean, by its noun; those whom more of its words suit come first."""
        if not ref.head:
            return []
        noun = ref.head[-1]
        fitting = [who for who, words in enumerate(self._nouns) if noun in words]
        told = (*ref.head, *ref.rest)
        return sorted(fitting, key=lambda who: (-sum(word in self._nouns[who] for word in told), who))[:most]

    def fits(self, ref: Ref, who: int) -> tuple[float, float]:
        """How a noun phrase agrees with a character: by name or noun, and by gender."""
        if ref.kind is RefKind.NONE:
            return 0.0, 0.0
        if ref.kind is RefKind.NAME:
            if ref.who == who:
                return 2.0, 0.0
            return (1.0 if who in ref.also else -1.0), 0.0
        sex = 0.0
        if ref.gender is not Gender.UNKNOWN:
            own = self.gender[who]
            sex = 0.5 if own is Gender.UNKNOWN else 1.0 if own is ref.gender else -1.0
        if ref.kind is RefKind.NOUN:
            words = self._nouns[who]
            hits = sum(word in words for word in (*ref.head, *ref.rest))
            return (1.25 + 0.25 * hits if ref.head and ref.head[-1] in words else -0.2), sex
        return 0.0, sex

    def distance(self, number: int, step: int) -> float:
        """Paragraphs of narration between a passage and its neighbour."""
        gaps = self.gap[number + step + 1 : number + 1] if step < 0 else self.gap[number + 1 : number + step + 1]
        return float(min(99, sum(gaps)))

    def recency(self, paragraph: int) -> dict[int, tuple[float, float, float, float]]:
        """How lately each character was named by the narrator, for the last sixteen of them.

        Returns:
            Paragraphs since then; characters, those of the same gender, and mentions in between.
        """
        if paragraph in self._recent:
            return self._recent[paragraph]
        found: dict[int, tuple[float, float, float, float]] = {}
        self._recent = {paragraph: found}  # passages come in order, and many may stand in one paragraph
        sexes: Counter[Gender] = Counter()
        at = self.mentions_before(paragraph)
        index = at - 1
        while index >= 0 and len(found) < _MAX_RECENT and paragraph - self._order_paragraphs[index] < 250:
            place, who = self.order[index]
            if who not in found:
                gender = self.gender[who]
                found[who] = (float(paragraph - place), float(len(found)), float(sexes[gender]), float(at - index))
                sexes[gender] += 1
            index -= 1
        return found

    def named_around(self, who: int, first: int, last: int) -> list[float]:
        """How often and how near the narrator names a character before and behind some paragraphs."""
        named, subject = self._named[who], self._subject[who]
        here = bisect_left(named, first)
        behind = bisect_right(named, last)
        subject_here = bisect_left(subject, first)
        row = [float(here - bisect_left(named, first - span)) for span in (3, 10, 40)]
        row.append(float(subject_here - bisect_left(subject, first - 10)))
        row.append(float(first - subject[subject_here - 1]) if subject_here else _FAR)
        row.append(float(named[behind] - last) if behind < len(named) else _FAR)
        row.append(float(bisect_left(named, last + 12) - behind))
        return [min(value, _FAR) for value in row]

    def heard(self, who: int, first: int) -> list[float]:
        """How lately a character was tagged, called and talked of before a paragraph, in passages."""
        number = bisect_left(self._firsts, first)
        row = []
        for where in (self._tagged[who], self._called[who], self._talked[who]):
            at = bisect_left(where, number)
            row.append(min(float(number - where[at - 1]), _FAR_IN_PASSAGES) if at else _FAR_IN_PASSAGES)
        tagged = self._tagged[who]
        ahead = bisect_right(tagged, number)
        row.append(min(float(tagged[ahead] - number), _FAR_IN_PASSAGES) if ahead < len(tagged) else _FAR_IN_PASSAGES)
        row.append(float(bisect_left(tagged, number) - bisect_left(tagged, number - 12)))
        row.append(float(bisect_right(tagged, number + 12) - ahead))
        return row
