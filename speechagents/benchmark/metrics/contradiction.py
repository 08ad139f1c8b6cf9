"""Contradictions of a speaker with himself, as far as words show them.

Owns that one search. Two statements by the same speaker contradict each other if they are about the same thing (most of
their words of content are the same) and one denies what the other says, or each names another number, weekday, month or
colour. This is the "negation and numeric mismatch" part of the kinds of contradiction of de Marneffe, Rafferty &
Manning 2008 (Finding contradictions in text, ACL 2008, P08-1118), the part that needs no model. Two speakers who
contradict each other are no fault: that is drama. A speaker may change his mind; hand-written scripts show how seldom
it looks like this.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.attribution.lexicon import word_set
from speechagents.benchmark.facts import sentences
from speechagents.benchmark.metrics.words import content, stem, tokens

_ALIKE: Final = 0.6
"""Least share of common stems of all stems of both (Jaccard) of statements about the same thing."""
_MIN_COMMON: Final = 2
_KEPT: Final = 40
"""Latest statements of a speaker with some word that are looked back at: more than there are in any scene of people."""

_NEGATIONS: Final = word_set(
    "not no never none nobody nothing nowhere neither nor hardly scarcely without cannot refuse refused deny denied"
)
_SUBJECTS: Final = {
    word: person
    for person, words in enumerate(("i", "you", "he his", "she her", "it this that", "we our", "they their"))
    for word in words.split()
}
_NUMBERS: Final = word_set(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million noon midnight"
)
_WEEKDAYS: Final = word_set("monday tuesday wednesday thursday friday saturday sunday")
_MONTHS: Final = word_set("january february march april june july august september october november december")
_COLOURS: Final = word_set(
    "red green blue yellow black white brown grey gray orange pink purple violet golden silver turquoise scarlet"
)
_VALUES: Final = (_NUMBERS, _WEEKDAYS, _MONTHS, _COLOURS)
_OF_VALUES: Final = frozenset(stem(word) for words in _VALUES for word in words)
_QUESTION: Final = re.compile(r"\?[\"'”’)\s]*$")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence that says something.

    Attributes:
        line: Position of its line.
        stems: Of its words of content, values left out.
        denies: An odd number of its words deny.
        subjects: Whom its pronouns speak of.
        values: Its numbers, weekdays, months and colours, kind by kind.
    """

    line: int
    stems: frozenset[str]
    denies: bool
    subjects: frozenset[int]
    values: tuple[frozenset[str], ...]

    def about_the_same(self, other: Statement) -> bool:
        """Whether two statements speak of the same thing."""
        common = len(self.stems & other.stems)
        alike = common >= _MIN_COMMON and common >= _ALIKE * len(self.stems | other.stems)
        return alike and self.subjects == other.subjects

    def contradicts(self, other: Statement) -> bool:
        """Whether it denies what another says, or changes a value in it."""
        if not self.about_the_same(other):
            return False
        changed = any(
            mine and theirs and mine.isdisjoint(theirs) for mine, theirs in zip(self.values, other.values, strict=True)
        )
        return changed or self.denies != other.denies


def statements(line: int, text: str) -> Iterator[Statement]:
    """The statements of a line; questions, and sentences of fewer than two words of content, are none."""
    for sentence in sentences(text):
        stems = frozenset(content(sentence)) - _OF_VALUES - _NEGATIONS
        if _QUESTION.search(sentence) or len(stems) < _MIN_COMMON:
            continue
        words = tokens(sentence)
        said = frozenset(words)
        yield Statement(
            line=line,
            stems=stems,
            denies=sum(word in _NEGATIONS or word.endswith("n't") for word in words) % 2 == 1,
            subjects=frozenset(_SUBJECTS[one] for word in words if (one := word.split("'")[0]) in _SUBJECTS),
            values=tuple(said & kind for kind in _VALUES),
        )


def contradictions(lines: Sequence[tuple[str, str]]) -> frozenset[int]:
    """Positions of the lines that contradict an earlier line of the same speaker.

    Args:
        lines: Speaker and text of each.
    """
    earlier: defaultdict[tuple[str, str], deque[Statement]] = defaultdict(lambda: deque(maxlen=_KEPT))
    found: set[int] = set()
    for place, (speaker, text) in enumerate(lines):
        for statement in statements(place, text):
            before = [other for word in statement.stems for other in earlier[speaker, word] if other.line < place]
            if any(statement.contradicts(other) for other in before):
                found.add(place)
            for word in statement.stems:
                earlier[speaker, word].append(statement)
    return frozenset(found)
