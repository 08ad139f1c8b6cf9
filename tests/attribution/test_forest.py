"""Trees scored by masks give what a walk from the root gives."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechagents.attribution.forest import MAX_LEAVES, Forest, softmax

from .planting import Leaf, Node, plant, random_tree, walk

COLUMNS = 5


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_a_forest_adds_up_what_walks_through_its_trees_find(seed: int, trees: int) -> None:
    rng = np.random.default_rng(seed)
    roots = [random_tree(rng, int(rng.integers(1, MAX_LEAVES + 1)), COLUMNS) for _ in range(trees)]
    rows = rng.integers(-3, 4, size=(50, COLUMNS)).astype(np.float32)
    expected = [sum(walk(root, row) for root in roots) for row in rows]
    np.testing.assert_allclose(plant(roots).score(rows), expected, rtol=1e-6, atol=1e-6)


def test_a_value_at_the_threshold_goes_left() -> None:
    forest = plant([Node(0, 1.5, Leaf(-1.0), Leaf(1.0))])
    rows = np.array([[1.5], [np.nextafter(np.float32(1.5), np.float32(2))], [-np.inf], [np.inf]], dtype=np.float32)
    assert forest.score(rows).tolist() == [-1.0, 1.0, -1.0, 1.0]


def test_a_tree_of_one_leaf_is_a_constant() -> None:
    forest = plant([Leaf(0.25), Leaf(0.5)])
    assert forest.score(np.zeros((3, 1), dtype=np.float32)).tolist() == [0.75] * 3


def test_a_tree_of_all_leaves_uses_every_bit() -> None:
    tree: Node | Leaf = Leaf(float(MAX_LEAVES - 1))
    for leaf in reversed(range(MAX_LEAVES - 1)):
        tree = Node(0, float(leaf), Leaf(float(leaf)), tree)
    rows = np.arange(MAX_LEAVES, dtype=np.float32)[:, None]
    assert plant([tree]).score(rows).tolist() == list(range(MAX_LEAVES))


def test_more_rows_than_a_block_and_none_at_all() -> None:
    forest = plant([Node(0, 0.5, Leaf(0.0), Leaf(1.0))])
    rows = (np.arange(40_000) % 2).astype(np.float32)[:, None]
    assert forest.score(rows).sum() == 20_000
    assert forest.score(np.zeros((0, 1), dtype=np.float32)).tolist() == []


def test_a_forest_on_disk_is_the_same_without_pickle(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    forest = plant([random_tree(rng, 20, COLUMNS) for _ in range(4)])
    arrays: dict[str, Any] = {**forest.arrays("one"), **plant([Leaf(1.0)]).arrays("other")}
    np.savez_compressed(tmp_path / "forest.npz", **arrays)
    rows = rng.normal(size=(100, COLUMNS)).astype(np.float32)
    with np.load(tmp_path / "forest.npz", allow_pickle=False) as read:
        assert Forest.of_arrays(read, "one").score(rows).tolist() == forest.score(rows).tolist()
        assert Forest.of_arrays(read, "other").score(rows).tolist() == [1.0] * 100


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("first", lambda array: array[:-1]),
        ("first", lambda array: array[:0]),
        ("first", lambda array: array[::-1]),
        ("first", lambda array: array - 1),
        ("feature", lambda array: array[:-1]),
        ("threshold", lambda array: array[:-1]),
        ("mask", lambda array: array[:-1]),
        ("value", lambda array: array[:-1]),
        ("value", lambda array: array[:, :-1]),
        ("value", lambda array: array[0]),
        ("mask", lambda array: array.astype(np.float32)),
        ("feature", lambda array: array.astype(np.float32)),
    ],
)
def test_damaged_arrays_are_no_forest(name: str, damage: Any) -> None:
    rng = np.random.default_rng(2)
    arrays = plant([random_tree(rng, 6, COLUMNS) for _ in range(3)]).arrays("f")
    arrays[f"f_{name}"] = damage(arrays[f"f_{name}"])
    with pytest.raises(ValueError, match="'f' is damaged"):
        Forest.of_arrays(arrays, "f")


@pytest.mark.parametrize("name", ["first", "feature", "threshold", "mask", "value"])
def test_a_missing_array_is_no_forest(name: str) -> None:
    arrays = plant([Leaf(1.0)]).arrays("f")
    del arrays[f"f_{name}"]
    with pytest.raises(ValueError, match="'f' is damaged"):
        Forest.of_arrays(arrays, "f")


def groups(*sizes: int) -> NDArray[np.int64]:
    return np.cumsum([0, *sizes])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.integers(0, 1000))
def test_probabilities_sum_to_one_in_each_group_that_is_not_empty(sizes: list[int], seed: int) -> None:
    offsets = groups(*sizes)
    scores = np.random.default_rng(seed).normal(size=int(offsets[-1])) * 50
    probabilities = softmax(scores, offsets)
    for start, end in pairwise(offsets):
        if end > start:
            part = scores[start:end]
            assert probabilities[start:end].sum() == pytest.approx(1.0, abs=1e-5)
            expected = np.exp(part - part.max()) / np.exp(part - part.max()).sum()
            np.testing.assert_allclose(probabilities[start:end], expected, atol=1e-6)


def test_great_scores_overflow_nothing() -> None:
    assert softmax(np.array([1e6, 0.0, -1e6]), groups(3)).tolist() == [1.0, 0.0, 0.0]
    assert softmax(np.array([]), groups(0, 0)).tolist() == []
    assert softmax(np.array([3.0]), groups(0, 1, 0)).tolist() == [1.0]
