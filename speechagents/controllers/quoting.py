"""How untrusted text stands in a prompt: in quotes, on one line, cut, and harmless to a model's machinery.

Owns the quoting, and the names that roles have in prompts. Does not know what prompts say (`prompts`).

What is quoted comes from scene files, other agents and recognised speech. Control characters go, and tags with them;
signs that could end a quotation, open a tag or spell a model's own marks (``<|im_end|>``, ``[INST]``) are written as
ones that look alike and mean nothing. A quotation is a JSON string without a single escape in it, so that neither a
parser nor a model can take its end for anything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from speechagents.drama import SceneBrief, role_key
from speechagents.scripts.scene_file import clean_text

NAME_CHARS: Final = 40
"""Longest name in a prompt, where few play."""

_NAMES_CHARS: Final = 480
"""Room for the names of all roles together; more roles have shorter ones."""

_LEAST_NAME_CHARS: Final = 16
_TAG: Final = re.compile(r"<[/!?|a-zA-Z][^<>]{0,200}>")
_LOOK_ALIKES: Final = str.maketrans(
    {"<": "‹", "＜": "‹", ">": "›", "＞": "›", "[": "(", "［": "(", "]": ")", "］": ")", '"': "”", "\\": "⧵"}
)


@lru_cache(maxsize=4096)  # every prompt of a scene quotes the same profiles and messages
def plain(text: str, limit: int) -> str:
    """A text in one line of at most `limit` characters, without controls, tags and signs that machinery obeys."""
    # Cut before cleaning as well: to clean is slow, and text from outside may be long.
    line = without_tags(clean_text(text[: 4 * limit])).translate(_LOOK_ALIKES)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def without_tags(text: str) -> str:
    """A text in one line without what looks like a tag of a markup language."""
    return " ".join(_TAG.sub(" ", text).split())


def quoted(text: str, limit: int) -> str:
    """A text as a JSON string of at most ``limit + 2`` characters."""
    return json.dumps(plain(text, limit), ensure_ascii=False)


def quoted_rows(texts: Iterable[str], *, each: int, total: int) -> list[str]:
    """Quoted texts, as many of the first ones as fit.

    Args:
        texts: Untrusted.
        each: Most characters of one.
        total: Most characters of all; the first text is there whatever it takes.
    """
    rows: list[str] = []
    for text in texts:
        row = quoted(text, each)
        total -= len(row)
        if rows and total < 0:
            break
        rows.append(row)
    return rows


class Names:
    """What the roles of a scene are called in prompts: short, harmless, and never two alike.

    Args:
        names: Of all roles, in the order of the scene.
    """

    def __init__(self, names: Sequence[str]) -> None:
        limit = max(_LEAST_NAME_CHARS, min(NAME_CHARS, _NAMES_CHARS // max(1, len(names))))
        self._shown: dict[str, str] = {}
        self._found: dict[str, str] = {}
        for number, name in enumerate(names, 1):
            shown = first = plain(name, limit) or f"Role {number}"
            suffix = 2
            while role_key(shown) in self._found:
                shown = f"{first} {suffix}"
                suffix += 1
            self._shown[role_key(name)] = shown
            self._found[role_key(shown)] = name
        # A full name is understood too, but never instead of what somebody else is called in the prompt.
        for name in names:
            self._found.setdefault(role_key(name), name)

    @classmethod
    def of(cls, scene: SceneBrief) -> Names:
        """The names of a scene's roles."""
        return cls([role.name for role in scene.roles])

    @property
    def all(self) -> Mapping[str, str]:
        """Real names by the `role_key` of what is written for them."""
        return self._found

    def quoted(self, name: str) -> str:
        """A name as it stands in prompts, in quotes."""
        shown = self._shown.get(role_key(name))
        return quoted(name if shown is None else shown, NAME_CHARS + len(self._shown))

    def row(self, names: Iterable[str]) -> str:
        """Several names, in quotes, with commas between them."""
        return ", ".join(map(self.quoted, names))

    def find(self, written: str) -> str | None:
        """The real name of whoever an answer names, None if nobody is called so."""
        bare = written.strip().removeprefix('"').removesuffix('"')
        return self._found.get(role_key(written)) or self._found.get(role_key(bare))
