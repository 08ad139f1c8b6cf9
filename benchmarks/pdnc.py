"""The Project Dialogism Novel Corpus (Vishnubhotla, Hammond and Hirst, LREC 2022, arXiv 2204.05836) as training data.

Reads a folder with one folder a novel: ``novel_text.txt``, ``quotation_info.csv`` and ``character_info.csv``. Nothing
of the corpus is part of this project.
"""

from __future__ import annotations

import ast
import csv
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from speechagents.attribution.character_table import read_characters
from speechagents.attribution.passages import Passage
from speechagents.attribution.quotation import Character
from speechagents.books.reading import read_book

csv.field_size_limit(10**8)

_STAND_INS = frozenset({"unknowable", "unknown", "group", "narrator"})


@dataclass(frozen=True, slots=True)
class GoldQuote:
    """An annotated quotation.

    Attributes:
        spans: Character offsets.
        speakers: Main names of the characters that bear the annotated speaker's name; empty for a stand-in.
        kind: ``explicit``, ``anaphoric``, ``implicit`` or ``nan``.
    """

    spans: tuple[tuple[int, int], ...]
    speakers: frozenset[str]
    kind: str


@dataclass(frozen=True, slots=True)
class AnnotatedNovel:
    """A novel of the corpus.

    Attributes:
        folder: Where it lies.
        text: As stored.
        paragraphs: Offsets, as the product finds them.
        characters: The cast that is given.
        bearers: Main names of those who bear a name, by its normal form.
        quotes: The annotation.
    """

    folder: Path
    text: str
    paragraphs: list[tuple[int, int]]
    characters: tuple[Character, ...]
    bearers: dict[str, frozenset[str]]
    quotes: tuple[GoldQuote, ...]

    def named(self, name: str) -> frozenset[str]:
        """Main names of the characters that a name may mean."""
        return self.bearers.get(normal(name), frozenset())


def read_corpus(corpus: Path) -> list[AnnotatedNovel]:
    """All novels, in the order of their names."""
    return [read_annotated(folder) for folder in sorted(corpus.iterdir()) if (folder / "novel_text.txt").is_file()]


def read_annotated(folder: Path) -> AnnotatedNovel:
    """One novel."""
    book = read_book(folder / "novel_text.txt")
    bearers: dict[str, set[str]] = {}
    with (folder / "character_info.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for name in (row["Main Name"], *_names(row["Aliases"])):
                bearers.setdefault(normal(name), set()).add(row["Main Name"])
    known = {name: frozenset(who) for name, who in bearers.items()}
    quotes = []
    with (folder / "quotation_info.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            spans = tuple((int(start), int(end)) for start, end in ast.literal_eval(row["quoteByteSpans"]))
            speaker = row["speaker"]
            stand_in = speaker.startswith("_") or normal(speaker) in _STAND_INS
            who = frozenset() if stand_in else known.get(normal(speaker), frozenset())
            quotes.append(GoldQuote(spans, who, (row["quoteType"] or "nan").lower()))
    return AnnotatedNovel(
        folder, book.text, book.paragraphs(), read_characters(folder / "character_info.csv"), known, tuple(quotes)
    )


def match(novel: AnnotatedNovel, passages: Sequence[Passage]) -> tuple[list[GoldQuote | None], list[int]]:
    """Which annotated quotation each passage holds, and which passage holds each quotation.

    Returns:
        For each passage the quotation that overlaps it most; for each quotation the passage that overlaps it most, -1
        where less than half of it was found.
    """
    spans = sorted((span.start, span.end, number) for number, one in enumerate(passages) for span in one.spans)
    starts = [start for start, _, _ in spans]
    of_passage: list[GoldQuote | None] = [None] * len(passages)
    largest = [0] * len(passages)
    of_quote: list[int] = []
    for quote in novel.quotes:
        covered = best = 0
        where = -1
        for start, end in quote.spans:
            at = max(0, bisect_right(starts, start) - 1)
            while at < len(spans) and spans[at][0] < end:
                overlap = min(end, spans[at][1]) - max(start, spans[at][0])
                number = spans[at][2]
                if overlap > 0:
                    covered += overlap
                    if overlap > best:
                        best, where = overlap, number
                    if overlap > largest[number]:
                        largest[number], of_passage[number] = overlap, quote
                at += 1
        total = sum(end - start for start, end in quote.spans) or 1
        of_quote.append(where if covered * 2 >= total else -1)
    return of_passage, of_quote


def normal(name: str) -> str:
    """A name without case, punctuation and repeated white space, as the corpus's scorer compares names."""
    return " ".join(re.sub(r"[^\w' ]", " ", name).casefold().split())


def _names(field: str) -> list[str]:
    try:
        value = ast.literal_eval(field)
    except (ValueError, SyntaxError):
        return [field]
    return [str(one) for one in value] if isinstance(value, (set, list, tuple)) else [str(value)]
