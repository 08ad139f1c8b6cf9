"""Elements that Fountain and the dialogue form write alike, and the division of a body into elements.

Owns headings, action, transitions, centred text, lyrics, sections, synopses, page breaks, notes and boneyards, in
both directions. What the two forms do differently, speech above all, they hand in as a `SpeechReader`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from speechagents.scripts.inline import SourceLine, lines_of, source_lines, spans
from speechagents.scripts.script import (
    MAX_SECTION_DEPTH,
    Action,
    Boneyard,
    Dialogue,
    Element,
    Heading,
    Lyric,
    Note,
    PageBreak,
    Section,
    Synopsis,
    Transition,
    is_natural_heading,
)

SpeechReader = Callable[[Sequence[SourceLine], int, bool], tuple[Element, int] | None]
"""Reads what begins at a line, given whether a blank line stands before it: the element and the index of the line
behind it, or None when it is nothing of the reader's."""


def read_body(lines: Sequence[SourceLine], read_speech: SpeechReader) -> tuple[Element, ...]:
    """Divide the lines below the title page into elements."""
    elements: list[Element] = []
    index, after_blank = 0, True
    while index < len(lines):
        text = lines[index].text.strip()
        if not text:
            after_blank = True
            index += 1
            continue
        if aside := _asides(text, lines[index].number):
            # What is not performed is as good as blank: a cue may follow directly.
            elements += aside
            index += 1
            continue
        found = None
        if text == "!" or not text.startswith("!"):
            found = _marked(lines, index, after_blank) or read_speech(lines, index, after_blank)
        element, index = found or _paragraph(lines, index, read_speech)
        elements.append(element)
        after_blank = False
    return tuple(elements)


def write_block(element: Element, read_speech: SpeechReader) -> str:
    """Any element but a dialogue as a block of lines, marked no more than the reader needs.

    Of the possible forms the plainest is taken that is read back as this element.
    """
    *plainer, safest = _forms(element)
    for form in plainer:
        if read_body(source_lines(form), read_speech) == (element,):
            return form
    return safest


def write_forced(element: Element) -> str:
    """Any element but a dialogue as a block that nothing before it or around it can turn into something else."""
    *_, safest = _forms(element)
    return safest


def _asides(text: str, number: int) -> list[Element]:
    """What a line holds that is not performed, if it holds nothing else."""
    if text.startswith("="):
        if len(text) >= 3 and not text.strip("="):
            return [PageBreak(number)]
        return [Synopsis(text[1:], number)]
    if text.startswith("#"):
        depth = min(len(text) - len(text.lstrip("#")), MAX_SECTION_DEPTH)
        return [Section(text[depth:], depth, number)]
    elements: list[Element] = []
    if text.startswith(("[[", "/*")):
        position = 0
        for span in spans(text):
            if text[position : span.start].strip():
                return []
            inner = span.inner(text)
            elements.append(Note(inner, number) if span.is_note else Boneyard(inner, number))
            number += text.count("\n", position, span.end)
            position = span.end
        if text[position:].strip():
            return []
    return elements


def _marked(lines: Sequence[SourceLine], index: int, after_blank: bool) -> tuple[Element, int] | None:
    """The heading, transition, centred text or lyric that begins at a line."""
    raw, number = lines[index].text, lines[index].number
    text = raw.strip()
    if after_blank and (heading := _heading(text, number)):
        return heading, index + 1
    if _lyric(text):
        end = index + 1
        while end < len(lines) and lines[end].text.strip().startswith("~"):
            end += 1
        return Lyric("\n".join(line.text.strip()[1:] for line in lines[index:end]), number), end
    if _centered(text):
        end = index
        while end < len(lines) and _centered(lines[end].text.strip()):
            end += 1
        centered = "\n".join(_centered(line.text.strip()) for line in lines[index:end])
        return Action(centered, centered=True, source_line=number), end
    if transition := _forced_transition(text):
        return Transition(transition, number), index + 1
    # Per the specification a space behind the colon makes action of it, so the raw line counts.
    ends = index + 1 == len(lines) or not lines[index + 1].text.strip()
    if after_blank and ends and raw.endswith("TO:") and raw.isupper() and text[0] not in "@^":
        return Transition(text, number), index + 1
    return None


