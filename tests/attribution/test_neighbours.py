"""What the guesses for other passages say of a passage."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from speechagents.attribution.features import Candidates, gather
from speechagents.attribution.forest import softmax
from speechagents.attribution.neighbours import look_again
from speechagents.attribution.novel import Novel

from .telling import told

TALK = (
    "Emma met Tom.",
    "“You are late,” said Emma.",
    "“I am not late.”",
    "“You are late, late, late.”",
    "“Never,” said Tom.",
)


def looked(novel: Novel, guesses: NDArray[np.float32] | None = None) -> tuple[Candidates, NDArray[np.float32]]:
    candidates = gather(novel.characters, novel.paragraphs, novel.passages)
    if guesses is None:
        guesses = even(candidates)
    return candidates, np.concatenate(list(look_again(len(novel.characters), novel.passages, candidates, guesses)))


def even(candidates: Candidates) -> NDArray[np.float32]:
    return softmax(np.zeros(len(candidates.who)), candidates.offsets)


def sure(candidates: Candidates, speakers: dict[int, int]) -> NDArray[np.float32]:
    """Guesses that are sure of some passages' speakers."""
    scores = np.zeros(len(candidates.who))
    for passage, who in speakers.items():
        rows = slice(candidates.offsets[passage], candidates.offsets[passage + 1])
        scores[rows] = np.where(candidates.who[rows] == who, 9.0, 0.0)
    return softmax(scores, candidates.offsets)


def test_there_is_one_row_for_each_candidate() -> None:
    candidates, rows = looked(told(*TALK))
    assert rows.shape[0] == len(candidates.who)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


def test_the_guess_itself_stands_in_the_first_column() -> None:
    novel = told(*TALK)
    candidates, _ = looked(novel)
    guesses = sure(candidates, {0: 0, 3: 1})
    assert looked(novel, guesses)[1][:, 0].tolist() == guesses.tolist()


def test_who_spoke_before_and_after_is_told_from_who_did_not() -> None:
    novel = told(*TALK)
    candidates, _ = looked(novel)
    rows = looked(novel, sure(candidates, {0: 0, 2: 0}))[1][candidates.offsets[1] : candidates.offsets[2]]
    emma, tom = rows[0], rows[1]
    assert (emma != tom).any()
    without = looked(novel, sure(candidates, {}))[1][candidates.offsets[1] : candidates.offsets[2]]
    assert (without[0] != emma).sum() > 5


def test_turns_of_a_run_are_counted_apart() -> None:
    novel = told(*TALK)
    candidates, _ = looked(novel)
    rows = looked(novel, sure(candidates, {0: 0, 1: 1, 2: 0, 3: 1}))[1][candidates.offsets[1] : candidates.offsets[2]]
    same_less_other = 27
    emma, tom = rows[:, same_less_other]
    assert emma < -0.5
    assert tom > 0.5


def test_words_are_held_against_other_passages_never_against_their_own() -> None:
    """One who is thought to have spoken alike elsewhere is likelier; the passage's own guess does not count for it."""
    talk = ["“Marmalade, marmalade is late.”"] * 4 + ["“Cannons, cannons are loud.”"] * 4
    novel = told("Emma met Tom.", *talk)
    candidates, _ = looked(novel)
    first = slice(candidates.offsets[0], candidates.offsets[1])
    column = -3  # how well the words suit, in all; then per word, then the share of all talk
    alone = looked(novel, sure(candidates, {0: 0}))[1][first, column]
    elsewhere = looked(novel, sure(candidates, {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 1}))[1][first, column]
    assert alone[0] == pytest.approx(alone[1], abs=0.01)
    assert elsewhere[0] > elsewhere[1] + 0.02


def test_the_same_guesses_give_the_same_numbers() -> None:
    novel = told(*TALK)
    assert looked(novel)[1].tobytes() == looked(novel)[1].tobytes()


def test_passages_without_candidates_have_no_rows() -> None:
    candidates, rows = looked(told("“Who is there?”", *TALK))
    assert len(rows) == len(candidates.who)
    alone = told("“Who is there?”")
    nobody = gather(alone.characters, alone.paragraphs, alone.passages)
    assert list(look_again(len(alone.characters), alone.passages, nobody, even(nobody))) == []
