"""Lines: who, in which breath, after which pause, under which number."""

from __future__ import annotations

import pytest

from speechagents.drama import NARRATOR, Style
from speechagents.novel.chapter_reader import (
    CHAPTER_PAUSE_S,
    HEADING_PAUSE_S,
    PARAGRAPH_PAUSE_S,
    SCENE_BREAK_PAUSE_S,
    TURN_PAUSE_S,
    VERSE_PAUSE_S,
    WORDLESS_PAUSE_S,
    TagReading,
)
from speechagents.novel.ledger import LedgerKind
from speechagents.novel.narration import NarrationOptions, narrate
from tests.novel.novels import a_book, check_accounts, lines_of, narrated, said_by, spoken

DROP = NarrationOptions(credits=False, tags=TagReading.DROP)


class TestRoles:
    def test_quotations_are_their_speakers_and_all_else_is_narration(self) -> None:
        assert spoken("She rose. “I will,” said Emma. “Go!”", "Emma", "Mr. Weston") == [
            (NARRATOR, "She rose."),
            ("Emma", "I will,"),
            (NARRATOR, "said Emma."),
            ("Mr. Weston", "Go!"),
        ]

    def test_a_quotation_without_speaker_is_read_by_the_narrator(self) -> None:
        assert spoken("He called it “a great pity” again.", None) == [
            (NARRATOR, "He called it"),
            (NARRATOR, "a great pity"),
            (NARRATOR, "again."),
        ]

    def test_an_unsure_one_too_where_it_is_asked_for(self) -> None:
        options = NarrationOptions(credits=False, min_confidence=0.95)
        assert {role for role, _ in spoken("“Go,” she said.", "Emma", options=options)} == {NARRATOR}

    def test_notes_and_marks_of_notes_are_not_read(self) -> None:
        text = "One.[1] Two.\n\n[1. A note.]\n\nThree."
        assert spoken(text) == [(NARRATOR, "One. Two."), (NARRATOR, "Three.")]
        reasons = [(text[e.start : e.end].strip(), e.reason) for e in narrated(text).ledger() if e.reason]
        assert reasons == [("[1]", "footnote mark"), ("[1. A note.]", "note")]


class TestStyles:
    def test_the_tag_is_heard_in_every_piece_of_its_quotation(self) -> None:
        book = a_book("“Go,” she whispered. “Now.”")
        lines = lines_of(narrate(book, said_by(book, "Emma", joined=[(0, 1)])))
        assert [line.style.tag for line in lines if line.role == "Emma"] == ["whispering", "whispering"]

    @pytest.mark.parametrize(
        ("text", "styles"),
        [
            ("“Go,” she whispered. “Now.”", ["whispering", "whispering"]),
            ("“Go,” she whispered.\n\n“Now.”", ["whispering", "default"]),
            ("She whispered: “Go.”\n\n“Why?”\n\n“Now.”", ["whispering", "quiet", "default"]),
            ("She whispered: “Go.”\n\n“Why?” he shouted.", ["whispering", "shouting"]),
            ("“Go,” she whispered. He rose. “Why?” he asked.", ["whispering", "default"]),
        ],
    )
    def test_a_quotation_without_a_tag_goes_by_the_scene(self, text: str, styles: list[str]) -> None:
        book = a_book(text)
        lines = lines_of(narrate(book, said_by(book, "Emma", "Emma" if "Now" in text[:30] else "Ben")))
        assert [line.style.tag for line in lines if line.role != NARRATOR] == styles

    def test_the_narrator_tells_calmly_of_screams(self) -> None:
        (line,) = lines_of(narrated("She SCREAMED as LOUD AS SHE COULD!"))
        assert line.style == Style()


