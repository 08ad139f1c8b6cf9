"""The words by which a novel says who speaks, as sets.

Owns the reading of ``models/attribution/words.yaml`` and of the given names in ``models/names.yaml``. Does not know
any grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from speechagents.attribution.quotation import Gender
from speechagents.resources import resource


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words in lower case.

    Attributes:
        speech_verbs: Forms of verbs of saying.
        weak_verbs: Those of them that are also plain action.
        verbs: Common verbs of other kinds.
        person_nouns: Nouns for persons, and the gender they tell.
        titles: Words that stand before a name, and the gender they tell.
        addresses: Words by which somebody is spoken to, and the gender they tell.
        nicknames: Given names by their short form.
        given_names: English given names, and the gender they tell.
    """

    speech_verbs: frozenset[str]
    weak_verbs: frozenset[str]
    verbs: frozenset[str]
    person_nouns: Mapping[str, Gender]
    titles: Mapping[str, Gender]
    addresses: Mapping[str, Gender]
    nicknames: Mapping[str, frozenset[str]]
    given_names: Mapping[str, Gender]


def word_set(words: str) -> frozenset[str]:
    """Words that are separated by white space."""
    return frozenset(words.split())


@cache
def lexicon() -> Lexicon:
    """The shipped words; read once."""
    words = yaml.safe_load(resource("models", "attribution", "words.yaml").read_text("utf-8"))
    names = yaml.safe_load(resource("models", "names.yaml").read_text("utf-8"))["given_names"]["en"]
    nicknames: dict[str, set[str]] = {}
    for pair in words["nicknames"].split():
        short, _, full = pair.partition("=")
        nicknames.setdefault(short, set()).add(full)
    return Lexicon(
        speech_verbs=word_set(words["speech_verbs"]),
        weak_verbs=word_set(words["weak_verbs"]),
        verbs=word_set(words["verbs_common"]),
        person_nouns=_by_gender(words["person_nouns"]),
        titles=_by_gender(words["titles"]),
        addresses=_by_gender(words["addresses"]),
        nicknames={short: frozenset(full) for short, full in nicknames.items()},
        given_names=_by_gender(names),
    )


def _by_gender(lists: Mapping[str, Any]) -> dict[str, Gender]:
    genders = {"female": Gender.FEMALE, "male": Gender.MALE, "any": Gender.UNKNOWN}
    found: dict[str, Gender] = {}
    for name, words in lists.items():
        for word in words.replace("_", " ").split():
            found[word] = Gender.UNKNOWN if word in found and found[word] is not genders[name] else genders[name]
    return found
