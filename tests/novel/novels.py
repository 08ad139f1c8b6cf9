"""Small novels for tests: a text with blank lines becomes a book, its curly quotation marks an attribution.

A paragraph that begins with CHAPTER is a heading, one of asterisks a scene break, one whose lines are all indented is
verse, and one in square brackets is skipped as a note. Within a paragraph, ``[1]`` is a footnote mark.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence

from speechagents.attribution.quotation import Attribution, Character, Gender, Quote, QuoteKind
from speechagents.books.book import Block, BlockKind, Book, Chapter, Cut
from speechagents.drama import Line
from speechagents.novel.ledger import LedgerEntry
from speechagents.novel.narration import Narration, NarrationOptions, narrate
from speechagents.voices.synthesizer import Age, Voice
from speechagents.voices.synthesizer import Gender as Heard

Span = tuple[int, int]

_PARAGRAPH = re.compile(r"(?:(?!\n[^\S\n]*\n).)+\s*|\s+", re.DOTALL)
_TAG = re.compile(
    r"\s*(?P<tag>(?:said|cried|whispered|asked|shouted|replied|he|she)\b(?:Mrs?\.|[^,.;:“])*(?:,[^.;:“]*)?)"
)


def a_book(
    text: str, *, title: str = "The Test", authors: tuple[str, ...] = ("A. Writer",), language: str = "en"
) -> Book:
    chapters: list[Chapter] = []
    blocks: list[Block] = []
    name = ""
    for match in _PARAGRAPH.finditer(text):
        block = _block(text, match.start(), match.end())
        if block.kind is BlockKind.HEADING:
            if blocks:
                chapters.append(Chapter(name, tuple(blocks)))
                blocks = []
            name = " ".join(match[0].split())
        blocks.append(block)
    if blocks:
        chapters.append(Chapter(name, tuple(blocks)))
    return Book(text, tuple(chapters), title=title, authors=authors, language=language, source="test.txt")


def _block(text: str, start: int, end: int) -> Block:
    said = text[start:end].strip()
    if not said:
        return Block(BlockKind.SKIPPED, start, end, reason="white space")
    if said.startswith("CHAPTER"):
        return Block(BlockKind.HEADING, start, end, level=1)
    if not said.strip("* "):
        return Block(BlockKind.SCENE_BREAK, start, end)
    if said.startswith("[") and said.endswith("]"):
        return Block(BlockKind.SKIPPED, start, end, reason="note")
    lines = text[start:end].rstrip().split("\n")
    kind = BlockKind.VERSE if all(line.startswith("  ") for line in lines) else BlockKind.PARAGRAPH
    marks = re.finditer(r"\[\d+\]", text[start:end])
    return Block(kind, start, end, cuts=tuple(Cut(start + m.start(), start + m.end(), "footnote mark") for m in marks))


def said_by(
    book: Book,
    *speakers: str | None,
    joined: Sequence[tuple[int, int]] = (),
    characters: Sequence[Character] = (),
    first_person: str | None = None,
    confidence: float = 0.9,
) -> Attribution:
    """The curly quotations of a book, spoken by these in turn.

    Args:
        book: The book.
        speakers: One for each quotation, over again from the first one when they run out.
        joined: Pairs of quotations, counted from 0, that are one: interrupted by a tag, or over two paragraphs.
        characters: Who there is; by default just the speakers.
        first_person: Who says I.
        confidence: Of every quotation.
    """
    spans = [match.span() for match in re.finditer(r"“[^“”]*(?:”|(?=\n\n))", book.text)]
    parts: dict[int, list[Span]] = {}
    owner = {second: first for first, second in joined}
    for index, span in enumerate(spans):
        parts.setdefault(owner.get(index, index), []).append(span)
    quotes = []
    for number, own in enumerate(parts.values()):
        tag = _TAG.match(book.text, own[0][1])
        quotes.append(
            Quote(
                tuple(own),
                speakers[number % len(speakers)] if speakers else None,
                confidence,
                QuoteKind.EXPLICIT if tag else QuoteKind.IMPLICIT,
                tag=tag.span("tag") if tag else None,
            )
        )
    names = dict.fromkeys(name for name in speakers if name)
    return Attribution(tuple(characters) or tuple(map(Character, names)), tuple(quotes), first_person)


def narrated(text: str, *speakers: str | None, options: NarrationOptions | None = None) -> Narration:
    book = a_book(text)
    return narrate(book, said_by(book, *speakers), options=options or NarrationOptions(credits=False))


def lines_of(narration: Narration) -> list[Line]:
    return [line for scene in narration.scenes for line in scene.lines]


def spoken(text: str, *speakers: str | None, options: NarrationOptions | None = None) -> list[tuple[str, str]]:
    return [(line.role, line.text) for line in lines_of(narrated(text, *speakers, options=options))]


def letters(text: str) -> str:
    """What no change of wording may touch."""
    return "".join(character for character in text.casefold() if character.isalnum())


def check_accounts(narration: Narration) -> None:
    """Every character of the book is accounted for once, and every line says just what its characters say."""
    book = narration.book
    entries = list(narration.ledger())
    assert "".join(book.text[entry.start : entry.end] for entry in entries) == book.text
    by_line: dict[int, list[LedgerEntry]] = {}
    for entry in entries:
        if entry.line:
            by_line.setdefault(entry.line, []).append(entry)
    lines = {
        line.number: line
        for chapter, scene in zip(narration.chapters, narration.scenes, strict=True)
        for line in scene.lines
        if chapter.number
    }
    assert by_line.keys() == lines.keys()
    for number, line in lines.items():
        assert letters("".join(book.text[entry.start : entry.end] for entry in by_line[number])) == letters(line.text)


def a_voice(name: str, gender: Heard = Heard.FEMALE, age: Age = Age.ADULT, *, f0_hz: float = 200.0) -> Voice:
    return Voice(name, "d", gender, age, "en", "s", f0_hz, "r", "CC0-1.0", "tests", narrates=True)


def voices(women: int, men: int) -> list[Voice]:
    return [a_voice(f"w{number}", f0_hz=200.0 + number) for number in range(women)] + [
        a_voice(f"m{number}", Heard.MALE, f0_hz=100.0 + number) for number in range(men)
    ]


Distance = Callable[[Voice, Voice], float]


def by_pitch(one: Voice, other: Voice) -> float:
    return math.sqrt(abs(one.f0_hz - other.f0_hz))


def a_village(count: int, chapters: int = 4) -> Iterator[str]:
    """Paragraphs of a novel in which many people speak, each twice and next to their neighbours."""
    for chapter in range(chapters):
        yield f"CHAPTER {chapter + 1}"
        for person in range(chapter, count, chapters):
            yield f"Somebody came in, number {person}.\n\n“I am number {person}, and glad of it.”\n\n“Are you now?”"


EMMA = Character("Emma Woodhouse", ("Emma", "Miss Woodhouse"), Gender.FEMALE, 90)
KNIGHTLEY = Character("Mr. Knightley", ("Knightley",), Gender.MALE, 50)
