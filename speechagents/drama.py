"""The values a drama is made of: styles, roles, lines, scenes, and turns and messages of those who improvise.

Owns their meaning and their limits. Does not know how text is parsed into them (`scripts`), which voice
speaks them (`voices`) or how they become sound (`production`). All values are immutable and validated here,
at the edge, so that nobody further in has to check again.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field, replace
from enum import StrEnum

NARRATOR = "NARRATOR"
"""Name of the role that reads headings and action; it never shares a voice with another role."""

MAX_NAME_CHARS = 300
MAX_LINE_CHARS = 2_000
"""Longest text of one `Line`. Readers split longer speeches at sentence ends, so that one take stays short
enough to be streamed, retried and held in memory."""
MAX_ROLES = 500
MAX_UNIT = 65_535
MAX_UNITS = 10_000
"""Most speech units of a line: more than ten minutes."""


def role_key(name: str) -> str:
    """The identity of a role's name: two spellings with one key are one role.

    Case, surrounding and repeated white space, and Unicode composition do not tell roles apart:
    screenplays write ``ANNA`` where a cast list writes ``Anna``.
    """
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def clean_name(name: str) -> str:
    """A role's name fit for showing: no control or format characters, white space collapsed."""
    visible = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in unicodedata.normalize("NFC", name))
    return " ".join(visible.split())


def check_units(units: tuple[int, ...]) -> None:
    """Refuse speech units that no inventory has, and more than anybody says in one go.

    Raises:
        ValueError: They are such.
    """
    if len(units) > MAX_UNITS:
        raise ValueError(f"{len(units)} speech units are more than {MAX_UNITS}")
    if units and not 0 <= min(units) <= max(units) <= MAX_UNIT:
        raise ValueError(f"a speech unit is not between 0 and {MAX_UNIT}")


@dataclass(frozen=True, slots=True)
class Style:
    """How a line is delivered.

    Attributes:
        tag: Name of the style, one of `speechagents.styles.STYLES`.
        strength: 0 is neutral, 1 is the style as named, 2 the most it can be.
    """

    tag: str = "default"
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not self.tag:
            raise ValueError("a style needs a tag")
        if not (math.isfinite(self.strength) and 0.0 <= self.strength <= 2.0):
            raise ValueError(f"style strength {self.strength} is not between 0 and 2")


class Delivery(StrEnum):
    """From where a line reaches the listener; screenplays say it in the cue's extension."""

    DIRECT = "direct"
    VOICE_OVER = "voice_over"
    OFF_SCREEN = "off_screen"
    PHONE = "phone"
    RADIO = "radio"


@dataclass(frozen=True, slots=True)
class Role:
    """Somebody who speaks.

    Attributes:
        name: As shown; `role_key` of it is the identity.
        profile: Free text that describes the role (age, occupation, manner), used for casting and acting.
        voice: Id of the voice it must have; empty leaves it to the casting.
        goals: What it wants in this scene; known to its own agent alone.
        secrets: What it knows and others do not; known to its own agent alone.
        relations: What others are to it, as pairs of a role's name and a word ("Sophia", "friend").
    """

    name: str
    profile: str = ""
    voice: str = ""
    goals: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    relations: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("a role needs a name")
        if len(self.name) > MAX_NAME_CHARS:
            raise ValueError(f"a role's name is longer than {MAX_NAME_CHARS} characters")

    @property
    def key(self) -> str:
        """Identity of the role."""
        return role_key(self.name)


@dataclass(frozen=True, slots=True)
class Line:
    """One piece of speech by one role.

    Attributes:
        number: 1-based position in the whole script; unique and ascending.
        role: Name of the role; compare with `role_key`.
        text: What is said, without markup, at most `MAX_LINE_CHARS` characters.
        style: How it is said.
        delivery: From where it is heard.
        simultaneous: Starts together with the line before it (dual dialogue).
        continues: Goes on in the same speech as the line before it (same role, no turn change), or, in a novel, in the
            same sentence that another role began (“I will,” said Emma).
        pause_s: Silence that the script asks for before this line, in seconds, on top of the usual gap.
        source_line: 1-based line in the source file, 0 when there is none.
        language: BCP 47 tag, empty for the script's language.
        units: Speech units of it, from whoever wrote the line in units as well as in words; mostly none.
    """

    number: int
    role: str
    text: str
    style: Style = Style()
    delivery: Delivery = Delivery.DIRECT
    simultaneous: bool = False
    continues: bool = False
    pause_s: float = 0.0
    source_line: int = 0
    language: str = ""
    units: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.number < 1:
            raise ValueError(f"line number {self.number} is not positive")
        if not self.role.strip():
            raise ValueError("a line needs a role")
        if not self.text.strip():
            raise ValueError("a line needs text")
        if len(self.text) > MAX_LINE_CHARS:
            raise ValueError(f"a line is longer than {MAX_LINE_CHARS} characters; split it at a sentence end")
        if not (math.isfinite(self.pause_s) and 0.0 <= self.pause_s <= 60.0):
            raise ValueError(f"pause of {self.pause_s} s is not between 0 and 60 s")
        check_units(self.units)


class CueKind(StrEnum):
    """What a sound cue does."""

    EFFECT = "effect"
    AMBIENCE = "ambience"


