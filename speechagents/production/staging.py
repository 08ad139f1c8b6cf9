"""Where people stand in a scene, from left to right.

Owns the positions. Does not know when somebody speaks (`rhythm`) or how a position becomes sound (`mixing`).

A role keeps its place for a whole scene. Leads stand near the middle, where nobody tires of turning an ear;
those who answer each other stand on opposite sides, because two voices at different places are told apart more
easily (Cherry 1953, J. Acoust. Soc. Am. 25:975).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from speechagents.drama import NARRATOR, Delivery, Line, Scene, role_key
from speechagents.voices.casting import Cast

MAX_PAN: Final = 0.85
"""The outermost place on stage: a voice in one ear alone is unpleasant on headphones."""

_INNER_PAN: Final = 0.22
_PAIR_PAN: Final = 0.35
_OFF_STAGE_PAN: Final = 0.95
_NARRATOR_KEY: Final = role_key(NARRATOR)


def positions(scene: Scene, cast: Cast, *, seed: int) -> Mapping[str, float]:
    """Choose a place for everybody who speaks in a scene.

    Args:
        scene: What is said, and after whom.
        cast: Who is a lead (by words in the whole script), and who has a fixed place.
        seed: Chooses the sides where nothing else does.

    Returns:
        Pan from -1 (left) to 1 (right) by `role_key`; the narrator's is 0.
    """
    speakers = [role_key(line.role) for line in scene.lines]
    present = dict.fromkeys(speakers)
    fixed = {key: pan for key in present if key in cast and (pan := cast[key].pan) is not None}
    here = Counter[str]()
    for line in scene.lines:
        here[role_key(line.role)] += len(line.text.split())
    free = [key for key in present if key != _NARRATOR_KEY and key not in fixed]
    free.sort(key=lambda key: (-(cast[key].words if key in cast else 0), -here[key], key))
    exchange = Counter[tuple[str, str]]()
    for one, other in pairwise(key for key in speakers if key != _NARRATOR_KEY):
        exchange[one, other] += 1
        exchange[other, one] += 1
    sides = _sides(free, exchange, {key: pan for key, pan in fixed.items() if pan}, seed)
    found: dict[str, float] = {_NARRATOR_KEY: 0.0} | fixed
    alone = len(free) == 1 and not any(key != _NARRATOR_KEY for key in fixed)
    for side in (-1, 1):
        row = [key for key in free if sides[key] == side]
        for rank, key in enumerate(row):
            found[key] = 0.0 if alone else round(side * _distance_from_centre(rank, len(row), len(free)), 3)
    return found


def line_pan(line: Line, places: Mapping[str, float]) -> float:
    """Where one line is heard: a voice over in the middle, somebody off stage far out on their own side.

    Args:
        line: The line.
        places: `positions` of its scene.
    """
    place = places.get(role_key(line.role), 0.0)
    if line.delivery is Delivery.VOICE_OVER:
        return 0.0
    if line.delivery is Delivery.OFF_SCREEN:
        return _OFF_STAGE_PAN if place >= 0.0 else -_OFF_STAGE_PAN
    return place


def _sides(
    roles: list[str], exchange: Mapping[tuple[str, str], int], fixed: Mapping[str, float], seed: int
) -> dict[str, int]:
    """Left (-1) or right (1) for each role: across from those it talks to most, and about as many on either side.

    Greedy maximum cut, the busiest roles first: it reaches at least half of what can be reached (Sahni & Gonzalez
    1976), and on the chains and stars of dialogue nearly all.
    """
    sides = {key: -1 if pan < 0.0 else 1 for key, pan in fixed.items()}
    room = {side: -(-len(roles) // 2) for side in (-1, 1)}
    chosen: dict[str, int] = {}
    for key in roles:
        pull = -sum(exchange.get((key, other), 0) * side for other, side in (sides | chosen).items())
        side = (1 if pull > 0 else -1) if pull else (1 if _coin(seed, key) else -1)
        if not room[side]:
            side = -side
        room[side] -= 1
        chosen[key] = side
    return chosen


def _distance_from_centre(rank: int, on_this_side: int, on_stage: int) -> float:
    """Pan without its sign of the role of a rank, 0 standing nearest to the middle; a crowd spreads further."""
    if on_stage <= 2:
        return _PAIR_PAN
    outer = min(MAX_PAN, _PAIR_PAN + 0.1 * (on_stage - 2))
    return _INNER_PAN + (outer - _INNER_PAN) * (rank / (on_this_side - 1) if on_this_side > 1 else 0.0)


def _coin(seed: int, key: str) -> bool:
    return hashlib.blake2b(f"{seed}\0{key}".encode("utf-8", "replace"), digest_size=1).digest()[0] < 128
