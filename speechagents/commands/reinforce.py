"""``speechagents tune`` by a recipe whose method is reinforcement: what is shown of it.

Owns the lines and the values. Does not know arguments (`commands.tune`), nor how anything is learnt
(`tuning.reinforcing`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speechagents.tuning.recipe import Recipe
    from speechagents.tuning.rl_events import ReinforcementEvent, ReinforcementOver, RoundPlayed, ScenesReady
    from speechagents.tuning.trajectory_folder import TrajectoryFolder
    from speechagents.tuning.tuning_events import TuningEvent


def reinforce_by(
    arguments: argparse.Namespace,
    recipe: Recipe,
    folder: TrajectoryFolder,
    *,
    show_cold_start: Callable[[TuningEvent], None],
) -> tuple[Path, Mapping[str, Any]]:
    """Let a policy learn, and show how far it is.

    Args:
        arguments: Of ``tune``.
        recipe: With a part ``rl``.
        folder: Trajectories.
        show_cold_start: Shows what supervised training tells.

    Returns:
        The model's folder, and what there is to say of it.
    """
    from speechagents.tuning.families import make_family
    from speechagents.tuning.run_folder import check_free

    # Said at once: the libraries below take seconds to load.
    check_free(arguments.out, recipe=recipe.digest, data=folder.digest, resume=arguments.resume)
    _say_plan(recipe)

    from speechagents.tuning.reinforcing import reinforce

    lines = _Lines(show_cold_start)
    over = reinforce(
        recipe,
        folder,
        arguments.out,
        make=lambda which, base: make_family(which, folder, folder=base),
        resume=arguments.resume,
        announce=lines.show,
    )
    return over.model, {
        "rounds": over.rounds,
        "planned": over.planned,
        "kept": over.kept,
        "reason": over.reason,
        "first_reward": round(over.first_reward, 6),
        "kept_reward": round(over.kept_reward, 6),
    }


def _say_plan(recipe: Recipe) -> None:
    rl = recipe.rl
    if rl is None:
        return
    base = recipe.base.model or f"random {recipe.base.random}"
    parts = ", ".join(f"{name} {weight:g}" for name, weight in rl.reward.items())
    _say(f"recipe {recipe.name}: {recipe.about}")
    _say(
        f"base {base}, {recipe.training.steps} rounds of {rl.scenes} scenes with {rl.roles} roles, {rl.episodes} times "
        f"each, {rl.turns} turns at most"
    )
    _say(f"rewarded: {parts}")


class _Lines:
    """Lines on standard error.

    Args:
        show_cold_start: Shows what supervised training tells.
    """

    def __init__(self, show_cold_start: Callable[[TuningEvent], None]) -> None:
        self._show_cold_start = show_cold_start
        self._device = ""

    def show(self, event: ReinforcementEvent | TuningEvent) -> None:
        """What has been done; where it computes is said once."""
        from speechagents.tuning.rl_events import ReinforcementOver, RoundPlayed, ScenesReady
        from speechagents.tuning.tuning_events import Begun

        match event:
            case ScenesReady():
                if event.device != self._device:
                    _say(f"computes {event.device}")
                _say_ready(event)
            case RoundPlayed():
                _say_round(event)
            case ReinforcementOver():
                _say_over(event)
            case _:
                if isinstance(event, Begun):
                    self._device = event.device
                self._show_cold_start(event)


def _say_ready(event: ScenesReady) -> None:
    total, (train, dev) = event.learnt + event.frozen, event.scenes
    _say(f"learnt: {event.learnt:,} of {total:,} weights ({event.learnt / total:.2%}); {train} scenes, {dev} of dev")
    for name, scale in event.scales.items():
        _say(
            f"  {name}: good scenes {scale.good:.3f}, spoilt ones {scale.spoilt:.3f} ({scale.baseline}); worth 0 at "
            f"{scale.zero:.3f}, 1 at {scale.one:.3f}"
        )
    if event.done:
        _say(f"goes on behind round {event.done} of {event.rounds}")


def _say_round(event: RoundPlayed) -> None:
    number = f"round {event.number} of {event.rounds}" if event.number <= event.rounds else "a last look"
    dev = "" if event.dev_reward is None else f", dev {event.dev_reward:.3f}"
    complaint = f"; {event.complaint}" if event.complaint else ""
    _say(
        f"{number}: reward {event.reward:.3f}{dev}, {event.formed:.0%} of turns well-formed, {event.kl:.3f} nats a "
        f"token from the start, {event.seconds:.1f} s{complaint}"
    )


def _say_over(event: ReinforcementOver) -> None:
    if event.reason:
        _say(f"ended: {event.reason}")
    _say(
        f"{event.rounds} of {event.planned} rounds are learnt from; the model is that after round {event.kept}, reward "
        f"{event.kept_reward:.3f} ({event.first_reward:.3f} in the first round)"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr)
