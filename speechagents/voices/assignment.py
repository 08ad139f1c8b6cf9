"""Chooses voices for roles so that nobody is mistaken for somebody else.

Owns the assignment. Does not know who meets whom (`company`), names of voices wished for (`casting` turns wishes
into indices) nor how names are read (`hints`).

Roles are cast one by one, those with the most words first, each with the best voice that is left for it. So a
small part that is added later, or another order of the roles, moves no lead; and the same seed gives the same
cast.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from speechagents.drama import NARRATOR, role_key
from speechagents.voices.company import Company
from speechagents.voices.hints import RoleHints
from speechagents.voices.synthesizer import Age, Gender, Voice

_NARRATOR_KEY: Final = role_key(NARRATOR)
_Floats = NDArray[np.float64]

# Costs of a voice for a role, in one currency. The order matters, not the figures: it is better to share a voice
# with a role of other scenes than to cast a teen as an adult, better to miss the age than to share a voice with a role
# that is heard nearby, better that than to sound like a partner, better to sound close to a partner than to have the
# wrong gender, and anything is better than one voice for two people in one scene.
_REUSED: Final = 1.5
_NEARBY: Final = 4.0
_OTHER_ACCENT: Final = 0.9
_NEUTRAL: Final = 3.0
_ALIKE: Final = 8.0
_WRONG_GENDER: Final = 10.0
_SAME: Final = 1000.0
_AGE_COST: Final[Mapping[Age, Mapping[Age, float]]] = {
    Age.CHILD: {Age.CHILD: 0.0, Age.TEEN: 2.0, Age.ADULT: 6.0, Age.ELDER: 7.0},
    Age.TEEN: {Age.CHILD: 3.0, Age.TEEN: 0.0, Age.ADULT: 2.0, Age.ELDER: 6.0},
    Age.ADULT: {Age.CHILD: 6.0, Age.TEEN: 2.0, Age.ADULT: 0.0, Age.ELDER: 1.0},
    Age.ELDER: {Age.CHILD: 7.0, Age.TEEN: 6.0, Age.ADULT: 2.0, Age.ELDER: 0.0},
}

ALIKE_SHARE: Final = 0.4
"""Voices nearer than this share of the catalogue's median distance count as alike."""

_CLEAR: Final = 1.5
"""From this many median distances on, more distance gains nothing and the seed may choose."""

_MOVES: Final = 40
"""Roles that are tried when one has to give up its voice for another; bounds the time of a hopeless scene."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Overrides after checking. Roles are indices of the company, voices of the catalogue.

    Attributes:
        voice: Voice of each role that has one by wish.
        leader: For each role with ``same_as`` the role at the end of its chain.
        narrator: The narrator's voice by wish.
        pan: Fixed positions by role key.
    """

    voice: Mapping[int, int]
    leader: Mapping[int, int]
    narrator: int | None
    pan: Mapping[str, float]


