"""The part ``rl`` of a recipe: how whole scenes are played, what is rewarded, and when it has to end.

Owns the values, their limits and their YAML. Does not know how a scene is played (`rollouts`), what a metric is worth
(`rewards`), nor how the weights are changed (`grpo`). Importing it needs no PyTorch.

::

    method: grpo
    rl:
      roles: 2
      turns: 8
      scenes: 2
      episodes: 8
      reward: {formed: 1.0, uptake: 1.0, repeated_4_grams: 0.5}
      guard: {distinct: 0.6, line_length: 2.0, formed: 0.6, kl: 1.0, patience: 2}
      cold_start: {steps: 200, learning_rate: 2.0e-3}

All but the reward has the default of its value here. ``training.steps`` counts rounds: some scenes are played, then the
weights are changed by what came of them. ``training.batch`` is of turns, ``evaluate_every`` and ``checkpoint_every``
are of rounds; ``accumulate``, ``patience`` and ``dev_samples`` mean nothing there, for a round is one step, what ends
it are its guards, and what is measured are scenes. A base that cannot act at all yet is taught to by a cold start: so
many supervised steps on the same data, mixed as ``data`` says, with ``seed`` and ``dtype`` of ``training``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from speechagents.benchmark.fields import entries, fault, number, one_of, yes_or_no
from speechagents.benchmark.metrics import cost
from speechagents.benchmark.metrics.catalogue import all_metrics
from speechagents.benchmark.metrics.metric import Better, Metric, Needs
from speechagents.drama import MAX_PLAYERS, MAX_TURNS, MIN_PLAYERS
from speechagents.errors import TuningError
from speechagents.scripts.scene_file import POLICIES
from speechagents.scripts.yaml_nodes import MappingNode, Node
from speechagents.tuning.recipe import Limits, Training, names_of, plain_values
from speechagents.tuning.recipe_file import read_numbers, read_training

FORMED: Final = "formed"
"""Share of the turns asked for that came as well-formed turns: what the reward calls it."""
MAX_ROWS: Final = 4_096
"""Most episodes that are played side by side in one round."""

_LIMITS: Final[Limits] = MappingProxyType(
    {
        "roles": (MIN_PLAYERS, MAX_PLAYERS),
        "turns": (2, MAX_TURNS),
        "scenes": (1, 1_000),
        "episodes": (2, 1_000),
        "dev_scenes": (0, 1_000),
        "temperature": (0.05, 5.0),
        "answer_tokens": (1, 4_000),
        "passes": (1, 100),
        "ratio_clip": (0.01, 10.0),
        "kl": (0.0, 100.0),
        "own_share": (0.0, 1.0),
        "rows": (1, MAX_ROWS),
    }
)
_GUARD: Final[Limits] = MappingProxyType(
    {
        "distinct": (0.0, 1.0),
        "line_length": (1.0, 100.0),
        "formed": (0.0, 1.0),
        "kl": (1e-6, 1e6),
        "patience": (1, 1_000),
    }
)
_WEIGHT: Final = (0.0, 1_000.0)


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How far a policy may go from what it was in the first round, before it is said to game the reward.

    The defaults are our choice: wide enough for what was seen of honest runs, and far inside what a policy that games
    a reward reaches within a few rounds.

    Attributes:
        distinct: Distinct word pairs, of samples of one size, fall to no less than this share of the first round's.
        line_length: Words of a line become no more than so many times as many, and no fewer than one such part.
        formed: Well-formed turns, and turns in which something is said, fall to no less than this share of the first
            round's.
        kl: Divergence from the frozen start, in nats a token; of the first round it is 0.
        patience: So many rounds in a row beyond a limit end the run: single rounds are few scenes.
    """

    distinct: float = 0.6
    line_length: float = 2.0
    formed: float = 0.6
    kl: float = 1.0
    patience: int = 2

    def __post_init__(self) -> None:
        _check("rl.guard", {name: getattr(self, name) for name in _GUARD}, _GUARD)


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """How a policy learns from the scenes that it plays.

    Attributes:
        reward: Weights of what is rewarded: `FORMED`, and objective metrics of the benchmark that look at words alone.
        roles: Scenes with so many roles are played.
        turns: Of a scene, at most.
        policy: Turn policy.
        scenes: Played in each round; another choice each time.
        episodes: Of each scene: the group that they are compared in.
        dev_scenes: Scenes of the dev split that are played at each measurement and teach nothing; 0 for none.
        temperature: Turns are drawn at; the policy that is learnt is the one at this temperature.
        answer_tokens: Most tokens of a turn.
        passes: So often the turns of a round are gone through, each time with one step of the weights.
        ratio_clip: How far a token's probability may go from the one it was drawn with, as a share, before a turn
            stops pulling at it.
        kl: Weight of the divergence from the frozen start.
        standardise: Divide advantages by the group's standard deviation, as GRPO does; without, groups in which all is
            nearly equal count little (Dr. GRPO, Liu et al. 2025, arXiv 2503.20783).
        own_share: Share of an advantage that is for the turn itself, against all turns of its role in the group; the
            rest is the team's.
        cold_start: How it is trained on the data before the first round; None leaves the base as it is.
        rows: Most turns that are drawn at once.
        guard: When it is ended.
    """

    reward: Mapping[str, float]
    roles: int = 2
    turns: int = 12
    policy: str = "addressed"
    scenes: int = 2
    episodes: int = 8
    dev_scenes: int = 2
    temperature: float = 1.0
    answer_tokens: int = 300
    passes: int = 1
    ratio_clip: float = 0.2
    kl: float = 0.04
    standardise: bool = True
    own_share: float = 0.0
    cold_start: Training | None = None
    rows: int = 64
    guard: GuardLimits = field(default_factory=GuardLimits)

    def __post_init__(self) -> None:
        _check("rl", {name: getattr(self, name) for name in _LIMITS}, _LIMITS)
        if self.policy not in POLICIES:
            raise TuningError(f"{self.policy[:40]!r} is none of {', '.join(POLICIES)}", field="rl.policy")
        if self.scenes * self.episodes > MAX_ROWS:
            count = self.scenes * self.episodes
            raise TuningError(f"{count} episodes in a round; {MAX_ROWS} is the most", field="rl.episodes")
        known = rewardable()
        if bad := [name for name in self.reward if name != FORMED and name not in known]:
            raise TuningError(f"{bad[0][:40]!r} is none of {', '.join((FORMED, *known))}", field="rl.reward")
        _check("rl.reward", self.reward, dict.fromkeys(self.reward, _WEIGHT))
        if not any(self.reward.values()):
            raise TuningError("nothing is rewarded; give something a weight", field="rl.reward")
        # What was given could still be changed from outside.
        object.__setattr__(self, "reward", MappingProxyType(dict(self.reward)))


