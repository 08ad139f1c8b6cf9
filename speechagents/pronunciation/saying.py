"""A line's text as it is to be said: lexicon and respellings first, then the rules of its language.

Owns their order, and which written word each spoken one belongs to. Does not know how a language reads a number
(`english`, `german`), nor any voice.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from speechagents.pronunciation.lexicon import Lexicon, Reading
from speechagents.pronunciation.respelling import respellings, shown
from speechagents.pronunciation.rules import Edit, Rules
from speechagents.voices.phonetic import unmarked

_TOKEN: Final = re.compile(r"\S+")
_WORD: Final = re.compile(r"[^\W_]+(?:[-'’.&][^\W_]+)*")
_POSSESSIVE: Final = re.compile(r"['’](?:s|S)?$")
_HISSING: Final = frozenset("szʃʒ")
_VOICELESS: Final = frozenset("ptkfθ")


class Pronunciation:
    """Says how texts are read; one for a book, used by any number of threads.

    Words of the lexicon count as they are written, and with a capital or in capitals where they are written small;
    their possessives follow them. The longest entry counts. Numbers, dates, money, abbreviations, units and Roman
    numerals are read by the rules of English and German; in other languages the voice reads them.

    Args:
        lexicon: Words and how they are said.
        language: BCP 47 tag of texts that say none.
    """

    def __init__(self, lexicon: Lexicon | None = None, language: str = "en") -> None:
        self._lexicon = lexicon or Lexicon()
        self._language = language or "en"
        # Entries by their first word, longest first.
        self._entries: dict[str, list[_Entry]] = {}
        for grapheme, reading in self._lexicon.readings.items():
            words = tuple(_WORD.findall(grapheme)) or (grapheme,)
            for form in dict.fromkeys((words, _capital(words), tuple(word.upper() for word in words))):
                known = self._entries.setdefault(form[0], [])
                if all(entry.rest != form[1:] for entry in known):
                    known.append(_Entry(form[1:], "." in grapheme, reading))
        for known in self._entries.values():
            known.sort(key=lambda entry: -len(entry.rest))

    def say(self, text: str, language: str = "") -> str:
        """The text to be spoken; the very same text if nothing in it is read otherwise than written.

        Args:
            text: As written.
            language: BCP 47 tag, empty for the book's.
        """
        text = unmarked(text)
        seen, edits = self._edits(text, language or self._language)
        return _spliced(seen, edits, 0, len(seen)) if edits else seen

    def said(self, text: str, language: str = "") -> tuple[tuple[str, str], ...]:
        """Written words, apart by white space, with what is spoken for each; joined by spaces that is `say`.

        What is spoken may be several words, or none where the words before speak for it.
        """
        text = unmarked(text)
        seen, edits = self._edits(text, language or self._language)
        starts = [edit.start for edit in edits]
        pairs: list[tuple[str, str]] = []
        for token in _TOKEN.finditer(seen):
            first = bisect_left(starts, token.start())
            here = edits[first : bisect_left(starts, token.end())]
            # What an edit that began in an earlier token covers here is spoken there.
            covered = edits[first - 1].end if first else 0
            begin = min(token.end(), max(token.start(), covered))
            spoken = " ".join(_spliced(seen, here, begin, token.end()).split())
            if begin > token.start() and pairs and not any(map(str.isalnum, spoken)):
                # A comma behind a date belongs to what is said for the date.
                written, before = pairs[-1]
                pairs[-1], spoken = (written, before + spoken), ""
            pairs.append((token[0], spoken))
        return tuple(pairs)

    def _edits(self, text: str, language: str) -> tuple[str, list[Edit]]:
        """What is shown, and what in it is said otherwise, in order, apart from each other."""
        seen = shown(text)
        edits = [
            Edit(start, end, spoken)
            for start, end, reading in respellings(text)
            if (spoken := reading.spoken(language))
        ]
        if self._entries and self._lexicon.is_for(language):
            edits = _joined(edits, self._words(seen, language))
        rules = _rules(language.partition("-")[0].lower())
        return seen, edits if rules is None else _joined(edits, rules.edits(seen))

    def _words(self, text: str, language: str) -> Iterator[Edit]:
        words = list(_WORD.finditer(text))
        place = 0
        while place < len(words):
            length, edit = self._entry(text, words, place, language)
            if edit is not None:
                yield edit
            place += length

    def _entry(self, text: str, words: list[re.Match[str]], place: int, language: str) -> tuple[int, Edit | None]:
        """How many words the entry at a place covers, and how they are said."""
        first = words[place]
        for word, suffix in _forms(first[0]):
            for entry in self._entries.get(word, ()):
                rest = entry.rest
                behind = words[place + 1 : place + 1 + len(rest)]
                if suffix and rest:
                    continue
                if len(behind) < len(rest) or not _adjacent(text, [first, *behind], entry):
                    continue
                ending = suffix
                if rest:
                    last, ending = next(((w, s) for w, s in _forms(behind[-1][0]) if w == rest[-1]), ("", ""))
                    if not last or [match[0] for match in behind[:-1]] != list(rest[:-1]):
                        continue
                end = behind[-1].end() if behind else first.end()
                spoken = _with_ending(entry.reading, ending, language)
                return 1 + len(rest), Edit(first.start(), end, spoken) if spoken else None
        return 1, None


@dataclass(frozen=True, slots=True)
class _Entry:
    """A word of the lexicon, or several, behind the first of them."""

    rest: tuple[str, ...]
    is_dotted: bool
    reading: Reading


@lru_cache(maxsize=8)
def _rules(primary: str) -> Rules | None:
    """The rules of a language, compiled when it is first met."""
    if primary == "en":
        from speechagents.pronunciation.english import ENGLISH

        return Rules(ENGLISH)
    if primary == "de":
        from speechagents.pronunciation.german import GERMAN

        return Rules(GERMAN)
    return None


def _capital(words: tuple[str, ...]) -> tuple[str, ...]:
    return (words[0][:1].upper() + words[0][1:], *words[1:])


def _forms(word: str) -> Iterator[tuple[str, str]]:
    """A word as an entry may have it, with the ending that is left over: itself, then without its possessive."""
    yield word, ""
    match = _POSSESSIVE.search(word)
    if match:
        yield word[: match.start()], match[0]


def _adjacent(text: str, words: list[re.Match[str]], entry: _Entry) -> bool:
    """Whether nothing but white space stands between words, and full stops where the entry has some."""
    stops = "." if entry.is_dotted else ""
    return all(text[here.end() : there.start()].removeprefix(stops).isspace() for here, there in pairwise(words))


def _with_ending(reading: Reading, ending: str, language: str) -> str:
    """A reading with the possessive of its word."""
    spoken = reading.spoken(language)
    if not ending or not spoken:
        return spoken
    if not reading.ipa or spoken == reading.alias:
        return spoken + ending
    last = reading.ipa[-1]
    sound = "ɪz" if last in _HISSING else "s" if last in _VOICELESS else "z"
    return Reading(reading.alias and reading.alias + ending, reading.ipa + sound).spoken(language)


def _joined(first: list[Edit], others: Iterator[Edit]) -> list[Edit]:
    """Edits of both in order; of those that meet, the first ones."""
    kept = list(first)
    starts = [edit.start for edit in first]
    for edit in others:
        place = bisect_left(starts, edit.start)
        before = first[place - 1].end if place else 0
        behind = first[place].start if place < len(first) else edit.end
        if before <= edit.start and edit.end <= behind:
            kept.append(edit)
    return sorted(kept)


def _spliced(text: str, edits: list[Edit], start: int, end: int) -> str:
    pieces, at = [], start
    for edit in edits:
        pieces += [text[at : edit.start], edit.spoken]
        at = edit.end
    return "".join([*pieces, text[at:end]])
