"""How German reads numbers, dates, times, money, abbreviations, units and Roman numerals.

Owns the rules. Ordinals take the ending that stands before a noun of masculine gender: "am vierten Mai".
"""

from __future__ import annotations

import re
from typing import Final

from speechagents.books.numerals import roman_value
from speechagents.pronunciation.numbers import MAX_NUMBER, german_cardinal, german_ordinal, german_year
from speechagents.pronunciation.rules import Rule

_MONTHS: Final = "Januar|Jänner|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
_MONTH_NAMES: Final = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip
_ABBREVIATIONS: Final = {
    "Dr.": "Doktor", "Prof.": "Professor", "Hr.": "Herr", "Hrn.": "Herrn", "Fr.": "Frau", "Frl.": "Fräulein",
    "St.": "Sankt", "Nr.": "Nummer", "Str.": "Straße", "usw.": "und so weiter", "bzw.": "beziehungsweise",
    "ca.": "circa", "evtl.": "eventuell", "ggf.": "gegebenenfalls", "vgl.": "vergleiche", "etc.": "et cetera",
    "Bd.": "Band", "Kap.": "Kapitel", "Jh.": "Jahrhundert", "sog.": "sogenannte", "Mio.": "Millionen",
    "Mrd.": "Milliarden", "Tel.": "Telefon", "geb.": "geboren", "gest.": "gestorben", "inkl.": "inklusive",
}  # fmt: skip
_PAIRS: Final = {
    "z.B.": ("zum", "Beispiel"), "d.h.": ("das", "heißt"), "u.a.": ("unter", "anderem"), "i.d.R.": ("in der", "Regel"),
    "s.o.": ("siehe", "oben"), "s.u.": ("siehe", "unten"), "v.a.": ("vor", "allem"), "u.U.": ("unter", "Umständen"),
    "o.ä.": ("oder", "ähnliches"), "z.T.": ("zum", "Teil"), "u.s.w.": ("und so", "weiter"),
}  # fmt: skip
_UNITS: Final = {
    "km": "Kilometer", "cm": "Zentimeter", "mm": "Millimeter", "kg": "Kilogramm", "mg": "Milligramm", "m": "Meter",
    "km/h": "Kilometer pro Stunde", "g": "Gramm", "l": "Liter", "ml": "Milliliter", "Std.": "Stunden",
    "Min.": "Minuten", "Sek.": "Sekunden", "kW": "Kilowatt", "PS": "P S", "Pf.": "Pfennig", "Mk.": "Mark",
}  # fmt: skip
_MONEY: Final = {
    "€": ("ein Euro", "Euro"),
    "$": ("ein Dollar", "Dollar"),
    "£": ("ein Pfund", "Pfund"),
    "DM": ("eine D-Mark", "D-Mark"),
}
_RULERS: Final = (
    "Ludwig|Heinrich|Friedrich|Wilhelm|Karl|Otto|Franz|Joseph|Leopold|Maximilian|Rudolf|Eduard|Georg|Philipp|Pius|"
    "Paul|Johannes|Benedikt|Gregor|Leo|Nikolaus|Alexander|Peter|Napoleon|Gustav|Christian|August|Albrecht|Sigismund"
)
_RULING_WOMEN: Final = "Elisabeth|Katharina|Maria|Margarete|Christina|Isabella"
_PARTS: Final = "Kapitel|Buch|Teil|Band|Akt|Szene|Abschnitt|Gesang|Brief|Weltkrieg"
_N: Final = r"\d{1,3}(?:\.\d{3})+|\d+"
_ROMAN: Final = "[IVXLC]"


def _number(digits: str, *, one: str = "eins") -> str:
    plain = digits.replace(".", "")
    if len(plain) > 15 or (len(plain) > 1 and plain[0] == "0") or int(plain) > MAX_NUMBER:
        return ""
    return german_cardinal(int(plain), one=one)


def _decimal(whole: str, fraction: str | None, *, one: str = "eins") -> str:
    words = _number(whole, one="eins" if fraction else one)
    if words and fraction:
        words += " Komma " + " ".join(german_cardinal(int(digit)) for digit in fraction)
    return words


