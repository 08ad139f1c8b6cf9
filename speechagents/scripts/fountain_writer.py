"""Fountain out: a script as text that reads back equal.

Owns the choice between a plain and a forced cue; all other elements are written by `blocks`. Knows no reader but
`fountain`, whose inverse it is: ``parse_fountain(write_fountain(script)) == script`` for every script.
"""

from __future__ import annotations

from speechagents.scripts.blocks import read_body, write_block, write_forced
from speechagents.scripts.fountain import BLANK_SPEECH_LINE, read_cue
from speechagents.scripts.inline import source_lines
from speechagents.scripts.parts import write_part
from speechagents.scripts.script import Dialogue, Element, Script
from speechagents.scripts.title_page import read_title_page, write_title_page


def write_fountain(script: Script) -> str:
    """A script as Fountain, marked no more than needed."""
    blocks = [_write(element) for element in script.elements]
    if script.title_page:
        blocks.insert(0, write_title_page(script.title_page))
    elif blocks and read_title_page(source_lines(blocks[0]))[0]:
        blocks[0] = _forced(script.elements[0])
    return "\n\n".join(blocks) + "\n"


def _write(element: Element) -> str:
    if not isinstance(element, Dialogue):
        return write_block(element, read_cue)
    plain = _write_dialogue(element, mark="")
    if read_body(source_lines(plain), read_cue) == (element,):
        return plain
    return _write_dialogue(element, mark="@")


def _forced(element: Element) -> str:
    """An element that stands first and would be read as a title page, under a mark that keeps it from that."""
    return _write_dialogue(element, mark="@") if isinstance(element, Dialogue) else write_forced(element)


def _write_dialogue(dialogue: Dialogue, *, mark: str) -> str:
    cue = " ".join((mark + dialogue.character, *(f"({text})" for text in dialogue.extensions)))
    lines = [cue + " ^" if dialogue.dual else cue]
    for part in dialogue.parts:
        lines += (line or BLANK_SPEECH_LINE for line in write_part(part))
    return "\n".join(lines)
