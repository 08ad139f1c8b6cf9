"""Merging: tuned models become one model again, with the base's tensors under the base's names.

Owns the sum: to each tensor of the base its changes are added, each with its strength, whole or as Model Breadcrumbs
(`breadcrumbs`); in float32, and rounded once to the format that the base has it in, or to one that was asked for. Works
tensor by tensor from file to file, so that memory holds a few copies of the largest tensor, whatever the model weighs.
What no tuned model changes is copied as it is. Does not know what a change is made of (`weight_changes`), nor what else
belongs in the folder of a model (`export`). Importing it needs PyTorch.

One model, whole: W + s·B·A for an adapter (Hu et al. 2021, arXiv 2106.09685). Several: W + Σ sᵢ·Δᵢ, the task arithmetic
of Ilharco et al. 2023 (arXiv 2212.04089).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch

from speechagents.errors import TuningError
from speechagents.tuning.breadcrumbs import Breadcrumbs, keep
from speechagents.tuning.tensor_names import tensor_names
from speechagents.tuning.tuned_model import TunedKind, TunedModel
from speechagents.tuning.weight_changes import Change, read_change
from speechagents.tuning.weight_files import (
    FLOATS,
    SHARD_BYTES,
    Chunk,
    StoredTensor,
    float_type,
    load,
    raw,
    read_weights,
    write_weights,
)

MAX_STRENGTH: Final = 10.0
MAX_MODELS: Final = 100
FORMATS: Final = MappingProxyType({"float32": "F32", "float16": "F16", "bfloat16": "BF16"})
"""Formats that weights can be asked for in, and what files call them."""


@dataclass(frozen=True, slots=True)
class Merge:
    """How models are merged.

    Attributes:
        strengths: What each model's change is multiplied with; one for all, or one for each.
        breadcrumbs: What of each change is kept; None keeps it whole.
        dtype: One of `FORMATS`, which all weights have afterwards; empty leaves each in that of the base.
    """

    strengths: tuple[float, ...] = (1.0,)
    breadcrumbs: Breadcrumbs | None = None
    dtype: str = ""

    def __post_init__(self) -> None:
        if self.dtype and self.dtype not in FORMATS:
            raise TuningError(f"{self.dtype[:40]!r} is none of {', '.join(FORMATS)}; change --dtype")
        if not self.strengths or not all(0.0 < one <= MAX_STRENGTH for one in self.strengths):
            raise TuningError(f"strengths are above 0 and at most {MAX_STRENGTH:g}; change --strength")

    def strengths_of(self, count: int) -> tuple[float, ...]:
        """One for each of so many models.

        Raises:
            TuningError: There are fewer or more.
        """
        if len(self.strengths) not in (1, count):
            raise TuningError(
                f"there are {len(self.strengths)} strengths for {count} models; give one, or one for each"
            )
        return self.strengths * count if len(self.strengths) == 1 else self.strengths


@dataclass(frozen=True, slots=True)
class Merged:
    """What was merged.

    Attributes:
        tensors: Of the model.
        changed: How many of them have other numbers than in the base.
        weights: Numbers in the tensors that were tuned, counted once for each model that tuned them.
        kept: How many of their changes were kept: all, but for what `Breadcrumbs` leave out.
        norm: Euclidean norm of all changes together, as they were added.
        relative: The same, divided by the norm of the tensors that were tuned, as they were before.
        digests: SHA-256 of each file that was written, by its name.
    """

    tensors: int
    changed: int
    weights: int
    kept: int
    norm: float
    relative: float
    digests: Mapping[str, str]

    @property
    def share(self) -> float:
        """Share of weights that were kept; 1 if nothing was to be changed."""
        return self.kept / self.weights if self.weights else 1.0


class Merger:
    """A merge that is about to be written.

    Everything that can be told without the numbers is checked here.

    Args:
        base: Folder of the model that was tuned.
        models: What was made of it; none copies the base.
        merge: How.

    Raises:
        TuningError: Weights are damaged, or do not go together.
    """

    def __init__(self, base: Path, models: Sequence[TunedModel], merge: Merge) -> None:
        if len(models) > MAX_MODELS:
            raise TuningError(f"{len(models)} models are more than {MAX_MODELS}; merge some of them first")
        self._tensors = read_weights(base)
        self._merge = merge
        self._models = models
        self._strengths = merge.strengths_of(len(models)) if models else ()
        self._changes: list[Change] = []
        if models:
            names = tensor_names(base, self._tensors)
            self._changes = [read_change(model, self._tensors, names) for model in models]
        self._changed = self._weights = self._kept = 0
        self._squares = self._before = 0.0

    @property
    def size(self) -> int:
        """Bytes of all tensors that are written."""
        return sum(one.size for one in self._written)

    def write(self, folder: Path, *, shard_bytes: int = SHARD_BYTES) -> Merged:
        """Write the merged weights, once.

        Args:
            folder: Where to.
            shard_bytes: Most bytes of tensors in one file.

        Raises:
            OSError: The disk is full, or the like.
            TuningError: A change or a sum is not finite.
        """
        digests = write_weights(folder, self._written, self._content, shard_bytes=shard_bytes)
        return Merged(
            tensors=len(self._tensors),
            changed=self._changed,
            weights=self._weights,
            kept=self._kept,
            norm=math.sqrt(self._squares),
            relative=math.sqrt(self._squares / self._before) if self._before else 0.0,
            digests=digests,
        )

    @property
    def _written(self) -> Sequence[StoredTensor]:
        """The tensors as they shall be."""
        wanted = FORMATS.get(self._merge.dtype)
        return [
            replace(one, format=wanted) if wanted and one.format in FLOATS else one for one in self._tensors.values()
        ]

    def _content(self, tensor: StoredTensor) -> Iterator[Chunk]:
        """The bytes of a tensor, merged."""
        of_it = [number for number, change in enumerate(self._changes) if tensor.name in change.names]
        stored = self._tensors[tensor.name]
        if not of_it and tensor.format == stored.format:
            yield from stored.chunks()
            return
        with torch.no_grad():
            yield raw(self._rounded(self._sum(stored, of_it) if of_it else load(stored), tensor))

    def _sum(self, tensor: StoredTensor, of_it: Sequence[int]) -> torch.Tensor:
        before = load(tensor).float()
        total = torch.zeros_like(before)
        for number in of_it:
            change = self._changes[number].of(tensor.name, before)
            if not bool(torch.isfinite(change).all()):
                raise TuningError(
                    f"{tensor.name[:120]} has changed by numbers that are not finite: the training has failed; tune "
                    "again with a smaller learning_rate",
                    source=self._models[number].name,
                )
            crumbs = self._merge.breadcrumbs
            self._kept += change.numel() if crumbs is None else keep(change, crumbs)
            self._weights += change.numel()
            total.add_(change, alpha=self._strengths[number])
            del change
        self._changed += bool(total.count_nonzero())
        self._squares += _squares(total)
        self._before += _squares(before)
        merged = self._replaced(tensor.name, of_it)
        return total.add_(before) if merged is None else merged

    @staticmethod
    def _rounded(merged: torch.Tensor, tensor: StoredTensor) -> torch.Tensor:
        """Numbers in the format that a tensor shall have."""
        rounded = merged.to(float_type(tensor.format))
        if not bool(torch.isfinite(rounded).all()):
            raise TuningError(
                f"{tensor.name[:120]} has numbers that the format {tensor.format} cannot hold; merge with a smaller "
                "--strength, or with --dtype bfloat16",
                source=tensor.path.name,
            )
        return rounded

    def _replaced(self, name: str, of_it: Sequence[int]) -> torch.Tensor | None:
        """The tuned tensor, where the sum would be that, but for its rounding."""
        if len(of_it) > 1 or self._merge.breadcrumbs is not None or self._strengths[of_it[0]] != 1.0:
            return None
        return self._changes[of_it[0]].whole(name)


def is_copy(models: Sequence[TunedModel], merge: Merge) -> bool:
    """Whether the sum is a whole model as it is, which can be had without its base."""
    alone = len(models) == 1 and models[0].kind is TunedKind.WHOLE
    return alone and merge.breadcrumbs is None and merge.strengths_of(1) == (1.0,)


def _squares(tensor: torch.Tensor) -> float:
    return float(torch.linalg.vector_norm(tensor, dtype=torch.float64)) ** 2
