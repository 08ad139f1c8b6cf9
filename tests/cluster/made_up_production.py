"""A production without a voice, written as a run would write it, and a store and copies of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from speechagents.cluster.mirror_pull import Both, pull
from speechagents.cluster.mirror_push import Pusher
from speechagents.cluster.store_lock import LOCK_FILE
from speechagents.cluster.working_copy import WorkingCopy

from .faulty_files import store_at


def take_name(number: int) -> str:
    return f"takes/{hashlib.sha256(str(number).encode()).hexdigest()}.flac"


def chapter_name(number: int, ending: str) -> str:
    return f"chapters/{hashlib.sha256(str(number).encode()).hexdigest()[:40]}.{ending}"


def write(folder: Path, name: str, data: bytes) -> None:
    """As a run does: whole, under another name first."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.1-2-3.part")
    temporary.write_bytes(data)
    temporary.replace(path)


def record(state: str) -> bytes:
    return (json.dumps({"schema": 1, "state": state}) + "\n").encode()


def files_in(folder: Path) -> dict[str, bytes]:
    """What a folder holds, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@dataclass
class Machine:
    """Somebody with a working copy of the store at a folder."""

    cache: Path
    store: Path
    protocol: str = "file"
    told: list[str] = field(default_factory=list)

    @property
    def copy(self) -> WorkingCopy:
        return WorkingCopy(self.cache, str(self.store), f"{self.protocol}://{self.store}")

    @property
    def folder(self) -> Path:
        return self.copy.folder

    def pull(self) -> Both:
        with self.copy.alone(), self.locked():
            return pull(store_at(self.store, protocol=self.protocol), self.copy, self.told.append)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """As the lock of a driver would be there."""
        write(self.store, LOCK_FILE, b"{}")
        try:
            yield
        finally:
            (self.store / LOCK_FILE).unlink()

    def pusher(self, both: Both | None = None) -> Pusher:
        self.copy.scratch.mkdir(parents=True, exist_ok=True)
        return Pusher(store_at(self.store, protocol=self.protocol), self.copy, both or Both())

    def push(self, *, last: bool = True) -> None:
        """Be alone with it, fetch, and send everything."""
        with self.copy.alone(), self.locked():
            both = pull(store_at(self.store, protocol=self.protocol), self.copy, self.told.append)
            self.pusher(both).push(exports=True, last=last)

    def write(self, name: str, data: bytes) -> None:
        write(self.folder, name, data)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()


def performed(machine: Machine, *, takes: int = 3) -> None:
    """A finished play, in the working copy."""
    for number in range(takes):
        machine.write(take_name(number), b"take %d" % number)
    machine.write("script.json", b'{"script": 1}')
    machine.write("cast.yaml", b"roles: {ANNA: alice}\n")
    machine.write("stream.jsonl", b'{"id": 1}\n{"id": 2}\n')
    machine.write("exports/programme.mp3", b"mp3" * 1_000)
    machine.write("exports/programme.vtt", b"WEBVTT\n")
    machine.write("production.json", record("done"))
