"""How English reads numbers, dates, times, money, abbreviations, units and Roman numerals.

Owns the rules. What they leave alone, initialisms such as FBI for one, voices read well by themselves.
"""

from __future__ import annotations

import re
from typing import Final

from speechagents.books.numerals import roman_value
from speechagents.pronunciation.numbers import MAX_NUMBER, english_cardinal, english_ordinal, english_year
from speechagents.pronunciation.rules import Rule

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_SHORT_MONTHS: Final = {month[:3]: month for month in _MONTHS} | {"Sept": "September"}
_MONTH: Final = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_SHORT_MONTH: Final = r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\."
_ABBREVIATIONS: Final = {
    "Mr": "Mister", "Mrs": "Missis", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor", "Capt": "Captain",
    "Col": "Colonel", "Gen": "General", "Lt": "Lieutenant", "Sgt": "Sergeant", "Maj": "Major", "Rev": "Reverend",
    "Hon": "Honourable", "Messrs": "Messers", "Mt": "Mount", "Gov": "Governor", "Sen": "Senator", "Esq": "Esquire",
    "Jr": "Junior", "Sr": "Senior", "Bros": "Brothers", "Mme": "Madame", "Mlle": "Mademoiselle", "Ave": "Avenue",
}  # fmt: skip
_PHRASES: Final = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "&c.": "et cetera", "viz.": "namely",
    "vs.": "versus", "cf.": "compare", "approx.": "approximately", "ca.": "circa", "dept.": "department",
    "a.k.a.": "also known as",
}  # fmt: skip
_UNITS: Final = {
    "km": "kilometre", "cm": "centimetre", "mm": "millimetre", "kg": "kilogram", "mg": "milligram", "lb": "pound",
    "lbs": "pound", "oz": "ounce", "yd": "yard", "yds": "yard", "ft": "foot", "mi": "mile",
    "mph": "mile per hour", "km/h": "kilometre per hour", "kph": "kilometre per hour", "hrs": "hour", "hr": "hour",
    "min": "minute", "mins": "minute", "sec": "second", "secs": "second", "kW": "kilowatt", "kHz": "kilohertz",
    "MHz": "megahertz", "Hz": "hertz", "ml": "millilitre", "cwt": "hundredweight",
}  # fmt: skip
_IRREGULAR: Final = {
    "foot": "feet", "mile per hour": "miles per hour", "kilometre per hour": "kilometres per hour",
    "hertz": "hertz", "kilohertz": "kilohertz", "megahertz": "megahertz", "hundredweight": "hundredweight",
}  # fmt: skip
_MONEY: Final = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "€": ("euro", "euros", "cent", "cents"),
    "¥": ("yen", "yen", "sen", "sen"),
}
_FRACTIONS: Final = {
    "½": "a half", "⅓": "a third", "⅔": "two thirds", "¼": "a quarter", "¾": "three quarters", "⅕": "a fifth",
    "⅛": "an eighth", "⅜": "three eighths", "⅝": "five eighths", "⅞": "seven eighths",
}  # fmt: skip
_RULERS: Final = (
    "Henry|Edward|George|William|Charles|James|Richard|John|Louis|Philip|Elizabeth|Mary|Pius|Paul|Gregory|Leo|Clement|"
    "Benedict|Innocent|Urban|Napoleon|Frederick|Peter|Catherine|Alexander|Nicholas|Ivan|Francis|Ferdinand|Leopold|"
    "Ptolemy|Ramesses|Ramses|Otto|Albert|Christian|Gustav|Carl|Olaf|Haakon|Harald|Emmanuel|Maximilian|Rudolf|Joseph|"
    "Alfonso|Robert|Malcolm|Margaret|Isabella|Sixtus|Julius|Boniface|Darius|Xerxes|Wilhelm|Friedrich|Ludwig"
)
_PARTS: Final = (
    "[Cc]hapter|CHAPTER|[Bb]ook|BOOK|[Pp]art|PART|[Vv]olume|VOLUME|[Aa]ct|ACT|[Ss]cene|SCENE|[Ss]ection|SECTION|[Cc]anto|CANTO|"
    "[Ll]etter|LETTER|[Ss]tave|STAVE|[Aa]ppendix|[Ff]igure|[Pp]late|[Ll]ouis-[A-Z]\\w+|War|Apollo|Mark|Type|Class|Phase|Level"
)
_SENTENCE_BEGINS: Final = re.compile(r"[\"”’)]*(?:\s+[\"“‘(]?[A-Z]|\s*$)")
_STARTS: Final = "The|He|She|It|They|We|I|A|An|In|On|At|But|And|Then|There|His|Her|That|This|When|No|Yes"
_N: Final = r"\d{1,3}(?:,\d{3})+|\d+"


