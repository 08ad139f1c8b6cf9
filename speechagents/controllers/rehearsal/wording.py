"""How something is put: a line of an act, in a role's own way of speaking, with whom it is for.

Owns that no two turns of a scene say the same. A line, where the name stands in it, and whether something stands before
it are the digits of one number that is another for each turn, until all are used up (`lines x 6` turns, more than a
hundred); after that, what can still be heard is avoided, and topics differ.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from math import gcd
from typing import Final

from speechagents.controllers.rehearsal.nouns import first_person
from speechagents.controllers.rehearsal.phrases import Act, Phrases, Way
from speechagents.controllers.rehearsal.planner import Plan, part
from speechagents.drama import Role, SceneBrief

_PLACES: Final = 3
"""Where the name stands: nowhere, in front, behind."""

_CALLED: Final = 0.5
"""How often a name is called in the way's own way."""


def way_of(role: Role, scene: SceneBrief, phrases: Phrases) -> Way:
    """A role's way of speaking: one that suits its profile if it is free, and no two roles have the same."""
    free = list(range(len(phrases.ways)))
    given: dict[str, int] = {}
    for one in sorted(scene.roles, key=lambda one: part(f"{scene.seed} way {one.key}")):
        words = frozenset(re.findall(r"\w+", one.profile.casefold()))
        best = max(
            free or range(len(phrases.ways)),
            key=lambda at: (len(words & phrases.ways[at].suits), part(f"{scene.seed} {one.key} {at}")),
        )
        given[one.key] = best
        if best in free:
            free.remove(best)
    return phrases.ways[given[role.key]]


def line_for(plan: Plan, act: Act, way: Way, *, step: int, seed: int, said: Collection[str]) -> str:
    """A line that has not been heard.

    Args:
        plan: What it does.
        act: Its act.
        way: How its role speaks.
        step: Number of the turn.
        seed: Of the scene.
        said: What has been heard, as `plain` gives it.
    """
    begins = ("", way.begins[int(part(f"{seed} {step} begins") * len(way.begins))])
    count = len(act.lines) * _PLACES * len(begins)
    stride = next(n for n in range(round(count * 0.618), 2 * count) if gcd(n, count) == 1)
    first = (step * stride + int(part(f"{seed} {act.name}") * count)) % count
    name = way.calls.replace("{name}", plan.to) if plan.to and part(f"{seed} {step} calls") < _CALLED else plan.to
    text = ""
    for at in range(count):
        rest, line = divmod((first + at) % count, len(act.lines))
        begin, place = divmod(rest, _PLACES)
        text = _put(act.lines[line], plan, way, name, begins[begin], place)
        if plain(text) not in said:
            break
    return text


def confession(line: str, secrets: Sequence[str], phrases: Phrases, *, step: int) -> str:
    """A line with a secret behind it, if one can be told in its owner's words."""
    told = [text for secret in secrets if (text := first_person(secret, phrases.grammar))]
    return f"{line} {told[step % len(told)]}" if told else line


def plain(text: str) -> str:
    """A line as it sounds: without case and punctuation."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _put(line: str, plan: Plan, way: Way, name: str, begin: str, place: int) -> str:
    slots = {**way.words, "topic": plan.topic, "echo": plan.echo}
    text = re.sub(r"\{(\w+)\}", lambda slot: slots[slot[1]], line)
    text = text[:1].upper() + text[1:]
    if name and place == 1:
        text = f"{name[:1].upper()}{name[1:]}, {_inside(text)}"
    elif name and place == 2:
        bare = text.rstrip(".!?")
        text = f"{bare}, {name}{text[len(bare) :] or '.'}"
    if not begin:
        return text
    keeps_capital = place == 1 and bool(plan.to) and name.startswith(plan.to)
    return f"{begin} {text if keeps_capital else _inside(text)}"


def _inside(text: str) -> str:
    """A sentence that something comes before."""
    first = re.match(r"[\w’']+", text)
    if first is None or first[0] == "I" or first[0].startswith(("I'", "I’")):
        return text
    return text[:1].lower() + text[1:]