def _abbreviation(match: re.Match[str]) -> dict[str, str]:
    ends = match["abbr"] in ("usw.", "etc.") and not match.string[match.end() :].strip('"“”«»’ ')
    return {"abbr": _ABBREVIATIONS[match["abbr"]] + ("." if ends else "")}


def _pair(match: re.Match[str]) -> dict[str, str]:
    words = _PAIRS.get("".join(match["pair"].split()))
    if words is None:
        return {}
    if match["pair_rest"] and match["pair"][len(match["pair_first"]) :][:1].isspace():
        return {"pair_first": words[0], "pair_rest": words[1]}
    return {"pair": " ".join(words)}


def _money(match: re.Match[str]) -> dict[str, str]:
    whole, cents = match["amount"] or match["amount_behind"], match["cents"] or match["cents_behind"]
    single, name = _MONEY[match["sign"] or match["sign_behind"]]
    words = _number(whole)
    if not words:
        return {}
    said = single if whole == "1" else f"{words} {name}"
    return {"money": said + (f" {_number(cents.lstrip('0'))}" if cents and int(cents) else "")}


def _time(match: re.Match[str]) -> dict[str, str]:
    minute = int(match["minute"] or 0)
    hour = german_cardinal(int(match["hour"]), one="ein")
    said = {"time": hour, "uhr": "Uhr"}
    return said | ({"uhr": f"Uhr {german_cardinal(minute)}"} if minute else {})


def _date(match: re.Match[str]) -> dict[str, str]:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return {}
    said = {"day_all": german_ordinal(day, "en" if match["before"] else "er")}
    return said | ({"date_year": german_year(int(match["date_year"]))} if match["date_year"] else {})


def _digits_date(match: re.Match[str]) -> dict[str, str]:
    day, month = int(match["d_day"]), int(match["d_month"])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return {}
    ending = "en" if match["d_before"] else "er"
    year = f" {german_year(int(match['d_year']))}" if match["d_year"] else ""
    return {"d_date": f"{german_ordinal(day, ending)} {_MONTH_NAMES[month - 1]}{year}"}


def _ordinal(match: re.Match[str]) -> dict[str, str]:
    return {"ordinal": german_ordinal(int(match["nth"]), "en" if match["nth_before"] else "e")}


def _year(match: re.Match[str]) -> dict[str, str]:
    return {"year": german_year(int(match["year"]))}


def _measure(match: re.Match[str]) -> dict[str, str]:
    words = _decimal(match["much"], match["much_part"], one="ein")
    if not words:
        return {}
    unit = _UNITS[match["unit"]]
    return {"much_all": words, "unit": unit} if match["unit_gap"] else {"measure": f"{words} {unit}"}


def _percent(match: re.Match[str]) -> dict[str, str]:
    words = _decimal(match["share"], match["share_part"], one="ein")
    return {"percent": f"{words} Prozent"} if words else {}


def _degrees(match: re.Match[str]) -> dict[str, str]:
    words = _decimal(match["degrees"], match["degrees_part"], one="ein")
    return {"degree": f"{words} Grad{' Celsius' if match['scale'] else ''}"} if words else {}


def _plain(match: re.Match[str]) -> dict[str, str]:
    words = _decimal(match["plain"], match["plain_part"])
    return {"plain_all": ("minus " if match["minus"] else "") + words} if words else {}


def _roman_part(match: re.Match[str]) -> dict[str, str]:
    value = roman_value(match["part_roman"])
    return {"part_roman": german_cardinal(value)} if value else {}


def _roman_ruler(match: re.Match[str]) -> dict[str, str]:
    numeral = match["ruler_roman"]
    value = roman_value(numeral)
    if not value:
        return {}
    article = "die" if match["queen"] else "der"
    return {"ruler_all": f"{article} {german_ordinal(value, 'e').capitalize()}"}


def _roman_alone(match: re.Match[str]) -> dict[str, str]:
    value = roman_value(match["alone"])
    return {"alone": german_cardinal(value)} if value else {}


