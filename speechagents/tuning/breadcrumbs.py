"""Model Breadcrumbs: of a change of weights, keep neither the largest nor the smallest.

Owns the masks of Davari & Belilovsky 2023 (arXiv 2312.06795). Of each tensor of the difference between tuned and
untouched weights, the outliers and the negligible perturbations by magnitude are set to zero; what remains of all tasks
is summed, scaled and added to the untouched weights (`merging` does that). Does not know models or files.

The paper calls the two thresholds β and γ, and programs that offer the method disagree on which is which; so here they
are said as what they are: shares, from the smallest magnitude up, between which a change is kept. Masks are taken over
whole tensors, as the paper describes it (layer by layer); the authors' own program takes them over each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from speechagents.errors import TuningError

if TYPE_CHECKING:
    import torch

KEEP_FROM: Final = 0.85
KEEP_TO: Final = 0.99
"""About where the authors' program begins to search: 15 % are kept below the largest 0.6 %
(github.com/rezazzr/breadcrumbs, ``find_best_hyperparam.py``)."""


@dataclass(frozen=True, slots=True)
class Breadcrumbs:
    """Which part of a change is kept.

    Attributes:
        keep_from: Share of each tensor's changes, by magnitude from the smallest up, that is too small to be kept.
        keep_to: Share above which the rest is too large to be kept.
    """

    keep_from: float = KEEP_FROM
    keep_to: float = KEEP_TO

    def __post_init__(self) -> None:
        if not 0.0 <= self.keep_from < self.keep_to <= 1.0:
            raise TuningError(
                f"changes are kept between two shares, the first below the second and both from 0 to 1, not "
                f"{self.keep_from:g} and {self.keep_to:g}; change --keep-from or --keep-to"
            )

    def ranks(self, count: int) -> tuple[int, int]:
        """Of so many magnitudes in rising order: the first that is kept, and the one behind the last."""
        return int(self.keep_from * count + 0.5), int(self.keep_to * count + 0.5)


def keep(change: torch.Tensor, crumbs: Breadcrumbs) -> int:
    """Set to zero, in place, what is not kept of a tensor's change.

    The shares are exact: of equal magnitudes, those that come first in the tensor count as smaller.

    Args:
        change: Finite numbers in float32, contiguous, of any shape; on the CPU.
        crumbs: What is kept.

    Returns:
        How many numbers are kept.
    """
    import numpy as np
    import torch

    flat = change.reshape(-1)
    low, high = crumbs.ranks(flat.numel())
    if low >= high:
        flat.zero_()
        return 0
    size = flat.abs().numpy()
    # Two order statistics; a full sort would need indices, twice the memory of the numbers.
    ordered = np.partition(size, sorted({low, high - 1}))
    least, most = ordered[low], ordered[high - 1]
    del ordered
    kept = (size > least) & (size < most)
    ties = np.flatnonzero(size == least)
    smaller = int(np.count_nonzero(size < least))
    kept[ties[low - smaller : high - smaller]] = True
    if most > least:
        ties = np.flatnonzero(size == most)
        kept[ties[: high - int(np.count_nonzero(size < most))]] = True
    flat.mul_(torch.from_numpy(kept))
    return high - low
