"""The card of a tuned model: of what, on what and how far it was tuned.

Owns the text. Does not know files, nor how a model is tuned. Importing it needs no PyTorch.
"""

from __future__ import annotations

from speechagents import __version__
from speechagents.tuning.mixing import Pool
from speechagents.tuning.pools import TuningData
from speechagents.tuning.recipe import AdapterKind, Recipe


def model_card(recipe: Recipe, data: TuningData, *, step: int, loss: float) -> str:
    """The card as Markdown.

    Args:
        recipe: By which it was tuned.
        data: On which.
        step: Steps that were done.
        loss: Its loss on dev then, in nats a token.
    """
    base = recipe.base.model + (f" ({recipe.base.revision})" if recipe.base.revision else "")
    adapter = f"an adapter of rank {recipe.adapter.rank}" if recipe.adapter.kind is AdapterKind.LORA else "all weights"
    sizes = data.sizes
    turns, questions, general = (f"{sizes[pool]:,}" for pool in (Pool.TURN, Pool.NEXT_SPEAKER, Pool.GENERAL))
    begun = base or f"random weights ({recipe.base.random}): it knows nothing but what it was tuned on"
    return f"""\
# {recipe.name}

{recipe.about}

- Base: {begun}
- Learnt: {adapter}, {step:,} of {recipe.training.steps:,} planned steps of {recipe.training.samples} samples
- Data: {recipe.data.agent:.0%} agent data ({turns} turns, {questions} questions who speaks next), the rest general
  instructions ({general})
- Loss on dev: {loss:.4f} nats a token
- Made by speechagents {__version__}; recipe.yaml and log.jsonl beside this folder say how

It was chosen by its loss on dev, which says little of how it plays: measure it before you use it. The licence of its
base holds for it as well.
"""
