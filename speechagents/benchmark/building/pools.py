"""A scene with its pool of 25 roles, in one proposal or in several: a controller is asked for as many as it can make.

Owns the growth of a pool and what is asked of a role and of a scene. Further roles are asked for as another scene of
the same idea in which the first two of the pool play again, so that the new ones are related to somebody who is there.
Does not know what else a benchmark holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from speechagents.benchmark.building.asking import Unusable
from speechagents.benchmark.building.duplicates import ROLE_AT_LEAST, Twins
from speechagents.benchmark.building.ideas import MAX_IDEA_CHARS, Idea
from speechagents.benchmark.building.settings import LEAST_AT_ONCE
from speechagents.benchmark.scene_set import POOL
from speechagents.drama import Role, SceneBrief, role_key
from speechagents.errors import SceneError
from speechagents.scripts.scene_file import parse_scene, write_scene
from speechagents.scripts.spoken import is_speakable

LEAST_BACKGROUND_WORDS: Final = 8
MAX_ASKS: Final = 24
"""Most proposals for one pool."""

_MOST_VAIN: Final = 4
"""Proposals in a row that bring nobody new."""
_KNOWN: Final = 2
"""Roles of the pool that play again where further ones are asked for."""
_TOLD_NAMES: Final = 12
_SEEDS: Final = 2**31
"""Servers take so many."""

Propose = Callable[[str, int, int], SceneBrief | Unusable]
"""Asks for a scene: its idea, how many roles, and a seed."""


@dataclass(frozen=True, slots=True)
class Grown:
    """What became of an idea.

    Attributes:
        scene: With its pool; None where nothing did.
        asks: Proposals that were asked for.
        at_once: So many roles the controller was able to make at once.
        dropped: Roles that were left out because they resemble others of the pool.
        refusal: Why there is no scene.
    """

    scene: SceneBrief | None
    asks: int
    at_once: int
    dropped: int = 0
    refusal: str = ""


def grow(idea: Idea, propose: Propose, *, at_once: int, seed: int) -> Grown:
    """Make a scene with a full pool of an idea.

    Args:
        idea: What it is about.
        propose: Asks for a scene.
        at_once: Most roles to ask for at once; fewer are asked for once that fails.
        seed: Of the build.
    """
    pool = _Pool()
    first: SceneBrief | None = None
    vain, asked = 0, 0
    refusal = ""
    for asked in range(1, MAX_ASKS + 1):
        if len(pool) == POOL or vain == _MOST_VAIN:
            asked -= 1
            break
        text, count = idea.text, at_once
        if first is not None:
            text = _further(idea.text, pool)
            count = max(LEAST_AT_ONCE, min(at_once, POOL - len(pool) + _KNOWN))
        found = propose(text, count, _seed(seed, idea, asked))
        fault = found.reason if isinstance(found, Unusable) else _fault(found) if first is None else ""
        if isinstance(found, Unusable) or fault:
            refusal, vain = fault, vain + 1
            if isinstance(found, Unusable) and count == at_once:
                at_once = max(LEAST_AT_ONCE, at_once // 2)
            continue
        first = first or found
        vain = 0 if pool.take(found.roles) else vain + 1
    if first is None:
        return Grown(None, asked, at_once, refusal=refusal)
    if len(pool) < POOL:
        why = refusal or pool.refusal or "nobody new came"
        return Grown(
            None, asked, at_once, pool.dropped, f"{len(pool)} of {POOL} roles came together; the last fault: {why}"
        )
    scene = SceneBrief(
        title=first.title,
        roles=pool.roles(),
        setting=idea.setting or first.setting,
        background=first.background,
        beats=first.beats,
        language=first.language,
    )
    try:
        return Grown(parse_scene(write_scene(scene)), asked, at_once, pool.dropped)
    except SceneError as error:
        return Grown(None, asked, at_once, pool.dropped, str(error))


class _Pool:
    """Roles that are there.

    Attributes:
        dropped: Roles that resembled others.
        refusal: Why the last one was refused.
        again: Names that came again, the last ones last.
    """

    def __init__(self) -> None:
        self._roles: dict[str, Role] = {}
        self._profiles = Twins()
        self.dropped = 0
        self.refusal = ""
        self.again: list[str] = []

    def __len__(self) -> int:
        return len(self._roles)

    @property
    def known(self) -> Sequence[Role]:
        """Who plays again where further roles are asked for."""
        return list(self._roles.values())[:_KNOWN]

    def take(self, roles: Sequence[Role]) -> int:
        """Take those who are new and whole, as long as there is room; how many were taken."""
        before = len(self)
        known = {role.key for role in self.known}
        for role in roles[: POOL + _KNOWN]:
            if len(self) == POOL:
                break
            if role.key not in known and not self._refuses(role):
                self._roles[role.key] = replace(role, voice="")
                self._profiles.add(role.name, role.profile)
        return len(self) - before

    def roles(self) -> tuple[Role, ...]:
        """The pool, related to nobody who is not in it."""
        return tuple(replace(role, relations=tuple(self._relations(role).values())) for role in self._roles.values())

    def _relations(self, role: Role) -> dict[str, tuple[str, str]]:
        return {
            key: (self._roles[key].name, word)
            for name, word in role.relations
            if (key := role_key(name)) in self._roles and key != role.key
        }

    def _refuses(self, role: Role) -> bool:
        if role.key in self._roles or any(_sounds_alike(role.name, other.name) for other in self._roles.values()):
            self.again.append(role.name)
            self.refusal = f"{role.name} is there already"
        elif not (is_speakable(role.name) and role.profile and role.goals):
            self.refusal = f"{role.name} has no profile or no goal"
        elif (twin := self._profiles.like(role.profile, ROLE_AT_LEAST)) is not None:
            self.dropped += 1
            self.refusal = f"{role.name} resembles {twin.name}"
        else:
            return False
        return True


def _fault(scene: SceneBrief) -> str:
    """Why no pool is grown from a scene; empty if one can be."""
    if len(scene.background.split()) < LEAST_BACKGROUND_WORDS:
        return f"the background has fewer than {LEAST_BACKGROUND_WORDS} words"
    return ""


def _further(idea: str, pool: _Pool) -> str:
    """The idea with those who play again, and those names that are taken and came all the same."""
    known = " and ".join(role.name for role in pool.known)
    text = f"{idea} {known} are in it, under these names. Everybody else is new."
    told = list(dict.fromkeys(reversed(pool.again)))[:_TOLD_NAMES]
    if told:
        text += f" Nobody is called {', '.join(told)}."
    return text[: 2 * MAX_IDEA_CHARS]


def _sounds_alike(one: str, other: str) -> bool:
    """Whether one name is a part of the other: nobody would know who is called."""
    words, others = (frozenset(re.findall(r"\w+", role_key(name))) for name in (one, other))
    return words <= others or others <= words


def _seed(seed: int, idea: Idea, asked: int) -> int:
    digest = hashlib.blake2b(f"{seed}\0{idea.number}\0{idea.text}\0{asked}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _SEEDS
