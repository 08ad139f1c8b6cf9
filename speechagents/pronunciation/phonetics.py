"""Phonetic alphabets of lexicons, and how sounds are spelled for a voice that reads letters only.

Owns X-SAMPA, the check of IPA and the English respelling. Does not know how an engine takes sounds.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_XSAMPA: Final = {
    "A": "ɑ", "B": "β", "C": "ç", "D": "ð", "E": "ɛ", "F": "ɱ", "G": "ɣ", "H": "ɥ", "I": "ɪ", "J": "ɲ", "K": "ɬ",
    "L": "ʎ", "M": "ɯ", "N": "ŋ", "O": "ɔ", "P": "ʋ", "Q": "ɒ", "R": "ʁ", "S": "ʃ", "T": "θ", "U": "ʊ", "V": "ʌ",
    "W": "ʍ", "X": "χ", "Y": "ʏ", "Z": "ʒ", "g": "ɡ", "r\\": "ɹ", "r\\`": "ɻ", "h\\": "ɦ", "j\\": "ʝ", "p\\": "ɸ",
    "s\\": "ɕ", "z\\": "ʑ", "x\\": "ɧ", "B\\": "ʙ", "R\\": "ʀ", "H\\": "ʜ", "G\\": "ɢ", "N\\": "ɴ", "v\\": "ʋ",
    "K\\": "ɮ", "l\\": "ɺ", "M\\": "ɰ", "I\\": "ɨ", "U\\": "ʊ", "E\\": "ɘ", "s`": "ʂ", "z`": "ʐ", "t`": "ʈ",
    "d`": "ɖ", "n`": "ɳ", "l`": "ɭ", "r`": "ɽ", "@": "ə", "@`": "ɚ", "@\\": "ɘ", "{": "æ", "}": "ʉ", "1": "ɨ",
    "2": "ø", "3": "ɜ", "3`": "ɝ", "3\\": "ɞ", "4": "ɾ", "5": "ɫ", "6": "ɐ", "7": "ɤ", "8": "ɵ", "9": "œ", "&": "ɶ",
    "?": "ʔ", "?\\": "ʕ", '"': "ˈ", "%": "ˌ", ":": "ː", ":\\": "ˑ", "~": "\u0303", "_~": "\u0303", "=": "\u0329",
    "_=": "\u0329", "-": "", ".": ".", "'": "ʲ", "_j": "ʲ", "_h": "ʰ", "_w": "ʷ", "_>": "ʼ", "_}": "", "_": "\u0361",
}  # fmt: skip
_SOUNDS: Final = {
    "iː": "ee", "i": "ee", "ɪ": "i", "e": "e", "ɛ": "e", "æ": "a", "a": "a", "aː": "ah", "ɑː": "ah", "ɑ": "ah",
    "ɒ": "o", "ɔː": "aw", "ɔ": "o", "o": "oh", "oː": "oh", "ʊ": "oo", "uː": "oo", "u": "oo", "ʌ": "u", "ɐ": "uh",
    "ə": "uh", "ɜː": "ur", "ɜ": "ur", "ɝ": "ur", "ɚ": "er", "eɪ": "ay", "eː": "ay", "aɪ": "eye", "ɔɪ": "oy",
    "aʊ": "ow", "əʊ": "oh", "oʊ": "oh", "ɪə": "eer", "eə": "air", "ɛə": "air", "ʊə": "oor", "y": "oo", "ø": "ur",
    "œ": "ur", "ʉ": "oo", "ɨ": "i",
    "θ": "th", "ð": "th", "ʃ": "sh", "ʒ": "zh", "tʃ": "ch", "dʒ": "j", "ŋ": "ng", "j": "y", "x": "kh", "χ": "kh",
    "ç": "h", "ɡ": "g", "ɹ": "r", "ɾ": "r", "ʁ": "r", "ʀ": "r", "ɻ": "r", "ɲ": "ny", "ʎ": "ly", "ɬ": "hl", "ɫ": "l",
    "ɣ": "g", "ʔ": "", "ɕ": "sh", "ʑ": "zh", "ʂ": "sh", "ʐ": "zh", "ʍ": "wh", "β": "v", "ɸ": "f", "ʋ": "v", "c": "k",
    "q": "k",
}  # fmt: skip
_MARKS: Final = frozenset("ˈˌː.ˑʲʰʷʼ͜͡ |‿")


def ipa_of_xsampa(text: str) -> str:
    """X-SAMPA as IPA; what it does not know stays as it is."""
    found: list[str] = []
    at = 0
    while at < len(text):
        for length in (3, 2, 1):
            sound = _XSAMPA.get(text[at : at + length])
            if sound is not None:
                found.append(sound)
                at += length
                break
        else:
            found.append(text[at])
            at += 1
    return "".join(found)


def is_ipa(text: str) -> bool:
    """Whether a text may be IPA: letters, its marks of stress, length and joining, nothing else."""
    return any(char.isalpha() and unicodedata.category(char) != "Lm" for char in text) and all(
        char.isalpha() or char in _MARKS or unicodedata.combining(char) or unicodedata.category(char) == "Lm"
        for char in unicodedata.normalize("NFD", text)
    )


def respelt(ipa: str) -> str:
    """A word's sounds in English letters, one word: "ʃɪˈvɔːn" as "shivawn"."""
    text = "".join(char for char in unicodedata.normalize("NFC", ipa) if char not in "ˈˌ.͜͡‿| ")
    text = "".join(char for char in text if not unicodedata.combining(char))
    pieces: list[str] = []
    at = 0
    while at < len(text):
        for length in (2, 1):
            if (sound := _SOUNDS.get(text[at : at + length])) is not None:
                break
        else:
            length, sound = 1, text[at] if text[at].isascii() and text[at].isalpha() else ""
        pieces.append(sound)
        at += length
    return "".join(pieces)
