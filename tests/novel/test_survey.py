"""How long chapters are parted, and what is counted of each."""

from __future__ import annotations

import pytest

from speechagents.novel.narration import NarrationOptions, narrate
from speechagents.novel.survey import MAX_PART_CHARS, UNTITLED
from tests.novel.novels import a_book, check_accounts, narrated, said_by

PARAGRAPH = "A sentence of the usual length, more or less. " * 20


def parts(paragraphs: list[str]) -> list[tuple[int, int]]:
    """Offsets of the parts of one chapter."""
    narration = narrated("CHAPTER 1\n\n" + "\n\n".join(paragraphs))
    check_accounts(narration)
    assert {chapter.number for chapter in narration.chapters} == {1}
    return [(chapter.start, chapter.end) for chapter in narration.chapters]


@pytest.mark.parametrize(("paragraphs", "count"), [(100, 1), (107, 1), (112, 2), (330, 4)])
def test_a_chapter_is_parted_only_where_it_is_too_long_and_then_equally(paragraphs: int, count: int) -> None:
    found = parts([PARAGRAPH] * paragraphs)
    lengths = [end - start for start, end in found]
    assert len(found) == count
    assert max(lengths) <= 1.1 * MAX_PART_CHARS
    assert min(lengths) >= 0.75 * max(lengths)


def test_a_scene_break_near_the_middle_parts_it() -> None:
    paragraphs = [PARAGRAPH] * 150
    paragraphs[71] = "* * *"
    text = "CHAPTER 1\n\n" + "\n\n".join(paragraphs)
    (_, end), _ = parts(paragraphs)
    assert text[:end].rstrip().endswith("* * *")


def test_paragraphs_of_any_length_are_parted_between_them() -> None:
    found = parts([PARAGRAPH * 45] * 5)
    assert [round((end - start) / len(PARAGRAPH * 45)) for start, end in found] == [2, 1, 2]


def test_one_endless_paragraph_stays_whole() -> None:
    assert len(parts([PARAGRAPH * 250])) == 1


def test_a_further_part_goes_on_without_the_pause_of_a_chapter() -> None:
    narration = narrated("CHAPTER 1\n\n" + "\n\n".join([PARAGRAPH] * 150))
    pauses = [scene.lines[0].pause_s for scene in narration.scenes]
    assert pauses[0] > pauses[1] > 0


def test_a_chapter_without_a_title_in_a_book_without_one_has_a_name() -> None:
    book = a_book("Text alone.", title="")
    narration = narrate(book, said_by(book), options=NarrationOptions(credits=False))
    assert [chapter.title for chapter in narration.chapters] == [UNTITLED]
