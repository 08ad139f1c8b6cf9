"""Group relative policy optimisation: how much better an episode was than the others of its scene, and what follows.

Owns advantages and the objective. Does not know episodes' worth (`rewards`), how they are played (`rollouts`), or what
is done with a gradient (`learner`). Importing it needs PyTorch.

GRPO (Shao et al. 2024, DeepSeekMath, arXiv 2402.03300, section 4.1) plays each scene several times; the group's mean
reward stands in for a critic, the ratio of a token's probability now to that when it was drawn is clipped as in PPO
(Schulman et al. 2017, arXiv 1707.06347), and the divergence from the frozen start is a term of the loss.

**Agents.** Prompts differ by role and turn, so that turns cannot be compared with each other one by one; whole episodes
of one scene can. What the team earned in an episode is compared with what it earned in the others of that scene, and
all turns of all roles carry what comes of it (as in MAGRPO, Liu et al. 2025, arXiv 2508.04652). Which of them it was
that made an episode better a group can only tell by many episodes. With a share of its own a turn is also compared by
itself, with all turns of its role in that scene: every role is a group, since some have easier parts than others. That
is GRPO's process supervision, with turns as the steps; it asks of each turn to shine by itself, and 0 is the plain team
reward.

**Tokens.** Every token of a step counts the same (as in DAPO, Yu et al. 2025, arXiv 2503.14476). The mean over each
answer that GRPO takes first makes a token of a long answer count less, so that long bad answers are hardly held against
a policy (Liu et al. 2025, arXiv 2503.20783): it learns to talk.

**Divergence.** The estimator is Schulman's third (http://joschu.net/blog/kl-approx.html): with d = log p(start) - log
p(now) it is exp(d) - d - 1 for a token that was drawn from the policy: never negative, without bias, of little
variance. As a term of a loss its gradient is that of the divergence the other way around, of the start from the policy,
which keeps the policy from forgetting what the start would say; so it is in GRPO.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

from speechagents.drama import role_key
from speechagents.tuning.rewards import Rewarded
from speechagents.tuning.rollouts import Action, Episode

_LEVEL: Final = 1e-9
"""Standard deviation of rewards below which all are the same."""
_FURTHEST: Final = 20.0
"""Logarithm of a ratio of probabilities that is not told from any larger one: its exponential is beyond all use."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """An action, and how much better than usual it came out.

    Attributes:
        action: The turn.
        advantage: Of each of its tokens.
    """

    action: Action
    advantage: float


@dataclass(frozen=True, slots=True)
class Told:
    """What an objective says of itself, summed over tokens.

    Attributes:
        tokens: How many.
        clipped: Tokens that pull no longer, as their probability has gone far enough.
    """

    tokens: int = 0
    clipped: int = 0

    def __add__(self, other: Told) -> Told:
        return Told(self.tokens + other.tokens, self.clipped + other.clipped)


def lessons(
    episodes: Sequence[Episode], rewarded: Sequence[Rewarded], *, standardise: bool, own_share: float = 0.0
) -> Sequence[Lesson]:
    """Every action of a round with its advantage, in the order of the episodes.

    Args:
        episodes: Of any number of scenes.
        rewarded: What each is worth.
        standardise: Divide by the group's standard deviation.
        own_share: Share of an advantage that is for the turn itself; the rest is the team's.

    Raises:
        ValueError: A turn is to have a share of its own, and the reward does not say what each is worth.
    """
    team = _compared(
        [(one.staged.scene_id, worth.team) for one, worth in zip(episodes, rewarded, strict=True)],
        standardise=standardise,
    )
    places = [(at, turn) for at, one in enumerate(episodes) for turn in range(len(one.actions))]
    actions = [episodes[at].actions[turn] for at, turn in places]
    own = [0.0] * len(places)
    if own_share:
        groups = [
            f"{episodes[at].staged.scene_id}\0{role_key(one.role)}"
            for (at, _), one in zip(places, actions, strict=True)
        ]
        if any(len(worth.by_turn) != len(one.actions) for one, worth in zip(episodes, rewarded, strict=True)):
            raise ValueError("the reward does not say what each turn is worth")
        worths = [rewarded[at].by_turn[turn] for at, turn in places]
        own = _compared(list(zip(groups, worths, strict=True)), standardise=standardise)
    return [
        Lesson(action, (1.0 - own_share) * team[at] + own_share * alone)
        for (at, _), action, alone in zip(places, actions, own, strict=True)
    ]


def _compared(rewards: Sequence[tuple[str, float]], *, standardise: bool) -> list[float]:
    """Advantages of rewards, each within the group that it is named with, in their order."""
    members: dict[str, list[int]] = {}
    for at, (group, _) in enumerate(rewards):
        members.setdefault(group, []).append(at)
    found = [0.0] * len(rewards)
    for places in members.values():
        for at, one in zip(places, advantages([rewards[at][1] for at in places], standardise=standardise), strict=True):
            found[at] = one
    return found


def advantages(rewards: Sequence[float], *, standardise: bool) -> Sequence[float]:
    """How much better each of a group is than their mean, all 0 where all are the same.

    Args:
        rewards: Of the group.
        standardise: In standard deviations (of a sample) instead of in rewards.
    """
    mean = math.fsum(rewards) / len(rewards)
    apart = [reward - mean for reward in rewards]
    spread = math.sqrt(math.fsum(one * one for one in apart) / max(1, len(rewards) - 1))
    if spread <= _LEVEL:
        return [0.0] * len(rewards)
    return [one / spread for one in apart] if standardise else apart


def divergence(now: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
    """An estimate of the divergence of a policy from its start, for each token that was drawn from it, in nats.

    Args:
        now: Log-probabilities under the policy.
        start: Under the start; of the same shape.
    """
    apart = (start - now).clamp(max=_FURTHEST)
    return torch.exp(apart) - apart - 1.0


def objective(
    now: torch.Tensor,
    drawn: torch.Tensor,
    start: torch.Tensor,
    mask: torch.Tensor,
    advantage: torch.Tensor,
    *,
    ratio_clip: float,
    kl: float,
) -> tuple[torch.Tensor, Told]:
    """What is to be made small, summed over tokens.

    Args:
        now: Log-probabilities of tokens under the policy, with gradients, shape ``(turns, tokens)``.
        drawn: The same when they were drawn.
        start: The same of the frozen start.
        mask: True where there is a token.
        advantage: Of each turn, shape ``(turns,)``.
        ratio_clip: How far a ratio may go from 1.
        kl: Weight of the divergence.
    """
    ratio = torch.exp((now - drawn).clamp(max=_FURTHEST))
    better = advantage[:, None]
    gain = torch.minimum(ratio * better, ratio.clamp(1.0 - ratio_clip, 1.0 + ratio_clip) * better)
    loss = torch.where(mask, kl * divergence(now, start) - gain, torch.zeros_like(gain)).sum()
    stopped = torch.where(better > 0.0, ratio > 1.0 + ratio_clip, ratio < 1.0 - ratio_clip) & (better != 0.0) & mask
    return loss, Told(tokens=int(mask.sum()), clipped=int(stopped.sum()))
