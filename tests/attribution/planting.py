"""Trees made by hand, and forests of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechagents.attribution.forest import MAX_LEAVES, Forest


@dataclass(frozen=True)
class Leaf:
    """What a tree adds."""

    value: float


@dataclass(frozen=True)
class Node:
    """A test: rows whose column is at most the threshold go left."""

    column: int
    threshold: float
    left: Node | Leaf
    right: Node | Leaf


def walk(tree: Node | Leaf, row: NDArray[np.float32]) -> float:
    """What a row finds on its way from the root."""
    while isinstance(tree, Node):
        tree = tree.left if row[tree.column] <= tree.threshold else tree.right
    return tree.value


def random_tree(rng: np.random.Generator, leaves: int, columns: int) -> Node | Leaf:
    """A tree of so many leaves, whose thresholds are small whole numbers and halves."""
    if leaves == 1:
        return Leaf(float(np.float32(rng.normal())))
    left = int(rng.integers(1, leaves))
    return Node(
        int(rng.integers(columns)),
        float(rng.integers(-6, 7) / 2),
        random_tree(rng, left, columns),
        random_tree(rng, leaves - left, columns),
    )


def plant(trees: list[Node | Leaf] | list[Leaf] | list[Node]) -> Forest:
    """A forest of trees."""
    first, feature, threshold, mask, value = [0], [], [], [], []
    for tree in trees:
        leaves: list[float] = []
        tests: list[tuple[Node, int]] = []
        _number(tree, leaves, tests)
        for node, ruled_out in tests:
            feature.append(node.column)
            threshold.append(node.threshold)
            mask.append(ruled_out)
        first.append(len(feature))
        value.append(leaves + [0.0] * (MAX_LEAVES - len(leaves)))
    return Forest(
        np.array(first, dtype=np.int32),
        np.array(feature, dtype=np.uint8),
        np.array(threshold, dtype=np.float32),
        np.array(mask, dtype=np.uint32),
        np.array(value, dtype=np.float32),
    )


def _number(tree: Node | Leaf, leaves: list[float], tests: list[tuple[Node, int]]) -> None:
    """Leaves from left to right; a test that fails rules out the leaves on its left."""
    if isinstance(tree, Leaf):
        leaves.append(tree.value)
        return
    begin = len(leaves)
    _number(tree.left, leaves, tests)
    tests.append((tree, sum(1 << leaf for leaf in range(begin, len(leaves)))))
    _number(tree.right, leaves, tests)
