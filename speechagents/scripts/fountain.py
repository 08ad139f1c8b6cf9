"""Fountain in: the screenplay as plain text (https://fountain.io/syntax, version 1.1).

Owns what is Fountain's own: which lines are character cues and where their dialogue ends. Marks that other forms
share are read by `blocks`, title pages by `title_page`. Knows nothing of performing.

Where the specification leaves room:

* A cue needs a blank line before it and text right below; ``@`` forces one in the middle of a paragraph too. In
  writing systems without capitals every cue is forced, as the specification recommends.
* ``FADE IN:`` at the head of a file is no title page, since it has no value.
* Notes and boneyards on a line of their own are elements, all others stay in the text they stand in; those on a
  cue's line become the first speech of its dialogue, where they are as silent.
* An outline mark (``#``, ``=``), a page break, a note or a boneyard is as good as a blank line to what follows.
* Empty lines between paragraphs of action are not counted.
* A note or boneyard without its end is an error, see `inline`.
"""

from __future__ import annotations

from collections.abc import Sequence

from speechagents.errors import ScriptError
from speechagents.scripts.blocks import read_body
from speechagents.scripts.cue import is_extension, is_name, plain_name, split_cue
from speechagents.scripts.inline import SourceLine, UnclosedMark, source_lines, unify, without_spans
from speechagents.scripts.parts import read_parts
from speechagents.scripts.script import Dialogue, Element, Part, PartKind, Script
from speechagents.scripts.title_page import read_title_page

BLANK_SPEECH_LINE = "  "
"""A line of two spaces is an empty line inside a dialogue."""


def parse_fountain(text: str, *, source: str = "") -> Script:
    """Read a Fountain screenplay.

    Args:
        text: The whole file.
        source: Name of the file for messages.

    Raises:
        ScriptError: A note or boneyard is not closed, or a character cannot be written to a file.
    """
    try:
        lines = source_lines(unify(text))
    except UnclosedMark as error:
        raise ScriptError(str(error), source=source, line=error.line) from None
    except ValueError as error:
        raise ScriptError(str(error), source=source) from None
    title_page, start = read_title_page(lines)
    return Script(read_body(lines[start:], read_cue), title_page, source)


def read_cue(lines: Sequence[SourceLine], index: int, after_blank: bool) -> tuple[Element, int] | None:
    """The dialogue whose cue stands at a line; a `blocks.SpeechReader`."""
    text, number = lines[index].text.strip(), lines[index].number
    forced = text.startswith("@")
    if not (forced or (after_blank and _may_be_cue(text))):
        return None
    plain, asides = without_spans(text)
    cue = split_cue(plain_name(plain.removeprefix("@")))
    if not is_name(cue.name) or not (forced or cue.name.isupper()):
        return None
    end = index + 1
    while end < len(lines) and (lines[end].text.strip() or lines[end].text == BLANK_SPEECH_LINE):
        end += 1
    parts = read_parts(lines[index + 1 : end])
    if asides:
        parts = (Part(PartKind.SPEECH, asides, number), *parts)
    if not parts:
        return None
    extensions = tuple(filter(is_extension, cue.extensions))
    return Dialogue(cue.name, parts, extensions, cue.dual, number), end


def _may_be_cue(text: str) -> bool:
    """A quick look: capitals before the first bracket, note or comment."""
    name = text.partition("(")[0].partition("[[")[0].partition("/*")[0]
    return not name.strip() or name.isupper()
