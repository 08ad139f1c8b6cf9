"""The catalogue of a speech model: the voices it knows, under the names that people see.

Owns ids, what is said of a voice that nobody described, and the form of a file that describes them. Knows no model.

::

    voices:
      - speaker: "37"          # what the model calls it
        id: gruff-sailor
        description: Elderly, gruff, from the coast.
        gender: male           # optional: age, accent, sample, narrates, licence, source
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from speechagents.errors import SettingsError
from speechagents.resources import resource
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Speaker
from speechagents.voices.neural.transformers_languages import sample_sentence
from speechagents.voices.synthesizer import Age, Gender, Voice

Described = str | Path | Sequence[Mapping[str, Any]]
"""Voices as somebody describes them: a file, a name of one in ``models/voices``, or what stands in it."""

_ID: Final = re.compile(r"[a-z0-9-]{1,32}")
_FIELDS: Final = frozenset(
    ("speaker", "id", "description", "gender", "age", "accent", "sample", "narrates", "licence", "source")
)
_MOST_BYTES: Final = 200_000
_MOST_CHARS: Final = 300
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class Origin:
    """What all voices of a model have in common.

    Attributes:
        name: The model.
        recipe: What it is, as one string; a change of it makes new takes.
        licence: Of its weights.
        language: BCP 47 tag of voices that have none of their own.
    """

    name: str
    recipe: str
    licence: str
    language: str


def catalogue(
    speakers: Sequence[Speaker], origin: Origin, described: Described = ()
) -> Mapping[str, tuple[Voice, Speaker]]:
    """Voices by id.

    Args:
        speakers: What the model knows.
        origin: What they have in common.
        described: Those that shall be there, and how they are called; empty takes all, under names that are made up.

    Raises:
        SettingsError: The description is no such thing, or names a speaker that the model does not know.
    """
    by_key = {speaker.key: speaker for speaker in speakers}
    entries = _entries(described) if described else [{"speaker": key} for key in by_key]
    found: dict[str, tuple[Voice, Speaker]] = {}
    for place, entry in enumerate(entries, 1):
        try:
            speaker = by_key.get(str(entry.get("speaker", "")))
            if speaker is None:
                raise ValueError(
                    f"the model knows no speaker {entry.get('speaker')!r}; it knows {', '.join(list(by_key))}"
                )
            voice = _voice(entry, speaker, origin)
            if voice.id in found:
                raise ValueError(f"the id {voice.id!r} is there twice")
        except (TypeError, ValueError) as error:
            raise SettingsError(f"voices of {origin.name}: number {place}: {str(error)[:_MOST_CHARS]}") from error
        found[voice.id] = voice, speaker
    return found


def _voice(entry: Mapping[str, Any], speaker: Speaker, origin: Origin) -> Voice:
    if unknown := sorted(str(key) for key in entry if key not in _FIELDS):
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(sorted(_FIELDS))}")
    texts = {key: _text(entry, key) for key in ("id", "description", "accent", "sample", "licence", "source")}
    accent = texts["accent"] or speaker.language or origin.language
    if not _TAG.fullmatch(accent):
        raise ValueError(f"{accent!r} is no BCP 47 tag")
    if not isinstance(entry.get("narrates", False), bool):
        raise ValueError("narrates is true or false")
    voice_id = texts["id"] or _made_id(speaker.key)
    if not _ID.fullmatch(voice_id):
        raise ValueError(f"an id has 1 to 32 small letters, digits and hyphens, unlike {voice_id!r}")
    return Voice(
        id=voice_id,
        description=texts["description"] or speaker.description,
        gender=Gender(entry.get("gender", speaker.gender)),
        age=Age(entry.get("age", Age.ADULT)),
        accent=accent,
        sample=texts["sample"] or sample_sentence(accent),
        f0_hz=0.0,
        recipe=f"{origin.recipe} speaker {speaker.key} {'' if speaker.seed is None else speaker.seed}".rstrip(),
        licence=texts["licence"] or origin.licence,
        source=texts["source"] or f"{origin.name}, speaker {speaker.key}",
        narrates=bool(entry.get("narrates", False)),
    )


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str) or len(value) > _MOST_CHARS:
        raise ValueError(f"{key} is a text of at most {_MOST_CHARS} characters")
    return value.strip()


def _made_id(key: str) -> str:
    """An id of what a model calls a voice; numbers count from 1, as people do."""
    if key.isdigit():
        return f"voice-{int(key) + 1}"
    return re.sub(r"[^a-z0-9]+", "-", key.lower().removeprefix("v2/")).strip("-")[:32] or "voice"


def _entries(described: Described) -> Sequence[Mapping[str, Any]]:
    entries: Any = _read(described) if isinstance(described, str | Path) else described
    if not isinstance(entries, list | tuple) or not 1 <= len(entries) <= MOST_SPEAKERS:
        raise SettingsError(f"voices are a list of 1 to {MOST_SPEAKERS}, or the name of a file with one")
    for place, entry in enumerate(entries, 1):
        if not isinstance(entry, Mapping):
            raise SettingsError(f"voices: number {place} is no description of a voice")
    return entries


def _read(name: str | Path) -> Any:
    path = Path(name).expanduser()
    try:
        if re.fullmatch(r"[a-z0-9-]{1,40}", str(name)):
            path = resource("models", "voices", f"{name}.yaml")
        with path.open("rb") as file:
            read = file.read(_MOST_BYTES + 1)
        if len(read) > _MOST_BYTES:
            raise SettingsError(f"{path}: more than {_MOST_BYTES} bytes are no list of voices")
        values = yaml.safe_load(read)
    except OSError as error:
        raise SettingsError(f"{path}: no list of voices can be read there: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SettingsError(f"{path}: no YAML: {' '.join(str(error).split())[:_MOST_CHARS]}") from error
    return values.get("voices") if isinstance(values, dict) else None
