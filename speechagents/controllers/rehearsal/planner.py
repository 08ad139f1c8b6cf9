"""What a role does next, and to whom: dialogue acts by what came before, how far the scene is, and who feels what.

Owns that choice. Does not know words (`wording`). All chance comes from one hash of scene, role and turn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from speechagents.controllers.controller import AgentInput, Heard
from speechagents.controllers.rehearsal.nouns import nouns
from speechagents.controllers.rehearsal.phrases import Act, Phrases
from speechagents.drama import Deed, role_key

Chance = Callable[[str], float]
"""A number from 0 up to 1 for whatever is to be decided."""

FOLLOWS: Final[Mapping[str, Mapping[str, float]]] = {
    "nothing": {"greet": 1},
    "question": {"answer": 7, "evade": 2, "object": 1, "tease": 1},
    "statement": {
        "ask": 4,
        "agree": 2,
        "doubt": 2,
        "add": 2,
        "tease": 1.5,
        "object": 1.5,
        "recall": 1,
        "accuse": 1,
    },
    "anger": {"calm": 2, "object": 2, "apologise": 1.5, "accuse": 1.5, "plead": 1, "evade": 0.5},
    "sorrow": {"comfort": 4, "ask": 1.5, "agree": 1, "apologise": 1, "recall": 0.6},
    "deed": {"ask": 3, "tease": 1, "comfort": 1, "add": 1},
}
"""Which acts may follow what; pairs that belong together weigh most (Schegloff & Sacks 1973, *Semiotica* 8:289)."""

_ARC: Final[tuple[tuple[float, Mapping[str, float]], ...]] = (
    (0.10, {"greet": 2, "accuse": 0, "object": 0.3, "plead": 0, "apologise": 0}),
    (0.50, {"accuse": 0.4, "apologise": 0.5}),
    (0.80, {"accuse": 2, "object": 1.5, "plead": 1.5, "reveal": 1.5, "tease": 0.5}),
    (0.93, {"comfort": 2, "apologise": 2, "decide": 2, "agree": 2, "accuse": 0.2, "reveal": 0.7}),
    (1.01, {"farewell": 5, "decide": 1.5, "comfort": 1.5, "ask": 0.3, "accuse": 0, "object": 0.2}),
)
"""By how far the scene is: it opens, rises, turns, settles, ends. Acts that nothing calls for come in here."""

_UNCALLED: Final = frozenset({"greet", "reveal", "decide", "farewell"})
_WARM: Final = {"comfort": 1.6, "tease": 1.3, "agree": 1.3, "accuse": 0.6}
_COOL: Final = {"doubt": 1.5, "object": 1.5, "accuse": 1.6, "comfort": 0.5, "evade": 1.3}
_INVITING: Final = 0.3
_DOING: Final = 0.35
_ANGRY: Final = frozenset({"angry", "shouting"})
_SAD: Final = frozenset({"sad", "afraid", "tender"})


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Attributes:
        act: What; None does something without words.
        to: Name of whom it is for; empty for everybody.
        answers: What it takes up; None opens the scene.
        topic: What it is about.
        echo: What the one before was about.
        kind: What came before, a key of `FOLLOWS`.
    """

    act: Act | None
    to: str
    answers: Heard | None
    topic: str
    echo: str
    kind: str


def plan(ask: AgentInput, phrases: Phrases, chance: Chance) -> Plan:
    """Decide."""
    answers = last_heard(ask)
    kind = kind_of(answers)
    topic = _topic(ask, phrases, chance)
    said = nouns(answers.text, phrases.grammar, names=_names(ask)) if answers is not None else []
    echo = said[int(chance("echo") * len(said))] if said else topic
    if echo == topic:
        topic = _topic(ask, phrases, lambda what: chance(what + " again"))
    to = answers.speaker if answers is not None else ""
    if not any(role_key(name) == role_key(to) for name in ask.present):
        to = ""
    # One turn in ten may do something without words: no two do the same until all has been done.
    if to and ask.step % 10 == 5 + ask.scene.seed % 5 and chance("do") < _DOING:
        return Plan(None, "", answers, topic, echo, kind)
    quiet = _quiet(ask)
    if kind != "question" and quiet and to and chance("invite") < _INVITING:
        return Plan(phrases.acts["invite"], quiet[int(chance("whom") * len(quiet))], answers, topic, echo, kind)
    return Plan(phrases.acts[_act(ask, kind, to, phrases, chance)], to, answers, topic, echo, kind)


