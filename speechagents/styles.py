"""The vocabulary of delivery styles, and how words, punctuation and capitals choose one.

Owns the tags, their descriptions and the reading of parentheticals. Knows no engine: what a style does to a voice
is each back end's own affair. The word lists are data, ``models/styles.yaml``, read on first use.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

import yaml

from speechagents.drama import Style
from speechagents.resources import resource

STYLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "default": "Neutral, conversational delivery.",
        "happy": "Glad and bright, with a smile in the voice.",
        "laughing": "Speech broken up by laughter.",
        "excited": "Full of energy and enthusiasm.",
        "calm": "Slow, even and composed.",
        "tender": "Soft, warm and close.",
        "quiet": "Low and confidential, still voiced.",
        "whispering": "Breath without voice.",
        "sad": "Low, slow and drawn.",
        "crying": "Unsteady, close to or in tears.",
        "pleading": "Begging, drawn out and high.",
        "tired": "Weak, slow and falling.",
        "hesitant": "Unsure, halting.",
        "afraid": "High, fast and tight with fear.",
        "surprised": "Wide leaps of pitch: astonished or shocked.",
        "angry": "Hard, loud and fast.",
        "shouting": "As loud as it goes, to be heard far off.",
        "urgent": "Fast and pressing.",
        "cold": "Flat and detached, without feeling.",
        "sarcastic": "Drawn out and exaggerated: means the opposite.",
        "solemn": "Grave, deep and weighty.",
        "singing": "Half sung, on held tones.",
    }
)
"""Every style tag with a description in one sentence."""

MAX_READ_CHARS: Final = 400
"""Longest stretch of a parenthetical that is read; stage directions are far shorter."""

_STRONG: Final = 1.5
_WEAK: Final = 0.5
_GUESS_MIN_CHARS: Final = 5
_GUESS_MAX_CHARS: Final = 30
_GUESS_PREFIX_SHARE: Final = 0.7
# Ways of producing voice outrank moods: in "whispering, afraid" nothing of the fear is heard but the whisper is.
_MODES: Final = frozenset({"whispering", "shouting", "singing", "laughing", "crying"})
_POSSESSIVES: Final = frozenset({"her", "their", "my", "your", "its"})


@dataclass(frozen=True, slots=True)
class StyleReading:
    """What a parenthetical says about delivery.

    Attributes:
        style: The style it chooses, None when it chooses none.
        unknown: Words that may speak of manner but are in no list, as written; those close to a known word have
            taken part in the choice.
        guessed: The style comes from a word that is only close to a known one. Brackets in a script speak of manner,
            so a guess is better than nothing there; running prose does not.
    """

    style: Style | None
    unknown: tuple[str, ...] = ()
    guessed: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The word lists, folded. Phrases are tuples of words."""

    phrases: Mapping[tuple[str, ...], str]
    stems: Mapping[str, str]
    degrees: Mapping[tuple[str, ...], float]
    negations: frozenset[tuple[str, ...]]
    directions: frozenset[tuple[str, ...]]
    fillers: frozenset[str]
    verbs: Mapping[str, Style]
    longest: int


def style_from_words(words: str) -> StyleReading:
    """Read a parenthetical, for example ``whispering, on the verge of tears``.

    Known words and phrases choose; "very" raises the strength, "a little" and "almost" lower it, "not" denies. Of
    several styles the way of producing voice wins (whisper, shout, song, laughter, tears), else the first. Stage
    directions ("to Anna", "into phone", "beat") choose none. A word in no list is compared with the known ones
    (see `_nearest`) and reported; a known word always outranks such a guess.
    """
    vocabulary = _vocabulary()
    chosen: Style | None = None
    guessed: Style | None = None
    unknown: list[str] = []
    for clause in re.split(r"[,;/|()\[\]—–]+|\s-+\s|\.{2,}|…", words[:MAX_READ_CHARS]):
        for style, guess, missing in _read_clause(clause, vocabulary):
            if missing:
                unknown.append(missing)
            if style is None:
                continue
            if guess:
                guessed = guessed or style
            elif chosen is None or (style.tag in _MODES and chosen.tag not in _MODES):
                chosen = style
    return StyleReading(
        chosen or guessed, tuple(dict.fromkeys(unknown)), guessed=chosen is None and guessed is not None
    )


