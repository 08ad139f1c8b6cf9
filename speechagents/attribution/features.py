"""What is known of each passage and each character who may speak it, as numbers for the model.

Owns the choice of candidates and the meaning and order of the features. Does not know the model (`forest`) nor how
clues are read (`clues`, `passages`) and looked up (`whereabouts`).

A feature is the same for every novel: no name, no word of a novel reaches the model. The models were trained on these
columns in this order; whoever changes a value trains them anew.
"""

from __future__ import annotations

import math
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.attribution.clues import RefKind
from speechagents.attribution.passages import Paragraph, Passage
from speechagents.attribution.quotation import Character, Gender
from speechagents.attribution.whereabouts import NEVER, Whereabouts

MAX_CANDIDATES: Final = 20
_BLOCK: Final = 8192
"""Rows that are described, packed and scored at once: 4 MB, however long the novel."""
_NEAR_STEPS: Final = (-1, 1, -2, 2, -3, 3, -4, 4)
"""Passages on either side whose tags and calls count one by one."""
_RUN_REACH: Final = 14
"""Passages of a run on either side whose tags and calls count together."""
_MAX_DESCRIBED: Final = 8
_SIGN: Final = {Gender.MALE: 1, Gender.FEMALE: -1, Gender.UNKNOWN: 0}
_ENDS: Final = {"?": 1.0, "!": 2.0, ",": 3.0, ".": 4.0}
_SUBJECT_WORDS: Final = frozenset({"i", "i'm", "i've", "i'll", "i'd", "me", "my", "myself", "mine"})
_OTHER_WORDS: Final = frozenset({"you", "your", "yours", "you're", "you've", "you'll", "you'd", "yourself"})


