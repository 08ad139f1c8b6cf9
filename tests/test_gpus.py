"""GPUs as NVIDIA's management library tells of them; the library is played here."""

# ruff: noqa: N802 - named as that library names them

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from typing import Any

import pytest

from speechagents import gpus as gpus_module
from speechagents.gpus import Gpu, find_gpus, lacking_gpu


class Driver:
    """The library with some GPUs: names and bytes."""

    def __init__(self, *cards: tuple[str, int], starts: bool = True) -> None:
        self.cards = cards
        self.starts = starts
        self.shut = False

    def nvmlInit_v2(self) -> int:
        return 0 if self.starts else 9

    def nvmlShutdown(self) -> int:
        self.shut = True
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = len(self.cards)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, index: int, handle: Any) -> int:
        handle._obj.value = index + 1
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: ctypes.c_void_p, memory: Any) -> int:
        total = self.cards[(handle.value or 0) - 1][1]
        memory._obj.total = total
        return 0 if total else 3

    def nvmlDeviceGetName(self, handle: ctypes.c_void_p, name: Any, length: int) -> int:
        name.value = self.cards[(handle.value or 0) - 1][0].encode()[: length - 1]
        return 0


def no_library(name: str) -> Any:
    raise OSError(f"{name}: cannot open shared object file")


def test_without_a_driver_there_are_none() -> None:
    assert find_gpus(no_library) == ()


def test_a_driver_that_does_not_start_has_none() -> None:
    assert find_gpus(lambda _: Driver(("Card", 1), starts=False)) == ()


def test_cards_are_told_with_their_memory_and_the_library_is_left() -> None:
    driver = Driver(("NVIDIA H100 80GB HBM3", 85_520_809_984), ("Broken", 0))
    assert find_gpus(lambda _: driver) == (Gpu("NVIDIA H100 80GB HBM3", 85.520809984),)
    assert driver.shut


@pytest.mark.parametrize(
    ("cards", "needed_gb", "trouble"),
    [
        ((), 0.0, ""),
        ((), 8.0, "no NVIDIA GPU.*--preset laptop"),
        ((Gpu("RTX 3070", 8.59),), 8.0, ""),
        ((Gpu("GTX 1060", 6.44), Gpu("RTX 3070", 8.59)), 24.0, r"RTX 3070\) has 9 GB, and 24 GB are needed"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    cards: Sequence[Gpu], needed_gb: float, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus_module, "gpus", lambda: cards)
    monkeypatch.setattr(gpus_module, "version", lambda _: "2.13.0+cu128")
    if not trouble:
        assert lacking_gpu(needed_gb) == ""
    else:
        assert re.search(trouble, lacking_gpu(needed_gb))


def test_a_pytorch_for_cpus_cannot_use_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus_module, "gpus", lambda: (Gpu("RTX 3070", 8.59),))
    monkeypatch.setattr(gpus_module, "version", lambda _: "2.13.0+cpu")
    assert "built for the CPU alone" in lacking_gpu(8.0)
