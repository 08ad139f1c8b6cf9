"""Cutting a novel into questions: quotations that stand near each other, in one excerpt with what is around them.

Owns which quotations are asked about together, how much of the text is shown with them, and who may be answered with.
Does not know who answers, or how it is put into words.

Quotations are numbered anew in each excerpt, and nothing in it depends on the rest of the novel but the people. So a
paragraph that changes makes new questions of those around it alone.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import Final

from speechagents.attribution.lexicon import lexicon
from speechagents.attribution.mentions import NameIndex
from speechagents.attribution.quotation import Attribution, Character, Gender, Quote
from speechagents.attribution.tokens import tokenise
from speechagents.controllers.ascribing import (
    MAX_CANDIDATES,
    MAX_PIECES,
    MAX_QUOTATIONS,
    Candidate,
    Excerpt,
    Join,
    Piece,
)

TOGETHER_CHARS: Final = 4_000
"""Quotations are asked about together if the first begins and the last ends within so many characters."""
BEFORE_CHARS: Final = 1_500
"""How far back an excerpt reaches before the first quotation, whole paragraphs alone."""
AFTER_CHARS: Final = 600
EXCERPT_CHARS: Final = 9_000
"""Room for all pieces of an excerpt; those farthest from what is asked are left out first."""
PIECE_CHARS: Final = 560
"""Longer pieces lose their middle: what matters of narration stands next to quotations."""

_MOST_PARAGRAPHS: Final = MAX_PIECES
_ROW_CHARS: Final = 20
_LOOK_BACK_CHARS: Final = 20_000
_ELISION: Final = " … "


@dataclass(frozen=True, slots=True)
class Question:
    """An excerpt, and which quotations of the attribution it asks about.

    Attributes:
        excerpt: What is shown.
        quotes: Index in `Attribution.quotes` of each number of the excerpt, from number 1 on.
    """

    excerpt: Excerpt
    quotes: tuple[int, ...]


def unsure_quotes(attribution: Attribution, *, below: float, most: int | None) -> list[int]:
    """Indices of the quotations to ask about, in the order of the text.

    Args:
        attribution: Who says what.
        below: Those with less confidence.
        most: No more than so many, the least sure ones; None for all.
    """
    unsure = [index for index, quote in enumerate(attribution.quotes) if quote.confidence < below and quote.spans]
    if most is not None:
        unsure = sorted(unsure, key=lambda index: (attribution.quotes[index].confidence, index))[: max(0, most)]
    return sorted(unsure)


def questions_about(
    text: str,
    paragraphs: Sequence[tuple[int, int]],
    attribution: Attribution,
    unsure: Sequence[int],
    *,
    known: float,
) -> Iterator[Question]:
    """Questions about quotations, one after the other.

    Args:
        text: The novel.
        paragraphs: Offsets of its paragraphs, in order, apart from each other.
        attribution: Who says what.
        unsure: Indices of the quotations to ask about, in the order of the text.
        known: Other quotations are shown with their speakers from this confidence on.
    """
    if unsure and paragraphs and attribution.characters:
        cutter = _Cutter(text, paragraphs, attribution, known=known)
        yield from map(cutter.question, _together(attribution.quotes, unsure))


def _together(quotes: Sequence[Quote], unsure: Iterable[int]) -> Iterator[tuple[int, ...]]:
    group: list[int] = []
    for index in unsure:
        spread = quotes[index].spans[-1][1] - quotes[group[0]].spans[0][0] if group else 0
        if group and (len(group) == MAX_QUOTATIONS or spread > TOGETHER_CHARS):
            yield tuple(group)
            group = []
        group.append(index)
    if group:
        yield tuple(group)


class _Cutter:
    """What is looked up for every excerpt of one novel."""

    def __init__(
        self, text: str, paragraphs: Sequence[tuple[int, int]], attribution: Attribution, *, known: float
    ) -> None:
        self._text = text
        self._known = known
        self._quotes = attribution.quotes
        self._teller = attribution.first_person or ""
        self._paragraphs = paragraphs
        self._starts = [start for start, _ in paragraphs]
        self._spans = sorted((*span, index) for index, quote in enumerate(attribution.quotes) for span in quote.spans)
        self._people = {one.name: one for one in attribution.characters}
        self._order = {one.name: rank for rank, one in enumerate(attribution.characters)}
        named = sorted(_mentions(text, paragraphs, attribution.characters))
        self._mentioned_at = [at for at, _ in named]
        self._mentioned = [name for _, name in named]

    def question(self, asked: tuple[int, ...]) -> Question:
        """The question about some quotations that stand near each other."""
        numbers = {index: number for number, index in enumerate(asked, 1)}
        first, last = self._window(self._quotes[asked[0]].spans[0][0], self._quotes[asked[-1]].spans[-1][1])
        pieces = _fitting([*chain.from_iterable(self._pieces(at, numbers) for at in range(first, last + 1))])
        shown = {piece.number for piece in pieces if piece.number}
        if len(shown) < len(asked):
            # Quotations outside the paragraphs cannot be shown, so they cannot be asked about.
            asked = tuple(index for index in asked if numbers[index] in shown)
            anew = {old: new for new, old in enumerate(sorted(shown), 1)}
            pieces = [replace(piece, number=anew.get(piece.number, 0)) for piece in pieces]
        begins, ends = self._paragraphs[first][0], self._paragraphs[last][1]
        candidates = self._candidates(asked, begins, ends)
        teller = self._teller if any(one.name == self._teller for one in candidates) else ""
        return Question(Excerpt(tuple(pieces), candidates, teller), asked)

    def _window(self, start: int, end: int) -> tuple[int, int]:
        """First and last paragraph of the excerpt around a stretch of text."""
        own_first = first = max(0, bisect_right(self._starts, start) - 1)
        own_last = last = max(own_first, bisect_left(self._starts, end) - 1)
        while first and self._starts[first - 1] >= start - BEFORE_CHARS and own_first - first < _MOST_PARAGRAPHS:
            first -= 1
        beyond = len(self._paragraphs)
        while (
            last + 1 < beyond
            and self._paragraphs[last + 1][1] <= end + AFTER_CHARS
            and last - own_last < _MOST_PARAGRAPHS
        ):
            last += 1
        return first, last

    def _pieces(self, paragraph: int, numbers: dict[int, int]) -> Iterator[Piece]:
        """A paragraph in pieces."""
        at, end = self._paragraphs[paragraph]
        join = Join.PARAGRAPH
        # The span in front may reach into the paragraph.
        for start, stop, index in self._spans_between(at, end):
            start, stop = max(start, at), min(stop, end)
            if self._text[at:start].strip():
                yield Piece(_elided(self._text, at, start), join, start=at)
                join = Join.RUNS_ON
            yield self._quoted(_elided(self._text, start, stop), join, index, numbers.get(index, 0), start)
            join, at = Join.RUNS_ON, stop
        if self._text[at:end].strip():
            yield Piece(_elided(self._text, at, end), join, start=at)

    def _quoted(self, text: str, join: Join, index: int, number: int, start: int) -> Piece:
        quote = self._quotes[index]
        # What is unsure itself, and asked about elsewhere or not at all, is nothing to go by.
        known = not number and quote.confidence >= self._known
        if known and quote.speaker is None:
            return Piece(text, join, start=start)
        return Piece(text, join, quoted=True, number=number, speaker=quote.speaker or "" if known else "", start=start)

    def _spans_between(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Pieces of quotations that overlap a stretch of text; the first may begin before it."""
        for at in range(max(0, bisect_left(self._spans, (start,)) - 1), bisect_left(self._spans, (end,))):
            if self._spans[at][1] > start:
                yield self._spans[at]

    def _candidates(self, asked: Sequence[int], start: int, end: int) -> tuple[Candidate, ...]:
        """Who may speak: whoever is thought to, is near, was near, and else who matters most in the novel."""
        near = [self._quotes[index] for _, _, index in self._spans_between(start, end)]
        back = bisect_left(self._mentioned_at, start - _LOOK_BACK_CHARS)
        begin, stop = (bisect_left(self._mentioned_at, offset) for offset in (start, end))
        by_closeness = chain(
            (self._quotes[index].speaker for index in asked),
            (self._teller,),
            (self._quotes[index].addressee for index in asked),
            (quote.speaker for quote in near),
            (quote.addressee for quote in near),
            self._mentioned[begin:stop],
            reversed(self._mentioned[back:begin]),
            self._people,
        )
        chosen: dict[str, None] = {}
        for name in by_closeness:
            if name in self._people:
                chosen[name] = None
                if len(chosen) == MAX_CANDIDATES:
                    break
        ranked = sorted(chosen, key=lambda name: self._order[name])
        return tuple(_candidate(self._people[name]) for name in ranked)


