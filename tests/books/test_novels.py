"""Whole novels, where the corpus of annotated novels lies beside the checkout."""

from __future__ import annotations

import ast
import csv
from functools import cache
from pathlib import Path

import pytest

from speechagents.books.book import Block, BlockKind, Book
from speechagents.books.reading import read_book

CORPUS = Path(__file__).parents[2].parent / "shared" / "data" / "pdnc"
NOVELS = sorted(path.parent.name for path in CORPUS.glob("*/novel_text.txt"))
CHAPTERS = {
    "AHandfulOfDust": 7, "APassageToIndia": 37, "ARoomWithAView": 20, "DaisyMiller": 3, "Emma": 55, "HowardsEnd": 44,
    "MansfieldPark": 48, "NightAndDay": 34, "NorthangerAbbey": 31, "OliverTwist": 53, "PrideAndPrejudice": 63,
    "SenseAndSensibility": 50, "TheAgeOfInnocence": 34, "TheAwakening": 39, "TheGambler": 17, "TheInvisibleMan": 29,
    "ThePictureOfDorianGray": 21, "TheSignOfTheFour": 12, "TheSportOfTheGods": 18, "WhereAngelsFearToTread": 10,
    "WinnieThePooh": 10,
}  # fmt: skip

pytestmark = pytest.mark.skipif(not NOVELS, reason="the corpus is not beside this checkout")


@cache
def novel(name: str) -> Book:
    return read_book(CORPUS / name / "novel_text.txt")


@pytest.mark.parametrize("name", NOVELS)
def test_the_text_is_the_file_and_every_character_is_accounted_for(name: str) -> None:
    book = novel(name)
    assert book.text == (CORPUS / name / "novel_text.txt").read_bytes().decode("utf-8")
    assert "".join(book.text[block.start : block.end] for block in book.blocks()) == book.text


@pytest.mark.parametrize("name", NOVELS)
def test_the_chapters_are_the_authors(name: str) -> None:
    book = novel(name)
    if name in CHAPTERS:
        assert len(book.chapters) == CHAPTERS[name]
    assert all(chapter.title for chapter in book.chapters[1:])


@pytest.mark.parametrize("name", NOVELS)
def test_no_annotated_quotation_is_skipped_or_taken_for_a_heading(name: str) -> None:
    book = novel(name)
    silent: list[Block] = [b for b in book.blocks() if b.kind not in (BlockKind.PARAGRAPH, BlockKind.VERSE)]
    with (CORPUS / name / "quotation_info.csv").open(encoding="utf-8", newline="") as file:
        spans = [span for row in csv.DictReader(file) for span in ast.literal_eval(row["quoteByteSpans"])]
    lost = [
        (book.text[start:end], block.kind)
        for block in silent
        for start, end in spans
        if start < block.end and end > block.start and book.text[max(start, block.start) : min(end, block.end)].strip()
    ]
    assert lost == []


@pytest.mark.parametrize("name", NOVELS)
def test_little_is_skipped(name: str) -> None:
    book = novel(name)
    skipped = sum(block.end - block.start for block in book.blocks() if block.kind is BlockKind.SKIPPED)
    assert skipped < 0.003 * len(book.text)
