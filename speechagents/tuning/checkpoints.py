"""Checkpoints: everything that training needs to go on as if it had never stopped, and nothing that could run code.

Owns their files, and what is refused: damaged, cut short, of another recipe or other data. A checkpoint is a folder
``step-000020`` with

* ``weights.safetensors``: the weights that are learnt,
* ``moments.safetensors``: the optimizer's running means of them, one tensor each by the name of the weights,
* ``best.safetensors``: the weights that were best on dev so far, where these are others,
* ``checkpoint.json``: where training stands, and the SHA-256 of each file and of itself.

Nothing is kept of schedules, samples and chance: they follow from seed and step. Does not know how training runs.
Importing it needs PyTorch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from speechagents.errors import TuningError
from speechagents.production.storage import storage_errors, temporary_beside
from speechagents.tuning.early_stopping import NEVER, Progress
from speechagents.tuning.weight_files import file_digest

Tensors = Mapping[str, torch.Tensor]

KEPT: Final = 2
"""So many of the newest are kept."""
WEIGHTS: Final = "weights.safetensors"
MOMENTS: Final = "moments.safetensors"
BEST: Final = "best.safetensors"
STATE: Final = "checkpoint.json"

_VERSION: Final = 1
_MAX_STATE_BYTES: Final = 64_000
_NAME: Final = re.compile(r"step-(\d{6,9})")
_MOMENTS: Final = ("exp_avg", "exp_avg_sq", "step")
"""Of AdamW in PyTorch; the last counts the updates that a weight took part in."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where training stands.

    Attributes:
        step: Steps that are done.
        recipe: Digest of the recipe.
        data: Digest of the data.
        progress: What the measurements on dev say.
        tokens: Read so far.
        targets: Learnt from so far.
    """

    step: int
    recipe: str
    data: str
    progress: Progress
    tokens: int = 0
    targets: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that was read and is whole.

    Attributes:
        standing: Where training stood.
        weights: Those that are learnt, by name.
        moments: By ``NAME OF THE MOMENT/NAME OF THE WEIGHTS``.
        best: The weights that were best; empty if nothing was measured yet.
    """

    standing: Standing
    weights: Tensors
    moments: Tensors
    best: Tensors


def learnt(model: Any) -> dict[str, torch.nn.Parameter]:
    """The weights of a model that are learnt, by name."""
    return {name: one for name, one in model.named_parameters() if one.requires_grad}


def copied(model: Any) -> dict[str, torch.Tensor]:
    """A copy of the weights that are learnt, in the memory of this machine."""
    return {name: one.detach().to("cpu", copy=True).contiguous() for name, one in learnt(model).items()}


