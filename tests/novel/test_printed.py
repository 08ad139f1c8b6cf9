"""A narrated book is printed as it was written, each stretch with the line that says it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speechagents.books.book import BlockKind, Book, Tongue
from speechagents.novel.chapter_reader import TagReading
from speechagents.novel.narration import Narration, NarrationOptions, narrate
from speechagents.novel.printed import Recorded, printed_chapters, read_along
from speechagents.production.readalong.chapter import Passage, Print
from speechagents.production.timeline import PlacedLine, PlacedScene
from tests.novel.novels import a_book, said_by

NOVEL = """\
CHAPTER 1

“Come with me,”[1] said Emma, “and we
shall see.”

[A note: nobody reads it.]

* * *

  Tiger, tiger, burning bright
  In the forests of the night

CHAPTER 2

She came. “Good!” — “Yes!”
"""


@pytest.fixture
def narration() -> Narration:
    book = changed(a_book(NOVEL), "Tiger", kind=BlockKind.VERSE)
    return narrate(book, said_by(book, "Emma", "Emma", "Emma", "Knightley"))


def text(passage: Passage) -> str:
    return " ".join("".join(run.text for run in passage.runs).split())


def test_credits_stand_around_the_chapters(narration: Narration) -> None:
    found = list(printed_chapters(narration))
    assert [(one.title, one.credits) for one in found] == [
        ("Opening credits", True),
        ("CHAPTER 1", False),
        ("CHAPTER 2", False),
        ("Closing credits", True),
    ]
    assert text(found[0].passages[0]).startswith("The Test, by A. Writer.")


def test_passages_are_those_of_the_book(narration: Narration) -> None:
    _, first, *_ = printed_chapters(narration)
    assert [passage.kind for passage in first.passages] == [
        Print.HEADING,
        Print.PARAGRAPH,
        Print.NOTE,
        Print.BREAK,
        Print.VERSE,
    ]
    assert text(first.passages[1]) == "“Come with me,” said Emma, “and we shall see.”"
    assert text(first.passages[2]) == "[A note: nobody reads it.]"
    verse = "".join(run.text for run in first.passages[4].runs)
    assert verse.split("\n")[:2] == ["Tiger, tiger, burning bright", "  In the forests of the night"]


def test_every_line_that_is_spoken_is_printed_once_and_in_order(narration: Narration) -> None:
    for index, chapter in enumerate(printed_chapters(narration)):
        numbers = [run.line for passage in chapter.passages for run in passage.runs if run.line]
        assert numbers == [line.number for line in narration.scene(index).lines]


def test_a_line_around_a_footnote_mark_is_one_stretch(narration: Narration) -> None:
    book = a_book("CHAPTER 1\n\nIt rained[1] all day.\n")
    (passage,) = [
        p for p in list(printed_chapters(narrate(book, said_by(book))))[1].passages if p.kind is Print.PARAGRAPH
    ]
    assert [run.text.strip() for run in passage.runs] == ["It rained all day."]


def test_a_speech_tag_that_is_not_read_is_still_printed() -> None:
    book = a_book("CHAPTER 1\n\n“Come with me,” said Emma. She left.\n")
    narration = narrate(book, said_by(book, "Emma"), options=NarrationOptions(tags=TagReading.DROP))
    _, chapter, _ = printed_chapters(narration)
    assert text(chapter.passages[1]) == "“Come with me,” said Emma. She left."


def test_a_respelling_is_for_the_voice_and_not_for_the_eye() -> None:
    book = a_book("CHAPTER 1\n\n{Siobhan|shiv-AWN} came home.\n")
    _, chapter, _ = printed_chapters(narrate(book, said_by(book)))
    assert text(chapter.passages[1]) == "Siobhan came home."


def test_a_choice_of_chapters_prints_those_alone(narration: Narration) -> None:
    found = list(printed_chapters(narration.only({2})))
    assert [one.title for one in found] == ["Opening credits", "CHAPTER 2", "Closing credits"]
    assert text(found[1].passages[1]) == "She came. “Good!” — “Yes!”"


def recorded(narration: Narration) -> Iterator[Recorded]:
    """Every line lasts a second; the clock is that of the whole programme."""
    at = 0.0
    for index, scene in enumerate(narration.scenes):
        start_s = at
        placed = []
        for line in scene.lines:
            placed.append(PlacedLine(line, "0" * 64, at + 0.75, 1.0))
            at += 1.0
        at += 2.75
        yield Recorded(Path(f"chapter-{index + 1:03}.mp3"), PlacedScene(scene.title, "", start_s, at, tuple(placed)))


def test_clips_count_from_the_start_of_their_chapters_file(narration: Narration) -> None:
    for index, chapter in enumerate(read_along(narration, recorded(narration))):
        lines = narration.scene(index).lines
        assert chapter.audio.name == f"chapter-{index + 1:03}.mp3"
        assert chapter.duration_s == pytest.approx(len(lines) + 2.75)
        assert list(chapter.clips) == [line.number for line in lines]
        first = chapter.clips[lines[0].number]
        assert [first.start_s, first.end_s] == pytest.approx([0.75, 1.75])


def test_a_book_that_was_not_recorded_whole_is_no_read_along_book(narration: Narration) -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(read_along(narration, list(recorded(narration))[:-1]))


def test_stretches_in_another_language_say_so() -> None:
    written = "CHAPTER 1\n\nHe wrote: Das ist nicht mehr mein Haus. Then he left.\n"
    start, end = written.index("Das"), written.index("Then")
    book = changed(a_book(written), "He wrote", tongues=(Tongue(start, end, "de"),))
    _, chapter, _ = printed_chapters(narrate(book, said_by(book)))
    assert [(run.text.strip(), run.language) for run in chapter.passages[1].runs] == [
        ("He wrote:", ""),
        ("Das ist nicht mehr mein Haus.", "de"),
        ("Then he left.", ""),
    ]


def changed(book: Book, begin: str, **values: Any) -> Book:
    """A book in which one block, known by how it begins, is another."""
    chapters = tuple(
        replace(
            chapter,
            blocks=tuple(
                replace(block, **values) if book.text[block.start :].startswith(begin) else block
                for block in chapter.blocks
            ),
        )
        for chapter in book.chapters
    )
    return replace(book, chapters=chapters)
