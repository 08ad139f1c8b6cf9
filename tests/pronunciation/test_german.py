"""How German is read."""

from __future__ import annotations

import pytest

from speechagents.pronunciation.saying import Pronunciation

SAY = Pronunciation(language="de").say


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3 Boote und 1.250.000 Fische", "drei Boote und eine Million zweihundertfünfzigtausend Fische"),
        ("21 davon, 3,5 und -1", "einundzwanzig davon, drei Komma fünf und minus eins"),
        ("seit 1989 und 2005", "seit neunzehnhundertneunundachtzig und zweitausendfünf"),
        ("Am 4. Mai 1914", "Am vierten Mai neunzehnhundertvierzehn"),
        ("3. Oktober", "dritter Oktober"),
        ("vom 24.12.1999 an", "vom vierundzwanzigsten Dezember neunzehnhundertneunundneunzig an"),
        ("Der 2. Weltkrieg, am 3. Tag", "Der zweite Weltkrieg, am dritten Tag"),
        ("um 10.30 Uhr oder 1 Uhr", "um zehn Uhr dreißig oder ein Uhr"),
        ("5 €, 5,50 €, 1 € und $ 3", "fünf Euro, fünf Euro fünfzig, ein Euro und drei Dollar"),
        ("1 km, 3,5 kg und 10 %", "ein Kilometer, drei Komma fünf Kilogramm und zehn Prozent"),
        ("21°C", "einundzwanzig Grad Celsius"),
        ("Dr. Müller aus St. Gallen, Nr. 7", "Doktor Müller aus Sankt Gallen, Nummer sieben"),
        ("z. B. Fisch, d.h. Aal usw.", "zum Beispiel Fisch, das heißt Aal und so weiter."),
        ("Kapitel IV", "Kapitel vier"),
        ("Ludwig XIV. und Elisabeth I. von England", "Ludwig der Vierzehnte und Elisabeth die Erste von England"),
        ("XII.", "zwölf."),
    ],
)
def test_it_is_read_as_people_do(written: str, spoken: str) -> None:
    assert SAY(written) == spoken


@pytest.mark.parametrize("text", ["Er war im Haus. Der Rest ging.", "Tel 030-1234", "ICH, DU, MIX", "007"])
def test_what_is_no_number_stays_as_it_is(text: str) -> None:
    assert SAY(text) == text
