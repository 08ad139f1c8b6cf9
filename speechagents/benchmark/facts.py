"""What a scene says of the world, in a form that a line can be checked against.

Owns the kinds of facts and how values of each are found in a sentence. A fact is broken by a sentence that speaks of
its subject and names another value of the same kind; one that speaks of neither says nothing about it. Does not know
scenes or lines.

This is the closed-class part of what slot-based consistency checks do (such as the belief states of Budzianowski et al.
2018, arXiv 1810.00278): numbers, times, weekdays, months, colours and given names have few values, so that a
contradiction can be seen without a model.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class FactKind(StrEnum):
    """What kind of value a fact has."""

    NUMBER = "number"
    TIME = "time"
    WEEKDAY = "weekday"
    MONTH = "month"
    COLOUR = "colour"
    NAME = "name"


class Verdict(StrEnum):
    """What a sentence does to a fact."""

    SAYS = "says"
    BREAKS = "breaks"
    SILENT = "silent"


_UNITS: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL: Final = "|".join([*_UNITS.split(), *_TENS.split()])
_NUMBER: Final = (
    rf"(?:{_SMALL}|hundred|thousand|million|\d+)(?:(?:[- ]|,\s?|\s+and\s+)(?:{_SMALL}|hundred|thousand|million|\d+))*"
)
_HOUR: Final = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_MINUTES: Final = rf"(?:half|(?:a )?quarter|five|ten|twenty|twenty-five|{_SMALL})(?: minutes?)? (?:past|to)"
_TIME: Final = rf"(?:(?:{_MINUTES} )?{_HOUR}|noon|midday|midnight)"
_WEEKDAYS: Final = "monday tuesday wednesday thursday friday saturday sunday"
_MONTHS: Final = "january february march april may june july august september october november december"
_COLOURS: Final = (
    "red green blue yellow black white brown grey gray orange pink purple violet golden silver turquoise scarlet "
    "crimson beige"
)

_PATTERNS: Final = {
    FactKind.NUMBER: _NUMBER,
    FactKind.TIME: _TIME,
    FactKind.WEEKDAY: "|".join(_WEEKDAYS.split()),
    FactKind.MONTH: "|".join(_MONTHS.split()),
    FactKind.COLOUR: "|".join(_COLOURS.split()),
}
_SENTENCE: Final = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that everybody in a scene knows.

    Attributes:
        about: Words for what it is about, in small letters; one of them in a sentence makes it about this.
        kind: Of the value.
        value: As it is said.
        instead: Other values that would be wrong; for names, which are no closed class.
    """

    about: tuple[str, ...]
    kind: FactKind
    value: str
    instead: tuple[str, ...] = ()

    def verdict(self, text: str) -> Verdict:
        """What a text says about it; a text that says it and breaks it in one sentence says it."""
        found = Verdict.SILENT
        for sentence in sentences(text):
            if not _words(self.about).search(sentence):
                continue
            if _words((self.value,)).search(sentence):
                return Verdict.SAYS
            if self._others(sentence):
                found = Verdict.BREAKS
        return found

    def wrong(self, number: int) -> str:
        """A value that breaks it, one of several by a number: for planting a fault."""
        values = [one for one in self.instead or _EXAMPLES[self.kind] if one.casefold() != self.value.casefold()]
        return values[number % len(values)]

    def _others(self, sentence: str) -> bool:
        if self.kind is FactKind.NAME:
            return bool(self.instead) and _words(self.instead).search(sentence) is not None
        values = map(_plain, _pattern(self.kind).findall(sentence))
        # "The one that wobbles" counts nothing.
        return any(one not in ("one", _plain(self.value)) for one in values)


_EXAMPLES: Final = {
    FactKind.NUMBER: ("seventeen", "three hundred", "nine", "sixty-four"),
    FactKind.TIME: ("twenty past four", "eleven", "half past two", "ten to nine"),
    FactKind.WEEKDAY: tuple(word.capitalize() for word in _WEEKDAYS.split()),
    FactKind.MONTH: tuple(word.capitalize() for word in _MONTHS.split()),
    FactKind.COLOUR: ("purple", "white", "orange", "green", "brown"),
    FactKind.NAME: (),
}


def sentences(text: str) -> Sequence[str]:
    """The sentences of a line."""
    return [one for one in _SENTENCE.split(text) if one]


def _plain(value: str) -> str:
    return " ".join(re.sub(r"[-,]", " ", value.casefold()).split())


@functools.cache
def _pattern(kind: FactKind) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{_PATTERNS[kind]})(?![\w-])", re.IGNORECASE)


@functools.cache
def _words(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, words)) + r")(?![\w-])", re.IGNORECASE)
