"""Fields of YAML files, the benchmark's and recipes: read by name, faults told with file, line, field and remedy.

Owns that. Does not know what the files mean.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from speechagents.errors import BenchmarkError, SceneError
from speechagents.scripts.scene_file import clean_text
from speechagents.scripts.yaml_nodes import ListNode, MappingNode, Node, Place, TextNode, read_yaml, shown

MAX_FILE_BYTES: Final = 4_000_000
_MAX_DEPTH: Final = 8


def read_document(path: Path) -> Node:
    """The only document of a file.

    Raises:
        BenchmarkError: It cannot be read, is too large, empty, no UTF-8 or no YAML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        reason = f"cannot be read ({error.strerror}); check its name and permissions"
        raise BenchmarkError(reason, source=path.name) from error
    if len(data) > MAX_FILE_BYTES:
        raise BenchmarkError(f"larger than {MAX_FILE_BYTES // 1_000_000} MB; divide it", source=path.name)
    try:
        document = read_yaml(data.decode("utf-8-sig"), source=path.name, depth=_MAX_DEPTH)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BenchmarkError("not UTF-8; save it as UTF-8", source=path.name, line=line) from None
    except SceneError as error:
        raise BenchmarkError(str(error)) from error
    if document is None:
        raise BenchmarkError("empty", source=path.name, line=1)
    return document


def fault(at: Place, message: str) -> BenchmarkError:
    """An error that names a place; the caller raises it."""
    return BenchmarkError(message, source=at.source, line=at.line, field=at.field)


def entries(node: Node, needed: Sequence[str], optional: Sequence[str] = ()) -> Mapping[str, Node]:
    """The values of a mapping by key, all of those that are needed among them."""
    if not isinstance(node, MappingNode):
        raise fault(node.at, f"no mapping; write KEY: VALUE, with {', '.join(needed)}")
    known = (*needed, *optional)
    found: dict[str, Node] = {}
    for key, value in node.entries:
        if key.value not in known:
            near = difflib.get_close_matches(key.value, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise fault(key.at, f'unknown key "{shown(key.value)}"; {remedy}')
        if key.value in found:
            raise fault(key.at, "there twice; keep one")
        found[key.value] = value
    if missing := [name for name in needed if name not in found]:
        raise fault(node.at, f"{missing[0]} is missing; write {missing[0]}: …")
    return found


def items(node: Node) -> Sequence[Node]:
    """The items of a list."""
    if not isinstance(node, ListNode):
        raise fault(node.at, "no list; write each item on a line of its own behind a dash, or in brackets")
    return node.items


def text(node: Node, *, most: int = 400) -> str:
    """A text that is not empty."""
    if not isinstance(node, TextNode):
        raise fault(node.at, "no text; put it in quotes if it has brackets, braces or colons")
    cleaned = clean_text(node.value)
    if not cleaned or len(cleaned) > most:
        raise fault(node.at, f"{len(cleaned)} characters; write 1 to {most}")
    return cleaned


def texts(node: Node, *, most: int = 400) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(item, most=most) for item in items(node))


def one_of(node: Node, allowed: Sequence[str]) -> str:
    """A word of a list of words."""
    word = text(node)
    if word not in allowed:
        near = difflib.get_close_matches(word, allowed, n=1)
        remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(allowed)}"
        raise fault(node.at, f'"{shown(word)}" is unknown here; {remedy}')
    return word


def whole(node: Node, low: int, high: int) -> int:
    """A whole number within limits."""
    word = text(node)
    if not (word.isascii() and word.isdigit() and low <= int(word[:9]) <= high):
        raise fault(node.at, f'"{shown(word)}" is no whole number from {low} to {high}')
    return int(word)


def number(node: Node, low: float, high: float) -> float:
    """A number within limits, such as ``0.5`` or ``1.0e-3``."""
    word = text(node)
    try:
        value = float(word) if word.isascii() and "_" not in word else math.nan
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise fault(node.at, f'"{shown(word)}" is no number from {low:g} to {high:g}')
    return value


def yes_or_no(node: Node) -> bool:
    """A choice of two."""
    return one_of(node, ("yes", "no", "true", "false")) in ("yes", "true")
