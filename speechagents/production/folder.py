"""A production on disk: which folder it is, what it remembers, and that one run at a time works in it.

Owns the layout, the lock and ``production.json``. Does not know how takes, mixes or exports are made.

::

    my-play/production.json      settings, cast, versions, what was exported: readable by people and by `export`
    my-play/script.json          the script as performed
    my-play/scene.yaml           the scene as improvised, instead of a script
    my-play/stream.jsonl         what was said, by whom, when: one message a line
    my-play/steps.jsonl          how an improvised scene came about: choices, thoughts, the director's ledger
    my-play/book.json            the book as it was read, instead of a script
    my-play/attribution.json     who says what in it, as it was found
    my-play/answers.jsonl        what a language model said about it, where one was asked
    my-play/characters.csv       the user's table of characters, lexicon.pls and cover: copies of what was given
    my-play/chapters/            finished chapters of a book: places of their lines, and their sound
    my-play/branch.json          where a branch left the scene that it came from
    my-play/cast.yaml            the cast used, for editing
    my-play/proof.json           what proofing found: line, take, time, verdict
    my-play/proof.jsonl          what was listened to already, and which takes were kept
    my-play/takes/<sha256>.flac  content-addressed takes
    my-play/exports/             what listeners and editors get
    my-play/work/                mixes of a run that is going on; emptied when it ends
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import filelock

from speechagents import __version__
from speechagents.errors import ProductionBusy, ProductionError, StorageError
from speechagents.production.storage import PARTIAL_SUFFIX, storage_errors, write_atomically
from speechagents.production.takes import TakeStore

_SCHEMA = 1
_MAX_JSON_BYTES = 64_000_000


class Production:
    """One production folder, locked while it is open.

    Use it as a context manager.

    Args:
        folder: Made if it does not exist.
        must_exist: Refuse a folder that is no production yet (the meaning of ``--resume``).

    Raises:
        ProductionError: The folder holds something else, or is no production though it must be.
        ProductionBusy: Another run has it open.
        StorageError: It cannot be made or written.
    """

    def __init__(self, folder: Path, *, must_exist: bool = False) -> None:
        self.folder = folder
        self.takes = TakeStore(folder / "takes")
        # Events may be read by one thread after the other (a web page), so the lock is the object's, not a thread's.
        self._lock = filelock.FileLock(folder / ".lock", timeout=0, thread_local=False)
        with storage_errors(folder):
            if folder.exists() and not folder.is_dir():
                raise ProductionError(f"{folder}: is a file; name a folder for --out")
            exists = self._record_path.exists()
            if must_exist and not exists:
                raise ProductionError(f"{folder}: no production to resume; leave --resume out to start one")
            if not exists and self._holds_something_else():
                raise ProductionError(f"{folder}: is not empty and no production; name a new folder for --out")

    def __enter__(self) -> Self:
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except filelock.Timeout:
                raise ProductionBusy(
                    f"{self.folder}: another run is working here; wait for it, or name another folder for --out"
                ) from None
            self._sweep()
            self.work.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A worker that was killed has left what it was at, though this run went well.
        with contextlib.suppress(OSError):
            self._sweep()
        self._lock.release()

    def _sweep(self) -> None:
        """Whatever somebody who was killed left half done is of no use to anybody."""
        shutil.rmtree(self.work, ignore_errors=True)
        for leftover in self.folder.glob(f"**/.*{PARTIAL_SUFFIX}"):
            leftover.unlink(missing_ok=True)

    @property
    def exports(self) -> Path:
        """Folder of the finished files."""
        return self.folder / "exports"

    @property
    def work(self) -> Path:
        """Folder of mixes; exists while the production is open."""
        return self.folder / "work"

    @property
    def cast_path(self) -> Path:
        """The cast used, for editing."""
        return self.folder / "cast.yaml"

    @property
    def script_path(self) -> Path:
        """The script as performed."""
        return self.folder / "script.json"

    @property
    def stream_path(self) -> Path:
        """The message stream."""
        return self.folder / "stream.jsonl"

    @property
    def _record_path(self) -> Path:
        return self.folder / "production.json"

    def record(self) -> dict[str, Any]:
        """What the last run wrote down, empty before the first.

        Raises:
            ProductionError: It is damaged or from a newer version.
        """
        path = self._record_path
        if not path.exists():
            return {}
        try:
            if path.stat().st_size > _MAX_JSON_BYTES:
                raise ValueError("too large")
            record = json.loads(path.read_text("utf-8"))
            schema = record["schema"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ProductionError(
                f"{path}: cannot be read ({error}); delete that one file: the takes beside it will be used again"
            ) from error
        if schema != _SCHEMA:
            raise ProductionError(f"{path}: written by another version (schema {schema}); use a new folder")
        return dict(record)

    def write_record(self, values: Mapping[str, Any]) -> None:
        """Replace what is remembered."""
        record = {"schema": _SCHEMA, "speechagents": __version__, **values}
        write_atomically(self._record_path, (json.dumps(record, ensure_ascii=False, indent=2) + "\n").encode("utf-8"))

    def demand_space(self, needed_bytes: int) -> None:
        """Refuse to start what the disk cannot hold.

        Raises:
            StorageError: Less is free than needed.
        """
        free = shutil.disk_usage(self.folder).free
        if free < needed_bytes:
            raise StorageError(
                f"{self.folder}: needs about {needed_bytes / 1e9:.1f} GB while working, {free / 1e9:.1f} GB are "
                "free; free some space or choose a folder on another disk"
            )

    def _holds_something_else(self) -> bool:
        ours = {"takes", "work", "exports", "chapters", ".lock", "script.json", "cast.yaml", "scene.yaml", "book.json"}
        ours |= {"attribution.json", "answers.jsonl", "characters.csv", "lexicon.pls", "cover"}
        return self.folder.is_dir() and any(
            entry.name not in ours and entry.suffix != PARTIAL_SUFFIX for entry in self.folder.iterdir()
        )
