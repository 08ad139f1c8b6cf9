"""Text as the tokens of Kokoro: espeak-ng's sounds, written the way the model learnt them.

Owns the languages, the spelling of sounds and the way to token numbers. Does not know sound.

Kokoro was trained on the phonemes of its own dictionary (misaki), which writes diphthongs and affricates of English as
single letters, and on espeak-ng's for other languages (hexgrad/misaki, EN_PHONES.md). Its dictionary is not used here:
espeak-ng's pronunciation is, respelled, as Kokoro's makers do for words that are not in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.neural.ipa import ipa_of

MAX_TOKENS: Final = 510
"""Tokens that the model takes, the two at the ends not counted."""

LANGUAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "en-US": "gmw/en-US",
        "en-GB": "gmw/en",
        "es": "roa/es",
        "fr": "roa/fr",
        "hi": "inc/hi",
        "it": "roa/it",
        "pt-BR": "roa/pt-BR",
    }
)
"""espeak-ng's file for each language. Japanese and Chinese are left out: the model reads them in ways of their own."""

_TIE: Final = "^"
_MOST_BYTES: Final = 1_000_000
_PUNCTUATION: Final = str.maketrans(
    {
        "‘": "'",
        "’": "'",
        "«": "“",
        "»": "”",
        "„": "“",
        "…": "…",
        "–": "—",
        "。": ".",
        "、": ",",
        "，": ",",
        "！": "!",
        "？": "?",
        "：": ":",
        "；": ";",
        "।": ".",
    }
)
_ALL: Final = (
    ("a^ɪ", "I"),
    ("a^ʊ", "W"),
    ("d^z", "ʣ"),
    ("d^ʒ", "ʤ"),
    ("e^ɪ", "A"),
    ("o^ʊ", "O"),
    ("ə^ʊ", "Q"),
    ("t^s", "ʦ"),
    ("t^ʃ", "ʧ"),
    ("ɔ^ɪ", "Y"),
)
"""Sounds of two letters that the model writes with one."""
_ENGLISH: Final = (
    ("ə^l", "ᵊl"),
    ("ʔˌn\u0329", "tᵊn"),
    ("ʔn", "tᵊn"),
    ("ɚ", "əɹ"),
    ("ɐ", "ə"),
    ("r", "ɹ"),
    ("x", "k"),
    ("ç", "k"),
    ("ɬ", "l"),
    ("ʔ", "t"),
    ("ʲ", ""),
    ("\u0303", ""),
)
_AMERICAN: Final = (("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪ^ə", "iə"), ("i^ə", "iə"), ("ɾ", "T"), ("ː", ""))
_BRITISH: Final = (("e^ə", "ɛː"), ("i^ə", "ɪə"))
_SYLLABIC: Final = re.compile("(\\S)\u0329")


class Phonemes:
    """What the model calls each sound.

    Args:
        folder: With its ``tokenizer.json`` or ``config.json``.

    Raises:
        SettingsError: There is none, or it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self._numbers = _vocabulary(folder)

    def tokens(self, texts: Sequence[str], language: str) -> list[list[int]]:
        """The tokens of each text, without those at the ends.

        Args:
            texts: In one language.
            language: One of `LANGUAGES`.

        Raises:
            SynthesisError: There is nothing that the model could say, or more than it can.
        """
        read = ipa_of([text.translate(_PUNCTUATION) for text in texts], LANGUAGES[language], tie=_TIE)
        rows = []
        for text, ipa in zip(texts, read, strict=True):
            row = [self._numbers[letter] for letter in respelled(ipa, language) if letter in self._numbers]
            if not any(map(str.isalpha, ipa)) or not row:
                raise SynthesisError(f"there is nothing to say in {text[:60]!r} in this language")
            if len(row) > MAX_TOKENS:
                raise SynthesisError(f"{text[:60]!r} has {len(row)} sounds, more than {MAX_TOKENS}; split the text")
            rows.append(row)
        return rows


def respelled(ipa: str, language: str) -> str:
    """espeak-ng's sounds, tied by ``^``, as the model writes them.

    Args:
        ipa: Words separated by spaces, with punctuation.
        language: One of `LANGUAGES`.
    """
    english = language.startswith("en")
    pairs = (*(_ENGLISH[:1] if english else ()), *(_BRITISH if language == "en-GB" else ()), *_ALL)
    if english:
        pairs = (*pairs, *_ENGLISH)
    if language == "en-US":
        pairs = (*pairs, *_AMERICAN)
    for old, new in pairs:
        ipa = ipa.replace(old, new)
    if english:
        # What is left of the letter is its own syllable: a short vowel stands before it.
        ipa = _SYLLABIC.sub(r"ᵊ\1", ipa).replace("e", "A" if language == "en-US" else "ɛ").replace("o", "ɔ")
    return ipa.replace(_TIE, "").replace("-", "")


def _vocabulary(folder: Path) -> dict[str, int]:
    """Numbers of the model's letters, of either of its files."""
    for name, keys in (("tokenizer.json", ("model", "vocab")), ("config.json", ("vocab",))):
        path = folder / name
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                values: Any = json.loads(file.read(_MOST_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise SettingsError(f"{path} is damaged; download the model again") from error
        for key in keys:
            values = values.get(key) if isinstance(values, dict) else None
        if isinstance(values, dict):
            found = {str(letter): number for letter, number in values.items() if len(str(letter)) == 1}
            if found and all(isinstance(number, int) and 0 <= number < 10_000 for number in found.values()):
                return found
    raise SettingsError(f"{folder} does not say what its tokens are: tokenizer.json is missing or of another model")