def _number(digits: str) -> str:
    """Digits with or without commas, in words; empty if there are too many."""
    plain = digits.replace(",", "")
    if len(plain) > 15 or (len(plain) > 1 and plain[0] == "0") or int(plain) > MAX_NUMBER:
        return ""
    return english_cardinal(int(plain))


def _decimal(whole: str, fraction: str | None) -> str:
    words = _number(whole)
    if words and fraction:
        words += " point " + " ".join(english_cardinal(int(digit)) for digit in fraction)
    return words


def _abbreviation(match: re.Match[str]) -> dict[str, str]:
    return {"abbr": _ABBREVIATIONS[match["title"]]}


def _street(match: re.Match[str]) -> dict[str, str]:
    return {"street": "Street" if match["street"] == "St." else "Road"}


def _phrase(match: re.Match[str]) -> dict[str, str]:
    words = _PHRASES[match["phrase"].lower()]
    return {"phrase": words + (_stop(match) if words == "et cetera" else "")}


def _numbered(match: re.Match[str]) -> dict[str, str]:
    words = _number(match["no_number"])
    return {"no": "number", "no_number": words} if words else {}


def _page(match: re.Match[str]) -> dict[str, str]:
    words = _number(match["page_number"])
    names = {"p.": "page", "pp.": "pages", "vol.": "volume", "ch.": "chapter", "fig.": "figure"}
    if not words:
        return {}
    said = {"page": names[match["page"].lower()], "page_number": words}
    return said | ({"page_range": f" to {_number(match['page_to'])}"} if match["page_to"] else {})


def _money(match: re.Match[str]) -> dict[str, str]:
    one, many, small, smalls = _MONEY[match["sign"]]
    whole, fraction = match["amount"], match["cents"]
    words = _number(whole)
    if not words:
        return {}
    if match["scale"]:
        return {"money": _decimal(whole, fraction), "scale": f"{match['scale']} {many}"}
    name = one if whole == "1" else many
    if not fraction or not int(fraction):
        return {"money": f"{words} {name}"}
    if len(fraction) != 2:
        return {"money": f"{_decimal(whole, fraction)} {many}"}
    part = f"{_number(fraction.lstrip('0'))} {small if fraction == '01' else smalls}"
    return {"money": part if whole == "0" else f"{words} {name} and {part}"}


def _clock(match: re.Match[str]) -> dict[str, str]:
    minute = int(match["clock_minute"])
    words = english_cardinal(int(match["clock_hour"])) + (f" {_minutes(minute)}" if minute else "")
    return {"clock": words}


def _time(match: re.Match[str]) -> dict[str, str]:
    hour, minute = int(match["hour"]), int(match["minute"])
    if minute:
        return {"time": f"{english_cardinal(hour)} {_minutes(minute)}"}
    return {"time": f"{english_cardinal(hour)} {'o’clock' if 0 < hour <= 12 else 'hundred hours'}"}


def _train(match: re.Match[str]) -> dict[str, str]:
    minute = int(match["train_minute"])
    hour = english_cardinal(int(match["train_hour"]))
    return {"train": f"{hour} {_minutes(minute)}" if minute else f"{hour} o’clock"}


def _hour(match: re.Match[str]) -> dict[str, str]:
    return {"oclock": english_cardinal(int(match["oclock"]))}


def _minutes(minute: int) -> str:
    return f"{'oh ' if minute < 10 else ''}{english_cardinal(minute)}"


def _stop(match: re.Match[str]) -> str:
    """The full stop that an abbreviation shares with the sentence that ends with it."""
    return "." if match[0].endswith(".") and _SENTENCE_BEGINS.match(match.string, match.end()) else ""


def _day_month(match: re.Match[str]) -> dict[str, str]:
    if not 1 <= int(match["day1"]) <= 31:
        return {}
    article = "" if match.string[: match.start()].lower().endswith("the ") else "the "
    said = {"date1": f"{article}{english_ordinal(int(match['day1']))} of", "month1": _month(match["month1"])}
    return said | ({"year1": english_year(int(match["year1"]))} if match["year1"] else {})


def _month_day(match: re.Match[str]) -> dict[str, str]:
    if not 1 <= int(match["day2"]) <= 31:
        return {}
    said = {"month2": _month(match["month2"]), "date2": f"the {english_ordinal(int(match['day2']))}"}
    return said | ({"year2": english_year(int(match["year2"]))} if match["year2"] else {})


def _month(text: str) -> str:
    return _SHORT_MONTHS.get(text.rstrip("."), text)


def _iso_date(match: re.Match[str]) -> dict[str, str]:
    month, day = int(match["iso_month"]), int(match["iso_day"])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return {}
    year = english_year(int(match["iso_year"]))
    return {"iso": f"the {english_ordinal(day)} of {_MONTHS[month - 1]}, {year}"}