def rewardable() -> Mapping[str, Metric]:
    """The metrics that can be rewarded, by name: those of words alone of which more or less is better.

    What a scene cost is none of them: it is no property of what was said, and `FORMED` counts the turns that failed.
    """
    costs = {one.name for one in cost.METRICS}
    words = [one for one in all_metrics() if one.needs is Needs.TEXT and one.better is not Better.NEITHER]
    return MappingProxyType({one.name: one for one in words if one.name not in costs})


def read_reinforcement(node: Node) -> Reinforcement:
    """The part of a recipe.

    Raises:
        BenchmarkError: Something is missing or wrong; the message names file, line, field and remedy.
        TuningError: Values do not go together; so does this one's.
    """
    found = entries(node, ("reward",), [name for name in names_of(Reinforcement) if name != "reward"])
    values: dict[str, Any] = read_numbers(Reinforcement, found, _LIMITS)
    if "policy" in found:
        values["policy"] = one_of(found["policy"], POLICIES)
    if "standardise" in found:
        values["standardise"] = yes_or_no(found["standardise"])
    if "guard" in found:
        within = entries(found["guard"], (), names_of(GuardLimits))
        limits: dict[str, Any] = read_numbers(GuardLimits, within, _GUARD)
        values["guard"] = GuardLimits(**limits)
    if "cold_start" in found:
        values["cold_start"] = read_training(found["cold_start"])
    values["reward"] = _reward(found["reward"])
    try:
        return Reinforcement(**values)
    except TuningError as error:
        raise TuningError(str(error), source=node.at.source, line=node.at.line) from error


def reinforcement_values(rl: Reinforcement) -> dict[str, Any]:
    """Plain values, as they stand in a recipe; defaults are written out."""
    values = {name: getattr(rl, name) for name in names_of(Reinforcement) if name != "cold_start"}
    cold = {} if rl.cold_start is None else {"cold_start": plain_values(rl.cold_start)}
    return {**values, "reward": dict(rl.reward), "guard": plain_values(rl.guard), **cold}


def _reward(node: Node) -> Mapping[str, float]:
    if not isinstance(node, MappingNode):
        raise fault(node.at, f"no mapping; write what is rewarded and its weight, such as {{{FORMED}: 1.0}}")
    return {name: number(value, *_WEIGHT) for name, value in entries(node, (), (FORMED, *rewardable())).items()}


def _check(part: str, values: Mapping[str, float], limits: Limits) -> None:
    for name, value in values.items():
        low, high = limits[name]
        if not low <= value <= high:
            raise TuningError(f"{value} is not between {low:g} and {high:g}", field=f"{part}.{name}")
