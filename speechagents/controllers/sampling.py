"""How the next token is chosen: seeded for every prompt by itself, and within a grammar where its library is there.

Owns that choice. Does not know what is asked.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any


class SeededSampling:
    """Adds seeded Gumbel noise, so that the largest logit is a sample: for each row one stream of chance of its own.

    Args:
        seeds: Of the rows.
        temperatures: Of the rows; 0 takes the likeliest.
        top_p: Tokens beyond this share of the probability are out; of 1 none is, however sums are rounded.
    """

    def __init__(self, seeds: Sequence[int], temperatures: Sequence[float], *, top_p: float) -> None:
        import torch

        self._chances = [torch.Generator().manual_seed(seed % 2**63) for seed in seeds]
        self._temperatures = temperatures
        self._top_p = top_p

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - the library's protocol
        """Scores with noise, shape ``(rows, vocabulary)``."""
        import torch

        rows = []
        for row, chance, temperature in zip(scores.float(), self._chances, self._temperatures, strict=True):
            if temperature <= 0.0:
                rows.append(row)
                continue
            logits = row / temperature
            if self._top_p < 1.0:
                ordered, where = torch.sort(logits, descending=True, stable=True)
                before = torch.cumsum(torch.softmax(ordered, 0), 0) - torch.softmax(ordered, 0)
                logits[where[before > self._top_p]] = -torch.inf
            uniform = torch.rand(logits.shape, generator=chance).clamp_(1e-20, 1.0 - 1e-7)
            rows.append(logits - torch.log(-torch.log(uniform)).to(logits.device))
        return torch.stack(rows)


def grammar_of(schemas: Sequence[Mapping[str, Any]], tokenizer: Any) -> Any:
    """What keeps each row to its JSON schema, by xgrammar; None where that is not installed."""
    try:
        from xgrammar.contrib.hf import LogitsProcessor
    except ImportError:
        return None
    compiler = _compiler(tokenizer)
    compiled = [
        compiler.compile_json_schema(json.dumps(schema, sort_keys=True), any_whitespace=False) for schema in schemas
    ]
    return LogitsProcessor(compiled)


@functools.lru_cache(maxsize=2)
def _compiler(tokenizer: Any) -> Any:
    import xgrammar

    return xgrammar.GrammarCompiler(xgrammar.TokenizerInfo.from_huggingface(tokenizer))
