"""Names as a novel writes them: runs of capitalised words, and what stands around each.

Owns the finding of such forms, and the judgement whether a form is a person's at all. Does not know which forms are one
person (`joining`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from speechagents.attribution.lexicon import Lexicon, word_set
from speechagents.attribution.quotation import Gender
from speechagents.attribution.tokens import Tokens

_SENTENCE_ENDS: Final = frozenset(
    {
        ".",
        "!",
        "?",
        ":",
        ";",
        "—",
        "--",
        "-",
        "(",
        "“",
        '"',
        "‘",
        "'",
        "...",
        "…",
        "_",
        "*",
        "[",
        ")",
        "”",
        "’",
        ",",
        "»",
        "«",
    }
)
_PARTICLES: Final = word_set("de du des van der von la le della di st")
_PLACES: Final = word_set("in at from near through towards across into around throughout outside")
_NO_NAMES: Final = word_set(
    "i i'm i'll i've i'd god heaven heavens lord christ jesus monday tuesday wednesday thursday friday saturday "
    "sunday january february march july september october november december christmas easter michaelmas english "
    "french german italian american european indian russian dutch irish scotch spanish roman greek latin english's "
    "england london europe paris france italy america india rome germany russia chapter volume book part o oh ah "
    "yes no well sir madam madame monsieur mamma papa mother father ma'am miss bible parliament church house hall "
    "street road square christian jew catholic providence nature majesty majesty's lordship ladyship honour the a "
    "an and but he she it they we you his her my our your their this that there here then now what who how when "
    "where why if so for in on at to as not nothing nobody somebody everybody good great poor dear old young little "
    "mr mrs dr st"
)
_NEUTRAL_TITLES: Final = frozenset({"old", "young", "little", "poor"})


_MAX_WORDS: Final = 6
_TAG_REACH: Final = 12
"""Tokens between a name with a verb of saying and a quotation."""
_PRONOUN_REACH: Final = 14
_HIS: Final = frozenset({"he", "his", "him", "himself"})
_HERS: Final = frozenset({"she", "her", "hers", "herself"})
_BEFORE_CALL: Final = frozenset({",", "“", '"', "!", "dear", "my", "oh", ".", "?", "'", "‘"})
_BEHIND_CALL: Final = frozenset({",", "!", ".", "?", "”", '"', ";", "—", "--", "'", "’"})


@dataclass(slots=True)
class NameForm:
    """A name as it is written, and what stands around it.

    Attributes:
        title: Words of rank in front of it, in lower case: ``mr``.
        core: The name itself, in lower case; ``the`` and a title for “the General”.
        count: How often it stands in the text.
        inside: How often of these it does not open a sentence.
        subject: How often a verb follows.
        tagged: How often a verb of saying stands beside it, near a quotation.
        called: How often it is called out in speech.
        placed: How often a preposition of place stands in front of it.
        he: How often ``he`` or ``his`` follows.
        she: How often ``she`` or ``her`` follows.
        article: How often “the” stands in front of it.
        narrated: Paragraphs in which the narrator uses it.
        spellings: How it is written, and how often.
    """

    title: tuple[str, ...]
    core: tuple[str, ...]
    count: int = 0
    inside: int = 0
    subject: int = 0
    tagged: int = 0
    called: int = 0
    placed: int = 0
    he: int = 0
    she: int = 0
    article: int = 0
    narrated: set[int] = field(default_factory=set)
    spellings: Counter[str] = field(default_factory=Counter)


def find_forms(tokens: Tokens, quoted: Sequence[int], lexicon: Lexicon) -> list[NameForm]:
    """Every name that is a person's, as far as the text around it tells.

    Args:
        tokens: The novel.
        quoted: For each token, whether it is said by somebody.
        lexicon: The words.
    """
    return [form for form in _Finder(tokens, quoted, lexicon).find() if _is_person(form, lexicon)]


class _Finder:
    """Goes through a novel once, and notes every run of capitalised words that can be a name."""

    def __init__(self, tokens: Tokens, quoted: Sequence[int], lexicon: Lexicon) -> None:
        self._tokens = tokens
        self._lower = tokens.lower
        self._quoted = quoted
        self._lexicon = lexicon
        self._firsts = frozenset(tokens.paragraphs)
        self._small: Counter[str] = Counter()
        self._large: Counter[str] = Counter()
        self._found: dict[tuple[tuple[str, ...], tuple[str, ...]], NameForm] = {}

    def find(self) -> list[NameForm]:
        self._count_capitals()
        words = self._tokens.words
        for paragraph, (at, limit) in enumerate(pairwise(self._tokens.paragraphs)):
            while at < limit:
                if not (words[at][0].isupper() and words[at][0].isalpha()):
                    at += 1
                    continue
                stop = self._run(at, limit)
                self._read(at, stop, limit, paragraph)
                at = stop
        return list(self._found.values())

    def _count_capitals(self) -> None:
        """How often each word is written small, and large though no sentence opens with it."""
        lower, words = self._lower, self._tokens.words
        for at, word in enumerate(lower):
            if words[at][0].islower():
                self._small[word] += 1
            elif not self._opens(at) and words[at][0].isupper():
                self._large[word] += 1

    def _opens(self, at: int) -> bool:
        """Whether a token opens a sentence or part of one."""
        return at in self._firsts or self._lower[at - 1] in _SENTENCE_ENDS

    def _run(self, at: int, limit: int) -> int:
        """The token behind a run of capitalised words."""
        lower, words = self._lower, self._tokens.words
        stop = at + 1
        while stop < limit:
            word = words[stop]
            if word[0].isupper() and word[0].isalpha():
                stop += 1
            elif word == "-" and stop + 1 < limit and words[stop + 1][0].isupper():
                stop += 2
            elif word == "-" and stop + 3 < limit and words[stop + 2] == "-" and words[stop + 3][0].isupper():
                stop += 4
            elif (
                lower[stop] in _PARTICLES
                and stop + 1 < limit
                and (
                    words[stop + 1][0].isupper()
                    or (lower[stop + 1] in _PARTICLES and stop + 2 < limit and words[stop + 2][0].isupper())
                )
            ):
                stop += 1
            else:
                break
        return stop

    def _read(self, at: int, stop: int, limit: int, paragraph: int) -> None:
        """Note the name in a run, if there is one."""
        lower, titles = self._lower, self._lexicon.titles
        start = at
        opens = self._opens(start)
        # "But Emma": a small word that is large only because it opens the sentence.
        while (
            start < stop
            and lower[start] not in titles
            and (lower[start] in _NO_NAMES or (opens and self._small[lower[start]] > self._large[lower[start]]))
        ):
            start += 1
        opens = opens and start == at
        if start == stop:
            return
        first = start
        while first < stop and lower[first] in titles and (first + 1 < stop or first == start):
            first += 1
        title = tuple(word for word in lower[start:first] if word not in _NEUTRAL_TITLES)
        core = tuple(lower[first:stop])
        if not core:
            # "the General" is called so by everybody; "Mother!" is anybody's.
            if not (start and lower[start - 1] == "the" and title):
                return
            title, core = (), ("the", *title)
        if not self._can_name(title, core):
            return
        form = self._found.setdefault((title, core), NameForm(title, core))
        form.count += 1
        form.inside += not opens
        written = self._tokens.words[start - 1 if core[0] == "the" else start : stop]
        form.spellings[" ".join(written).replace(" - ", "-")] += 1
        if not self._quoted[start]:
            form.narrated.add(paragraph)
        self._look_around(form, start, stop, limit)
        self._look_behind(form, stop, limit)

    def _can_name(self, title: tuple[str, ...], core: tuple[str, ...]) -> bool:
        if len(core) > _MAX_WORDS or (not title and all(word in _NO_NAMES for word in core)):
            return False
        if len(core[0]) == 1 and len(core) == 1 and not title:
            return False
        # The Emersons.
        last = core[-1]
        family = last[-1:] == "s" and last not in self._lexicon.given_names and self._large.get(last[:-1], 0) > 2
        return not family

    def _look_around(self, form: NameForm, start: int, stop: int, limit: int) -> None:
        """What the words beside a name say of it."""
        lower, quoted, lexicon = self._lower, self._quoted, self._lexicon
        before = lower[start - 1] if start else ""
        behind = lower[stop] if stop < limit else ""
        if behind in lexicon.speech_verbs or behind in lexicon.verbs or behind.endswith("ed"):
            form.subject += 1
        if not quoted[start] and (behind in lexicon.speech_verbs or before in lexicon.speech_verbs):
            form.tagged += any(quoted[max(0, start - _TAG_REACH) : start]) or any(quoted[stop : stop + _TAG_REACH])
        if quoted[start] and before in _BEFORE_CALL and behind in _BEHIND_CALL:
            form.called += 1
        form.placed += before in _PLACES
        form.article += before == "the"

    def _look_behind(self, form: NameForm, stop: int, limit: int) -> None:
        """Whether the next pronoun is his or hers, unless another name comes first."""
        for at in range(stop, min(limit, stop + _PRONOUN_REACH)):
            word = self._lower[at]
            if word in _HIS:
                form.he += 1
                return
            if word in _HERS:
                form.she += 1
                return
            if self._tokens.words[at][0].isupper() and word not in _NO_NAMES and word in self._large:
                return


def _is_person(form: NameForm, lexicon: Lexicon) -> bool:
    if form.core[0] == "the":
        return form.count >= 3 and (form.tagged > 0 or form.subject >= 2)
    if form.title:
        return form.count >= 2 or form.tagged > 0 or form.called > 0
    if form.inside == 0 and form.tagged == 0:
        return False
    if form.tagged and form.placed * 3 <= form.count:
        return True
    if form.core[0] in lexicon.given_names:
        return (form.count >= 2 or len(form.core) > 1) and form.placed * 3 <= form.count
    if form.called >= 2 and form.placed * 4 <= form.count:
        return True
    return form.subject >= 3 and form.placed * 4 <= form.count and form.he + form.she >= 2 and len(form.core) <= 3


def gender_of(forms: Sequence[NameForm], lexicon: Lexicon) -> Gender:
    """Titles outrank given names, given names outrank the pronouns that follow."""
    for form in sorted(forms, key=lambda form: -form.count):
        for word in form.title:
            if lexicon.titles.get(word, Gender.UNKNOWN) is not Gender.UNKNOWN:
                return lexicon.titles[word]
        if form.core[0] == "the" and lexicon.titles.get(form.core[-1], Gender.UNKNOWN) is not Gender.UNKNOWN:
            return lexicon.titles[form.core[-1]]
    he, she = sum(form.he for form in forms), sum(form.she for form in forms)
    for form in forms:
        named = lexicon.given_names.get(form.core[0], Gender.UNKNOWN)
        if named is not Gender.UNKNOWN and (len(form.core) > 1 or he + she < 6 or (he > she) == (named is Gender.MALE)):
            return named
    if he >= 2 * she and he >= 2:
        return Gender.MALE
    if she >= 2 * he and she >= 2:
        return Gender.FEMALE
    return Gender.UNKNOWN
