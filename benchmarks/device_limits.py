"""What a device can do at most: bytes moved and numbers multiplied in a second, measured, not read off a data sheet.

Owns these two measurements. Does not know what runs on the device.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Limits:
    """What a device did best of several tries.

    Attributes:
        name: Of the device, for people.
        dtype: The numbers that were multiplied.
        bandwidth_gb_s: Bytes read and written by copying memory that no cache holds, in 10^9 a second.
        compute_tflop_s: Floating point operations of a product of square matrices, in 10^12 a second.
    """

    name: str
    dtype: str
    bandwidth_gb_s: float
    compute_tflop_s: float


def measure_limits(device: str, dtype: str, *, clock: Callable[[], float] = time.perf_counter) -> Limits:
    """Measure a device.

    Args:
        device: As PyTorch calls it.
        dtype: Name of a floating point type.
        clock: In seconds.
    """
    import torch

    gpu = device.startswith("cuda")
    count, side = (2**28, 8192) if gpu else (2**25, 1024)
    kind = getattr(torch, dtype)
    source = torch.ones(count, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    left = torch.randn(side, side, dtype=kind, device=device)
    right = torch.randn(side, side, dtype=kind, device=device)
    copying_s = best_s(lambda: target.copy_(source), device, clock=clock)
    multiplying_s = best_s(lambda: left @ right, device, clock=clock)
    return Limits(
        torch.cuda.get_device_name(device) if gpu else f"CPU, {torch.get_num_threads()} threads",
        dtype,
        round(2 * count * 4 / copying_s / 1e9, 1),
        round(2 * side**3 / multiplying_s / 1e12, 3),
    )


def best_s(
    work: Callable[[], Any], device: str, *, times: int = 5, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Shortest of several times that something takes, until the device has done it."""
    synchronise(device)
    found = []
    for _ in range(times):
        began = clock()
        work()
        synchronise(device)
        found.append(clock() - began)
    return min(found)


def synchronise(device: str) -> None:
    """Wait until a GPU has done what it was given."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
