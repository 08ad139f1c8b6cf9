"""How English is read."""

from __future__ import annotations

import pytest

from speechagents.pronunciation.saying import Pronunciation

SAY = Pronunciation(language="en").say


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3 men and 12 boats", "three men and twelve boats"),
        ("1,250,000 fish", "one million two hundred and fifty thousand fish"),
        ("3.14, -5 and 0.05", "three point one four, minus five and zero point zero five"),
        ("the 1st, 2nd, 3rd, 12th and 21st", "the first, second, third, twelfth and twenty-first"),
        ("½ and 2½ and ¾", "a half and two and a half and three quarters"),
        ("in 1914, 1800 and 1905", "in nineteen fourteen, eighteen hundred and nineteen oh five"),
        ("2000, 2005 and 2010", "two thousand, two thousand and five and twenty ten"),
        ("the 1880s and the '90s", "the eighteen eighties and the nineties"),
        ("1914–18 and pp. 12–15", "nineteen fourteen to eighteen and pages twelve to fifteen"),
        ("4 May 1882", "the fourth of May eighteen eighty-two"),
        ("the 4th of May", "the fourth of May"),
        ("May 4th, 1914", "May the fourth, nineteen fourteen"),
        ("on Jan. 3, 2005,", "on January the third, two thousand and five,"),
        ("2024-05-06", "the sixth of May, twenty twenty-four"),
        ("at 10:30, 10:05 and 10:00", "at ten thirty, ten oh five and ten o’clock"),
        ("at 3 p.m. or 9.15 a.m.", "at three p.m. or nine fifteen a.m."),
        ("he took the 3.18.", "he took the three eighteen."),
        ("$3.50, £1, €20, $0.99", "three dollars and fifty cents, one pound, twenty euros, ninety-nine cents"),
        ("$5 million", "five million dollars"),
        ("£1.01", "one pound and one penny"),
        ("25%, 30°C and 1°", "twenty-five per cent, thirty degrees Celsius and one degree"),
        ("5kg, 10 km and 1 mi", "five kilograms, ten kilometres and one mile"),
        ("6 ft and 60 mph", "six feet and sixty miles per hour"),
        ("No. 5, vol. 3, #7", "number five, volume three, number seven"),
        ("Mr. and Mrs. Smith and Dr. Who", "Mister and Missis Smith and Doctor Who"),
        ("St. John lives in Baker St. now", "Saint John lives in Baker Street now"),
        ("fish, etc. He left.", "fish, et cetera. He left."),
        ("fish, etc., and e.g. this", "fish, et cetera, and for example this"),
        ("Henry VIII and Louis XIV of France", "Henry the Eighth and Louis the Fourteenth of France"),
        ("Charles I, King", "Charles the First, King"),
        ("CHAPTER IV", "CHAPTER four"),
        ("Part I: Mosque", "Part one: Mosque"),
        ("World War II", "World War two"),
        ("XIV.", "fourteen."),
        ("I. The Hamiltons", "one. The Hamiltons"),
    ],
)  # fmt: skip
def test_it_is_read_as_people_do(written: str, spoken: str) -> None:
    assert SAY(written) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "I did. I!",
        "the part I played, and the book I read",
        "Charles I know, and Henry I like",
        "Call 555-1234 from room A4, 007.",
        "FBI, NASA and U.S.A.",
        "See http://x.org/2019/05 or v1.2.3",
        "He said no. Five of them did.",
        "A mix of vim and dill.",
        "MIX IT, VIC",
        "1234567890123456789012",
        "May I, or may I not?",
        "",
    ],
)
def test_what_is_no_number_stays_as_it_is(text: str) -> None:
    assert SAY(text) == text


@pytest.mark.parametrize(
    "hostile", ["9" * 50_000, "1," * 30_000, "$" * 50_000, "1 " * 50_000, "I" * 50_000, "1.1" * 20_000, "St. " * 20_000]
)
def test_hostile_text_is_read_in_no_time(hostile: str) -> None:
    assert SAY(hostile)
