"""What scenes are made of: an idea in a few sentences, out of a file, or combined from lists of facets.

Owns ``models/hcs/facets.yaml`` and files of ideas. Does not know what controllers make of an idea.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from speechagents.benchmark.scene_set import Facets
from speechagents.errors import BenchmarkError
from speechagents.resources import resource
from speechagents.scripts.scene_file import clean_text

MAX_IDEA_CHARS: Final = 1_000
MAX_IDEAS: Final = 10_000
MAX_IDEAS_BYTES: Final = 4_000_000
NOT_TOLD: Final = "not told"
"""A facet of a scene whose idea came from a file: nobody has said it."""

_COMMENT: Final = "#"
# A scene in ten plays in the past and one in the future, besides those whose place says so.
_TIMES: Final = (*("present",) * 8, "past", "future")
_TIMES_SAY: Final = {"present": "", "past": ", long ago", "future": ", some decades from now"}


@dataclass(frozen=True, slots=True)
class Idea:
    """One idea.

    Attributes:
        number: 1-based; ids of scenes begin with it.
        text: A few sentences.
        facets: What a scene made of it is like.
        origin: Where it comes from, for the record.
        setting: Slug line of the scene; empty leaves it to whoever proposes one.
    """

    number: int
    text: str
    facets: Facets
    origin: str
    setting: str = ""


def read_ideas(path: Path) -> tuple[Idea, ...]:
    """The ideas of a file: one a line, empty lines and those that begin with ``#`` left out; equal ones count once.

    Raises:
        BenchmarkError: It cannot be read, is no text, or an idea is too long; the message names the line.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IDEAS_BYTES + 1)
    except OSError as error:
        raise BenchmarkError(
            f"cannot be read ({error.strerror}); check its name and permissions", source=path.name
        ) from error
    if len(data) > MAX_IDEAS_BYTES:
        raise BenchmarkError(f"larger than {MAX_IDEAS_BYTES // 1_000_000} MB; divide it", source=path.name)
    try:
        rows = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BenchmarkError("not UTF-8; save it as UTF-8", source=path.name, line=line) from None
    found: dict[str, Idea] = {}
    for line, row in enumerate(rows, 1):
        text = clean_text(row)
        if not text or text.startswith(_COMMENT) or text.casefold() in found:
            continue
        if len(text) > MAX_IDEA_CHARS:
            reason = f"{len(text)} characters; an idea has at most {MAX_IDEA_CHARS}"
            raise BenchmarkError(reason, source=path.name, line=line)
        facets = Facets(NOT_TOLD, NOT_TOLD, "present", NOT_TOLD, NOT_TOLD, ())
        found[text.casefold()] = Idea(len(found) + 1, text, facets, f"line {line} of {path.name}")
    if not 1 <= len(found) <= MAX_IDEAS:
        raise BenchmarkError(
            f"{len(found)} ideas; write 1 to {MAX_IDEAS}, one a line", source=path.name, line=max(1, len(rows))
        )
    return tuple(found.values())


def combined_ideas(seed: int) -> Iterator[Idea]:
    """Ideas combined from facets: no place comes twice before every place has come, and so for all lists.

    Args:
        seed: Another one gives other ideas.

    Yields:
        As many as places and conflicts can be paired, each pair once.
    """
    lists = _facets()
    drawn = {name: _by_lot(entries, f"{seed}\0{name}") for name, entries in lists.items()}
    times = _by_lot(_TIMES, f"{seed}\0times")
    for at in range(min(MAX_IDEAS, len(drawn["places"]) * len(drawn["conflicts"]))):
        picked = {name: entries[at % len(entries)] for name, entries in drawn.items()}
        yield _combined(at + 1, picked, times[at % len(times)], seed)


def _combined(number: int, picked: Mapping[str, Any], drawn_time: str, seed: int) -> Idea:
    place, conflict, register, mood = (picked[name] for name in ("places", "conflicts", "registers", "moods"))
    # Some places belong to a time, or to no region of the Earth.
    time, region = place.get("time", drawn_time), place.get("region", picked["regions"])
    where = f"{place['says']} {region['says']}{_TIMES_SAY[time]}"
    text = ". ".join((where, conflict["says"], picked["twists"].rstrip("."), register["says"], mood["says"])) + "."
    facets = Facets(place["name"], region["name"], time, register["name"], conflict["name"], tuple(mood["emotions"]))
    return Idea(number, text, facets, f"facets, seed {seed}", place["setting"])


def _by_lot(entries: Sequence[Any], seed: str) -> list[Any]:
    """The entries in an order drawn by lot."""

    def lot(at: int) -> bytes:
        return hashlib.blake2b(f"{seed}\0{at}".encode(), digest_size=8).digest()

    return [entries[at] for at in sorted(range(len(entries)), key=lot)]


@functools.cache
def _facets() -> Mapping[str, Sequence[Any]]:
    found: Mapping[str, Sequence[Any]] = yaml.safe_load(resource("models", "hcs", "facets.yaml").read_text("utf-8"))
    return found
