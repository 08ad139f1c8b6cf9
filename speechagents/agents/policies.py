"""Who speaks next: turn policies behind one protocol.

Owns the choice. Does not know what anybody will say, nor who made the scene. A policy is a function of the floor and
the seed alone, so that a scene that is resumed goes on as it would have.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from speechagents.controllers.controller import Bid
from speechagents.drama import Message, SceneBrief, role_key
from speechagents.errors import SettingsError
from speechagents.scripts.scene_file import POLICIES

_PATIENCE = 4
"""Whoever has waited so many rounds of the whole company goes first, whatever is said."""


@dataclass(frozen=True, slots=True)
class Floor:
    """What a policy sees.

    Attributes:
        scene: The brief.
        present: Names of the roles that have not left, in the order of the brief.
        turns: Names of all who had the floor so far, silent ones included.
        recent: Latest messages, oldest first; their times mean nothing.
        step: 0-based number of the turn to be given.
        seed: Of the scene.
        directed: Name that the director wants next, empty for none.
        directed_reason: Why.
        bids: Asks several roles at once how much they want the floor; None if the controller knows no bids.
    """

    scene: SceneBrief
    present: tuple[str, ...]
    turns: tuple[str, ...]
    recent: tuple[Message, ...]
    step: int
    seed: int
    directed: str = ""
    directed_reason: str = ""
    bids: Callable[[Sequence[str]], Sequence[Bid]] | None = None

    @property
    def candidates(self) -> tuple[str, ...]:
        """Everybody but the last speaker."""
        last = role_key(self.turns[-1]) if self.turns else ""
        return tuple(name for name in self.present if role_key(name) != last)

    def waited(self, name: str) -> int:
        """Turns since a role had the floor; all of them if it never had."""
        key = role_key(name)
        return next((ago for ago, had in enumerate(reversed(self.turns)) if role_key(had) == key), len(self.turns))

    def lot(self, name: str) -> float:
        """A number from 0 up to 1 that only seed, step and name decide."""
        digest = hashlib.blake2b(
            f"{self.seed}\0{self.step}\0{role_key(name)}".encode("utf-8", "replace"), digest_size=8
        )
        return int.from_bytes(digest.digest(), "big") / 2**64


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets the floor.

    Attributes:
        role: Name of the role.
        reason: Why, for people.
        interrupts: It reaches into the end of the turn before.
    """

    role: str
    reason: str
    interrupts: bool = False


class TurnPolicy(Protocol):
    """Chooses who speaks."""

    def next_speaker(self, floor: Floor) -> Choice | None:
        """Who is next; nobody if there is no candidate."""


def make_policy(name: str) -> TurnPolicy:
    """The policy of a name.

    Raises:
        SettingsError: There is none.
    """
    policies: dict[str, TurnPolicy] = {
        "scripted": InOrder("it is written so"),
        "round-robin": InOrder("it is its turn"),
        "random": ByLot(),
        "addressed": Addressed(),
        "bidding": Bidding(),
        "director": Directed(),
    }
    if name not in policies:
        raise SettingsError(f"no turn policy {name!r}; there are: {', '.join(POLICIES)}")
    return policies[name]


@dataclass(frozen=True, slots=True)
class InOrder:
    """The order of the brief, over and over."""

    reason: str

    def next_speaker(self, floor: Floor) -> Choice | None:
        """Whoever follows the last speaker and has not left."""
        names = [role.name for role in floor.scene.roles]
        last = floor.scene.role(floor.turns[-1]) if floor.turns else None
        first = names.index(last.name) + 1 if last else 0
        candidates = set(floor.candidates)
        following = [*names[first:], *names[:first]]
        return next((Choice(name, self.reason) for name in following if name in candidates), None)


@dataclass(frozen=True, slots=True)
class ByLot:
    """Chance, the same for the same seed."""

    def next_speaker(self, floor: Floor) -> Choice | None:
        """Whoever draws the highest lot."""
        name = max(floor.candidates, key=floor.lot, default="")
        return Choice(name, "by lot") if name else None


@dataclass(frozen=True, slots=True)
class Addressed:
    """Whoever was spoken to answers; else whoever has waited longest, with some chance."""

    def next_speaker(self, floor: Floor) -> Choice | None:
        """Who is next."""
        if not floor.candidates:
            return None
        impatient = _impatient(floor)
        if impatient:
            return Choice(impatient, "has waited longest")
        last = floor.recent[-1] if floor.recent else None
        if last is not None:
            meant = {role_key(name) for name in last.addresses}
            answering = [name for name in floor.candidates if role_key(name) in meant]
            if answering:
                return Choice(max(answering, key=floor.waited), f"{last.speaker} spoke to them")
            named = [name for name in floor.candidates if not last.audience and _is_named(name, last.text)]
            if named:
                return Choice(max(named, key=floor.waited), f"{last.speaker} named them")
        waited = max(floor.candidates, key=lambda name: (1 + floor.waited(name)) * floor.lot(name))
        return Choice(waited, "nobody was spoken to; has waited, and drew the lot")


@dataclass(frozen=True, slots=True)
class Bidding:
    """Whoever wants the floor most; all are asked at once."""

    def next_speaker(self, floor: Floor) -> Choice | None:
        """Who is next; without bids whoever was spoken to."""
        if not floor.candidates:
            return None
        impatient = _impatient(floor)
        if impatient:
            return Choice(impatient, "has waited longest")
        candidates = {role_key(name): name for name in floor.candidates}
        bids = floor.bids(floor.candidates) if floor.bids is not None else ()
        valid = [bid for bid in bids if role_key(bid.role) in candidates and bid.want > 0.0]
        if not valid:
            choice = Addressed().next_speaker(floor)
            return choice and Choice(choice.role, f"nobody bid; {choice.reason}")

        def rank(bid: Bid) -> tuple[float, int, float]:
            name = candidates[role_key(bid.role)]
            return (bid.want, floor.waited(name), floor.lot(name))

        best = max(valid, key=rank)
        why = f"bid {best.want:.2f}" + (f": {best.reason}" if best.reason else "")
        return Choice(candidates[role_key(best.role)], why, interrupts=best.interrupts)


@dataclass(frozen=True, slots=True)
class Directed:
    """Whoever the director wants; without a wish whoever was spoken to."""

    def next_speaker(self, floor: Floor) -> Choice | None:
        """Who is next."""
        wanted = role_key(floor.directed)
        name = next((name for name in floor.candidates if wanted and role_key(name) == wanted), "")
        return Choice(name, f"directed: {floor.directed_reason}") if name else Addressed().next_speaker(floor)


def _impatient(floor: Floor) -> str:
    """Whoever has been passed over for so long that it goes first; empty for nobody."""
    longest = max(floor.candidates, key=lambda name: (floor.waited(name), floor.lot(name)))
    limit = _PATIENCE * len(floor.present) if longest in floor.turns else 2 * len(floor.present)
    return longest if floor.waited(longest) >= limit else ""


def _is_named(name: str, text: str) -> bool:
    return _as_a_word(name).search(text) is not None


@lru_cache(maxsize=1024)  # names of many scenes at once
def _as_a_word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)
