"""Batches as a model takes them, in the order of a mixing.

Owns the way from picks to tensors: how the samples of a step are divided over its batches, which sample stands in for
one that has no room, what a step holds in tokens, and making the next batches while a GPU is at work. Does not know
which samples are picked (`mixing`), nor what becomes of a batch (`training`). Importing it needs PyTorch.

The turns of a play are read behind hundreds of tokens of prompt, and general instructions are short. A step's samples
are therefore divided by length: what is learnt from them is the same, since every token of a step counts the same, and
little of what is computed is padding.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from speechagents.errors import TuningError
from speechagents.tuning.family import Example, Family
from speechagents.tuning.mixing import Mixing, Pick
from speechagents.tuning.pools import Pools

AHEAD: Final = 2
"""Batches that are made while a GPU is at work on another."""
_TRIES: Final = 32
"""Samples in a row that may have no room before that is an error."""


@dataclass(frozen=True, slots=True)
class StepCount:
    """What a step holds.

    Attributes:
        tokens: Without padding.
        targets: Of them are learnt.
        places: With padding: what the model computes.
        samples: How many.
        left_out: Samples that had no room; others stand in their place.
    """

    tokens: int = 0
    targets: int = 0
    places: int = 0
    samples: int = 0
    left_out: int = 0

    def __add__(self, other: StepCount) -> StepCount:
        return StepCount(
            self.tokens + other.tokens,
            self.targets + other.targets,
            self.places + other.places,
            self.samples + other.samples,
            self.left_out + other.left_out,
        )


class Batches(torch.utils.data.IterableDataset[Mapping[str, Any]]):  # type: ignore[misc,unused-ignore]
    """The batches of some steps, one after the other, ready for the model.

    Args:
        family: Makes them.
        pools: The samples.
        mixing: Picks those of a step.
        start: Number of the first step, from 0 on.
        end: Number behind the last.
        batch: Samples of a batch; those of a step are a multiple of it.
        ahead: Make the next ones in a thread meanwhile: of use where the model does not need the same cores.
    """

    def __init__(
        self, family: Family, pools: Pools, mixing: Mixing, *, start: int, end: int, batch: int, ahead: bool = False
    ) -> None:
        super().__init__()
        self._family = family
        self._pools = pools
        self._mixing = mixing
        self._range = (start, end)
        self._batch = batch
        self._ahead = ahead
        self._counts: deque[StepCount] = deque()

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        made = self._made()
        return _from_a_thread(made) if self._ahead else made

    def taken(self) -> StepCount:
        """What the next step holds that nobody has asked about: whoever loads batches may be some steps ahead."""
        return self._counts.popleft()

    def _made(self) -> Iterator[Mapping[str, Any]]:
        for picks in self._mixing.batches(*self._range):
            found = [self._fitting(pick) for pick in picks]
            # The longest first: if they do not fit into memory, that is seen at once.
            examples = sorted((example for example, _ in found), key=lambda example: -len(example.ids))
            batches = [examples[at : at + self._batch] for at in range(0, len(examples), self._batch)]
            self._counts.append(_count(batches, left_out=sum(missed for _, missed in found)))
            for batch in batches:
                yield self._family.collate(batch)

    def _fitting(self, pick: Pick) -> tuple[Example, int]:
        """The picked sample, or the first behind it that has room; and how many had none.

        Raises:
            TuningError: None of many samples has room.
        """
        pool = self._pools[pick.pool]
        for missed in range(min(_TRIES, len(pool))):
            try:
                return self._family.example(pool[(pick.index + missed) % len(pool)]), missed
            except TuningError as error:
                trouble = error
        raise TuningError(f"{min(_TRIES, len(pool))} samples in a row have no room; the last: {trouble}")


def _count(batches: Sequence[Sequence[Example]], *, left_out: int) -> StepCount:
    examples = [example for batch in batches for example in batch]
    return StepCount(
        tokens=sum(len(example.ids) for example in examples),
        targets=sum(example.targets for example in examples),
        places=sum(len(batch) * max(len(example.ids) for example in batch) for batch in batches),
        samples=len(examples),
        left_out=left_out,
    )


def _from_a_thread(made: Iterator[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The same, made by a thread that is a little ahead and ends with this iterator."""
    ready: queue.Queue[Any] = queue.Queue(AHEAD)
    over = threading.Event()

    def put(one: Any) -> bool:
        while not over.is_set():
            try:
                ready.put(one, timeout=0.2)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for one in made:
                if not put(one):
                    return
            put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            put(error)

    thread = threading.Thread(target=make, name="batches", daemon=True)
    thread.start()
    try:
        while (one := ready.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one
    finally:
        over.set()
        thread.join()
