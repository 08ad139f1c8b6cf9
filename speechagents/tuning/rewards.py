"""What an episode is worth: the team's reward, from the benchmark's objective metrics and the form of the turns.

Owns the sum. Does not know how a metric is scaled (`reward_scale`), how episodes come about (`rollouts`) or what is
learnt from them (`grpo`). Equal episodes have equal rewards.

Every part is 0 to 1, and the reward is their weighted mean. Only the policy's own messages are looked at: no sign of
listening, nothing that stood in for a turn. **What cannot be measured earns nothing**: otherwise whoever says nothing
would break no rule. For the same reason well-formed turns count against the turns that the scene asks for, not against
those that were taken: a scene that its roles let die is worth little.

**Of a turn.** Beside the team's reward every turn has a worth of its own: whether it is well-formed, and what metrics
found in its line, where they tell it line by line; what only the whole shows is the team's. How much of it counts is
not decided here (`grpo`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric
from speechagents.benchmark.played import Played
from speechagents.drama import Deed, Message
from speechagents.tuning.reward_scale import Scale, Window, derive_scales, played_lines
from speechagents.tuning.rl_recipe import FORMED, Reinforcement, rewardable
from speechagents.tuning.rollouts import Episode


@dataclass(frozen=True, slots=True)
class Rewarded:
    """What an episode is worth.

    Attributes:
        team: 0 to 1.
        parts: What it is made of, by name, each 0 to 1.
        by_turn: What each action is worth by itself, in their order; empty of a reward that is for whole episodes
            alone, with which turns can have no share of their own.
    """

    team: float
    parts: Mapping[str, float]
    by_turn: Sequence[float] = ()


class Reward(Protocol):
    """Says what episodes are worth."""

    def of(self, episode: Episode) -> Rewarded:
        """The same for equal episodes."""


class BenchmarkReward:
    """Form and metrics, weighted.

    Args:
        weights: By name of the part; `FORMED` is the share of well-formed turns. Parts of weight 0 are measured and
            shown, and earn nothing.
        scales: Of all metrics among them.
    """

    def __init__(self, weights: Mapping[str, float], scales: Mapping[str, Scale]) -> None:
        total = math.fsum(weights.values())
        self._weights = {name: weight / total for name, weight in weights.items()}
        self._metrics: Sequence[Metric] = [one for name, one in rewardable().items() if name in weights]
        self._scales = scales

    def of(self, episode: Episode) -> Rewarded:
        """What an episode is worth."""
        played = _own_messages(episode)
        found = {metric.name: metric.measure(Looked(played)) for metric in self._metrics}
        parts = {name: self._worth(name, one) for name, one in found.items()}
        if FORMED in self._weights:
            parts[FORMED] = episode.formed
        return Rewarded(self._sum(parts), parts, self._by_turn(episode, found, parts))

    def _by_turn(self, episode: Episode, found: Mapping[str, Measured], parts: Mapping[str, float]) -> Sequence[float]:
        lines = {name: dict(one.by_turn) for name, one in found.items()}
        worths, place = [], 0
        for action in episode.actions:
            if action.turn is None:
                worths.append(0.0)
                continue
            own = {**parts, **({FORMED: 1.0} if FORMED in parts else {})}
            if action.turn.deed is Deed.SPEAK:
                own |= {name: self._scales[name].worth(one[place]) for name, one in lines.items() if place in one}
                place += 1
            worths.append(self._sum(own))
        return worths

    def _worth(self, name: str, found: Measured) -> float:
        return 0.0 if found.value is None else self._scales[name].worth(found.value)

    def _sum(self, parts: Mapping[str, float]) -> float:
        return math.fsum(self._weights[name] * value for name, value in parts.items())


def benchmark_reward(
    rl: Reinforcement, windows: Sequence[Window], *, seed: int
) -> tuple[BenchmarkReward, Mapping[str, Scale]]:
    """The reward that a recipe asks for, and the scales that were derived for it.

    Args:
        rl: With the weights.
        windows: Of good scenes, as long as an episode.
        seed: Of how they are spoilt.

    Raises:
        TuningError: A metric cannot be rewarded in scenes of this length.
    """
    metrics = [metric for name, metric in rewardable().items() if name in rl.reward]
    scales = derive_scales(windows, metrics, seed=seed) if metrics else {}
    return BenchmarkReward(rl.reward, scales), scales


def mean_reward(rewarded: Sequence[Rewarded]) -> float:
    """Mean of teams' rewards.

    Args:
        rewarded: At least one.
    """
    return math.fsum(one.team for one in rewarded) / len(rewarded)


def mean_parts(rewarded: Sequence[Rewarded]) -> Mapping[str, float]:
    """Mean of each part.

    Args:
        rewarded: At least one.
    """
    return {name: math.fsum(one.parts[name] for one in rewarded) / len(rewarded) for name in rewarded[0].parts}


def scale_rows(scales: Mapping[str, Scale]) -> Mapping[str, Mapping[str, float | str]]:
    """Scales as plain values, for people who ask where a reward comes from."""
    return {
        name: {
            "better": str(Better.LOWER if one.one < one.zero else Better.HIGHER),
            "worth 0 at": round(one.zero, 6),
            "worth 1 at": round(one.one, 6),
            "good scenes": round(one.good, 6),
            "spoilt scenes": round(one.spoilt, 6),
            "spoilt by": one.baseline,
            "stretches": one.windows,
        }
        for name, one in scales.items()
    }


def _own_messages(episode: Episode) -> Played:
    staged = episode.staged
    own: list[Message] = [one for one in episode.messages if not one.fallback and one.deed is not Deed.BACK_CHANNEL]
    return played_lines(staged.scene_id, staged.scene, staged.facts, own)
