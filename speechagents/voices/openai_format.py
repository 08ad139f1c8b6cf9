"""The format of OpenAI's speech requests, as it is spoken by its own server and by those compatible with it.

Owns the JSON of a request, what differs between servers (`SpeechDialect`), and the lists of voices that some of them
give. Does not know how it travels. Everything that comes back is untrusted: each field is checked for what it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from speechagents.drama import clean_name

MAX_VOICES: Final = 500
"""Voices that are read from one server."""

_MAX_NAME_CHARS: Final = 200
_SEEDS: Final = 2**31
_NAME_FIELDS: Final = ("id", "voice_id", "name", "voice")
"""Under which servers name a voice: Kokoro's and LocalAI's by an id, Speaches by its name."""


@dataclass(frozen=True, slots=True)
class SpeechDialect:
    """What a server takes beyond text, model, voice and format.

    Attributes:
        instructed: A sentence that says how to speak.
        seeded: A seed, which vLLM-Omni has and OpenAI has not.
        paced: A speed other than 1.
    """

    instructed: bool = True
    seeded: bool = True
    paced: bool = True

    def without(self, complaint: str) -> SpeechDialect | None:
        """The next one to try after a server's complaint; None if it is not about what it takes.

        Every step gives something up for good, so that there are few of them.
        """
        words = complaint.casefold()
        if self.instructed and re.search(r"\binstruct(ion|ions)?\b", words):
            return replace(self, instructed=False)
        if self.seeded and re.search(r"\bseed\b", words):
            return replace(self, seeded=False)
        if self.paced and re.search(r"\bspeed\b", words):
            return replace(self, paced=False)
        # A schema that forbids what it does not know seldom says which field that was.
        if (self.seeded or self.instructed) and re.search(
            r"extra (inputs|fields)|unrecogni[sz]ed|unknown (field|arg|param)", words
        ):
            return replace(self, seeded=False) if self.seeded else replace(self, instructed=False)
        return None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a server: a text, by whom and how.

    Attributes:
        text: Plain, not empty.
        voice: Its name at the server.
        instruction: How, in a sentence; empty for nothing to say about it.
        speed: Times the usual one.
        seed: For whatever is drawn.
    """

    text: str
    voice: str
    instruction: str
    speed: float
    seed: int


def request_body(wish: Wish, *, model: str, form: str, dialect: SpeechDialect) -> dict[str, Any]:
    """What is sent for a text.

    Args:
        wish: What is asked.
        model: Its name there.
        form: Format of the sound.
        dialect: What the server takes; what it does not take is left out.
    """
    body: dict[str, Any] = {"model": model, "input": wish.text, "voice": wish.voice, "response_format": form}
    if wish.instruction and dialect.instructed:
        body["instructions"] = wish.instruction
    if wish.speed != 1.0 and dialect.paced:
        body["speed"] = wish.speed
    if dialect.seeded:
        body["seed"] = wish.seed % _SEEDS
    return body


@dataclass(frozen=True, slots=True)
class ListedVoice:
    """A voice in a server's list; what the server does not say is empty.

    Attributes:
        name: At the server.
        gender: In the server's own word.
        language: Tag or word for its language.
        description: For people.
    """

    name: str
    gender: str = ""
    language: str = ""
    description: str = ""


def listed_voices(data: object) -> tuple[ListedVoice, ...]:
    """The voices in a list: names, or objects with names; one whose name cannot be shown as it is, is left out."""
    rows: object = data
    if isinstance(data, Mapping):
        rows = next((data[field] for field in ("voices", "data") if isinstance(data.get(field), list)), None)
    if not isinstance(rows, list):
        return ()
    found: dict[str, ListedVoice] = {}
    for row in rows[:MAX_VOICES]:
        voice = _listed(row)
        if voice is not None:
            found.setdefault(voice.name, voice)
    return tuple(found.values())


def _listed(row: object) -> ListedVoice | None:
    if isinstance(row, str):
        return ListedVoice(row) if _usable(row) else None
    if not isinstance(row, Mapping):
        return None
    name = next((row[field] for field in _NAME_FIELDS if isinstance(row.get(field), str) and row[field]), "")
    if not _usable(name):
        return None
    return ListedVoice(
        name,
        gender=_word(row.get("gender")),
        language=_word(row.get("language") or row.get("lang_code") or row.get("locale")),
        description=_word(row.get("description") or row.get("speaker_description")),
    )


def _usable(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME_CHARS and clean_name(name) == name


def _word(value: object) -> str:
    return clean_name(value[: 2 * _MAX_NAME_CHARS])[:_MAX_NAME_CHARS] if isinstance(value, str) else ""
