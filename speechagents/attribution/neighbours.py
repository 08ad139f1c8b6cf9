"""What the guesses for other passages say about a passage, as numbers for the second model.

Owns the second look: turn-taking, company, and the way a character talks, learned from the first guesses in this
very novel. Does not know the models (`forest`) nor how the first guesses were made (`features`).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.attribution.features import Candidates
from speechagents.attribution.passages import Passage

_STEPS: Final = (-1, 1, -2, 2, -3, 3, -4, 4)
_RUN_GAP: Final = 2
_REACH: Final = 12
_SMOOTHING: Final = 300.0
"""Words of the novel's average talk that each character's is mixed with."""
_MIN_COUNT: Final = 2


def look_again(
    characters: int, passages: Sequence[Passage], candidates: Candidates, guesses: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Describe every candidate by the guesses for the passages around.

    Args:
        characters: Their number.
        passages: What is said, in order.
        candidates: As the guesses were made for.
        guesses: Probability of each row; they sum to 1 in each passage.

    Returns:
        One row for each of the candidates.
    """
    offsets, who = candidates.offsets, candidates.who
    count = len(passages)
    by_passage = [
        dict(zip(who[offsets[n] : offsets[n + 1]].tolist(), guesses[offsets[n] : offsets[n + 1]].tolist(), strict=True))
        for n in range(count)
    ]
    best = [max(one, key=lambda w: (one[w], -w)) if one else -1 for one in by_passage]
    top = [one[best[n]] if one else 0.0 for n, one in enumerate(by_passage)]
    gaps = [99, *(min(99, b.first - a.last - 1) for a, b in pairwise(passages)), 99]
    total = np.cumsum([0, *gaps])
    voices = _Voices(characters, passages, by_passage)
    talks = _Talks(by_passage, gaps)
    rows = array("f")
    for number in range(count):
        own = by_passage[number]
        if not own:
            continue
        ranked = sorted(own.values(), reverse=True)
        second = ranked[1] if len(ranked) > 1 else 0.0
        near = [
            (step, number + step, float(min(99, abs(total[number + step + 1] - total[number + 1]))))
            for step in _STEPS
            if 0 <= number + step < count
        ]
        window = [
            (step, number + step)
            for step in range(-_REACH, _REACH + 1)
            if step and 0 <= number + step < count and abs(total[number + step + 1] - total[number + 1]) <= 12
        ]
        run_back, run_ahead = number, number
        while run_back > 0 and gaps[run_back] <= _RUN_GAP and number - run_back < _REACH:
            run_back -= 1
        while run_ahead + 1 < count and gaps[run_ahead + 1] <= _RUN_GAP and run_ahead - number < _REACH:
            run_ahead += 1
        likelihood = voices.compare(number)
        previous = number - 1 if number and gaps[number] <= 6 else -1
        following = number + 1 if number + 1 < count and gaps[number + 1] <= 6 else -1
        company = sum(sorted((sum(by_passage[o].get(w, 0.0) for _, o in window) for w in own), reverse=True)[:2])
        for w, p in own.items():
            row = [
                p,
                math.log((p + 1e-4) / (1.0 - p + 1e-4)),
                p - (second if p == ranked[0] else ranked[0]),
                float(sum(q > p for q in ranked)),
                ranked[0],
            ]
            for step in _STEPS:
                found = next((one for one in near if one[0] == step), None)
                if found is None:
                    row += [0.0, 0.0, 99.0] if abs(step) <= 2 else [0.0, 99.0]
                    continue
                other = by_passage[found[1]]
                row.append(other.get(w, 0.0))
                if abs(step) <= 2:
                    row.append(top[found[1]])
                row.append(found[2])
            even = odd = 0.0
            for other_number in range(run_back, run_ahead + 1):
                step = other_number - number
                if not step:
                    continue
                weight = by_passage[other_number].get(w, 0.0) / (1.0 + 0.2 * abs(step))
                if step % 2:
                    odd += weight
                else:
                    even += weight
            around = sum(by_passage[o].get(w, 0.0) for _, o in window)
            back = sum(by_passage[o].get(w, 0.0) for step, o in window if step < 0)
            row += [
                even,
                odd,
                even - odd,
                around,
                back,
                around / max(1, len(window)),
                company / max(1, len(window)),
                talks.follows(best[previous], w, own) if previous >= 0 else -1.0,
                talks.follows(best[following], w, own) if following >= 0 else -1.0,
                float(previous >= 0 and following >= 0 and best[previous] == best[following]),
                float(previous >= 0 and best[previous] == w),
                float(following >= 0 and best[following] == w),
                *likelihood[w],
                voices.share(w),
            ]
            rows.extend(row)
    return np.frombuffer(rows, dtype=np.float32).reshape(len(who), -1 if len(who) else 0)


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
