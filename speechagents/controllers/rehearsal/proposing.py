"""A scene made of one sentence, by rule: where it plays, who is in it, what they want, and five beats.

Owns that. Does not know how it is played.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence

import yaml

from speechagents.controllers.controller import MalformedTurn
from speechagents.controllers.rehearsal.nouns import nouns
from speechagents.controllers.rehearsal.phrases import Phrases
from speechagents.controllers.rehearsal.planner import part
from speechagents.drama import MAX_PLAYERS, MIN_PLAYERS, Role, SceneBrief, clean_name
from speechagents.resources import resource
from speechagents.scripts.scene_file import clean_text

_TITLE_WORDS = 6


def propose_scene(idea: str, phrases: Phrases, *, roles: int, language: str, seed: int) -> SceneBrief | MalformedTurn:
    """A scene with so many roles; what cannot be made has the empty role."""
    text = clean_text(idea)[:1_000]
    if not text or not MIN_PLAYERS <= roles <= MAX_PLAYERS:
        return MalformedTurn("", f"an idea and {MIN_PLAYERS} to {MAX_PLAYERS} roles are needed")
    ideas = phrases.ideas
    given = _given_names(language.partition("-")[0].lower())
    named = [
        word for word in dict.fromkeys(re.findall(r"[^\W\d_]+", text)) if word.casefold() in given and word[0].isupper()
    ]
    names = [*named, *(name for name in _mixed(given, seed, text) if name not in named)][:roles]
    if len(names) < roles:
        return MalformedTurn("", f"there are {len(names)} names for this language, not {roles}")
    words = re.findall(r"\w+", text.casefold())
    found = nouns(f"- {text}", phrases.grammar, names={name.casefold() for name in names})
    topics = found or list(phrases.topics)
    topic = topics[int(part(f"{seed} {text} topic") * len(topics))]

    def some(what: str, options: Sequence[str], at: int = 0) -> str:
        """One of several, each once before any comes twice."""
        return options[(int(part(f"{seed} {text} {what}") * len(options)) + at) % len(options)]

    def filled(line: str) -> str:
        return line.replace("{topic}", topic)

    players = [
        Role(
            name,
            ideas["profile"].format(
                age=some("age", ideas["ages"], 4 * at),
                trade=some("trade", ideas["trades"], at),
                temper=some("temper", ideas["tempers"], at),
            ),
            goals=(filled(some("goal", ideas["goals"], at)),),
            secrets=(filled(some("secret", ideas["secrets"], at)),) if at < 2 else (),
            relations=tuple(
                (names[other % roles], some("relation", ideas["relations"], at + other))
                for other in dict.fromkeys(((at + 1) % roles, (at + roles - 1) % roles))
                if other != at
            ),
        )
        for at, name in enumerate(names)
    ]
    title = clean_name(" ".join(re.findall(r"[\w'’-]+", text)[:_TITLE_WORDS])) or filled(ideas["title"])
    return SceneBrief(
        title=title[:1].upper() + title[1:],
        setting=_place(ideas["places"], words),
        background=text,
        roles=tuple(players),
        beats=tuple(filled(beat) for beat in ideas["beats"]),
        policy="addressed",
        turns=max(24, 4 * roles),
        language=language,
        seed=seed,
    )


def _place(places: Mapping[str, str], words: Sequence[str]) -> str:
    """The place that most words speak of; the last one if none does."""
    hits = {place: sum(word in known.split() for word in words) for place, known in places.items()}
    best = max(hits.values())
    return next(place for place, count in hits.items() if count == best) if best else list(places)[-1]


def _mixed(given: Mapping[str, str], seed: int, text: str) -> list[str]:
    """Names in an order drawn by lot, women and men in turn."""
    by_gender: dict[str, list[str]] = {}
    for name in sorted(given, key=lambda name: part(f"{seed} {text} {name}")):
        by_gender.setdefault(given[name], []).append(name.title())
    rows = list(by_gender.values())
    return [name for pair in zip(*rows, strict=False) for name in pair]


@functools.cache
def _given_names(language: str) -> Mapping[str, str]:
    """Given names of a language, case-folded, with their gender."""
    lists = yaml.safe_load(resource("models", "names.yaml").read_text("utf-8"))["given_names"]
    return {
        name: gender
        for gender, names in lists.get(language, lists["en"]).items()
        for name in str(names).split()
        if len(name) > 2
    }