@dataclass(frozen=True, slots=True)
class SoundCue:
    """A sound that the script asks for at this place of the scene.

    Attributes:
        name: What is asked for ("door slam"); matched against file names in the user's sound folder.
        kind: An effect plays once; an ambience runs to the end of the scene.
        source_line: 1-based line in the source file, 0 when there is none.
    """

    name: str
    kind: CueKind = CueKind.EFFECT
    source_line: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """A stretch of drama in one place.

    Attributes:
        title: Shown as the chapter's title.
        setting: The slug line, for example ``INT. KITCHEN - DAY``; room sound is chosen from it.
        items: Lines and sound cues in order.
    """

    title: str
    setting: str = ""
    items: tuple[Line | SoundCue, ...] = field(default=())

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines alone, in order."""
        return tuple(item for item in self.items if isinstance(item, Line))


MIN_PLAYERS = 2
MAX_PLAYERS = 25
MAX_TURNS = 2_000


@dataclass(frozen=True, slots=True)
class SceneBrief:
    """What role agents are told before they improvise a scene.

    Attributes:
        title: Shown as the chapter's title.
        setting: The slug line, for example ``EXT. CITY PARK - DAY``.
        background: What everybody in the scene knows.
        roles: Who plays, 2 to 25 of them.
        beats: What should happen, in order; the director leads from one to the next.
        policy: Name of the turn policy.
        turns: Most turns to play.
        language: BCP 47 tag.
        seed: Of everything left to chance.
    """

    title: str
    roles: tuple[Role, ...]
    setting: str = ""
    background: str = ""
    beats: tuple[str, ...] = ()
    policy: str = "addressed"
    turns: int = 24
    language: str = "en"
    seed: int = 0

    def __post_init__(self) -> None:
        if not MIN_PLAYERS <= len(self.roles) <= MAX_PLAYERS:
            raise ValueError(f"a scene has {MIN_PLAYERS} to {MAX_PLAYERS} roles, not {len(self.roles)}")
        if len({role.key for role in self.roles}) < len(self.roles):
            raise ValueError("two roles have the same name")
        if not 1 <= self.turns <= MAX_TURNS:
            raise ValueError(f"a scene has 1 to {MAX_TURNS} turns, not {self.turns}")

    def role(self, name: str) -> Role | None:
        """The role of a name however it is spelt, None if it does not play here."""
        key = role_key(name)
        return next((role for role in self.roles if role.key == key), None)

    def with_first_roles(self, count: int) -> SceneBrief:
        """The scene with its first so many roles; what they are to others is left out.

        Raises:
            ValueError: There are not so many.
        """
        if not MIN_PLAYERS <= count <= len(self.roles):
            raise ValueError(f"the scene has {len(self.roles)} roles, so it cannot be played with {count}")
        playing = {role.key for role in self.roles[:count]}
        roles = (
            replace(role, relations=tuple(one for one in role.relations if role_key(one[0]) in playing))
            for role in self.roles[:count]
        )
        return replace(self, roles=tuple(roles))


class Deed(StrEnum):
    """What a turn, or the message it becomes, is."""

    SPEAK = "speak"
    BACK_CHANNEL = "back_channel"
    """A short sign of listening ("mm-hm") under somebody else's speech; it takes no floor."""
    ACT = "act"
    LEAVE = "leave"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Turn:
    """What an agent does when it has the floor.

    Attributes:
        role: Who.
        deed: Speaks, acts, leaves or stays silent.
        text: What is said, or what is done in the third person ("puts the kettle on"); empty when silent.
        style: How it is said.
        thoughts: What was heard, what should be answered and how; nobody else ever sees them.
        addresses: Names of those it is meant for; empty means everybody.
        private: Only those addressed can hear it: a whisper, or another room.
        fallback: Why this is not the controller's own turn; empty when it is.
        units: Speech units of what is said, from a controller that writes them, for a synthesizer that voices them.
    """

    role: str
    deed: Deed = Deed.SPEAK
    text: str = ""
    style: Style = Style()
    thoughts: str = ""
    addresses: tuple[str, ...] = ()
    private: bool = False
    fallback: str = ""
    units: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.text.strip()) == (self.deed is Deed.SILENT):
            raise ValueError(f"a turn that is {self.deed.value} with text {self.text!r} means nothing")
        if len(self.text) > MAX_LINE_CHARS:
            raise ValueError(f"a turn says more than {MAX_LINE_CHARS} characters")
        if self.private and not self.addresses:
            raise ValueError("a private turn addresses somebody")
        if self.units and self.deed is not Deed.SPEAK:
            raise ValueError(f"a turn that is {self.deed.value} has no speech units")
        check_units(self.units)


@dataclass(frozen=True, slots=True)
class Message:
    """A turn as everybody concerned heard it: one entry of the shared stream.

    Attributes:
        id: 1-based position in the stream.
        speaker: Name of the role.
        text: What was said, or done.
        deed: What it is; never `Deed.SILENT`.
        style: How it was said.
        addresses: Names of those it was meant for; empty means everybody.
        audience: Names of those who could hear it; empty means everybody present.
        start_s: Start, in seconds from the start of the scene.
        end_s: End; the start of what makes no sound.
        take: Address of its take; empty for what makes no sound.
        cut: It was broken off by the next speaker.
        fallback: Why it is not the controller's own; empty when it is.
        units: Speech units of all of it, if the turn that it comes from had any.
    """

    id: int
    speaker: str
    text: str
    deed: Deed
    style: Style
    addresses: tuple[str, ...]
    audience: tuple[str, ...]
    start_s: float
    end_s: float
    take: str
    cut: bool = False
    fallback: str = ""
    units: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.id < 1:
            raise ValueError(f"message id {self.id} is not positive")
        if self.deed is Deed.SILENT or not self.text.strip():
            raise ValueError("a message says or shows something")
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0.0 <= self.start_s <= self.end_s):
            raise ValueError(f"a message from {self.start_s} s to {self.end_s} s is not in time")
        check_units(self.units)

    def heard_by(self, name: str) -> bool:
        """Whether a role can hear it; everybody hears themselves."""
        key = role_key(name)
        return not self.audience or key == role_key(self.speaker) or key in map(role_key, self.audience)
