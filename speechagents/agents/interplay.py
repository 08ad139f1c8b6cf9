"""What happens between turns: who breaks off whom, and who murmurs along.

Owns two decisions about a turn before it is spoken. Does not know when anything starts (`production.rhythm` places an
interruption over the last word of the line that is broken off) or who speaks next (`policies`).

**Figures.** Of the intervals between speakers in conversation about two fifths are overlaps (Heldner & Edlund 2010,
J. Phonetics 38:555), most of them short: the next speaker projects the end (Levinson & Torreira 2015, Front. Psychol.
6:731). Signs of listening are 19 % of all utterances in Switchboard (Stolcke et al. 2000, Computational Linguistics
26:339, tag "acknowledge"), and come where a clause ends, about 0.7 s after the speaker's pitch has gone low (Ward &
Tsukahara 2000, J. Pragmatics 32:1177). A stage wants less than life, for every murmur costs attention: one long turn in
four gets one, and only heated turns are broken off often (our choice).
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import yaml

from speechagents.drama import Deed, Turn, role_key
from speechagents.resources import resource
from speechagents.voices.synthesizer import Word

CUT_MARK: Final = " --"
"""How a line that is broken off ends, as in screenplays; `production.rhythm` lets the next one overlap."""

_HEATED: Final = frozenset({"angry", "excited", "urgent", "afraid", "surprised", "shouting", "laughing"})
_CUT_CHANCE: Final = 0.04
_HEATED_CUT_CHANCE: Final = 0.30
_CUT_WORDS: Final = 12
_KEPT: Final = (0.6, 0.9)  # share of the words that an interrupted speaker gets out

_MURMUR_CHANCE: Final = 0.25
_MURMUR_WORDS: Final = 14
_WORD: Final = re.compile(r"\w+(?:[-'’]\w+)*")
_REACTION_S: Final = 0.3  # after the end of the clause; pitch has been low for 0.4 s by then
_CLAUSE_END: Final = re.compile(r"[,;:.!?…—–]['\"”’)]*$")


@dataclass(frozen=True, slots=True)
class Murmur:
    """A sign of listening under somebody's turn.

    Attributes:
        role: Who listens.
        text: What is murmured.
    """

    role: str
    text: str


def broken_off(turn: Turn, *, seed: int, step: int) -> Turn:
    """The turn as far as its speaker gets: mostly all of it.

    Only talk to everybody is broken off; whoever whispers, or is heard by one alone, finishes.
    """
    words = turn.text.split()
    if turn.deed is not Deed.SPEAK or turn.private or len(words) < _CUT_WORDS:
        return turn
    chance = _HEATED_CUT_CHANCE if turn.style.tag in _HEATED else _CUT_CHANCE
    if _draw(seed, step, "cut") >= chance:
        return turn
    low, high = _KEPT
    kept = round(len(words) * (low + (high - low) * _draw(seed, step, "where")))
    text = re.sub(r"[^\w]+$", "", " ".join(words[:kept]))
    # Nobody knows where in the units the last word ends.
    return replace(turn, text=text + CUT_MARK, units=()) if text else turn


def is_broken_off(text: str) -> bool:
    """Whether a text ends in the middle."""
    return text.endswith(CUT_MARK)


def murmur(turn: Turn, hearers: Sequence[str], *, language: str, seed: int, step: int) -> Murmur | None:
    """Who murmurs along with a turn, if anybody does.

    Args:
        turn: What is about to be spoken.
        hearers: Who hears it.
        language: BCP 47 tag.
        seed: Of the scene.
        step: Number of the turn.
    """
    others = [name for name in hearers if role_key(name) != role_key(turn.role)]
    quiet = turn.deed is not Deed.SPEAK or turn.private or is_broken_off(turn.text)
    if quiet or not others or len(turn.text.split()) < _MURMUR_WORDS or _draw(seed, step, "murmur") >= _MURMUR_CHANCE:
        return None
    addressed = [name for name in others if role_key(name) in map(role_key, turn.addresses)]
    among = addressed or others
    texts = _murmurs(language)
    if not texts:
        return None
    role = among[int(_draw(seed, step, "who") * len(among))]
    return Murmur(role, texts[int(_draw(seed, step, "what") * len(texts))])


def is_murmur(text: str, language: str) -> bool:
    """Whether a text is nothing but signs of listening, as people give them under somebody else's speech."""
    murmurs = {plain for one in _murmurs(language) for plain in _WORD.findall(one.casefold())}
    words = _WORD.findall(text.casefold())
    return bool(words) and all(word in murmurs for word in words)


def filler(language: str, *, seed: int, step: int) -> str:
    """What somebody says who has nothing to say; empty for a language without murmurs."""
    texts = _murmurs(language)
    return texts[int(_draw(seed, step, "filler") * len(texts))] if texts else ""


def murmur_offset_s(words: Sequence[Word], duration_s: float) -> float:
    """When a murmur starts after the turn it belongs to: shortly after the clause end nearest to the middle.

    Args:
        words: Of the turn's take.
        duration_s: Its length.
    """
    ends = [word.end_s for word in words if _CLAUSE_END.search(word.text) and word.end_s < 0.85 * duration_s]
    end_s = min(ends, key=lambda end_s: abs(end_s - 0.5 * duration_s), default=0.55 * duration_s)
    return min(60.0, round(end_s + _REACTION_S, 2))


@functools.cache
def _murmurs(language: str) -> Sequence[str]:
    """Murmurs of a language, none if nobody wrote any down."""
    return _all_murmurs().get(language.split("-", maxsplit=1)[0].lower(), ())


@functools.cache
def _all_murmurs() -> Mapping[str, Sequence[str]]:
    found: Mapping[str, Sequence[str]] = yaml.safe_load(resource("models", "murmurs.yaml").read_text("utf-8"))
    return {str(language): tuple(map(str, texts)) for language, texts in found.items()}


def _draw(seed: int, step: int, what: str) -> float:
    """A number from 0 up to 1 that only its arguments decide."""
    digest = hashlib.blake2b(f"{seed}\0{step}\0{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
