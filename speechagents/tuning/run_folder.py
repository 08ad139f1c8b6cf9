"""The folder of a run of tuning: who may write into it, and what is in it.

Owns the layout, the lock and the refusal of folders that hold something else. Does not know how training runs.

::

    out/recipe.yaml     the recipe, as it was run
    out/run.json        what the run is of, how far it is, and what came of it
    out/log.jsonl       see `tuning_log`
    out/loss.svg        see `loss_plot`
    out/checkpoints/    see `checkpoints`
    out/base/           the base, where its random weights were made for this run
    out/model/          the model that was best on dev, so far
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import filelock

from speechagents.errors import ProductionBusy, TuningError
from speechagents.production.storage import PARTIAL_SUFFIX, storage_errors, temporary_beside, write_atomically
from speechagents.tuning.tuning_log import LOG_FILE

RECIPE_FILE: Final = "recipe.yaml"
RUN_FILE: Final = "run.json"
PLOT_FILE: Final = "loss.svg"
CHECKPOINTS: Final = "checkpoints"
MODEL: Final = "model"
BASE: Final = "base"

_LOCK: Final = ".lock"
_MAX_RUN_BYTES: Final = 1_000_000
_PICKLED: Final = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


class RunFolder:
    """A folder that this run alone writes into.

    Args:
        path: Of the folder.
        said: What `RUN_FILE` held when it was opened; empty for a new run.
    """

    def __init__(self, path: Path, said: Mapping[str, Any]) -> None:
        self.path = path
        self.said = said

    @property
    def log(self) -> Path:
        """File of the log."""
        return self.path / LOG_FILE

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / CHECKPOINTS

    @property
    def model(self) -> Path:
        """Folder of the best model."""
        return self.path / MODEL

    def write(self, name: str, text: str) -> None:
        """Write a text file whole.

        Raises:
            StorageError: The disk is full or read-only.
        """
        write_atomically(self.path / name, text.encode())

    def claim(self, *, recipe: str, data: str) -> None:
        """Say whose run it is before anything else of it is there: one that is killed until then can be gone on with.

        Args:
            recipe: Digest of the recipe.
            data: Digest of the data.

        Raises:
            StorageError: The disk is full or read-only.
        """
        if not self.said:
            self.write_run({"recipe": {"digest": recipe}, "data": {"digest": data}})

    def write_run(self, values: Mapping[str, Any]) -> None:
        """Say what the run is and how far."""
        self.said = dict(values)
        self.write(RUN_FILE, json.dumps(values, ensure_ascii=False, indent=1) + "\n")

    def replace_model(self, save: Callable[[Path], None]) -> None:
        """Put another model into the place of the best one, whole.

        Args:
            save: Writes it into a folder.

        Raises:
            StorageError: The disk is full or read-only.
        """
        with storage_errors(self.model):
            new, old = temporary_beside(self.model), temporary_beside(self.model)
            new.mkdir()
            try:
                save(new)
                if pickled := [path.name for path in new.rglob("*") if path.suffix in _PICKLED]:
                    raise RuntimeError(f"{pickled[0]} would be written, and models hold no pickles")
                if self.model.exists():
                    self.model.rename(old)
                new.rename(self.model)
            finally:
                shutil.rmtree(new, ignore_errors=True)
                shutil.rmtree(old, ignore_errors=True)


@contextmanager
def run_folder(path: Path, *, recipe: str, data: str, resume: bool) -> Iterator[RunFolder]:
    """The folder of a run, for it alone; what a killed run left half-written is gone.

    Args:
        path: Of the folder.
        recipe: Digest of the recipe.
        data: Digest of the data.
        resume: Go on with what was begun there, if anything was.

    Raises:
        TuningError: It holds something else, or a run that nobody asked to go on with.
        ProductionBusy: Another run is writing into it.
        StorageError: It cannot be written.
    """
    with storage_errors(path):
        check_free(path, recipe=recipe, data=data, resume=resume)
        path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path / _LOCK, timeout=0, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise ProductionBusy(f"{path}: another run is at work here; wait for it, or name another folder") from None
    try:
        with storage_errors(path):
            for leftover in (*path.glob(f".*{PARTIAL_SUFFIX}"), *(path / CHECKPOINTS).glob(f".*{PARTIAL_SUFFIX}")):
                _remove(leftover)
        yield RunFolder(path, read_run(path))
    finally:
        lock.release()


def check_free(path: Path, *, recipe: str, data: str, resume: bool) -> None:
    """Refuse a folder that a run must not write into; see `run_folder`.

    Raises:
        TuningError: It is one.
    """
    if path.exists() and not path.is_dir():
        raise TuningError("is a file; name a folder", source=str(path))
    said = read_run(path)
    if not said:
        if path.is_dir() and any(one.name != _LOCK and not _is_partial(one) for one in path.iterdir()):
            raise TuningError("is not empty, and no run was begun in it; name a new folder", source=str(path))
        return
    for name, wanted in (("recipe", recipe), ("data", data)):
        found = said.get(name)
        if not isinstance(found, dict) or found.get("digest") != wanted:
            raise TuningError(
                f"holds a run with another {name}; take the one that it was begun with, or name a new folder",
                source=str(path),
                field=name,
            )
    if not resume:
        raise TuningError("holds this run already; go on with it by --resume, or name a new folder", source=str(path))


def read_run(path: Path) -> Mapping[str, Any]:
    """What a folder says of the run in it; nothing if there is none.

    Raises:
        TuningError: It is damaged.
    """
    try:
        with (path / RUN_FILE).open("rb") as file:
            data = file.read(_MAX_RUN_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    try:
        found = json.loads(data) if len(data) <= _MAX_RUN_BYTES else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found:
        raise TuningError("damaged; name a new folder", source=f"{path.name}/{RUN_FILE}")
    return found


def _is_partial(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(PARTIAL_SUFFIX)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
