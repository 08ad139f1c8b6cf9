"""A script as JSON and back: the form in which productions keep it and programs exchange it.

Owns the schema and its version. Does not know the meaning of what it writes. Reading is strict: what the schema
does not name is refused, so that a misspelt field is an error and not a silent loss.

::

    {"format": "speechagents-script", "version": 1, "source": "play.fountain",
     "title_page": [["Title", "Two at a Table"]],
     "elements": [{"type": "heading", "text": "INT. KITCHEN", "number": "1", "line": 3},
                  {"type": "dialogue", "character": "ANNA", "extensions": ["V.O."], "dual": false, "line": 5,
                   "parts": [{"kind": "parenthetical", "text": "softly", "line": 6}]}]}

``line`` and ``source`` say where a text came from; they may be missing. So may fields that have their default.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import TypeVar

from speechagents.errors import ScriptError
from speechagents.scripts.script import (
    Action,
    Boneyard,
    Dialogue,
    Element,
    Heading,
    Lyric,
    Note,
    PageBreak,
    Part,
    PartKind,
    Script,
    Section,
    Synopsis,
    Transition,
)

FORMAT = "speechagents-script"
VERSION = 1
_TYPES: Mapping[str, type[Element]] = {
    "heading": Heading,
    "action": Action,
    "dialogue": Dialogue,
    "lyric": Lyric,
    "transition": Transition,
    "section": Section,
    "synopsis": Synopsis,
    "note": Note,
    "boneyard": Boneyard,
    "page_break": PageBreak,
}
_NAMES = {kind: name for name, kind in _TYPES.items()}
_KEYS = {"source_line": "line"}

_Built = TypeVar("_Built")


def script_to_json(script: Script) -> str:
    """A script as JSON text, ended by a newline; the same script gives the same text."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "source": script.source,
        "title_page": [list(entry) for entry in script.title_page],
        "elements": [{"type": _NAMES[type(element)], **_record(element)} for element in script.elements],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def script_from_json(text: str, *, source: str = "") -> Script:
    """Read what `script_to_json` wrote.

    Args:
        text: The whole document.
        source: Name of the file for messages; the script keeps the source that the document names, if any.

    Raises:
        ScriptError: It is no JSON, of another format or version, nested too deep, or something in it is unknown,
            missing or of the wrong kind; the message names the place.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        return _script(document, source)
    except json.JSONDecodeError as error:
        raise ScriptError(f"no valid JSON: {error.msg}", source=source, line=error.lineno) from None
    except RecursionError:
        raise ScriptError("nested too deep for a script; write it anew with this program", source=source) from None
    except ValueError as error:
        raise ScriptError(f"{error}; mend it or write it anew with this program", source=source) from None


def _record(value: Element | Part) -> dict[str, object]:
    """Fields of an element or part as JSON values."""
    record: dict[str, object] = {}
    for field in fields(value):
        content = getattr(value, field.name)
        if field.name == "parts":
            content = [_record(part) for part in content]
        record[_KEYS.get(field.name, field.name)] = content
    return record


def _script(document: object, source: str) -> Script:
    record = dict(_object(document, "the document"))
    if record.pop("format", None) != FORMAT:
        raise ValueError(f'the document is no script: "format" is not "{FORMAT}"')
    version = record.pop("version", None)
    if type(version) is not int or version != VERSION:
        raise ValueError(f"version {version!r} is not {VERSION}, the one that this program reads")
    pages = _items(record.pop("title_page", []), "title_page")
    elements = _items(record.pop("elements", None), "elements")
    origin = _text(record.pop("source", ""), "source")
    _refuse(record, "the document")
    return Script(
        elements=tuple(_element(value, f"elements[{index}]") for index, value in enumerate(elements)),
        title_page=tuple(_entry(value, f"title_page[{index}]") for index, value in enumerate(pages)),
        source=origin or source,
    )


def _entry(value: object, place: str) -> tuple[str, str]:
    entry = _items(value, place)
    if len(entry) != 2:
        raise ValueError(f"{place} is no pair of a key and a value")
    return _text(entry[0], place), _text(entry[1], place)


def _element(value: object, place: str) -> Element:
    record = dict(_object(value, place))
    name = record.pop("type", None)
    kind: Callable[..., Element] | None = _TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f'{place}: "type" is none of {", ".join(_TYPES)}')
    return _build(kind, record, place)


def _part(value: object, place: str) -> Part:
    return _build(Part, dict(_object(value, place)), place)


def _build(kind: Callable[..., _Built], record: dict[str, object], place: str) -> _Built:
    """An element or part from its fields, each read by what is known of it."""
    values: dict[str, object] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # every kind built here is a dataclass
        key = _KEYS.get(field.name, field.name)
        if key in record:
            values[field.name] = _READERS[field.name](record.pop(key), f"{place}.{key}")
        elif field.default is MISSING:
            raise ValueError(f'{place}: "{key}" is missing')
    _refuse(record, place)
    try:
        return kind(**values)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _object(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{place} is no object")
    return value


def _items(value: object, place: str) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{place} is no list")
    return value


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{place} is no text")
    return value


def _texts(value: object, place: str) -> tuple[str, ...]:
    return tuple(_text(item, f"{place}[{index}]") for index, item in enumerate(_items(value, place)))


def _parts(value: object, place: str) -> tuple[Part, ...]:
    return tuple(_part(item, f"{place}[{index}]") for index, item in enumerate(_items(value, place)))


def _flag(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{place} is neither true nor false")
    return value


def _count(value: object, place: str) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{place} is no count")
    return value


def _part_kind(value: object, place: str) -> PartKind:
    try:
        return PartKind(_text(value, place))
    except ValueError:
        raise ValueError(f"{place} is none of {', '.join(PartKind)}") from None


def _refuse(rest: Mapping[str, object], place: str) -> None:
    if rest:
        raise ValueError(f"{place}: unknown {', '.join(map(json.dumps, rest))}")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("an object names one field twice")
    return record


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


_READERS: Mapping[str, Callable[[object, str], object]] = {
    "text": _text,
    "number": _text,
    "character": _text,
    "extensions": _texts,
    "parts": _parts,
    "kind": _part_kind,
    "depth": _count,
    "centered": _flag,
    "dual": _flag,
    "source_line": _count,
}
