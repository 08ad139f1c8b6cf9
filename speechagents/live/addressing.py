"""Whom a person speaks to, and who answers.

Owns finding names in what was understood, and the two rules that a person adds to any turn policy: whoever the person
spoke to answers, and nobody acts for the person. Does not know how speech was understood, nor what the answer is.

A recogniser gives no capitals, no punctuation and no accents, so neither is asked for. A role is called by its whole
name, by the first or last word of it ("Ella", "Stone"), with a title ("Mr Stone", "Mister Stone"), or by a rank alone
("Inspector"). What two roles share ("Man" of Man 1 and Man 2) calls neither. Longer names win over shorter ones.

Of several that are named, those are meant that are set off at both sides, by a comma or the end of a sentence ("Tom is
a liar, Ella"); else those at the beginning or the end ("Ella I do not trust Tom at all"); else all.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Final

from speechagents.agents.policies import Choice, Floor, TurnPolicy
from speechagents.controllers.controller import Bid
from speechagents.drama import role_key

ANSWER_BID: Final = 0.8
"""How much a person who was spoken to wants the floor, where others bid for it; who burns to speak may come first."""

_WORD: Final = re.compile(r"\w+(?:['’]\w+)*")
_MARK: Final = re.compile(r"[.,;:!?…—–]|--")
_SPELLINGS: Final = {"mister": "mr", "missus": "mrs", "missis": "mrs", "doctor": "dr", "professor": "prof"}
_TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "sir", "lady", "lord", "dame", "herr", "frau"})
_RANKS: Final = frozenset(
    (
        "dr", "prof", "captain", "major", "colonel", "general", "sergeant", "lieutenant", "officer", "constable",
        "detective", "inspector", "commander", "father", "sister", "brother", "mother", "grandma", "grandpa", "aunt",
        "uncle", "king", "queen", "prince", "princess", "judge", "nurse", "president", "minister",
    )
)  # fmt: skip
_ARTICLES: Final = frozenset({"the", "a", "an", "der", "die", "das", "old", "young", "little"})
_OPENERS: Final = frozenset(
    ("hey", "hi", "hello", "oh", "so", "well", "and", "but", "no", "yes", "ok", "okay", "please", "listen", "dear")
)
_Form = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Named:
    """A name in a text, and how clearly its bearer is called: 2 set off at both sides, 1 at one end, 0 merely named."""

    role: str
    place: int
    clarity: int


def addressees(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """Who is spoken to by name, in the order of the text.

    Args:
        text: What was said.
        names: Of all who may be meant.
    """
    matches = list(_WORD.finditer(text))
    words = [_plain(match.group()) for match in matches]
    between = [text[: matches[0].start()] if matches else ""]
    between += [text[a.end() : b.start()] for a, b in pairwise(matches)]
    # Index n is what stands before word n; both ends of a text set off like marks.
    marked = [True, *(bool(_MARK.search(gap)) for gap in between[1:]), True]
    found: list[_Named] = []
    taken = [False] * len(words)
    for form, role in sorted(_forms(names).items(), key=lambda one: (-len(one[0]), -sum(map(len, one[0])))):
        for place in range(len(words) - len(form) + 1):
            end = place + len(form)
            if tuple(words[place:end]) != form or any(taken[place:end]):
                continue
            taken[place:end] = [True] * len(form)
            opens = marked[place] or _opened(words, marked, place)
            found.append(_Named(role, place, opens + marked[end]))
    clearest = max((one.clarity for one in found), default=0)
    meant = sorted((one for one in found if one.clarity == clearest), key=lambda one: one.place)
    return tuple(dict.fromkeys(one.role for one in meant))


@dataclass(frozen=True, slots=True)
class WithPerson:
    """A turn policy for a scene with a person in it.

    Attributes:
        policy: What decides otherwise.
        person: Name of the person's role.
    """

    policy: TurnPolicy
    person: str

    def next_speaker(self, floor: Floor) -> Choice | None:
        """Whoever the person has just spoken to; else whoever the policy chooses, the person included."""
        person = role_key(self.person)
        last = floor.recent[-1] if floor.recent else None
        if last is not None and role_key(last.speaker) == person and role_key(floor.turns[-1]) == person:
            meant = set(map(role_key, last.addresses))
            answering = [name for name in floor.candidates if role_key(name) in meant]
            if answering:
                return Choice(max(answering, key=floor.waited), f"{last.speaker} spoke to them")
        if floor.bids is not None:
            floor = replace(floor, bids=partial(self._bids, floor))
        return self.policy.next_speaker(floor)

    def _bids(self, floor: Floor, names: Sequence[str]) -> Sequence[Bid]:
        """The agents' bids, and one for a person who was spoken to."""
        person = role_key(self.person)
        agents = [name for name in names if role_key(name) != person]
        bids = list(floor.bids(agents)) if floor.bids is not None and agents else []
        last = floor.recent[-1] if floor.recent else None
        if len(agents) < len(names) and last is not None and person in map(role_key, last.addresses):
            bids.append(Bid(self.person, ANSWER_BID, reason=f"{last.speaker} spoke to them"))
        return bids


def _opened(words: Sequence[str], marked: Sequence[bool], place: int) -> bool:
    """Whether nothing but a word that calls ("hey") stands between a place and the mark before it."""
    return place > 0 and words[place - 1] in _OPENERS and marked[place - 1]


def _forms(names: Sequence[str]) -> dict[_Form, str]:
    """What each role is called by."""
    whole = {tuple(map(_plain, _WORD.findall(name))): name for name in names}
    parts: list[tuple[_Form, str]] = []
    for form, name in whole.items():
        titles = [word for word in form if word in _TITLES or word in _RANKS]
        core = [word for word in form if word not in _TITLES and word not in _RANKS and word not in _ARTICLES]
        parts += [((word,), name) for word in titles if word in _RANKS]
        parts += [((title, word), name) for title in titles for word in core[-1:]]
        parts += [((word,), name) for word in {*core[:1], *core[-1:]} if len(word) > 1 and not word.isdigit()]
        parts += [(("mr", word), name) for word in core[-1:]] + [(("mrs", word), name) for word in core[-1:]]
        parts += [(("ms", word), name) for word in core[-1:]] + [(("miss", word), name) for word in core[-1:]]
    bearers = Counter(form for form, _ in dict.fromkeys(parts))
    forms = {form: name for form, name in parts if bearers[form] == 1}
    return {form: name for form, name in {**forms, **whole}.items() if form}


def _plain(word: str) -> str:
    """A word without case, accents and spelt-out titles."""
    folded = unicodedata.normalize("NFKD", word.casefold())
    plain = "".join(c for c in folded if not unicodedata.combining(c)).replace("’", "'")
    return _SPELLINGS.get(plain, plain)
