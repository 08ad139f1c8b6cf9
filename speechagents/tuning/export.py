"""Exporting: a folder that transformers and vLLM load, and that a preset's controller can name.

Owns what belongs in it beside the merged weights (`merging`): the base's configuration, tokenizer, processor and chat
template of the tuned model or else of the base, and ``speechagents.json``, which says of what it was made. Owns where
the base is looked for. A folder is written under a temporary name beside its place and renamed, so that nobody sees
half of one. Does not know how weights are merged, nor what the card says (`export_card`). Importing it needs PyTorch.

What vLLM asks of a folder, by its documentation (docs.vllm.ai, “Integration with Hugging Face”): a ``config.json`` with
a ``model_type`` and ``architectures`` that it knows, safetensors under the names that the base has, and what
`AutoTokenizer` needs; a ``generation_config.json`` and a chat template are used where they are.

The same models give the same bytes.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from speechagents import __version__
from speechagents.errors import StorageError, TuningError
from speechagents.production.storage import storage_errors, temporary_beside
from speechagents.tuning.export_card import CARD, Source, card, licence_of
from speechagents.tuning.merging import Merge, Merged, Merger, is_copy
from speechagents.tuning.recipe import recipe_values
from speechagents.tuning.recipe_file import read_recipe
from speechagents.tuning.run_folder import BASE, RECIPE_FILE, RUN_FILE
from speechagents.tuning.tuned_model import ADAPTER, ADAPTER_CONFIG, TunedKind, TunedModel, read_tuned_model
from speechagents.tuning.weight_files import INDEX, SHARD_BYTES, file_digest, read_json, read_weights
from speechagents.weights import local_folder

PROVENANCE: Final = "speechagents.json"
CONFIG: Final = "config.json"

_TOKENIZER: Final = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json"),
    *("merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "tekken.json"),
    *("chat_template.jinja", "chat_template.json"),
)
"""What belongs together: all of it comes from the tuned model, or all from the base."""
_IS_TOKENIZER: Final = ("tokenizer.json", "tokenizer_config.json")
_PROCESSOR: Final = ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json")
_OF_BASE: Final = ("generation_config.json", "spk_dict.pt", "LICENSE*", "NOTICE*")
"""The second holds the voices of an omni model. It is copied as it is and not read."""
_MAX_NAME: Final = 200
_MAX_RUN_BYTES: Final = 1_000_000
_SPARE_BYTES: Final = 200_000_000
"""Room on the disk for all that is no weights."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A model that was exported.

    Attributes:
        folder: Where it lies.
        base: What the tuned model was made of: a name on the hub, or the name of a folder; empty if it was begun with
            random weights.
        models: Names of what was merged.
        licence: Of the base, as its card says; empty if it says nothing.
        architecture: Of the library's model.
        merged: What was merged.
    """

    folder: Path
    base: str
    models: tuple[str, ...]
    licence: str
    architecture: str
    merged: Merged


def export(
    models: Sequence[Path], out: Path, *, merge: Merge | None = None, base: str = "", shard_bytes: int = SHARD_BYTES
) -> Exported:
    """Merge tuned models and write what they become.

    Args:
        models: Folders that `speechagents tune` wrote, or those of its runs: adapters or whole models, of one base.
        out: The folder to write; it must not be there yet, or be empty.
        merge: How; None adds each change whole.
        base: Folder or name of the base; empty takes what the models say.
        shard_bytes: Most bytes of weights in one file.

    Raises:
        TuningError: Models cannot be used or do not go together, or the folder is in use.
        WeightsMissing: The base is not on this machine.
        SettingsError: The base's name can be none, or its weights are pickled.
        StorageError: The disk is full or read-only.
    """
    merge = merge or Merge()
    if not models:
        raise TuningError("nothing is to be merged; give the folder of a tuned model")
    tuned = [read_tuned_model(path) for path in models]
    if len({one.folder.resolve() for one in tuned}) < len(tuned):
        raise TuningError("a model is given twice; give each once, and --strength 2 for twice as much of it")
    target = out.expanduser()
    _check_place(target)
    # A whole model alone, with a base that nobody has: nothing is to be added to anything.
    alone = not base and not tuned[0].base and is_copy(tuned, merge)
    folder = tuned[0].folder if alone else _base_folder(tuned, base)
    config = _config(folder)
    if merge.dtype:
        config = {**config, ("torch_dtype" if "torch_dtype" in config else "dtype"): merge.dtype}
    # All that can be wrong is found out before the long part.
    companions = _companions(folder, [one.folder for one in tuned])
    sources = [_source(one) for one in tuned]
    merger = Merger(folder, [] if alone else tuned, merge)
    # Random weights have no name, wherever they were kept.
    random = not base and folder == tuned[0].run / BASE
    called = "" if alone or random else _called(base or tuned[0].base)
    with _written(target, merger.size) as temporary:
        merged = merger.write(temporary, shard_bytes=shard_bytes)
        for name, path in companions.items():
            shutil.copyfile(path, temporary / name)
        _write_json(temporary / CONFIG, config)
        exported = Exported(
            folder=target,
            base=called,
            models=tuple(one.name for one in tuned),
            licence=licence_of(folder),
            architecture=str(config["architectures"][0]),
            merged=merged,
        )
        provenance = _provenance(exported, merge, sources, folder if not alone else None)
        provenance["files"] = dict(sorted({**merged.digests, **_digests(temporary, (*companions, CONFIG))}.items()))
        _write_json(temporary / PROVENANCE, provenance)
        (temporary / CARD).write_text(card(exported, merge, sources), "utf-8")
    return exported


def _base_folder(tuned: Sequence[TunedModel], given: str) -> Path:
    """Where the base lies on this machine."""
    wanted = ("config.json", "*.safetensors")
    if given:
        return local_folder(given, files=wanted)
    named = {(one.base, one.revision) for one in tuned}
    if len(named) > 1:
        bases = " and ".join(sorted(_called(name) or "one that is not named" for name, _ in named))
        raise TuningError(f"the models were tuned from {bases}; merge models of one base, or give it by --base")
    name, revision = next(iter(named))
    kept = tuned[0].run / BASE
    if (not name or Path(name).name == BASE) and (kept / CONFIG).is_file():
        # Made for this run, and still beside it wherever it is now.
        return local_folder(str(kept), files=wanted)
    if not name:
        raise TuningError("nothing says which model it was tuned from; give its folder by --base", source=tuned[0].name)
    return local_folder(name, revision=revision, files=wanted)


def _config(folder: Path) -> dict[str, Any]:
    """The configuration of the base, if weights can be added to what it describes."""
    config = read_json(folder / CONFIG)
    where = f"{folder.name}/{CONFIG}"
    architectures = config.get("architectures")
    if not isinstance(architectures, list) or not architectures or not isinstance(architectures[0], str):
        raise TuningError("says no architecture, and loaders need one; save the base again", source=where)
    if config.get("quantization_config"):
        raise TuningError(
            "the base is quantised; give the model it was made of by --base, and quantise what is merged afterwards",
            source=where,
            field="quantization_config",
        )
    # Where it once lay on somebody's disk.
    config.pop("_name_or_path", None)
    return config


def _companions(base: Path, tuned: Sequence[Path]) -> dict[str, Path]:
    """What else belongs to the model, by name."""
    having = [one for one in tuned if any((one / name).is_file() for name in _IS_TOKENIZER)]
    first = having[0] if having else base
    for other in having[1:]:
        if _vocabulary(other) != _vocabulary(first):
            raise TuningError(
                "the tokenizers of the models differ, and one model has one; merge models that have the same",
                source=f"{other.name}/tokenizer.json",
            )
    found = {name: first / name for name in _TOKENIZER if (first / name).is_file()}
    if not any(name in found for name in _IS_TOKENIZER) and not any(name.endswith(".model") for name in found):
        raise TuningError("has no tokenizer, nor has the tuned model; give a base that has by --base", source=base.name)
    for name in _PROCESSOR:
        path = next((one / name for one in (*tuned, base) if (one / name).is_file()), None)
        if path is not None:
            found[name] = path
    for pattern in _OF_BASE:
        found |= {path.name: path for path in sorted(base.glob(pattern)) if path.is_file()}
    return found


def _vocabulary(folder: Path) -> Any:
    """What decides which number a token has."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        return None
    read = read_json(path)
    return read.get("model"), read.get("added_tokens")


