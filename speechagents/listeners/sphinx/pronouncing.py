"""How an English speaker would say a name that no dictionary has: letters to ARPAbet, by rule.

Owns the rules. They are made for a recogniser, which needs the right sounds more than the right stress, and which is
given a guess where a dictionary has nothing: of words that the dictionary has, about a fifth of the sounds come out
otherwise (`benchmarks/ears.py` measures it).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MAX_LETTERS: Final = 40

_VOWEL: Final = "[aeiouy]"
_CONSONANT: Final = "[bcdfghjklmnpqrstvwxz]"
# A vowel letter is "long" before one consonant and a silent e, or at the end of a short word.
_MAGIC: Final = f"(?={_CONSONANT}e(?:s|d)?$)"

# Tried in order at each place; the first that fits is taken. Patterns see the whole word, so they may look around.
_RULES: Final = tuple(
    (re.compile(pattern), tuple(phones.split()))
    for pattern, phones in (
        # Beginnings, where letters fall silent.
        ("^kn", "N"),
        ("^gn", "N"),
        ("^pn", "N"),
        ("^ps", "S"),
        ("^pt", "T"),
        ("^wr", "R"),
        ("^wh", "W"),
        ("^x", "Z"),
        ("^mc(?:c|k)?", "M AH K"),
        # Endings.
        ("ieu(?:x)?$", "Y UW"),
        ("eille$", "EY"),
        ("elle$", "EH L"),
        ("ette$", "EH T"),
        ("esque$", "EH S K"),
        ("ique$", "IY K"),
        ("eaux?$", "OW"),
        ("ough$", "OW"),
        ("tion(?=s?$)", "SH AH N"),
        ("sion(?=s?$)", "ZH AH N"),
        ("ture$", "CH ER"),
        ("cious$", "SH AH S"),
        ("ous$", "AH S"),
        (f"(?<={_CONSONANT})le$", "AH L"),
        ("(?<=[aeiouy][^aeiouy])ine$", "IY N"),
        ("(?<=[td])ed$", "IH D"),
        ("(?<=[^aeiouy])ed$", "D"),
        (f"(?<={_CONSONANT})ey$", "IY"),
        (f"(?<={_CONSONANT})ie$", "IY"),
        (f"(?<={_CONSONANT})i$", "IY"),
        ("^(?:(?<=^))y$", "AY"),
        (f"(?<=^{_CONSONANT})y$", "AY"),
        (f"(?<=^{_CONSONANT}{{2}})y$", "AY"),
        ("y$", "IY"),
        ("ia(?=n?s?$)", "IY AH"),
        ("io(?=n?s?$)", "IY OW"),
        ("a$", "AH"),
        ("o$", "OW"),
        ("er$", "ER"),
        ("or$", "ER"),
        (f"(?<={_VOWEL}{_CONSONANT})e(?=s?$)", ""),
        (f"(?<={_CONSONANT}{{2}})e(?=s?$)", ""),
        ("mb$", "M"),
        ("gne$", "N"),
        # Several letters, one sound.
        ("tch", "CH"),
        ("dge?", "JH"),
        ("sch", "SH"),
        ("szcz", "SH CH"),
        ("cz", "CH"),
        ("sz", "SH"),
        ("rz", "ZH"),
        ("ph", "F"),
        ("th", "TH"),
        ("sh", "SH"),
        ("zh", "ZH"),
        ("kh", "K"),
        ("gh(?=[aeiou])", "G"),
        ("igh", "AY"),
        ("gh", ""),
        ("ch(?=[rl])", "K"),
        ("ch", "CH"),
        ("ck", "K"),
        ("qu", "K W"),
        ("q", "K"),
        ("ng$", "NG"),
        ("ng(?=[^aeiouyrlh])", "NG"),
        ("n(?=[kxq])", "NG"),
        ("sc(?=[eiy])", "S"),
        ("cc(?=[eiy])", "K S"),
        ("c(?=[eiy])", "S"),
        ("cc?", "K"),
        ("gg", "G"),
        ("(?<=n)g(?=e)", "JH"),
        ("g(?=e|y)", "JH"),
        ("gi(?=[ao])", "JH"),
        ("g(?=in|or|an)", "G"),
        ("g", "G"),
        ("j", "JH"),
        ("x", "K S"),
        (f"(?<={_VOWEL})s(?={_VOWEL})", "Z"),
        ("ss", "S"),
        ("(?<=[bdgmnvlraeoy])s$|(?<=[bdgmnvlraeioy]')s$", "Z"),
        ("s", "S"),
        ("zz?", "Z"),
        # Vowels before r.
        ("air|are$|aer", "EH R"),
        ("eer|ear|ier(?=.)", "IH R"),
        ("our|oor|oar|ore$", "AO R"),
        (f"er(?!{_VOWEL}|r)", "ER"),
        (f"ir(?!{_VOWEL}|r)", "ER"),
        (f"ur(?!{_VOWEL}|r)", "ER"),
        (f"(?<!^)yr(?!{_VOWEL}|r)", "ER"),
        ("ar(?![aeiouyr])", "AA R"),
        ("arr", "EH R"),
        ("(?<=w)or(?![aeiouy])", "ER"),
        ("or(?!$)", "AO R"),
        ("err", "EH R"),
        # Two vowels, one sound.
        ("ai|ay|ei(?=g)|ey", "EY"),
        ("au|aw", "AO"),
        ("ee|ea|ie(?=.)", "IY"),
        ("ei", "AY"),
        ("eu|ew|ue$|ui(?=[dst])", "UW"),
        ("iew", "Y UW"),
        ("oa|oe(?=$)", "OW"),
        ("oi|oy", "OY"),
        ("oo|ou(?=x|$)", "UW"),
        ("ou|ow(?=[nled])", "AW"),
        ("ow", "OW"),
        ("ae|oe", "IY"),
        ("aa|ah", "AA"),
        ("eh", "EH"),
        ("oh", "OW"),
        # One vowel.
        (f"a{_MAGIC}", "EY"),
        (f"e{_MAGIC}", "IY"),
        (f"i{_MAGIC}", "AY"),
        (f"o{_MAGIC}", "OW"),
        (f"u{_MAGIC}", "UW"),
        ("a(?=ll|lt|lk)", "AO"),
        ("^a(?=[^aeiouy][aeiouy].)", "AH"),
        ("(?<=w)a(?=[ntsr])", "AA"),
        ("(?<=..)a(?=(?:n|l|nd|nt)?s?$)", "AH"),
        ("a", "AE"),
        (f"e(?={_CONSONANT}[aeiou]$)", "IY"),
        ("e(?=[aeo])", "IY"),
        ("(?<=..)e(?=[nlrs]s?$|nt|nce|ls)", "AH"),
        ("e$", ""),
        ("e", "EH"),
        ("i(?=[ao])", "IY"),
        (f"i(?={_CONSONANT}[aio]$)", "IY"),
        ("i", "IH"),
        (f"o(?={_CONSONANT}[aeiouy])", "OW"),
        ("(?<=..)o(?=ns?$)", "AH"),
        ("o(?=l)", "OW"),
        ("o", "AA"),
        (f"^u(?={_CONSONANT}[aeiou])", "Y UW"),
        (f"u(?={_CONSONANT}[aeiouy])", "UW"),
        ("u(?=[aeio])", "W"),
        ("u", "AH"),
        (f"y(?={_VOWEL})", "Y"),
        ("y", "IH"),
        # The rest says its name; doubled, it says it once.
        *((f"{letter}{{1,2}}", sound) for letter, sound in zip("bdfklmnprtv", "BDFKLMNPRTV", strict=True)),
        ("w(?=[aeiouy])", "W"),
        ("w", ""),
        ("h(?=[aeiouy])", "HH"),
        ("h", ""),
        ("'", ""),
    )
)

_UNMARKED: Final = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "þ": "th", "ð": "th"})


def letters(word: str) -> str:
    """A word in the letters of the English alphabet and apostrophes, in lower case; empty if it has others."""
    plain = unicodedata.normalize("NFD", word.lower().replace("’", "'").translate(_UNMARKED))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return plain if plain.isascii() and plain.replace("'", "").isalpha() and len(plain) <= MAX_LETTERS else ""


def pronounce(word: str) -> tuple[str, ...]:
    """The sounds of a word of `letters`, in ARPAbet without stress.

    Raises:
        ValueError: It has other letters.
    """
    if not word or letters(word) != word:
        raise ValueError(f"{word!r} is not in plain letters")
    sounds: list[str] = []
    at = 0
    while at < len(word):
        for pattern, phones in _RULES:
            if found := pattern.match(word, at):
                sounds += phones
                at = found.end()
                break
        else:
            raise AssertionError(f"no rule for {word[at:]!r}")
    return tuple(sounds) or ("AH",)
