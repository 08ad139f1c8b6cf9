"""What a folder of trajectories says of itself: ``manifest.json``.

Owns the values and their form on disk. Does not know the files beside it (`trajectory_folder`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from speechagents.scripts.scene_file import MAX_SEED
from speechagents.tuning.json_fields import JsonFields, read_object
from speechagents.tuning.trajectory import MAX_HEARD, Split

MANIFEST_FILE: Final = "manifest.json"
VERSION: Final = 1

_MAX_BYTES: Final = 16_000_000
_MAX: Final = 10**12
_MAX_CHARS: Final = 4_000
_MAX_SOURCES: Final = 10_000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_REMEDY: Final = "gather the trajectories again"
_SPLITS: Final = tuple(split.value for split in Split)


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """What came of a source.

    Attributes:
        name: For people.
        kind: ``benchmark``, ``production``, ``script``, or ``given`` for what a program handed over.
        digest: Of what was read.
        licence: SPDX id, or what is known of it.
        scenes: Scenes of which there is a take.
        takes: Takes.
        messages: Messages in them.
        notes: What was left out, and why.
    """

    name: str
    kind: str
    digest: str
    licence: str
    scenes: int
    takes: int
    messages: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SplitFigures:
    """What there is of a split.

    Attributes:
        trajectories: That are in its file.
        scenes: Different ones.
        roles: Different ones, by scene.
        words: Of the lines.
        repeated: Turns that were dropped because the split says the same already.
        leaked: Turns that were dropped because another split says the same.
        sha256: Of its file.
    """

    trajectories: int
    scenes: int
    roles: int
    words: int
    repeated: int
    leaked: int
    sha256: str


@dataclass(frozen=True, slots=True)
class About:
    """Where trajectories come from, as those say who gather them.

    Attributes:
        hearing: ``text``, ``audio`` or ``units``.
        messages: Most messages that an agent was given.
        seed: Of the voices.
        sources: What was read.
        voices: Who spoke what had no sound yet; empty if nobody did.
        codec: Identity of the codec that made the units; empty if there are none.
        repeated: Turns that were dropped because their split says the same already.
        leaked: Turns that were dropped because another split says the same.
        made_by: Trajectories by who made them.
        thought: Trajectories with thoughts of the agent's own; the others' are derived.
        unspoken: Messages that no voice could speak.
    """

    hearing: str = "text"
    messages: int = MAX_HEARD
    seed: int = 0
    sources: tuple[SourceFigures, ...] = ()
    voices: str = ""
    codec: str = ""
    repeated: Mapping[Split, int] = field(default_factory=dict)
    leaked: Mapping[Split, int] = field(default_factory=dict)
    made_by: Mapping[str, int] = field(default_factory=dict)
    thought: int = 0
    unspoken: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder says of itself.

    Attributes:
        made_with: Version of this package.
        hearing: As in `About`, like all that is not told here.
        splits: Figures of each.
        styles: Trajectories by style.
        sounds: Files in ``audio/``.
        sound_s: Their length together, in seconds.
    """

    made_with: str
    hearing: str
    messages: int
    seed: int
    sources: tuple[SourceFigures, ...]
    voices: str
    codec: str
    splits: Mapping[Split, SplitFigures]
    styles: Mapping[str, int]
    made_by: Mapping[str, int]
    thought: int
    unspoken: int
    sounds: int
    sound_s: float

    @property
    def trajectories(self) -> int:
        """In all splits."""
        return sum(figures.trajectories for figures in self.splits.values())


_KEYS: Final = ("version", *(name for name in Manifest.__dataclass_fields__))
_SOURCE_KEYS: Final = tuple(SourceFigures.__dataclass_fields__)
_SPLIT_KEYS: Final = tuple(SplitFigures.__dataclass_fields__)


def manifest_to_json(manifest: Manifest) -> dict[str, Any]:
    """Plain values of a manifest, in the order they are written."""
    values = asdict(manifest)
    values["splits"] = {split.value: asdict(manifest.splits[split]) for split in Split}
    values["sources"] = [{**asdict(source), "notes": list(source.notes)} for source in manifest.sources]
    return {"version": VERSION, **values}


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises:
        TuningError: There is none, it is damaged, or from another version.
    """
    fields = read_object(folder / MANIFEST_FILE, _KEYS, most_bytes=_MAX_BYTES, remedy=_REMEDY)
    if (version := fields.whole("version", 0, _MAX)) != VERSION:
        fields.fault("version", f"is {version}; this program reads version {VERSION}: {_REMEDY}")
    splits = fields.object("splits", _SPLITS)
    return Manifest(
        made_with=fields.text("made_with", most=_MAX_CHARS),
        hearing=fields.one_of("hearing", ("text", "audio", "units")),
        messages=fields.whole("messages", 1, MAX_HEARD),
        seed=fields.whole("seed", 0, MAX_SEED),
        sources=tuple(map(_source, fields.objects("sources", _SOURCE_KEYS, count=_MAX_SOURCES))),
        voices=fields.text("voices", most=_MAX_CHARS),
        codec=fields.text("codec", most=_MAX_CHARS),
        splits={split: _split(splits.object(split.value, _SPLIT_KEYS)) for split in Split},
        styles=_counts(fields, "styles"),
        made_by=_counts(fields, "made_by"),
        thought=fields.whole("thought", 0, _MAX),
        unspoken=fields.whole("unspoken", 0, _MAX),
        sounds=fields.whole("sounds", 0, _MAX),
        sound_s=fields.number("sound_s", 0.0, float(_MAX)),
    )


def _source(fields: JsonFields) -> SourceFigures:
    return SourceFigures(
        name=fields.text("name", most=_MAX_CHARS),
        kind=fields.text("kind", most=_MAX_CHARS),
        digest=fields.text("digest", most=_MAX_CHARS),
        licence=fields.text("licence", most=_MAX_CHARS),
        scenes=fields.whole("scenes", 0, _MAX),
        takes=fields.whole("takes", 0, _MAX),
        messages=fields.whole("messages", 0, _MAX),
        notes=fields.texts("notes", most=_MAX_CHARS, count=_MAX_SOURCES),
    )


def _split(fields: JsonFields) -> SplitFigures:
    numbers = {name: fields.whole(name, 0, _MAX) for name in _SPLIT_KEYS if name != "sha256"}
    return SplitFigures(**numbers, sha256=fields.matched("sha256", _SHA256, "SHA-256"))


def _counts(fields: JsonFields, name: str) -> Mapping[str, int]:
    values = fields.raw(name)
    if not isinstance(values, dict) or len(values) > _MAX_SOURCES:
        fields.fault(name, f"is no object of counts; {_REMEDY}")
    inner = fields.object(name, tuple(values))
    return {key: inner.whole(key, 0, _MAX) for key in values}
