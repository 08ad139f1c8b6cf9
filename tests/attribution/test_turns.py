"""People take turns: exact probabilities over whole talks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechagents.attribution.features import Candidates
from speechagents.attribution.passages import Passage
from speechagents.attribution.quotes import QuoteSpan
from speechagents.attribution.turns import take_turns

AGAIN, AFTER_NEXT = -1.0, 0.5


def talk(*paragraphs: int) -> list[Passage]:
    return [Passage([QuoteSpan(at, at + 1, at)], at, at) for at in paragraphs]


def of(guesses: Sequence[dict[int, float]]) -> tuple[Candidates, NDArray[np.float32]]:
    offsets = np.cumsum([0, *map(len, guesses)])
    who = np.array([one for guess in guesses for one in guess], dtype=np.int32)
    values = np.array([p for guess in guesses for p in guess.values()], dtype=np.float32)
    return Candidates(offsets, who, ()), values


def turned(guesses: Sequence[dict[int, float]], paragraphs: Sequence[int]) -> list[dict[int, float]]:
    candidates, values = of(guesses)
    assert len(guesses) == len(paragraphs)
    result = take_turns(talk(*paragraphs), candidates, values, again_at_once=AGAIN, after_next=AFTER_NEXT)
    pieces = np.split(result, candidates.offsets[1:-1])
    return [dict(zip(guess, piece.tolist(), strict=True)) for guess, piece in zip(guesses, pieces, strict=True)]


def by_enumeration(guesses: Sequence[dict[int, float]], paragraphs: Sequence[int]) -> list[dict[int, float]]:
    """All ways in which a talk may go, each with its weight."""
    gaps = [99, *(b - a - 1 for a, b in itertools.pairwise(paragraphs))]
    marginals: list[dict[int, float]] = [dict.fromkeys(guess, 0.0) for guess in guesses]
    for way in itertools.product(*guesses):
        weight = sum(math.log(guess[who] + 1e-6) for guess, who in zip(guesses, way, strict=True))
        for at in range(1, len(way)):
            weight += AGAIN * (gaps[at] == 0 and way[at] == way[at - 1])
        for at in range(2, len(way)):
            weight += AFTER_NEXT * (max(gaps[at], gaps[at - 1]) <= 1 and way[at] == way[at - 2])
        for marginal, who in zip(marginals, way, strict=True):
            marginal[who] += math.exp(weight)
    return [{who: p / sum(one.values()) for who, p in one.items()} for one in marginals]


guess = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=4).map(
    lambda weights: {who: weight / sum(weights) for who, weight in enumerate(weights)}
)


@given(st.lists(guess, min_size=2, max_size=5), st.lists(st.integers(1, 3), min_size=5, max_size=5))
def test_probabilities_are_those_of_all_ways_a_talk_may_go(guesses: list[dict[int, float]], steps: list[int]) -> None:
    paragraphs = list(itertools.accumulate(steps))[: len(guesses)]
    for got, expected in zip(turned(guesses, paragraphs), by_enumeration(guesses, paragraphs), strict=True):
        assert got == pytest.approx(expected, abs=1e-4)


def test_three_in_a_row_become_turns_where_guesses_are_even() -> None:
    even = {0: 0.5, 1: 0.5}
    sure = {0: 0.99, 1: 0.01}
    first, second, third = turned([sure, {0: 0.52, 1: 0.48}, sure], [0, 1, 2])
    assert first[0] > 0.9
    assert second[1] > 0.7
    assert third[0] > 0.9
    assert [one[at % 2] > 0.5 for at, one in enumerate(turned([sure, even, even, even], [0, 1, 2, 3]))] == [True] * 4


def test_a_sure_guess_is_not_turned_over() -> None:
    sure = {0: 0.999, 1: 0.001}
    assert all(one[0] > 0.9 for one in turned([sure, sure, sure], [0, 1, 2]))


def test_talks_far_apart_do_not_touch_each_other() -> None:
    even, sure = {0: 0.5, 1: 0.5}, {0: 0.99, 1: 0.01}
    assert turned([sure, even], [0, 5])[1] == pytest.approx(even)
    assert turned([sure, even], [0, 4])[1] == pytest.approx(even), "narration between them: both may speak again"
    assert turned([sure, even], [0, 1])[1][1] > 0.6


def test_every_passage_sums_to_one() -> None:
    rng = np.random.default_rng(4)
    guesses = []
    for _ in range(40):
        weights = rng.random(int(rng.integers(1, 15)))
        guesses.append(dict(enumerate((weights / weights.sum()).tolist())))
    for one in turned(guesses, range(40)):
        assert sum(one.values()) == pytest.approx(1.0, abs=1e-5)


def test_a_passage_without_candidates_ends_a_talk() -> None:
    sure, even = {0: 0.99, 1: 0.01}, {0: 0.5, 1: 0.5}
    first, nobody, last = turned([sure, {}, even], [0, 1, 2])
    assert first[0] == pytest.approx(0.99)
    assert nobody == {}
    assert last == pytest.approx(even)


def test_no_passage_and_one_passage_stay_as_they_are() -> None:
    candidates, values = of([])
    assert len(take_turns([], candidates, values)) == 0
    assert turned([{3: 0.25, 7: 0.75}], [0]) == [pytest.approx({3: 0.25, 7: 0.75})]