@dataclass(frozen=True, slots=True)
class Block:
    """Features of neighbouring passages, packed: both looks go by them, and most are small and equal.

    Attributes:
        passages: Numbers of the passages.
        packed: Their rows, compressed: about a seventh of their size.
        columns: Features of a row.
    """

    passages: range
    packed: bytes
    columns: int

    def rows(self) -> NDArray[np.float32]:
        """The features, one row for each candidate of each passage."""
        return np.frombuffer(zlib.decompress(self.packed), dtype=np.float32).reshape(-1, self.columns)


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who may speak each passage, and what is known of them.

    Attributes:
        offsets: First row of each passage, and the number of rows behind the last.
        who: Character of each row.
        blocks: Features of all rows, in order.
    """

    offsets: NDArray[np.int64]
    who: NDArray[np.int32]
    blocks: tuple[Block, ...]

    def features(self) -> NDArray[np.float32]:
        """All rows at once, for those who have the memory: a novel of 300 000 words takes 100 MB."""
        if not self.blocks:
            return np.zeros((0, 0), dtype=np.float32)
        return np.concatenate([block.rows() for block in self.blocks])


def gather(characters: Sequence[Character], paragraphs: Sequence[Paragraph], passages: Sequence[Passage]) -> Candidates:
    """Choose candidates and describe them.

    Args:
        characters: Everybody.
        paragraphs: What the narrator says.
        passages: What is said, in order.
    """
    where = Whereabouts(characters, paragraphs, passages)
    offsets, who = [0], array("i")
    blocks = tuple(_described(where, offsets, who))
    return Candidates(np.array(offsets, dtype=np.int64), np.frombuffer(who, dtype=np.int32), blocks)


def _described(where: Whereabouts, offsets: list[int], who: array[int]) -> Iterator[Block]:
    """Features by blocks; adds the candidates of each passage to `who`, and where they end to `offsets`."""
    # Singles one after the other: rows of Python's numbers would take eight times the room.
    rows = array("f")
    begin, count = 0, 0
    company: _Company | None = None
    for number, passage in enumerate(where.passages):
        if company is None or company.paragraphs != (passage.first, passage.last):
            company = _Company(where, passage)
        chosen = _choose(where, number)
        for row in _describe(where, number, chosen, company):
            rows.extend(row)
        who.extend(chosen)
        offsets.append(len(who))
        count += len(chosen)
        if count and (count >= _BLOCK or number + 1 == len(where.passages)):
            yield Block(range(begin, number + 1), zlib.compress(rows, 1), len(rows) // count)
            rows = array("f")
            begin, count = number + 1, 0


# Who may have said it.


class _Choice:
    """Characters that are thought of, each with the best reason for it."""

    def __init__(self) -> None:
        self._weights: dict[int, float] = {}

    def add(self, who: int, weight: float) -> None:
        if who >= 0:
            self._weights[who] = max(self._weights.get(who, -math.inf), weight)

    def best(self) -> list[int]:
        weights = self._weights
        return sorted(sorted(weights, key=lambda one: (-weights[one], one))[:MAX_CANDIDATES])


def _choose(where: Whereabouts, number: int) -> list[int]:
    choice = _Choice()
    _add_named_here(choice, where, number)
    _add_named_around(choice, where, number)
    _add_talkers(choice, where, number)
    _add_named_lately(choice, where, where.passages[number].first)
    for near in range(max(0, number - 40), number):
        choice.add(where.passages[near].tag.subject.who, 1 - (number - near) / 40)
    return choice.best()


def _add_named_here(choice: _Choice, where: Whereabouts, number: int) -> None:
    passage = where.passages[number]
    for ref in (passage.tag.subject, passage.behind, passage.ahead):
        choice.add(ref.who, 100)
        for other in ref.also:
            choice.add(other, 60)
        if ref.kind is RefKind.NOUN:
            for who in where.matching(ref, _MAX_DESCRIBED):
                choice.add(who, 50)
    for who in passage.tag.objects:
        choice.add(who, 20)
    for index in range(passage.first, passage.last + 1):
        for who in where.named_in[index]:
            choice.add(who, 40)


def _add_named_around(choice: _Choice, where: Whereabouts, number: int) -> None:
    passage, named_in = where.passages[number], where.named_in
    for step in range(1, 4):
        if passage.first - step >= 0:
            for who in named_in[passage.first - step]:
                choice.add(who, 30 - step)
        if passage.last + step < len(named_in):
            for who in named_in[passage.last + step]:
                choice.add(who, 22 - step)


def _add_talkers(choice: _Choice, where: Whereabouts, number: int) -> None:
    """Those who are tagged and called in the passages around."""
    for step in range(1, 9):
        for near in (number - step, number + step):
            if 0 <= near < len(where.passages) and (step <= 2 or where.run[near] == where.run[number]):
                other = where.passages[near]
                if other.tag.subject.kind is RefKind.NAME:
                    choice.add(other.tag.subject.who, 32 - step)
                for who in other.spoken_to:
                    choice.add(who, 28 - step)
                if step <= 2:
                    for who in other.spoken_of:
                        choice.add(who, 6 - step)


def _add_named_lately(choice: _Choice, where: Whereabouts, paragraph: int) -> None:
    seen: set[int] = set()
    at = where.mentions_before(paragraph) - 1
    while at >= 0 and len(seen) < 10 and paragraph - where.order[at][0] < 150:
        place, who = where.order[at]
        if who not in seen:
            seen.add(who)
            choice.add(who, 18 - len(seen) - min(8.0, (paragraph - place) / 15))
        at -= 1


# What is known of them.


def _describe(where: Whereabouts, number: int, chosen: Sequence[int], company: _Company) -> list[list[float]]:
    """One row for each candidate of a passage."""
    passage = where.passages[number]
    shared = _of_passage(where, number, len(chosen))
    recent = where.recency(passage.first)
    sexes = Counter(where.gender[who] for who in chosen)
    around = _Around(where, number)
    return [
        [
            *shared,
            *_here(where, passage, company, who),
            where.share[who],
            float(where.rank[who]),
            where.tag_share[who],
            float(sexes[where.gender[who]]),
            *_in_paragraph_before(where, passage, who),
            *_in_paragraph_behind(where, passage, who),
            *recent.get(who, NEVER),
            *where.named_around(who, passage.first, passage.last),
            *where.heard(who, passage.first),
            *around.one_by_one(who),
            *around.in_turn(who),
        ]
        for who in chosen
    ]


def _of_passage(where: Whereabouts, number: int, candidates: int) -> list[float]:
    """What is the same for all candidates of a passage."""
    passage, passages, paragraphs = where.passages[number], where.passages, where.paragraphs
    before = paragraphs[passage.first - 1] if passage.first else None
    said = passage.words
    length = max(1, len(said))
    return [
        float(passage.tag.strength),
        float(passage.tag.place),
        float(passage.tag.subject.kind),
        float(passage.behind.kind),
        float(passage.ahead.kind),
        float(min(where.place[number], 30)),
        float(min(where.length[number], 60)),
        float(where.length[number] - where.place[number] - 1),
        float(where.gap[number]),
        float(where.gap[number + 1]) if number + 1 < len(passages) else 99.0,
        float(min(where.words_between[number], 500)),
        math.log1p(length),
        _ENDS.get(passage.ends, 0.0),
        float(sum(paragraphs[index].words for index in range(passage.first, passage.last + 1))),
        float(len(passage.spoken_to) > 0),
        sum(word in _SUBJECT_WORDS for word in said) / length,
        sum(word in _OTHER_WORDS for word in said) / length,
        float(candidates),
        float(before.last.kind) if before else 0.0,
        float(before.quoted) if before else 0.0,
        float(passages[number - 1].ends == "?") if number else 0.0,
    ]


class _Company:
    """Whom the narrator names in the paragraphs of a passage; all passages in them share it."""

    def __init__(self, where: Whereabouts, passage: Passage) -> None:
        own = where.paragraphs[passage.first : passage.last + 1]
        named = [who for paragraph in own for who in paragraph.named]
        self.paragraphs = passage.first, passage.last
        self.named = Counter(named)
        self.place = {who: place for place, who in reversed(list(enumerate(named)))}
        self.subjects = Counter(who for paragraph in own for who in paragraph.subjects)
        self.he_over_she = sum(paragraph.he for paragraph in own) - sum(paragraph.she for paragraph in own)


def _here(where: Whereabouts, passage: Passage, company: _Company, who: int) -> list[float]:
    """What a passage and its own paragraphs say of a candidate."""
    gender = where.gender[who]
    sign = _SIGN[gender]
    return [
        *where.fits(passage.tag.subject, who),
        float(who in passage.tag.objects),
        *where.fits(passage.behind, who),
        *where.fits(passage.ahead, who),
        float(company.named[who]),
        float(company.place.get(who, 9)),
        float(company.subjects[who]),
        float(sign * company.he_over_she),
        float(sign),
        float(passage.spoken_to.count(who)),
        float(passage.spoken_of.count(who)),
        _agreement(passage.calls, gender),
    ]


def _agreement(told: Gender, own: Gender) -> float:
    if Gender.UNKNOWN in (told, own):
        return 0.0
    return 1.0 if told is own else -1.0


def _in_paragraph_before(where: Whereabouts, passage: Passage, who: int) -> list[float]:
    if not passage.first:
        return [0.0] * 6
    before = where.paragraphs[passage.first - 1]
    return [
        *where.fits(before.last, who),
        *where.fits(before.first, who),
        float(where.named_in[passage.first - 1][who]),
        float(bool(before.named) and before.named[-1] == who),
    ]


def _in_paragraph_behind(where: Whereabouts, passage: Passage, who: int) -> list[float]:
    if passage.last + 1 >= len(where.paragraphs):
        return [0.0] * 4
    behind = where.paragraphs[passage.last + 1]
    return [*where.fits(behind.first, who), float(where.named_in[passage.last + 1][who]), float(behind.quoted)]


class _Around:
    """What the passages around one passage say of a candidate."""

    def __init__(self, where: Whereabouts, number: int) -> None:
        passages = where.passages
        self._where = where
        self._near = {
            step: (passages[number + step], where.distance(number, step))
            for step in _NEAR_STEPS
            if 0 <= number + step < len(passages)
        }
        first = where.run[number]
        run = range(max(first, number - _RUN_REACH), min(first + where.length[number], number + _RUN_REACH + 1))
        others = [other for other in run if other != number]
        self._tags = [(other - number, passages[other].tag.subject) for other in others if passages[other].tag.strength]
        self._calls = [(other - number, who) for other in others for who in passages[other].spoken_to]

    def one_by_one(self, who: int) -> list[float]:
        """Each of the nearest passages: whether its tag names the candidate, and whether it calls them."""
        row: list[float] = []
        for step in _NEAR_STEPS:
            if step not in self._near:
                row += [0.0, 0.0, 0.0, 99.0]
                continue
            other, distance = self._near[step]
            called = float(other.spoken_to.count(who)) - 0.3 * other.spoken_of.count(who)
            row += [*self._speaks(other, step, who), called, distance]
        return row

    def _speaks(self, other: Passage, step: int, who: int) -> tuple[float, float]:
        """How the tag of a passage agrees with a candidate; half as much the subject beside it where there is none."""
        if other.tag.strength:
            return self._where.fits(other.tag.subject, who)
        if abs(step) > 2:
            return 0.0, 0.0
        beside = other.behind if other.behind.kind is not RefKind.NONE else other.ahead
        name, sex = self._where.fits(beside, who)
        return name * 0.5, sex * 0.5

    def in_turn(self, who: int) -> list[float]:
        """Tags and calls of the whole run: in the passages whose turn is the same, and in those between them."""
        name_in, sex_in, called_in = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
        for step, subject in self._tags:
            name, sex = self._where.fits(subject, who)
            weight = _weight(step)
            name_in[step % 2] += (name > 0) * weight
            sex_in[step % 2] += (sex if sex < 0 else 0.3 * sex) * weight
        for step, called in self._calls:
            if called == who:
                called_in[step % 2] += _weight(step)
        return [*name_in, *sex_in, *called_in]


def _weight(step: int) -> float:
    return 1.0 / (1.0 + abs(step) * 0.15)
