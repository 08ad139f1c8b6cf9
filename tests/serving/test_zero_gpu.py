"""Lent GPUs, with a stand-in for the package that Spaces have."""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from speechagents import Studio
from speechagents.serving.zero_gpu import LentGpu, gpu_mark
from speechagents.voices.synthesizer import SpokenLine, Take


def test_elsewhere_nothing_is_marked() -> None:
    assert gpu_mark() is None


def test_on_a_space_each_batch_of_lines_is_spoken_during_a_loan(
    monkeypatch: pytest.MonkeyPatch, studio: Studio
) -> None:
    marked: list[str] = []
    loans: list[int] = []

    def gpu(*, duration: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def mark(function: Callable[..., Any]) -> Callable[..., Any]:
            marked.append(function.__name__)

            def lent(lines: Any) -> Any:
                loans.append(duration)
                return function(lines)

            return lent

        return mark

    spaces: Any = types.ModuleType("spaces")
    spaces.__spec__ = importlib.machinery.ModuleSpec("spaces", None)
    spaces.GPU = gpu
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    mark = gpu_mark()
    assert mark is not None
    assert marked, "a Space does not start where nothing is marked"
    lent = LentGpu(studio.synthesizer, mark)
    voice = lent.voices[0]
    takes = list(lent.speak([SpokenLine(f"Line {number}.", voice) for number in range(40)]))
    assert len(takes) == 40
    assert all(isinstance(take, Take) for take in takes)
    assert len(loans) == 2
    assert lent.identity == studio.synthesizer.identity
