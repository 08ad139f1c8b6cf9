"""The optimizer of a recipe and how its learning rate rises and falls.

Owns both. Does not know what is learnt. Importing it needs PyTorch.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from speechagents.tuning.recipe import Schedule, Training


def make_optimizer(model: Any, training: Training) -> torch.optim.AdamW:
    """AdamW over the weights that are learnt; matrices decay, biases and scales do not."""
    learnt = [one for one in model.parameters() if one.requires_grad]
    groups = [
        {"params": [one for one in learnt if one.ndim >= 2], "weight_decay": training.weight_decay},
        {"params": [one for one in learnt if one.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=training.learning_rate)


def make_schedule(
    optimizer: torch.optim.Optimizer, training: Training, *, done: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """The learning rate by the step.

    Args:
        optimizer: Whose it is.
        training: The numbers.
        done: Steps that were taken before this run.
    """
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(training, done + step))


def rate(training: Training, step: int) -> float:
    """The share of the highest learning rate that a step has.

    It rises evenly to 1 in the steps of the warm-up, the first step included, and falls to 0 behind the last one: by a
    half cosine (Loshchilov & Hutter 2017, arXiv 1608.03983, without restarts) or evenly.

    Args:
        training: The numbers.
        step: Steps that were taken before it.
    """
    if step < training.warmup:
        return (step + 1) / training.warmup
    part = min(1.0, (step - training.warmup) / max(1, training.steps - training.warmup))
    return 1.0 - part if training.schedule is Schedule.LINEAR else 0.5 * (1.0 + math.cos(math.pi * part))
