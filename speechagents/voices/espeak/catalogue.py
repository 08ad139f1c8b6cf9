"""The embedded voices: ``models/voices/espeak.yaml``, read and checked.

Owns the catalogue's form. Knows nothing of processes or sound.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from speechagents.errors import SettingsError
from speechagents.resources import resource
from speechagents.voices.espeak.languages import language_file
from speechagents.voices.espeak.recipe import Recipe
from speechagents.voices.measure import FINGERPRINT_SIZE
from speechagents.voices.synthesizer import Age, Gender, Voice

LICENCE: Final = "GPL-3.0-or-later (espeak-ng's data; speech made with it is not covered)"
SOURCE: Final = "espeak-ng 1.52 with a voice variant of this project"

_ID: Final = re.compile(r"[a-z0-9-]{1,32}")
_REQUIRED: Final = frozenset(
    ("id", "description", "gender", "age", "accent", "sample", "recipe", "f0_hz", "fingerprint")
)
_OPTIONAL: Final = frozenset(("narrates",))


@dataclass(frozen=True, slots=True)
class EmbeddedVoice:
    """A voice of the catalogue with everything that is known of it.

    Attributes:
        voice: What everybody else sees.
        recipe: What makes it.
        language: Its home language's file.
    """

    voice: Voice
    recipe: Recipe
    language: str


@cache
def load_catalogue() -> tuple[EmbeddedVoice, ...]:
    """All embedded voices, in the order of the file.

    Raises:
        SettingsError: The file is damaged; the message names the entry and the fault.
    """
    return read_catalogue(resource("models", "voices", "espeak.yaml"))


def read_catalogue(path: Path) -> tuple[EmbeddedVoice, ...]:
    """Read a catalogue file.

    Raises:
        SettingsError: An entry is not valid or an id is there twice.
    """
    try:
        with path.open(encoding="utf-8") as file:
            data = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict) or not isinstance(data.get("voices"), list):
        raise SettingsError(f"{path.name}: a catalogue needs a list named voices")
    voices = []
    for place, entry in enumerate(data["voices"], 1):
        name = entry.get("id", place) if isinstance(entry, dict) else place
        try:
            voices.append(_voice(entry))
        except (KeyError, TypeError, ValueError, SettingsError) as error:
            raise SettingsError(f"{path.name}: voice {name}: {error}") from error
    ids = [voice.voice.id for voice in voices]
    if twice := {one for one in ids if ids.count(one) > 1}:
        raise SettingsError(f"{path.name}: ids used twice: {', '.join(sorted(twice))}")
    return tuple(voices)


def _voice(entry: Mapping[str, Any]) -> EmbeddedVoice:
    if unknown := entry.keys() - _REQUIRED - _OPTIONAL:
        raise ValueError(f"unknown fields {', '.join(sorted(unknown))}")
    if not _ID.fullmatch(str(entry["id"])):
        raise ValueError("an id is 1 to 32 of a-z, 0-9 and -")
    for name in ("description", "sample"):
        if not (isinstance(entry[name], str) and entry[name].strip()):
            raise ValueError(f"{name} is empty")
    fingerprint = tuple(float(value) for value in entry["fingerprint"])
    if len(fingerprint) != FINGERPRINT_SIZE:
        raise ValueError(f"the fingerprint has {len(fingerprint)} numbers, not {FINGERPRINT_SIZE}")
    if not 30.0 <= float(entry["f0_hz"]) <= 700.0:
        raise ValueError("f0_hz is not between 30 and 700")
    recipe = _recipe(entry["recipe"])
    voice = Voice(
        id=str(entry["id"]),
        description=str(entry["description"]),
        gender=Gender(entry["gender"]),
        age=Age(entry["age"]),
        accent=str(entry["accent"]),
        sample=str(entry["sample"]),
        f0_hz=float(entry["f0_hz"]),
        recipe=f"{entry['accent']} {recipe!r}",
        licence=LICENCE,
        source=SOURCE,
        narrates=bool(entry.get("narrates", False)),
        fingerprint=fingerprint,
    )
    return EmbeddedVoice(voice, recipe, language_file(voice.accent))


def _recipe(fields: Mapping[str, Any]) -> Recipe:
    """A recipe from its fields; lists become tuples."""
    values: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "formants":
            values[name] = {int(number): _three(scales) for number, scales in value.items()}
        elif isinstance(value, list):
            values[name] = tuple(int(item) for item in value)
        else:
            values[name] = float(value) if name == "tract" else int(value)
    return Recipe(**values)


def _three(scales: Any) -> tuple[int, int, int]:
    frequency, strength, width = (int(scale) for scale in scales)
    return frequency, strength, width
