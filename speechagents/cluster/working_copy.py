"""The copy of a store's production on this machine: where it lies, and what was equal in both places.

Owns the folder that it has in the user's cache, and that one process at a time uses it. Does not know how copies are
made equal (`mirror_pull`, `mirror_push`). It may be deleted whenever no command uses it, unless a store could not be
reached when the last one ended.

::

    <cache>/stores/<digest>/production/     the working copy, a production like any other
    <cache>/stores/<digest>/known.json      digests of what was equal when both were last looked at
    <cache>/stores/<digest>/copy.json       which store it is of, and a name for this copy
    <cache>/stores/<digest>/set-aside/      what gave way to a change in the store
    <cache>/stores/<digest>/under-way/      files on their way
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import filelock

from speechagents.cluster.mirror_files import MAX_MANIFEST_BYTES, Known, manifest_bytes, manifest_of
from speechagents.errors import ProductionBusy
from speechagents.production.storage import storage_errors, write_atomically

_MAX_ABOUT_BYTES: Final = 16_000
_DIGITS: Final = 32


class WorkingCopy:
    """Where a working copy lies; nothing is made before `alone`.

    Args:
        cache: Folder of the user's cache.
        place: What names the folder in the store, the same for all who mean it, without a password.
        shown: The store's address for people.
    """

    def __init__(self, cache: Path, place: str, shown: str) -> None:
        self._base = cache / "stores" / hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
        self._shown = shown
        self._remembered: bytes | None = None

    @property
    def folder(self) -> Path:
        """The production."""
        return self._base / "production"

    @property
    def scratch(self) -> Path:
        """For files on their way; on the same disk as the production."""
        return self._base / "under-way"

    @property
    def aside(self) -> Path:
        """For what gave way to a change in the store."""
        return self._base / "set-aside"

    @contextmanager
    def alone(self) -> Iterator[str]:
        """Be the one process that uses it.

        Yields:
            A name that no other copy has, on any machine.

        Raises:
            ProductionBusy: Another process uses it.
            StorageError: The cache cannot be written.
        """
        with storage_errors(self._base):
            # What is performed may not be for everybody on this machine.
            self._base.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = filelock.FileLock(self._base / "lock", timeout=0, thread_local=False)
            try:
                lock.acquire()
            except filelock.Timeout:
                raise ProductionBusy(
                    f"{self._shown}: another run on this machine is working there; wait for it, or name another folder "
                    "for --out"
                ) from None
        try:
            with storage_errors(self._base):
                shutil.rmtree(self.scratch, ignore_errors=True)
                self.scratch.mkdir()
            yield self._name()
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)
            lock.release()

    def known(self) -> dict[str, Known]:
        """What was equal in both places when they were last looked at; a damaged list counts as none."""
        path = self._base / "known.json"
        try:
            if path.stat().st_size > MAX_MANIFEST_BYTES:
                return {}
            return manifest_of(path.read_bytes())
        except OSError:
            return {}

    def remember(self, known: Mapping[str, Known]) -> None:
        """Write down what is equal in both places now.

        Raises:
            StorageError: The disk is full.
        """
        data = manifest_bytes(known)
        if data != self._remembered:
            write_atomically(self._base / "known.json", data)
            self._remembered = data

    def set_aside(self, name: str) -> Path:
        """Move a file of the production out of the way, and say where to."""
        target = self.aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).replace(target)
        return target

    def _name(self) -> str:
        """The copy's own name. A cache that was copied to another machine has another one there."""
        path = self._base / "copy.json"
        here = socket.gethostname()
        try:
            with path.open("rb") as file:
                values = json.loads(file.read(_MAX_ABOUT_BYTES))
            if values["machine"] == here and isinstance(values["copy"], str):
                return str(values["copy"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass
        name = secrets.token_hex(16)
        about = {"store": self._shown, "machine": here, "copy": name}
        write_atomically(path, (json.dumps(about, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
        return name


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Where working copies lie: the platform's place for a user's caches, or ``SPEECHAGENTS_CACHE``."""
    if environment.get("SPEECHAGENTS_CACHE"):
        return Path(environment["SPEECHAGENTS_CACHE"])
    if environment.get("XDG_CACHE_HOME"):
        return Path(environment["XDG_CACHE_HOME"]) / "speechagents"
    if environment.get("LOCALAPPDATA"):
        return Path(environment["LOCALAPPDATA"]) / "speechagents" / "cache"
    return Path.home() / ".cache" / "speechagents"