def _decade(match: re.Match[str]) -> dict[str, str]:
    short = match["decade"].lstrip("'’")
    words = english_cardinal(int(short)) if len(short) == 2 else english_year(int(short))
    return {"decades": f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"}


def _ordinal(match: re.Match[str]) -> dict[str, str]:
    digits = match["nth"].replace(",", "")
    return {"ordinal": english_ordinal(int(digits))} if len(digits) <= 15 else {}


def _year(match: re.Match[str]) -> dict[str, str]:
    return {"year": english_year(int(match["year"]))}


def _measure(match: re.Match[str]) -> dict[str, str]:
    words = _decimal(match["much"], match["much_part"])
    unit = _UNITS[match["unit"]]
    if match["much"] != "1" or match["much_part"]:
        unit = _IRREGULAR.get(unit, f"{unit}s")
    if not words:
        return {}
    if match["unit_gap"]:
        return {"much_all": words, "unit": unit}
    return {"measure": f"{words} {unit}"}


def _degrees(match: re.Match[str]) -> dict[str, str]:
    scale = {"C": " Celsius", "F": " Fahrenheit", "": "", None: ""}[match["scale_of"]]
    words = _decimal(match["degrees"], match["degrees_part"])
    return {"degree": f"{words} degree{'' if match['degrees'] == '1' else 's'}{scale}"} if words else {}


def _percent(match: re.Match[str]) -> dict[str, str]:
    words = _decimal(match["share"], match["share_part"])
    return {"percent": f"{words} per cent"} if words else {}


def _fraction(match: re.Match[str]) -> dict[str, str]:
    whole = _number(match["whole"]) if match["whole"] else ""
    return {"fraction": f"{whole} and {_FRACTIONS[match['part']]}" if whole else _FRACTIONS[match["part"]]}


def _plain(match: re.Match[str]) -> dict[str, str]:
    sign = "minus " if match["minus"] else ""
    words = _decimal(match["plain"], match["plain_part"])
    return {"plain_all": sign + words} if words and len(match["plain"]) <= 15 else {}


def _range(match: re.Match[str]) -> dict[str, str]:
    first, last = match["from"], match["to"]
    if len(first) == 4 and len(last) in (2, 4):
        return {"range": f"{english_year(int(first))} to {english_year(int(last))}"}
    words, others = _number(first), _number(last)
    return {"range": f"{words} to {others}"} if words and others else {}


def _roman_part(match: re.Match[str]) -> dict[str, str]:
    # "the part I played" is no part one.
    value = roman_value(match["part_roman"])
    alone = match["part_roman"] == "I" and match["part_of"][0].islower()
    return {"part_roman": english_cardinal(value)} if value and not alone else {}


def _roman_ruler(match: re.Match[str]) -> dict[str, str]:
    value = roman_value(match["ruler_roman"])
    return {"ruler_roman": f"the {english_ordinal(value)}".title().replace("The ", "the ")} if value else {}


def _roman_alone(match: re.Match[str]) -> dict[str, str]:
    value = roman_value(match["alone"])
    return {"alone": english_cardinal(value)} if value else {}


def _hash(match: re.Match[str]) -> dict[str, str]:
    words = _number(match["hash_number"])
    return {"hash": f"number {words}"} if words else {}


_YEAR: Final = r"1[1-9]\d\d|20\d\d"
_TITLES: Final = "|".join(_ABBREVIATIONS)
_UNIT: Final = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_ROMAN: Final = "[IVXLC]"

ENGLISH: Final = (
    Rule(rf"(?P<abbr>\b(?P<title>{_TITLES})\.)(?=\s|$|[,;:'’\"”)])", _abbreviation),
    # "St. John" is a saint; "Baker St. was empty" a street.
    Rule(rf"(?P<saint>\bSt\.)(?=\s(?!(?:{_STARTS})\b)[A-Z])", lambda _: {"saint": "Saint"}),
    Rule(r"(?<=[a-z]\s)(?P<street>(?:St|Rd)\.)(?=\s[a-z]|[,;])", _street),
    Rule(r"(?P<no>\b(?:No|Nos|Nr)\.|№)\s*(?P<no_number>\d[\d,]*)\b", _numbered),
    Rule(
        r"(?P<page>\b(?:pp?|[Vv]ol|[Cc]h|[Ff]ig)\.)\s?(?P<page_number>\d+)"
        r"(?P<page_range>\s?[–-]\s?(?P<page_to>\d+))?\b",
        _page,
    ),
    Rule(
        r"(?P<phrase>\b(?:[Ee]\.g\.|[Ii]\.e\.|etc\.|viz\.|vs\.|cf\.|approx\.|dept\.|a\.k\.a\.)|&c\.|\bca\.(?=\s\d))",
        _phrase,
    ),
    Rule(
        rf"(?P<money>(?P<sign>[$£€¥])\s?(?P<amount>{_N})(?:\.(?P<cents>\d+))?)"
        r"(?:\s(?P<scale>thousand|million|billion|trillion)\b)?(?![\d,]*\d)",
        _money,
    ),
    Rule(r"(?P<iso>\b(?P<iso_year>\d{4})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)\b)", _iso_date),
    Rule(
        r"(?P<clock>\b(?P<clock_hour>0?\d|1[0-2])[:.](?P<clock_minute>[0-5]\d))\s?(?:[ap]\.m\.|[ap]m\b|[AP]M\b)", _clock
    ),
    Rule(r"(?P<time>(?<![\d:.])(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d))(?![:\d])", _time),
    # A train's: "the 3.18", "at 8.30".
    Rule(
        r"(?:(?<=\bat\s)|(?<=\bthe\s)|(?<=\bby\s)|(?<=\btill\s)|(?<=\bAt\s))"
        r"(?P<train>(?P<train_hour>1?\d|2[0-3])\.(?P<train_minute>[0-5]\d))(?![\d%]|\.\d|\s?(?:million|billion|per\scent)\b)",
        _train,
    ),
    Rule(r"(?P<oclock>\b(?:1[0-2]|[1-9]))\s?(?:[ap]\.m\.|[AaPp]m\b|[AP]M\b)", _hour),
    Rule(
        rf"(?P<date1>\b(?P<day1>\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?)\s(?P<month1>{_MONTH}\b|{_SHORT_MONTH})"
        rf"(?:,?\s(?P<year1>{_YEAR})\b)?",
        _day_month,
    ),
    Rule(
        rf"(?P<month2>\b{_MONTH}|\b{_SHORT_MONTH})\s(?P<date2>(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?)"
        rf"(?![\d:])\b(?:,?\s(?P<year2>{_YEAR})\b)?",
        _month_day,
    ),
    Rule(r"(?P<decades>(?P<decade>\b(?:1[1-9]|20)\d0|['’][2-9]0)['’]?s)\b", _decade),
    Rule(rf"(?P<ordinal>\b(?P<nth>{_N})(?:st|nd|rd|th))\b", _ordinal),
    Rule(r"(?P<range>(?<![\d.,-])(?P<from>\d{1,4})\s?[–—]\s?(?P<to>\d{1,4}))(?![\d.,-]*\d)", _range),
    Rule(
        rf"(?P<measure>(?P<much_all>(?<![\w.,])(?P<much>{_N})(?:\.(?P<much_part>\d+))?)(?P<unit_gap>\s)?"
        rf"(?P<unit>{_UNIT})\b)(?!\s?\d)",
        _measure,
    ),
    Rule(rf"(?P<degree>(?P<degrees>\b(?:{_N}))(?:\.(?P<degrees_part>\d+))?\s?°(?P<scale_of>[CF]\b|))", _degrees),
    Rule(rf"(?P<percent>(?P<share>\b(?:{_N}))(?:\.(?P<share_part>\d+))?\s?%)", _percent),
    Rule(rf"(?P<fraction>(?:\b(?P<whole>\d+)\s?)?(?P<part>[{''.join(_FRACTIONS)}]))", _fraction),
    Rule(rf"(?P<year>(?<![\w.,/#-])(?:{_YEAR}))(?![\w/]|[.,]\d|-\d)", _year),
    Rule(r"(?P<hash>#(?P<hash_number>\d{1,6})\b)", _hash),
    Rule(
        rf"(?P<plain_all>(?<![\w.,/:-])(?P<minus>[-−](?=\d))?(?P<plain>{_N})(?:\.(?P<plain_part>\d+))?)"
        r"(?![\w/:]|[.,]\d|-\d)",
        _plain,
    ),
    Rule(
        rf"\b(?P<part_of>{_PARTS})\s"
        rf"(?P<part_roman>{_ROMAN}{{2,}}|[VX]|I(?=\s*$|[.,:;)—–]|\s(?:of|and|to)\b))(?!\w|['’.]\w)",
        _roman_part,
    ),
    Rule(
        rf"\b(?:{_RULERS})\s(?P<ruler_roman>[IVX]{{2,}}|[VX]|I(?=$|[.,;:!?)]|['’]s|\sof\b|\sand\b|\swas\b))(?!\w)",
        _roman_ruler,
    ),
    Rule(rf"(?:^\s*)(?P<alone>{_ROMAN}+)(?=\.?\s*$|\.\s[A-Z][^.?!\"”]*$)", _roman_alone),
)  # fmt: skip
"""In this order where two begin at the same place."""
