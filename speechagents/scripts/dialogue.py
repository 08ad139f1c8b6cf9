r"""The plain dialogue form in: ``Name (style): line``, as people type and paste it.

Owns what is a speaker's line and what belongs to the speech below it. Everything that is no speech is marked as in
Fountain (`blocks`), so that a whole screenplay fits in. Knows nothing of performing.

::

    ---
    Title: Two at a Table          optional; without the fences it is read when a key is a known one
    ---

    INT. KITCHEN - DAY #1#         headings, > transitions, ~lyrics, # sections, = synopses, [[notes]],
                                   /* struck-out text */, === page breaks: as in Fountain
    Scene 2: the garden            a heading as well
    Rain outside.                  a paragraph that nobody speaks is action; ! forces it
    [She sits down.]               so is a line in brackets

    Anna (V.O.) (softly): Hello.   groups in capitals are extensions, others a parenthetical
        (after a pause)            indented lines belong to the speech: parentheticals, ~lyrics, more speech
        Are you there?
    and so do plain lines right below it
    ^Ben: Are you there?           at the same time as the speech before
    Ben (ext: on the phone) (style: BEAT): Yes.
    @10\: the robot: Beep.         a name that would not pass for one; \: \( \) stand for themselves

A lone backslash is an empty line inside a speech; a backslash before a bracket or tilde at the start of a line
makes it speech.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from textwrap import dedent

from speechagents.errors import ScriptError
from speechagents.scripts.blocks import read_body
from speechagents.scripts.cue import is_extension, is_name, split_cue
from speechagents.scripts.inline import SourceLine, UnclosedMark, source_lines, spans, unify
from speechagents.scripts.parts import read_parts
from speechagents.scripts.script import Action, Dialogue, Element, Heading, Part, PartKind, Script
from speechagents.scripts.sound_marks import is_sound_word
from speechagents.scripts.title_page import KNOWN_KEYS, TitlePage, read_title_page

FENCE = "---"
MAX_PLAIN_NAME_CHARS = 60
MAX_PLAIN_NAME_WORDS = 5
MAX_HEADER_CHARS = 4_000
"""A colon further into a line than this belongs to no speaker."""

_LONE_BACKSLASHES = re.compile(r"\\+")
_NUMBERED_SCENE = re.compile(r"(?:act|scene|chapter|part)\s+[\divxlc]+\s*(?:$|[:.–—-])", re.IGNORECASE)
_SAYING = frozenset({"said", "says", "asked", "asks", "replied", "replies", "thought", "wrote", "cried"})
_NAME_KINDS = frozenset({"So", "Sk", "Cf"})  # emoji and what joins them
_NAME_SIGNS = frozenset(" .'’-&/#+_*·()")
_MAX_ABBREVIATION_CHARS = 5
_LONG_WORD_CHARS = 4
_FREE_WORDS = 3


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a speaker's line.

    Attributes:
        name: Who speaks.
        extensions: Bracket groups that say from where.
        parentheticals: Bracket groups that say how.
        dual: It sounds together with the speech before.
        length: Characters of the line up to and with the colon.
    """

    name: str
    extensions: tuple[str, ...]
    parentheticals: tuple[str, ...]
    dual: bool
    length: int


def parse_dialogue(text: str, *, source: str = "") -> Script:
    """Read a script in the plain dialogue form.

    Args:
        text: The whole file.
        source: Name of the file for messages.

    Raises:
        ScriptError: A note, boneyard or title page is not closed, or a character cannot be written to a file.
    """
    try:
        text = unify(text)
        # A text pasted with its indentation; what begins at the margin keeps its white space.
        lines = source_lines(dedent(text) if text.lstrip("\n")[:1] in (" ", "\t") else text)
    except UnclosedMark as error:
        raise ScriptError(str(error), source=source, line=error.line) from None
    except ValueError as error:
        raise ScriptError(str(error), source=source) from None
    title_page, start = _title_page(lines, source)
    return Script(read_body(lines[start:], read_speaker), title_page, source)


def read_speaker(lines: Sequence[SourceLine], index: int, after_blank: bool) -> tuple[Element, int] | None:
    """The speech or bracketed action that begins at a line; a `blocks.SpeechReader`."""
    text, number = lines[index].text.strip(), lines[index].number
    header = read_header(text)
    if header is None:
        if after_blank and _NUMBERED_SCENE.match(text):
            return Heading(text, source_line=number), index + 1
        direction = _bracketed(text)
        return (Action(direction, source_line=number), index + 1) if direction else None
    content = [SourceLine(number, text[header.length :].strip())] if text[header.length :].strip() else []
    end = index + 1
    while end < len(lines) and lines[end].text.strip() and not _ends_speech(lines[end].text):
        content.append(lines[end])
        end += 1
    leading = (Part(PartKind.PARENTHETICAL, words, number) for words in header.parentheticals)
    parts = (*leading, *read_parts([SourceLine(line.number, _unescaped(line.text)) for line in content]))
    if not parts:
        return None
    return Dialogue(header.name, parts, header.extensions, header.dual, number), end


