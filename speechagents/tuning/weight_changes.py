"""What tuning has changed: for each tensor of the base, the difference that an adapter or a whole tuned model makes.

Owns how a change is computed, in float32 and one tensor at a time: the scaled product of an adapter's two matrices, the
tensors that it has learnt whole (`modules_to_save` of PEFT, trained biases), the difference of two models. Owns what is
refused: tensors that have no place in the base, or another shape there. Does not know what is done with changes
(`merging`), nor how files are read (`weight_files`). Importing it needs PyTorch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import torch

from speechagents.errors import TuningError
from speechagents.tuning.tensor_names import Place, TensorNames
from speechagents.tuning.tuned_model import ADAPTER, LoraSettings, TunedKind, TunedModel
from speechagents.tuning.weight_files import FLOATS, StoredTensor, load, read_weight_file, read_weights

_ROOT: Final = "base_model.model."
"""What PEFT puts before the names of modules."""
_FIRST: Final = {".lora_A.weight": ".lora_B.weight", ".lora_embedding_A": ".lora_embedding_B"}
"""Ends of the names of an update's two matrices."""
_SHOWN: Final = 3


class Change(Protocol):
    """What one tuned model changes."""

    names: Collection[str]
    """Names of the base's tensors that it changes."""

    def of(self, name: str, before: torch.Tensor) -> torch.Tensor:
        """The change of one of them.

        Args:
            name: One of `names`.
            before: The base's numbers in float32; they are left as they are.

        Returns:
            Float32, of the same shape, on the CPU.
        """

    def whole(self, name: str) -> torch.Tensor | None:
        """The tuned tensor itself, where it was learnt as such; None where only a change of it was."""


@dataclass(frozen=True, slots=True)
class _Update:
    """A low-rank update of a matrix: B·A, scaled.

    Attributes:
        first: A, (rank, in); of an embedding (rank, tokens).
        second: B, (out, rank); of an embedding (width, rank).
        scale: Factor.
        turned: The matrix is (in, out).
    """

    first: StoredTensor
    second: StoredTensor
    scale: float
    turned: bool

    def product(self) -> torch.Tensor:
        product = (load(self.second).float() @ load(self.first).float()) * self.scale
        return product.T.contiguous() if self.turned else product

    @property
    def shape(self) -> tuple[int, ...]:
        shape = (self.second.shape[0], self.first.shape[1])
        return shape[::-1] if self.turned else shape


@dataclass(slots=True)
class _Changed:
    """What is known of one tensor of the base."""

    learnt: StoredTensor | None = None
    updates: list[_Update] = field(default_factory=list)


class StoredChange:
    """A change whose numbers are in files.

    Args:
        changed: What is known of each tensor of the base, by its name there.
    """

    def __init__(self, changed: Mapping[str, _Changed]) -> None:
        self._changed = dict(changed)
        self.names: Collection[str] = self._changed.keys()

    def of(self, name: str, before: torch.Tensor) -> torch.Tensor:
        """The change of one tensor, see `Change`."""
        known = self._changed[name]
        change = torch.zeros_like(before) if known.learnt is None else load(known.learnt).float() - before
        for update in known.updates:
            change += update.product()
        return change

    def whole(self, name: str) -> torch.Tensor | None:
        """The tuned tensor, if it was learnt whole, see `Change`."""
        known = self._changed[name]
        return None if known.learnt is None or known.updates else load(known.learnt)


def read_change(model: TunedModel, base: Mapping[str, StoredTensor], names: TensorNames) -> Change:
    """What a tuned model changes in its base.

    Args:
        model: Which.
        base: The base's tensors by name.
        names: Of the base.

    Raises:
        TuningError: Its weights are damaged, or do not go with this base.
    """
    if model.kind is TunedKind.ADAPTER and model.lora is not None:
        stored = read_weight_file(model.folder / ADAPTER)
        return StoredChange(_of_adapter(stored, model.lora, _Base(base, names, model.name)))
    return StoredChange(_of_whole(read_weights(model.folder), _Base(base, names, model.name)))


@dataclass(frozen=True, slots=True)
class _Base:
    """The base, as changes of one model are looked up in it."""

    tensors: Mapping[str, StoredTensor]
    names: TensorNames
    model: str

    def checked(self, name: str, shape: tuple[int, ...], place: Place | None) -> Place:
        """The place of a weight, which is to have a shape."""
        if place is None:
            raise TuningError(
                f"{name[:120]} has no place of its own in the files of the base; is this the base it was tuned from? "
                "give it by --base",
                source=self.model,
            )
        there = self.tensors[place.names[0]]
        if there.shape != shape:
            remedy = (
                "tune with the base's own vocabulary" if there.shape[1:] == shape[1:] else "give its own base by --base"
            )
            raise TuningError(
                f"{name[:120]} has the shape {_sizes(shape)}, and {_sizes(there.shape)} in the base; {remedy}",
                source=self.model,
            )
        return place

    def same(self, tensor: StoredTensor, already: StoredTensor | None) -> StoredTensor:
        """A tensor that was learnt, if no other one was for the same place."""
        if already is not None and not _equal(tensor, already):
            raise self.refuse(
                tensor.name,
                f"and {already.name[:120]} are one tensor in the base, and have become two; tune with tied weights",
            )
        return tensor

    def refuse(self, name: str, message: str) -> TuningError:
        return TuningError(f"{name[:120]} {message}", source=self.model)


