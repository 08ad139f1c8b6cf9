"""Numbers in English and German words.

Owns the spelling of cardinals, ordinals and years. Does not know what is counted.
"""

from __future__ import annotations

from typing import Final

MAX_NUMBER: Final = 10**15 - 1
"""Larger ones are left to the voice."""

_EN_UNITS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_EN_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_EN_SCALES: Final = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1_000, "thousand"))
_EN_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_DE_UNITS: Final = (
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
_DE_TENS: Final = ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_DE_SCALES: Final = (
    (10**12, "Billion", "Billionen"),
    (10**9, "Milliarde", "Milliarden"),
    (10**6, "Million", "Millionen"),
)
_DE_ORDINALS: Final = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}


def english_cardinal(number: int) -> str:
    """A number from 0 to `MAX_NUMBER`: "one hundred and five"."""
    if number < 20:
        return _EN_UNITS[number]
    if number < 100:
        ten, unit = divmod(number, 10)
        return _EN_TENS[ten] + (f"-{_EN_UNITS[unit]}" if unit else "")
    if number < 1_000:
        hundred, rest = divmod(number, 100)
        return f"{_EN_UNITS[hundred]} hundred" + (f" and {english_cardinal(rest)}" if rest else "")
    for scale, name in _EN_SCALES:
        if number >= scale:
            count, rest = divmod(number, scale)
            join = " and " if 0 < rest < 100 else " "
            return f"{english_cardinal(count)} {name}" + (f"{join}{english_cardinal(rest)}" if rest else "")
    raise AssertionError(number)


def english_ordinal(number: int) -> str:
    """Its ordinal: "twenty-first"."""
    words = english_cardinal(number)
    head, join, last = words.rpartition("-") if "-" in words.rpartition(" ")[2] else words.rpartition(" ")
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    ordinal = _EN_ORDINALS.get(last, regular)
    return f"{head}{join}{ordinal}"


def english_year(year: int) -> str:
    """A year as it is said: "nineteen fourteen", "eighteen hundred", "two thousand and five"."""
    century, rest = divmod(year, 100)
    if year < 1_000 or 2_000 <= year < 2_010 or (rest < 10 and century % 10 == 0):
        return english_cardinal(year)
    if rest == 0:
        return f"{english_cardinal(century)} hundred"
    return f"{english_cardinal(century)} {'oh ' if rest < 10 else ''}{english_cardinal(rest)}"


def german_cardinal(number: int, *, one: str = "eins") -> str:
    """A number from 0 to `MAX_NUMBER`: "einhundertfünf".

    Args:
        number: The number.
        one: What a last one is: "eine" before a noun.
    """
    if number == 1:
        return one
    if number < 20:
        return _DE_UNITS[number]
    if number < 100:
        ten, unit = divmod(number, 10)
        return (f"{'ein' if unit == 1 else _DE_UNITS[unit]}und" if unit else "") + _DE_TENS[ten]
    if number < 1_000:
        hundred, rest = divmod(number, 100)
        return f"{'ein' if hundred == 1 else _DE_UNITS[hundred]}hundert" + (
            german_cardinal(rest, one=one) if rest else ""
        )
    if number < 10**6:
        thousand, rest = divmod(number, 1_000)
        return f"{german_cardinal(thousand, one='ein')}tausend" + (german_cardinal(rest, one=one) if rest else "")
    for scale, single, several in _DE_SCALES:
        if number >= scale:
            count, rest = divmod(number, scale)
            words = f"{german_cardinal(count, one='eine')} {single if count == 1 else several}"
            return words + (f" {german_cardinal(rest, one=one)}" if rest else "")
    raise AssertionError(number)


def german_ordinal(number: int, ending: str) -> str:
    """Its ordinal with an ending: "einundzwanzigsten"."""
    rest = number % 100
    if rest in _DE_ORDINALS:
        head = german_cardinal(number - rest) if number > rest else ""
        return f"{head}{_DE_ORDINALS[rest]}{ending}"
    return f"{german_cardinal(number)}{'t' if 0 < rest < 20 else 'st'}{ending}"


def german_year(year: int) -> str:
    """A year as it is said: "neunzehnhundertvierzehn"."""
    century, rest = divmod(year, 100)
    if 11 <= century <= 19:
        return f"{_DE_UNITS[century]}hundert" + (german_cardinal(rest) if rest else "")
    return german_cardinal(year)
