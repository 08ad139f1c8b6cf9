"""Where a novel names its characters.

Owns the matching of names against tokens: aliases, parts of names, titles. Does not know who speaks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from speechagents.attribution.lexicon import Lexicon
from speechagents.attribution.quotation import Character, Gender
from speechagents.attribution.tokens import Tokens, plain_words

_ARTICLES: Final = frozenset({"the", "a", "an"})
_PARTICLES: Final = frozenset(
    {
        "of",
        "de",
        "des",
        "du",
        "la",
        "le",
        "von",
        "van",
        "der",
        "den",
        "and",
        "in",
        "with",
        "-",
        ",",
        "'s",
        ".",
        "to",
        "at",
    }
)
_SENTENCE_ENDS: Final = frozenset({".", "!", "?", ":", ";", "—", "--", "(", "“", '"', "‘", "'", "...", "…", "_"})
_MAX_WORDS: Final = 12


class Mention(NamedTuple):
    """A name in the text.

    Attributes:
        token: Index of its first token.
        length: Number of tokens.
        who: Indices of the characters that bear it, one if it is unambiguous.
        others: Characters that may be meant too, by a name that was derived from theirs.
        sure: A name that stands in the character's own list, not one that was derived from it.
    """

    token: int
    length: int
    who: tuple[int, ...]
    others: tuple[int, ...]
    sure: bool


class Named(NamedTuple):
    """A mention that was given to one character.

    Attributes:
        who: Index of the character.
        length: Number of tokens.
        also: All who bear the name, if they are several.
    """

    who: int
    length: int
    also: tuple[int, ...] = ()


class _Name(NamedTuple):
    words: tuple[str, ...]
    who: tuple[int, ...]
    others: tuple[int, ...]
    sure: bool
    capital: bool


class NameIndex:
    """The names of all characters, ready to be matched."""

    def __init__(self, characters: Sequence[Character], lexicon: Lexicon, tokens: Tokens) -> None:
        self._titles = lexicon.titles
        self._genders = [character.gender for character in characters]
        listed: dict[tuple[str, ...], set[int]] = {}
        derived: dict[tuple[str, ...], set[int]] = {}
        for index, character in enumerate(characters):
            for name in (character.name, *character.aliases):
                words = plain_words(name.partition(" - ")[0])[:_MAX_WORDS]
                if words:
                    listed.setdefault(words, set()).add(index)
                    for part in _derived(words, character.gender, lexicon):
                        derived.setdefault(part, set()).add(index)
        names: dict[tuple[str, ...], tuple[set[int], bool]] = {
            words: (who, False) for words, who in derived.items()
        } | {words: (who, True) for words, who in listed.items()}
        # One who is not listed under a name may be meant by it all the same: a second John, a sister of Miss Steele.
        others = {words: tuple(sorted(derived[words] - who)) for words, who in listed.items() if words in derived}
        self._by_first: dict[str, list[_Name]] = {}
        for words, (who, sure) in names.items():
            descriptive = words[0] in _ARTICLES
            capital = not descriptive or len(words) == 1
            self._by_first.setdefault(words[0], []).append(
                _Name(words, tuple(sorted(who)), others.get(words, ()), sure, capital)
            )
        for bearing in self._by_first.values():
            bearing.sort(key=lambda name: (-len(name.words), not name.sure, name.words))
        # A word that is mostly written small ("will", "rose") is no name where any word has a capital.
        small: Counter[str] = Counter()
        large: Counter[str] = Counter()
        lower, words_as_written = tokens.lower, tokens.words
        for at, word in enumerate(lower):
            if word in self._by_first:
                if words_as_written[at][0].islower():
                    small[word] += 1
                elif at and lower[at - 1] not in _SENTENCE_ENDS:
                    large[word] += 1
        self._common = frozenset(word for word, count in small.items() if count > large[word])

    def _titled(self, who: tuple[int, ...], gender: Gender) -> tuple[int, ...]:
        """Those who can have a title of a gender."""
        unknown = Gender.UNKNOWN
        return tuple(one for one in who if gender is unknown or self._genders[one] in (gender, unknown))

    def find(self, tokens: Tokens) -> Iterable[Mention]:
        """All mentions in order; the longest name at a place wins."""
        lower, words = tokens.lower, tokens.words
        by_first, common = self._by_first, self._common
        at, size = 0, len(lower)
        while at < size:
            names = by_first.get(lower[at])
            if names is not None:
                for name in names:
                    length = len(name.words)
                    if length > 1 and tuple(lower[at : at + length]) != name.words:
                        continue
                    if name.capital:
                        if not words[at][0].isupper():
                            continue
                        if length > 1 and words[at + length - 1][0].islower() and "'s" not in name.words:
                            continue
                        if length == 1 and lower[at] in common and (at == 0 or lower[at - 1] in _SENTENCE_ENDS):
                            continue
                    who = name.who
                    if length == 1 and not name.sure and at and lower[at - 1] in self._titles:
                        # "Miss Weston" is not Mr. John Weston, whoever she is.
                        who = self._titled(who, self._titles[lower[at - 1]])
                        if not who:
                            continue
                    yield Mention(at, length, who, name.others, name.sure)
                    at += length - 1
                    break
            at += 1


def _derived(words: tuple[str, ...], gender: Gender, lexicon: Lexicon) -> Iterable[tuple[str, ...]]:
    """Shorter names that a name can be called by."""
    if words[0] in _ARTICLES:
        # "The General": he is also spoken to as "General".
        if len(words) == 2 and (words[1] in lexicon.titles):
            yield (words[1],)
        return
    core = list(words)
    while core and core[0] in lexicon.titles:
        core.pop(0)
    title = words[: len(words) - len(core)]
    if not core or len(core) > 4 or any(word in _PARTICLES or word in ("his", "her", "my", "their") for word in core):
        if core and title and len(core) <= 6:
            yield tuple(core)
        return
    if any(not word.isalpha() for word in core):
        yield tuple(core)
        return
    for word in {core[0], core[-1]}:
        if len(word) > 1 and word not in lexicon.person_nouns:
            yield (word,)
    if title and len(core) > 1:
        yield (*title, core[-1])
        yield tuple(core)
        yield (*title, core[0])
    if title or len(core) > 1:
        for one in {Gender.MALE: ("mr",), Gender.FEMALE: ("mrs", "miss")}.get(gender, ("mr", "mrs", "miss")):
            yield (one, core[-1])


def described_by(characters: Sequence[Character]) -> dict[str, Gender]:
    """Nouns by which characters without a name are called: “The Missionary”."""
    nouns: dict[str, Gender] = {}
    for character in characters:
        for name in (character.name, *character.aliases):
            words = plain_words(name)
            if len(words) > 1 and words[0] in _ARTICLES:
                stop = next((at for at, word in enumerate(words) if at and word in _PARTICLES), len(words))
                noun = words[stop - 1]
                if noun.isalpha() and noun not in _ARTICLES:
                    nouns[noun] = (
                        character.gender if nouns.get(noun, character.gender) is character.gender else Gender.UNKNOWN
                    )
    return nouns
