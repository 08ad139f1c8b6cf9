"""The cast of a novel as a file that people edit: who speaks with which voice, and what attribution got wrong.

Owns what a cast sheet has beyond a cast file: what is told of each character, and the corrections ``merge``, ``split``
and ``is``. Voices and the reading of YAML without its dangers are `cast_file`'s and `yaml_nodes`'; what corrections do
is `corrections`'. Any cast file is a cast sheet without corrections.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from speechagents.attribution.quotation import Character, Gender
from speechagents.drama import MAX_NAME_CHARS, clean_name, role_key
from speechagents.errors import CastError, SceneError
from speechagents.novel.acquaintance import FirstLine
from speechagents.novel.corrections import Corrections, Merge, Split, Spoken
from speechagents.scripts.yaml_nodes import ListNode, MappingNode, Node, TextNode, read_yaml
from speechagents.voices.cast_file import cast_file_text, cast_text, parse_cast, save_cast_text, yaml_text
from speechagents.voices.casting import Cast, Overrides, shown

MAX_CORRECTIONS: Final = 20_000
"""Most corrections in one sheet; a long novel has about as many quotations."""

MAX_PEOPLE: Final = 2_000
"""Most merges, and most splits; four times as many people as can be cast."""

_SECTIONS: Final = ("merge", "split", "is")
_SHOWN_QUOTE_CHARS: Final = 90
_SHOWN_ALIASES: Final = 12

_HEADER: Final = """\
# The cast of this book. Change it and run the same command again with --cast THIS_FILE: only lines that changed are
# spoken anew.
#
#   voice     identifier of a voice; `speechagents voices` lists them all
#   same_as   instead of voice: the name of another role that it shall sound like
#   pan       optional fixed place on the stage, from -1 (left) to 1 (right)
#   gender    female, male or unknown; with the voice removed, casting goes by it
#   aliases, first, why, lines, words   for your information; what you write there is ignored
#
# Leave a role out and it is cast automatically. List somebody new to give them lines below.
#
# Where the book was misunderstood, say so at the end of this file:
#
#   merge:                            these names are one person; the first one is kept
#     - [Elizabeth Bennet, Lizzy]
#   split:                            this name is somebody else's
#     Mrs. Bennet: The old Mrs. Bennet
#   is:                               who speaks a quotation; narrator for nobody
#     412: Jane                       by the number of its line (in the subtitles and reports)
#     '@20315': narrator              by a character of it (as `speechagents attribute` gives them)
#     You are quite mistaken: Jane    by the words that it begins with
"""


@dataclass(frozen=True, slots=True)
class CastSheet:
    """A cast sheet as it was read.

    Attributes:
        overrides: Which voices are wished for.
        corrections: What was got wrong.
    """

    overrides: Overrides = field(default_factory=Overrides)
    corrections: Corrections = field(default_factory=Corrections)


def read_cast_sheet(path: Path) -> CastSheet:
    """Read a cast sheet, or any cast file.

    Raises:
        CastError: The file cannot be read, is too large, is no YAML of the expected form, or a value is of the wrong
            kind. The message names file and line.
    """
    text = cast_file_text(path)
    overrides = parse_cast(text, path, others=_SECTIONS)
    try:
        node = read_yaml(text, source=str(path))
    except SceneError as error:
        raise CastError(str(error)) from None
    if not isinstance(node, MappingNode):
        return CastSheet(overrides)
    sections = {key.value: value for key, value in node.entries}
    spoken = tuple(_spoken(sections.get("is")))
    corrections = Corrections(
        merges=tuple(_merges(sections.get("merge"))),
        splits=tuple(_splits(sections.get("split"))),
        spoken=spoken,
        added=tuple(key.value for key, _ in _entries(sections.get("roles"), "roles")),
        genders=tuple(_genders(sections.get("roles"))),
    )
    return CastSheet(overrides, corrections)


def write_cast_sheet(
    cast: Cast,
    path: Path,
    *,
    characters: Mapping[str, Character],
    firsts: Mapping[str, FirstLine],
    corrections: Corrections | None = None,
) -> None:
    """Write a cast for editing; a file that is there is replaced whole or, on failure, left as it was.

    Args:
        cast: Who speaks with which voice.
        path: Where to.
        characters: What is known of them, by `role_key`.
        firsts: The first line of everybody, by `role_key`.
        corrections: What was corrected to come here; it is written again, so that it is not lost.

    Raises:
        StorageError: The folder is missing or cannot be written, or the disk is full.
    """
    about: dict[str, dict[str, str]] = {}
    for casting in cast:
        key = role_key(casting.role)
        told: dict[str, str] = {}
        if (character := characters.get(key)) is not None:
            told["gender"] = character.gender.value
            if character.aliases:
                told["aliases"] = "; ".join(map(shown, character.aliases[:_SHOWN_ALIASES]))
        if (first := firsts.get(key)) is not None:
            told["first"] = f"{_excerpt(first.text)} (line {first.number}, {shown(first.chapter)})"
        about[key] = told
    text = _HEADER + "\n" + cast_text(cast, about)
    if corrections is not None and (sections := _written(corrections)):
        text += "\n" + yaml_text(sections)
    save_cast_text(text, path)


def _written(corrections: Corrections) -> dict[str, object]:
    sections: dict[str, object] = {
        "merge": [list(merge.names) for merge in corrections.merges],
        "split": {split.alias: split.name for split in corrections.splits},
        "is": {
            int(spoken.quotation) if spoken.quotation.isdecimal() else spoken.quotation: spoken.speaker
            for spoken in corrections.spoken
        },
    }
    return {name: section for name, section in sections.items() if section}


def _excerpt(text: str) -> str:
    clean = clean_name(text)
    return f"“{clean}”" if len(clean) <= _SHOWN_QUOTE_CHARS else f"“{clean[: _SHOWN_QUOTE_CHARS - 1].rstrip()}…”"


def _merges(node: Node | None) -> Iterator[Merge]:
    if _is_nothing(node):
        return
    if not isinstance(node, ListNode):
        raise _fault(node, "merge is no list; write - [NAME, NAME], one person a line")
    _count(node, len(node.items), MAX_PEOPLE)
    for item in node.items:
        if not isinstance(item, ListNode) or len(item.items) < 2:
            raise _fault(item, "names of one person are a list of two or more: [NAME, NAME]")
        yield Merge(tuple(_name(name) for name in item.items), _place(item))


def _splits(node: Node | None) -> Iterator[Split]:
    for key, value in _entries(node, "split"):
        alone = isinstance(value, TextNode) and value.nothing
        yield Split(_name(key), _name(key if alone else value), _place(key))


def _spoken(node: Node | None) -> Iterator[Spoken]:
    for key, value in _entries(node, "is"):
        if not key.value.strip():
            raise _fault(key, "a quotation is missing before the colon; write the number of its line")
        yield Spoken(" ".join(key.value.split()), _name(value), _place(key))


def _genders(node: Node | None) -> Iterator[tuple[str, Gender]]:
    for role, value in _entries(node, "roles"):
        if not isinstance(value, MappingNode):
            continue
        for key, gender in value.entries:
            if key.value != "gender" or not isinstance(gender, TextNode):
                continue
            try:
                yield role.value, Gender(gender.value.strip().casefold() or Gender.UNKNOWN)
            except ValueError:
                reason = f'gender of {shown(role.value)} is "{shown(gender.value)}"; write female, male or unknown'
                raise _fault(key, reason) from None


def _entries(node: Node | None, what: str) -> Iterator[tuple[TextNode, Node]]:
    if _is_nothing(node):
        return
    if not isinstance(node, MappingNode):
        raise _fault(node, f"{what} is no mapping; write NAME: VALUE, one a line")
    _count(node, len(node.entries), MAX_CORRECTIONS if what == "is" else MAX_PEOPLE)
    seen: dict[str, int] = {}
    for key, value in node.entries:
        if (first := seen.setdefault(role_key(key.value), key.at.line)) != key.at.line:
            raise _fault(key, f'"{shown(key.value)}" is listed twice, first in line {first}; keep one')
        yield key, value


def _name(node: Node | None) -> str:
    if not isinstance(node, TextNode) or not (name := clean_name(node.value)):
        raise _fault(node, "a name is missing or is no plain text")
    if len(name) > MAX_NAME_CHARS:
        raise _fault(node, f"a name has at most {MAX_NAME_CHARS} characters")
    return name


def _count(node: Node, count: int, limit: int) -> None:
    if count > limit:
        raise _fault(node, f"{count} entries, and at most {limit} are read; remove some")


def _is_nothing(node: Node | None) -> bool:
    return node is None or (isinstance(node, TextNode) and node.nothing)


def _place(node: Node) -> str:
    return f"{node.at.source}:{node.at.line}"


def _fault(node: Node | None, message: str) -> CastError:
    assert node is not None  # noqa: S101 - what is missing is passed over before
    return CastError(f"{_place(node)}: {message}")
