"""How much a model computes for a token that it is trained on.

Owns that count. Does not know how long anything takes (`tuning_run`), nor what a device can do. Importing it needs
PyTorch.
"""

from __future__ import annotations

from typing import Any

import torch


def flop_per_token(model: Any) -> int:
    """Floating point operations of a token in training: forwards, and backwards through all that lies behind it.

    A matrix of n weights takes 2 n operations forwards, 2 n for the gradient of what went in, and 2 n more for its own
    gradient if it is learnt: 6 n where everything is learnt (Kaplan et al. 2020, arXiv 2001.08361, section 2.1). Left
    out are attention itself, which grows with the length of a sample, towers, what is computed again with
    ``recompute``, and the backward step below the first layer that is learnt: rates by this count are a lower bound of
    what a device does, and the same for every way to do it.

    Args:
        model: As `Family.load` gives it. Of a mixture of experts all count, though few are asked.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    parts = [inner.get_decoder()] if hasattr(inner, "get_decoder") else [inner]
    if (outputs := inner.get_output_embeddings()) is not None:
        parts.append(outputs)
    seen: set[int] = set()
    operations = 0
    for weight in (one.weight for part in parts for one in part.modules() if isinstance(one, torch.nn.Linear)):
        if id(weight) not in seen:
            seen.add(id(weight))
            operations += (6 if weight.requires_grad else 4) * weight.numel()
    return operations
