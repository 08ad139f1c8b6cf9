"""The scenes that a simulation plays: found, checked and told apart beforehand, read when they are needed.

Owns that, and the seed of each play of each scene. Ten thousand scene files are not held in memory: what is kept of
each is where it is and what it was. Does not know how scenes are played.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from speechagents.drama import SceneBrief, clean_name
from speechagents.errors import InputError, SceneError
from speechagents.scripts.scene_file import MAX_SCENE_FILE_BYTES, read_scene

MAX_SCENES: Final = 100_000
SUFFIXES: Final = (".yaml", ".yml", ".json")

_KEPT: Final = 256
"""Scenes that stay read: some two megabytes."""
_MAX_ID_CHARS: Final = 200

Adjust = Callable[[SceneBrief], SceneBrief]
"""Makes of a scene as it is written the scene as it is played; raises an `InputError` where it cannot be."""


@dataclass(frozen=True, slots=True)
class _Shelved:
    id: str
    path: Path
    digest: bytes


class SceneShelf:
    """Scenes by number, from 0.

    Args:
        places: Scene files, and folders of them.
        adjust: Applied to every scene.

    Raises:
        SceneError: There is no scene, too many of them, two of one name, or one of them is wrong, or cannot be played
            as is asked.
    """

    def __init__(self, places: Sequence[Path], adjust: Adjust) -> None:
        self._adjust = adjust
        self._kept: OrderedDict[int, SceneBrief] = OrderedDict()
        self._shelved: list[_Shelved] = []
        found: dict[str, Path] = {}
        for path in _files(places):
            name = clean_name(path.stem)[:_MAX_ID_CHARS]
            if name in found:
                raise SceneError(f"two scenes are called {name} ({found[name]} and {path}); rename one of the files")
            if len(found) >= MAX_SCENES:
                raise SceneError(f"more than {MAX_SCENES} scenes; divide them among several runs")
            found[name] = path
            digest = _digest(path)
            brief = read_scene(path)
            try:
                adjust(brief)
            except InputError as error:
                raise SceneError(str(error), source=path.name) from error
            self._shelved.append(_Shelved(name, path, digest))

    def __len__(self) -> int:
        return len(self._shelved)

    @property
    def digest(self) -> str:
        """Of all names and files, as 16 hexadecimal digits."""
        whole = hashlib.sha256()
        for one in self._shelved:
            whole.update(one.id.encode("utf-8", "replace") + b"\0" + one.digest)
        return whole.hexdigest()[:16]

    def ids(self) -> Iterator[str]:
        """The names of the scenes, by number."""
        return (one.id for one in self._shelved)

    def id(self, number: int) -> str:
        """Name of a scene."""
        return self._shelved[number].id

    def scene(self, number: int, *, seed: int) -> SceneBrief:
        """A scene as it is played.

        Args:
            number: Of the scene.
            seed: Of the play.

        Raises:
            SceneError: Its file is gone, or another one than it was.
        """
        brief = self._kept.pop(number, None) or self._read(number)
        self._kept[number] = brief
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return replace(brief, seed=seed)

    def _read(self, number: int) -> SceneBrief:
        one = self._shelved[number]
        if _digest(one.path) != one.digest:
            raise SceneError("was changed while the run was going on; put it back, or begin a new run", source=one.id)
        return self._adjust(read_scene(one.path))


def play_seed(seed: int, scene_id: str, repeat: int) -> int:
    """The seed of one play of a scene, which nothing else decides.

    Args:
        seed: Of the run.
        scene_id: Name of the scene.
        repeat: 0-based.
    """
    digest = hashlib.blake2b(f"{seed}\0{scene_id}\0{repeat}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _files(places: Sequence[Path]) -> Iterator[Path]:
    """All files in the order of the places, those of a folder in the order of their names."""
    for place in places:
        if not place.is_dir():
            yield place
            continue
        inside = sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
        if not inside:
            raise SceneError(f"{place}: no scene in this folder; a scene is a file that ends in {', '.join(SUFFIXES)}")
        yield from inside


def _digest(path: Path) -> bytes:
    """Of a file's bytes; empty for one that cannot be read, which reading it as a scene tells better."""
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(MAX_SCENE_FILE_BYTES + 1)).digest()[:12]
    except (OSError, ValueError):
        return b""