class TestBreath:
    def test_one_sentence_in_two_voices_goes_on(self) -> None:
        lines = lines_of(narrated("“I will,” said Emma, “go.” Then she went. “Oh!” she said. “You?” He left.", "Emma"))
        assert [(line.text, line.continues) for line in lines] == [
            ("I will,", False),
            ("said Emma,", True),
            ("go.", True),
            ("Then she went.", False),
            ("Oh!", False),
            ("she said.", True),
            ("You?", False),
            ("He left.", False),
        ]

    def test_a_speech_goes_on_in_its_next_paragraph(self) -> None:
        book = a_book("“One.\n\n“Two.”\n\n“Three.”")
        lines = lines_of(narrate(book, said_by(book, "Emma", joined=[(0, 1)]), options=NarrationOptions(credits=False)))
        assert [line.continues for line in lines] == [False, True, False]

    def test_parts_of_a_long_paragraph_go_on_and_paragraphs_do_not(self) -> None:
        lines = lines_of(narrated("A sentence of some length. " * 20 + "\n\nAnother."))
        assert [line.continues for line in lines] == [False, True, False]


class TestPauses:
    @pytest.mark.parametrize(
        ("text", "pauses"),
        [
            ("CHAPTER 1\n\nOne.\n\nTwo.", [CHAPTER_PAUSE_S, HEADING_PAUSE_S, PARAGRAPH_PAUSE_S]),
            ("One.\n\n* * *\n\nTwo.", [CHAPTER_PAUSE_S, SCENE_BREAK_PAUSE_S]),
            ("“One.”\n\n“Two.”\n\nThree.", [CHAPTER_PAUSE_S, TURN_PAUSE_S, PARAGRAPH_PAUSE_S]),
            ("“One—”\n\n“Two.”", [CHAPTER_PAUSE_S, 0.0]),
            ("“One.”\n\n“…”\n\n“Two.”", [CHAPTER_PAUSE_S, WORDLESS_PAUSE_S]),
            ("“One.” He rose. “Two.”", [CHAPTER_PAUSE_S, 0.0, 0.0]),
            ("  Tyger, tyger,\n  burning bright", [CHAPTER_PAUSE_S, VERSE_PAUSE_S]),
        ],
    )
    def test_grow_with_the_rank_of_the_boundary(self, text: str, pauses: list[float]) -> None:
        assert [line.pause_s for line in lines_of(narrated(text, "Emma", "Anna"))] == pauses

    def test_are_ordered(self) -> None:
        assert VERSE_PAUSE_S < PARAGRAPH_PAUSE_S < HEADING_PAUSE_S < SCENE_BREAK_PAUSE_S
        assert TURN_PAUSE_S < PARAGRAPH_PAUSE_S


class TestTags:
    TEXT = "“I will,” said Emma. “But how?” asked Anna, rising. He said, “So.”"

    def test_are_read(self) -> None:
        assert (NARRATOR, "said Emma.") in spoken(self.TEXT, "Emma", "Anna", "Ben")

    def test_are_dropped_where_they_say_only_who_speaks(self) -> None:
        assert spoken(self.TEXT, "Emma", "Anna", "Ben", options=DROP) == [
            ("Emma", "I will,"),
            ("Anna", "But how?"),
            (NARRATOR, "asked Anna, rising. He said,"),
            ("Ben", "So."),
        ]

    def test_before_a_quotation_too(self) -> None:
        assert spoken("He said: “So.”", "Ben", options=DROP) == [("Ben", "So.")]

    def test_stay_where_the_narrator_reads_the_quotation(self) -> None:
        assert (NARRATOR, "said Emma.") in spoken("“I will,” said Emma.", None, options=DROP)

    def test_keep_their_number_when_they_are_dropped(self) -> None:
        read, dropped = (narrated(self.TEXT, "Emma", options=o) for o in (NarrationOptions(credits=False), DROP))
        numbers = {line.text: line.number for line in lines_of(read)}
        assert all(numbers[line.text] == line.number for line in lines_of(dropped))
        check_accounts(dropped)
        assert [e.reason for e in dropped.ledger() if e.kind is LedgerKind.SKIPPED] == ["speech tag"]
