"""Noise for each row of a batch from a stream of its own, so that a line sounds the same whoever is spoken with it.

Owns the streams, and that PyTorch draws from them while a library's code runs that knows only one global stream. Does
not know any model. Imports PyTorch when asked, not before.

A stream is a counter-based generator (Philox; Salmon et al. 2011, doi 10.1145/2063384.2063405) whose counter is the
number of the draw: what a row gets does not depend on how wide the others are. Each line of a row's noise is a stream
of its own, so that padding at the end of an axis changes nothing before it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_BATCH: Final = 0x9E3779B97F4A7C15
"""Second half of the keys of streams, so that they are none of NumPy's usual ones."""
_BELOW_ONE: Final = 1.0 - 1e-6


class Chance:
    """The streams of a batch.

    Args:
        seeds: Of its rows.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds: Sequence[int] = tuple(seed % 2**64 for seed in seeds)
        self._draws = 0
        self.order: Sequence[int] = ()
        """Who the rows of a draw belong to whose number is no multiple of the batch's; whoever knows it says so."""

    @property
    def of_all(self) -> int:
        """One seed of all rows together."""
        return sum(seed * (number + 1) for number, seed in enumerate(self.seeds)) % 2**63

    def owners(self, rows: int) -> Sequence[int] | None:
        """Which item of the batch each row of a draw belongs to; None when nobody knows."""
        if rows == len(self.order):
            return self.order
        if rows and rows % len(self.seeds) == 0:
            return [row // (rows // len(self.seeds)) for row in range(rows)]
        return None

    def uniform(self, rows: int) -> npt.NDArray[np.float64]:
        """A number from 0 to below 1 for each row."""
        return np.array([min(float(stream.random()), _BELOW_ONE) for (stream,) in self._streams(rows)])

    def normal(self, shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Standard normal numbers; the first axis is rows, and of the others any may be padded at its end."""
        rows, *rest = shape
        lines = rest[0] if len(rest) > 1 else 1
        drawn = np.empty((rows, lines, math.prod(rest) // lines), np.float32)
        for row, streams in enumerate(self._streams(rows, lines)):
            for line, stream in enumerate(streams):
                stream.standard_normal(out=drawn[row, line], dtype=np.float32)
        return drawn.reshape(shape)

    def _streams(self, rows: int, lines: int = 1) -> Iterator[list[np.random.Generator]]:
        """Generators for each row, none of which was used before."""
        self._draws += 1
        owners = self.owners(rows)
        seen: dict[int, int] = {}
        for row in range(rows):
            owner = -1 if owners is None else owners[row]
            seed = self.of_all if owners is None else self.seeds[owner]
            seen[owner] = seen.get(owner, 0) + 1
            yield [_stream(seed, self._draws, seen[owner], line) for line in range(lines)]


def _stream(seed: int, draw: int, row: int, line: int) -> np.random.Generator:
    key = np.array([seed, _BATCH], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, line, row, draw], np.uint64)))


@contextlib.contextmanager
def seeded_chance(seeds: Sequence[int]) -> Iterator[Chance]:
    """Let PyTorch draw from the streams of a batch, in this thread, for as long as the block lasts.

    Covers choosing a token (``multinomial`` of one) and normal noise. Whatever else is drawn depends on all seeds
    together; PyTorch's own stream is afterwards as it was.

    Args:
        seeds: Of the rows of the batch.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    chance = Chance(seeds)
    draws = _draws(torch, chance)

    class Streams(TorchFunctionMode):  # type: ignore[misc,unused-ignore]
        def __torch_function__(self, function: Any, _: Any, arguments: Any = (), named: Any = None) -> Any:
            drawn = draws.get(function)
            return (drawn or function)(*arguments, **(named or {}))

    with torch.random.fork_rng(), Streams():
        torch.manual_seed(chance.of_all)
        yield chance


def _draws(torch: Any, chance: Chance) -> dict[Any, Callable[..., Any]]:
    """What is drawn from the streams, by PyTorch's function."""

    def multinomial(weights: Any, num_samples: int, *arguments: Any, **named: Any) -> Any:
        if num_samples != 1:
            return torch.multinomial(weights, num_samples, *arguments, **named)
        # By the inverse of the distribution function: a little noise in the weights rarely changes the choice.
        wide = weights.float() if weights.device.type == "mps" else weights.double()
        below = torch.cumsum(wide.reshape(-1, wide.shape[-1]), -1)
        uniform = torch.as_tensor(chance.uniform(len(below))).to(below)
        chosen = torch.searchsorted(below, (uniform * below[:, -1])[:, None], right=True)
        return chosen.clamp_(max=below.shape[-1] - 1).reshape(*weights.shape[:-1], 1)

    def normal(shape: Sequence[int], **named: Any) -> Any:
        options = {name: named[name] for name in ("device", "dtype") if named.get(name) is not None}
        if not shape or math.prod(shape) == 0:
            return torch.zeros(shape, **options)
        return torch.as_tensor(np.ascontiguousarray(chance.normal(shape))).to(**options)

    def randn(*size: Any, **named: Any) -> Any:
        size = named.pop("size", size)
        return normal(tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else tuple(size), **named)

    def randn_like(like: Any, **named: Any) -> Any:
        return normal(tuple(like.shape), **{"device": like.device, "dtype": like.dtype, **named})

    return {
        torch.multinomial: multinomial,
        torch.Tensor.multinomial: multinomial,
        torch.randn: randn,
        torch.randn_like: randn_like,
    }
