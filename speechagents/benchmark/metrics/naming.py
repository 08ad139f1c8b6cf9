"""Who is named in a line, and who is spoken to by name.

Owns the forms of a role's name and the places of a name in a line. Does not know scenes beyond their roles, nor who
speaks next. A name calls somebody (a vocative) if marks set it off from the sentence: "Sit, Manolis.", "Manolis! Sit.",
"Mr Stavros, how deep is it?", but not "Manolis sits." A line that is nothing but a name with a full stop answers "who?"
and calls nobody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache
from typing import Final

from speechagents.attribution.lexicon import lexicon, word_set
from speechagents.drama import Role, role_key

_RUN: Final = re.compile(r"(?<![\w'’-])[^\W\d_a-z][\w'’]*(?:[- ][^\W\d_a-z][\w'’]*)*")
_OPENED: Final = re.compile(r"(?:^|[,.!?…;:—–-]|\w--)[\"'“”‘’(\s]*$")
_SENTENCE_START: Final = re.compile(r"(?:^|[.!?…:—–]|--)[\"'“”‘’(\s]*$")
_CLOSED: Final = re.compile(r"^[\"'”’)\s]*(?:$|[,.!?…;:—–-])")
_POSSESSIVE: Final = re.compile(r"['’]s?$")
_LEADS: Final = word_set(
    "ah and aye but come dear dearest eh forgive good goodbye hello hey hush listen look my no now o oh oi ok please "
    "poor so sorry sweet thank thanks then wait well yes young old little big you"
)
"""Words before a name that leave it a call: "Oh Harpreet, no."."""
_NO_PERSONS: Final = word_set(
    "god lord heaven heavens jesus christ allah buddha almighty virgin saint st easter christmas eve new year ramadan "
    "eid passover lent sabbath sunday monday tuesday wednesday thursday friday saturday january february march april "
    "may june july august september october november december english french german spanish italian greek turkish "
    "russian chinese japanese arabic latin hindi portuguese dutch polish welsh irish scottish british american african "
    "european asian indian north south east west supreme court honour highness majesty excellency grace dad daddy mum "
    "mummy mom mommy mam mama mamma ma pa papa grandma grandpa granny gran nan nana nanna grandad granddad pop auntie "
    "aunty aunt uncle miss mister madam madame sir teacher coach boss chef chief captain constable officer pastor imam "
    "rabbi director president minister judge nurse doctor professor everyone everybody ladies gentlemen"
)
"""Words that are written with a capital and name no person of their own."""
_SHORTEST: Final = 3
_NEAR: Final = 60
"""Characters on either side that are looked at."""


@dataclass(frozen=True, slots=True)
class Company:
    """Those who play, and what each is called.

    Attributes:
        forms: Keys of the roles by the words that name one of them alone, in small letters.
        names: Key of every role with the words of its name.
    """

    forms: dict[str, str]
    names: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, roles: Sequence[Role]) -> Company:
        """The roles of a scene; a word that two names have in common names neither."""
        names = {role.key: tuple(role.key.split()) for role in roles}
        count = Counter(word for words in names.values() for word in set(words))
        plain = _plain()
        forms = {
            word: key
            for key, words in names.items()
            for word in words
            if count[word] == 1 and (word not in plain or len(words) == 1)
        }
        return cls(forms | {key: key for key in names}, names)

    def called(self, text: str) -> frozenset[str]:
        """Keys of the roles that a line speaks to by name."""
        return frozenset(key for run in _runs(text) if run.calls and (key := self._who_is_called(run)))

    def mentioned(self, text: str) -> frozenset[str]:
        """Keys of the roles that a line names, spoken to or spoken of."""
        return frozenset(key for run in _runs(text) if (key := self._who(run.words, short=run.calls)))

    def resolve(self, name: str) -> str | None:
        """The role that is meant by a name or a part of it; None for nobody who plays."""
        return self._who(tuple(role_key(name).split()), short=True)

    def strangers(self, text: str, known: AbstractSet[str]) -> Sequence[str]:
        """Persons whom a line names and who neither play nor are known.

        A word in capitals is taken for a person's name if it is called, stands behind a title ("Mr Ambrose"), or is a
        common given name; at the start of a sentence, where every word has a capital, only a common given name that is
        called counts.

        Args:
            text: The line.
            known: Words that are no new names, in small letters: those of the scene, and those that anybody writes
                small.
        """
        given, titles = lexicon().given_names, lexicon().titles
        found: list[str] = []
        for run in _runs(text):
            titled = False
            for place, word in enumerate(run.words):
                first = run.starts and place == 0
                person = titled or word in given or (run.calls and not first and not run.foreign)
                if first and not titled:
                    person = run.calls and word in given
                titled = word in titles
                new = (
                    word not in known
                    and word not in _plain()
                    and word not in _LEADS
                    and not self._who((word,), short=True)
                )
                if person and new and word.isalpha() and len(word) >= _SHORTEST:
                    found.append(word)
        return found

    def _who_is_called(self, run: _Run) -> str | None:
        key = self._who(run.words, short=True)
        # "In Algeciras?" calls nobody, nor does "Then Stavros?"; both words of "Liu Min" are hers.
        return key if key and run.foreign <= set(self.names[key]) else None

    def _who(self, words: tuple[str, ...], *, short: bool) -> str | None:
        whole = " ".join(words)
        if whole in self.forms:
            return self.forms[whole]
        for word in words:
            if word in self.forms:
                return self.forms[word]
        return next((key for word in words if (key := self._short(word))), None) if short else None

    def _short(self, word: str) -> str | None:
        """Who is called by a short form: *Bea* for Beatrix, *Kate* for Katharine; None if it fits two."""
        if len(word) < _SHORTEST or word in _plain():
            return None
        full = lexicon().nicknames.get(word, frozenset())
        fitting = {key for form, key in self.forms.items() if form in full or (form != word and form.startswith(word))}
        return fitting.pop() if len(fitting) == 1 else None


@dataclass(frozen=True, slots=True)
class _Run:
    """Words in capitals side by side.

    Attributes:
        words: In small letters, without a possessive ending.
        calls: Marks set them off.
        starts: The first stands at the start of a sentence.
        foreign: Those before the last that stand before no call.
    """

    words: tuple[str, ...]
    calls: bool
    starts: bool

    @property
    def foreign(self) -> frozenset[str]:
        return frozenset(word for word in self.words[:-1] if word not in _LEADS and word not in _plain())


def _runs(text: str) -> Iterator[_Run]:
    for match in _RUN.finditer(text):
        if not match.group()[0].isupper():
            continue
        before, after = text[max(0, match.start() - _NEAR) : match.start()], text[match.end() : match.end() + _NEAR]
        written = match.group().replace("’", "'").casefold().split()
        words = tuple(_POSSESSIVE.sub("", word) for word in written)
        owned = written[-1] != words[-1]
        yield _Run(words, not owned and _is_call(before, after), _SENTENCE_START.search(before) is not None)


def _is_call(before: str, after: str) -> bool:
    if not _CLOSED.match(after):
        return False
    opened = before.rstrip()
    while not _OPENED.search(opened) and (lead := re.search(r"(\w+)$", opened)) and lead.group().casefold() in _LEADS:
        opened = opened[: lead.start()].rstrip()
    alone = not opened and after.strip() in {"", ".", "…"}
    return not alone and _OPENED.search(opened) is not None


@cache
def _plain() -> AbstractSet[str]:
    """Titles, and words by which anybody is called."""
    words = lexicon()
    return _NO_PERSONS | words.titles.keys() | words.addresses.keys()
