"""What a store's production has and its working copy lacks comes here.

Owns which side of a file counts. Does not know how the store is reached (`stores`), or what is sent (`mirror_push`).

Takes and sound of chapters are named by what they hold: where a name is in both places, nothing is fetched. Everything
else is compared by its digest with what was equal when both were last looked at: whichever has changed since is the
newer one. Where both have, the store's counts and the other is set aside, unless it is a journal that goes on where the
store's ends.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from speechagents.cluster.mirror_files import (
    BEFORE_RECORD,
    DEPTH,
    FOLDERS,
    MANIFEST_FILE,
    MAX_MANIFEST_BYTES,
    RECORD_FILE,
    Kind,
    Known,
    begins_with,
    is_plain,
    kind_of,
    known_of,
    manifest_of,
)
from speechagents.cluster.side_by_side import side_by_side
from speechagents.cluster.store_lock import LOCK_FILE
from speechagents.cluster.stores import MAX_ENTRIES, Store, is_leftover
from speechagents.cluster.working_copy import WorkingCopy
from speechagents.errors import ProductionError, StorageError
from speechagents.production.storage import storage_errors
from speechagents.weights import size as told_size

MAX_BYTES: Final = 2_000_000_000_000
"""Most that is fetched."""

_SMALL_BYTES: Final = 1_000_000
"""Files that people edit are fetched to be compared up to this size, so that no edit is missed."""

_TOLD_BYTES: Final = 8_000_000
_NAMED_BY_CONTENT: Final = (Kind.TAKE, Kind.SOUND)
_OTHERS: Final = frozenset({"stream.jsonl", "steps.jsonl", "proof.json", "proof.jsonl", "branch.json", "work", ".lock"})
"""What a production may hold besides, that nobody's folder of something else is likely to."""


@dataclass(slots=True)
class Both:
    """What is in both places.

    Attributes:
        sounds: Takes, and sound of chapters, that the store has, with their sizes.
        equal: What else it has, as far as that is known.
        manifest: Its list of digests as it was written; None if it has none.
    """

    sounds: dict[str, int] = field(default_factory=dict)
    equal: dict[str, Known] = field(default_factory=dict)
    manifest: bytes | None = None


def pull(store: Store, copy: WorkingCopy, tell: Callable[[str], None]) -> Both:
    """Fetch what the store has and the working copy lacks, or has in an older version.

    Args:
        store: The folder in the store, locked.
        copy: The working copy, which nobody else uses.
        tell: Is told, in lines, of long waits and of what gives way.

    Raises:
        ProductionError: The store's folder holds something else, or too much.
        StorageError: The store cannot be reached or is not locked, or there is no room for it.
    """
    return _Pull(store, copy, tell).run()


