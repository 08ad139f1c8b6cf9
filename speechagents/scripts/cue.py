"""A character cue as text: the name, the bracketed extensions behind it and the caret of dual dialogue.

Owns how the three are told apart and the normal form of a name. Does not know where in a file cues stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

MAX_EXTENSIONS = 16
"""Bracket groups taken from one cue; further ones stay in the name."""

_SHORT_CHARS = 100
_MARKS = "*_"
_NO_NAME = frozenset("*_^()@ ")


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue taken apart.

    Attributes:
        name: Without extensions, caret and emphasis around it, white space collapsed.
        extensions: The contents of the bracket groups, in order.
        dual: A caret stood behind it.
    """

    name: str
    extensions: tuple[str, ...] = ()
    dual: bool = False


def split_cue(text: str, *, max_extensions: int = MAX_EXTENSIONS) -> Cue:
    """Take a cue apart; what it gives for a name is left as it is when read again."""
    # The same few cues come thousands of times in a script.
    return (_split_again if len(text) <= _SHORT_CHARS else _split)(text, max_extensions)


def _split(text: str, max_extensions: int) -> Cue:
    name, dual = " ".join(text.split()), False
    extensions: list[str] = []
    changed = True
    while changed:
        before = name
        name = name.rstrip("^ ")
        dual = dual or before.rstrip(" ") != name
        if name.strip(_MARKS + " "):
            name = name.strip(_MARKS + " ")
        if len(extensions) < max_extensions and (start := _group_start(name)) > 0:
            extensions.append(name[start + 1 : -1].strip())
            name = name[:start].rstrip()
        changed = name != before
    return Cue(name, tuple(text for text in reversed(extensions) if text), dual)


_split_again = lru_cache(maxsize=4096)(_split)


def is_name(name: str) -> bool:
    """Whether it can name a role: it holds more than marks and white space, and no markup."""
    return not _NO_NAME.issuperset(name) and is_plain(name)


def is_extension(text: str) -> bool:
    """Whether it can stand in brackets behind a name: no markup in it, and its own brackets are in pairs."""
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0 and bool(text) and is_plain(text)


def is_plain(text: str) -> bool:
    """Whether it holds nothing that opens a note or boneyard, or escapes."""
    return "\\" not in text and "[[" not in text and "/*" not in text


def plain_name(text: str) -> str:
    """A name or extension from elsewhere with everything taken out that `is_plain` refuses."""
    return text.replace("\\", "").replace("[[", "[ [").replace("/*", "/ *")


def _group_start(text: str) -> int:
    """Where the bracket group that ends the text begins, -1 when none does."""
    if not text.endswith(")"):
        return -1
    depth = 0
    for position in range(len(text) - 1, -1, -1):
        depth += (text[position] == ")") - (text[position] == "(")
        if depth == 0:
            return position
    return -1