_ABBR: Final = "|".join(sorted(map(re.escape, _ABBREVIATIONS), key=len, reverse=True))
_UNIT: Final = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_BEFORE: Final = (
    r"(?:[Aa]m|[Dd]em|[Dd]en|[Vv]om|[Zz]um|[Bb]eim|[Ii]m|[Jj]eden|[Dd]es|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|"
    r"Samstag|Sonntag),?\s"
)
_ARTICLE: Final = (
    r"\b(?:[Dd]er|[Dd]ie|[Dd]as|[Dd]ieser?|[Dd]ieses|[Jj]eder?|[Jj]edes|[Ss]eine?|[Ii]hre?|[Zz]ur|[Ii]n der)\s"
)
_PAIR: Final = (
    r"(?P<pair>\b(?P<pair_first>z\.|d\.|u\.|s\.|v\.|o\.|i\.)\s?"
    r"(?P<pair_rest>B\.|h\.|a\.|o\.|u\.|U\.|ä\.|T\.|d\.\s?R\.|s\.\s?w\.))"
)
_SUM: Final = (
    rf"(?P<money>(?P<sign>[€$£])\s?(?P<amount>{_N})(?:,(?P<cents>\d\d))?(?!\d)|"
    rf"\b(?P<amount_behind>{_N})(?:,(?P<cents_behind>\d\d))?\s?(?P<sign_behind>[€$£]|DM\b))"
)
_DATE: Final = (
    rf"(?P<before>{_BEFORE})?(?P<day_all>\b(?P<day>\d{{1,2}})\.)\s(?:{_MONTHS})\b(?:\s(?P<date_year>\d{{4}})\b)?"
)
_DIGITS_DATE: Final = (
    rf"(?P<d_before>{_BEFORE})?"
    r"(?P<d_date>\b(?P<d_day>\d{1,2})\.\s?(?P<d_month>\d{1,2})\.\s?(?P<d_year>\d{4}\b)?)"
)
_MEASURE: Final = (
    rf"(?P<measure>(?P<much_all>(?<![\w.,])(?P<much>{_N})(?:,(?P<much_part>\d+))?)(?P<unit_gap>\s)?"
    rf"(?P<unit>{_UNIT})(?!\w))"
)
_PLAIN: Final = (
    rf"(?P<plain_all>(?<![\w.,/:-])(?P<minus>[-−](?=\d))?(?P<plain>{_N})(?:,(?P<plain_part>\d+))?)"
    r"(?![\w/:]|[.,]\d|-\d)"
)

GERMAN: Final = (
    Rule(_PAIR, _pair),
    Rule(rf"(?P<abbr>\b(?:{_ABBR}))", _abbreviation),
    Rule(_SUM, _money),
    Rule(r"(?P<time>\b(?P<hour>[01]?\d|2[0-4])(?:[:.](?P<minute>[0-5]\d))?)\s(?P<uhr>Uhr)\b", _time),
    Rule(_DATE, _date),
    Rule(_DIGITS_DATE, _digits_date),
    Rule(_MEASURE, _measure),
    Rule(rf"(?P<percent>(?P<share>\b(?:{_N}))(?:,(?P<share_part>\d+))?\s?%)", _percent),
    Rule(rf"(?P<degree>(?P<degrees>\b(?:{_N}))(?:,(?P<degrees_part>\d+))?\s?°(?P<scale>C\b)?)", _degrees),
    Rule(rf"(?:(?P<nth_before>{_BEFORE})|{_ARTICLE})(?P<ordinal>(?P<nth>\d{{1,3}})\.)(?=\s[A-ZÄÖÜ][a-zäöü])", _ordinal),
    Rule(r"(?P<year>(?<![\w.,/-])(?:1[1-9]\d\d|20\d\d))(?![\w/]|[.,]\d|-\d)", _year),
    Rule(_PLAIN, _plain),
    Rule(rf"\b(?:{_PARTS})\s(?P<part_roman>{_ROMAN}+)\b", _roman_part),
    Rule(rf"\b(?:(?P<queen>{_RULING_WOMEN})|{_RULERS})\s(?P<ruler_all>(?P<ruler_roman>[IVX]+)\.)", _roman_ruler),
    Rule(rf"(?:^\s*)(?P<alone>{_ROMAN}+)(?=\.?\s*$)", _roman_alone),
)  # fmt: skip
"""In this order where two begin at the same place."""
