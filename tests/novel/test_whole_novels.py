"""Every character of every example, and of every annotated novel where they are at hand, is accounted for."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest

from speechagents.attribution.quotation import Attribution, Quote, QuoteKind
from speechagents.attribution.quotes import find_quotes
from speechagents.books.book import BlockKind, Book
from speechagents.books.reading import read_book
from speechagents.novel.chapter_reader import TagReading
from speechagents.novel.narration import NarrationOptions, narrate
from tests.novel.novels import check_accounts

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path for path in (ROOT / "assets" / "examples").rglob("*") if path.is_file())
NOVELS = sorted((ROOT.parent / "shared" / "data" / "pdnc").glob("*/novel_text.txt"))


def attributed(book: Book) -> Attribution:
    """All quotations of a book, by turns to two people and the narrator."""
    paragraphs = [
        (block.start, block.end) for block in book.blocks() if block.kind in (BlockKind.PARAGRAPH, BlockKind.VERSE)
    ]
    joined: list[list[tuple[int, int]]] = []
    for span in find_quotes(book.text, paragraphs):
        if span.resumes and joined:
            joined[-1].append((span.start, span.end))
        else:
            joined.append([(span.start, span.end)])
    speakers = cycle(("Anna", "Ben", None, "Anna"))
    return Attribution((), tuple(Quote(tuple(s), next(speakers), 0.9, QuoteKind.IMPLICIT) for s in joined))


def check(book: Book) -> None:
    attribution = attributed(book)
    narration = narrate(book, attribution)
    check_accounts(narration)
    check_accounts(narrate(book, attribution, options=NarrationOptions(tags=TagReading.DROP, line_chars=120)))
    assert all(
        chapter.lines == len(scene.lines) for chapter, scene in zip(narration.chapters, narration.scenes, strict=True)
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples(path: Path, tmp_path: Path) -> None:
    if path.suffix != ".md":  # whatever it is, it is a text
        copy = tmp_path / (path.name + ".txt")
        copy.write_bytes(path.read_bytes())
        path = copy
    check(read_book(path))


@pytest.mark.slow
@pytest.mark.skipif(not NOVELS, reason="the annotated novels are not at hand")
@pytest.mark.parametrize("path", NOVELS, ids=lambda path: path.parent.name)
def test_annotated_novels(path: Path) -> None:
    book = read_book(path)
    assert book.text == path.read_bytes().decode("utf-8-sig")
    check(book)
