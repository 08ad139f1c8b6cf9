"""GPUs that are lent for a call: Hugging Face's ZeroGPU.

Owns that one decoration. Does not know what is computed; elsewhere than on ZeroGPU it changes nothing.

On a ZeroGPU Space a function gets a GPU only while a call of it, marked with ``spaces.GPU``, is running, and then in a
process of its own. So what is marked is the one thing that needs the GPU and whose values can travel between processes:
speaking a batch of lines. A live scene cannot wait for a loan; it wants a machine of its own.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from speechagents.voices.synthesizer import ChecksLanguage, FailedTake, SpokenLine, Synthesizer, Take

_LOAN_S = 120
_BATCH = 32


def gpu_mark() -> Callable[[Callable[..., Any]], Callable[..., Any]] | None:
    """What marks a function for a loan; None where there are none."""
    if importlib.util.find_spec("spaces") is None:
        return None
    gpu: Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]] = importlib.import_module("spaces").GPU
    mark = gpu(duration=_LOAN_S)
    # A Space with such hardware does not start unless something is marked, be it never called.
    mark(_nothing)
    return mark


class LentGpu:
    """Voices that speak in batches, each batch during a loan.

    Args:
        synthesizer: The voices.
        mark: From `gpu_mark`.
    """

    def __init__(self, synthesizer: Synthesizer, mark: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._synthesizer = synthesizer

        def speak(lines: Sequence[SpokenLine]) -> list[Take | FailedTake]:
            return list(synthesizer.speak(lines))

        self._speak: Callable[[Sequence[SpokenLine]], list[Take | FailedTake]] = mark(speak)

    @property
    def identity(self) -> str:
        """As of the voices themselves."""
        return self._synthesizer.identity

    @property
    def voices(self) -> Sequence[Any]:
        """The catalogue."""
        return self._synthesizer.voices

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        """Render lines, a batch for each loan."""
        for first in range(0, len(lines), _BATCH):
            yield from self._speak(lines[first : first + _BATCH])

    def check_language(self, tag: str) -> None:
        """Refuse what the voices would refuse."""
        if isinstance(self._synthesizer, ChecksLanguage):
            self._synthesizer.check_language(tag)

    def close(self) -> None:
        """End the voices' processes."""
        close = getattr(self._synthesizer, "close", None)
        if close is not None:
            close()


def _nothing() -> None:
    """Is marked so that something is."""
