"""IPA as espeak-ng's English voices take it.

Owns the table. What is not in it is left out, so that nothing but known phonemes ever reaches the engine's phoneme
input, whatever a lexicon says.
"""

from __future__ import annotations

import unicodedata
from typing import Final

# Mnemonics that all English accents of espeak-ng 1.52 have, each with its own sound for it. Sounds that English
# lacks become its nearest.
_PHONEMES: Final = {
    "iː": "i:", "i": "i", "ɪ": "I", "e": "E", "ɛ": "E", "æ": "a", "a": "a", "ɑː": "A:", "ɑ": "A:", "aː": "A:",
    "ɒ": "0", "ɔː": "O:", "ɔ": "0", "oː": "O:", "o": "oU", "ʊ": "U", "uː": "u:", "u": "u:", "ʌ": "V", "ɐ": "a#",
    "ə": "@", "ɜː": "3:", "ɜ": "3:", "ɝ": "3:", "ɝː": "3:", "ɚ": "3", "ɨ": "I", "ʉ": "u:", "ɘ": "@", "ɵ": "U",
    "eɪ": "eI", "eː": "eI", "aɪ": "aI", "ɔɪ": "OI", "aʊ": "aU", "əʊ": "oU", "oʊ": "oU", "ɪə": "i@", "eə": "e@",
    "ɛə": "e@", "ɛː": "e@", "ʊə": "U@", "y": "u:", "yː": "u:", "ø": "3:", "øː": "3:", "œ": "3:", "ɤ": "V", "ɯ": "u:",
    "p": "p", "b": "b", "t": "t", "d": "d", "k": "k", "c": "k", "ɡ": "g", "g": "g", "q": "k", "ʔ": "?", "f": "f",
    "v": "v", "θ": "T", "ð": "D", "s": "s", "z": "z", "ʃ": "S", "ʒ": "Z", "ɕ": "S", "ʑ": "Z", "ʂ": "S", "ʐ": "Z",
    "x": "x", "χ": "x", "ç": "C", "ɣ": "g", "h": "h", "ɦ": "h", "ħ": "h", "m": "m", "n": "n", "ŋ": "N", "ɲ": "nj",
    "ɳ": "n", "l": "l", "ɫ": "l", "ɬ": "l#", "ʎ": "lj", "ɭ": "l", "r": "r", "ɹ": "r", "ɻ": "r", "ɾ": "r", "ʁ": "r",
    "ʀ": "r", "j": "j", "w": "w", "ʍ": "w", "β": "v", "ɸ": "f", "ʋ": "v", "tʃ": "tS", "dʒ": "dZ", "ts": "ts",
    "ˈ": "'", "ˌ": ",",
}  # fmt: skip
_LONGEST: Final = max(map(len, _PHONEMES))
_NASAL: Final = "\u0303"
_VOWELS: Final = frozenset("iɪeɛæaɑɒɔoʊuʌɐəɜɝɚyøœ")
_ALIKE: Final = str.maketrans({"'": "ˈ", ",": "ˌ", ":": "ː", "͡": "", "͜": "", "ʧ": "tʃ", "ʤ": "dʒ"})


def english_phonemes(ipa: str) -> str:
    """Mnemonics of a word, without brackets; empty when it has no sound that is known."""
    text = unicodedata.normalize("NFD", ipa).replace("c\u0327", "ç").translate(_ALIKE)
    found: list[str] = []
    at = 0
    while at < len(text):
        for length in range(min(_LONGEST, len(text) - at), 0, -1):
            mnemonic = _PHONEMES.get(text[at : at + length])
            if mnemonic is not None:
                found.append(mnemonic)
                at += length
                break
        else:
            if text[at] == _NASAL and at and text[at - 1] in _VOWELS:
                found.append("N")
            at += 1
    return "".join(found) if any(mnemonic not in "',?" for mnemonic in found) else ""
