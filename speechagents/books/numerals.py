"""Numbers as headings write them: Roman, Arabic, in words.

Owns the values of such words, in the languages whose headings `headings` knows. Does not know what is counted.
"""

from __future__ import annotations

import re
from typing import Final

_ROMAN: Final = re.compile(r"M{0,3}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})")
_ROMAN_DIGITS: Final = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_UNIT_WORDS: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TEN_WORDS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_ORDINAL_WORDS: Final = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth"
)
_TENTH_WORDS: Final = "twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth"
_OTHERS: Final = {
    # Stems: German ordinals decline ("erstes", "ersten"), and the Romance ones have genders.
    "de": "erst zweit dritt viert fünft sechst siebt acht neunt zehnt elft zwölft",
    "de cardinal": "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fr": "premi deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième onzième douzième",
    "fr cardinal": "un deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "primer segund tercer cuart quint sext séptim octav noven décim undécim duodécim",
    "es cardinal": "uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "it": "primo second terz quart quint sest settim ottav non decim undicesim dodicesim",
    "it cardinal": "uno due tre quattro cinque sei sette otto nove dieci undici dodici",
}
_ENDINGS: Final = ("", "e", "es", "er", "en", "em", "o", "a", "ère")


def _table() -> dict[str, int]:
    units, ordinals = _UNIT_WORDS.split(), _ORDINAL_WORDS.split()
    tens, tenths = _TEN_WORDS.split(), _TENTH_WORDS.split()
    known: dict[str, int] = {}
    for name, words in _OTHERS.items():
        for value, word in enumerate(words.split(), 1):
            for ending in ("",) if name.endswith("cardinal") else _ENDINGS:
                known.setdefault(word + ending, value)
    known["siebent"] = known["siebentes"] = 7
    known |= {word: value for value, word in enumerate(units, 1)}
    known |= {word: value for value, word in enumerate(ordinals, 1)}
    for place, (ten, tenth) in enumerate(zip(tens, tenths, strict=True), 2):
        known |= {ten: 10 * place, tenth: 10 * place}
        for value in range(1, 10):
            for join in ("-", " "):
                known[f"{ten}{join}{units[value - 1]}"] = known[f"{ten}{join}{ordinals[value - 1]}"] = (
                    10 * place + value
                )
    return known


_WORDS: Final = _table()


def roman_value(text: str) -> int | None:
    """Value of a Roman numeral in capitals, None for anything else."""
    if not text or not _ROMAN.fullmatch(text):
        return None
    values = [_ROMAN_DIGITS[digit] for digit in text]
    return sum(-here if here < behind else here for here, behind in zip(values, [*values[1:], 0], strict=True))


def number_value(text: str) -> int | None:
    """Value of a number written in any of the three ways, case ignored, None for anything else."""
    if text.isdecimal():
        return int(text) if len(text) <= 4 else None
    return roman_value(text.upper()) or _WORDS.get(text.casefold())
