"""When to stop: after so many measurements in a row without a better one.

Owns that count and which measurement was the best. Does not know what is measured.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

NEVER = math.inf
"""The best loss before anything was measured."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the measurements so far say.

    Attributes:
        patience: Measurements without a better one that end it.
        best_loss: The lowest.
        best_step: When it was measured first; 0 before anything was.
        waited: Measurements since then.
    """

    patience: int
    best_loss: float = NEVER
    best_step: int = 0
    waited: int = 0

    def after(self, loss: float, step: int) -> Progress:
        """After one more measurement; one that is no number is no better than any other."""
        if loss < self.best_loss:
            return replace(self, best_loss=loss, best_step=step, waited=0)
        return replace(self, waited=self.waited + 1)

    @property
    def over(self) -> bool:
        """It is time to stop."""
        return self.waited >= self.patience
