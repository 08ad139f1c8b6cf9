"""A policy that learns from the scenes that it plays: one round after the other.

Owns a round: which scenes it is of, how the weights change by what came of them. Does not know what is rewarded
(`rewards`), when to end (`guards`), or what is kept on a disk (`rl_run`). Importing it needs PyTorch.

Everything follows from seed, number of the round and weights; nothing is kept between rounds but the weights and the
optimizer's moments.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from speechagents.tuning.grpo import Lesson, Told, divergence, lessons, objective
from speechagents.tuning.mixing import shuffled
from speechagents.tuning.optimisation import make_optimizer, rate
from speechagents.tuning.policy import ModelPolicy, answer_mask
from speechagents.tuning.recipe import Training
from speechagents.tuning.rewards import Reward, Rewarded, mean_reward
from speechagents.tuning.rl_recipe import Reinforcement
from speechagents.tuning.rollouts import Action, Acts, Episode, Staged, play


@dataclass(frozen=True, slots=True)
class Round:
    """Scenes as the policy played them.

    Attributes:
        episodes: Those of a scene side by side.
        rewarded: What each is worth.
        start: Log-probabilities of each action's tokens under the frozen start, in the order of the episodes.
    """

    episodes: Sequence[Episode]
    rewarded: Sequence[Rewarded]
    start: Sequence[Sequence[float]]

    @property
    def actions(self) -> Sequence[Action]:
        """All turns, in the order of the episodes."""
        return [action for episode in self.episodes for action in episode.actions]

    @property
    def tokens(self) -> int:
        """That the policy wrote."""
        return sum(len(one) for one in self.start)

    @property
    def prompt_tokens(self) -> int:
        """That it read."""
        return sum(len(action.prompt) for action in self.actions)

    @property
    def kl(self) -> float:
        """Divergence of the policy from its start on its own answers, in nats a token."""
        drawn = [one for action in self.actions for one in action.drawn.log_probs]
        start = [one for tokens in self.start for one in tokens]
        # Where nothing differs rounding makes it negative by a hair.
        return float(divergence(torch.tensor(drawn), torch.tensor(start)).clamp(min=0.0).mean())

    @property
    def reward(self) -> float:
        """Mean of all teams' rewards."""
        return mean_reward(self.rewarded)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a round did to the weights.

    Attributes:
        told: What the objective says of itself, all passes together.
        gradient: Length of the gradient before it was shortened, mean over passes; not finite if one was not, by which
            no step was taken, nor any behind it.
        rate: Learning rate.
    """

    told: Told
    gradient: float
    rate: float


class Learner:
    """A policy and what it learns with.

    Args:
        model: What a family has loaded; it is changed.
        acts: Asks and understands it.
        reward: Says what episodes are worth.
        scenes: To be played, at least one; each round takes some of them.
        rl: How they are played.
        training: How weights are changed.
        ends: Tokens that end an answer.
    """

    def __init__(
        self,
        model: Any,
        acts: Acts,
        reward: Reward,
        scenes: Sequence[Staged],
        rl: Reinforcement,
        training: Training,
        *,
        ends: Sequence[int],
    ) -> None:
        self.model = model
        self.optimizer = make_optimizer(model, training)
        self._acts = acts
        self._reward = reward
        self._scenes = scenes
        self._rl = rl
        self._training = training
        self._policy = ModelPolicy(
            model, ends=ends, temperature=rl.temperature, answer_tokens=rl.answer_tokens, rows=rl.rows
        )

    def play(self, number: int) -> Round:
        """Play a round.

        Args:
            number: 0-based.
        """
        seed = self._training.seed
        scenes = round_scenes(self._scenes, self._rl.scenes, number, seed=seed)
        episodes, rewarded = self.play_scenes(scenes, seed=_seed(seed, f"round {number}"))
        actions = [action for episode in episodes for action in episode.actions]
        start: list[Sequence[float]] = [()] * len(actions)
        with torch.no_grad(), self._policy.as_it_began():
            for some in self._batches(actions):
                rows = self._log_probs([actions[at] for at in some]).tolist()
                for at, row in zip(some, rows, strict=True):
                    start[at] = row[: len(actions[at].drawn.ids)]
        return Round(episodes, rewarded, start)

    def play_scenes(self, scenes: Sequence[Staged], *, seed: int) -> tuple[Sequence[Episode], Sequence[Rewarded]]:
        """Play some scenes, so many episodes of each as the recipe says.

        Args:
            scenes: No two of the same id.
            seed: Of what is drawn.

        Returns:
            The episodes, and what each is worth.
        """
        episodes = play(scenes, self._acts, self._policy, episodes=self._rl.episodes, seed=seed)
        return episodes, [self._reward.of(episode) for episode in episodes]

    def learn(self, played: Round, number: int) -> Learnt:
        """Change the weights by a round.

        Args:
            played: The round.
            number: 0-based.
        """
        rl = self._rl
        found = lessons(played.episodes, played.rewarded, standardise=rl.standardise, own_share=rl.own_share)
        pace = self._training.learning_rate * rate(self._training, number)
        for group in self.optimizer.param_groups:
            group["lr"] = pace
        told, lengths = Told(), []
        for _ in range(self._rl.passes):
            self.optimizer.zero_grad(set_to_none=True)
            for some in self._batches(played.actions):
                loss, counts = self._loss([found[at] for at in some], [played.start[at] for at in some])
                (loss / played.tokens).backward()  # type: ignore[no-untyped-call, unused-ignore]
                told += counts
            learnt = [one for group in self.optimizer.param_groups for one in group["params"]]
            lengths.append(float(torch.nn.utils.clip_grad_norm_(learnt, self._training.clip)))
            if not math.isfinite(lengths[-1]):
                break
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return Learnt(told, math.fsum(lengths) / len(lengths), pace)

    def _loss(self, some: Sequence[Lesson], start: Sequence[Sequence[float]]) -> tuple[torch.Tensor, Told]:
        actions = [one.action for one in some]
        now = self._log_probs(actions)
        return objective(
            now,
            _padded([action.drawn.log_probs for action in actions]).to(now.device),
            _padded(start).to(now.device),
            answer_mask([action.drawn.ids for action in actions]).to(now.device),
            torch.tensor([one.advantage for one in some], device=now.device),
            ratio_clip=self._rl.ratio_clip,
            kl=self._rl.kl,
        )

    def _log_probs(self, actions: Sequence[Action]) -> torch.Tensor:
        return self._policy.log_probs([one.prompt for one in actions], [one.drawn.ids for one in actions])

    def _batches(self, actions: Sequence[Action]) -> Iterator[Sequence[int]]:
        """Positions of all actions, as many at once as go through the model, those of like length together."""

        def length(at: int) -> int:
            return len(actions[at].prompt) + len(actions[at].drawn.ids)

        order = sorted(range(len(actions)), key=lambda at: (length(at), at))
        for first in range(0, len(order), self._training.batch):
            yield order[first : first + self._training.batch]


def round_scenes(scenes: Sequence[Staged], count: int, number: int, *, seed: int) -> Sequence[Staged]:
    """The scenes of a round: all are gone through before any comes again, each time with another chance.

    Args:
        scenes: All there are.
        count: Of a round; fewer if there are fewer.
        number: 0-based, of the round.
        seed: Of the run.
    """
    count = min(count, len(scenes))
    found = []
    for at in range(number * count, (number + 1) * count):
        epoch, place = divmod(at, len(scenes))
        one = scenes[shuffled(len(scenes), f"{seed}\0scenes\0{epoch}")[place]]
        # The end of one epoch and the beginning of the next can bring the same scene twice: two groups, then.
        found.append(reseeded(one, _seed(seed, f"scene {at}"), name=f"{one.scene_id}#{at}"))
    return found


def reseeded(staged: Staged, seed: int, *, name: str) -> Staged:
    """A scene with another chance, under a name of its own."""
    return replace(staged, scene_id=name, scene=replace(staged.scene, seed=seed))


def _padded(rows: Sequence[Sequence[float]]) -> torch.Tensor:
    """Rows of numbers with 0 behind their ends, shape ``(rows, numbers of the longest)``."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[0.0] * (longest - len(row))] for row in rows])


def _seed(seed: int, what: str) -> int:
    digest = hashlib.blake2b(f"{seed}\0{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 33  # scene files hold 31 bits
