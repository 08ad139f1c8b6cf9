"""What the rehearsal planner can say in a language: acts, ways of speaking, and what scenes are proposed from.

Owns ``models/rehearsal/*.yaml``. Does not know when anything is said (`planner`) or how it is put together (`wording`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from speechagents.drama import Style
from speechagents.errors import ControllerError
from speechagents.resources import resource


@dataclass(frozen=True, slots=True)
class Act:
    """Something that people do with words.

    Attributes:
        name: What it is called.
        style: How it is said.
        intent: What it is meant to do, for thoughts.
        lines: With slots.
    """

    name: str
    style: Style
    intent: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """A way of speaking.

    Attributes:
        begins: What sentences begin with.
        words: Its words for common things, by slot.
        calls: How it calls people, with the slot ``{name}``.
        suits: Words of profiles that it suits.
    """

    begins: tuple[str, ...]
    words: Mapping[str, str]
    calls: str
    suits: frozenset[str]


@dataclass(frozen=True, slots=True)
class Phrases:
    """A language.

    Attributes:
        acts: By name.
        ways: In no order.
        grammar: How nouns are found, and how the third person becomes the first.
        deeds: What is done without words.
        thoughts: By what came before.
        topics: Nouns for scenes that have none.
        feelings: Words of relations, by how they make people act.
        ideas: What scenes are proposed from.
    """

    acts: Mapping[str, Act]
    ways: tuple[Way, ...]
    grammar: Mapping[str, Any]
    deeds: tuple[str, ...]
    thoughts: Mapping[str, str]
    topics: tuple[str, ...]
    feelings: Mapping[str, frozenset[str]]
    ideas: Mapping[str, Any]


def languages() -> list[str]:
    """Languages that there are phrases for."""
    return sorted(path.stem for path in resource("models", "rehearsal").glob("*.yaml"))


def phrases_of(language: str) -> Phrases:
    """The phrases of a language.

    Raises:
        ControllerError: There are none.
    """
    primary = language.partition("-")[0].lower() or "en"
    if primary not in languages():
        raise ControllerError(
            f"the rehearsal planner speaks {' and '.join(languages())}, not {primary[:20]!r}; name a model that does: "
            "--server URL --model NAME"
        )
    return _read(primary)


@functools.cache
def _read(language: str) -> Phrases:
    found = yaml.safe_load(resource("models", "rehearsal", f"{language}.yaml").read_text("utf-8"))
    return Phrases(
        acts={
            name: Act(name, Style(act["style"], act.get("strength", 1.0)), act["intent"], tuple(act["lines"]))
            for name, act in found["acts"].items()
        },
        ways=tuple(_way(way) for way in found["ways"]),
        grammar=found["grammar"],
        deeds=tuple(found["deeds"]),
        thoughts=found["thoughts"],
        topics=tuple(found["topics"]),
        feelings={name: frozenset(words.split()) for name, words in found["feelings"].items()},
        ideas=found["ideas"],
    )


def _way(found: Mapping[str, Any]) -> Way:
    words = {slot: text for slot, text in found.items() if slot not in ("begins", "calls", "suits")}
    return Way(tuple(found["begins"]), words, found.get("calls", "{name}"), frozenset(found["suits"].split()))
