"""How people take turns in a talk, laid over guesses that were made for each passage alone.

Owns that model: who has just spoken seldom speaks again at once, and who spoke before that often does. Does not know
how the guesses were made.

A chain of second order over the surest candidates; the exact marginals come from one pass forward and one back
(forward-backward, Rabiner 1989). The weights were chosen on the training novels.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.attribution.features import Candidates
from speechagents.attribution.passages import Passage

AGAIN_AT_ONCE: Final = -1.0
"""Log weight of speaking twice in a row, nothing told in between."""
AFTER_NEXT: Final = 0.5
"""Log weight of speaking again after one other passage."""
_SUREST: Final = 6
_TALK_GAP: Final = 4
"""Paragraphs of narration that end a talk."""
_NEAR_GAP: Final = 1
_LEAST: Final = 1e-6

_Floats = NDArray[np.float64]


def take_turns(
    passages: Sequence[Passage],
    candidates: Candidates,
    guesses: NDArray[np.float32],
    *,
    again_at_once: float = AGAIN_AT_ONCE,
    after_next: float = AFTER_NEXT,
) -> NDArray[np.float32]:
    """Probabilities that heed the turns before and behind.

    Args:
        passages: What is said, in order.
        candidates: Who may speak.
        guesses: Probability of each row of the candidates.
        again_at_once: Log weight of speaking twice in a row.
        after_next: Log weight of speaking again after one other passage.
    """
    offsets = candidates.offsets
    result = guesses.astype(np.float64)
    gaps = [99, *(min(99, b.first - a.last - 1) for a, b in pairwise(passages))]
    start = 0
    for end in range(1, len(passages) + 1):
        if end < len(passages) and gaps[end] < _TALK_GAP and offsets[end] < offsets[end + 1]:
            continue
        if end - start > 1 and offsets[start] < offsets[start + 1]:
            talk = _Talk(range(start, end), candidates, guesses, gaps, again_at_once, after_next)
            for number, rows, marginal in talk.marginals():
                part = np.full(offsets[number + 1] - offsets[number], _LEAST)
                part[rows] = np.maximum(marginal, _LEAST)
                result[offsets[number] : offsets[number + 1]] = part / part.sum()
        start = end
    return result.astype(np.float32)


class _Talk:
    """Passages of one talk."""

    def __init__(
        self,
        passages: range,
        candidates: Candidates,
        guesses: NDArray[np.float32],
        gaps: Sequence[int],
        again_at_once: float,
        after_next: float,
    ) -> None:
        self._passages = passages
        self._gaps = gaps
        self._again_at_once = again_at_once
        self._after_next = after_next
        self._rows: list[NDArray[np.int64]] = []
        self._who: list[NDArray[np.int32]] = []
        self._own: list[_Floats] = []
        for number in passages:
            part = guesses[candidates.offsets[number] : candidates.offsets[number + 1]]
            rows = np.argsort(-part, kind="stable")[:_SUREST]
            self._rows.append(rows)
            self._who.append(candidates.who[candidates.offsets[number] + rows])
            self._own.append(np.log(part[rows].astype(np.float64) + _LEAST))

    def marginals(self) -> list[tuple[int, NDArray[np.int64], _Floats]]:
        """For each passage its number, the candidates that were weighed, and their probabilities."""
        count = len(self._passages)
        # ahead[i]: log weight of all beginnings, by who speaks in i - 1 and i.
        ahead: list[_Floats] = [np.zeros((0, 0)), self._own[0][:, None] + self._pair(1) + self._own[1]]
        for i in range(2, count):
            before = _log_sum(ahead[i - 1][:, :, None] + self._skip(i)[:, None, :], axis=0)
            ahead.append(before + self._pair(i) + self._own[i])
        found = []
        back: _Floats = np.zeros_like(ahead[-1])
        for i in range(count - 1, 0, -1):
            joint = np.exp(ahead[i] + back - np.max(ahead[i] + back))
            joint /= joint.sum()
            found.append((self._passages[i], self._rows[i], joint.sum(axis=0)))
            if i == 1:
                found.append((self._passages[0], self._rows[0], joint.sum(axis=1)))
            else:
                behind = self._pair(i) + self._own[i] + back
                back = _log_sum(self._skip(i)[:, None, :] + behind[None, :, :], axis=2)
        return found

    def _pair(self, i: int) -> _Floats:
        """Log weights of who speaks in i - 1 and i."""
        weight = self._again_at_once if self._gaps[self._passages[i]] == 0 else 0.0
        weights: _Floats = (self._who[i - 1][:, None] == self._who[i]) * weight
        return weights

    def _skip(self, i: int) -> _Floats:
        """Log weights of who speaks in i - 2 and i."""
        near = max(self._gaps[self._passages[i]], self._gaps[self._passages[i - 1]]) <= _NEAR_GAP
        weights: _Floats = (self._who[i - 2][:, None] == self._who[i]) * (self._after_next if near else 0.0)
        return weights


def _log_sum(weights: _Floats, *, axis: int) -> _Floats:
    top = weights.max(axis=axis, keepdims=True)
    total: _Floats = np.log(np.exp(weights - top).sum(axis=axis)) + np.squeeze(top, axis=axis)
    return total
