"""The folder of a benchmark that is being built: at any moment a whole one, of what is built so far.

Owns its files: scenes, scripts, ``index.yaml`` and ``provenance.jsonl``, each written whole or not at all, a scene
before the index that names it and its scripts after. Everything is read back before it counts. Does not know where
scenes and scripts come from.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import yaml

from speechagents.benchmark.building.settings import BuildSettings
from speechagents.benchmark.facts import Fact
from speechagents.benchmark.scene_set import Facets, Split
from speechagents.benchmark.script_file import SceneScript, read_scene_script, write_scene_script
from speechagents.drama import SceneBrief
from speechagents.journal import entry_line
from speechagents.production.storage import storage_errors, write_atomically
from speechagents.scripts.scene_file import write_scene

PROVENANCE_FILE: Final = "provenance.jsonl"
SHARES: Final[Mapping[Split, float]] = {Split.TRAIN: 0.4, Split.DEV: 0.2, Split.TEST: 0.4}
"""Shares of the splits, as those of the shipped scenes."""

_WORK: Final = ".work"
_SLUG_WORDS: Final = 6
_SOURCE_CHARS: Final = 400
_HEAD: Final = "# Written by `speechagents bench build`; see provenance.jsonl for what made each file.\n"


def split_of(scene_id: str) -> Split:
    """The split of a scene: its id alone decides, so that no scene changes sides when others come or go."""
    digest = hashlib.blake2b(scene_id.encode(), digest_size=8).digest()
    at, end = int.from_bytes(digest, "big") / 2**64, 0.0
    for split, share in SHARES.items():
        end += share
        if at < end:
            return split
    return Split.TEST


def scene_id_of(number: int, title: str) -> str:
    """An id: the number of the idea, and what of the title file systems everywhere can hold."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", re.sub(r"['’]", "", plain.casefold()))
    return "-".join([f"{number:03}", *(word[:20] for word in words[:_SLUG_WORDS])]) if words else f"{number:03}-scene"


class Publication:
    """The files of a benchmark.

    Args:
        folder: Of the benchmark.
        settings: Of the build.
        made_by: Identity of the controller.
    """

    def __init__(self, folder: Path, settings: BuildSettings, made_by: str) -> None:
        self._folder = folder
        self._settings = settings
        self._made_by = made_by
        self._scenes: list[dict[str, Any]] = []
        self._origins: list[dict[str, Any]] = []
        self.briefs: dict[str, SceneBrief] = {}

    def add_scene(
        self, scene_id: str, scene: SceneBrief, facets: Facets, facts: Sequence[Fact], **made: str | int
    ) -> None:
        """Add a scene, and write it and the index.

        Args:
            scene_id: Its id.
            scene: With its pool; `write_scene` can write it.
            facets: What it is like.
            facts: What is true in it.
            **made: How it came about, for its record.

        Raises:
            StorageError: The folder cannot be written.
        """
        split = split_of(scene_id)
        data = write_scene(scene).encode()
        self.briefs[scene_id] = scene
        self._scenes.append(
            {
                "id": scene_id,
                "split": split.value,
                "facets": {**asdict(facets), "emotions": list(facets.emotions)},
                "facts": [_fact(fact) for fact in facts],
                "source": f"{made.get('idea', '')}; made by {self._made_by}"[:_SOURCE_CHARS],
            }
        )
        write_atomically(self._folder / "scenes" / f"{scene_id}.yaml", data)
        self._origin(scene_id, "scene", f"scenes/{scene_id}.yaml", data, split=split.value, **made)
        head = {"name": self._settings.name, "source": f"made by {self._made_by}"[:_SOURCE_CHARS]}
        index = {**head, "licence": self._settings.licence, "scenes": self._scenes}
        text = yaml.safe_dump(index, sort_keys=False, allow_unicode=True, width=10**6)
        write_atomically(self._folder / "index.yaml", (_HEAD + text).encode())
        self._write_origins()

    def checked_script(self, script: SceneScript) -> SceneScript:
        """A script as it reads once it is written.

        Raises:
            BenchmarkError: No file can hold it; the message says why.
        """
        work = self._folder / _WORK / _name(script)
        try:
            write_atomically(work, write_scene_script(script).encode())
            return read_scene_script(work, self.briefs)
        finally:
            with storage_errors(work):
                shutil.rmtree(work.parent, ignore_errors=True)

    def add_script(self, script: SceneScript, **made: str | int) -> None:
        """Write a script that has been checked.

        Raises:
            StorageError: The folder cannot be written.
        """
        data = write_scene_script(script).encode()
        write_atomically(self._folder / "scripts" / _name(script), data)
        self._origin(_name(script).removesuffix(".yaml"), "script", f"scripts/{_name(script)}", data, **made)
        self._write_origins()

    def _origin(self, item: str, kind: str, file: str, data: bytes, **made: str | int) -> None:
        digest = hashlib.sha256(data).hexdigest()
        origin = {"item": item, "kind": kind, "file": file, "sha256": digest, "made_by": self._made_by}
        self._origins.append({**origin, "licence": self._settings.licence, **made})

    def _write_origins(self) -> None:
        write_atomically(self._folder / PROVENANCE_FILE, b"".join(map(entry_line, self._origins)))


def _name(script: SceneScript) -> str:
    return f"{script.scene_id}-{script.roles}.yaml"


def _fact(fact: Fact) -> dict[str, Any]:
    entry = {"about": list(fact.about), "kind": fact.kind.value, "value": fact.value}
    return entry | ({"instead": list(fact.instead)} if fact.instead else {})
