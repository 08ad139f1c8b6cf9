"""Texts for metadata are cleaned at the edge."""

from __future__ import annotations

import pytest

from speechagents.production.tags import MAX_TITLE_CHARS, Tags, chapters, clock, cut_utf8
from speechagents.production.timeline import PlacedScene, Timeline


def test_fields_are_one_line_of_bounded_length() -> None:
    tags = Tags(title="A\n\tB\x00C\u2028D" + "x" * 9999, cast=(("R\nole", "voi\x07ce"),))
    assert tags.title.startswith("A B C Dxxx")
    assert len(tags.title) == MAX_TITLE_CHARS
    assert tags.cast == (("R ole", "voi ce"),)


def test_the_comment_keeps_its_lines_and_ends_with_the_mark() -> None:
    tags = Tags("T", comment="one\r\ntwo", synthetic="eSpeak NG")
    assert tags.full_comment == "one\ntwo\nSynthetic voices: eSpeak NG"
    assert Tags("T").full_comment == ""


def test_scenes_become_chapters_and_nameless_ones_get_a_number() -> None:
    scenes = (PlacedScene("One\n", "", 0.0, 2.0, ()), PlacedScene(" ", "", 2.0, 3.0, ()))
    found = chapters(Timeline("T", scenes))
    assert [(chapter.title, chapter.start_s, chapter.end_s) for chapter in found] == [
        ("One", 0.0, 2.0),
        ("Scene 2", 2.0, 3.0),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "00:00:00.000"), (59.9996, "00:01:00.000"), (3661.5, "01:01:01.500"), (360_000.0, "100:00:00.000")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_text_is_cut_between_characters() -> None:
    assert cut_utf8("aé", 2) == b"a"
    assert cut_utf8("aé", 3) == "aé".encode()


def test_a_part_belongs_to_the_whole_and_is_counted() -> None:
    book = Tags("Emma", author="Jane Austen", synthetic="eSpeak NG")
    part = book.of_part("Chapter 7", 7, 55)
    assert (part.title, part.whole, part.track, part.tracks) == ("Chapter 7", "Emma", 7, 55)
    assert (part.author, part.synthetic) == (book.author, book.synthetic)
    assert (book.whole, part.of_part("Half of it", 1, 2).whole) == ("Emma", "Emma")
