"""A pronunciation lexicon: the W3C's PLS 1.0, or entries made in the program.

Owns the entries and the reading of the file. Does not know the texts they are used on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from speechagents.books.decoding import decode
from speechagents.books.markup import BrokenMarkup, Element, attribute, local_name, parse_text
from speechagents.errors import ScriptError
from speechagents.pronunciation.phonetics import ipa_of_xsampa, is_ipa, respelt
from speechagents.scripts.languages import language_tag
from speechagents.voices.phonetic import phonetic_word, unmarked

MAX_LEXICON_BYTES: Final = 5 * 1024**2
MAX_GRAPHEMES: Final = 50_000
MAX_GRAPHEME_CHARS: Final = 100
MAX_SPOKEN_CHARS: Final = 300

_REMEDY: Final = "see https://www.w3.org/TR/pronunciation-lexicon/"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a word is said.

    Attributes:
        alias: In letters; empty if it is given by sounds alone.
        ipa: Its sounds, words apart by spaces; empty if it is given in letters alone.
    """

    alias: str = ""
    ipa: str = ""

    def spoken(self, language: str) -> str:
        """As text of a `SpokenLine` in a language; empty if it can be said neither way there.

        Sounds are spoken in English only: for other languages their phonemes are not mapped, and English spelling would
        mislead.
        """
        if self.ipa and language.partition("-")[0].lower() in ("en", ""):
            words = self.ipa.split()
            letters = self.alias.split() if len(self.alias.split()) == len(words) else [respelt(word) for word in words]
            return " ".join(phonetic_word(word, said or "x") for word, said in zip(words, letters, strict=True))
        return self.alias


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and how they are said.

    Attributes:
        language: BCP 47 tag of the language it is for; empty means any.
        readings: By the word as written; words apart by single spaces.
        warnings: What in the file says nothing here.
    """

    language: str = ""
    readings: Mapping[str, Reading] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def is_for(self, language: str) -> bool:
        """Whether it is for a language; a lexicon for ``en`` is for ``en-GB`` too, and the other way round."""
        return not self.language or self.language.partition("-")[0] == language.partition("-")[0].lower()


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon in PLS 1.0.

    Of several pronunciations the preferred one counts, else the first; of several entries for one word the first.
    Roles are not looked at.

    Raises:
        ScriptError: It cannot be opened, is too large, broken, or an entry is wrong; with file and line.
    """
    source = path.name
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LEXICON_BYTES + 1)
    except FileNotFoundError:
        raise ScriptError(f"no such file: {path}; check its name", source=source) from None
    except OSError as error:
        raise ScriptError(f"cannot be read ({error.strerror or error}); check it", source=source) from None
    if len(data) > MAX_LEXICON_BYTES:
        raise ScriptError(f"larger than {MAX_LEXICON_BYTES // 1024**2} MB; split it", source=source)
    text, warning = decode(data, source)
    try:
        root = parse_text(text)
    except BrokenMarkup as error:
        raise ScriptError(f"broken XML ({error}); mend it", source=source, line=error.line) from None
    return _Reader(source, warning).read(root)


class _Reader:
    """One lexicon on its way from its tree."""

    def __init__(self, source: str, warning: str) -> None:
        self._source = source
        self._warnings = [warning] if warning else []
        self._readings: dict[str, Reading] = {}

    def read(self, root: Element) -> Lexicon:
        if local_name(root) != "lexicon":
            reason = f"no pronunciation lexicon: its root is <{local_name(root)}>, not <lexicon>; {_REMEDY}"
            raise ScriptError(reason, source=self._source, line=root.sourceline)
        said = attribute(root, "lang")
        language = language_tag(said) if said else ""
        if said and not language:
            raise self._fault(root, f"xml:lang={said[:40]!r} is no language")
        alphabet = root.get("alphabet") or "ipa"
        for lexeme in root:
            if local_name(lexeme) == "lexeme":
                self._lexeme(lexeme, alphabet)
        foreign = language.partition("-")[0] not in ("en", "")
        mute = sum(not reading.alias for reading in self._readings.values()) if foreign else 0
        if mute:
            reason = f"{mute} of its words have phonemes alone, which are spoken in English only; give them an <alias>"
            self._warnings.append(f"{self._source}: {reason}")
        return Lexicon(language, self._readings, tuple(self._warnings))

    def _lexeme(self, lexeme: Element, alphabet: str) -> None:
        graphemes = [_text(child) for child in lexeme if local_name(child) == "grapheme"]
        if not any(graphemes):
            raise self._fault(lexeme, "a <lexeme> without a <grapheme>")
        sounds = [child for child in lexeme if local_name(child) == "phoneme"]
        aliases = [child for child in lexeme if local_name(child) == "alias"]
        phoneme, alias = _preferred(sounds), _preferred(aliases)
        if phoneme is None and alias is None:
            raise self._fault(lexeme, f"{graphemes[0][:40]!r} has neither <phoneme> nor <alias>")
        reading = Reading(
            unmarked(_text(alias)) if alias is not None else "",
            self._ipa(phoneme, phoneme.get("alphabet") or alphabet) if phoneme is not None else "",
        )
        if not (reading.alias or reading.ipa) or max(len(reading.alias), len(reading.ipa)) > MAX_SPOKEN_CHARS:
            raise self._fault(lexeme, f"a pronunciation of 1 to {MAX_SPOKEN_CHARS} characters is wanted")
        for grapheme in filter(None, graphemes):
            if len(grapheme) > MAX_GRAPHEME_CHARS:
                raise self._fault(lexeme, f"a <grapheme> of more than {MAX_GRAPHEME_CHARS} characters")
            self._readings.setdefault(grapheme, reading)
        if len(self._readings) > MAX_GRAPHEMES:
            raise self._fault(lexeme, f"more than {MAX_GRAPHEMES} words; split the lexicon")

    def _ipa(self, phoneme: Element, alphabet: str) -> str:
        text = _text(phoneme)
        if alphabet.lower() in ("x-sampa", "x-xsampa", "xsampa"):
            text = ipa_of_xsampa(text)
        elif alphabet.lower() != "ipa":
            raise self._fault(phoneme, f"the alphabet {alphabet[:40]!r} is unknown; use ipa or x-sampa")
        if text and not is_ipa(text):
            raise self._fault(phoneme, f"{text[:40]!r} is no {alphabet}")
        return text

    def _fault(self, element: Element, reason: str) -> ScriptError:
        return ScriptError(
            f"{reason}; {_REMEDY}" if ";" not in reason else reason, source=self._source, line=element.sourceline
        )


def _preferred(elements: list[Element]) -> Element | None:
    preferred = [element for element in elements if element.get("prefer", "").lower() in ("true", "1")]
    return next(iter([*preferred, *elements]), None)


def _text(element: Element) -> str:
    return unicodedata.normalize("NFC", " ".join("".join(element.itertext()).split()))
