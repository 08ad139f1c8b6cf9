"""Who speaks which role: the cast, the user's wishes for it, and casting.

Owns the values and the checking of wishes. How voices are chosen is `assignment`'s, what a role's name and profile
say is read in `hints`, the cast file is `cast_file`'s; how far two voices are apart is the catalogue's knowledge
and comes in as a function.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from speechagents.drama import MAX_ROLES, NARRATOR, Role, Scene, clean_name, role_key
from speechagents.errors import CastError
from speechagents.voices.assignment import Assignment, Wishes
from speechagents.voices.company import Company
from speechagents.voices.hints import role_hints
from speechagents.voices.measure import voice_distance
from speechagents.voices.synthesizer import Voice

_NARRATOR_KEY: Final = role_key(NARRATOR)
_SHOWN_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Casting:
    """One role and its voice.

    Attributes:
        role: Name of the role as shown.
        voice: Who speaks it.
        why: The reason, for people: ``woman's name; adult; clear of BEN and OMAR``.
        lines: Number of its lines.
        words: Number of words in them.
        pan: Fixed position from -1 (left) to 1 (right), None where the staging may choose.
    """

    role: str
    voice: Voice
    why: str
    lines: int = 0
    words: int = 0
    pan: float | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """All castings, the narrator's included; look one up with ``cast["ANNA"]`` in any spelling.

    Attributes:
        castings: The narrator's first, then by number of words, most first.
        warnings: What could not be honoured, for people.
    """

    castings: tuple[Casting, ...]
    warnings: tuple[str, ...] = ()
    _by_key: Mapping[str, Casting] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key = {role_key(casting.role): casting for casting in self.castings}
        if len(by_key) != len(self.castings):
            raise ValueError("a role is cast twice")
        if _NARRATOR_KEY not in by_key:
            raise ValueError("the cast has no narrator")
        object.__setattr__(self, "_by_key", by_key)

    def __getitem__(self, role: str) -> Casting:
        return self._by_key[role_key(role)]

    def __contains__(self, role: object) -> bool:
        return isinstance(role, str) and role_key(role) in self._by_key

    def __iter__(self) -> Iterator[Casting]:
        return iter(self.castings)

    def __len__(self) -> int:
        return len(self.castings)

    @property
    def narrator(self) -> Casting:
        """The narrator's casting."""
        return self._by_key[_NARRATOR_KEY]

    def overrides(self) -> Overrides:
        """This cast as a request: casting again with it gives every role the voice it has here."""
        return Overrides(tuple(Override(c.role, voice=c.voice.id, pan=c.pan) for c in self.castings))


@dataclass(frozen=True, slots=True)
class Override:
    """What the user wants for one role.

    Attributes:
        role: Name of the role in any spelling; ``NARRATOR`` for the narrator.
        voice: Identifier of a voice, empty for no wish.
        same_as: Another role whose voice it shall have, empty for none.
        pan: Fixed position from -1 (left) to 1 (right), None for no wish.
        place: Where the wish stands (``cast.yaml:12``), for messages.
    """

    role: str
    voice: str = ""
    same_as: str = ""
    pan: float | None = None
    place: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.voice and self.same_as:
            raise CastError(self.says(f"{shown(self.role)} has both a voice and same_as; keep one of them"))
        if self.pan is not None and not -1.0 <= self.pan <= 1.0:
            raise CastError(self.says(f"pan of {shown(self.role)} is {self.pan:g}; write a number from -1 to 1"))

    def says(self, message: str) -> str:
        """A message with the place in front."""
        return f"{self.place}: {message}" if self.place else message


@dataclass(frozen=True, slots=True)
class Overrides:
    """Wishes of the user, one per role at most; checked against roles and voices by `cast_roles`."""

    wishes: tuple[Override, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, Override] = {}
        for wish in self.wishes:
            if (earlier := seen.setdefault(role_key(wish.role), wish)) is not wish:
                where = f" (first at {earlier.place})" if earlier.place else ""
                raise CastError(wish.says(f"{shown(wish.role)} is listed twice{where}; keep one entry"))


def shown(text: str) -> str:
    """Text from outside, fit for a message: on one line, without control characters, at most 60 characters."""
    clean = clean_name(text)
    return clean if len(clean) <= _SHOWN_CHARS else clean[: _SHOWN_CHARS - 1] + "…"


def cast_roles(
    roles: Sequence[Role],
    scenes: Sequence[Scene],
    voices: Sequence[Voice],
    *,
    seed: int,
    distance: Callable[[Voice, Voice], float],
    overrides: Overrides | None = None,
    language: str = "",
) -> Cast:
    """Give every role a voice.

    Two roles that speak in one scene never get one voice, nor two that sound alike, as long as there are voices
    enough; the more they talk to each other, the further apart they are put. Roles that never meet may share one.
    The narrator's voice is used by nobody else unless the user says so.

    Args:
        roles: All roles; the narrator need not be among them. Roles that only stand in lines are added.
        scenes: What they speak, and with whom.
        voices: The catalogue.
        seed: Chooses among equally good voices.
        distance: How different two voices sound: symmetric, 0 for the same, in any unit.
        overrides: Wishes of the user; they come first.
        language: BCP 47 tag of the script, to read names by.

    Raises:
        CastError: There are no voices, more than `MAX_ROLES` roles, or a wish names an unknown voice or role or
            goes round in a circle.
    """
    return cast_company(
        Company.of(roles, scenes), voices, seed=seed, distance=distance, overrides=overrides, language=language
    )


