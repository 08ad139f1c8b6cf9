"""The values a drama is made of: styles, roles, lines, scenes.

Owns their meaning and their limits. Does not know how text is parsed into them (`scripts`), which voice
speaks them (`voices`) or how they become sound (`production`). All values are immutable and validated here,
at the edge, so that nobody further in has to check again.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum

NARRATOR = "NARRATOR"
"""Name of the role that reads headings and action; it never shares a voice with another role."""

MAX_NAME_CHARS = 300
MAX_LINE_CHARS = 2_000
"""Longest text of one `Line`. Readers split longer speeches at sentence ends, so that one take stays short
enough to be streamed, retried and held in memory."""
MAX_ROLES = 500


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
    """

    name: str
    profile: str = ""

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
        continues: Goes on in the same speech as the line before it (same role, no turn change).
        pause_s: Silence that the script asks for before this line, in seconds, on top of the usual gap.
        source_line: 1-based line in the source file, 0 when there is none.
        language: BCP 47 tag, empty for the script's language.
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