def _of_adapter(stored: Mapping[str, StoredTensor], lora: LoraSettings, base: _Base) -> dict[str, _Changed]:
    """What an adapter changes, by names of the base."""
    changed: defaultdict[str, _Changed] = defaultdict(_Changed)
    seconds = {second for first in stored for end, other in _FIRST.items() if (second := _swapped(first, end, other))}
    for key, tensor in sorted(stored.items()):
        name = key.removeprefix(_ROOT)
        if tensor.format not in FLOATS:
            raise base.refuse(
                name, f"has numbers in the format {tensor.format}; save the adapter in float32 or bfloat16"
            )
        if key in seconds:
            continue
        end = next((end for end in _FIRST if key.endswith(end)), "")
        if end:
            module = name.removesuffix(end)
            update = _update(module, tensor, stored.get(key.removesuffix(end) + _FIRST[end]), lora, base)
            place = base.checked(module, update.shape, base.names.place(f"{module}.weight"))
            if place.shared:
                raise base.refuse(
                    module,
                    "shares its weights with another module, which an update of one of them cannot keep up; tune other "
                    "targets",
                )
            for file in place.names:
                changed[file].updates.append(update)
        elif "lora_" in key or "trainable_tokens" in key:
            raise base.refuse(name, "belongs to a kind of LoRA that is not merged here; merge it by PEFT itself")
        else:
            name = name.replace(".base_layer.", ".").replace(".modules_to_save.", ".")
            place = base.checked(name, tensor.shape, base.names.place(name))
            if place.shared and not lora.keeps_ties and not _equal(tensor, base.tensors[place.names[0]]):
                raise base.refuse(
                    name,
                    "was learnt apart from the module it shares its weights with in the base; tune other modules, or "
                    "with ensure_weight_tying",
                )
            for file in place.names:
                changed[file].learnt = base.same(tensor, changed[file].learnt)
    return dict(changed)


def _update(module: str, first: StoredTensor, second: StoredTensor | None, lora: LoraSettings, base: _Base) -> _Update:
    if second is None or len(first.shape) != 2 or len(second.shape) != 2 or first.shape[0] != second.shape[1]:
        raise base.refuse(
            module, "has no two matrices that can be multiplied; only linear layers and embeddings are merged"
        )
    rank = first.shape[0]
    if not rank:
        raise base.refuse(module, "has an update of rank 0; save the adapter again")
    of_tokens = first.name.endswith(".lora_embedding_A")
    return _Update(first, second, lora.scale(module, rank), turned=lora.turned or of_tokens)


def _of_whole(stored: Mapping[str, StoredTensor], base: _Base) -> dict[str, _Changed]:
    """What a whole model changes, by names of the base."""
    changed: dict[str, _Changed] = {}
    part = base.names.part_of(stored)
    for name, tensor in sorted(stored.items()):
        place = base.checked(name, tensor.shape, base.names.place_of_file(part + name) or base.names.place(name))
        if tensor.format not in FLOATS:
            if not _equal(tensor, base.tensors[place.names[0]]):
                raise base.refuse(
                    name, f"has other numbers than the base in the format {tensor.format}; they cannot be added"
                )
            continue
        for file in place.names:
            changed[file] = _Changed(base.same(tensor, changed[file].learnt if file in changed else None))
    missing = [name for name in base.names.lacking(changed) if base.tensors[name].format in FLOATS]
    if missing:
        raise TuningError(
            f"lacks {len(missing)} of the base's tensors, {', '.join(missing[:_SHOWN])} among them; is this the base "
            "it was tuned from? give it by --base",
            source=base.model,
        )
    return changed


def _swapped(name: str, end: str, other: str) -> str:
    return name.removesuffix(end) + other if name.endswith(end) else ""


def _equal(one: StoredTensor, other: StoredTensor) -> bool:
    """Whether two tensors hold the same."""
    if one.shape != other.shape:
        return False
    if one.format == other.format:
        return all(a == b for a, b in zip(one.chunks(), other.chunks(), strict=True))
    return one.format in FLOATS and other.format in FLOATS and torch.equal(load(one).double(), load(other).double())


def _sizes(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "of one number"
