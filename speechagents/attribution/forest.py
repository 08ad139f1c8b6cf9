"""Boosted trees in NumPy: what LightGBM learned, scored without LightGBM.

Owns the form of a forest on disk (plain arrays, no pickle) and its evaluation. Does not know what its features mean.

A tree of at most 32 leaves is a list of tests and, for each test, a mask of the leaves that are ruled out when it
fails. After all tests the lowest leaf that nothing rules out is the one a row falls into (Lucchese et al.,
"QuickScorer", SIGIR 2015). So a tree costs three passes over a column for each test, and no branch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAX_LEAVES: Final = 32
_KINDS: Final = {
    "first": np.int32,
    "feature": np.uint8,
    "threshold": np.float32,
    "mask": np.uint32,
    "value": np.float32,
}
_BLOCK: Final = 16_384
"""Rows scored at once: a column of them and the masks stay in the cache."""


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose values are added up.

    Attributes:
        first: First test of each tree, and the number of tests behind the last.
        feature: Column that a test looks at.
        threshold: A row passes a test where its value is at most this.
        mask: Leaves that are ruled out where the test fails.
        value: What each leaf of each tree adds, trees × `MAX_LEAVES`.
    """

    first: NDArray[np.int32]
    feature: NDArray[np.uint8]
    threshold: NDArray[np.float32]
    mask: NDArray[np.uint32]
    value: NDArray[np.float32]

    def score(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """The sum of all trees for each row.

        Args:
            rows: One row for each thing to score, in the columns that the forest was trained with.
        """
        total = np.zeros(len(rows), dtype=np.float64)
        for start in range(0, len(rows), _BLOCK):
            columns = np.ascontiguousarray(rows[start : start + _BLOCK].T)
            part = total[start : start + _BLOCK]
            fails = np.empty(columns.shape[1], dtype=np.bool_)
            out = np.empty(columns.shape[1], dtype=np.uint32)
            for tree in range(len(self.value)):
                gone = np.zeros(columns.shape[1], dtype=np.uint32)
                for test in range(self.first[tree], self.first[tree + 1]):
                    np.greater(columns[self.feature[test]], self.threshold[test], out=fails)
                    # Six times faster than choosing by `where`.
                    np.multiply(fails, self.mask[test], out=out)
                    np.bitwise_or(gone, out, out=gone)
                # The bits below the lowest zero, counted.
                part += self.value[tree][np.bitwise_count(gone & ~(gone + np.uint32(1)))]
        return total

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The forest as arrays with a prefix to their names, for `numpy.savez`."""
        return {f"{prefix}_{name}": getattr(self, name) for name in _KINDS}

    @staticmethod
    def of_arrays(arrays: Mapping[str, NDArray[Any]], prefix: str) -> Forest:
        """A forest from arrays as `arrays` gave them.

        Raises:
            ValueError: An array is missing, or they do not fit each other.
        """
        try:
            forest = Forest(**{name: arrays[f"{prefix}_{name}"] for name in _KINDS})
        except KeyError as error:
            raise ValueError(f"the forest {prefix!r} is damaged: {error} is missing") from error
        if not forest._fits_together():
            raise ValueError(f"the forest {prefix!r} is damaged")
        return forest

    def _fits_together(self) -> bool:
        first = self.first
        return (
            all(getattr(self, name).dtype == kind for name, kind in _KINDS.items())
            and first.ndim == 1
            and self.value.shape == (len(first) - 1, MAX_LEAVES)
            and self.feature.shape == self.threshold.shape == self.mask.shape == (first[-1],)
            and first[0] == 0
            and not (np.diff(first) < 0).any()
        )


def softmax(scores: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float32]:
    """Scores as probabilities within groups of neighbouring rows.

    Args:
        scores: One for each row.
        offsets: First row of each group, and the number of rows behind the last.
    """
    if not len(scores):
        return np.zeros(0, dtype=np.float32)
    sizes = np.diff(offsets)
    starts = offsets[:-1][sizes > 0]
    sizes = sizes[sizes > 0]
    raised = np.exp(scores - np.repeat(np.maximum.reduceat(scores, starts), sizes))
    probabilities: NDArray[np.float32] = (raised / np.repeat(np.add.reduceat(raised, starts), sizes)).astype(np.float32)
    return probabilities
