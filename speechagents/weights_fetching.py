"""Downloads weights into the cache that all programs share which load models from the hub.

Owns the order of the work: what is to come is announced with its size and licence before the first byte; the disk is
asked whether it has room; a file that is half there is gone on with; every byte is checked against the digest that the
hub listed; and the folder of a revision appears when all its files are whole. Does not know what a hub answers
(`weights_hub`) nor what the weights are for.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from filelock import FileLock, Timeout

from speechagents.errors import StorageError, WeightsMissing
from speechagents.production.storage import storage_errors, write_atomically
from speechagents.weights import Weights, size, standard_cache, storage_folder, wanted
from speechagents.weights_hub import Hub, HubTroubleError, RemoteFile

ATTEMPTS: Final = 3
"""Tries in a row that bring not one byte."""

_PAUSE_S: Final = 1.0
_SPARE_BYTES: Final = 200_000_000
"""What is left free on the disk."""

_READ_BYTES: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class FetchBegins:
    """A download is about to begin; no byte of it has come yet.

    Attributes:
        weights: Of what.
        total_bytes: What all its files weigh, as the hub says now.
        here_bytes: What of it is on this machine already.
        folder: Where it will lie.
    """

    weights: Weights
    total_bytes: int
    here_bytes: int
    folder: Path


@dataclass(frozen=True, slots=True)
class FetchWaits:
    """Another process is downloading the same; it is waited for."""

    weights: Weights


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """More has come: bytes here, of how many."""

    weights: Weights
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class FetchDone:
    """All of it is on this machine.

    Attributes:
        weights: What.
        folder: The folder with its files.
        fetched_bytes: What came over the network.
        total_bytes: What all its files weigh.
    """

    weights: Weights
    folder: Path
    fetched_bytes: int
    total_bytes: int


FetchEvent: TypeAlias = FetchBegins | FetchWaits | FetchProgress | FetchDone
Announce: TypeAlias = Callable[[FetchEvent], None]
"""Is told what happens. It begins with `FetchBegins`, unless somebody else is at it, and ends with `FetchDone`."""


def fetch(
    weights: Weights,
    announce: Announce,
    *,
    hub: Hub | None = None,
    cache: Path | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Download what is not on this machine yet.

    Args:
        weights: Which.
        announce: Is told what happens.
        hub: Where from; None is the one that the environment names.
        cache: Where to; None is the standard one.
        pause: Waits between tries, in seconds.

    Returns:
        The folder with the files.

    Raises:
        WeightsMissing: The hub cannot be reached, does not give them, or gives other bytes than it listed.
        StorageError: The disk is full or not writable.
    """
    hub = hub or Hub.standard()
    cache = cache or standard_cache()
    storage = storage_folder(cache, weights.repo)
    listing = hub.listing(weights.repo, weights.revision)
    files = [file for file in listing.files if wanted(weights.files, file.path)]
    for pattern in weights.files:
        if not any(wanted([pattern], file.path) for file in files):
            raise WeightsMissing(
                f"{weights.repo} at {weights.revision} has no file {pattern}: the preset is out of date"
            )
    folder = storage / "snapshots" / listing.commit
    lock = cache / ".locks" / storage.name / "speechagents.lock"
    with storage_errors(storage):
        (storage / "blobs").mkdir(parents=True, exist_ok=True)
        lock.parent.mkdir(parents=True, exist_ok=True)
    with _alone(lock, lambda: announce(FetchWaits(weights))):
        download = _Download(weights, hub, listing.commit, storage / "blobs", announce, pause)
        missing = [file for file in files if not _is_whole(folder / file.path, file)]
        download.expect(files, missing, folder)
        for file in missing:
            download.file(file)
        with storage_errors(folder):
            for file in missing:
                _place(storage / "blobs" / file.digest, folder / file.path)
            if weights.revision != listing.commit:
                write_atomically(storage / "refs" / weights.revision, listing.commit.encode("ascii"))
    announce(FetchDone(weights, folder, download.fetched_bytes, download.total_bytes))
    return folder


