"""A small novel with its attribution, and controllers that answer about it from what is true."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from speechagents.attribution.quotation import Attribution, Character, Gender, Quote, QuoteKind
from speechagents.controllers.ascribing import Ascribed, Excerpt, Unascribed
from speechagents.controllers.controller import Usage
from speechagents.errors import ControllerError

EMMA, TOM, LANE = "Emma Hart", "Tom Reed", "Miss Lane"
PEOPLE = (
    Character(EMMA, ("Emma",), Gender.FEMALE, 40),
    Character(TOM, ("Tom",), Gender.MALE, 30),
    Character(LANE, ("Jane Lane",), Gender.FEMALE, 4),
)


@dataclass(frozen=True)
class Said:
    """A quotation: what stands there, who really says it, and what was found without a model."""

    text: str
    truth: str | None
    guess: str | None
    confidence: float


@dataclass(frozen=True)
class Told:
    """A novel with what is true of it."""

    text: str
    paragraphs: tuple[tuple[int, int], ...]
    attribution: Attribution
    truth: Mapping[int, str | None]
    """Who says the quotation that begins at an offset."""

    def right(self, attribution: Attribution) -> int:
        """How many quotations have their speaker."""
        return sum(quote.speaker == self.truth[quote.spans[0][0]] for quote in attribution.quotes)


def novel(*paragraphs: Sequence[str | Said], people: Sequence[Character] = PEOPLE, first_person: str = "") -> Told:
    """A novel of paragraphs; each is a row of narration and quotations."""
    text, places, quotes, truth = "", [], [], {}
    for paragraph in paragraphs:
        begin = len(text)
        for part in paragraph:
            start = len(text)
            text += (part.text if isinstance(part, Said) else part) + " "
            if isinstance(part, Said):
                span = (start, start + len(part.text))
                quotes.append(Quote((span,), part.guess, part.confidence, QuoteKind.IMPLICIT, addressee=TOM))
                truth[start] = part.truth
        places.append((begin, len(text) - 1))
        text += "\n"
    return Told(text, tuple(places), Attribution(tuple(people), tuple(quotes), first_person or None), truth)


def talk(count: int, *, confidence: Callable[[int], float] = lambda _: 0.3, filler: str = "") -> Told:
    """Emma and Tom in turn; all is thought to be said by Miss Lane."""
    turns = [
        (Said(f"“Remark {at}.{filler}”", (EMMA, TOM)[at % 2], LANE, confidence(at)), "It was still.")
        for at in range(count)
    ]
    return novel(("Emma met Tom.",), *turns)


class Knowing:
    """Answers what is true, or whatever `says` makes of an excerpt; remembers what it was shown.

    Attributes:
        batches: Excerpts of each call.
    """

    def __init__(
        self,
        truth: Mapping[int, str | None],
        *,
        identity: str = "knowing 1",
        says: Callable[[Excerpt], Ascribed | Unascribed | ControllerError] | None = None,
    ) -> None:
        self._truth = truth
        self._identity = identity
        self._says = says
        self.batches: list[Sequence[Excerpt]] = []

    @property
    def identity(self) -> str:
        return self._identity

    @property
    def shown(self) -> list[Excerpt]:
        return [excerpt for batch in self.batches for excerpt in batch]

    def ascribe(self, excerpts: Sequence[Excerpt], *, seed: int) -> Iterator[Ascribed | Unascribed]:
        self.batches.append(excerpts)
        for excerpt in excerpts:
            said = self._says(excerpt) if self._says else self._true(excerpt)
            if isinstance(said, ControllerError):
                raise said
            yield said

    def _true(self, excerpt: Excerpt) -> Ascribed:
        heads: dict[int, int] = {}
        for piece in excerpt.pieces:
            if piece.number:
                heads.setdefault(piece.number, piece.start)
        return Ascribed({number: self._truth[start] for number, start in heads.items()}, Usage(100, 10))


def words(excerpt: Excerpt) -> str:
    """All text of an excerpt in one line."""
    return re.sub(r"\s+", " ", " ".join(piece.text for piece in excerpt.pieces))