def _candidate(one: Character) -> Candidate:
    return Candidate(one.name, one.aliases, "" if one.gender is Gender.UNKNOWN else one.gender.value)


def _mentions(
    text: str, paragraphs: Sequence[tuple[int, int]], characters: Sequence[Character]
) -> Iterator[tuple[int, str]]:
    """Where characters are named."""
    tokens = tokenise(text, paragraphs)
    for mention in NameIndex(characters, lexicon(), tokens).find(tokens):
        for who in (*mention.who, *mention.others)[:MAX_CANDIDATES]:
            yield tokens.starts[mention.token], characters[who].name


def _elided(text: str, start: int, end: int) -> str:
    """A stretch of text, without its middle if it is long."""
    if end - start <= PIECE_CHARS:
        return text[start:end].strip()
    half = (PIECE_CHARS - len(_ELISION)) // 2
    return text[start : start + half].lstrip() + _ELISION + text[end - half : end].rstrip()


def _fitting(pieces: list[Piece]) -> list[Piece]:
    """As many pieces as there is room for, those nearest to what is asked first, in the order of the text."""
    distance = _distances([bool(piece.number) for piece in pieces])
    shown: set[int] = set()
    heads: list[int] = []
    rest: list[int] = []
    for at, piece in enumerate(pieces):
        (heads if piece.number and piece.number not in shown else rest).append(at)
        shown.add(piece.number)
    # Further pieces of what is asked come after what stands around it: a speech of many pages is known by its ends.
    rest.sort(key=lambda at: (distance[at] if not pieces[at].number else 3, at))
    kept: list[int] = []
    room = EXCERPT_CHARS
    for at in chain(heads, rest):
        room -= len(pieces[at].text) + _ROW_CHARS
        if len(kept) == MAX_PIECES or (room < 0 and len(kept) >= len(heads)):
            break
        kept.append(at)
    kept.sort()
    gaps = {after for before, after in pairwise([-1, *kept]) if after - before > 1 and before >= 0}
    return [replace(pieces[at], join=Join.GAP) if at in gaps else pieces[at] for at in kept]


def _distances(marks: Sequence[bool]) -> list[int]:
    """How many steps each place is from the nearest mark."""
    far = len(marks)
    found = [0 if mark else far for mark in marks]
    for at in range(1, len(found)):
        found[at] = min(found[at], found[at - 1] + 1)
    for at in range(len(found) - 2, -1, -1):
        found[at] = min(found[at], found[at + 1] + 1)
    return found
