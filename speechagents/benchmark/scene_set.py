"""The scenes of a benchmark: each a scene file with a pool of 25 roles, and an index that says what is known of it.

Owns the layout of the folder and its checks. Does not know what is done with the scenes.

::

    assets/hcs/v1/index.yaml                 split, facets, facts, source and licence of every scene
    assets/hcs/v1/scenes/001-night-ferry.yaml     the scene: any command that takes a scene file plays it
    assets/hcs/v1/scripts/001-night-ferry-3.yaml  a script of it for its first three roles
    assets/hcs/v1/generated/roles-3.jsonl         scripts that a controller made (`generated_scripts`)
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from speechagents.benchmark.facts import Fact, FactKind
from speechagents.benchmark.fields import entries, fault, items, one_of, read_document, text, texts
from speechagents.benchmark.script_file import SceneScript, read_scene_script
from speechagents.drama import SceneBrief
from speechagents.errors import BenchmarkError, SceneError
from speechagents.resources import resource
from speechagents.scripts.scene_file import read_scene
from speechagents.scripts.yaml_nodes import Node
from speechagents.styles import STYLES

POOL: Final = 25
"""Roles of every scene."""
ROLE_COUNTS: Final = (2, 3, 5, 10, 25)
"""Numbers of roles that scenes are played with; more roles are added behind those that play already."""
MAX_SCENES: Final = 10_000

_ID: Final = re.compile(r"[0-9]{3,5}-[a-z0-9]+(?:-[a-z0-9]+){0,9}")


class Split(StrEnum):
    """What scenes are for: learning from, choosing by, and measuring with."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Facets:
    """What a scene is like, for showing that scenes differ.

    Attributes:
        place: Kind of place.
        region: Of the world.
        time: ``past``, ``present`` or ``future``.
        register: How formal the talk is.
        conflict: What it is about.
        emotions: Styles that carry it.
    """

    place: str
    region: str
    time: str
    register: str
    conflict: str
    emotions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BenchScene:
    """One scene of a benchmark.

    Attributes:
        id: Number and name.
        brief: The scene with its whole pool of roles.
        split: What it is for.
        facets: What it is like.
        facts: What everybody in it knows, to check lines against.
        source: Where it comes from.
        licence: SPDX id.
    """

    id: str
    brief: SceneBrief
    split: Split
    facets: Facets
    facts: tuple[Fact, ...]
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class SceneSet:
    """A benchmark's scenes and scripts.

    Attributes:
        name: With its version, as ``hcs v1``.
        digest: Of all its files, as 12 hexadecimal digits: what must be equal for runs to be compared.
        scenes: By id.
        scripts: By scene and number of roles.
    """

    name: str
    digest: str
    scenes: Mapping[str, BenchScene]
    scripts: Mapping[tuple[str, int], SceneScript] = field(default_factory=dict)

    def of(self, split: Split | None) -> Sequence[BenchScene]:
        """The scenes of a split, or all, in the order of their ids."""
        return [scene for scene in self.scenes.values() if split is None or scene.split is split]


@functools.cache
def shipped_scene_set() -> SceneSet:
    """The benchmark that comes with this package."""
    return read_scene_set(resource("assets", "hcs", "v1"))


def read_scene_set(folder: Path) -> SceneSet:
    """Read a benchmark's folder.

    Raises:
        BenchmarkError: Something in it is missing or wrong; the message names file, line, field and remedy.
    """
    if not (folder / "index.yaml").is_file():
        raise BenchmarkError(f"{folder}: no index.yaml here; `speechagents bench build` makes a folder of scenes")
    head = entries(read_document(folder / "index.yaml"), ("name", "source", "licence", "scenes"))
    listed = items(head["scenes"])
    if not 1 <= len(listed) <= MAX_SCENES:
        raise fault(head["scenes"].at, f"{len(listed)} scenes; there are 1 to {MAX_SCENES}")
    source, licence = text(head["source"]), text(head["licence"])
    scenes: dict[str, BenchScene] = {}
    for node in listed:
        scene = _scene(node, folder, source, licence)
        if scene.id in scenes:
            raise fault(node.at, f"{scene.id} is there twice; keep one")
        scenes[scene.id] = scene
    _refuse_equal(scenes)
    scripts = _scripts(folder / "scripts", scenes)
    return SceneSet(text(head["name"]), _digest(folder), dict(sorted(scenes.items())), scripts)


def _scene(node: Node, folder: Path, source: str, licence: str) -> BenchScene:
    found = entries(node, ("id", "split", "facets", "facts"), ("source", "licence"))
    scene_id = text(found["id"])
    if not _ID.fullmatch(scene_id):
        raise fault(found["id"].at, f'"{scene_id[:60]}" is no id like 001-night-ferry')
    path = folder / "scenes" / f"{scene_id}.yaml"
    try:
        brief = read_scene(path)
    except SceneError as error:
        raise BenchmarkError(str(error)) from error
    if len(brief.roles) != POOL:
        raise BenchmarkError(f"{len(brief.roles)} roles; a pool has {POOL}", source=path.name, field="roles")
    return BenchScene(
        id=scene_id,
        brief=brief,
        split=Split(one_of(found["split"], [split.value for split in Split])),
        facets=_facets(found["facets"]),
        facts=tuple(_fact(item, brief) for item in items(found["facts"])),
        source=text(found["source"]) if "source" in found else source,
        licence=text(found["licence"]) if "licence" in found else licence,
    )


def _facets(node: Node) -> Facets:
    found = entries(node, ("place", "region", "time", "register", "conflict", "emotions"))
    return Facets(
        place=text(found["place"]),
        region=text(found["region"]),
        time=one_of(found["time"], ("past", "present", "future")),
        register=text(found["register"]),
        conflict=text(found["conflict"]),
        emotions=tuple(one_of(item, tuple(STYLES)) for item in items(found["emotions"])),
    )


def _fact(node: Node, brief: SceneBrief) -> Fact:
    found = entries(node, ("about", "kind", "value"), ("instead",))
    kind = FactKind(one_of(found["kind"], [kind.value for kind in FactKind]))
    if kind is FactKind.NAME and "instead" not in found:
        raise fault(node.at, "a name needs names that would be wrong; write instead: […]")
    fact = Fact(
        about=texts(found["about"], most=60),
        kind=kind,
        value=text(found["value"], most=60),
        instead=texts(found["instead"], most=60) if "instead" in found else (),
    )
    if fact.verdict(brief.background) != "says":
        raise fault(node.at, f"the background does not say {fact.value!r} of {fact.about[0]!r} in one sentence")
    return fact


def _scripts(folder: Path, scenes: Mapping[str, BenchScene]) -> Mapping[tuple[str, int], SceneScript]:
    scripts: dict[tuple[str, int], SceneScript] = {}
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
        script = read_scene_script(path, {scene_id: scene.brief for scene_id, scene in scenes.items()})
        scripts[script.scene_id, script.roles] = script
    return scripts


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    parts = ("scenes/*.yaml", "scripts/*.yaml", "generated/*.jsonl")
    for path in [folder / "index.yaml", *(path for part in parts for path in sorted(folder.glob(part)))]:
        data = path.read_bytes()
        digest.update(f"{path.name} {len(data)}\n".encode() + data)
    return digest.hexdigest()[:12]


def _refuse_equal(scenes: Mapping[str, BenchScene]) -> None:
    titles = Counter(scene.brief.title.casefold() for scene in scenes.values())
    if double := next((title for title, count in titles.items() if count > 1), ""):
        raise BenchmarkError(f"two scenes are called {double!r}; give one of them another title", source="index.yaml")
