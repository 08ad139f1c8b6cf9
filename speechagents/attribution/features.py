"""What is known of each passage and each character who may speak it, as numbers for the model.

Owns the choice of candidates and the meaning and order of the features. Does not know the model (`forest`) nor how
clues are read (`clues`, `passages`).

A feature is the same for every novel: no name, no word of a novel reaches the model.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.attribution.clues import Ref, RefKind
from speechagents.attribution.passages import Paragraph, Passage
from speechagents.attribution.quotation import Character, Gender
from speechagents.attribution.tokens import plain_words

MAX_CANDIDATES: Final = 20
_NEAR: Final = 4
"""Passages on either side whose tags and calls count one by one."""
_RUN_GAP: Final = 1
"""Paragraphs of narration that do not end a run of dialogue."""
_FAR: Final = 400.0
_SUBJECT_WORDS: Final = frozenset({"i", "i'm", "i've", "i'll", "i'd", "me", "my", "myself", "mine"})
_OTHER_WORDS: Final = frozenset({"you", "your", "yours", "you're", "you've", "you'll", "you'd", "yourself"})


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who may speak each passage, and what is known of them.

    Attributes:
        offsets: First row of each passage, and the number of rows behind the last.
        who: Character of each row.
        features: One row each.
    """

    offsets: NDArray[np.int64]
    who: NDArray[np.int32]
    features: NDArray[np.float32]


def gather(characters: Sequence[Character], paragraphs: Sequence[Paragraph], passages: Sequence[Passage]) -> Candidates:
    """Choose candidates and describe them.

    Args:
        characters: Everybody.
        paragraphs: What the narrator says.
        passages: What is said, in order.
    """
    return _Gatherer(characters, paragraphs, passages).gather()


