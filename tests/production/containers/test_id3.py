"""ID3 tags read back by mutagen."""

from __future__ import annotations

import io
from typing import Any

import mutagen.id3
import pytest

from speechagents.production.containers.id3 import id3_tag
from speechagents.production.tags import Chapter, Label, Tags


def read(label: Label) -> Any:
    tag: Any = mutagen.id3.ID3(io.BytesIO(id3_tag(label)))  # type: ignore[no-untyped-call]
    return tag


def many_chapters(count: int) -> tuple[Chapter, ...]:
    return tuple(Chapter(f"Scene {n}", float(n), n + 1.0) for n in range(count))


def test_chapters_hold_times_in_milliseconds_and_titles() -> None:
    found = read(Label(Tags("T"), (Chapter("Eins", 0.0, 1.2345), Chapter("Zwei – 二", 1.2345, 7200.0))))
    first, second = (found[f"CHAP:ch{n}"] for n in range(2))
    assert (first.start_time, first.end_time) == (0, 1234)
    assert (second.start_time, second.end_time) == (1234, 7_200_000)
    assert second.sub_frames["TIT2"].text == ["Zwei – 二"]
    contents = found["CTOC:toc"]
    assert contents.child_element_ids == ["ch0", "ch1"]
    assert contents.flags == mutagen.id3.CTOCFlags.TOP_LEVEL | mutagen.id3.CTOCFlags.ORDERED


@pytest.mark.parametrize("count", [0, 1, 255, 256, 700])
def test_every_chapter_is_reached_from_the_top_of_the_contents(count: int) -> None:
    found = read(Label(Tags("T"), many_chapters(count)))
    assert len(found.getall("CHAP")) == count

    def reached(name: str) -> list[str]:
        frame = found[f"CTOC:{name}"]
        assert len(frame.child_element_ids) <= 255
        return [
            leaf for child in frame.child_element_ids for leaf in (reached(child) if child[:3] == "toc" else [child])
        ]

    assert (reached("toc") if count else []) == [f"ch{n}" for n in range(count)]
    tops = [f for f in found.getall("CTOC") if f.flags & mutagen.id3.CTOCFlags.TOP_LEVEL]
    assert len(tops) == min(count, 1)


def test_hostile_texts_stay_in_their_frames() -> None:
    found = read(Label(Tags("A\x00TALB\x00\n" + "x" * 10_000, author="B\ud800", comment="one\ntwo")))
    assert found["TIT2"].text[0].startswith("A TALB x")
    assert found["TPE1"].text == ["B"]
    assert found["COMM::eng"].text == ["one\ntwo"]


@pytest.mark.parametrize(
    ("language", "code"), [("pt-BR", "por"), ("de", "deu"), ("yue", "yue"), ("x1", "und"), ("", "und")]
)
def test_languages_have_three_letters(language: str, code: str) -> None:
    assert read(Label(Tags("T", language=language)))["TLAN"].text == [code]


def test_a_chapter_says_which_book_it_is_of_and_who_reads() -> None:
    book = Tags(
        "Emma", author="Jane Austen", narrator="Ada, a synthetic voice", cast=(("Emma", "ada"), ("Mr K.", "ben"))
    )
    found = read(Label(book.of_part("Chapter 7", 7, 55)))
    assert (found["TIT2"].text, found["TALB"].text) == (["Chapter 7"], ["Emma"])
    assert found["TRCK"].text == ["7/55"]
    assert (found["TPE1"].text, found["TPE2"].text) == (["Jane Austen"], ["Jane Austen"])
    assert found["TCOM"].text == ["Ada, a synthetic voice"]
    assert found["TXXX:NARRATOR"].text == ["Ada, a synthetic voice"]
    assert found["TMCL"].people == [["Emma", "ada"], ["Mr K.", "ben"]]


def test_what_is_all_of_itself_has_no_number_and_its_writer_as_composer() -> None:
    found = read(Label(Tags("T", author="A")))
    assert "TRCK" not in found
    assert (found["TALB"].text, found["TCOM"].text) == (["T"], ["A"])
