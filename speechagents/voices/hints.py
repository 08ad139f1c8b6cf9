"""What a role's name and profile say about the voice it needs.

Owns the reading of names, titles, kin words, pronouns and ages. Knows no voices and no other roles; `casting`
weighs what is found here. The word lists are data, ``models/names.yaml``, read on first use.

Occupations say nothing: a NURSE and a JUDGE may be anybody. Only words that a language itself marks (waitress,
Lehrerin, fisherman) count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from speechagents.drama import Role
from speechagents.resources import resource
from speechagents.voices.synthesizer import Age, Gender

_MAX_PROFILE_CHARS: Final = 400
"""Profiles are read this far: who somebody is stands at their beginning."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_GROUP: Final = re.compile(r"[&+/]|\b(?:and|und|et|y|with)\b", re.IGNORECASE)
# Behind these a profile speaks of others: "a nurse who lost her husband", "mother of two boys".
_HEAD_ENDS: Final = re.compile(
    r"\b(?:who|whose|whom|with|of|for|from|to|by|and|is|was|has|had|lost|loves|hates|von|mit|und|qui|de|"
    r"avec|que|con|che|di|com|ist|est|es|è|é)\b|[.;:]",
    re.IGNORECASE,
)
_DECADE: Final = re.compile(r"\b(?:(early|mid|late)[\s-]*)?([1-9])0['’]?s\b", re.IGNORECASE)
_DECADE_WORDS: Final = re.compile(
    r"\b(?:(early|mid|late)[\s-]*)?(twent|thirt|fort|fift|sixt|sevent|eight|ninet)ies\b", re.IGNORECASE
)
_YEARS: Final = re.compile(
    r"\b(?:aged?|age:|(?:woman|man|girl|boy|lady|gentleman|person|child|kid) of)\s*(?P<aged>\d{1,3})\b"
    r"|\b(?P<years>\d{1,3})[\s-]*(?:years?|yrs?|y/?o|jahre?n?|jährige?r?|ans|años|anni|anos)\b"
    r"|(?:^|[(,;])\s*(?P<bare>\d{1,3})\s*(?=$|[),;.])",
    re.IGNORECASE,
)
_TENS: Final = ("", "", "twent", "thirt", "fort", "fift", "sixt", "sevent", "eight", "ninet")
_NOT_A_MAN: Final = frozenset({"human", "german", "roman", "ottoman", "talisman", "shaman", "norman", "yemen", "omen"})
_MEN_ENDING_IN_A: Final = frozenset(
    {"joshua", "luca", "mustafa", "nikita", "elia", "andrea", "dracula", "yoda", "noah", "ezra", "garcia", "costa",
     "silva", "rocha", "zola", "attila", "cobra", "panda", "data", "media", "opera", "villa", "gorilla", "militia"}
)  # fmt: skip
_YOUNG: Final = frozenset({"young", "younger", "junge", "junger", "jeune", "joven", "giovane", "jovem"})


@dataclass(frozen=True, slots=True)
class RoleHints:
    """What is known of a role; None and empty where nothing is.

    Attributes:
        gender: Female or male.
        age: Child, teen, adult or elder.
        gender_why: The reason for people: ``woman's name``, ``"uncle" in the name``.
        age_why: The reason for people: ``30s``, ``"old" in the profile``.
        accent: Beginning of the BCP 47 tag of an accent (``en-GB-scotland`` for "a Scotsman"), or empty.
        accent_why: The reason for people: ``accent of "scotsman"``.
    """

    gender: Gender | None = None
    age: Age | None = None
    gender_why: str = ""
    age_why: str = ""
    accent: str = ""
    accent_why: str = ""


@dataclass(frozen=True, slots=True)
class _Lists:
    """The word lists of one language: each word with what it says."""

    given_names: Mapping[str, Gender]
    titles: Mapping[str, Gender]
    genders: Mapping[str, Gender]
    ages: Mapping[str, Age]
    adjectives: Mapping[str, Age]
    pronouns: Mapping[str, Gender]
    subjects: frozenset[str]
    neutral: frozenset[str]