def read_header(text: str) -> Header | None:
    """The head of a speaker's line, None when the line is none."""
    if ":" not in text and "：" not in text:
        return None
    dual = text.startswith("^")
    forced = text.startswith("@", dual)
    start = dual + forced
    bold = 0
    if not forced and text.startswith("**", start):
        # Pasted Markdown: **Anna:** hello. With the colon outside the stars they just surround the name.
        colon = text.find(":", start, MAX_HEADER_CHARS)
        if text.startswith("**", colon + 1):
            start, bold = start + 2, 2
    colon = _colon(text, start, forced=forced)
    if colon < 0:
        return None
    behind = text[colon + 1 + bold : colon + 2 + bold]
    if behind and not behind.isspace() and not forced and text[colon] == ":" and behind not in "\"'“„«‘":
        return None
    head = text[start:colon]
    groups: tuple[str, ...]
    if forced:
        name, groups = _forced_name(head)
    else:
        cue = split_cue(head)
        name, groups, dual = cue.name, cue.extensions, dual or cue.dual
        if not is_plain_name(name):
            return None
    extensions, parentheticals = _sorted_groups(groups)
    if not is_name(name) or (forced and split_cue(name).name != name) or not all(map(is_extension, extensions)):
        return None
    return Header(name, extensions, parentheticals, dual, colon + 1 + bold)


@lru_cache(maxsize=4096)
def is_plain_name(name: str) -> bool:
    """Whether a text before a colon passes for a speaker's name without ``@``.

    Names are short, hold no punctuation but that of names, and more than three words of them are capitalised;
    ``Scene 2``, ``SFX`` and ``she said`` are none.
    """
    words = name.split()
    if len(name) > MAX_PLAIN_NAME_CHARS or not 1 <= len(words) <= MAX_PLAIN_NAME_WORDS:
        return False
    kinds = [unicodedata.category(character) for character in name]
    if not all(
        kind[0] in "LMN" or kind in _NAME_KINDS or c in _NAME_SIGNS for kind, c in zip(kinds, name, strict=True)
    ):
        return False
    if not any(kind[0] == "L" or kind == "So" for kind in kinds) or not (name[0].isalnum() or kinds[0] == "So"):
        return False
    if any("." in word and len(word) > _MAX_ABBREVIATION_CHARS for word in words):
        return False
    if len(words) > _FREE_WORDS and any(len(word) >= _LONG_WORD_CHARS and word[0].islower() for word in words):
        return False
    return not (words[-1].casefold() in _SAYING or is_sound_word(name) or _NUMBERED_SCENE.match(name))


def _sorted_groups(groups: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Bracket groups parted into extensions and parentheticals."""
    extensions: list[str] = []
    parentheticals: list[str] = []
    for group in groups:
        mark, colon, words = group.partition(":")
        if colon and mark in ("ext", "style") and words.strip():
            (extensions if mark == "ext" else parentheticals).append(words.strip())
        else:
            (extensions if group.isupper() else parentheticals).append(group)
    return tuple(extensions), tuple(parentheticals)


def _colon(text: str, start: int, *, forced: bool) -> int:
    """Where the colon stands that ends a speaker's head, -1 when there is none."""
    depth, position = 0, start
    end = min(len(text), MAX_HEADER_CHARS)
    while position < end:
        character = text[position]
        if character == "\\":
            if not forced:
                return -1
            position += 1
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
        elif depth == 0 and (character == ":" or (character == "：" and not forced)):
            return position
        position += 1
    return -1


def _forced_name(head: str) -> tuple[str, tuple[str, ...]]:
    """Name and bracket groups of a forced head, escapes resolved."""
    cut = re.search(r"(?<!\\)\(", head)
    name, rest = (head[: cut.start()], head[cut.start() :]) if cut else (head, "")
    # The name is not looked at for groups: what it holds of brackets is escaped, so is part of it.
    groups = split_cue("x" + rest)
    if groups.name != "x":
        return "", ()
    return re.sub(r"\\([:()])", r"\1", name).strip(), groups.extensions


def _ends_speech(raw: str) -> bool:
    """Whether a line right below a speech begins something else."""
    if raw[0] in " \t":
        return False
    text = raw.strip()
    if text[0] in "!>#=" or read_header(text) is not None:
        return True
    return (bool(_bracketed(text)) and text[0] == "[") or _only_asides(text)


def _only_asides(text: str) -> bool:
    if not text.startswith(("[[", "/*")):
        return False
    position = 0
    for span in spans(text):
        if text[position : span.start].strip():
            return False
        position = span.end
    return not text[position:].strip()


def _bracketed(text: str) -> str:
    """What a line wholly in brackets holds; empty for any other line."""
    for opening, closing in ("[]", "()"):
        if text.startswith(opening) and text.find(closing) == len(text) - 1 and not text.startswith("[["):
            return text[1:-1].strip()
    return ""


def _unescaped(raw: str) -> str:
    text = raw.strip()
    return text[1:] if _LONE_BACKSLASHES.fullmatch(text) else text


def _title_page(lines: Sequence[SourceLine], source: str) -> tuple[TitlePage, int]:
    """The title page, between fences or by its first key, and the index of the line behind it."""
    first = next((index for index, line in enumerate(lines) if line.text.strip()), len(lines))
    if first == len(lines) or lines[first].text.strip() != FENCE:
        key = lines[first].text.partition(":")[0].strip() if first < len(lines) else ""
        return read_title_page(lines) if key.casefold() in KNOWN_KEYS else ((), first)
    below = lines[first + 1 :]
    end = next((index for index, line in enumerate(below) if line.text.strip() == FENCE), None)
    if end is None:
        reason = f"the title page is not closed; add a line with {FENCE} below it"
        raise ScriptError(reason, source=source, line=lines[first].number)
    entries, stop = read_title_page(below[:end])
    stray = next((line for line in below[stop:end] if line.text.strip()), None)
    if stray is not None:
        reason = "not a line of a title page, which are Key: value and indented lines below a key"
        raise ScriptError(reason, source=source, line=stray.number)
    return entries, first + end + 2
