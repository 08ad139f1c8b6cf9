"""Which room a scene is heard in.

Owns the table of rooms with their reverberation times, and the choice. The words that name places, in six
languages, are data, ``models/rooms.yaml``. Does not know how a room is synthesised (`acoustics`).

Reverberation times are round figures inside the ranges that are published for such places: Kuttruff 2009, *Room
Acoustics*, and Barron 2010, *Auditorium Acoustics* (churches 2–4 s, cathedrals 5 s and more, theatres about 1 s,
halls 2 s); ANSI/ASA S12.60 (classrooms at most 0.6–0.7 s); Eaton et al. 2016, IEEE/ACM Trans. ASLP 24:1681 (the
ACE corpus: offices 0.3–0.4 s, meeting rooms 0.4 s, lecture rooms 0.6–1.3 s, lobby 0.65 s); Jeub et al. 2009,
Proc. DSP (the AIR corpus: booth 0.1 s, meeting room 0.2 s, office 0.4 s, lecture room 0.8 s). Where no
measurement is known to us (cave, warehouse, car) the figure is our choice. Sizes are typical, and `wet_db` is
chosen so that every word stays clear: a microphone of a radio play stands closer than a listener would.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from typing import Final

import yaml

from speechagents.production.acoustics import Echo, Room
from speechagents.production.places import Setting, read_place
from speechagents.resources import resource

DRY: Final = Room("dry", 0.0, None, -math.inf)
"""No room at all: for texts without places, and for what a narrator says."""

FURNISHED: Final = Room("furnished room", 0.45, (5.2, 4.1, 2.6), -13.0, treble=0.75)
OPEN_AIR: Final = Room("open air", 0.0, None, -23.0, echoes=(Echo(0.007, 0.0), Echo(0.061, -9.0, 0.6)))

_INSIDE: Final[tuple[Room, ...]] = (
    Room("car", 0.08, (2.4, 1.5, 1.2), -11.0, treble=0.6),
    Room("vehicle", 0.3, (14.0, 2.8, 2.2), -13.0, treble=0.7),
    Room("closet", 0.15, (1.6, 1.3, 2.3), -11.0, treble=0.6),
    Room("bedroom", 0.35, (4.4, 3.8, 2.5), -14.0, treble=0.7),
    FURNISHED,
    Room("office", 0.4, (5.0, 4.0, 2.8), -13.0),
    Room("kitchen", 0.6, (4.2, 3.4, 2.5), -11.0, treble=0.9),
    Room("bathroom", 0.8, (2.6, 2.1, 2.4), -8.0, bass=0.9, treble=1.0),
    Room("shop", 0.7, (14.0, 9.0, 3.2), -13.0),
    Room("classroom", 0.65, (9.0, 7.0, 3.0), -12.0),
    Room("corridor", 1.1, (14.0, 2.2, 2.8), -11.0),
    Room("stairwell", 1.9, (5.0, 3.0, 12.0), -9.0),
    Room("metal hold", 0.8, (7.0, 4.5, 2.6), -10.0, bass=0.8, treble=1.1),
    Room("cellar", 0.9, (6.5, 5.0, 2.3), -10.0, treble=0.9),
    Room("theatre", 1.1, (24.0, 18.0, 11.0), -12.0),
    Room("hall", 1.8, (25.0, 16.0, 8.0), -10.0),
    Room("warehouse", 2.4, (40.0, 25.0, 9.0), -10.0, treble=0.7),
    Room("tunnel", 2.2, (60.0, 5.0, 4.0), -9.0, treble=0.7),
    Room("cave", 2.6, (22.0, 12.0, 7.0), -8.0, treble=0.7),
    Room("church", 2.8, (30.0, 14.0, 12.0), -9.0, bass=1.1, treble=0.7),
    Room("cathedral", 5.0, (80.0, 28.0, 22.0), -8.0, bass=1.1, treble=0.65),
)

_OUTSIDE: Final[tuple[Room, ...]] = (
    OPEN_AIR,
    Room(
        "street",
        0.0,
        None,
        -19.0,
        echoes=(Echo(0.006, 0.0), Echo(0.038, -6.0, -0.8), Echo(0.052, -7.0, 0.8), Echo(0.094, -13.0, -0.5)),
    ),
    Room(
        "courtyard",
        1.2,
        None,
        -14.0,
        treble=0.7,
        echoes=(Echo(0.006, 0.0), Echo(0.021, -3.0, -0.7), Echo(0.029, -4.0, 0.7), Echo(0.058, -8.0, 0.2)),
    ),
    Room(
        "forest",
        0.9,
        None,
        -19.0,
        treble=0.5,
        echoes=(Echo(0.008, 0.0), Echo(0.045, -6.0, 0.7), Echo(0.07, -8.0, -0.7)),
    ),
    Room(
        "canyon",
        1.6,
        None,
        -14.0,
        treble=0.6,
        echoes=(Echo(0.008, 0.0), Echo(0.19, -5.0, -0.6), Echo(0.33, -9.0, 0.6)),
    ),
    Room(
        "underpass",
        1.6,
        None,
        -10.0,
        treble=0.7,
        echoes=(Echo(0.006, 0.0), Echo(0.016, -2.0, -0.7), Echo(0.023, -2.0, 0.7)),
    ),
)

_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
# Behind these stands what the place belongs to, not what it is: "cuisine de l'église", "hall of the castle".
_OF: Final = re.compile(
    r"\s(?:of|de|du|des|del|della|dello|dell'|di|da|do|dos|das|der|von|vom|d'|near|outside|behind)(?=\s|\b)"
)


def room_for(setting: str) -> Room:
    """The room that a slug line names.

    The last and smallest part that is known decides (``INT. HOUSE - BATHROOM``), in it the last word
    (``CHURCH KITCHEN``) before any "of" (``HALL OF THE CASTLE``). Inside without a known place is a furnished
    room, outside is nearly dry, and no setting at all is dry.
    """
    place = read_place(setting)
    if not place.parts and place.setting is Setting.UNSAID:
        return DRY
    outside = place.setting is Setting.OUTSIDE
    tables = (_words(outside=True),) if outside else (_words(outside=False), _words(outside=True))
    if place.setting is Setting.INSIDE:
        tables = tables[:1]
    for table in tables:
        for part in reversed(place.parts):
            head, *rest = _OF.split(part)
            for text in (head, *rest):
                if (room := _last_known(text, table)) is not None:
                    return room
    return OPEN_AIR if outside else FURNISHED


def _last_known(text: str, table: Mapping[str, Room]) -> Room | None:
    """The room of the last word, or pair of words, that is in the table."""
    words = _WORD.findall(text)
    for index in range(len(words) - 1, -1, -1):
        for phrase in (
            "-".join(words[max(0, index - 2) : index + 1]),
            "-".join(words[max(0, index - 1) : index + 1]),
        ):
            if phrase in table:
                return table[phrase]
        for form in (words[index], words[index].removesuffix("s")):
            if form in table:
                return table[form]
    return None


@cache
def _words(*, outside: bool) -> Mapping[str, Room]:
    """Every word with its room, from ``models/rooms.yaml``; a word of several rooms means the first."""
    with resource("models", "rooms.yaml").open(encoding="utf-8") as file:
        data = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    found: dict[str, Room] = {}
    for room in _OUTSIDE if outside else _INSIDE:
        for word in data["outside" if outside else "inside"][room.name].split():
            found.setdefault(word, room)
    return found


def all_rooms() -> tuple[Room, ...]:
    """Every room there is, the dry one first."""
    return (DRY, *_INSIDE, *_OUTSIDE)