def role_hints(role: Role, *, language: str = "") -> RoleHints:
    """Read a role's name and profile.

    The profile's own noun ("a girl from next door") outranks the name's title ("Mrs"), that its kin word
    ("ANNA'S MOTHER"), that a subject pronoun of the profile when all its pronouns agree, that the given name, that
    a word on ``-man`` or ``-woman``, that a name on ``-a``. A number outranks words of age; adjectives ("old")
    outrank nouns ("man").

    Args:
        role: Name and profile in any case.
        language: BCP 47 tag; its lists are asked first, then the others where that is safe.
    """
    tag = language.split("-", maxsplit=1)[0].casefold() or "en"
    order = tuple(dict.fromkeys((tag if tag in _lists() else "en", "en", *_lists())))
    profile = role.profile[:_MAX_PROFILE_CHARS]
    name_words = _name_words(role.name)
    group = _GROUP.search(role.name) is not None
    gender, gender_why = next(
        _gender(name_words, profile, order) if not group else iter(()), (None, "several people" if group else "")
    )
    age, age_why = next(_age(name_words, role.name, profile, order), (None, ""))
    accent, accent_why = next(_accent((*_words(_HEAD_ENDS.split(profile, maxsplit=1)[0]), *name_words)), ("", ""))
    return RoleHints(gender, age, gender_why, age_why, accent, accent_why)


def _gender(name: Sequence[str], profile: str, order: Sequence[str]) -> Iterator[tuple[Gender, str]]:
    """Yield genders with reasons, the surest first."""
    lists = _lists()
    own = tuple(dict.fromkeys((order[0], "en")))
    head = _words(_HEAD_ENDS.split(profile, maxsplit=1)[0]) if profile else ()
    for word in reversed(head):
        if found := _first(word, own, "genders"):
            yield found, f'"{word}" in the profile'
        if marked := _marked(word):
            yield marked, f'"{word}" in the profile'
    if name and (title := _first(name[0], order if len(name) > 1 else own, "titles")):
        yield title, f'title "{name[0].capitalize()}"'
    for word in reversed(name):
        if found := _first(word, order, "genders"):
            yield found, f'"{word}" in the name'
    said = [word for word in _words(profile) if word in lists[order[0]].pronouns]
    if len({lists[order[0]].pronouns[word] for word in said}) == 1 and lists[order[0]].subjects & set(said):
        yield lists[order[0]].pronouns[said[0]], f'"{said[0]}" in the profile'
    for word in name:
        if given := _given(word, order):
            yield given, "woman's name" if given is Gender.FEMALE else "man's name"
    for word in name:
        if marked := _marked(word):
            yield marked, f'"{word}" in the name'
    if len({lists[order[0]].pronouns[word] for word in said}) == 1:
        yield lists[order[0]].pronouns[said[0]], f'"{said[0]}" in the profile'
    # Most names on -a of the languages in the lists are women's: better than the toss of a coin, and said so.
    if name and len(name[0]) >= 3 and name[0].endswith("a") and name[0].isalpha() and name[0] not in _MEN_ENDING_IN_A:
        yield Gender.FEMALE, "name on -a, perhaps a woman's"


def _age(name: Sequence[str], shown: str, profile: str, order: Sequence[str]) -> Iterator[tuple[Age, str]]:
    """Yield ages with reasons, the surest first."""
    own = tuple(dict.fromkeys((order[0], "en")))
    for text in (profile, shown):
        if text and (years := _years(text)) is not None:
            yield _age_of(years[0]), years[1]
    for source, words, languages in (
        ("profile", _words(_HEAD_ENDS.split(profile, maxsplit=1)[0]), own),
        ("name", name, order),
    ):
        for field in ("adjectives", "ages"):
            for word in words:
                if (age := _first_age(word, languages, field)) and (field == "ages" or len(words) > 1):
                    yield age, f'"{word}" in the {source}'
    if len(name) > 1 and name[0] in _YOUNG and _given(name[1], order):
        yield Age.TEEN, f'"{name[0]}" in the name'


