"""What a run of tuning tells while it goes on.

Owns the values. Does not know who shows them, nor how training runs. Importing it needs no PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Begun:
    """Everything is loaded, and training begins.

    Attributes:
        step: Steps that were done before; 0 for a new run.
        steps: In all.
        device: Where it computes, and why, for people.
        learnt: Weights that change.
        frozen: Weights that do not.
        samples: To learn from, by pool.
        shares: Of the pools among what is learnt from.
        dev_samples: To measure with, of agent data and of general instructions.
        dev_left_out: Samples of dev that have no room.
    """

    step: int
    steps: int
    device: str
    learnt: int
    frozen: int
    samples: Mapping[str, int]
    shares: Mapping[str, float]
    dev_samples: tuple[int, int]
    dev_left_out: int = 0


@dataclass(frozen=True, slots=True)
class StepDone:
    """The weights were changed.

    Attributes:
        step: Its number, from 1 on.
        steps: In all.
        loss: Of its samples, in nats a token.
        tokens_per_s: Tokens that were read, by the time it took.
    """

    step: int
    steps: int
    loss: float
    tokens_per_s: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The model was measured on dev.

    Attributes:
        step: Steps that were done.
        loss: What counts, in nats a token.
        kinds: Of agent data and of general instructions.
        best: It is the best so far, and was saved.
        waited: Measurements since the best one.
    """

    step: int
    loss: float
    kinds: Mapping[str, float]
    best: bool
    waited: int


@dataclass(frozen=True, slots=True)
class CheckpointWritten:
    """From here the run can go on if it is killed.

    Attributes:
        step: Steps that were done.
    """

    step: int


@dataclass(frozen=True, slots=True)
class TuningOver:
    """It is over.

    Attributes:
        step: Steps that were done.
        steps: That were planned; fewer are done if nothing became better any more.
        best_step: After which the best model was measured.
        best_loss: Its loss on dev.
        model: Its folder.
        tokens: Read in all.
        targets: Learnt from in all.
        seconds: That all steps took, measurements and checkpoints not counted.
        left_out: Samples of this run that had no room.
    """

    step: int
    steps: int
    best_step: int
    best_loss: float
    model: Path
    tokens: int
    targets: int
    seconds: float
    left_out: int = 0

    @property
    def stopped_early(self) -> bool:
        """Nothing became better any more."""
        return self.step < self.steps

    @property
    def tokens_per_s(self) -> float:
        """Tokens read by the time that steps took."""
        return self.tokens / self.seconds if self.seconds else 0.0


TuningEvent = Begun | StepDone | Measured | CheckpointWritten | TuningOver
Announce = Callable[[TuningEvent], None]


def nothing(_: TuningEvent) -> None:
    """Tells nobody."""
