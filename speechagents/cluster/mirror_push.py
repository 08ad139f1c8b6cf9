"""What is finished in a working copy, and what is not in its store yet, goes there.

Owns the order. Does not know when (`mirror`), how the store is reached (`stores`), or what the files mean.

What is sent is sent in the order in which it came about, so that a store shows at any moment what a folder on a disk
might: sound before what refers to it, the record of a run that goes on before its journals, and the record of a run
that is over last of all, after what listeners get.
"""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from speechagents.cluster.mirror_files import (
    BEFORE_RECORD,
    MANIFEST_FILE,
    RECORD_FILE,
    Kind,
    Known,
    kind_of,
    known_of,
    local_files,
    manifest_bytes,
)
from speechagents.cluster.mirror_pull import Both
from speechagents.cluster.side_by_side import side_by_side
from speechagents.cluster.stores import Store
from speechagents.cluster.working_copy import WorkingCopy
from speechagents.production.storage import storage_errors

_LARGE_BYTES: Final = 8_000_000
"""Larger files are sent one at a time: some packages read a hundred megabytes of each into memory."""

_MANIFEST_EVERY_S: Final = 60.0
"""Seconds between two lists of digests while work goes on: without one a file is fetched to be compared, no more."""

_MAX_RECORD_BYTES: Final = 64_000_000
_STREAM: Final = "stream.jsonl"
_STEPS: Final = "steps.jsonl"


class Pusher:
    """Sends what is new. One thread at a time.

    Args:
        store: The folder in the store, locked.
        copy: The working copy, which nobody else uses.
        both: What is in both places; kept up to date.
    """

    def __init__(self, store: Store, copy: WorkingCopy, both: Both) -> None:
        self._store = store
        self._copy = copy
        self._both = both
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._manifest_s = float("-inf")

    def push(self, *, exports: bool = False, last: bool = False) -> None:
        """Send what is finished here and not there yet.

        Args:
            exports: Also what listeners get, and the record of a run that is over.
            last: The run is over and went well: what it has removed here is removed there.

        Raises:
            StorageError: The store cannot be reached, or the disk is full.
        """
        folder = self._copy.folder
        if not folder.is_dir():
            return
        with storage_errors(folder):
            try:
                # Only at the end is a take, or sound of a chapter, that the store has compared with the one here: a
                # write may have broken off, or a chapter may have lacked a line before.
                takes = local_files(folder, "takes", known=() if exports else self._both.sounds)
                self._send_sounds(name for name, _ in takes)
                chapters = list(local_files(folder, "chapters"))
                sounds = (name for name, kind in chapters if kind is Kind.SOUND)
                self._send_sounds(name for name in sounds if exports or name not in self._both.sounds)
                self._send_changed(name for name, kind in chapters if kind is Kind.NOTE)
                over = self._send_files([name for name, _ in local_files(folder)])
                self._copy.remember(self._both.equal)
                if exports:
                    listed = sorted(name for name, _ in local_files(folder, "exports"))
                    for name in listed:
                        self._send_export(name)
                    if last:
                        self._remove_stale({*listed, *(name for name, _ in chapters)})
                self._send_manifest(now=exports)
                if exports and over:
                    self._send_changed([RECORD_FILE])
            finally:
                self._copy.remember(self._both.equal)

    def _send_sounds(self, names: Iterable[str]) -> None:
        """Send takes, or sound of chapters, that the store lacks or has in another size."""
        large: list[str] = []

        def lacking() -> Iterator[str]:
            for name in names:
                size = self._size(name)
                if size is not None and size != self._both.sounds.get(name):
                    if size > _LARGE_BYTES:
                        large.append(name)
                    else:
                        yield name

        side_by_side(self._send_sound, lacking(), threads=self._store.at_once)
        for name in large:
            self._send_sound(name)

    def _send_sound(self, name: str) -> None:
        if (size := self._size(name)) is not None:
            self._store.send(name, self._copy.folder / name)
            self._both.sounds[name] = size

    def _size(self, name: str) -> int | None:
        """Bytes of a file; None where it is gone, as is a chapter that the book no longer has."""
        try:
            return (self._copy.folder / name).stat().st_size
        except FileNotFoundError:
            return None

    def _send_files(self, names: Sequence[str]) -> bool:
        """Send what the production remembers, save the record of a run that is over; whether it is one."""
        over = RECORD_FILE in names and not self._goes_on()
        first = sorted(BEFORE_RECORD.intersection(names))
        self._send_changed(first if over or RECORD_FILE not in names else [RECORD_FILE, *first])
        # Each step is written before its messages are. The record of steps is copied after the stream and sent before
        # it, so that a store never has messages of a step that it has not.
        rest = sorted(set(names) - BEFORE_RECORD - {RECORD_FILE, _STREAM, _STEPS})
        self._send_changed(name for name in (_STREAM, *rest, _STEPS) if name in names)
        return over

    def _goes_on(self) -> bool:
        """Whether the record is that of a run that is not over."""
        path = self._copy.folder / RECORD_FILE
        try:
            if path.stat().st_size > _MAX_RECORD_BYTES:
                return False
            return bool(json.loads(path.read_bytes()).get("state") == "working")
        except (OSError, ValueError, AttributeError, RecursionError):
            return False

    def _send_changed(self, names: Iterable[str]) -> None:
        """Send those of some files that have changed: copies, made in this order, are sent in the opposite one."""
        folder = self._copy.scratch / secrets.token_hex(8)
        folder.mkdir()
        try:
            changed: list[tuple[str, Path, Known, tuple[int, int, int]]] = []
            for name in names:
                path, copied = self._copy.folder / name, folder / str(len(changed))
                stamp = _stamp(path)
                if stamp is None or self._seen.get(name) == stamp:
                    continue
                shutil.copyfile(path, copied)
                changed.append((name, copied, known_of(copied), stamp))
            for name, copied, known, stamp in reversed(changed):
                if self._both.equal.get(name) != known:
                    self._store.send(name, copied)
                    self._both.equal[name] = known
                self._seen[name] = stamp
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _send_export(self, name: str) -> None:
        """Send a file for listeners; nobody writes it any more."""
        path = self._copy.folder / name
        stamp = _stamp(path)
        if stamp is None or self._seen.get(name) == stamp:
            return
        known = known_of(path)
        if self._both.equal.get(name) != known:
            self._store.send(name, path)
            self._both.equal[name] = known
        self._seen[name] = stamp

    def _remove_stale(self, here: set[str]) -> None:
        """Remove chapters and exports that were here, and are not any more: the run has removed them."""
        known = [name for name in self._both.equal if kind_of(name) in (Kind.NOTE, Kind.EXPORT)]
        sounds = [name for name in self._both.sounds if kind_of(name) is Kind.SOUND]
        for name in {*known, *sounds} - here:
            self._store.remove(name)
            self._both.equal.pop(name, None)
            self._both.sounds.pop(name, None)

    def _send_manifest(self, *, now: bool) -> None:
        """Write the list of digests, if it has changed; the record, which comes later, is not in it."""
        if not now and time.monotonic() - self._manifest_s < _MANIFEST_EVERY_S:
            return
        listed = {name: known for name, known in self._both.equal.items() if name != RECORD_FILE}
        data = manifest_bytes(listed)
        if data != (self._both.manifest or manifest_bytes({})):
            self._store.write(MANIFEST_FILE, data)
            self._both.manifest = data
        self._manifest_s = time.monotonic()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; None if there is none."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state.st_size, state.st_mtime_ns, state.st_ino
