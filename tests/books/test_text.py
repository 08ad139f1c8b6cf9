"""Plain text becomes a book and stays what it is, to the character."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.books.book import BlockKind, Book
from speechagents.books.notes import Notes
from speechagents.books.text import Plain, read_text
from speechagents.errors import ScriptError
from tests.books.building import cuts, kinds, skipped, spoken, titles

PROSE = "It was a long evening, and the lamps along the quay had been lit one after another by the\nold man. "
BODY = (PROSE * 20).strip()


def read(text: str, notes: Notes = Notes.SKIP) -> Book:
    return read_text(Plain(text, source="novel.txt"), notes)


@given(
    st.lists(
        st.sampled_from(
            ["CHAPTER I", "II.", "He said:", '"Go!"', "* * *", "", "  indented", "[Illustration: a cat]", "[1] note",
             "word[1] more", "_stress_", "CONTENTS", "THE END", "\ufeff", "\u00ad", "-", "well-", "known", "Ä. Ö."]
        ) | st.text(max_size=30),
        max_size=40,
    ),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
)  # fmt: skip
def test_every_character_is_in_exactly_one_block(lines: list[str], newline: str) -> None:
    text = newline.join(lines)
    try:
        book = read(text)
    except ScriptError:
        # All of it is contents, notes, pictures or headings.
        return
    assert book.text == text
    assert "".join(text[block.start : block.end] for block in book.blocks()) == text


def test_wrapped_lines_are_one_paragraph() -> None:
    book = read("It was a long evening\r\nand nobody came.\r\n\r\nNobody at all.\r\n")
    assert spoken(book) == ["It was a long evening and nobody came.", "Nobody at all."]


def test_lines_that_are_whole_paragraphs_stay_apart() -> None:
    first, second = ("A sentence that goes on. " * 12).strip(), ("Another one that does. " * 12).strip()
    assert spoken(read(f"{first}\n{second}\n{first}")) == [first, second, first]


def test_paragraphs_without_blank_lines_begin_where_they_are_indented() -> None:
    lines = (
        "   It was a long evening, and the lamps\nalong the quay had been lit.\n   Nobody came. The man went home,\n"
    )
    assert len(spoken(read((lines + "and so did his dog.\n") * 8))) == 16


def test_chapters_begin_at_their_headings_and_titles_join_them() -> None:
    text = f"CHAPTER I.\nIN WHICH IT RAINS\n\n{BODY}\n\nCHAPTER II\n\nTHE GATE\n\n{BODY}\n\nChapter 3: Home\n\n{BODY}\n"
    book = read(text)
    assert titles(book) == [(1, "Chapter I. In Which It Rains"), (1, "Chapter II. The Gate"), (1, "Chapter 3: Home")]
    assert kinds(book).count("heading") == 4


@pytest.mark.parametrize(
    "headings",
    [
        ["I", "II", "III"],
        ["1.", "2.", "3."],
        ["I. THE STORM", "II. THE CALM", "III. THE SHORE"],
        ["Chapter One", "Chapter Two", "Chapter Twenty-Three"],
        ["THE FIRST CHAPTER", "THE SECOND CHAPTER", "CHAPTER THE LAST"],
        ["Erstes Kapitel", "Zweites Kapitel", "3. Kapitel"],
        ["Chapitre premier", "Chapitre deuxième", "Chapitre III"],
        ["PROLOGUE", "CHAPTER ONE", "EPILOGUE"],
        ["STAVE I", "STAVE II", "STAVE III"],
    ],
)
def test_headings_are_known_in_many_forms(headings: list[str]) -> None:
    book = read("\n\n\n".join(f"{heading}\n\n{BODY}" for heading in headings))
    assert len(book.chapters) == 3
    assert kinds(book).count("heading") == 3


def test_a_book_that_numbers_nothing_has_its_lone_capitals_for_chapters() -> None:
    text = "\n\n\n\n".join(f"{title}\n\n\n{BODY}\n\n{BODY}" for title in ("THE STRANGER", "THE BOAT", "THE LAMP"))
    assert titles(read(text)) == [(1, "The Stranger"), (1, "The Boat"), (1, "The Lamp")]


def test_parts_hold_chapters_and_do_not_stand_alone() -> None:
    text = f"PART ONE\n\nCHAPTER I\n\n{BODY}\n\nCHAPTER II\n\n{BODY}\n\nPART TWO\n\nCHAPTER I\n\n{BODY}\n"
    assert titles(read(text)) == [(2, "Part One. Chapter I"), (2, "Chapter II"), (2, "Part Two. Chapter I")]


@pytest.mark.parametrize(
    "prose",
    [
        "Chapter 7 was the one he liked best, and he read it aloud to whoever would stay.",
        "Part of the church had fallen, and the rest of it was leaning.",
        "Book in hand, she went down to the sea.",
        "I",
        '"CHAPTER ONE," she read.',
        "1. Take the lamp. It is heavier than it looks, so take it with both hands.",
        "Mix it well.",
    ],
)
def test_prose_is_no_heading(prose: str) -> None:
    book = read(f"CHAPTER I\n\n{BODY}\n\n{prose}\n\n{BODY}\n\nCHAPTER II\n\n{BODY}\n")
    assert kinds(book).count("heading") == 2
    assert prose in spoken(book)


def test_numbered_items_of_a_list_are_no_chapters() -> None:
    items = "\n\n".join(f"{number}. General Remarks" for number in range(1, 9))
    assert kinds(read(f"{BODY}\n\n{items}\n\n{BODY}")).count("heading") == 0


@pytest.mark.parametrize(
    "contents",
    [
        "CONTENTS\n\nCHAPTER I. The Storm\nCHAPTER II. The Calm\nCHAPTER III. The Shore",
        "CONTENTS\n\n  I. The Storm .... 1\n  II. The Calm .... 24\n  III. The Shore .... 51\n  IV. The End .... 70",
        "CHAPTER I\nCHAPTER II\nCHAPTER III",
        "Contents\n\nCHAPTER I The Storm\n\nCHAPTER II The Calm\n\nCHAPTER III The Shore",
        "CHAPTER I\n\nCHAPTER II\n\nCHAPTER III",
        "Table of Contents\n\nThe Storm\nThe Calm\nThe Shore",
    ],
)
def test_a_list_of_contents_is_skipped_and_makes_no_chapters(contents: str) -> None:
    chapters = "\n\n\n".join(f"CHAPTER {number}\n\n{BODY}" for number in ("I", "II", "III"))
    book = read(f"{contents}\n\n\n\n{chapters}")
    assert titles(book) == [(1, "Chapter I"), (1, "Chapter II"), (1, "Chapter III")]
    assert {reason for reason, _ in skipped(book)} == {"contents"}


def test_a_title_page_is_skipped_and_learnt_from() -> None:
    book = read(f"THE LAMP OF ANDERS\n\nby\n\nNORA EXAMPLE\n\n\nCHAPTER I\n\n{BODY}\n\nCHAPTER II\n\n{BODY}")
    assert (book.title, book.authors) == ("The Lamp of Anders", ("Nora Example",))
    assert skipped(book) == [("title page", "THE LAMP OF ANDERS by NORA EXAMPLE")]
    assert len(book.chapters) == 2


def test_verse_keeps_its_lines_and_wrapped_prose_does_not() -> None:
    verse = "  Here stood the lamp that Anders lit,\n  And here the boat that saw it,\n  And nobody remembers it."
    book = read(f"{BODY}\n\n{verse}\n\n{BODY}")
    assert kinds(book) == ["paragraph", "verse", "paragraph"]


@pytest.mark.parametrize("mark", ["* * *", "***", "#", "⁂", "----", "~", "*       *       *       *       *"])
def test_a_line_of_marks_is_a_scene_break(mark: str) -> None:
    assert kinds(read(f"{BODY}\n\n{mark}\n\n{BODY}")) == ["paragraph", "scene_break", "paragraph"]


def test_wide_white_space_is_a_scene_break_unless_the_book_is_set_so() -> None:
    paragraphs = [BODY] * 8
    assert kinds(read("\n\n".join(paragraphs[:4]) + "\n\n\n\n" + "\n\n".join(paragraphs[4:]))).count("scene_break") == 1
    assert kinds(read("\n\n\n".join(paragraphs))).count("scene_break") == 0


def test_marks_of_notes_are_cut_and_notes_skipped_or_read() -> None:
    text = f"{BODY} He paid a laidak[1] for it.\n\n [1] Rascal\n\n{BODY}\n\n[Footnote 2: Of brass.]\n\n{BODY}\n"
    book = read(text)
    assert skipped(book) == [("footnote", "[1] Rascal"), ("footnote", "[Footnote 2: Of brass.]")]
    assert cuts(book) == [("footnote mark", "[1]")]
    assert any(said.endswith("He paid a laidak for it.") for said in spoken(book))
    assert "Rascal" in spoken(read(text, Notes.READ))


def test_notes_at_the_end_are_skipped_together() -> None:
    notes = "NOTES\n\n1. Of brass.\n\n2. Or perhaps of tin.\n\n3. Nobody knows.\n"
    book = read(f"CHAPTER I\n\n{BODY}\n\n{BODY}\n\n{BODY}\n\n{BODY}\n\n{BODY}\n\n{BODY}\n\n{BODY}\n\n{BODY}\n\n{notes}")
    assert [reason for reason, _ in skipped(book)] == ["footnote"]


def test_pictures_pages_emphasis_and_soft_hyphens_are_not_spoken() -> None:
    text = "\ufeffShe _never_ said so.{12}\n\n[Illustration: A lamp.\nOf brass.]\n\n"
    text += f"It was re\u00admark\u00adable. [Pg 13] Well.\n\n{BODY}"
    book = read(text)
    assert spoken(book)[:2] == ["She never said so.", "It was remarkable. Well."]
    assert skipped(book) == [("illustration", "[Illustration: A lamp. Of brass.]")]
    assert [reason for reason, _ in cuts(book)] == [
        "byte order mark", "mark of emphasis", "mark of emphasis", "page number", "soft hyphen", "soft hyphen",
        "page number",
    ]  # fmt: skip


def test_underscores_and_stars_inside_words_stay() -> None:
    assert (
        spoken(read(f"The file is my_file_name and 2*3*4 is 24.\n\n{BODY}"))[0]
        == "The file is my_file_name and 2*3*4 is 24."
    )


def test_a_word_broken_at_the_end_of_a_line_is_joined_and_a_compound_keeps_its_hyphen() -> None:
    text = "The remark-\nable thing was remarkable in the dining-\nroom, our dining-room. A sen-\ntence is a sentence."
    text += f"\n\n{BODY}"
    assert spoken(read(text))[0] == (
        "The remarkable thing was remarkable in the dining-room, our dining-room. A sentence is a sentence."
    )


def test_a_text_that_only_breaks_at_hyphens_keeps_them_all() -> None:
    text = f"He wore a blue-\ngreen coat, and his coat was blue-green. A half-\nforgotten song.\n\n{BODY}"
    assert spoken(read(text))[0] == "He wore a blue-green coat, and his coat was blue-green. A half-forgotten song."


def test_what_project_gutenberg_adds_is_skipped_and_learnt_from() -> None:
    text = (
        "The Project Gutenberg eBook of The Lamp\n\nTitle: The Lamp\n\nAuthor: Nora Example\n\nLanguage: German\n\n"
        f"*** START OF THE PROJECT GUTENBERG EBOOK THE LAMP ***\n\nProduced by Somebody\n\nCHAPTER I\n\n{BODY}\n\n"
        "[Transcriber's note: spelling was kept.]\n\nThe Project Gutenberg people are kind, she said.\n\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK THE LAMP ***\n\nUpdated editions will replace the previous one.\n"
    )
    book = read(text)
    assert (book.title, book.authors, book.language) == ("The Lamp", ("Nora Example",), "de")
    assert [reason for reason, _ in skipped(book)] == [
        "Project Gutenberg header", "transcriber's note", "transcriber's note", "Project Gutenberg licence",
    ]  # fmt: skip
    assert titles(book) == [(1, "Chapter I")]
    assert "The Project Gutenberg people are kind, she said." in spoken(book)


def test_a_text_of_nothing_is_refused() -> None:
    with pytest.raises(ScriptError, match=r"novel\.txt: there is nothing to read"):
        read(" \n\n * * *\n")


def test_a_paragraph_without_end_is_refused_with_its_line() -> None:
    with pytest.raises(ScriptError, match=r"novel\.txt:3: a paragraph of .* blank lines") as fault:
        read("One.\n\n" + "word " * 200_000)
    assert fault.value.line == 3
    with pytest.raises(ScriptError, match=r"novel\.txt:3: a paragraph of"):
        read("One.\n\n" + "word word word word word word word\n" * 20_000)


def test_a_text_without_end_is_refused() -> None:
    with pytest.raises(ScriptError, match="longer than 20 million characters"):
        read("word\n\n" * 4_000_000)


@pytest.mark.parametrize(
    "hostile",
    [
        "CHAPTER I\n" * 60_000,
        "-\n" * 200_000,
        "[Illustration " * 30_000 + "\n\nEnd.",
        "_" * 400_000 + "\n\nEnd.",
        "I\n\n" * 60_000,
        "CONTENTS\n\n" * 40_000 + "End.",
        ('"' * 80 + "\n\n") * 5_000,
        "A. " * 150_000,
        "*** START OF THE PROJECT GUTENBERG\n" * 10_000 + "\nEnd.",
    ],
)
def test_hostile_texts_take_no_longer_than_others(hostile: str) -> None:
    started = time.process_time()
    with contextlib.suppress(ScriptError):
        read(hostile)
    assert time.process_time() - started < 10


def test_what_a_chapter_says_is_in_its_blocks() -> None:
    book = read(f"CHAPTER I\n\n{BODY}\n\nCHAPTER II\n\n{BODY}")
    for chapter in book.chapters:
        assert chapter.blocks[0].kind is BlockKind.HEADING
        assert book.text[chapter.start :].startswith("CHAPTER")
