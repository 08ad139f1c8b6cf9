"""The plain dialogue form out: a script as text that reads back equal.

Owns how a speech is laid out; all other elements are written by `blocks`. Knows no reader but `dialogue`, whose
inverse it is: ``parse_dialogue(write_dialogue(script)) == script`` for every script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from speechagents.scripts.blocks import read_body, write_block
from speechagents.scripts.dialogue import FENCE, parse_dialogue, read_speaker
from speechagents.scripts.inline import source_lines
from speechagents.scripts.parts import write_part
from speechagents.scripts.script import Dialogue, Element, Part, PartKind, Script
from speechagents.scripts.title_page import write_title_page

_INDENT = "    "


def write_dialogue(script: Script) -> str:
    """A script in the dialogue form, marked no more than needed."""
    blocks = [_write(element) for element in script.elements]
    if script.title_page:
        blocks.insert(0, "\n".join((FENCE, write_title_page(script.title_page), FENCE)))
    elif blocks and _needs_fence(blocks[0]):
        blocks.insert(0, f"{FENCE}\n{FENCE}")
    return "\n\n".join(blocks) + "\n"


def _needs_fence(block: str) -> bool:
    """Whether a first block would be read as a title page, or as a text that is indented as a whole."""
    return block.startswith((FENCE, " ")) or bool(parse_dialogue(block).title_page)


def _write(element: Element) -> str:
    if not isinstance(element, Dialogue):
        return write_block(element, read_speaker)
    *plainer, safest = _forms(element)
    for form in plainer:
        if read_body(source_lines(form), read_speaker) == (element,):
            return form
    return safest


def _forms(dialogue: Dialogue) -> Iterator[str]:
    """Ways to write a speech, the plainest first, the last one always right."""
    leading = list(takewhile(lambda part: part.kind is PartKind.PARENTHETICAL, dialogue.parts))
    plain = dialogue.character
    forced = "@" + re.sub(r"[:()]", r"\\\g<0>", dialogue.character)
    extensions = [text if text.isupper() else f"ext: {text}" for text in dialogue.extensions]
    safe_extensions = [f"ext: {text}" for text in dialogue.extensions]
    styles = [part.text for part in leading]
    safe_styles = [f"style: {text}" if text.isupper() or ":" in text else text for text in styles]
    for name in (plain, forced):
        yield _layout(dialogue, name, (*extensions, *safe_styles), dialogue.parts[len(leading) :])
        yield _layout(dialogue, name, extensions, dialogue.parts)
    yield _layout(dialogue, forced, safe_extensions, dialogue.parts)


def _layout(dialogue: Dialogue, name: str, groups: Sequence[str], parts: Sequence[Part]) -> str:
    head = " ".join(("^" * dialogue.dual + name, *(f"({group})" for group in groups))) + ":"
    lines = [_escaped(line) for part in parts for line in write_part(part)]
    if parts and parts[0].kind is not PartKind.PARENTHETICAL:
        head = f"{head} {lines.pop(0)}"
    return "\n".join((head, *(_INDENT + line for line in lines)))


def _escaped(line: str) -> str:
    """A line of a speech with the backslash that keeps an empty one in it, and a lone one what it is."""
    return "\\" + line if not line.strip("\\") else line
