"""What a source of trajectories gives, what is wanted of it, and into which split a scene belongs.

Owns these values and the splits of scenes that no benchmark has put into one. Does not know how a source is named
(`source_names`) or read (`sources_benchmark`, `sources_production`, `sources_script`).

Scenes of a benchmark keep the split that the benchmark gives them, wherever they were played. All others get theirs by
a hash of their id, so that a scene stays where it is however often it is gathered.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.benchmark.building.duplicates import STORY_AT_LEAST, Twins
from speechagents.benchmark.scene_set import BenchScene, SceneSet, Split, shipped_scene_set
from speechagents.drama import MAX_PLAYERS, MAX_TURNS, MIN_PLAYERS, SceneBrief
from speechagents.errors import SettingsError
from speechagents.tuning.scene_takes import SceneTake

SHIPPED: Final = "hcs"
"""Name of the benchmark that comes with this package."""
NOT_STATED: Final = "not stated"
MAX_SCENES: Final = 100_000

_OF_TEN: Final = (Split.TRAIN,) * 8 + (Split.DEV, Split.TEST)
_NOT_ID: Final = re.compile(r"[^a-z0-9]+")
_ID_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of sources.

    Attributes:
        roles: Numbers of roles; none takes all.
        scenes: Most scenes of each split of a source; 0 for all.
        turns: Most messages of a take; 0 for all.
        split: Where scenes go that no benchmark has put anywhere; None goes by their hash.
        licence: Under which sources may be used that say nothing of it: an SPDX id.
    """

    roles: tuple[int, ...] = ()
    scenes: int = 0
    turns: int = 0
    split: Split | None = None
    licence: str = NOT_STATED

    def __post_init__(self) -> None:
        if bad := [count for count in self.roles if not MIN_PLAYERS <= count <= MAX_PLAYERS]:
            raise SettingsError(f"{bad[0]} roles are not between {MIN_PLAYERS} and {MAX_PLAYERS}")
        if not 0 <= self.scenes <= MAX_SCENES:
            raise SettingsError(f"scenes {self.scenes} is not between 0 and {MAX_SCENES}")
        if not 0 <= self.turns <= MAX_TURNS:
            raise SettingsError(f"turns {self.turns} is not between 0 and {MAX_TURNS}")
        if not 1 <= len(self.licence.strip()) <= 100 or not self.licence.isprintable():
            raise SettingsError("a licence is an SPDX id such as CC-BY-4.0, of at most 100 characters")

    def plays(self, roles: int) -> bool:
        """Whether takes with so many roles are wanted."""
        return not self.roles or roles in self.roles

    def part(self, takes: Sequence[SceneTake]) -> tuple[SceneTake, ...]:
        """Takes of the first so many scenes of each split."""
        if not self.scenes:
            return tuple(takes)
        scenes: dict[Split, dict[str, None]] = {split: {} for split in Split}
        kept = []
        for take in takes:
            mine = scenes[take.split]
            if take.scene_id in mine or len(mine) < self.scenes:
                mine[take.scene_id] = None
                kept.append(take)
        return tuple(kept)


@dataclass(frozen=True, slots=True)
class Source:
    """What was read of a source.

    Attributes:
        name: For people; no path of this machine.
        kind: ``benchmark``, ``production`` or ``script``.
        digest: Of what was read, as 12 hexadecimal digits.
        licence: SPDX id, or `NOT_STATED`.
        takes: In order.
        notes: What was left out, and why.
    """

    name: str
    kind: str
    digest: str
    licence: str
    takes: tuple[SceneTake, ...]
    notes: tuple[str, ...] = ()


class KnownScenes:
    """Scenes that benchmarks have put into a split, and which of them a brief is.

    Args:
        sets: The benchmarks; the shipped one is always known.
    """

    def __init__(self, sets: Sequence[SceneSet] = ()) -> None:
        self._sets = sets

    def find(self, brief: SceneBrief) -> BenchScene | None:
        """The scene that a brief tells the story of, whoever plays in it; None if no benchmark has it."""
        scenes, twins = self._known
        twin = twins.like(_story(brief), STORY_AT_LEAST)
        return None if twin is None else scenes[twin.name]

    @functools.cached_property
    def _known(self) -> tuple[Mapping[str, BenchScene], Twins]:
        scenes: dict[str, BenchScene] = {}
        twins = Twins()
        for scene_set in (shipped_scene_set(), *self._sets):
            for scene in scene_set.scenes.values():
                if scenes.setdefault(scene.id, scene) is scene:
                    twins.add(scene.id, _story(scene.brief))
        return scenes, twins

    def place(self, brief: SceneBrief, wanted: Wanted) -> tuple[str, Split]:
        """Id and split of a scene."""
        if (known := self.find(brief)) is not None:
            return known.id, known.split
        scene_id = own_scene_id(brief.title, _story(brief))
        return scene_id, wanted.split or split_of(scene_id)


def own_scene_id(title: str, content: str) -> str:
    """The id of a scene that no benchmark has: its title, and a digest of what tells it from others."""
    slug = _NOT_ID.sub("-", title.casefold()).strip("-")[:_ID_CHARS].strip("-") or "scene"
    return f"{slug}-{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:8]}"


def split_of(scene_id: str) -> Split:
    """The split of a scene by its id: eight of ten train, one dev, one test."""
    return _OF_TEN[int.from_bytes(hashlib.sha256(scene_id.encode()).digest()[:8], "big") % len(_OF_TEN)]


def _story(brief: SceneBrief) -> str:
    return f"{brief.title}\n{brief.setting}\n{brief.background}"
