"""What a user may choose for a performance, checked before anything is made.

Owns names, defaults and limits of the options, and their form in ``production.json``. Does not know what they do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from speechagents.errors import SettingsError

DEFAULT_FORMATS = ("m4b", "mp3", "vtt", "json")
UNSURE_BELOW = 0.6
"""Quotations with less confidence are asked about, where a language model is asked."""


@dataclass(frozen=True, slots=True)
class PerformSettings:
    """Options of a performance.

    Attributes:
        formats: Names of the exports, see ``speechagents export --help``.
        master: Loudness standard of the audio files: ``acx``, ``r128``, ``podcast`` or ``none``.
        narrator: Read headings and action aloud.
        stems: Also write one FLAC for each role, and one for effects and ambience.
        seed: Chooses among equally good voices, positions and gaps; same seed, same bytes. Where a production has a
            cast already, that cast stays.
        language: BCP 47 tag; empty takes the title page's ``Language:``, else English.
        author: Overrides the title page's author.
        cast: A cast file that overrides the casting; None takes the production's own, if it has one.
        sounds: Folder of effects and ambiences for the script's cues.
        cover: Picture for the audio files; None draws one.
    """

    formats: tuple[str, ...] = DEFAULT_FORMATS
    master: str = "podcast"
    narrator: bool = False
    stems: bool = False
    seed: int = 0
    language: str = ""
    author: str = ""
    cast: Path | None = None
    sounds: Path | None = None
    cover: Path | None = None

    def __post_init__(self) -> None:
        _check_seed(self.seed)
        _check_language(self.language)
        if len(self.author) > 300:
            raise SettingsError("the author's name is longer than 300 characters")

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``production.json``."""
        return _plain(asdict(self))

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Settings as `as_json` gave them.

        Raises:
            SettingsError: The values were damaged.
        """
        kept = _kept(values, {field.name for field in fields(cls)}, _FITS, remedy="perform the script again")
        return cls(**kept)


_PATHS = ("cast", "sounds", "lexicon", "characters", "cover")


def _check_seed(seed: int) -> None:
    if type(seed) is not int or not 0 <= seed < 2**63:
        raise SettingsError(f"seed {seed!r} is not a whole number from 0 to {2**63 - 1}")


def _check_language(tag: str) -> None:
    if tag and not (len(tag) <= 35 and tag.replace("-", "").isalnum()):
        raise SettingsError(f"language {tag!r} is no BCP 47 tag; write for example en, de or pt-BR")


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # Absolute, because a later run may be started from another folder.
        name: str(value.absolute()) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        for name, value in values.items()
    }


def _kept(
    values: object, names: Collection[str], fits: Mapping[str, Callable[[object], bool]], *, remedy: str
) -> dict[str, Any]:
    """Options of a ``production.json`` that are there, checked and of their types."""
    if not isinstance(values, dict):
        raise SettingsError(f"production.json holds no settings; {remedy}")
    kept: dict[str, Any] = {}
    for name in names:
        value = values.get(name)
        if value is None:
            continue
        if not fits[name](value):
            raise SettingsError(f"production.json: {name} cannot be {value!r}; {remedy}")
        kept[name] = Path(value) if name in _PATHS else value
    kept["formats"] = tuple(kept.get("formats", DEFAULT_FORMATS))
    return kept


def _is(kind: type) -> Callable[[object], bool]:
    return lambda value: type(value) is kind


_FITS: Mapping[str, Callable[[object], bool]] = {
    "formats": lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    "master": _is(str),
    "narrator": _is(bool),
    "stems": _is(bool),
    "seed": _is(int),
    "language": _is(str),
    "author": _is(str),
    "cast": _is(str),
    "sounds": _is(str),
    "cover": _is(str),
}
"""What JSON must give for each option."""


@dataclass(frozen=True, slots=True)
class ImproviseSettings:
    """Options of an improvised scene.

    Attributes:
        formats: Names of the exports.
        master: Loudness standard of the audio files.
        roles: Play with the first so many roles of the scene; None plays with all.
        turns: Most turns; None takes the scene's.
        policy: Turn policy; empty takes the scene's.
        seed: None takes the scene's.
        hearing: ``text``: agents read what was said; ``audio``: they hear it.
        critic_passes: How often a draft may be sent back, 0 to 2.
        controller: Who acts; empty takes the preset's, or a server that runs on this machine.
        model: Model for that controller; empty takes its first.
        server: Base URL for that controller.
        cast: A cast file that overrides the casting.
        cover: Picture for the audio files; None draws one.
    """

    formats: tuple[str, ...] = DEFAULT_FORMATS
    master: str = "podcast"
    roles: int | None = None
    turns: int | None = None
    policy: str = ""
    seed: int | None = None
    hearing: str = "text"
    critic_passes: int = 0
    controller: str = ""
    model: str = ""
    server: str = ""
    cast: Path | None = None
    cover: Path | None = None

    def __post_init__(self) -> None:
        if self.hearing not in HEARINGS:
            raise SettingsError(f"hearing {self.hearing!r} is none of {', '.join(HEARINGS)}")
        if self.roles is not None and not 2 <= self.roles <= 25:
            raise SettingsError(f"{self.roles} roles are not between 2 and 25")
        if self.turns is not None and not 1 <= self.turns <= 2_000:
            raise SettingsError(f"{self.turns} turns are not between 1 and 2000")
        if not 0 <= self.critic_passes <= 2:
            raise SettingsError(f"{self.critic_passes} passes of the critic are not between 0 and 2")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise SettingsError(f"seed {self.seed!r} is not a whole number from 0 to {2**63 - 1}")


HEARINGS = ("text", "audio")


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """Options of a book that is read aloud.

    Attributes:
        formats: Names of the exports; ``m4b`` makes one file, every other format of sound one for each chapter.
        master: Loudness standard that each chapter meets by itself.
        chapters: Which chapters to read, such as ``1-3,5``; empty reads all.
        proof: Listen to every take, and have faulty ones spoken again.
        seed: Chooses among equally good voices and gaps; same seed, same bytes.
        language: BCP 47 tag; empty takes the book's, else English.
        title: Overrides the book's.
        author: Overrides the book's.
        notes: ``skip`` leaves footnotes out, ``read`` reads them where they stand.
        first_person: A narrator who is a character of the story speaks with that character's voice.
        narrator_voice: Id of the narrator's voice; empty leaves it to the casting.
        credits: Say title, author and voices at the start and at the end.
        opening: Text of the opening credits instead of the usual one.
        closing: Text of the closing credits instead of the usual one.
        narrator_name: Whom the credits name as the reader, empty for nobody.
        tags: ``read`` reads “said Emma”; ``drop`` leaves it out where the voice says it too.
        min_confidence: Quotations whose speaker is less sure than this, 0 to 1, are read by the narrator.
        controller: Name of the controller that is asked who speaks where that is unsure. Nobody is asked if this,
            `model` and `server` are empty.
        model: Name of its model; empty leaves the choice to it.
        server: Base URL of an OpenAI-compatible server that is asked; empty takes one that runs on this machine.
        unsure: Quotations with less confidence than this, 0 to 1, are asked about.
        cast: A cast file that overrides casting and attribution; None takes the production's own, if it has one.
        lexicon: A pronunciation lexicon (PLS 1.0).
        characters: A table of the characters (CSV), instead of those that are found.
        cover: Picture for the audio files; None takes the book's own, or draws one.
    """

    formats: tuple[str, ...] = DEFAULT_FORMATS
    master: str = "acx"
    chapters: str = ""
    proof: bool = False
    seed: int = 0
    language: str = ""
    title: str = ""
    author: str = ""
    notes: str = "skip"
    first_person: bool = False
    narrator_voice: str = ""
    credits: bool = True
    opening: str = ""
    closing: str = ""
    narrator_name: str = ""
    tags: str = "read"
    min_confidence: float = 0.0
    controller: str = ""
    model: str = ""
    server: str = ""
    unsure: float = UNSURE_BELOW
    cast: Path | None = None
    lexicon: Path | None = None
    characters: Path | None = None
    cover: Path | None = None

    def __post_init__(self) -> None:
        _check_seed(self.seed)
        _check_language(self.language)
        if self.notes not in NOTES:
            raise SettingsError(f"notes {self.notes!r} is none of {', '.join(NOTES)}")
        if self.tags not in SPEECH_TAGS:
            raise SettingsError(f"tags {self.tags!r} is none of {', '.join(SPEECH_TAGS)}")
        for confidence in (self.min_confidence, self.unsure):
            if not 0.0 <= confidence <= 1.0:
                raise SettingsError(f"a confidence of {confidence:g} is not between 0 and 1")
        for name in ("title", "author"):
            if len(getattr(self, name)) > 300:
                raise SettingsError(f"the {name} is longer than 300 characters")

    def as_json(self) -> dict[str, Any]:
        """Plain values for ``production.json``."""
        return _plain(asdict(self))

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Settings as `as_json` gave them.

        Raises:
            SettingsError: The values were damaged.
        """
        kept = _kept(values, {field.name for field in fields(cls)}, _READ_FITS, remedy="read the book again")
        return cls(**kept)


NOTES = ("skip", "read")
SPEECH_TAGS = ("read", "drop")

_READ_FITS: Mapping[str, Callable[[object], bool]] = {
    "formats": lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    **dict.fromkeys(("proof", "first_person", "credits"), _is(bool)),
    "seed": _is(int),
    **dict.fromkeys(("master", "chapters", "language", "title", "author", "notes", "narrator_voice"), _is(str)),
    **dict.fromkeys(("opening", "closing", "narrator_name", "tags"), _is(str)),
    **dict.fromkeys(("controller", "model", "server"), _is(str)),
    **dict.fromkeys(("min_confidence", "unsure"), lambda value: type(value) in (int, float)),
    **dict.fromkeys(("cast", "lexicon", "characters", "cover"), _is(str)),
}
