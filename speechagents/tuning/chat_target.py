"""What a chat model should answer: in the form that the running system reads, in pieces that can be told apart.

Owns those pieces. Does not know what was asked (`controllers.prompts`), how answers are read (`controllers.grammar`),
or what tokens are (`chat_family`).

What would be cleaned away when it is read (a name in front, stage directions, markup) is cleaned away here: a model
should not learn to write what nobody will hear.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from speechagents.controllers.controller import AgentInput
from speechagents.controllers.grammar import MAX_THOUGHTS_CHARS, TURN_SCHEMA, bounded
from speechagents.controllers.plain_speech import deed_of, speech_of
from speechagents.controllers.quoting import Names
from speechagents.drama import Deed, Style, Turn
from speechagents.styles import STYLES
from speechagents.tuning.family import Part

_PARTS: Final[Mapping[str, Part]] = MappingProxyType(
    {"thoughts": Part.THOUGHTS, "style": Part.STYLE, "speech": Part.LINE}
)
"""Fields of an answer whose texts are parts of their own."""
_ACTIONS: Final[Sequence[str]] = TURN_SCHEMA["properties"]["action"]["enum"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer.

    Attributes:
        part: What it is.
        text: As it stands there, with the escapes of JSON; never empty.
    """

    part: Part
    text: str


def turn_pieces(turn: Turn, ask: AgentInput) -> Sequence[Piece]:
    """The JSON object of a turn, keys in the order of the schema.

    Joined they are what `grammar.parse_turn` reads. Texts of `_PARTS` are pieces of their own, without their quotation
    marks; all else is form. A text that is empty has no piece.

    Args:
        turn: What was done.
        ask: What its role was asked; names are written the way they stand there.
    """
    names = Names.of(ask.scene)
    own = (ask.role.name, shown_name(names, ask.role.name))
    clean = speech_of if turn.deed is Deed.SPEAK else deed_of
    fields: dict[str, Any] = {
        "thoughts": bounded(turn.thoughts, MAX_THOUGHTS_CHARS),
        "action": turn.deed.value if turn.deed.value in _ACTIONS else Deed.SPEAK.value,
        "addresses": [shown_name(names, name) for name in turn.addresses],
        "whisper": turn.private,
        "style": turn.style.tag if turn.style.tag in STYLES else Style().tag,
        "strength": round(turn.style.strength, 2),
        # What cannot be spoken at all is left as it is: something has to stand there.
        "speech": (clean(turn.text, own) or turn.text) if turn.text else "",
    }
    pieces: list[Piece] = []
    form = "{"
    for key in TURN_SCHEMA["properties"]:
        written = json.dumps(fields[key], ensure_ascii=False)
        form += f"{json.dumps(key)}: "
        if key in _PARTS and fields[key]:
            pieces += [Piece(Part.FORM, f'{form}"'), Piece(_PARTS[key], written[1:-1])]
            form = '"'
        else:
            form += written
        form += ", "
    return (*pieces, Piece(Part.FORM, form.removesuffix(", ") + "}"))


def shown_name(names: Names, name: str) -> str:
    """A role's name as prompts show it."""
    return str(json.loads(names.quoted(name)))
