"""Speeches as rows that people edit, and edited rows back into the script.

Owns the form of a row and what an edit means. Does not know any page. A row stands for one dialogue block: the name,
and its parts in one text, a parenthetical in round brackets where it holds (``(whispering) Is it still raining?``),
sung lines behind a ``~`` on lines of their own. Everything that is no speech (headings, action, notes, cues) is not
shown and stays where it is; a block whose row is unchanged stays the very block it was, marks and notes included; an
edited one keeps what rows do not show: its extensions (``V.O.``) and that it is spoken at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Final

from speechagents.drama import Line, role_key
from speechagents.errors import ScriptError
from speechagents.scripts.breakdown import Breakdown, break_down
from speechagents.scripts.directions import is_pause, read_direction
from speechagents.scripts.inline import plain
from speechagents.scripts.script import Dialogue, Element, Heading, Part, PartKind, Script, Section
from speechagents.styles import STYLES, style_from_words

MAX_ROWS: Final = 60
"""Rows of one passage: more make a page heavy and are lost sight of."""
MAX_ROW_CHARS: Final = 20_000
MAX_EDITED_ROWS: Final = 400

_BRACKET = re.compile(r"\(([^()\n]{1,100})\)")
_STRIDE: Final = 1_000_000
"""Further apart than any element has lines, see `traced_breakdown`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One speech as it is edited."""

    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """What is edited at a time: a scene, or a stretch of a long one.

    Attributes:
        title: For choosing it.
        first: Index of its first element in the script.
        end: Index behind its last.
    """

    title: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Speech:
    """One speech with what is made of it.

    Attributes:
        index: Of its element in the script.
        row: Name and text.
        lines: The lines it is spoken as, one a take.
    """

    index: int
    row: Row
    lines: tuple[Line, ...]

    @property
    def style(self) -> str:
        """Tag of the style it begins in."""
        return self.lines[0].style.tag


def passages(script: Script) -> tuple[Passage, ...]:
    """The script in stretches of at most `MAX_ROWS` speeches; one that has no speech makes none."""
    by_section = not any(isinstance(element, Heading) for element in script.elements)
    opens = Section if by_section else Heading
    bounds = [0, *(i for i, e in enumerate(script.elements) if isinstance(e, opens) and i), len(script.elements)]
    found: list[Passage] = []
    for first, end in pairwise(bounds):
        speeches = [i for i in range(first, end) if isinstance(script.elements[i], Dialogue)]
        head = script.elements[first] if first < end else None
        title = plain(head.text) if isinstance(head, Heading | Section) else script.title or "Opening"
        pieces = -(-len(speeches) // MAX_ROWS)
        cuts = [len(speeches) * piece // pieces for piece in range(pieces + 1)] if pieces else []
        for at, last in pairwise(cuts):
            name = title if pieces == 1 else f"{title} ({at + 1}–{last})"
            start = first if at == 0 else speeches[at]
            found.append(Passage(name, start, speeches[last] if last < len(speeches) else end))
    return tuple(found)


def rows_of(script: Script, passage: Passage) -> tuple[Row, ...]:
    """The speeches of a passage."""
    elements = script.elements[passage.first : passage.end]
    return tuple(row_of(element) for element in elements if isinstance(element, Dialogue))


def row_of(dialogue: Dialogue) -> Row:
    """A dialogue block as a row."""
    return Row(dialogue.character, _joined(dialogue.parts))


def with_rows(script: Script, passage: Passage, rows: Sequence[Row]) -> Script:
    """The script with the speeches of one passage as they were edited; empty rows are taken out.

    Raises:
        ScriptError: There are too many rows, one is too long, or one cannot stand in a script.
    """
    if len(rows) > MAX_EDITED_ROWS:
        raise ScriptError(f"{len(rows)} lines in one passage; at most {MAX_EDITED_ROWS} can be edited at a time")
    kept = [Row(row.speaker.strip(), row.text.strip()) for row in rows if row.text.strip()]
    at = [i for i in range(passage.first, passage.end) if isinstance(script.elements[i], Dialogue)]
    before = rows_of(script, passage)
    old = [(row.speaker, row.text) for row in before]
    new = [(row.speaker, row.text) for row in kept]
    changed: dict[int, tuple[Element, ...]] = {}
    behind: dict[int, list[Element]] = {}
    place = at[0] - 1 if at else passage.end - 1  # new speeches go behind this element
    for _, old_first, old_end, new_first, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        for step in range(max(old_end - old_first, new_end - new_first)):
            was, becomes = old_first + step, new_first + step
            if was < old_end:
                place = at[was]
            if was >= old_end:
                behind.setdefault(place, []).append(_edited(None, kept[becomes]))
            elif becomes >= new_end:
                changed[place] = ()
            elif old[was] != new[becomes]:
                block = script.elements[place]
                assert isinstance(block, Dialogue)  # noqa: S101 - `at` holds the places of dialogue alone
                changed[place] = (_edited(block, kept[becomes]),)
    elements: list[Element] = list(behind.get(-1, ()))
    for index, element in enumerate(script.elements):
        elements += changed.get(index, (element,))
        elements += behind.get(index, ())
    return replace(script, elements=tuple(elements))


def with_speech(script: Script, index: int, text: str, style: str) -> Script:
    """The script with one speech said otherwise.

    Args:
        script: Where it stands.
        index: Of its element.
        text: As in a row.
        style: Tag of the style that it begins in; where that is the one it has, brackets in the text decide.

    Raises:
        ScriptError: There is no such speech, or the text cannot stand in a script.
    """
    block = script.elements[index] if 0 <= index < len(script.elements) else None
    if not isinstance(block, Dialogue):
        raise ScriptError("this line is no longer there; choose it from the list again")
    if style not in STYLES:
        raise ScriptError(f"there is no style “{style[:40]}”; choose one of the list")
    if not text.strip():
        raise ScriptError("the line is empty; write what is said, or remove the line from the list of lines")
    # A block that keeps its words keeps its marks.
    edited = block if text.strip() == row_of(block).text else _edited(block, Row(block.character, text))
    if style not in (_style_of(block), _style_of(edited)):
        edited = replace(edited, parts=_restyled(edited, style))
    return replace(script, elements=(*script.elements[:index], edited, *script.elements[index + 1 :]))


def speeches_of(script: Script, play: Breakdown) -> tuple[Speech, ...]:
    """The speeches that are heard, with their lines.

    Args:
        script: The script.
        play: What `traced_breakdown` made of it.
    """
    lines: dict[int, list[Line]] = {}
    for scene in play.scenes:
        for line in scene.lines:
            lines.setdefault(line.source_line // _STRIDE - 1, []).append(line)
    return tuple(
        Speech(index, row_of(element), tuple(lines[index]))
        for index, element in enumerate(script.elements)
        if isinstance(element, Dialogue) and index in lines
    )


def traced_breakdown(script: Script, *, narrator: bool, language: str = "") -> Breakdown:
    """What the script is performed as, each line with the place of its element for a source line.

    Raises:
        ScriptError: As `break_down`.
        SettingsError: As `break_down`.
    """
    return break_down(_traced(script), narrator=narrator, language=language)


def _traced(script: Script) -> Script:
    traced: list[Element] = []
    for index, element in enumerate(script.elements):
        line = (index + 1) * _STRIDE
        if isinstance(element, Dialogue):
            element = replace(element, parts=tuple(replace(part, source_line=line) for part in element.parts))
        traced.append(replace(element, source_line=line))
    return replace(script, elements=tuple(traced))


def _edited(block: Dialogue | None, row: Row) -> Dialogue:
    if len(row.text) > MAX_ROW_CHARS:
        raise ScriptError(f"a line of {row.speaker[:40]} is longer than {MAX_ROW_CHARS} characters; split it")
    try:
        parts = tuple(_parts(row.text))
        if not any(part.kind is not PartKind.PARENTHETICAL for part in parts):
            raise ValueError("only brackets, and nothing to say")
        if block is None:
            return Dialogue(row.speaker, parts)
        name = block.character if role_key(block.character) == role_key(row.speaker) else row.speaker
        return replace(block, character=name, parts=parts)
    except ValueError as error:
        raise ScriptError(f"a line of “{row.speaker[:40]}” cannot be used: {error}") from None


def _joined(parts: Sequence[Part]) -> str:
    """Parts in one text."""
    text = ""
    for part in parts:
        if part.kind is PartKind.LYRIC:
            piece = "\n".join("~" + line for line in part.text.split("\n"))
            text = f"{text.rstrip()}\n{piece}\n" if text else f"{piece}\n"
        elif part.kind is PartKind.PARENTHETICAL:
            # A direction that is neither a pause nor a style tag is told from words by the line that it begins.
            apart = text.strip() and not text.endswith(("\n", ") ")) and not _stands_anywhere(part.text)
            text = f"{text.rstrip()}\n({part.text}) " if apart else f"{text}({part.text}) "
        else:
            paragraphs = re.split(r"\n\s*\n", part.text)
            text += "\n\n".join(_guarded(" ".join(paragraph.split())) for paragraph in paragraphs) + " "
    return text.strip()


def _guarded(text: str) -> str:
    """Speech that begins like a lyric or an escape, marked as speech."""
    return "\\" + text if text.startswith(("~", "\\")) else text


def _stands_anywhere(bracket: str) -> bool:
    return is_pause(bracket) or bracket in STYLES


def _parts(text: str) -> Iterator[Part]:
    """A text in parts, the inverse of `_joined` as far as it is heard."""
    speech: list[str] = []
    trailing: list[Part] = []
    parts: list[Part] = []

    def close() -> None:
        said = "\n".join(speech).strip("\n")
        if said.strip():
            parts.append(Part(PartKind.SPEECH, said))
        speech.clear()

    for line in text.replace("\r\n", "\n").split("\n"):
        line = line.strip()
        if line.startswith("~") and line[1:].strip():
            close()
            parts.append(Part(PartKind.LYRIC, line[1:]))
            continue
        if line.startswith("\\"):
            speech.append(line[1:])
            continue
        if not line:
            speech.append("")
            continue
        said = 0
        for bracket in _BRACKET.finditer(line):
            leads = not line[said : bracket.start()].strip()
            if leads or _stands_anywhere(bracket[1].strip()):
                speech.append(line[said : bracket.start()].strip())
                close()
                parts.append(Part(PartKind.PARENTHETICAL, bracket[1]))
                said = bracket.end()
        speech.append(line[said:].strip())
    close()
    # The editor offers styles while one types, so that one may stand behind the words it is meant for.
    while len(parts) > 1 and parts[-1].kind is PartKind.PARENTHETICAL and parts[-1].text in STYLES:
        trailing.insert(0, parts.pop())
    yield from (*trailing, *parts)


def _style_of(block: Dialogue) -> str:
    """Tag of the style a block begins in."""
    alone = Script((Dialogue("A", block.parts, block.extensions),))
    try:
        return break_down(alone, narrator=False).scenes[0].lines[0].style.tag
    except ScriptError:
        return "default"


def _restyled(block: Dialogue, style: str) -> tuple[Part, ...]:
    """Parts that begin in a style: manners in front give way to it, pauses and places stay."""
    parts = list(block.parts)
    front: list[Part] = []
    while parts and parts[0].kind is PartKind.PARENTHETICAL:
        part = parts.pop(0)
        manner = read_direction(plain(part.text)).manner
        if not (manner and style_from_words(manner).style):
            front.append(part)
    if style != "singing":
        parts = [replace(part, kind=PartKind.SPEECH) if part.kind is PartKind.LYRIC else part for part in parts]
    # "default" is a word for its own style only in this program; "neutral" is one in every script.
    word = "neutral" if style == "default" else style
    return (*front, Part(PartKind.PARENTHETICAL, word), *parts)
