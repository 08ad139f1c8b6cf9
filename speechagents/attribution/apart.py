"""Attribution in a process of its own, for books so long that its memory should not stay.

Owns that process and what passes to and fro. Attributing 300 000 words takes 80 MB of small objects for half a minute;
Python keeps most of it, and reading the book aloud takes hours. Does not know how anything is found (`attribute`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from speechagents.attribution.attribution_json import attribution_from_json, attribution_to_json
from speechagents.attribution.quotation import Attribution, Character, Gender

LONG_CHARS: Final = 400_000
"""Texts that are longer are attributed apart: to start a process takes half a second."""

_PROGRAM: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from speechagents.attribution.apart import answer; answer()"
)
_PACKAGES: Final = Path(__file__).resolve().parents[2]


def attribute_apart(
    text: str, paragraphs: Sequence[tuple[int, int]], *, characters: Sequence[Character] | None = None
) -> Attribution:
    """The same as `attribute.attribute`; of a long text nothing stays in memory but the result."""
    from speechagents.attribution.attribute import attribute

    if len(text) < LONG_CHARS:
        return attribute(text, paragraphs, characters=characters)
    asked = json.dumps(
        {
            "text": text,
            "paragraphs": list(paragraphs),
            "characters": None
            if characters is None
            else [[one.name, one.aliases, one.gender.value, one.mentions] for one in characters],
        }
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, str(_PACKAGES)],
            input=asked.encode("ascii"),
            capture_output=True,
            check=True,
        )
        return attribution_from_json(json.loads(done.stdout))
    except (OSError, subprocess.CalledProcessError, ValueError):
        # Whatever is the matter: done here it succeeds, or says what it is.
        return attribute(text, paragraphs, characters=characters)


def answer() -> None:
    """Attribute what comes in, and write what was found: the other side of `attribute_apart`."""
    from speechagents.attribution.attribute import attribute

    asked: dict[str, Any] = json.load(sys.stdin)
    characters = asked["characters"]
    found = attribute(
        asked["text"],
        [(start, end) for start, end in asked["paragraphs"]],
        characters=None
        if characters is None
        else [
            Character(name, tuple(aliases), Gender(gender), mentions) for name, aliases, gender, mentions in characters
        ],
    )
    json.dump(attribution_to_json(found), sys.stdout)
