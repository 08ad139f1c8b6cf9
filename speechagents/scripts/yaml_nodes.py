"""YAML that people write, as nodes that know where they stand.

Owns the reading of one document into texts, lists and mappings, each with its file, line and field, and the refusal of
what can blow up or break into a loader: anchors, aliases, tags, deep nesting. Does not know what the document means.

Scalars stay the text that was written: a role called ``No`` or ``42`` is neither a boolean nor a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import yaml

from speechagents.drama import clean_name
from speechagents.errors import SceneError

MAX_DEPTH: Final = 6
"""How deep a scene file is nested at most."""

_MAX_SHOWN_CHARS: Final = 40
_NOTHING: Final = ("", "~", "null")
_NOT_YAML: Final = re.compile(r"[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Parts of what the two YAML parsers say, and what a person most likely did.
_TOO_DEEP: Final = "nested too deep; check brackets and indentation"
_REMEDIES: Final = (
    ("mapping values are not allowed", "put a text that has a colon in it in quotes"),
    ("cannot start any token", "indent with spaces, and put a text that begins with @, ` or % in quotes"),
    ("scanning an alias", "put a text that begins with * in quotes"),
    ("scanning an anchor", "put a text that begins with & in quotes"),
    ("unknown escape", "write \\\\ for a backslash, or use single quotes"),
    ("a quoted scalar", "close the quotes; within single quotes write '' for an apostrophe"),
)
_REMEDY: Final = "check quotes, brackets and indentation"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands.

    Attributes:
        source: Name of the file, empty for a text without one.
        line: 1-based line.
        field: Path of the field, for example ``roles[2].name``; empty for the whole document.
    """

    source: str
    line: int
    field: str = ""

    def fault(self, message: str) -> SceneError:
        """An error that names this place; the caller raises it."""
        return SceneError(message, source=self.source, line=self.line, field=self.field)


@dataclass(frozen=True, slots=True)
class TextNode:
    """A scalar as it was written.

    Attributes:
        at: Its place.
        value: The text, quotes and escapes resolved.
        plain: It has no quotes and is no block.
    """

    at: Place
    value: str
    plain: bool

    @property
    def nothing(self) -> bool:
        """Written to say that nothing is there: ``null``, ``~`` or not a character."""
        return self.plain and self.value in _NOTHING


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list; the fields of its items end in ``[0]``, ``[1]`` and so on."""

    at: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values in order, the same key perhaps twice; a key's place has its own line and the value's field.

    Attributes:
        at: Its place.
        entries: The pairs.
        flow: It is written in braces.
    """

    at: Place
    entries: tuple[tuple[TextNode, Node], ...]
    flow: bool


Node = TextNode | ListNode | MappingNode


def read_yaml(text: str, *, source: str, depth: int = MAX_DEPTH) -> Node | None:
    """Read the only document of a text; None if there is nothing in it.

    Time and memory are linear in the length of the text, which the caller limits.

    Args:
        text: The whole of it.
        source: Name of the file, for messages.
        depth: Most lists and mappings within one another, the text in the innermost included.

    Raises:
        SceneError: It is no YAML, has a second document, an anchor, alias or tag, or is nested deeper than that. The
            message names line and remedy.
    """
    if bad := _NOT_YAML.search(text):
        line = text.count("\n", 0, bad.start()) + 1
        raise Place(source, line).fault(f"the control character U+{ord(bad[0]):04X} is not allowed in YAML; remove it")
    events = _events(text, source)
    first = next(events, None)
    if first is None:
        return None
    node = _node(first, events, Place(source, 1), depth)
    next(events, None)  # whatever follows is no YAML or a second document, and is refused there
    return None if isinstance(node, TextNode) and node.nothing else node


def shown(text: str) -> str:
    """A text of the file short and clean enough for a message."""
    return clean_name(text[: 2 * _MAX_SHOWN_CHARS])[:_MAX_SHOWN_CHARS].strip()


def _events(text: str, source: str) -> Iterator[yaml.Event]:
    """The content events of the only document, each checked."""
    documents = 0
    line = 1
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            line = _line(event)
            place = Place(source, line)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise place.fault("a second document begins; remove the line ---, or save it as a file of its own")
            elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
                reason = f"anchors and aliases are not allowed; write it out, or quote a text that begins with {sign}"
                raise place.fault(reason)
            elif tag := getattr(event, "tag", None):
                reason = f'the tag "{shown(tag)}" is not allowed; remove it, or quote a text that begins with !'
                raise place.fault(reason)
            elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
                yield event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = f"{error.context or ''} {error.problem or ''}".strip()
        if "nesting depth" in said:  # the parser in C has a limit of its own, and then a lower one
            raise Place(source, mark.line + 1 if mark else line).fault(_TOO_DEEP) from None
        remedy = next((remedy for part, remedy in _REMEDIES if part in said), _REMEDY)
        raise Place(source, mark.line + 1 if mark else line).fault(f"no valid YAML ({said}); {remedy}") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        # The parser in Python lets numbers through that only `int` and `chr` refuse.
        raise Place(source, line).fault(f"no valid YAML; {_REMEDY}") from None


def _node(event: yaml.Event, events: Iterator[yaml.Event], parent: Place, depth: int) -> Node:
    """The value that begins with an event, no deeper than so many levels; the parent's field is this one's."""
    at = Place(parent.source, _line(event), parent.field)
    if depth < 1:
        raise at.fault(_TOO_DEEP)
    if isinstance(event, yaml.ScalarEvent):
        return TextNode(at, event.value, plain=event.style in (None, ""))
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(_node(event, events, Place(at.source, at.line, f"{at.field}[{len(items)}]"), depth - 1))
        return ListNode(at, tuple(items))
    flow = bool(getattr(event, "flow_style", False))
    entries: list[tuple[TextNode, Node]] = []
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise Place(at.source, _line(event), at.field).fault("a key is a list or mapping; write plain text")
        field = f"{at.field}.{shown(event.value)}" if at.field else shown(event.value)
        key = TextNode(Place(at.source, _line(event), field), event.value, plain=event.style in (None, ""))
        entries.append((key, _node(next(events), events, key.at, depth - 1)))
    return MappingNode(at, tuple(entries), flow)


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1
