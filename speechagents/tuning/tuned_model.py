"""A tuned model on disk: an adapter as PEFT saves it, or a whole model, and what is known of how it came to be.

Owns which of the two a folder holds, the settings of an adapter that decide what it adds, and what is refused: pickles,
and kinds of adapters that are no plain sum. Does not read weights (`weight_files`), nor merge them (`merging`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from speechagents.errors import TuningError
from speechagents.tuning.recipe_file import read_recipe
from speechagents.tuning.run_folder import MODEL, RECIPE_FILE
from speechagents.tuning.weight_files import INDEX, WEIGHTS, read_json

ADAPTER_CONFIG: Final = "adapter_config.json"
ADAPTER: Final = "adapter_model.safetensors"
_PICKLED: Final = ("adapter_model.bin", "pytorch_model.bin", "pytorch_model.bin.index.json")

_HARMLESS: Final = frozenset(
    {
        *("auto_mapping", "base_model_name_or_path", "bias", "corda_config", "ensure_weight_tying", "eva_config"),
        *("exclude_modules", "fan_in_fan_out", "inference_mode", "init_lora_weights", "layers_pattern"),
        *("layers_to_transform", "lora_alpha", "lora_dropout", "lora_ga_config", "megatron_core", "modules_to_save"),
        *("peft_type", "peft_version", "qalora_group_size", "r", "rank_pattern", "alpha_pattern", "revision"),
        *("runtime_config", "target_modules", "task_type", "use_rslora"),
    }
)
"""Settings of PEFT's LoRA that are read here, or that do not change what is added to weights. Any other that is set
belongs to a kind of adapter that this does not merge, those that do not exist yet included."""
_STARTS: Final = (True, False, "gaussian", "eva", "orthogonal")
"""Ways to begin an adapter that leave the weights of the base as they are; others subtract from them first."""


_PATTERN: Final = re.compile(r"\^?(\w|\.\*?|\\\.){1,200}\$?")
"""Names as regular expressions: with one star none is slow to match, whoever wrote it."""


class TunedKind(StrEnum):
    """What is in the folder."""

    ADAPTER = "adapter"
    WHOLE = "whole model"


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """How much the low-rank updates of an adapter (Hu et al. 2021, arXiv 2106.09685) count.

    Attributes:
        alpha: An update is scaled by alpha / rank.
        alphas: Other alphas of some modules, by a pattern of their names.
        root: By alpha / √rank instead (Kalajdzievski 2023, arXiv 2312.03732).
        turned: Its matrices are (in, out), not (out, in).
        keeps_ties: What was tied in the base has stayed so while it was tuned.
    """

    alpha: float
    alphas: Mapping[str, float] = field(default_factory=dict)
    root: bool = False
    turned: bool = False
    keeps_ties: bool = False

    def scale(self, module: str, rank: int) -> float:
        """What the update of a module is multiplied with."""
        alpha = next((one for key, one in self.alphas.items() if re.match(rf"(.*\.)?({key})$", module)), self.alpha)
        return alpha / (math.sqrt(rank) if self.root else rank)


@dataclass(frozen=True, slots=True)
class TunedModel:
    """A tuned model.

    Attributes:
        folder: Where it lies.
        kind: What it is.
        base: The model that was tuned: a name on the hub or a folder; empty if nothing says so.
        revision: Of a name on the hub.
        lora: Settings of an adapter; None for a whole model.
        adapter: Its configuration as PEFT wrote it.
    """

    folder: Path
    kind: TunedKind
    base: str = ""
    revision: str = ""
    lora: LoraSettings | None = None
    adapter: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run(self) -> Path:
        """The folder of the run that tuned it."""
        return self.folder.absolute().parent

    @property
    def name(self) -> str:
        """What it is called: by the folder of its run."""
        own = self.folder.absolute()
        return own.parent.name if own.name == MODEL and own.parent.name else own.name


def read_tuned_model(path: Path) -> TunedModel:
    """A tuned model, without its weights.

    Args:
        path: Its folder, or the folder of the run that tuned it, with it in ``model/``.

    Raises:
        TuningError: There is none, or none that can be merged.
    """
    folder = path.expanduser()
    if not folder.is_dir():
        raise TuningError("there is no such folder; give the folder `speechagents tune` wrote", source=str(path)[:300])
    if not _holds_model(folder) and _holds_model(folder / MODEL):
        folder = folder / MODEL
    if (folder / ADAPTER_CONFIG).is_file():
        config = read_json(folder / ADAPTER_CONFIG)
        if not (folder / ADAPTER).is_file():
            raise _no_weights(folder)
        return TunedModel(
            folder,
            TunedKind.ADAPTER,
            base=_text(config, "base_model_name_or_path"),
            revision=_text(config, "revision"),
            lora=_lora(config),
            adapter=config,
        )
    if not ((folder / WEIGHTS).is_file() or (folder / INDEX).is_file()):
        raise _no_weights(folder)
    if not (folder / "config.json").is_file():
        raise TuningError("has no config.json; give the folder of a whole model or adapter", source=folder.name)
    base, revision = _base_of_run(folder.absolute().parent / RECIPE_FILE)
    return TunedModel(folder, TunedKind.WHOLE, base=base, revision=revision)


def _holds_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (ADAPTER_CONFIG, WEIGHTS, INDEX, *_PICKLED))


def _no_weights(folder: Path) -> TuningError:
    pickled = next((name for name in _PICKLED if (folder / name).is_file()), "")
    if pickled:
        return TuningError(
            "pickled weights run whatever code is in them when they are loaded, and are not read; save the model again "
            "with safe_serialization=True, on a machine you can spare if you do not know where it comes from",
            source=f"{folder.name}/{pickled}",
        )
    return TuningError(
        f"holds neither {ADAPTER} nor {WEIGHTS}; give the folder `speechagents tune` wrote", source=folder.name
    )


def _lora(config: Mapping[str, Any]) -> LoraSettings:
    """The settings of an adapter, if it is one that can be merged."""
    if config.get("peft_type") != "LORA":
        raise _refused("peft_type", f"{str(config.get('peft_type'))[:40]!r} is no LORA, the kind that is merged here")
    for name in sorted(set(config) - _HARMLESS):
        if config[name]:
            raise _refused(
                name[:60], "this kind of LoRA is not merged here; merge it by PEFT itself (merge_and_unload)"
            )
    if config.get("init_lora_weights", True) not in _STARTS:
        raise _refused(
            "init_lora_weights",
            f"{str(config['init_lora_weights'])[:40]!r} has changed the base's own weights before tuning; convert the "
            "adapter by PEFT (path_initial_model_for_weight_conversion)",
        )
    alphas = config.get("alpha_pattern") or {}
    if not isinstance(alphas, dict):
        raise _refused("alpha_pattern", "no mapping; save the adapter again")
    for key in alphas:
        if not _PATTERN.fullmatch(key) or key.count("*") > 1:
            raise _refused("alpha_pattern", f"{key[:60]!r} is no name of modules, with a star at most; write names")
    return LoraSettings(
        alpha=_number(config.get("lora_alpha"), "lora_alpha"),
        alphas={key: _number(one, "alpha_pattern") for key, one in alphas.items()},
        root=config.get("use_rslora") is True,
        turned=config.get("fan_in_fan_out") is True,
        keeps_ties=config.get("ensure_weight_tying") is True,
    )


def _base_of_run(recipe: Path) -> tuple[str, str]:
    """Name and revision of the base that a run's recipe names; empty if there is none, or it was random."""
    if not recipe.is_file():
        return "", ""
    base = read_recipe(recipe).base
    return base.model, base.revision


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _refused(name, f"{str(value)[:40]!r} is no number; save the adapter again")
    return float(value)


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    if value is not None and not isinstance(value, str):
        raise _refused(name, f"{str(value)[:40]!r} is no text; save the adapter again")
    return value or ""


def _refused(name: str, message: str) -> TuningError:
    return TuningError(message, source=ADAPTER_CONFIG, field=name)