class _Gatherer:
    """Everything about one novel that candidates are described by."""

    def __init__(
        self, characters: Sequence[Character], paragraphs: Sequence[Paragraph], passages: Sequence[Passage]
    ) -> None:
        self._characters = characters
        self._paragraphs = paragraphs
        self._passages = passages
        count = len(characters)
        self._gender = [character.gender for character in characters]
        self._nouns = [
            frozenset(word for name in (one.name, *one.aliases) for word in plain_words(name)) for one in characters
        ]
        # Where each character is named: paragraphs, in order, one entry a mention.
        self._named: list[list[int]] = [[] for _ in range(count)]
        self._subject: list[list[int]] = [[] for _ in range(count)]
        order: list[tuple[int, int]] = []
        for index, paragraph in enumerate(paragraphs):
            for who in paragraph.named:
                self._named[who].append(index)
                order.append((index, who))
            for who in paragraph.subjects:
                self._subject[who].append(index)
        self._order = order
        self._order_paragraphs = [index for index, _ in order]
        self._called: list[list[int]] = [[] for _ in range(count)]
        self._talked: list[list[int]] = [[] for _ in range(count)]
        self._tagged: list[list[int]] = [[] for _ in range(count)]
        for number, passage in enumerate(passages):
            for who in passage.spoken_to:
                self._called[who].append(number)
            for who in passage.spoken_of:
                self._talked[who].append(number)
            if passage.tag.strength and passage.tag.subject.kind is RefKind.NAME:
                self._tagged[passage.tag.subject.who].append(number)
        total = max(1, len(order))
        tags = max(1, sum(map(len, self._tagged)))
        self._share = [len(where) / total for where in self._named]
        self._tag_share = [len(where) / tags for where in self._tagged]
        by_share = sorted(range(count), key=lambda one: (-self._share[one], one))
        self._rank = [0] * count
        for rank, who in enumerate(by_share):
            self._rank[who] = rank
        self._firsts = [passage.first for passage in passages]
        self._runs()

    def _runs(self) -> None:
        """Number the runs of dialogue, and the places of passages in them."""
        passages = self._passages
        self._gap: list[int] = [99]
        self._words_between: list[int] = [999]
        for one, other in zip(passages, passages[1:], strict=False):
            gap = other.first - one.last - 1
            self._gap.append(min(gap, 99))
            self._words_between.append(
                sum(self._paragraphs[index].words for index in range(one.last + 1, other.first)) if gap > 0 else 0
            )
        self._run: list[int] = []
        self._place: list[int] = []
        for number in range(len(passages)):
            if number == 0 or self._gap[number] > _RUN_GAP:
                self._run.append(number)
                self._place.append(0)
            else:
                self._run.append(self._run[-1])
                self._place.append(self._place[-1] + 1)
        self._length = [0] * len(passages)
        counts = Counter(self._run)
        for number, run in enumerate(self._run):
            self._length[number] = counts[run]

    def gather(self) -> Candidates:
        offsets, who, rows = [0], [], []
        for number in range(len(self._passages)):
            chosen = self._choose(number)
            rows += self._describe(number, chosen)
            who += chosen
            offsets.append(len(who))
        return Candidates(
            np.array(offsets, dtype=np.int64),
            np.array(who, dtype=np.int32),
            np.array(rows, dtype=np.float32).reshape(len(rows), -1),
        )

    # Who may have said it.

    def _choose(self, number: int) -> list[int]:
        passage = self._passages[number]
        chosen: dict[int, float] = {}

        def add(who: int, weight: float) -> None:
            if who >= 0:
                chosen[who] = max(chosen.get(who, -math.inf), weight)

        for ref in (passage.tag.subject, passage.behind, passage.ahead):
            add(ref.who, 100)
            for other in ref.also:
                add(other, 60)
            if ref.kind is RefKind.NOUN:
                for who in self._matching(ref):
                    add(who, 50)
        for who in passage.tag.objects:
            add(who, 20)
        for index in range(passage.first, passage.last + 1):
            for who in self._paragraphs[index].named:
                add(who, 40)
        for step in range(1, 4):
            if passage.first - step >= 0:
                for who in self._paragraphs[passage.first - step].named:
                    add(who, 30 - step)
            if passage.last + step < len(self._paragraphs):
                for who in self._paragraphs[passage.last + step].named:
                    add(who, 22 - step)
        for step in range(1, 9):
            for near in (number - step, number + step):
                if 0 <= near < len(self._passages) and (step <= 2 or self._run[near] == self._run[number]):
                    other = self._passages[near]
                    if other.tag.subject.kind is RefKind.NAME:
                        add(other.tag.subject.who, 32 - step)
                    for who in other.spoken_to:
                        add(who, 28 - step)
                    if step <= 2:
                        for who in other.spoken_of:
                            add(who, 6 - step)
        seen: set[int] = set()
        sexes: Counter[Gender] = Counter()
        at = bisect_left(self._order_paragraphs, passage.first) - 1
        while at >= 0 and len(seen) < 10 and passage.first - self._order_paragraphs[at] < 150:
            who = self._order[at][1]
            if who not in seen:
                seen.add(who)
                sexes[self._gender[who]] += 1
                add(who, 18 - len(seen) - min(8.0, (passage.first - self._order_paragraphs[at]) / 15))
            at -= 1
        for near in range(max(0, number - 40), number):
            add(self._passages[near].tag.subject.who, 1 - (number - near) / 40)
        ranked = sorted(chosen, key=lambda one: (-chosen[one], one))[:MAX_CANDIDATES]
        return sorted(ranked)

    def _matching(self, ref: Ref) -> list[int]:
        """Characters that a description may mean, by its noun."""
        if not ref.head:
            return []
        noun = ref.head[-1]
        fitting = [who for who, words in enumerate(self._nouns) if noun in words]
        told = (*ref.head, *ref.rest)
        return sorted(fitting, key=lambda who: (-sum(word in self._nouns[who] for word in told), who))[:8]

    # What is known of them.

    def _fits(self, ref: Ref, who: int) -> tuple[float, float]:
        """How a noun phrase agrees with a character: by name or noun, and by gender."""
        if ref.kind is RefKind.NONE:
            return 0.0, 0.0
        if ref.kind is RefKind.NAME:
            if ref.who == who:
                return 2.0, 0.0
            return (1.0 if who in ref.also else -1.0), 0.0
        sex = 0.0
        if ref.gender is not Gender.UNKNOWN:
            own = self._gender[who]
            sex = 0.5 if own is Gender.UNKNOWN else 1.0 if own is ref.gender else -1.0
        if ref.kind is RefKind.NOUN:
            words = self._nouns[who]
            hits = sum(word in words for word in (*ref.head, *ref.rest))
            return (1.25 + 0.25 * hits if ref.head and ref.head[-1] in words else -0.2), sex
        return 0.0, sex

    def _describe(self, number: int, chosen: Sequence[int]) -> list[list[float]]:
        passage, passages, paragraphs = self._passages[number], self._passages, self._paragraphs
        tag = passage.tag
        own = range(passage.first, passage.last + 1)
        own_named = [who for index in own for who in paragraphs[index].named]
        own_subjects = [who for index in own for who in paragraphs[index].subjects]
        he = sum(paragraphs[index].he for index in own)
        she = sum(paragraphs[index].she for index in own)
        before = paragraphs[passage.first - 1] if passage.first else None
        behind = paragraphs[passage.last + 1] if passage.last + 1 < len(paragraphs) else None
        said = passage.words
        length = max(1, len(said))
        shared = [
            float(tag.strength),
            float(tag.place),
            float(tag.subject.kind),
            float(passage.behind.kind),
            float(passage.ahead.kind),
            float(min(self._place[number], 30)),
            float(min(self._length[number], 60)),
            float(self._length[number] - self._place[number] - 1),
            float(self._gap[number]),
            float(self._gap[number + 1]) if number + 1 < len(passages) else 99.0,
            float(min(self._words_between[number], 500)),
            math.log1p(length),
            {"?": 1.0, "!": 2.0, ",": 3.0, ".": 4.0}.get(passage.ends, 0.0),
            float(sum(paragraphs[index].words for index in own)),
            float(len(passage.spoken_to) > 0),
            sum(word in _SUBJECT_WORDS for word in said) / length,
            sum(word in _OTHER_WORDS for word in said) / length,
            float(len(chosen)),
            float(before.last.kind) if before else 0.0,
            float(before.quoted) if before else 0.0,
            float(passages[number - 1].ends == "?") if number else 0.0,
        ]
        first_order = bisect_left(self._order_paragraphs, passage.first)
        recent = self._recency(first_order, passage.first)
        table = []
        near = [
            (step, passages[number + step])
            for step in (-1, 1, -2, 2, -3, 3, -4, 4)
            if 0 <= number + step < len(passages)
        ]
        distance = {step: self._distance(number, step) for step, _ in near}
        run_first = self._run[number]
        run = range(max(run_first, number - 14), min(run_first + self._length[number], number + 15))
        run_tags = [
            (other - number, passages[other].tag.subject)
            for other in run
            if other != number and passages[other].tag.strength
        ]
        run_calls = [(other - number, who) for other in run if other != number for who in passages[other].spoken_to]
        sexes: Counter[Gender] = Counter(self._gender[who] for who in chosen)
        for who in chosen:
            gender = self._gender[who]
            tag_name, tag_sex = self._fits(tag.subject, who)
            behind_name, behind_sex = self._fits(passage.behind, who)
            ahead_name, ahead_sex = self._fits(passage.ahead, who)
            row = [
                tag_name,
                tag_sex,
                float(who in tag.objects),
                behind_name,
                behind_sex,
                ahead_name,
                ahead_sex,
                float(own_named.count(who)),
                float(own_named.index(who)) if who in own_named else 9.0,
                float(own_subjects.count(who)),
                float(he - she) if gender is Gender.MALE else float(she - he) if gender is Gender.FEMALE else 0.0,
                {Gender.MALE: 1.0, Gender.FEMALE: -1.0}.get(gender, 0.0),
                float(passage.spoken_to.count(who)),
                float(passage.spoken_of.count(who)),
                0.0
                if passage.calls is Gender.UNKNOWN or gender is Gender.UNKNOWN
                else 1.0
                if passage.calls is gender
                else -1.0,
                self._share[who],
                float(self._rank[who]),
                self._tag_share[who],
                float(sexes[gender]),
            ]
            if before is not None:
                name, sex = self._fits(before.last, who)
                first_name, first_sex = self._fits(before.first, who)
                row += [
                    name,
                    sex,
                    first_name,
                    first_sex,
                    float(before.named.count(who)),
                    float(bool(before.named) and before.named[-1] == who),
                ]
            else:
                row += [0.0] * 6
            if behind is not None:
                name, sex = self._fits(behind.first, who)
                row += [name, sex, float(behind.named.count(who)), float(behind.quoted)]
            else:
                row += [0.0] * 4
            row += recent.get(who, _NEVER)
            row += self._counts(who, passage.first, passage.last)
            for step in (-1, 1, -2, 2, -3, 3, -4, 4):
                if step in distance:
                    other = passages[number + step]
                    name, sex = self._fits(other.tag.subject, who) if other.tag.strength else (0.0, 0.0)
                    if not other.tag.strength and abs(step) <= 2:
                        name, sex = self._fits(
                            other.behind if other.behind.kind is not RefKind.NONE else other.ahead, who
                        )
                        name, sex = name * 0.5, sex * 0.5
                    row += [
                        name,
                        sex,
                        float(other.spoken_to.count(who)) - 0.3 * other.spoken_of.count(who),
                        distance[step],
                    ]
                else:
                    row += [0.0, 0.0, 0.0, 99.0]
            even = odd = even_sex = odd_sex = 0.0
            for step, subject in run_tags:
                name, sex = self._fits(subject, who)
                weight = 1.0 / (1.0 + abs(step) * 0.15)
                if step % 2:
                    odd += (name > 0) * weight
                    odd_sex += (sex if sex < 0 else 0.3 * sex) * weight
                else:
                    even += (name > 0) * weight
                    even_sex += (sex if sex < 0 else 0.3 * sex) * weight
            even_call = odd_call = 0.0
            for step, called in run_calls:
                if called == who:
                    if step % 2:
                        odd_call += 1.0 / (1.0 + abs(step) * 0.15)
                    else:
                        even_call += 1.0 / (1.0 + abs(step) * 0.15)
            row += [even, odd, even_sex, odd_sex, even_call, odd_call]
            table.append(shared + row)
        return table

    def _distance(self, number: int, step: int) -> float:
        """Paragraphs of narration between a passage and its neighbour."""
        gaps = self._gap[number + step + 1 : number + 1] if step < 0 else self._gap[number + 1 : number + step + 1]
        return float(min(99, sum(gaps)))

    def _recency(self, at: int, paragraph: int) -> dict[int, list[float]]:
        """How lately each character was named by the narrator, for the last dozen of them."""
        found: dict[int, list[float]] = {}
        sexes: Counter[Gender] = Counter()
        index = at - 1
        while index >= 0 and len(found) < 16 and paragraph - self._order_paragraphs[index] < 250:
            place, who = self._order[index]
            if who not in found:
                gender = self._gender[who]
                found[who] = [float(paragraph - place), float(len(found)), float(sexes[gender]), float(at - index)]
                sexes[gender] += 1
            index -= 1
        return found

    def _counts(self, who: int, first: int, last: int) -> list[float]:
        named, subject = self._named[who], self._subject[who]
        here = bisect_left(named, first)
        behind = bisect_right(named, last)
        subject_here = bisect_left(subject, first)
        row = [float(here - bisect_left(named, first - span)) for span in (3, 10, 40)]
        row.append(float(subject_here - bisect_left(subject, first - 10)))
        row.append(float(first - subject[subject_here - 1]) if subject_here else _FAR)
        row.append(float(named[behind] - last) if behind < len(named) else _FAR)
        row.append(float(bisect_left(named, last + 12) - behind))
        return [min(value, _FAR) for value in row] + self._heard(who, first)

    def _heard(self, who: int, first: int) -> list[float]:
        """How lately the character was tagged, called and talked of, in passages."""
        number = bisect_left(self._firsts, first)
        row = []
        for where in (self._tagged[who], self._called[who], self._talked[who]):
            at = bisect_left(where, number)
            row.append(min(float(number - where[at - 1]), 200.0) if at else 200.0)
        tagged = self._tagged[who]
        ahead = bisect_right(tagged, number)
        row.append(min(float(tagged[ahead] - number), 200.0) if ahead < len(tagged) else 200.0)
        row.append(float(bisect_left(tagged, number) - bisect_left(tagged, number - 12)))
        row.append(float(bisect_right(tagged, number + 12) - ahead))
        return row


_NEVER: Final = [_FAR, 30.0, 30.0, _FAR]
