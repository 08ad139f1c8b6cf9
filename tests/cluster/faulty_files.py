"""A store that fails when a test says so: a folder on this disk behind an fsspec file system that notes every call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from speechagents.cluster.store_address import parse_address
from speechagents.cluster.stores import Patience, Store, open_store

QUICK = Patience(tries=3, first_wait_s=0.0)
WRITES = ("put_file", "pipe_file", "mv", "rm_file")


class Killed(BaseException):
    """The process that used the store is gone."""


Fault = Callable[[str, str], BaseException | None]


class FaultyFiles(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Notes what is asked of it, and fails as it is told."""

    protocol = "faulty"
    calls: ClassVar[list[tuple[str, str]]] = []
    fault: ClassVar[Fault | None] = None

    def _begin(self, call: str, path: str) -> None:
        name = self._strip_protocol(path)
        type(self).calls.append((call, name))
        if (fault := type(self).fault) is not None and (error := fault(call, name)) is not None:
            raise error

    def ls(self, path: str, detail: bool = False, **options: Any) -> Any:
        self._begin("ls", path)
        return super().ls(path, detail=detail, **options)

    def cat_file(self, path: str, *args: Any, **options: Any) -> Any:
        self._begin("cat_file", path)
        return super().cat_file(path, *args, **options)

    def get_file(self, path1: str, path2: str, *args: Any, **options: Any) -> Any:
        self._begin("get_file", path1)
        return super().get_file(path1, path2, *args, **options)

    def put_file(self, path1: str, path2: str, *args: Any, **options: Any) -> Any:
        try:
            self._begin("put_file", path2)
        except BaseException:
            # Half of it is there.
            data = Path(path1).read_bytes()
            Path(self._strip_protocol(path2)).write_bytes(data[: len(data) // 2])
            raise
        return super().put_file(path1, path2, *args, **options)

    def pipe_file(self, path: str, value: bytes, *args: Any, **options: Any) -> Any:
        self._begin("pipe_file", path)
        return super().pipe_file(path, value, *args, **options)

    def mv(self, path1: str, path2: str, *args: Any, **options: Any) -> Any:
        self._begin("mv", path2)
        return super().mv(path1, path2, *args, **options)

    def rm_file(self, path: str) -> Any:
        self._begin("rm_file", path)
        return super().rm_file(path)


@contextmanager
def faulty(fault: Fault | None = None) -> Iterator[list[tuple[str, str]]]:
    """Stores at ``faulty:///…`` fail so, and what is asked of them is noted, while the block runs."""
    fsspec.register_implementation("faulty", FaultyFiles, clobber=True)
    FaultyFiles.calls = []
    FaultyFiles.fault = staticmethod(fault) if fault is not None else None
    try:
        yield FaultyFiles.calls
    finally:
        FaultyFiles.fault = None


def failing(error: BaseException, *calls: str) -> Fault:
    """Calls of these names fail."""

    def fault(call: str, _name: str) -> BaseException | None:
        return error if call in calls else None

    return fault


def killed_at(number: int) -> Fault:
    """Nothing is done from the so-manieth write on, counted from 0."""
    writes = 0

    def fault(call: str, _name: str) -> BaseException | None:
        nonlocal writes
        if call in WRITES:
            writes += 1
        return Killed() if writes > number else None

    return fault


def store_at(folder: Path, *, protocol: str = "faulty") -> Store:
    """A store on this disk."""
    return open_store(parse_address(f"{protocol}://{folder}"), patience=QUICK)
