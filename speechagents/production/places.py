"""What a slug line says: inside or outside, where, and how it follows the scene before.

Owns the reading of ``INT. KITCHEN - DAY`` and its kin in six languages. Does not know how a place sounds
(`rooms`) or how long a change of scene lasts (`rhythm`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_SETTING_CHARS: Final = 500
"""Slug lines are read this far."""


class Setting(StrEnum):
    """Where a scene plays."""

    INSIDE = "inside"
    OUTSIDE = "outside"
    BOTH = "both"
    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class Place:
    """A slug line, read.

    Attributes:
        setting: From ``INT.``, ``EXT.``, ``I/E``.
        parts: The place from the large to the small, in lower case: ``("house", "kitchen")``; no time of day.
        continuous: The scene follows without a pause (CONTINUOUS, MOMENTS LATER, SAME).
        later: Time has passed (LATER, THE NEXT DAY).
    """

    setting: Setting
    parts: tuple[str, ...]
    continuous: bool = False
    later: bool = False

    @property
    def name(self) -> str:
        """The place as one string, to compare two scenes by."""
        return " / ".join(self.parts)


_INSIDE: Final = r"int(?:[ée]rieure?|erior|erno)?|innen|i"
_OUTSIDE: Final = r"ext(?:[ée]rieure?|erior|erno)?|esterno|est|au(?:ss|ß)en|e"
_PREFIX: Final = re.compile(
    rf"\s*(?:(?P<both>(?:{_INSIDE})\.?\s*/\s*(?:{_OUTSIDE})|(?:{_OUTSIDE})\.?\s*/\s*(?:{_INSIDE}))"
    rf"|(?P<inside>int(?:[ée]rieure?|erior|erno)?|innen)"
    rf"|(?P<outside>ext(?:[ée]rieure?|erior|erno)?|esterno|est|au(?:ss|ß)en))(?=[\s.:,/-]|$)[\s.:,-]*",
    re.IGNORECASE,
)
_DASH: Final = re.compile(r"\s+[-–—]+\s+|\s*[–—]\s*|\s+--\s*")
_CONTINUOUS: Final = re.compile(
    r"\b(?:continuous|cont'?d|continuing|same(?: time)?|moments? later|seconds? later|gleichzeitig|fortlaufend|"
    r"kurz darauf|continu|suite|"
    r"instants plus tard|continuo|contínuo|continua|mismo tiempo|stesso momento|mesmo tempo)\b",
    re.IGNORECASE,
)
_LATER: Final = re.compile(
    r"\b(?:later|next (?:day|morning|night|evening|week|year)|(?:day|week|month|year)s? after|später|am nächsten|"
    r"plus tard|le lendemain|más tarde|al día siguiente|più tardi|il giorno dopo|mais tarde|no dia seguinte)\b",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"\b(?:day|night|morning|evening|afternoon|noon|midday|midnight|dawn|dusk|sunrise|sunset|twilight|magic hour|"
    r"tag|nacht|morgen|abend|mittag|nachmittag|dämmerung|jour|nuit|matin|soir|aube|crépuscule|après-midi|día|noche|mañana|"
    r"tarde|amanecer|anochecer|giorno|notte|mattina|sera|pomeriggio|alba|tramonto|dia|noite|manhã|amanhecer|anoitecer)\b",
    re.IGNORECASE,
)


def read_place(setting: str) -> Place:
    """Read a slug line; any text is accepted, what is not understood becomes a part of the place."""
    text = setting[:MAX_SETTING_CHARS]
    match = _PREFIX.match(text)
    if match is None:
        kind = Setting.UNSAID
    else:
        kind = Setting.BOTH if match["both"] else Setting.INSIDE if match["inside"] else Setting.OUTSIDE
        text = text[match.end() :]
    parts = [" ".join(part.casefold().split()).strip(" .,:;") for part in _DASH.split(text)]
    parts = [part for part in parts if part]
    continuous = later = False
    # Times stand at the end; a first part is always a place (EXT. NIGHT CLUB, EXT. TAG DES ZORNS).
    while len(parts) > 1 and any(pattern.search(parts[-1]) for pattern in (_CONTINUOUS, _LATER, _TIME)):
        time = parts.pop()
        if _CONTINUOUS.search(time):
            continuous = True
        elif _LATER.search(time):
            later = True
    return Place(kind, tuple(parts), continuous, later and not continuous)