class Assignment:
    """A finished assignment.

    Args:
        company: Who speaks with whom.
        hints: What is known of each role of the company.
        voices: The catalogue, not empty.
        wishes: What is settled already.
        seed: Chooses among equally good voices.
        distance: How different two voices sound.
        narrator: What is known of the narrator, where they are a person of the story.
    """

    def __init__(
        self,
        company: Company,
        hints: Sequence[RoleHints],
        voices: Sequence[Voice],
        wishes: Wishes,
        *,
        seed: int,
        distance: Callable[[Voice, Voice], float],
        narrator: RoleHints | None = None,
    ) -> None:
        self._company = company
        self._voices = tuple(voices)
        self._wishes = wishes
        self._seed = seed
        self._apart = _distances(self._voices, distance)
        self._hints = hints
        self._narrator_hints = narrator or RoleHints()
        self._taken: dict[int, int] = {}  # voice of each role that has one
        self._narrator = self._choose_narrator()
        # Roles that shall sound the same are cast as one, which meets everybody that any of them meets.
        self._met = company.together.copy()
        for follower, leader in wishes.leader.items():
            if leader >= 0:
                self._met[leader] |= self._met[follower]
                self._met[:, leader] |= self._met[:, follower]
                self._met[leader, leader] = False
        self._assign()

    @property
    def narrator(self) -> Voice:
        """The narrator's voice."""
        return self._voices[self._narrator]

    def voice(self, role: int) -> Voice:
        """The voice of a role of the company."""
        return self._voices[self._taken[role]]

    def why(self, role: int) -> str:
        """Why a role has its voice, for people."""
        voice = self._taken[role]
        if role in self._wishes.voice:
            return "as the cast file says"
        if role in self._wishes.leader:
            leader = self._wishes.leader[role]
            name = self._company.roles[leader].name if leader >= 0 else "the narrator"
            return f"same as {name}, as the cast file says"
        hints = self._hints[role]
        reasons = list(dict.fromkeys((hints.gender_why or "nothing tells the gender", hints.age_why or "adult")))
        if hints.accent and self._voices[voice].accent.startswith(hints.accent):
            reasons.append(hints.accent_why)
        if hints.gender not in (None, self._voices[voice].gender):
            reasons.append(f"but no {hints.gender} voice was free")
        if hints.age not in (None, self._voices[voice].age):
            reasons.append(f"but no {hints.age} voice was free")
        partners = sorted(
            self._partners(role, self._company.together),
            key=lambda other: (-self._company.exchange[role, other], other),
        )
        clash = [other for other in partners if self._taken[other] == voice]
        near = [other for other in partners if self._apart[voice, self._taken[other]] < ALIKE_SHARE]
        if clash:
            title, count = self._company.crowded[role]
            free = max(1, len(self._voices) - 1)
            full = f'"{title}" has {count} roles for {free} voices'
            cause = full if count > free else "its partners use all voices"
            reasons.append(f"shares the voice of {self._named(clash)} in one {self._company.place}: {cause}")
        elif near:
            reasons.append(f"close to {self._named(near)}, no clearer voice was free")
        elif partners:
            reasons.append(f"clear of {self._named(partners)}")
        sharing = sorted(
            other for other, taken in self._taken.items() if taken == voice and other != role and other not in partners
        )
        if sharing:
            apart = "whom it never meets" if self._company.near is None else "never heard near it"
            reasons.append(f"shared with {self._named(sharing)}, {apart}")
        return "; ".join(reasons)

    def why_narrator(self) -> str:
        """Why the narrator has their voice, for people."""
        if self._wishes.narrator is not None:
            return "as the cast file says"
        shared = [role for role, voice in self._taken.items() if voice == self._narrator]
        person = f"; {self._narrator_hints.gender_why}" if self._narrator_hints.gender_why else ""
        return (
            f"shared with {self._named(sorted(shared))}{person}" if shared else f"narrator; used by nobody else{person}"
        )

    def warnings(self) -> Iterator[str]:
        """What the user should know of."""
        place = self._company.place
        for one, role in enumerate(self._company.roles):
            partners = self._partners(one, self._company.together)
            if clash := [other for other in partners if other > one and self._taken[other] == self._taken[one]]:
                yield f"{role.name} has the same voice ({self.voice(one).id}) as {self._named(clash)} in one {place}"
        if shared := sorted(role for role, voice in self._taken.items() if voice == self._narrator):
            yield f"the narrator has the same voice ({self.narrator.id}) as {self._named(shared)}"

    def _assign(self) -> None:
        self._taken.update(self._wishes.voice)
        for role, leader in self._wishes.leader.items():
            if leader < 0:
                self._taken[role] = self._narrator
        for role in range(len(self._company.roles)):
            if role not in self._taken and role not in self._wishes.leader:
                self._taken[role] = self._choose(role)
        for role, leader in self._wishes.leader.items():
            if leader >= 0:
                self._taken[role] = self._taken[leader]

    def _partners(self, role: int, met: NDArray[np.bool_]) -> list[int]:
        return [int(other) for other in np.flatnonzero(met[role])]

    def _cast_partners(self, role: int) -> list[int]:
        """Roles that a role meets and that have a voice already."""
        return [other for other in self._partners(role, self._met) if other in self._taken]

    def _choose_narrator(self) -> int:
        if self._wishes.narrator is not None:
            return self._wishes.narrator
        wanted = set(self._wishes.voice.values())
        hints = self._narrator_hints

        def cost(index: int) -> tuple[bool, bool, bool, float, float]:
            voice = self._voices[index]
            return (
                index in wanted,
                hints.gender not in (None, voice.gender),
                not voice.narrates,
                _AGE_COST[hints.age or Age.ADULT][voice.age],
                _chance(self._seed, _NARRATOR_KEY, voice.id),
            )

        return min(range(len(self._voices)), key=cost)

    def _choose(self, role: int) -> int:
        """The best voice for a role, given the roles that are cast already."""
        costs = self._costs(role)
        if costs.min() >= _SAME and (freed := self._make_room(role)) is not None:
            return freed
        best = np.flatnonzero(costs <= costs.min() + 1e-9)
        scores = self._separation(role)[best] - 0.5 * self._burden()[best]
        key = self._company.roles[role].key
        scores += [0.05 * _chance(self._seed, key, self._voices[index].id) for index in best]
        return int(best[np.argmax(scores)])

    def _costs(self, role: int) -> _Floats:
        """Cost of every voice for a role."""
        costs = _misfit(self._hints[role], self._voices)
        used = np.zeros(len(self._voices), np.bool_)
        used[list(self._taken.values())] = True
        costs += _REUSED * used
        if self._company.near is not None:
            nearby = [voice for other, voice in self._taken.items() if self._company.near[role, other]]
            costs[nearby] += _NEARBY - _REUSED
        beside = [self._taken[other] for other in self._cast_partners(role)]
        if beside:
            nearest = self._apart[:, beside].min(axis=1)
            costs += np.where(nearest < ALIKE_SHARE, _ALIKE, 0.0)
            costs[beside] += _SAME
            # Where nothing else is left, the voice that the fewest partners have is taken.
            costs += 10.0 * np.bincount(beside, minlength=len(self._voices))
        if len(self._voices) > 1:
            costs[self._narrator] += 2 * _SAME
        return costs

    def _separation(self, role: int) -> _Floats:
        """How clear each voice is of a role's partners: the least distance, by talk with it counted nearer."""
        others = self._cast_partners(role)
        # The narrator is heard in every scene, but answers nobody.
        apart = self._apart[:, np.array([self._narrator, *(self._taken[other] for other in others)])]
        nearness = np.array([0.0, *(self._company.exchange[role, other] for other in others)])
        return np.asarray(np.minimum((apart / (1.0 + nearness)).min(axis=1), _CLEAR))

    def _burden(self) -> _Floats:
        """Words spoken with each voice so far, the busiest voice's being 1: a lead's voice is shared last."""
        words = np.zeros(len(self._voices))
        for role, voice in self._taken.items():
            words[voice] += float(self._company.words[role])
        return np.asarray(words / max(1.0, float(words.max())))

    def _make_room(self, role: int) -> int | None:
        """Free a voice for a role whose partners use all: let the smallest of them move to another voice.

        One step of the colouring repair of Kempe (1879); it is enough for screenplays, where few parts meet many.
        """
        if self._company.crowded[role][1] > len(self._voices) - 1:
            return None
        misfit = _misfit(self._hints[role], self._voices)
        cast = self._cast_partners(role)
        movable = [other for other in cast if other not in self._wishes.voice and other not in self._wishes.leader]
        for other in sorted(movable, key=lambda one: (self._company.words[one], one))[:_MOVES]:
            voice = self._taken[other]
            if voice == self._narrator or sum(self._taken[one] == voice for one in cast) > 1:
                continue
            if misfit[voice] >= _WRONG_GENDER:
                continue
            del self._taken[other]
            self._taken[role] = voice
            if (others_costs := self._costs(other)).min() < _SAME:
                self._taken[other] = int(np.argmin(others_costs))
                return voice
            del self._taken[role]
            self._taken[other] = voice
        return None

    def _named(self, roles: Sequence[int]) -> str:
        names = [self._company.roles[role].name for role in roles[:3]]
        more = len(roles) - len(names)
        if more:
            return f"{', '.join(names)} and {more} more"
        return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _misfit(hints: RoleHints, voices: Sequence[Voice]) -> _Floats:
    """What it costs each voice to be of another gender, age or origin than the role seems to be."""
    age = hints.age or Age.ADULT

    def cost(voice: Voice) -> float:
        if hints.gender in (None, voice.gender):
            gender = 0.0
        else:
            gender = _NEUTRAL if voice.gender is Gender.NEUTRAL else _WRONG_GENDER
        accent = 0.0 if voice.accent.startswith(hints.accent) else _OTHER_ACCENT
        return gender + _AGE_COST[age][voice.age] + accent

    return np.array([cost(voice) for voice in voices])


def _distances(voices: Sequence[Voice], distance: Callable[[Voice, Voice], float]) -> _Floats:
    """Distances of all pairs in units of their median."""
    count = len(voices)
    apart = np.zeros((count, count))
    for one in range(count):
        for other in range(one + 1, count):
            apart[one, other] = apart[other, one] = distance(voices[one], voices[other])
    pairs = apart[np.triu_indices(count, 1)]
    return apart / (statistics.median(pairs.tolist()) or 1.0) if count > 1 else apart


def _chance(seed: int, role: str, voice: str) -> float:
    """A number from 0 to 1 that only the seed, the role and the voice decide."""
    digest = hashlib.blake2b(f"{seed}\0{role}\0{voice}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64