class _Pull:
    def __init__(self, store: Store, copy: WorkingCopy, tell: Callable[[str], None]) -> None:
        self._store = store
        self._copy = copy
        self._tell = tell
        self._before = copy.known()
        self._told: Mapping[str, Known] = {}
        self._found: dict[str, int] = {}
        self._both = Both()

    def run(self) -> Both:
        found, both = self._found, self._both
        self._list()
        if found:
            both.manifest = self._store.read(MANIFEST_FILE, most=MAX_MANIFEST_BYTES)
            self._told = manifest_of(both.manifest or b"")
        both.sounds.update((name, size) for name, size in found.items() if kind_of(name) in _NAMED_BY_CONTENT)
        with storage_errors(self._copy.folder):
            wanted = [name for name in found if self._is_wanted(name)]
            self._demand_room(wanted)
            side_by_side(self._fetch, wanted, threads=self._store.at_once)
            self._forget()
        self._copy.remember(both.equal)
        return both

    def _list(self) -> None:
        """Find out what the store has of a production, and that it is one."""
        foreign = ""
        entries = self._store.entries()
        if all(entry.name != LOCK_FILE for entry in entries):
            # It was written a moment ago. Some file systems take a connection that broke for an empty folder.
            raise StorageError(f"{self._store.shown}: the store does not tell all that it has; run the command again")
        for entry in entries:
            if is_leftover(entry.name):
                self._store.remove(entry.name)
                continue
            if not entry.is_folder and kind_of(entry.name) is Kind.FILE:
                self._found[entry.name] = entry.size
            ours = (*FOLDERS, *_OTHERS, *BEFORE_RECORD, RECORD_FILE, MANIFEST_FILE, LOCK_FILE)
            if entry.name not in ours:
                foreign = entry.name
        if foreign and RECORD_FILE not in self._found:
            raise ProductionError(
                f"{self._store.shown}: is not empty and no production (it holds {foreign[:80]!r}); name a new folder "
                "for --out"
            )
        waiting = list(FOLDERS)
        while waiting:
            folder = waiting.pop()
            for entry in self._store.entries(folder):
                name = f"{folder}/{entry.name}"
                if is_leftover(entry.name):
                    self._store.remove(name)
                elif not entry.is_folder:
                    if kind_of(name):
                        self._found[name] = entry.size
                elif folder.startswith("exports") and is_plain(entry.name) and name.count("/") <= DEPTH:
                    waiting.append(name)
            if len(self._found) > MAX_ENTRIES:
                raise ProductionError(f"{self._store.shown}: holds more than {MAX_ENTRIES:,} files")

    def _is_wanted(self, name: str) -> bool:
        """Whether a file has to be fetched, be it only to be compared."""
        kind, path, size = kind_of(name), self._copy.folder / name, self._found[name]
        here = path.stat().st_size if path.is_file() else None
        if kind in _NAMED_BY_CONTENT:
            # A write that broke off leaves the beginning of a file: the longer one is whole.
            return here is None or here < size
        told = self._told.get(name)
        if told is not None and told.size != size:
            told = None
        if kind is Kind.EXPORT and told is None:
            # A run that was killed left it, which nobody vouches for; it will be made again.
            return False
        if here is None or told is None or (kind is Kind.FILE and size <= _SMALL_BYTES):
            return True
        self._both.equal[name] = told
        return told not in (self._before.get(name), known_of(path))

    def _demand_room(self, wanted: list[str]) -> None:
        total = sum(max(0, self._found[name]) for name in wanted)
        if total > MAX_BYTES:
            raise ProductionError(f"{self._store.shown}: holds more than {told_size(MAX_BYTES)}")
        free = shutil.disk_usage(self._copy.scratch).free
        if free < total:
            raise StorageError(
                f"{self._copy.folder}: {told_size(total)} are to be fetched from {self._store.shown}, and "
                f"{told_size(free)} are free; free some space, or set SPEECHAGENTS_CACHE to a folder on another disk"
            )
        if total > _TOLD_BYTES:
            self._tell(f"fetching {len(wanted):,} files ({told_size(total)}) from {self._store.shown}")

    def _fetch(self, name: str) -> None:
        kind, path = kind_of(name), self._copy.folder / name
        fetched = self._copy.scratch / secrets.token_hex(8)
        try:
            self._store.fetch(name, fetched, size=self._found[name])
            if kind not in _NAMED_BY_CONTENT:
                there = known_of(fetched)
                if kind is Kind.EXPORT and there != self._told[name]:
                    self._both.equal.pop(name, None)
                    self._tell(f"warning: {self._store.shown}/{name}: is damaged, and not used; it is made again")
                    return
                self._both.equal[name] = there
                if path.is_file() and not self._gives_way(name, path, fetched):
                    return
            path.parent.mkdir(parents=True, exist_ok=True)
            fetched.replace(path)
        finally:
            fetched.unlink(missing_ok=True)

    def _gives_way(self, name: str, path: Path, fetched: Path) -> bool:
        """Whether what is here gives way to what the store has."""
        here, there, before = known_of(path), self._both.equal[name], self._before.get(name)
        if there in (here, before):
            return False
        if here == before:
            return True
        if name.endswith(".jsonl") and begins_with(path, fetched):
            return False
        if kind_of(name) is Kind.FILE:
            kept = self._copy.set_aside(name)
            self._tell(
                f"warning: {name} was changed here and in {self._store.shown}; the store's is used, and the other one "
                f"is kept as {kept}"
            )
        return True

    def _forget(self) -> None:
        """Set aside what was removed in the store and has not changed here."""
        for name, known in self._before.items():
            path = self._copy.folder / name
            gone = name not in self._found and kind_of(name) in (Kind.FILE, Kind.EXPORT)
            if gone and path.is_file() and known_of(path) == known:
                kept = self._copy.set_aside(name)
                self._tell(f"{self._store.shown}/{name} was removed there; its copy here is kept as {kept}")
