"""Which tensor in a model's files holds which weight of the model in memory.

Owns the way from names that an adapter uses, which are those of modules in memory, to names in files: the library
renames some while it loads, an omni model is often tuned as the part alone that thinks, and two modules may share a
tensor. Asks the library, which builds the model without memory for its weights. Does not read weights, nor know why
they are looked for. Building needs PyTorch and Transformers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from speechagents.errors import TuningError

_PARTS: Final = ("", "thinker.")
"""What a name may lack at its beginning: that of the part of an omni model that thinks."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a weight is in files.

    Attributes:
        names: Of the tensors that hold it; several only where files keep a shared one twice.
        shared: Several modules use it.
    """

    names: tuple[str, ...]
    shared: bool


class TensorNames:
    """Names of one model's tensors.

    Args:
        by_module: Names in files, by those in memory.
        combined: Names in files of tensors that are put together with others while they are loaded.
        unused: Names in files of tensors that are not loaded at all.
        tied: Groups of names in memory that share a tensor.
    """

    def __init__(
        self,
        by_module: Mapping[str, str],
        *,
        combined: Iterable[str] = (),
        unused: Iterable[str] = (),
        tied: Iterable[Collection[str]] = (),
    ) -> None:
        self._by_module = dict(by_module)
        self._modules = {file: module for module, file in by_module.items()}
        self._unused = frozenset(unused)
        self._names = {*self._by_module.values(), *combined, *self._unused}
        self._group = {name: tuple(sorted(group)) for group in tied for name in group}

    def place(self, name: str) -> Place | None:
        """Where a weight is; None if it is in no file.

        Args:
            name: Its name in memory, of the model or of the part of it that thinks.
        """
        return next((found for part in _PARTS if (found := self._of_module(part + name))), None)

    def place_of_file(self, name: str) -> Place | None:
        """Where a tensor of a file is, and others that hold the same; None if there is no such tensor."""
        if name not in self._names:
            return None
        return self._of_module(self._modules.get(name, "")) or Place((name,), shared=False)

    def part_of(self, names: Collection[str]) -> str:
        """The beginning of names in files that a model's own names lack: empty, or that of the part that thinks.

        Args:
            names: In the files of a model that may be the part alone.
        """
        return max(_PARTS, key=lambda part: sum(part + name in self._names for name in names))

    def lacking(self, changed: Collection[str]) -> list[str]:
        """Which tensors of a model are missing from those that it should have whole.

        Args:
            changed: Names in files. If all are of the part that thinks, that part should be whole.
        """
        part = next((part for part in _PARTS if part and all(name.startswith(part) for name in changed)), "")
        return sorted(name for name in self._names - self._unused - set(changed) if name.startswith(part))

    def _of_module(self, module: str) -> Place | None:
        group = self._group.get(module, (module,))
        found = tuple(sorted({self._by_module[one] for one in group if one in self._by_module}))
        return Place(found, shared=len(group) > 1) if found else None


def tensor_names(folder: Path, stored: Collection[str]) -> TensorNames:
    """The names of a model.

    Args:
        folder: With its configuration.
        stored: Names of the tensors in its files.

    Raises:
        TuningError: The library does not know such a model.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import WeightConverter, dot_natural_key, rename_source_key

    model = _hollow(folder)
    state = model.state_dict()
    rules = get_model_conversion_mapping(model)
    renamings: list[Any] = [rule for rule in rules if not isinstance(rule, WeightConverter)]
    converters: list[Any] = [rule for rule in rules if isinstance(rule, WeightConverter)]
    by_module: dict[str, str] = {}
    combined: list[str] = []
    unused: list[str] = []
    # Some rules of the library depend on names that come before, in this order.
    for name in sorted(stored, key=dot_natural_key):
        module, pattern = rename_source_key(name, renamings, converters, model.base_model_prefix, state)
        if module not in state and name in state:
            module, pattern = name, None
        if pattern is not None:
            combined.append(name)
        elif module in state:
            by_module[module] = name
        else:
            unused.append(name)
    tied = _groups(getattr(model, "all_tied_weights_keys", None) or {})
    return TensorNames(by_module, combined=combined, unused=unused, tied=tied)


def _hollow(folder: Path) -> Any:
    """The model, with shapes for weights."""
    import torch
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        names: Sequence[str] = config.architectures or ()
        kind = getattr(transformers, names[0], None) if names else None
        if not (isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)):
            raise ValueError(f"{names[0][:80]!r} is no model of it" if names else "architectures is empty")
        with torch.device("meta"):
            return kind(config)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError) as error:
        said = ((str(error) or repr(error)).strip().splitlines() or [""])[0][:300]
        raise TuningError(
            f"transformers cannot build this model: {said}; update transformers if the model is newer",
            source=f"{folder.name}/config.json",
        ) from error


def _groups(tied: Mapping[str, str]) -> list[set[str]]:
    """Names that share a tensor."""
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for target, source in tied.items():
        groups[source] |= {source, target}
    return list(groups.values())
