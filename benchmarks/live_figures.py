"""What is made of measured values: spreads, trends, and the machine they were taken on.

Owns the arithmetic of the live benchmark. Does not know what is measured.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import psutil


def spread(values: Sequence[float], digits: int = 1) -> dict[str, Any]:
    """How many values there are, and where they lie; only their number if there are none."""
    if not values:
        return {"count": 0}
    p50, p95 = np.percentile(values, [50, 95])
    return {
        "count": len(values),
        "p50": round(float(p50), digits),
        "p95": round(float(p95), digits),
        "least": round(min(values), digits),
        "most": round(max(values), digits),
    }


def share(part: float, whole: float) -> float:
    """Percent of a whole; 0 of nothing."""
    return round(100.0 * part / whole, 2) if whole else 0.0


def slope(times_s: Sequence[float], values: Sequence[float]) -> float:
    """How much values grow in a minute: the straight line that fits best."""
    if len(times_s) < 2:
        return 0.0
    return float(np.polyfit(np.asarray(times_s) / 60.0, values, 1)[0])


class Machine:
    """What else the machine does while something is measured; use it as a context manager.

    Other jobs on the same cores make every figure worse: the report says how busy they were.
    """

    def __init__(self) -> None:
        self._loads: list[float] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        psutil.cpu_percent()
        self._loads.append(os.getloadavg()[0])
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()
        self._busy = psutil.cpu_percent()

    def about(self) -> dict[str, Any]:
        """In words and numbers, once it has been left."""
        return {
            "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
            "load_before": round(self._loads[0], 2),
            "load_while": round(sum(self._loads) / len(self._loads), 2),
            "cpu_percent": self._busy,
        }

    def _watch(self) -> None:
        while not self._ends.wait(5.0):
            self._loads.append(os.getloadavg()[0])