def _source(model: TunedModel) -> Source:
    """What is known of a tuned model, without the places where things lay."""
    names = [ADAPTER, ADAPTER_CONFIG] if model.kind is TunedKind.ADAPTER else _weight_names(model.folder)
    recipe: Mapping[str, Any] = {}
    if (model.run / RECIPE_FILE).is_file():
        recipe = recipe_values(read_recipe(model.run / RECIPE_FILE))
    run: Mapping[str, Any] = {}
    if (path := model.run / RUN_FILE).is_file() and path.stat().st_size <= _MAX_RUN_BYTES:
        run = read_json(path)
    # PEFT writes sets as lists, in any order.
    adapter = {
        key: sorted(value, key=str) if isinstance(value, list) else value
        for key, value in model.adapter.items()
        if value not in (None, [], {}, "", False)
    }
    return Source(
        name=model.name,
        kind=model.kind,
        files=_digests(model.folder, names),
        recipe=_placeless(recipe),
        run=_placeless(run),
        adapter=_placeless(adapter),
    )


def _weight_names(folder: Path) -> list[str]:
    files = sorted({one.path.name for one in read_weights(folder).values()})
    return [INDEX, *files] if (folder / INDEX).is_file() else files


def _provenance(exported: Exported, merge: Merge, sources: Sequence[Source], base: Path | None) -> dict[str, Any]:
    """Of what the folder was made."""
    crumbs, merged = merge.breadcrumbs, exported.merged
    return {
        "version": 1,
        "speechagents": __version__,
        "base": {
            "name": exported.base,
            "licence": exported.licence,
            "files": _digests(base, [CONFIG, *_weight_names(base)]) if base else {},
        },
        "models": [
            {
                "name": one.name,
                "kind": str(one.kind),
                "strength": strength,
                "files": dict(one.files),
                "adapter": one.adapter,
                "recipe": one.recipe,
                "run": one.run,
            }
            for one, strength in zip(sources, merge.strengths_of(len(sources)), strict=True)
        ],
        "merge": {
            "kind": "breadcrumbs" if crumbs else "plain",
            **({"keep_from": crumbs.keep_from, "keep_to": crumbs.keep_to} if crumbs else {}),
            **({"dtype": merge.dtype} if merge.dtype else {}),
            "tensors": merged.tensors,
            "changed": merged.changed,
            "weights": merged.weights,
            "kept": merged.kept,
            "norm": merged.norm,
            "relative": merged.relative,
        },
    }


