"""How well one line follows another, as far as words show it.

Owns lines prepared for looking at, and the cohesion of two of them. Does not know which line did follow which.

The score adds up ties that Halliday & Hasan 1976 (Cohesion in English) name and that can be seen without a parser:
words repeated, the same third person spoken of, a question and the form of an answer, "you" answered by "I", and
somebody called who speaks. It stands in for the entity transitions of Barzilay & Lapata 2008 (Computational Linguistics
34:1), which need syntactic roles. Its weights were set once by hand on the hand-written scripts of scenes with odd
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.benchmark.metrics.naming import Company
from speechagents.benchmark.metrics.replies import has_answer_form, question, turns_to
from speechagents.benchmark.metrics.words import content, stem, tokens, weight, weights
from speechagents.benchmark.played import Played

_REPEATED: Final = 3.0
_TIE: Final = 0.4
_OPENING: Final = 4
_THIRD_PERSONS: Final = (
    frozenset({"he", "him", "his", "he's", "he'd", "he'll"}),
    frozenset({"she", "her", "hers", "she's", "she'd", "she'll"}),
    frozenset({"they", "them", "their", "theirs", "they're", "they've", "they'd", "they'll"}),
)
_YOU: Final = frozenset({"you", "your", "yours", "you're", "you've", "you'd", "you'll"})
_I: Final = frozenset({"i", "me", "my", "mine", "i'm", "i've", "i'd", "i'll"})


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A line prepared for looking at.

    Attributes:
        speaker: Key of who says it.
        text: What is said.
        stems: Of its words of content, without the names of those who play.
        weight: Of all these.
        calls: Keys of others whom it speaks to, by name or by what its message is addressed to.
        question: The last in it; empty for none.
        pronouns: Which of the third persons it speaks of.
        to_you: It says "you".
        from_me: It begins with "I" or "my".
    """

    speaker: str
    text: str
    stems: frozenset[str]
    weight: float
    calls: frozenset[str]
    question: str
    pronouns: frozenset[int]
    to_you: bool
    from_me: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """The lines of a cell.

    Attributes:
        lines: In order.
        weights: Of their stems, each line being a document.
        company: Who plays.
    """

    lines: tuple[SpokenLine, ...]
    weights: Mapping[str, float]
    company: Company

    @classmethod
    def of(cls, played: Played) -> Talk:
        """What was said aloud in a cell."""
        company = Company.of(played.scene.roles)
        names = frozenset(stem(word) for words in company.names.values() for word in words)
        stems = [frozenset(content(message.text)) - names for message in played.lines]
        of = weights(stems)
        lines = []
        for message, found in zip(played.lines, stems, strict=True):
            meant = {company.resolve(name) for name in message.addresses} | company.called(message.text)
            words = tokens(message.text)
            said = frozenset(words)
            lines.append(
                SpokenLine(
                    speaker=played.role_of(message),
                    text=message.text,
                    stems=found,
                    weight=weight(found, of),
                    calls=frozenset(key for key in meant if key and key != played.role_of(message)),
                    question=question(message.text),
                    pronouns=frozenset(number for number, one in enumerate(_THIRD_PERSONS) if said & one),
                    to_you=bool(said & _YOU),
                    from_me=bool(_I.intersection(words[:_OPENING])),
                )
            )
        return cls(tuple(lines), of, company)

    def shared(self, one: SpokenLine, other: SpokenLine) -> float:
        """Weight of the stems that two lines have in common."""
        return weight(one.stems & other.stems, self.weights)

    def repeated(self, one: SpokenLine, other: SpokenLine) -> float:
        """Overlap of two lines by weight, 0 to 1 (Dice 1945, Ecology 26:297)."""
        both = one.weight + other.weight
        return 2.0 * self.shared(one, other) / both if both else 0.0

    def answering(self, first: SpokenLine, second: SpokenLine) -> float:
        """How much a line looks like an answer to the question of another; 0 where nothing does."""
        if not first.question:
            return 0.0
        ties = float(has_answer_form(first.question, second.text)) + float(turns_to(first.question, second.text))
        ties += 0.5 * (float(second.speaker in first.calls) + float(not first.pronouns.isdisjoint(second.pronouns)))
        return ties + 2.0 * _REPEATED * self.repeated(first, second)

    def cohesion(self, first: SpokenLine, second: SpokenLine) -> float:
        """How well one line follows another that somebody else says; 0 where nothing ties them."""
        ties = float(first.speaker in second.calls) + float(not first.pronouns.isdisjoint(second.pronouns))
        ties += float(first.to_you and second.from_me)
        if first.calls:
            ties += 1.0 if second.speaker in first.calls else -1.0
        if first.question:
            ties += float(has_answer_form(first.question, second.text)) + float(turns_to(first.question, second.text))
        return _REPEATED * self.repeated(first, second) + _TIE * ties


def rivals(talk: Sequence[SpokenLine], place: int, most: int) -> Sequence[SpokenLine]:
    """Lines that could stand behind the one at a place and do not, evenly spread over the scene.

    Args:
        talk: The lines.
        place: Position of a line; the next one is not among its rivals.
        most: How many there are at most.
    """
    others = [
        line
        for index, line in enumerate(talk)
        if index not in (place, place + 1) and line.speaker != talk[place].speaker
    ]
    if len(others) <= most:
        return others
    return [others[(2 * number + 1) * len(others) // (2 * most)] for number in range(most)]