def style_from_verb(verb: str) -> Style | None:
    """The style that a verb of speech in a novel (“cried”, “whispered”, “said”) asks for.

    Returns:
        The style, the neutral one for verbs that say nothing of manner; None for a word that is no such verb.
    """
    return _vocabulary().verbs.get(_fold(verb))


def style_from_text(text: str) -> Style:
    """The style that punctuation and capitals ask for; most text asks for none. Linear in its length."""
    words = [word for word in text.split() if sum(map(str.isalpha, word)) >= 2]
    capitals = sum(1 for word in words if word.isupper())
    marks = "".join("!" if c in "!！" else "?" if c in "?？" else "" for c in text)
    if "‼" in text:
        marks += "!!"
    if "♪" in text or "♫" in text:
        return Style("singing")
    if capitals >= 2 and 2 * capitals > len(words) + (0 if "!" in marks else 1):
        return Style("shouting")
    if capitals == len(words) == 1 and "!" in marks:
        return Style("shouting", 0.8)
    if ("!" in marks and "?" in marks and _adjacent(text)) or "⁉" in text or "⁈" in text:
        return Style("surprised")
    ending = text.rstrip(" \t\r\n\"'”’»)*_")
    if marks.count("!") >= 3 and ending.endswith(("!!!", "！！！")):
        return Style("shouting", 0.7)
    if ending.endswith(("!!", "！！", "‼")):
        return Style("excited")
    if ending.endswith(("…", "...")):
        return Style("hesitant", 0.6)
    if ending.endswith(("!", "！")):
        return Style("excited", _WEAK)
    return Style()


def _adjacent(text: str) -> bool:
    """Whether an exclamation mark and a question mark stand side by side."""
    return re.search(r"[!！][?？]|[?？][!！]", text) is not None


def _read_clause(clause: str, vocabulary: _Vocabulary) -> Iterator[tuple[Style | None, bool, str]]:
    """Yield (style, whether it is a guess, unknown word or empty) for one clause."""
    raw = clause.split()
    tokens = [_fold(word) for word in raw]
    kept = [(word, token) for word, token in zip(raw, tokens, strict=True) if token]
    raw, tokens = [word for word, _ in kept], [token for _, token in kept]
    directed = False
    degree, denied = 1.0, False
    found: list[tuple[str, float, bool, str]] = []
    at = 0
    while at < len(tokens):
        match, length = _longest_match(tokens, at, vocabulary)
        if match == "negation":
            denied = True
        elif match == "direction":
            # Only an opening word directs the clause; after a style ("angry, to him") it opens another one.
            directed = True
        elif isinstance(match, float):
            # A degree behind its style ("angrily, very much so") works on it, else on the next one.
            degree = match
        elif match is not None:
            manner = tokens[at + length - 1].endswith(("ly", "ing")) or length > 1
            if not directed or manner or at + length == len(tokens):
                if not denied:
                    found.append((match, degree, False, ""))
                degree, denied = 1.0, False
        elif not directed and tokens[at] not in vocabulary.fillers:
            tag = None if at > 0 and raw[at][:1].isupper() else _nearest(tokens[at])
            if not any(c.isdigit() for c in tokens[at]):
                found.append((tag or "", degree, True, raw[at].strip(".!?\"'“”‘’*_")))
                degree, denied = (1.0, False) if tag else (degree, denied)
        at += length
    for tag, strength, guess, missing in found:
        yield (Style(tag, strength) if tag else None), guess, missing


def _longest_match(tokens: list[str], at: int, vocabulary: _Vocabulary) -> tuple[str | float | None, int]:
    """The meaning of the longest phrase that starts at a token, and its length (at least 1)."""
    for length in range(min(vocabulary.longest, len(tokens) - at), 0, -1):
        phrase = tuple(tokens[at : at + length])
        if phrase in vocabulary.phrases:
            return vocabulary.phrases[phrase], length
        if phrase in vocabulary.degrees:
            return vocabulary.degrees[phrase], length
        if phrase in vocabulary.negations:
            return "negation", length
        if phrase in vocabulary.directions:
            return "direction", length
    word = tokens[at]
    if word in vocabulary.fillers:
        return None, 1
    return vocabulary.stems.get(_stem(word)), 1