def _placeless(value: Any) -> Any:
    """Values without the paths of a machine: of a path that is one, its last name."""
    if isinstance(value, Mapping):
        return {str(key): _placeless(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_placeless(one) for one in value]
    return Path(value).name if isinstance(value, str) and _is_path(value) else value


def _called(name: str) -> str:
    """What a base is called, wherever it lies."""
    return Path(name).name if _is_path(name) or (len(name) < _MAX_NAME and Path(name).is_dir()) else name


def _is_path(text: str) -> bool:
    """Whether a text can be nothing but a path."""
    return Path(text).is_absolute() or text.startswith(("./", "../", "~/"))


def _digests(folder: Path, names: Sequence[str]) -> dict[str, str]:
    return {name: file_digest(folder / name) for name in names if (folder / name).is_file()}


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=2) + "\n", "utf-8")


def _check_place(target: Path) -> None:
    if target.is_dir() and any(target.iterdir()):
        raise TuningError(
            "is a folder that holds something; choose another --out, or remove it", source=str(target)[:300]
        )
    if target.exists() and not target.is_dir():
        raise TuningError("is a file; choose another --out", source=str(target)[:300])


@contextlib.contextmanager
def _written(target: Path, size: int) -> Iterator[Path]:
    """A folder beside a place, which gets there when all is written, and is gone if something goes wrong."""
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(target.parent).free
        if free < size + _SPARE_BYTES:
            raise StorageError(
                f"{target}: needs {(size + _SPARE_BYTES) / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; free some space "
                "or choose a folder on another disk"
            )
        temporary = temporary_beside(target)
        try:
            temporary.mkdir()
            yield temporary
            if target.is_dir():
                target.rmdir()  # empty; not all systems rename onto a folder
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
