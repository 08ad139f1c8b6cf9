"""How well a model that is being trained does on samples it does not learn from.

Owns which losses there are and which of them counts. Does not know how likelihoods are computed (`candidates`).
Importing it needs PyTorch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speechagents.errors import TuningError
from speechagents.tuning.candidates import Likelihoods
from speechagents.tuning.family import Example, Family
from speechagents.tuning.pools import TuningData
from speechagents.tuning.trajectory import Sample


@dataclass(frozen=True, slots=True)
class DevLoss:
    """Losses, in nats a token.

    Attributes:
        loss: What counts: both kinds, weighted as they are mixed in training.
        kinds: Of agent data and of general instructions, those that were measured.
        parts: Of the parts of agent data, by `family.Part`.
    """

    loss: float
    kinds: Mapping[str, float]
    parts: Mapping[str, float]


class DevSamples:
    """Samples to measure with, made ready once.

    Args:
        family: Makes them.
        data: The samples.
        agent: Share of agent data in training.

    Raises:
        TuningError: None of them has room.
    """

    def __init__(self, family: Family, data: TuningData, *, agent: float) -> None:
        self._family = family
        self._samples = len(data.dev_agent) + len(data.dev_general)
        self._agent = _fitting(family, data.dev_agent)
        self._general = _fitting(family, data.dev_general)
        # A kind that is not mixed in is measured, too, and counts only if nothing else is there.
        self._weights = {
            "agent": agent if self._agent else 0.0,
            "general": 1.0 - agent if self._general else 0.0,
        }
        if not any(self._weights.values()):
            self._weights = {"agent": float(bool(self._agent)), "general": float(bool(self._general))}
        if not any(self._weights.values()):
            raise TuningError("no sample of dev has room; raise it", field="training.max_tokens")

    @property
    def counts(self) -> tuple[int, int]:
        """Samples of agent data and general instructions."""
        return len(self._agent), len(self._general)

    @property
    def left_out(self) -> int:
        """Samples that have no room."""
        return self._samples - len(self._agent) - len(self._general)

    def measure(self, model: Any) -> DevLoss:
        """Measure a model; it is left in the mode it was in."""
        likelihoods = Likelihoods(model, self._family)
        kinds, parts = {}, {}
        for name, examples in (("agent", self._agent), ("general", self._general)):
            if not examples:
                continue
            nats: dict[str, list[float]] = defaultdict(list)
            tokens: dict[str, int] = defaultdict(int)
            for span in (span for spans in likelihoods.spans(examples) for span in spans):
                nats[str(span.part)].append(span.nats)
                tokens[str(span.part)] += span.tokens
            kinds[name] = math.fsum(one for found in nats.values() for one in found) / sum(tokens.values())
            if name == "agent":
                parts = {part: math.fsum(nats[part]) / tokens[part] for part in sorted(nats)}
        total = sum(self._weights[name] for name in kinds)
        loss = math.fsum(self._weights[name] * kinds[name] for name in kinds) / total
        return DevLoss(loss, kinds, parts)


def _fitting(family: Family, samples: Sequence[Sample]) -> Sequence[Example]:
    found = []
    for sample in samples:
        try:
            found.append(family.example(sample))
        except TuningError:  # it has no room: the others are measured
            continue
    return found