def cast_company(
    company: Company,
    voices: Sequence[Voice],
    *,
    seed: int,
    distance: Callable[[Voice, Voice], float],
    overrides: Overrides | None = None,
    language: str = "",
) -> Cast:
    """Give every role of a company a voice, as `cast_roles` does; for those who count themselves who meets whom."""
    if not voices:
        raise CastError("there are no voices to cast; choose another preset or language")
    if len(company.roles) > MAX_ROLES:
        raise CastError(
            f"the script has {len(company.roles)} roles and at most {MAX_ROLES} can be cast; check that action "
            "lines in capitals are not read as names, or merge small parts"
        )
    wishes = _checked(overrides or Overrides(), company, voices)
    hints = [role_hints(role, language=language) for role in company.roles]
    narrator = role_hints(company.narrator, language=language) if company.narrator.profile else None
    assignment = Assignment(company, hints, voices, wishes, seed=seed, distance=distance, narrator=narrator)
    teller = Casting(
        NARRATOR,
        assignment.narrator,
        assignment.why_narrator(),
        *company.narrated,
        wishes.pan.get(_NARRATOR_KEY),
    )
    castings = (
        Casting(
            role.name,
            assignment.voice(index),
            assignment.why(index),
            int(company.lines[index]),
            int(company.words[index]),
            wishes.pan.get(role.key),
        )
        for index, role in enumerate(company.roles)
    )
    return Cast((teller, *castings), tuple(assignment.warnings()))


def _checked(overrides: Overrides, company: Company, voices: Sequence[Voice]) -> Wishes:
    index = {role.key: number for number, role in enumerate(company.roles)}
    by_id = {voice.id: number for number, voice in enumerate(voices)}
    names = {role.key: role.name for role in company.roles} | {_NARRATOR_KEY: NARRATOR}
    wishes = {role_key(wish.role): wish for wish in overrides.wishes}
    for wish in wishes.values():
        for name in filter(None, (wish.role, wish.same_as)):
            if role_key(name) not in names:
                raise CastError(wish.says(f'no role is called "{shown(name)}"{_nearest(name, names)}'))
        if wish.voice and wish.voice not in by_id:
            near = _nearest(wish.voice, {voice: voice for voice in by_id})
            raise CastError(wish.says(f'no voice is called "{shown(wish.voice)}"{near}'))
    chosen: dict[str, int] = {}
    ends: dict[str, str] = {}
    for key in wishes:
        chain = [key]
        while chain[-1] in wishes and wishes[chain[-1]].same_as:
            wish = wishes[chain[-1]]
            chain.append(role_key(wish.same_as))
            if chain[-1] in chain[:-1]:
                circle = " → ".join(shown(names[link]) for link in chain[chain.index(chain[-1]) :])
                raise CastError(wish.says(f"same_as goes round in a circle: {circle}; give one of them a voice"))
        last = wishes.get(chain[-1])
        if last is not None and last.voice:
            chosen[key] = by_id[last.voice]
        elif len(chain) > 1:
            ends[key] = chain[-1]
    # A chain that ends at the narrator, or begins there, is settled by casting the narrator first.
    if _NARRATOR_KEY in ends:
        raise CastError(
            wishes[_NARRATOR_KEY].says("the narrator can only be the same as a role that has a voice in this file")
        )
    return Wishes(
        voice={index[key]: voice for key, voice in chosen.items() if key != _NARRATOR_KEY},
        leader={index[key]: index.get(end, -1) for key, end in ends.items()},
        narrator=chosen.get(_NARRATOR_KEY),
        pan={key: wish.pan for key, wish in wishes.items() if wish.pan is not None},
    )


def _nearest(name: str, known: Mapping[str, str]) -> str:
    """``; did you mean …?`` with up to three names, or where to find the names."""
    found = difflib.get_close_matches(role_key(name), [role_key(key) for key in known], n=3, cutoff=0.5)
    folded = {role_key(key): shown for key, shown in known.items()}
    if found:
        return f"; did you mean {' or '.join(shown(folded[key]) for key in found)}?"
    few = ", ".join(map(shown, list(known.values())[:5]))
    return f"; there are for example {few}"


def apart(one: Voice, other: Voice) -> float:
    """How far two voices are from each other, as they were measured; 1, which is far, where one of them never was."""
    if not (one.fingerprint and other.fingerprint):
        return 1.0
    return voice_distance(one.fingerprint, other.fingerprint)
