"""What a run of reinforcement tells while it goes on.

Owns the values. Does not know who shows them, nor how a round is played. Importing it needs no PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from speechagents.tuning.reward_scale import Scale
from speechagents.tuning.tuning_events import TuningEvent


@dataclass(frozen=True, slots=True)
class ScenesReady:
    """Everything is loaded, and the first round is about to be played.

    Attributes:
        done: Rounds that were played before; 0 for a new run.
        rounds: In all.
        device: Where it computes, and why, for people.
        learnt: Weights that change.
        frozen: Weights that do not.
        scenes: To learn from, and of dev.
        scales: Of the metrics that are rewarded.
    """

    done: int
    rounds: int
    device: str
    learnt: int
    frozen: int
    scenes: tuple[int, int]
    scales: Mapping[str, Scale]


@dataclass(frozen=True, slots=True)
class RoundPlayed:
    """A round was played; the weights were changed by it, unless it was the last or the run has ended with it.

    Attributes:
        number: From 1 on; one beyond the number of rounds only checks what was learnt last.
        rounds: In all.
        reward: Mean of its episodes, 0 to 1.
        dev_reward: Of dev scenes, played by the same weights; None where they were not played.
        formed: Well-formed turns as a share of those asked for.
        kl: Divergence from the start, in nats a token.
        complaint: What a guard says against it; empty for nothing.
        seconds: It took.
    """

    number: int
    rounds: int
    reward: float
    dev_reward: float | None
    formed: float
    kl: float
    complaint: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ReinforcementOver:
    """It is over.

    Attributes:
        rounds: That changed the weights.
        planned: Rounds that were planned.
        kept: The model is the one after so many rounds: the last that no guard complained of.
        reason: Why it ended before its time; empty if it did not.
        first_reward: Of the first round.
        kept_reward: Of the round that the kept model played.
        model: Folder of the model.
    """

    rounds: int
    planned: int
    kept: int
    reason: str
    first_reward: float
    kept_reward: float
    model: Path


ReinforcementEvent = ScenesReady | RoundPlayed | ReinforcementOver
AnnounceRl = Callable[[ReinforcementEvent | TuningEvent], None]


def nobody(_: ReinforcementEvent | TuningEvent) -> None:
    """Tells nobody."""
