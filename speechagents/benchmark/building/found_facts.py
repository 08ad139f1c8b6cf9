"""Facts that a background states plainly, found by rule: numbers, times, weekdays, months and colours of things.

Owns the rules, which are for English alone; a background that says nothing so plainly has no facts, and that is
allowed. What they find is kept only if `facts.Fact` reads the background in the same way, so that no scene contradicts
itself. Names are left to people: which names would be wrong no rule can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from speechagents.benchmark.facts import Fact, FactKind, Verdict, sentences

MAX_FACTS: Final = 4

_NO_VALUE: Final = "\0"
"""A value that nobody says: a fact that has it is broken by any value of its kind."""
# Left out is what is a value too rarely: "one" and "two" of things, "may" and "march", "by two" and "before three".
_TENS: Final = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ONES: Final = "three|four|five|six|seven|eight|nine"
_TEENS: Final = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_HOUR: Final = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_THING: Final = r"[a-z]{3,}"
_OWNED: Final = rf"(?:[Tt]he|[Aa]n?|[Hh]is|[Hh]er|[Tt]heir|[Ii]ts) (?:[a-z]+ )??(?P<thing>{_THING}) [a-z ]{{0,40}}?"
_NUMBERS: Final = rf"(?:{_TENS})(?:-(?:one|two|{_ONES}))?|{_TEENS}|{_ONES}"
_COLOURS: Final = (
    "red|green|blue|yellow|black|white|brown|grey|orange|pink|purple|violet|golden|silver|turquoise|"
    "scarlet|crimson|beige"
)
_TIMES: Final = rf"(?:(?:half|a quarter|quarter|ten|twenty) (?:past|to) )?(?:{_HOUR})|noon|midnight"
_WEEKDAYS: Final = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
_MONTHS: Final = "January|February|April|June|July|August|September|October|November|December"
_STATEMENTS: Final = (
    (FactKind.NUMBER, rf"(?P<value>{_NUMBERS}) (?P<thing>{_THING}s)"),
    (FactKind.COLOUR, rf"(?P<value>{_COLOURS}) (?P<thing>{_THING})"),
    (FactKind.TIME, rf"{_OWNED}(?:at|until) (?P<value>{_TIMES})"),
    (FactKind.WEEKDAY, rf"{_OWNED}(?:on|until|by|since|last|next|every) (?P<value>{_WEEKDAYS})"),
    (FactKind.MONTH, rf"{_OWNED}(?:in|until|since|last|next|every) (?P<value>{_MONTHS})"),
)
_NO_THING: Final = (
    "and are but for from had has have her his its not off one ones others our out past some than that the their them "
    "then there they this was were what whatever when which who will with would always comes leaves begins ends does "
    "goes says hundred thousand million dozen years winters days weeks months hours minutes seconds times inches yards "
    "miles metres centimetres kilometres acres heat name pair state kinds"
)


def facts_in(background: str, language: str) -> tuple[Fact, ...]:
    """Up to `MAX_FACTS` facts that a background states, in the order of their kinds; none twice about one thing."""
    if language.partition("-")[0] != "en":
        return ()
    found: list[Fact] = []
    taken: set[str] = set()
    for fact in _stated(background):
        if not taken & set(fact.about):
            found.append(fact)
            taken |= set(fact.about)
    return tuple(found[:MAX_FACTS])


def _stated(background: str) -> Iterator[Fact]:
    for kind, pattern in _STATEMENTS:
        for sentence in sentences(background):
            for match in re.finditer(rf"(?<![\w-]){pattern}(?![\w-])", sentence):
                thing = match["thing"]
                if thing in _NO_THING.split():
                    continue
                about = (thing, thing[:-1]) if kind is FactKind.NUMBER and _is_plural(thing) else (thing,)
                fact = Fact(about, kind, match["value"])
                if _holds(fact, background):
                    yield fact


def _holds(fact: Fact, background: str) -> bool:
    """Whether the background says it and no sentence of it says otherwise, as `facts` understands sentences."""
    if any(fact.verdict(sentence) is Verdict.BREAKS for sentence in sentences(background)):
        return False
    any_value = Fact(fact.about, fact.kind, _NO_VALUE)
    return fact.verdict(background) is Verdict.SAYS and any_value.verdict(background) is Verdict.BREAKS


def _is_plural(word: str) -> bool:
    return word.endswith("s") and not word.endswith(("ss", "us", "is", "ies", "os", "ches", "shes", "xes"))
