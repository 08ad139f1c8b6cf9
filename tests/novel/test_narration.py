"""From a book and its speakers to what is performed."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.attribution.quotation import Attribution
from speechagents.books.book import Block, BlockKind, Book, Chapter
from speechagents.drama import NARRATOR
from speechagents.errors import CastError, ScriptError, SettingsError
from speechagents.novel.chapter_reader import TagReading
from speechagents.novel.credits import OPENING_LINES
from speechagents.novel.narration import NarrationOptions, narrate
from speechagents.voices.casting import Override, Overrides
from tests.novel.novels import (
    EMMA,
    KNIGHTLEY,
    a_book,
    a_village,
    by_pitch,
    check_accounts,
    lines_of,
    narrated,
    said_by,
    voices,
)

NOVEL = """\
CHAPTER 1

“Come,” said Emma.

[A note nobody reads.]

“Why?” he asked.

CHAPTER 2

[Nothing but a note.]

CHAPTER 3

* * *

She came. “Good!”
"""


class TestChapters:
    def test_are_scenes_with_credits_around(self) -> None:
        book = a_book(NOVEL)
        narration = narrate(book, said_by(book, "Emma", "Knightley"))
        assert [(chapter.title, chapter.number) for chapter in narration.chapters] == [
            ("Opening credits", 0),
            ("CHAPTER 1", 1),
            ("CHAPTER 2", 2),
            ("CHAPTER 3", 3),
            ("Closing credits", 0),
        ]
        assert [scene.title for scene in narration.scenes] == [chapter.title for chapter in narration.chapters]
        assert narration.numbers == (1, 2, 3)

    def test_know_what_they_hold_without_making_it(self) -> None:
        book = a_book(NOVEL)
        narration = narrate(book, said_by(book, "Emma", "Knightley"))
        for chapter, scene in zip(narration.chapters, narration.scenes, strict=True):
            texts = [line.text for line in scene.lines]
            assert chapter.first_line == scene.lines[0].number
            assert (chapter.lines, chapter.words) == (len(texts), sum(len(text.split()) for text in texts))
            assert chapter.chars == sum(map(len, texts))

    def test_are_made_anew_and_the_same_each_time(self) -> None:
        narration = narrated(NOVEL, "Emma")
        assert narration.scenes[0] == narration.scenes[0]
        assert narration.scenes[0] is not narration.scenes[0]
        assert list(narration.scenes[1:]) == list(narration.scenes)[1:]
        assert narration.scenes[-1] == narration.scenes[2]

    def test_of_which_nothing_is_read_are_no_scene_and_yet_accounted_for(self) -> None:
        book = a_book("[A note before all.]\n\n" + NOVEL.replace("CHAPTER 2\n\n", ""))
        first = Chapter("Imprint", (book.chapters[0].blocks[0],))
        book = Book(book.text, (first, *book.chapters[1:]), source="test.txt")
        narration = narrate(book, said_by(book, "Emma"), options=NarrationOptions(credits=False))
        assert [chapter.number for chapter in narration.chapters] == [1, 2]
        check_accounts(narration)

    def test_without_a_title_have_the_books(self) -> None:
        assert [chapter.title for chapter in narrated("Text alone.").chapters] == ["The Test"]

    def test_number_their_lines_one_after_the_other_behind_the_credits(self) -> None:
        book = a_book(NOVEL)
        numbers = [line.number for line in lines_of(narrate(book, said_by(book, "Emma")))]
        assert numbers == sorted(set(numbers))
        assert numbers[0] == 1
        assert OPENING_LINES + 1 in numbers

    def test_that_are_too_long_for_one_file_are_read_in_parts(self) -> None:
        paragraphs = ["A sentence of the usual length, more or less. " * 20] * 300
        paragraphs[140] = "* * *"
        narration = narrated("CHAPTER 1\n\n" + "\n\n".join(paragraphs) + "\n\nCHAPTER 2\n\nShort.")
        titles = [chapter.title for chapter in narration.chapters]
        assert titles == [*(f"CHAPTER 1, part {part}" for part in (1, 2, 3)), "CHAPTER 2"]
        assert [chapter.number for chapter in narration.chapters] == [1, 1, 1, 2]
        assert max(chapter.chars for chapter in narration.chapters) < 105_000
        check_accounts(narration)


class TestSelection:
    def test_changes_neither_numbers_nor_voices(self) -> None:
        book = a_book(NOVEL)
        whole = narrate(book, said_by(book, "Emma", "Knightley"))
        part = whole.only([3])
        assert [chapter.title for chapter in part.chapters] == ["Opening credits", "CHAPTER 3", "Closing credits"]
        assert part.scenes[1] == whole.scenes[3]
        cast = [narration.cast(voices(4, 4), seed=3, distance=by_pitch) for narration in (whole, part)]
        assert cast[0] == cast[1]
        check_accounts(whole)

    def test_leaves_the_ledger_whole(self) -> None:
        narration = narrated(NOVEL, "Emma")
        assert list(narration.only([1]).ledger()) == list(narration.ledger())


class TestCast:
    def people(self, *speakers: str | None, first_person: str | None = None) -> tuple[Book, Attribution]:
        book = a_book("“One,” he said. “Two.”\n\n“Three.”")
        return book, said_by(book, *speakers, characters=(EMMA, KNIGHTLEY), first_person=first_person)

    def test_goes_by_the_characters_gender(self) -> None:
        book, attribution = self.people("Emma Woodhouse", "Mr. Knightley")
        cast = narrate(book, attribution).cast(voices(3, 3), seed=0, distance=by_pitch)
        assert cast["Emma Woodhouse"].voice.gender == "female"
        assert cast["Mr. Knightley"].voice.gender == "male"
        assert len({casting.voice.id for casting in cast}) == 3

    def test_counts_the_book_and_not_the_credits(self) -> None:
        book, attribution = self.people("Emma Woodhouse")
        cast = narrate(book, attribution).cast(voices(3, 3), seed=0, distance=by_pitch)
        assert (cast.narrator.lines, cast["Emma Woodhouse"].lines) == (1, 3)

    def test_who_says_i_lends_the_narrator_their_voice_where_it_is_asked_for(self) -> None:
        book, attribution = self.people("Emma Woodhouse", "Mr. Knightley", first_person="Mr. Knightley")
        for asked in (False, True):
            options = NarrationOptions(first_person=asked)
            cast = narrate(book, attribution, options=options).cast(voices(3, 3), seed=0, distance=by_pitch)
            assert (cast.narrator.voice == cast["Mr. Knightley"].voice) is asked
        assert cast.narrator.voice.gender == "male"

    def test_a_teller_who_says_nothing_aloud_has_a_gender_all_the_same(self) -> None:
        book, attribution = self.people("Emma Woodhouse", first_person="Mr. Knightley")
        narration = narrate(book, attribution, options=NarrationOptions(first_person=True))
        assert narration.cast(voices(3, 3), seed=0, distance=by_pitch).narrator.voice.gender == "male"

    def test_nobody_who_says_i_is_warned_of(self) -> None:
        book, attribution = self.people("Emma Woodhouse")
        (warning,) = narrate(book, attribution, options=NarrationOptions(first_person=True)).warnings
        assert "nobody was found who tells the story" in warning

    @pytest.mark.parametrize(
        ("wishes", "voice"),
        [
            ([Override("Emma", voice="m1")], "m1"),
            ([Override("Emma", voice="m1"), Override("Emma Woodhouse", voice="m2")], "m2"),
            ([Override("emma  woodhouse", voice="m2"), Override("Mr. Knightley", voice="m1")], "m2"),
        ],
    )
    def test_wishes_go_by_the_names_that_people_have_now(self, wishes: Sequence[Override], voice: str) -> None:
        book, attribution = self.people("Emma Woodhouse")
        narration = narrate(book, attribution)
        cast = narration.cast(voices(3, 3), seed=0, distance=by_pitch, overrides=Overrides(tuple(wishes)))
        assert cast["Emma Woodhouse"].voice.id == voice

    def test_a_wish_for_a_name_that_nobody_has_is_refused(self) -> None:
        book, attribution = self.people("Emma Woodhouse")
        with pytest.raises(CastError, match='no role is called "Ema Woodhouse"; did you mean Emma Woodhouse'):
            narrate(book, attribution).cast(
                voices(3, 3), seed=0, distance=by_pitch, overrides=Overrides((Override("Ema Woodhouse", voice="w1"),))
            )

    def test_roles_have_profiles_and_the_narrator_is_one(self) -> None:
        book, attribution = self.people("Emma Woodhouse")
        assert [(role.name, role.profile) for role in narrate(book, attribution).roles] == [
            (NARRATOR, ""),
            ("Emma Woodhouse", "a woman, also called Emma, Miss Woodhouse"),
        ]


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "fault"),
        [
            ({"min_confidence": 1.1}, "confidence of 1.1"),
            ({"line_chars": 10}, "lines of 10 characters"),
            ({"line_chars": 2000}, "lines of 2000 characters"),
            ({"narrator_name": "x" * 301}, "narrator's name"),
        ],
    )
    def test_out_of_range_are_refused(self, options: dict[str, float], fault: str) -> None:
        with pytest.raises(SettingsError, match=fault):
            NarrationOptions(**options)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("asked", "books", "tag"), [("", "de", "de"), ("fr", "de", "fr"), ("", "", "en"), ("", "?", "en")]
    )
    def test_language_is_what_is_asked_for_else_the_books(self, asked: str, books: str, tag: str) -> None:
        book = a_book("Text.", language=books)
        assert narrate(book, said_by(book), options=NarrationOptions(language=asked)).language == tag

    def test_no_language_is_refused(self) -> None:
        with pytest.raises(SettingsError, match=r"“what\?” is no language"):
            narrated("Text.", options=NarrationOptions(language="what?"))

    def test_none_of_them_moves_the_number_of_a_line(self) -> None:
        book = a_book(NOVEL)
        attribution = said_by(book, "Emma", "Knightley", confidence=0.5)
        usual = {line.text: line.number for line in lines_of(narrate(book, attribution))}
        for options in (
            NarrationOptions(credits=False),
            NarrationOptions(tags=TagReading.DROP),
            NarrationOptions(min_confidence=0.9),
            NarrationOptions(first_person=True),
        ):
            narration = narrate(book, attribution, options=options)
            for chapter, scene in zip(narration.chapters, narration.scenes, strict=True):
                assert all(usual[line.text] == line.number for line in scene.lines if chapter.number)


def test_a_book_without_a_word_is_refused() -> None:
    with pytest.raises(ScriptError, match=r"test\.txt: nothing in it can be read aloud"):
        narrated("* * *\n\n[A note.]")


def test_warnings_of_the_book_are_passed_on() -> None:
    book = Book("One.", (Chapter("", (Block(BlockKind.PARAGRAPH, 0, 4),)),), warnings=("chapter 2 is missing",))
    assert narrate(book, said_by(book)).warnings == ("chapter 2 is missing",)


def test_memory_does_not_grow_from_chapter_to_chapter() -> None:
    chapters = 12
    book = a_book("\n\n".join(a_village(100 * chapters, chapters)))
    attribution = said_by(book, *(f"Person {number}" for number in range(40)))
    narration = narrate(book, attribution, options=NarrationOptions(credits=False))
    peaks = []
    tracemalloc.start()
    try:
        for scene in narration.scenes:
            assert scene.lines
            gc.collect()
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[-1] < 1.2 * peaks[chapters // 2]
    assert peaks[-1] < 4 * peaks[0]


@given(
    st.lists(
        st.sampled_from(["“", "”", "Word. ", "\n\n", "[1]", "CHAPTER 1\n\n", "* * *\n\n", " said he, ", "  "]),
        max_size=50,
    )
)
def test_every_character_is_accounted_for(scraps: list[str]) -> None:
    text = "Begin. " + "".join(scraps)
    check_accounts(narrated(text, "Emma", None, "Ben"))
