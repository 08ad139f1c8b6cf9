"""The card of a model that has learnt by reinforcement.

Owns the text. Does not know files, nor how a model learns. Importing it needs no PyTorch.
"""

from __future__ import annotations

from speechagents import __version__
from speechagents.tuning.recipe import AdapterKind, Recipe
from speechagents.tuning.rl_recipe import Reinforcement


def reinforced_card(recipe: Recipe, rl: Reinforcement, *, rounds: int, first: float, reward: float, reason: str) -> str:
    """The card as Markdown.

    Args:
        recipe: By which it learnt.
        rl: The recipe's part.
        rounds: That it has learnt from.
        first: Reward of the first round.
        reward: Of the round that this model played.
        reason: Why the run ended before its time; empty if it did not.
    """
    base = recipe.base.model + (f" ({recipe.base.revision})" if recipe.base.revision else "")
    begun = base or f"random weights ({recipe.base.random}): it knows nothing but what it was tuned on"
    cold = f", then {rl.cold_start.steps:,} supervised steps" if rl.cold_start is not None else ""
    adapter = f"an adapter of rank {recipe.adapter.rank}" if recipe.adapter.kind is AdapterKind.LORA else "all weights"
    total = sum(rl.reward.values())
    parts = ", ".join(f"{name} {weight / total:.0%}" for name, weight in rl.reward.items() if weight)
    ended = f"\n- It was ended early: {reason}" if reason else ""
    return f"""\
# {recipe.name}

{recipe.about}

- Base: {begun}{cold}
- Learnt: {adapter}, in {rounds:,} of {recipe.training.steps:,} planned rounds of {rl.scenes} scenes with {rl.roles}
  roles, each played {rl.episodes} times
- Rewarded: {parts}
- Reward: {first:.3f} in the first round, {reward:.3f} in the round that this model played{ended}
- Made by speechagents {__version__}; recipe.yaml, run.json and log.jsonl beside this folder say how

A reward is what can be counted, and more of it is not always better: measure the model by what was not rewarded, on
scenes that it has not seen, before you use it. The licence of its base holds for it as well.
"""