@lru_cache(maxsize=4096)
def _nearest(word: str) -> str | None:
    """The style of the known word that is most like an unknown one, None if none is like it.

    Alike means: at most one edit (two from eight letters on), or a common beginning of `_GUESS_PREFIX_SHARE` of
    the longer word. Fewest edits win, then the longest common beginning, then the order of the vocabulary.
    """
    if not _GUESS_MIN_CHARS <= len(word) <= _GUESS_MAX_CHARS:
        return None
    best: tuple[int, int] | None = None
    tag = None
    for (known, *rest), style in _vocabulary().phrases.items():
        if rest or len(known) < _GUESS_MIN_CHARS:
            continue
        shared = _shared_prefix(word, known)
        limit = 2 if min(len(word), len(known)) >= 8 else 1
        edits = _edits(word, known, limit) if abs(len(word) - len(known)) <= limit else limit + 1
        if edits <= limit or (
            shared >= _GUESS_MIN_CHARS and shared >= _GUESS_PREFIX_SHARE * max(len(word), len(known))
        ):
            rank = (edits if edits <= limit else 3, -shared)
            if best is None or rank < best:
                best, tag = rank, style
    return tag


def _shared_prefix(one: str, other: str) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _edits(one: str, other: str, limit: int) -> int:
    """Levenshtein distance, or limit + 1 as soon as it must be larger (Wagner & Fischer 1974, with a cut-off)."""
    previous = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
        if min(row) > limit:
            return limit + 1
        previous = row
    return min(previous[-1], limit + 1)


def _fold(word: str) -> str:
    """A word without case, accents and surrounding marks; possessives become ``his``."""
    decomposed = unicodedata.normalize("NFKD", word.casefold().replace("’", "'"))
    folded = "".join(c for c in decomposed if not unicodedata.combining(c)).strip(".!?,:\"'“”‘’*_-~")
    return "his" if folded in _POSSESSIVES else folded


_SUFFIXES: Final = ("ness", "ly", "ing", "ed", "es", "er", "est", "s", "y", "i", "e")


def _stem(word: str) -> str:
    """What the common inflections of an English word share: crude, but the same for all of them."""
    for _ in range(4):
        for suffix in _SUFFIXES:
            if word.endswith(suffix) and len(word) - len(suffix) >= 3:
                word = word[: -len(suffix)]
                break
        else:
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] + "y" if word.endswith("i") else word


@cache
def _vocabulary() -> _Vocabulary:
    """The word lists of ``models/styles.yaml``."""
    with resource("models", "styles.yaml").open(encoding="utf-8") as file:
        data = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
    phrases: dict[tuple[str, ...], str] = {}
    stems: dict[str, str] = {}
    for tag in STYLES:
        for language, listed in data["styles"][tag].items():
            for phrase in _entries(listed):
                phrases.setdefault(phrase, tag)
                if language == "en" and len(phrase) == 1:
                    stems.setdefault(_stem(phrase[0]), tag)
        phrases[(tag,)] = tag
    degrees = dict.fromkeys(_entries(data["weaker"]), _WEAK) | dict.fromkeys(_entries(data["stronger"]), _STRONG)
    negations, directions = frozenset(_entries(data["negations"])), frozenset(_entries(data["directions"]))
    return _Vocabulary(
        phrases,
        stems,
        degrees,
        negations,
        directions,
        frozenset(word for phrase in _entries(data["fillers"]) for word in phrase),
        {word: _style(manner) for manner, listed in data["verbs"].items() for word in _words(listed)},
        max(map(len, (*phrases, *degrees, *negations, *directions))),
    )


def _style(manner: str) -> Style:
    """A tag with a strength behind it, ``excited 0.5``."""
    tag, _, strength = manner.partition(" ")
    return Style(tag, float(strength or 1.0))


def _words(listed: str) -> list[str]:
    """The comma-separated words of a list, folded."""
    return [word for (word,) in _entries(listed)]


def _entries(listed: str) -> list[tuple[str, ...]]:
    """The comma-separated phrases of a list, folded into words."""
    split = (tuple(filter(None, map(_fold, entry.split()))) for entry in listed.split(","))
    return [phrase for phrase in split if phrase]