def _accent(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        if accent := _accents().get(word):
            yield accent, f'accent of "{word}"'


def _years(text: str) -> tuple[float, str] | None:
    """An age in years and how it was written: ``34``, ``aged 7``, ``12 ans``, ``mid-30s``, ``late forties``."""
    if match := _YEARS.search(text):
        years = int(match["aged"] or match["years"] or match["bare"])
        if 0 < years <= 130:
            return float(years), f"{years} years"
    for pattern in (_DECADE, _DECADE_WORDS):
        if match := pattern.search(text):
            tens = int(match[2]) if match[2].isdigit() else _TENS.index(match[2].casefold())
            part = {"early": 2.0, "late": 8.0}.get((match[1] or "").casefold(), 5.0)
            return 10.0 * tens + part, match[0]
    return None


def _age_of(years: float) -> Age:
    """The kind of voice for an age: the voice breaks at about 13, and sounds old from about 65 on.

    Listeners hear voices as old from the seventh decade (Linville 2001, *Vocal Aging*).
    """
    if years < 13:
        return Age.CHILD
    if years < 20:
        return Age.TEEN
    return Age.ADULT if years < 65 else Age.ELDER


def _name_words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without those that only say whose somebody is (ANNA'S MOTHER)."""
    words = _words(name)
    kept = tuple(word for word in words if not word.endswith(("'s", "s'")))
    return kept or words


def _words(text: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    return tuple(_WORD.findall(folded))


def _first(word: str, order: Sequence[str], field: str) -> Gender | None:
    """What the first language that has the word says of it."""
    for tag in order:
        lists = _lists()[tag]
        if (found := getattr(lists, field).get(word)) is not None:
            return Gender(found)
        if word in lists.neutral:
            return None
    return None


def _first_age(word: str, order: Sequence[str], field: str) -> Age | None:
    for tag in order:
        lists = _lists()[tag]
        if (found := getattr(lists, field).get(word)) is not None:
            return Age(found)
        if word in lists.neutral or word in lists.genders:
            return None
    return None


def _given(word: str, order: Sequence[str]) -> Gender | None:
    """Gender of a given name: the script's language decides, else the others if they agree (not: Andrea, Jean)."""
    if own := _lists()[order[0]].given_names.get(word):
        return own
    others = {found for tag in order[1:] if (found := _lists()[tag].given_names.get(word))}
    return others.pop() if len(others) == 1 else None


def _marked(word: str) -> Gender | None:
    """English compounds: policewoman, fisherman."""
    if word.endswith(("woman", "women", "girl", "lady")) and len(word) > 5:
        return Gender.FEMALE
    if word.endswith(("man", "men")) and len(word) > 5 and word not in _NOT_A_MAN:
        return Gender.MALE
    return None


@cache
def _data() -> Mapping[str, Any]:
    """``models/names.yaml``."""
    with resource("models", "names.yaml").open(encoding="utf-8") as file:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        data: dict[str, Any] = yaml.load(file, Loader=loader)  # noqa: S506 - both are safe
    return data


@cache
def _accents() -> Mapping[str, str]:
    """Every word of origin with its accent."""
    return {word: accent for accent, words in _data()["accents"].items() for word in words.split()}


@cache
def _lists() -> Mapping[str, _Lists]:
    """The lists of names, nouns, ages and pronouns by language."""
    data = _data()

    def genders(table: Mapping[str, str]) -> dict[str, Gender]:
        female, male = (set(table.get(gender, "").split()) for gender in (Gender.FEMALE, Gender.MALE))
        both = female & male
        return dict.fromkeys(female - both, Gender.FEMALE) | dict.fromkeys(male - both, Gender.MALE)

    def ages(table: Mapping[str, str]) -> dict[str, Age]:
        # Of several ages of one word the youngest counts: "boy" is a child before he is anything else.
        return {word: age for age in reversed(Age) for word in table.get(age, "").split()}

    return {
        tag: _Lists(
            given_names=genders(data["given_names"][tag]),
            titles=genders(data["titles"].get(tag, {})),
            genders=genders(data["nouns"].get(tag, {})),
            ages=ages(data["nouns"].get(tag, {})),
            adjectives=ages(data["ages"].get(tag, {})),
            pronouns=genders(data["pronouns"].get(tag, {})),
            # The first pronoun of each list is the subject.
            subjects=frozenset(words.split()[0] for words in data["pronouns"].get(tag, {}).values()),
            neutral=frozenset(data["nouns"].get(tag, {}).get("neutral", "").split()),
        )
        for tag in data["given_names"]
    }
