"""Which files of a production are mirrored, in which way, and what is known of them on both sides.

Owns the shape of their names: whatever a store holds under another one is left alone, and never written here. Owns the
list of digests, ``mirror.json``. Does not move any file (`mirror_pull`, `mirror_push`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

MANIFEST_FILE: Final = "mirror.json"
RECORD_FILE: Final = "production.json"
BEFORE_RECORD: Final = frozenset(
    {"script.json", "scene.yaml", "cast.yaml", "book.json", "attribution.json", "answers.jsonl", "characters.csv"}
    | {"lexicon.pls", "cover"}
)
"""Files that a folder may hold before it is a production; see `production.folder.Production`."""

MAX_MANIFEST_BYTES: Final = 64_000_000
_FORMAT: Final = 1
_READ_BYTES: Final = 1 << 20
_PLAIN: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,98}[A-Za-z0-9])?"


class Kind(Enum):
    """What a file is to a mirror."""

    TAKE = "take"
    """Named by what it holds: it is the same wherever it lies."""

    SOUND = "sound"
    """Sound of a finished chapter; nearly as good as named by what it holds."""

    NOTE = "note"
    """What is known of that sound."""

    FILE = "file"
    """What a production remembers; changes while work goes on, and people edit it."""

    EXPORT = "export"
    """What listeners get: made again by every run."""


_SHAPES: Final[Mapping[Kind, re.Pattern[str]]] = {
    Kind.TAKE: re.compile(r"takes/[0-9a-f]{64}\.flac"),
    Kind.NOTE: re.compile(r"chapters/[0-9a-f]{40}(?:\.[a-z0-9]{1,8}){0,2}\.json"),
    Kind.SOUND: re.compile(r"chapters/[0-9a-f]{40}(?:\.[a-z0-9]{1,8}){1,2}"),
    Kind.EXPORT: re.compile(rf"exports/(?:{_PLAIN}/){{0,2}}{_PLAIN}"),
    Kind.FILE: re.compile(r"cover|[a-z][a-z0-9_-]{0,63}\.(?:json|jsonl|yaml|csv|pls)"),
}
FOLDERS: Final = ("takes", "chapters", "exports")
DEPTH: Final = 2
"""How deep folders of exports may lie in each other."""


def kind_of(name: str) -> Kind | None:
    """What a file is by its name, relative to the production; None is not mirrored."""
    if name == MANIFEST_FILE or name.endswith(".part"):
        return None
    return next((kind for kind, shape in _SHAPES.items() if shape.fullmatch(name)), None)


def is_plain(name: str) -> bool:
    """Whether a folder of exports may be called so."""
    return re.fullmatch(_PLAIN, name) is not None


def local_files(production: Path, folder: str = "", *, known: Container[str] = ()) -> Iterator[tuple[str, Kind]]:
    """Names of what is mirrored of one folder of a production, and what each is; links are nothing of ours.

    Args:
        production: The production.
        folder: One of `FOLDERS`; empty is what lies in none.
        known: Names that are left out.
    """
    if folder:
        yield from _local(production / folder, f"{folder}/", known, DEPTH if folder == "exports" else 0)
    else:
        yield from _local(production, "", known)


def _local(folder: Path, prefix: str, known: Container[str], depth: int = 0) -> Iterator[tuple[str, Kind]]:
    try:
        listed = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with listed:
        for entry in listed:
            name = f"{prefix}{entry.name}"
            # A long book has a hundred thousand takes that are known already, and is looked through every few seconds.
            if name in known:
                continue
            if entry.is_file(follow_symlinks=False):
                if kind := kind_of(name):
                    yield name, kind
            elif depth and entry.is_dir(follow_symlinks=False) and is_plain(entry.name):
                yield from _local(Path(entry.path), f"{name}/", known, depth - 1)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a file.

    Attributes:
        size: In bytes.
        sha256: 64 hexadecimal digits.
    """

    size: int
    sha256: str

    def __post_init__(self) -> None:
        if self.size < 0 or not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise ValueError("is no size with a digest")


def known_of(path: Path) -> Known:
    """Size and digest of a file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
            size += len(piece)
    return Known(size, digest.hexdigest())


def begins_with(path: Path, beginning: Path) -> bool:
    """Whether a file begins with all of another one."""
    with path.open("rb") as longer, beginning.open("rb") as shorter:
        while piece := shorter.read(_READ_BYTES):
            if longer.read(len(piece)) != piece:
                return False
    return True


def manifest_bytes(files: Mapping[str, Known]) -> bytes:
    """The list of digests as it is written; equal lists are equal bytes."""
    values = {name: [known.size, known.sha256] for name, known in sorted(files.items())}
    return (json.dumps({"format": _FORMAT, "files": values}) + "\n").encode()


def manifest_of(data: bytes) -> dict[str, Known]:
    """A list of digests; what is damaged in it, or names something that is not mirrored, is left out."""
    try:
        values = json.loads(data)
        if values["format"] != _FORMAT:
            return {}
        listed = dict(values["files"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    files = {}
    for name, value in listed.items():
        try:
            size, sha256 = value
            known = Known(int(size), str(sha256))
        except (ValueError, TypeError):
            continue
        if kind_of(name) not in (None, Kind.TAKE):
            files[name] = known
    return files
