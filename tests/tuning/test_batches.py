"""Batches: a step's samples divided by length, counted, and the same when a thread makes them ahead."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

pytest.importorskip("torch")

import torch

from speechagents.errors import TuningError
from speechagents.tuning.batches import Batches
from speechagents.tuning.family import Example
from speechagents.tuning.mixing import Mixing
from tests.tuning.letter_family import LetterFamily
from tests.tuning.letter_runs import data, recipe

RECIPE = recipe(batch=4, accumulate=3)
DATA = data(RECIPE)
MIXING = Mixing(RECIPE.data, DATA.sizes, 12, 1)


def made(family: LetterFamily | None = None, *, start: int = 0, end: int = 5, ahead: bool = False) -> Batches:
    return Batches(family or LetterFamily(), DATA.train, MIXING, start=start, end=end, batch=4, ahead=ahead)


def lengths(batch: Mapping[str, Any]) -> list[int]:
    return [int(one) for one in batch["attention_mask"].sum(1)]


def same(one: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(first[key], second[key]) for first, second in zip(one, other, strict=True) for key in first
    )


def test_a_step_has_the_samples_that_were_picked_the_long_ones_together() -> None:
    found = list(made(end=1))
    assert [len(batch["input_ids"]) for batch in found] == [4, 4, 4]
    own = [length for batch in found for length in lengths(batch)]
    family = LetterFamily()
    wanted = [len(family.example(DATA.train[pick.pool][pick.index]).ids) for pick in MIXING.picks(0)]
    assert own == sorted(wanted, reverse=True)


def test_little_of_what_is_computed_is_padding() -> None:
    batches = made()
    list(batches)
    count = sum((batches.taken() for _ in range(4)), batches.taken())
    mixed = 0
    for picks in MIXING.batches(0, 5):
        sizes = [len(LetterFamily().example(DATA.train[pick.pool][pick.index]).ids) for pick in picks]
        mixed += sum(4 * max(sizes[at : at + 4]) for at in (0, 4, 8))
    assert count.places < 0.7 * mixed
    assert count.places < 1.3 * count.tokens


def test_a_step_is_counted() -> None:
    batches = made(end=2)
    found = list(batches)
    for step in (found[:3], found[3:]):
        count = batches.taken()
        assert count.tokens == sum(sum(lengths(batch)) for batch in step)
        assert count.targets == sum(int((batch["labels"] != -100).sum()) for batch in step)
        assert count.places == sum(batch["input_ids"].numel() for batch in step)
        assert (count.samples, count.left_out) == (12, 0)


def test_steps_from_anywhere_are_those_of_the_whole_row() -> None:
    assert same(list(made(start=3, end=5)), list(made(end=5))[9:])


def test_a_thread_makes_the_same_and_ends_with_whoever_wants_them() -> None:
    assert same(list(made(ahead=True)), list(made()))
    some = iter(made(end=100, ahead=True))
    next(some)
    assert "batches" in {thread.name for thread in threading.enumerate()}
    some.close()  # type: ignore[attr-defined]
    assert "batches" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("ahead", [False, True])
def test_what_goes_wrong_while_they_are_made_is_told(ahead: bool) -> None:
    class Broken(LetterFamily):
        def collate(self, examples: Sequence[Example]) -> Mapping[str, Any]:
            raise TuningError("the sound is gone")

    with pytest.raises(TuningError, match="the sound is gone"):
        list(made(Broken(), ahead=ahead))


def test_for_a_sample_without_room_the_next_one_stands_in() -> None:
    narrow = LetterFamily(context=53)
    batches = made(narrow)
    found = list(batches)
    assert all(max(lengths(batch)) <= 53 for batch in found)
    counts = [batches.taken() for _ in range(5)]
    assert all(count.samples == 12 for count in counts)
    assert sum(count.left_out for count in counts) > 0


def test_room_for_none_is_an_error() -> None:
    with pytest.raises(TuningError, match=r"20 samples in a row have no room; the last: scene-\d/one/\d+: \d+ letters"):
        list(made(LetterFamily(context=20)))