class _Download:
    """The files of one model on their way."""

    def __init__(
        self,
        weights: Weights,
        hub: Hub,
        commit: str,
        blobs: Path,
        announce: Announce,
        pause: Callable[[float], None],
    ) -> None:
        self._weights = weights
        self._hub = hub
        self._commit = commit
        self._blobs = blobs
        self._announce = announce
        self._pause = pause
        self._here_bytes = 0
        self.total_bytes = 0
        self.fetched_bytes = 0

    def expect(self, files: Sequence[RemoteFile], missing: Sequence[RemoteFile], folder: Path) -> None:
        """Say what is to come, and see to it that there is room."""
        self.total_bytes = sum(file.size for file in files)
        to_come = sum(file.size - self._begun(file) for file in missing)
        self._here_bytes = self.total_bytes - to_come
        self._announce(FetchBegins(self._weights, self.total_bytes, self._here_bytes, folder))
        with storage_errors(self._blobs):
            free = shutil.disk_usage(self._blobs).free
        if to_come + _SPARE_BYTES > free:
            raise StorageError(
                f"{self._blobs}: {size(to_come)} of {self._weights.repo} are to come, and the disk has "
                f"{size(free)} free; free some space, or set HF_HOME to a folder on a larger disk"
            )

    def file(self, file: RemoteFile) -> None:
        """Have a file whole among the blobs."""
        blob = self._blobs / file.digest
        if _is_whole(blob, file):
            return
        partial = self._partial(file)
        failed = 0
        while True:
            before = self._begun(file)
            try:
                with storage_errors(partial):
                    self._receive(file, partial)
                break
            except HubTroubleError as error:
                failed = 0 if self._begun(file) > before else failed + 1
                if failed >= ATTEMPTS:
                    raise WeightsMissing(
                        f"the download of {self._weights.repo} broke off at {file.path} ({error}); run the same "
                        "command again: it goes on where it was"
                    ) from error
                self._pause(_PAUSE_S * 2**failed)
        with storage_errors(blob):
            partial.replace(blob)

    def _receive(self, file: RemoteFile, partial: Path) -> None:
        """Bytes from where they broke off to the end, checked."""
        digest, start = self._kept(file, partial)
        if start < file.size:
            # What is whole already is not asked for: a part that begins at the end is none.
            pieces = self._hub.read(self._weights.repo, self._commit, file, start=start)
            with partial.open("ab") as kept, closing(pieces):
                for at, piece in pieces:
                    if at < start:
                        # The hub gives no parts of files: from the beginning, then.
                        kept.truncate(0)
                        self._arrived(-start)
                        digest, start = _digest(file), 0
                    if start + len(piece) > file.size:
                        self._spoilt(partial, file, "more bytes than it listed")
                    kept.write(piece)
                    digest.update(piece)
                    start += len(piece)
                    self._arrived(len(piece))
                    self.fetched_bytes += len(piece)
        else:
            partial.touch()
        if start < file.size:
            raise HubTroubleError("the connection ended before the file did")
        if digest.hexdigest() != file.digest:
            self._spoilt(partial, file, "other bytes than it listed")

    def _kept(self, file: RemoteFile, partial: Path) -> tuple[hashlib._Hash, int]:
        """The digest of what is here already, and how much that is."""
        digest = _digest(file)
        start = 0
        if self._begun(file):
            with partial.open("rb") as kept:
                while piece := kept.read(_READ_BYTES):
                    digest.update(piece)
                    start += len(piece)
        else:
            partial.unlink(missing_ok=True)
        return digest, start

    def _spoilt(self, partial: Path, file: RemoteFile, why: str) -> None:
        partial.unlink(missing_ok=True)
        raise WeightsMissing(
            f"the hub gave {why} for {file.path} of {self._weights.repo}; nothing of it was kept. Run the same command "
            "again; if that does not help, a proxy or mirror (HF_ENDPOINT) alters what it passes on"
        )

    def _arrived(self, count: int) -> None:
        self._here_bytes += count
        self._announce(FetchProgress(self._weights, self._here_bytes, self.total_bytes))

    def _partial(self, file: RemoteFile) -> Path:
        return self._blobs / f"{file.digest}.incomplete"

    def _begun(self, file: RemoteFile) -> int:
        """Bytes of a file that are here; none where there are more than can be."""
        if _is_whole(self._blobs / file.digest, file):
            return file.size
        try:
            count = self._partial(file).stat().st_size
        except OSError:
            return 0
        return count if count <= file.size else 0


class _alone:  # noqa: N801 - a context manager that reads as a word
    """Have the only download of a model that any process does."""

    def __init__(self, lock: Path, waiting: Callable[[], None]) -> None:
        self._lock = FileLock(lock)
        self._waiting = waiting

    def __enter__(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self._waiting()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _digest(file: RemoteFile) -> hashlib._Hash:
    """What a file's bytes are fed to: git hashes a blob with a line before it."""
    if file.large:
        return hashlib.sha256()
    return hashlib.sha1(f"blob {file.size}\0".encode("ascii"), usedforsecurity=False)


def _is_whole(path: Path, file: RemoteFile) -> bool:
    try:
        return path.stat().st_size == file.size
    except OSError:
        return False


def _place(blob: Path, pointer: Path) -> None:
    """Show a blob under its name; where a system has no links, the blob itself goes there."""
    pointer.parent.mkdir(parents=True, exist_ok=True)
    pointer.unlink(missing_ok=True)
    try:
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    except OSError:
        shutil.copyfile(blob, pointer)