def write_checkpoint(
    folder: Path, standing: Standing, model: Any, optimizer: torch.optim.Optimizer, best: Tensors
) -> Path:
    """Write a checkpoint whole, or nothing, and delete those that are older than the last before it.

    Args:
        folder: Of all checkpoints.
        standing: Where training stands.
        model: Its weights are written.
        optimizer: Its moments are written.
        best: The weights that were best; empty if nothing was measured yet.

    Returns:
        Its folder.

    Raises:
        StorageError: The disk is full or read-only.
    """
    path = folder / f"step-{standing.step:06d}"
    with storage_errors(path):
        folder.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(path)
        temporary.mkdir()
        try:
            weights = copied(model)
            files = {WEIGHTS: weights, MOMENTS: _moments(model, optimizer)}
            if best and standing.progress.best_step != standing.step:
                files[BEST] = dict(best)
            written = {}
            for name, tensors in files.items():
                save_file(tensors, temporary / name)
                written[name] = {"bytes": (temporary / name).stat().st_size, "sha256": file_digest(temporary / name)}
            state = {"version": _VERSION, **_plain(standing), "files": written}
            text = json.dumps({**state, "sha256": _digest(state)}, indent=1)
            (temporary / STATE).write_text(text, "utf-8")
            shutil.rmtree(path, ignore_errors=True)
            temporary.rename(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        for old in checkpoints(folder)[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    return path


def checkpoints(folder: Path) -> Sequence[Path]:
    """Folders of checkpoints, the oldest first; damaged ones among them."""
    if not folder.is_dir():
        return []
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def read_checkpoint(path: Path, *, recipe: str, data: str) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: Its folder.
        recipe: Digest of the recipe that it has to be of.
        data: Digest of the data that it has to be of.

    Raises:
        TuningError: It is damaged, or of another recipe or other data; the message names file and remedy.
    """
    state = _state(path)
    try:
        standing = _standing(state)
        files = {str(name): (int(one["bytes"]), str(one["sha256"])) for name, one in state["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, STATE, f"it lacks something ({str(error)[:80]})") from error
    for name, wanted, found in (("recipe", recipe, standing.recipe), ("data", data, standing.data)):
        if wanted != found:
            raise TuningError(
                f"belongs to a run with another {name}; take the one that it was begun with, or name a new folder",
                source=f"{path.name}/{STATE}",
                field=name,
            )
    if not {WEIGHTS, MOMENTS} <= set(files) <= {WEIGHTS, MOMENTS, BEST}:
        raise _damaged(path, STATE, "it does not name the files of a checkpoint")
    tensors = {name: _tensors(path, name, *about) for name, about in files.items()}
    measured = standing.progress.best_step > 0
    best = tensors.get(BEST, tensors[WEIGHTS] if measured else {})
    return Checkpoint(standing, tensors[WEIGHTS], tensors[MOMENTS], best)


def put_weights(model: Any, tensors: Tensors, *, source: str) -> None:
    """Give a model weights that were learnt.

    Args:
        model: Those of its weights that are learnt are set.
        tensors: By name.
        source: Where they are from, for messages.

    Raises:
        TuningError: They are those of another model.
    """
    own = learnt(model)
    if odd := sorted(set(own) ^ set(tensors)):
        raise TuningError(f"{odd[0][:120]} is not in both, the model and the checkpoint; {_FOREIGN}", source=source)
    for name, one in own.items():
        _check_like(one, tensors[name], name, source)
    with torch.no_grad():
        for name, one in own.items():
            one.copy_(tensors[name])


def put_moments(model: Any, optimizer: torch.optim.Optimizer, moments: Tensors, *, source: str) -> None:
    """Give an optimizer the moments of the weights of its model.

    Raises:
        TuningError: They are those of another model.
    """
    own = learnt(model)
    by_name: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in moments.items():
        kind, _, name = key.partition("/")
        if kind not in _MOMENTS or name not in own:
            raise TuningError(f"{key[:120]} is of no weights of the model; {_FOREIGN}", source=source)
        if kind != "step":
            _check_like(own[name], tensor, key, source)
        by_name.setdefault(name, {})[kind] = tensor
    for name, state in by_name.items():
        if set(state) != set(_MOMENTS) or state["step"].numel() != 1:
            raise TuningError(f"the moments of {name[:120]} are not complete; {_FOREIGN}", source=source)
        optimizer.state[own[name]] = {
            kind: tensor if kind == "step" else tensor.to(own[name].device) for kind, tensor in state.items()
        }


_FOREIGN: Final = "the base is another one than when it was written: get that back, or name a new folder"


def _moments(model: Any, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    found = {}
    for name, one in learnt(model).items():
        for kind, value in optimizer.state.get(one, {}).items():
            found[f"{kind}/{name}"] = torch.as_tensor(value).detach().to("cpu", copy=True).contiguous()
    return found


def _check_like(own: torch.Tensor, other: torch.Tensor, name: str, source: str) -> None:
    if own.shape != other.shape or own.dtype != other.dtype:
        kinds = f"{tuple(other.shape)} {other.dtype}, not {tuple(own.shape)} {own.dtype}"
        raise TuningError(f"{name[:120]} is {kinds}; {_FOREIGN}", source=source)


def _state(path: Path) -> dict[str, Any]:
    try:
        with (path / STATE).open("rb") as file:
            data = file.read(_MAX_STATE_BYTES + 1)
        found = json.loads(data) if len(data) <= _MAX_STATE_BYTES else None
    except OSError as error:
        raise _damaged(path, STATE, f"it cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(path, STATE, "it is no JSON") from error
    if not isinstance(found, dict) or found.pop("sha256", None) != _digest(found):
        raise _damaged(path, STATE, "it is not what was written")
    if found.get("version") != _VERSION:
        raise TuningError(
            "was written by another version of this program; go on with that, or name a new folder",
            source=f"{path.name}/{STATE}",
        )
    return found


def _tensors(path: Path, name: str, size: int, sha256: str) -> dict[str, torch.Tensor]:
    """The tensors of a file, after it was seen to be what was written."""
    try:
        if (path / name).stat().st_size != size:
            raise _damaged(path, name, f"it has not the {size:,} bytes that were written")
        if file_digest(path / name) != sha256:
            raise _damaged(path, name, "it is not what was written")
        found: dict[str, torch.Tensor] = load_file(path / name)
    except (OSError, SafetensorError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)[:100]
        raise _damaged(path, name, f"it cannot be read: {said}") from error
    return found


def _damaged(path: Path, name: str, reason: str) -> TuningError:
    others = [other for other in checkpoints(path.parent) if other != path]
    rest = f"go on from {others[-1].name}" if others else "begin again"
    return TuningError(
        f"damaged: {reason}; delete the folder {path.name} and run the same command again to {rest}",
        source=f"{path.name}/{name}",
    )


def _plain(standing: Standing) -> dict[str, Any]:
    values = dataclasses.asdict(standing)
    # Infinity is no JSON.
    values["progress"]["best_loss"] = None if math.isinf(standing.progress.best_loss) else standing.progress.best_loss
    return values


def _standing(state: Mapping[str, Any]) -> Standing:
    progress = dict(state["progress"])
    best = progress["best_loss"]
    return Standing(
        step=int(state["step"]),
        recipe=str(state["recipe"]),
        data=str(state["data"]),
        progress=Progress(
            patience=int(progress["patience"]),
            best_loss=NEVER if best is None else float(best),
            best_step=int(progress["best_step"]),
            waited=int(progress["waited"]),
        ),
        tokens=int(state["tokens"]),
        targets=int(state["targets"]),
    )


def _digest(state: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
