"""How the work that a text makes grows with its length: a ratio of two measurements in one run.

Owns the measuring. What else a machine does makes single measurements longer and never shorter, so the shortest counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_TRIES: Final = 4


def assert_linear(work: Callable[[int], object], *, small: int = 2_000, large: int = 100_000) -> None:
    """Fail if the CPU time of some work grows rather like the square of its size than like its size.

    Args:
        work: Does the work of a size.
        small: A size.
        large: Another.
    """
    small_s = min(_seconds(work, small) for _ in range(_TRIES))
    allowed_s = (large / small) ** 1.5 * small_s
    large_s = [_seconds(work, large)]
    while min(large_s) > allowed_s and len(large_s) < _TRIES:
        large_s.append(_seconds(work, large))
    assert min(large_s) <= allowed_s, f"{small} took {small_s:.4f} s, and {large} {min(large_s):.3f} s"


def _seconds(work: Callable[[int], object], size: int) -> float:
    began = time.process_time()
    work(size)
    return time.process_time() - began
