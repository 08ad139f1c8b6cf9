"""Writing files so that a reader sees all of a file or nothing.

Owns temporary names, renaming and the translation of disk errors. Does not know what is written.
"""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from speechagents.errors import StorageError

PARTIAL_SUFFIX = ".part"
"""Ending of names that are being written; what a killed run left of them may be deleted."""

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space and run the same command again: nothing finished is lost",
    errno.EDQUOT: "your disk quota is used up; free some space and run the same command again",
    errno.EFBIG: "the file would be larger than this system allows; free some space or choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EACCES: "writing is not permitted; choose another folder or change its permissions",
    errno.EPERM: "writing is not permitted; choose another folder or change its permissions",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
}
_count = itertools.count()


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that no other run or thread uses."""
    return path.with_name(f".{path.name[:80]}.{os.getpid()}-{threading.get_ident()}-{next(_count)}{PARTIAL_SUFFIX}")


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn disk errors into `StorageError` with the file's name and a remedy."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
        raise StorageError(f"{path}: {remedy}") from error


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file whole: under a temporary name, then renamed.

    A killed process leaves the old file or the new one. There is no fsync: it costs milliseconds a take, and
    readers of a production check what they read and make again what a power cut spoilt.

    Raises:
        StorageError: The disk is full, read-only or not permitted.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(path)
        try:
            with temporary.open("wb") as file:
                file.write(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
