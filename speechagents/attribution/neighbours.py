"""What the guesses for other passages say about a passage, as numbers for the second model.

Owns the second look: turn-taking, company, and the way a character talks, learned from the first guesses in this
very novel. Does not know the models (`forest`) nor how the first guesses were made (`features`).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.attribution.features import Candidates
from speechagents.attribution.passages import Passage

_STEPS: Final = (-1, 1, -2, 2, -3, 3, -4, 4)
_RUN_GAP: Final = 2
"""Paragraphs of narration that do not end a run of dialogue."""
_REACH: Final = 12
"""Passages on either side that are looked at."""
_WINDOW_GAP: Final = 12
"""Paragraphs of narration between two passages that are still near each other."""
_ANSWER_GAP: Final = 6
"""Paragraphs of narration between a passage and what may be its answer."""
_SMOOTHING: Final = 300.0
"""Words of the novel's average talk that each character's is mixed with."""
_MIN_COUNT: Final = 2


def look_again(
    characters: int, passages: Sequence[Passage], candidates: Candidates, guesses: NDArray[np.float32]
) -> Iterator[NDArray[np.float32]]:
    """Describe every candidate by the guesses for the passages around.

    Args:
        characters: Their number.
        passages: What is said, in order.
        candidates: As the guesses were made for.
        guesses: Probability of each row; they sum to 1 in each passage.

    Yields:
        For each block of the candidates, one row for each of them.
    """
    offsets, who = candidates.offsets, candidates.who
    by_passage = [
        dict(zip(who[start:end].tolist(), guesses[start:end].tolist(), strict=True)) for start, end in pairwise(offsets)
    ]
    around = _Around(passages, by_passage)
    voices = _Voices(characters, passages, by_passage)
    for block in candidates.blocks:
        rows = array("f")
        count = int(offsets[block.passages.stop] - offsets[block.passages.start])
        for number in block.passages:
            own = by_passage[number]
            if not own:
                continue
            ranked = sorted(own.values(), reverse=True)
            likelihood = voices.compare(number)
            place = around.place(number)
            for w, p in own.items():
                rows.extend(_standing(p, ranked))
                rows.extend(place.one_by_one(w))
                rows.extend(place.together(w))
                rows.extend(place.answers(w))
                rows.extend((*likelihood[w], voices.share(w)))
        yield np.frombuffer(rows, dtype=np.float32).reshape(count, -1)


def _standing(p: float, ranked: Sequence[float]) -> list[float]:
    """A guess beside the others for the same passage, which are ranked from the surest."""
    second = ranked[1] if len(ranked) > 1 else 0.0
    return [
        p,
        math.log((p + 1e-4) / (1.0 - p + 1e-4)),
        p - (second if p == ranked[0] else ranked[0]),
        float(sum(q > p for q in ranked)),
        ranked[0],
    ]


class _Around:
    """The guesses of a whole novel, and how far its passages stand apart."""

    def __init__(self, passages: Sequence[Passage], by_passage: Sequence[dict[int, float]]) -> None:
        self.by_passage = by_passage
        self.best = [max(one, key=lambda w: (one[w], -w)) if one else -1 for one in by_passage]
        self.top = [one[best] if one else 0.0 for one, best in zip(by_passage, self.best, strict=True)]
        self.gaps = [99, *(min(99, b.first - a.last - 1) for a, b in pairwise(passages)), 99]
        self.total = np.cumsum([0, *self.gaps]).tolist()
        self.talks = _Talks(by_passage, self.gaps)

    def apart(self, number: int, other: int) -> int:
        """Paragraphs of narration between two passages."""
        return int(abs(self.total[other + 1] - self.total[number + 1]))

    def place(self, number: int) -> _Place:
        """What the guesses say from where one passage stands."""
        return _Place(self, number)


class _Place:
    """The guesses around one passage."""

    def __init__(self, around: _Around, number: int) -> None:
        count, gaps = len(around.by_passage), around.gaps
        self._around = around
        self._number = number
        self._own = around.by_passage[number]
        self._window = [
            other
            for other in range(max(0, number - _REACH), min(count, number + _REACH + 1))
            if other != number and around.apart(number, other) <= _WINDOW_GAP
        ]
        first, last = number, number
        while first > 0 and gaps[first] <= _RUN_GAP and number - first < _REACH:
            first -= 1
        while last + 1 < count and gaps[last + 1] <= _RUN_GAP and last - number < _REACH:
            last += 1
        self._run = [other for other in range(first, last + 1) if other != number]
        self._previous = number - 1 if number and gaps[number] <= _ANSWER_GAP else -1
        self._following = number + 1 if number + 1 < count and gaps[number + 1] <= _ANSWER_GAP else -1
        known = (sum(around.by_passage[other].get(w, 0.0) for other in self._window) for w in self._own)
        self._company = sum(sorted(known, reverse=True)[:2])

    def one_by_one(self, w: int) -> list[float]:
        """Each of the nearest passages: the guess for a candidate, the surest guess beside it, and how far it is."""
        around, row = self._around, []
        for step in _STEPS:
            other = self._number + step
            found = 0 <= other < len(around.by_passage)
            row.append(around.by_passage[other].get(w, 0.0) if found else 0.0)
            if abs(step) <= 2:
                row.append(around.top[other] if found else 0.0)
            row.append(float(min(99, around.apart(self._number, other))) if found else 99.0)
        return row

    def together(self, w: int) -> list[float]:
        """How much a candidate talks in the same run, by turns, and around in all."""
        by_passage = self._around.by_passage
        turns = [0.0, 0.0]
        for other in self._run:
            step = other - self._number
            turns[step % 2] += by_passage[other].get(w, 0.0) / (1.0 + 0.2 * abs(step))
        even, odd = turns
        around = sum(by_passage[other].get(w, 0.0) for other in self._window)
        back = sum(by_passage[other].get(w, 0.0) for other in self._window if other < self._number)
        size = max(1, len(self._window))
        return [even, odd, even - odd, around, back, around / size, self._company / size]

    def answers(self, w: int) -> list[float]:
        """Whether a candidate talks with those who seem to speak just before and just behind."""
        best, talks, previous, following = self._around.best, self._around.talks, self._previous, self._following
        return [
            talks.follows(best[previous], w, self._own) if previous >= 0 else -1.0,
            talks.follows(best[following], w, self._own) if following >= 0 else -1.0,
            float(previous >= 0 and following >= 0 and best[previous] == best[following]),
            float(previous >= 0 and best[previous] == w),
            float(following >= 0 and best[following] == w),
        ]


class _Talks:
    """Who answers whom, in expected counts."""

    def __init__(self, by_passage: Sequence[dict[int, float]], gaps: Sequence[int]) -> None:
        self._pairs: dict[tuple[int, int], float] = {}
        for number in range(1, len(by_passage)):
            if gaps[number] > 3:
                continue
            for one, p in by_passage[number - 1].items():
                if p < 0.15:
                    continue
                for other, q in by_passage[number].items():
                    if q >= 0.15:
                        key = (one, other) if one < other else (other, one)
                        self._pairs[key] = self._pairs.get(key, 0.0) + p * q

    def follows(self, one: int, other: int, among: dict[int, float]) -> float:
        """How often two talk to each other, of all that the first talks with those in question."""
        weights = {w: self._pairs.get((one, w) if one < w else (w, one), 0.0) for w in among}
        total = sum(weights.values())
        return (weights[other] + 0.2) / (total + 0.2 * len(among))


class _Voices:
    """How each character talks, by expected counts of words; a passage is never held against itself."""

    def __init__(self, characters: int, passages: Sequence[Passage], by_passage: Sequence[dict[int, float]]) -> None:
        ids: dict[str, int] = {}
        counts: list[int] = []
        words: list[list[int]] = []
        for passage in passages:
            own = []
            for word in [
                *passage.words,
                *(f"@{who}" for who in passage.spoken_to),
                *(f"#{who}" for who in passage.spoken_of),
            ]:
                index = ids.setdefault(word, len(ids))
                if index == len(counts):
                    counts.append(0)
                counts[index] += 1
                own.append(index)
            words.append(own)
        keep = np.array(counts or [0]) >= _MIN_COUNT
        renumber = np.cumsum(keep) - 1
        self._words = [np.array([renumber[index] for index in own if keep[index]], dtype=np.int64) for own in words]
        size = int(keep.sum())
        table = np.zeros((characters, size), dtype=np.float32)
        for own_words, guess in zip(self._words, by_passage, strict=True):
            for who, p in guess.items():
                if p > 0.05:
                    np.add.at(table[who], own_words, p)
        self._table = table
        self._sums = table.sum(axis=1)
        background = np.array(counts or [0], dtype=np.float32)[keep] + 0.5
        self._background = background / max(1.0, float(background.sum()))
        self._guess = by_passage
        self._lengths = float(max(1.0, self._sums.sum()))

    def share(self, who: int) -> float:
        """Part of all that is said."""
        return float(self._sums[who]) / self._lengths

    def compare(self, number: int) -> dict[int, tuple[float, float]]:
        """How well the words of a passage suit each candidate: in all, and per word; 0 is the average."""
        own = self._guess[number]
        words = self._words[number]
        if not len(words) or len(own) < 2:
            return dict.fromkeys(own, (0.0, 0.0))
        unique, times = np.unique(words, return_counts=True)
        who = np.fromiter(own, dtype=np.int64, count=len(own))
        share = np.array([p if p > 0.05 else 0.0 for p in own.values()], dtype=np.float32)
        counts = self._table[np.ix_(who, unique)] - share[:, None] * times[None, :]
        sums = self._sums[who] - share * len(words)
        background = self._background[unique]
        ratio = np.log(
            (np.maximum(counts, 0.0) + _SMOOTHING * background)
            / (np.maximum(sums, 0.0) + _SMOOTHING)[:, None]
            / background
        )
        score = ratio @ times.astype(np.float32)
        score -= score.mean()
        return {w: (float(score[i]), float(score[i]) / math.sqrt(len(words))) for i, w in enumerate(own)}
