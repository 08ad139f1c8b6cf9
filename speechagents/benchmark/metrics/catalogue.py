"""All metrics, in the order in which reports list them.

Owns the list. Does not know how anything is measured.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Final

from speechagents import __version__
from speechagents.benchmark.metrics import (
    consistency,
    cost,
    diversity,
    intelligibility,
    loudness,
    responsiveness,
    style_adherence,
    turn_taking,
    voices,
)
from speechagents.benchmark.metrics.metric import Metric

_VERSION: Final = 1
"""Raise it whenever a metric gives other numbers for the same cell: what was measured before is then measured again."""


@functools.cache
def all_metrics() -> Sequence[Metric]:
    """Every objective metric."""
    modules = (
        consistency,
        responsiveness,
        diversity,
        turn_taking,
        style_adherence,
        voices,
        intelligibility,
        loudness,
        cost,
    )
    return tuple(metric for module in modules for metric in module.METRICS)


def metrics_key(ears: str) -> str:
    """What numbers depend on besides the cell: these metrics, their version, and the recogniser's identity."""
    names = " ".join(metric.name for metric in all_metrics())
    return hashlib.sha256(f"{__version__} {_VERSION} {names} {ears}".encode()).hexdigest()[:16]
