"""The values of attribution: characters, quotations, and who is thought to say what.

Owns their meaning. Does not know how quotations are found (`quotes`), characters told (`characters`) or speakers
chosen (`attribute`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Gender(StrEnum):
    """What is known of a character's gender, as far as it chooses pronouns and voices."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


class QuoteKind(StrEnum):
    """How a quotation says who speaks."""

    EXPLICIT = "explicit"
    """A speech tag with a name: “said Emma”."""
    ANAPHORIC = "anaphoric"
    """A speech tag with a pronoun or a description: “said she”, “said the old man”."""
    IMPLICIT = "implicit"
    """No tag at all."""


@dataclass(frozen=True, slots=True)
class Character:
    """Somebody in a novel.

    Attributes:
        name: As shown and cast.
        aliases: Other names, nicknames and titles; `name` is not among them.
        gender: As far as it is known.
        mentions: How often any of the names stands in the text.
    """

    name: str
    aliases: tuple[str, ...] = ()
    gender: Gender = Gender.UNKNOWN
    mentions: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """One quotation: what a character says in one go, interrupted by a tag or not.

    Attributes:
        spans: Character offsets of its pieces, quotation marks included, half open, in order.
        speaker: Name of the character, None for what is left to the narrator.
        confidence: Probability that the speaker is right, 0 to 1, calibrated.
        kind: How the text says who speaks.
        addressee: Name of the character spoken to, None where it cannot be told.
        tag: Offsets of the speech tag (“said Emma softly”) as far as there is one, for choosing a style.
    """

    spans: tuple[tuple[int, int], ...]
    speaker: str | None
    confidence: float
    kind: QuoteKind
    addressee: str | None = None
    tag: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """A novel's characters and quotations.

    Attributes:
        characters: Most mentioned first.
        quotes: In the order of their first span; spans do not overlap.
        first_person: Name of the character who tells the story as “I”, None for a narrator outside of it or unknown.
    """

    characters: tuple[Character, ...]
    quotes: tuple[Quote, ...]
    first_person: str | None = None