def _paragraph(lines: Sequence[SourceLine], index: int, read_speech: SpeechReader) -> tuple[Action, int]:
    """The action that begins at a line and goes on to a blank line or a line that is plainly something else."""
    kept = [_unforced(lines[index].text)]
    end = index + 1
    while end < len(lines):
        text = lines[end].text.strip()
        if not text or (not text.startswith("!") and _breaks_action(lines, end, text, read_speech)):
            break
        kept.append(_unforced(lines[end].text))
        end += 1
    return Action("\n".join(kept), source_line=lines[index].number), end


def _breaks_action(lines: Sequence[SourceLine], index: int, text: str, read_speech: SpeechReader) -> bool:
    if text[0] in "=#" or _lyric(text) or _centered(text) or _forced_transition(text):
        return True
    return isinstance((read_speech(lines, index, False) or (None,))[0], Dialogue)


def _unforced(raw: str) -> str:
    text = raw.lstrip()
    # A mark with nothing behind it forces nothing.
    return text[1:] if text.startswith("!") and len(text.rstrip()) > 1 else raw


def _heading(text: str, number: int) -> Heading | None:
    if is_natural_heading(text):
        return Heading(*_split_number(text), number)
    if not text.startswith(".") or len(text) < 2:
        return None
    forced = text[1:]
    if forced.startswith("\\"):
        # An escape forces what a dot alone does not; two backslashes are for a text that begins with one. An
        # escaped note or boneyard mark stays escaped.
        if not forced.startswith(("\\[[", "\\/*")):
            forced = forced.removeprefix("\\").removeprefix("\\")
    elif not (forced[0].isalnum() or forced.startswith(("[[", "/*"))):
        return None
    return Heading(*_split_number(forced), number) if forced.strip() else None


def _split_number(text: str) -> tuple[str, str]:
    """A heading's text without its scene number ``#1A#``, and the number; notes may follow it."""
    tail_start = len(text)
    for span in reversed(list(spans(text))):
        if text[span.end : tail_start].strip():
            break
        tail_start = span.start
    head, tail = text[:tail_start].rstrip(), text[tail_start:]
    if not head.endswith("#"):
        return text, ""
    start = head.rfind("#", 0, len(head) - 1)
    number = head[start + 1 : -1]
    kept = head[:start].rstrip()
    if start < 1 or not kept or not all(character.isalnum() or character in ".-" for character in number):
        return text, ""
    return f"{kept} {tail}" if tail else kept, number


def _lyric(text: str) -> bool:
    return text.startswith("~") and bool(text[1:].strip())


def _centered(text: str) -> str:
    """Text between ``>`` and ``<``, empty for anything else."""
    return text[1:-1].strip() if text.startswith(">") and text.endswith("<") and not text.endswith("\\<") else ""


def _forced_transition(text: str) -> str:
    """Text behind ``>``; its last ``<`` is escaped, or it would be centred text."""
    if not text.startswith(">"):
        return ""
    transition = text[1:].strip()
    return transition[:-2] + "<" if transition.endswith("\\<") else transition


def _forms(element: Element) -> Iterator[str]:
    """Ways to write an element, the plainest first, the last one always right."""
    match element:
        case Action(text=text, centered=True):
            yield "\n".join(f"> {line} <" for line in lines_of(text))
        case Action(text=text):
            yield text
            first, *rest = lines_of(text)
            yield "\n".join(("!" + first, *rest))
            yield "\n".join("!" + line for line in (first, *rest))
        case Heading():
            yield from _heading_forms(element)
        case Lyric(text=text):
            yield "\n".join("~" + line for line in lines_of(text))
        case Transition(text=text):
            yield text
            yield "> " + (text[:-1] + "\\<" if text.endswith("<") else text)
        case Section(text=text, depth=depth):
            yield f"{'#' * depth} {text}".rstrip()
        case Synopsis(text=text):
            yield f"= {text}".rstrip()
        case PageBreak():
            yield "==="
        case Note(text=text):
            lines = (line or "  " for line in text.split("\n"))
            yield "[[" + "\n".join(lines) + (" ]]" if text.endswith("]") else "]]")
        case Boneyard(text=text):
            yield f"/*{text}*/"
        case Dialogue():
            raise TypeError("a dialogue is written by its own form")


def _heading_forms(heading: Heading) -> Iterator[str]:
    # An empty number keeps a text that itself ends like a number.
    numbers = (f" #{heading.number}#",) if heading.number else ("", " ##")
    backslashes = "\\\\" if heading.text.startswith("\\") else "\\"
    for mark in ("", ".", "." + backslashes):
        for number in numbers:
            yield mark + heading.text + number
