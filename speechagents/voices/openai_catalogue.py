"""The voices of a speech server as a catalogue: from its own list, from the user's, or from what is documented.

Owns what can be known of a voice that nobody here has heard: what the user says of it, else what the server says, else
what its name says (Kokoro's names tell language and sex), else what is said of OpenAI's thirteen. Sends nothing.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeVar

from speechagents.drama import clean_name
from speechagents.errors import SettingsError
from speechagents.voices.openai_format import MAX_VOICES, ListedVoice
from speechagents.voices.synthesizer import Age, Gender, Voice

SAMPLE: Final = "I was told you would come, though nobody could say when."

OPENAI_VOICES: Final = MappingProxyType(
    {
        "alloy": Gender.NEUTRAL,
        "ash": Gender.MALE,
        "ballad": Gender.MALE,
        "cedar": Gender.MALE,
        "coral": Gender.FEMALE,
        "echo": Gender.MALE,
        "fable": Gender.NEUTRAL,
        "marin": Gender.FEMALE,
        "nova": Gender.FEMALE,
        "onyx": Gender.MALE,
        "sage": Gender.FEMALE,
        "shimmer": Gender.FEMALE,
        "verse": Gender.MALE,
    }
)
"""The voices that OpenAI's reference names, and how people mostly hear them: its documentation does not say."""

_OPENAI_MODELS: Final = re.compile(r"(openai/)?(tts-1|gpt-4o-mini-tts)")
_KOKORO_NAME: Final = re.compile(r"([abefhijpz])([fm])_[a-z0-9_]+")
_KOKORO_ACCENTS: Final = {
    "a": "en-US",
    "b": "en-GB",
    "e": "es",
    "f": "fr-FR",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-BR",
    "z": "cmn",
}
_GENDERS: Final = {
    "female": Gender.FEMALE,
    "f": Gender.FEMALE,
    "woman": Gender.FEMALE,
    "male": Gender.MALE,
    "m": Gender.MALE,
    "man": Gender.MALE,
}
_TAG: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")
_TOLD: Final = frozenset({"gender", "age", "accent", "description", "narrates"})

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Told:
    """What the user says of a voice; what is empty is found out or guessed."""

    gender: Gender | None = None
    age: Age = Age.ADULT
    accent: str = ""
    description: str = ""
    narrates: bool = True


def told_voices(voices: Sequence[str] | Mapping[str, Mapping[str, Any]]) -> Mapping[str, Told]:
    """The option ``voices``: names, or what is to be known of each by name.

    Raises:
        SettingsError: Something in it cannot be used; the message names the voice.
    """
    if isinstance(voices, str):
        raise SettingsError(f"voices is a list of names, not one name; write [{voices[:40]}]")
    if len(voices) > MAX_VOICES:
        raise SettingsError(f"{len(voices)} voices are more than {MAX_VOICES}")
    told: dict[str, Told] = {}
    for name in voices:
        # They come from a settings file, where a name can be a number.
        if not isinstance(name, str) or not name or clean_name(name) != name:  # type: ignore[redundant-expr]
            raise SettingsError(f"{name!r} cannot be the name of a voice")
        told[name] = _told(name, voices[name]) if isinstance(voices, Mapping) else Told()
    return told


def documented_voices(base_url: str, model: str) -> tuple[ListedVoice, ...]:
    """The voices of a server that has no list of them but serves OpenAI's models; none where it does not."""
    host = base_url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0].casefold()
    if not (host.endswith(("openai.com", "openai.azure.com")) or _OPENAI_MODELS.match(model.casefold())):
        return ()
    return tuple(ListedVoice(name) for name in OPENAI_VOICES)


def catalogue(
    listed: Sequence[ListedVoice], told: Mapping[str, Told], *, source: str, licence: str, recipe: str
) -> Mapping[str, tuple[str, Voice]]:
    """The voices by id, each with its name at the server; an id depends on the set of names alone.

    Args:
        listed: The server's.
        told: What the user says; if anything, their voices are all there are.
        source: Where the voices come from, for people.
        licence: Of what they say.
        recipe: What besides its name makes a voice sound so.
    """
    known = {voice.name: voice for voice in listed}
    names = list(told) if told else list(known)
    slugs = {name: _slug(name) for name in names}
    uses = Counter(slugs.values())
    voices: dict[str, tuple[str, Voice]] = {}
    for name in names:
        slug = slugs[name]
        if not slug or uses[slug] > 1:
            mark = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
            slug = f"{slug or 'voice'}-{mark}"
        said = known.get(name, ListedVoice(name))
        voices[slug] = (name, _voice(slug, said, told.get(name, Told()), (source, licence, f"{recipe} voice {name}")))
    return voices


def _voice(slug: str, said: ListedVoice, told: Told, terms: tuple[str, str, str]) -> Voice:
    kokoro = _KOKORO_NAME.fullmatch(said.name)
    gender = told.gender or _GENDERS.get(said.gender.casefold())
    if gender is None and kokoro:
        gender = Gender.FEMALE if kokoro[2] == "f" else Gender.MALE
    gender = gender or OPENAI_VOICES.get(said.name, Gender.NEUTRAL)
    accent = told.accent or (said.language if _TAG.fullmatch(said.language) else "")
    if kokoro and not told.accent:
        accent = _KOKORO_ACCENTS[kokoro[1]]
    source, licence, recipe = terms
    return Voice(
        id=slug,
        description=told.description or said.description or f"The voice {said.name} of the server.",
        gender=gender,
        age=told.age,
        accent=accent.replace("_", "-") or "en",
        sample=SAMPLE,
        f0_hz=0.0,
        recipe=recipe,
        licence=licence,
        source=f"{source}, voice {said.name}",
        narrates=told.narrates,
    )


def _told(name: str, values: object) -> Told:
    if values is None:
        return Told()
    if not isinstance(values, Mapping):
        raise SettingsError(f"voice {name!r}: what is said of it is no mapping like {{gender: female}}")
    if unknown := set(map(str, values)) - _TOLD:
        raise SettingsError(f"voice {name!r}: {min(unknown)!r} is none of {', '.join(sorted(_TOLD))}")
    accent = values.get("accent", "")
    if not isinstance(accent, str) or (accent and not _TAG.fullmatch(accent)):
        raise SettingsError(f"voice {name!r}: accent {accent!r} is no language tag like en-GB")
    narrates = values.get("narrates", True)
    if not isinstance(narrates, bool):
        raise SettingsError(f"voice {name!r}: narrates is true or false, not {narrates!r}")
    return Told(
        gender=_member(Gender, name, "gender", values["gender"]) if "gender" in values else None,
        age=_member(Age, name, "age", values["age"]) if "age" in values else Age.ADULT,
        accent=accent,
        description=clean_name(str(values.get("description", "")))[:300],
        narrates=narrates,
    )


def _member(kind: type[Word], name: str, field: str, value: object) -> Word:
    try:
        return kind(str(value))
    except ValueError as error:
        raise SettingsError(f"voice {name!r}: {field} {value!r} is none of {', '.join(kind)}") from error


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.casefold()).strip("-")[:60]
