"""Text and transcripts as the words that can be compared.

Owns the normal form: lower case, no punctuation, no accents, one apostrophe, abbreviations and numbers written out as
they are said. Does not compare (`alignment`). A number can be said in several ways ("1984": nineteen eighty-four, one
thousand nine hundred and eighty-four), so a word may have alternatives; numbers in other languages than English are
wild: they match whatever is heard in their place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(r"[^\W_]+(?:[.,:][0-9]+)*(?:['’ʼ][^\W\d_]+)*%?|[&%+=]")
_NUMBER: Final = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?P<rest>[.:][0-9]+)?(?P<end>st|nd|rd|th|s)?(?P<percent>%)?"
)
_APOSTROPHES: Final = str.maketrans({"’": "'", "ʼ": "'", "‘": "'", "´": "'", "`": "'"})
_CURRENCIES: Final = {"$": "dollars", "£": "pounds", "€": "euros"}
_CURRENCY_BEFORE: Final = re.compile(r"([$£€])\s?([0-9][0-9.,]*[0-9]|[0-9])")

_ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES: Final = ((1_000_000_000, "billion"), (1_000_000, "million"), (1_000, "thousand"), (100, "hundred"))
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_LARGEST: Final = 10**12
_LONGEST_NUMBER: Final = 40

# What English writes short and says long; a recogniser writes either.
_SHORT: Final = {
    "mr": "mister", "mrs": "missus", "ms": "miss", "dr": "doctor", "st": "saint", "prof": "professor",
    "capt": "captain", "col": "colonel", "gen": "general", "lt": "lieutenant", "sgt": "sergeant", "rev": "reverend",
    "etc": "et cetera", "vs": "versus", "no": "no", "&": "and", "%": "percent", "+": "plus", "=": "equals",
    "ok": "okay", "o'clock": "oclock", "'tis": "tis", "'twas": "twas", "jr": "junior", "messrs": "messers",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One word, or one number, as it may be said.

    Attributes:
        text: As written, for people.
        ways: The words of each way to say it, at least one; the first is the likeliest.
        wild: Nobody knows how it is said: it matches whatever is heard in its place.
    """

    text: str
    ways: tuple[tuple[str, ...], ...]
    wild: bool = False


def said(text: str, *, language: str) -> tuple[Said, ...]:
    """The words of a text in order.

    Args:
        text: As written.
        language: BCP 47 tag; empty counts as English.
    """
    english = language.partition("-")[0].lower() in {"", "en"}
    # "£25" is said with the unit behind the number.
    text = _CURRENCY_BEFORE.sub(lambda found: f"{found[2]} {_CURRENCIES[found[1]]}", text) if english else text
    words = []
    for found in _TOKEN.finditer(text.translate(_APOSTROPHES)):
        written = found[0]
        if any(map(str.isdigit, written)):
            ways = _number_ways(written) if english else ()
            words.append(Said(written, ways or (("0",),), wild=not ways))
            continue
        plain = _plain(written)
        if english:
            plain = _SHORT.get(plain, plain)
        parts = tuple(part for piece in plain.split() if (part := _letters(piece)))
        if parts:
            words.append(Said(written, (parts,)))
    return tuple(words)


def heard_words(text: str, *, language: str) -> tuple[str, ...]:
    """The words of a transcript, numbers written out in their likeliest way."""
    return tuple(word for one in said(text, language=language) for word in one.ways[0])


_VOWELS: Final = re.compile(r"[aeiouyäöüæœø]+")


def syllables(text: str) -> int:
    """About how many syllables a text has, numbers as they are said: groups of vowels, one for each ideograph.

    A silent e at the end is not counted. Wrong for single words, right to about 5 % over a sentence, and what is
    wrong is wrong in all of a voice's lines.
    """
    count = 0
    for one in said(text, language=""):
        for word in one.ways[0]:
            ideographs = sum(unicodedata.category(c) == "Lo" for c in word)
            groups = len(_VOWELS.findall(word))
            if groups > 1 and word.endswith("e") and not word.endswith(("le", "ee")):
                groups -= 1
            count += ideographs or max(1, groups)
    return count


def _plain(word: str) -> str:
    """Lower case without accents."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if unicodedata.category(c) != "Mn"))


def _letters(word: str) -> str:
    return "".join(c for c in word if c.isalnum())


def _number_ways(written: str) -> tuple[tuple[str, ...], ...]:
    """The ways to say a token with digits in English; none if it is no plain number."""
    found = _NUMBER.fullmatch(written.casefold()) if len(written) <= _LONGEST_NUMBER else None
    if found is None:
        return ()
    whole = int(found["whole"].replace(",", ""))
    if whole >= _LARGEST:
        return ()
    percent = ("percent",) if found["percent"] else ()
    rest = found["rest"] or ""
    if rest.startswith(":"):
        minutes = int(rest[1:])
        clock = (
            *cardinal(whole),
            *(("oclock",) if minutes == 0 else (("oh",) if minutes < 10 else ()) + cardinal(minutes)),
        )
        return (clock, cardinal(whole)) if minutes == 0 else (clock,)
    if rest:
        digits = tuple(_ONES[int(digit)] for digit in rest[1:])
        return ((*cardinal(whole), "point", *digits, *percent),)
    ways = [cardinal(whole)]
    if 1_000 < whole < 10_000 and "," not in found["whole"]:
        high, low = divmod(whole, 100)
        if high % 10 or low:
            tail = ("hundred",) if low == 0 else ("oh", *cardinal(low)) if low < 10 else cardinal(low)
            ways.insert(0, (*cardinal(high), *tail))
    end = found["end"] or ""
    if end == "s":
        ways = [(*way[:-1], _plural(way[-1])) for way in ways]
    elif end:
        ways = [(*way[:-1], _ordinal(way[-1])) for way in ways]
    elif whole < 32:
        # A day of a month is written as a number and said as an ordinal.
        ways.append((*ways[0][:-1], _ordinal(ways[0][-1])))
    return tuple(way + percent for way in dict.fromkeys(ways))


def cardinal(number: int) -> tuple[str, ...]:
    """A number from 0 in English words, without "and"."""
    if number < 20:
        return (_ONES[number],)
    if number < 100:
        tens, ones = divmod(number, 10)
        return (_TENS[tens - 2], *((_ONES[ones],) if ones else ()))
    scale, name = next((scale, name) for scale, name in _SCALES if number >= scale)
    many, rest = divmod(number, scale)
    return (*cardinal(many), name, *(cardinal(rest) if rest else ()))


def _ordinal(word: str) -> str:
    if word in _ORDINALS:
        return _ORDINALS[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"


def _plural(word: str) -> str:
    return word[:-1] + "ies" if word.endswith("y") else word + "s"