def last_heard(ask: AgentInput) -> Heard | None:
    """What is to be taken up: the last thing somebody else said, one for this role before others of the last three."""
    others = [one for one in ask.heard if role_key(one.speaker) != ask.role.key and one.deed is not Deed.BACK_CHANNEL]
    mine = [one for one in others[-3:] if ask.role.key in map(role_key, one.addresses)]
    found = mine or others
    return found[-1] if found else None


def kind_of(heard: Heard | None) -> str:
    """What somebody did: a key of `FOLLOWS`."""
    if heard is None:
        return "nothing"
    if heard.deed in (Deed.ACT, Deed.LEAVE):
        return "deed"
    if "?" in heard.text or "？" in heard.text:
        return "question"
    return "anger" if heard.style.tag in _ANGRY else "sorrow" if heard.style.tag in _SAD else "statement"


def _act(ask: AgentInput, kind: str, to: str, phrases: Phrases, chance: Chance) -> str:
    done = ask.step / max(1, ask.scene.turns)
    arc = next((factors for until, factors in _ARC if done < until), _ARC[-1][1])
    spoken = any(role_key(one.speaker) == ask.role.key for one in ask.heard)
    weights = dict(FOLLOWS[kind])
    if kind != "question":
        weights |= dict.fromkeys(_UNCALLED & arc.keys(), 1.0)
    if spoken and len(weights) > 1:
        weights.pop("greet", None)
    if not ask.role.secrets:
        weights.pop("reveal", None)
    feeling = set(" ".join(text for name, text in ask.role.relations if role_key(name) == role_key(to)).lower().split())
    for words, factors in ((phrases.feelings["warm"], _WARM), (phrases.feelings["cool"], _COOL)):
        if words & feeling:
            weights = {act: weight * factors.get(act, 1.0) for act, weight in weights.items()}
    total = 0.0
    drawn = []
    for act, weight in sorted(weights.items()):
        # Everybody does some things more readily than others.
        total += weight * arc.get(act, 1.0) * (0.5 + part(f"{ask.scene.seed} {ask.role.key} {act}"))
        drawn.append((total, act))
    at = chance("act") * total
    return next((act for until, act in drawn if at < until), drawn[-1][1])


def _topic(ask: AgentInput, phrases: Phrases, chance: Chance) -> str:
    """A noun of the beat, mostly; else of the background or of what this role wants and hides."""
    beats = ask.scene.beats
    beat = beats[min(ask.beat, len(beats) - 1)] if beats else ""
    own = " ".join((*ask.role.goals, *ask.role.secrets))
    places = [beat, beat, beat, ask.scene.background, own]
    first = int(chance("place") * len(places))
    for text in (*places[first:], *places[:first]):
        if found := nouns(text, phrases.grammar, names=_names(ask)):
            return found[int(chance("topic") * len(found))]
    return phrases.topics[int(chance("topic") * len(phrases.topics))]


def _names(ask: AgentInput) -> frozenset[str]:
    return frozenset(word.casefold() for role in ask.scene.roles for word in role.name.split())


def _quiet(ask: AgentInput) -> list[str]:
    """Who is here and has not been heard for long."""
    heard = {role_key(one.speaker) for one in ask.heard[-12:]}
    return [name for name in ask.present if role_key(name) not in heard and role_key(name) != ask.role.key]


def part(text: str) -> float:
    """A number from 0 up to 1 that only a text decides."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big") / 2**64
