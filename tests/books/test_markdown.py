"""Markdown becomes the book that a reader of its page would see."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.books.markdown import looks_like_markdown, read_markdown
from speechagents.books.notes import Notes
from speechagents.books.reading import read_book
from speechagents.errors import ScriptError
from speechagents.resources import resource
from tests.books.building import cuts, kinds, skipped, spoken, titles


def test_headings_open_chapters_and_emphasis_is_no_text() -> None:
    book = read_markdown(
        "# The Lamp\n\n## One\n\nIt *rained*\nall **day**.\n\n***\n\nThen not.\n\n## Two\n\nEnd.\n", "a.md"
    )
    assert titles(book) == [(1, "One"), (1, "Two")]
    assert book.title == "The Lamp"
    assert spoken(book) == ["One", "It rained all day.", "Then not.", "Two", "End."]
    assert kinds(book).count("scene_break") == 1


@pytest.mark.parametrize(
    "head",
    [
        "---\ntitle: The Lamp\nauthor: [Ann, {name: Bob}]\nlang: de\n---\n",
        "---\ntitle: The Lamp\nauthor:\n  - Ann\n  - Bob\nlang: de\n...\n",
    ],
)
def test_metadata_at_the_head_is_learnt(head: str) -> None:
    book = read_markdown(head + "\n# The Lamp\n\nIt rained.\n", "a.md")
    assert (book.title, book.authors, book.language) == ("The Lamp", ("Ann", "Bob"), "de")
    assert skipped(book) == [("title page", "The Lamp")]


def test_pandocs_title_block_is_learnt() -> None:
    book = read_markdown("% The Lamp\n% Ann; Bob\n\nIt rained.\n", "a.md")
    assert (book.title, book.authors) == ("The Lamp", ("Ann", "Bob"))


def test_broken_metadata_is_refused_with_its_line() -> None:
    with pytest.raises(ScriptError, match=r"a\.md:3: the metadata between --- is broken YAML"):
        read_markdown("---\ntitle: x\n  author: [\n---\n\nIt rained.\n", "a.md")


def test_metadata_full_of_aliases_says_nothing() -> None:
    laughs = "a: &a [x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(f'*{chr(97 + n)}' for _ in range(9))}]\n" for n in range(12)
    )
    assert read_markdown(f"---\n{laughs}author: *m\n---\n\nIt rained.\n", "a.md").authors == ()


def test_notes_are_skipped_with_all_their_paragraphs_or_read() -> None:
    text = "It rained.[^1] Hard.[^two]\n\n[^1]: As always.\n\n    In autumn.\n[^two]: Very.\n\nIt stopped.\n"
    book = read_markdown(text, "a.md")
    assert spoken(book) == ["It rained. Hard.", "It stopped."]
    assert skipped(book) == [("footnote", "As always."), ("footnote", "In autumn."), ("footnote", "Very.")]
    assert cuts(book) == [("footnote mark", "1"), ("footnote mark", "two")]
    assert spoken(read_markdown(text, "a.md", Notes.READ)) == [
        "It rained. Hard.",
        "As always.",
        "In autumn.",
        "Very.",
        "It stopped.",
    ]


def test_code_is_not_searched_for_notes() -> None:
    assert "[^1]" in spoken(read_markdown("```\nx[^1]\n```\n\nIt rained.\n", "a.md"))[0]


def test_attributes_of_pandoc_are_no_text_and_languages_are_marked() -> None:
    book = read_markdown("# One {#one .unnumbered}\n\n[Guten Abend]{lang=de}, [she]{.smallcaps} said.\n", "a.md")
    assert spoken(book) == ["One", "Guten Abend, she said."]
    assert [(t.language, book.text[t.start : t.end]) for b in book.blocks() for t in b.tongues] == [
        ("de", "Guten Abend")
    ]


def test_a_long_book_is_read_piece_by_piece_and_keeps_its_links() -> None:
    chapter = "## Chapter {}\n\nSee [the map][map].\n\n" + "It rained all day.\n\n" * 4_000
    book = read_markdown("[map]: #m\n\n" + "".join(chapter.format(n) for n in range(1, 13)), "a.md")
    assert len(book.chapters) == 12
    assert spoken(book).count("See the map.") == 12


def test_scripts_inside_it_are_not_spoken() -> None:
    assert spoken(
        read_markdown("It rained.\n\n<script>alert(1)</script>\n\n<style>p {}</style>\n\nEnd.\n", "a.md")
    ) == ["It rained.", "End."]


def test_a_paragraph_without_end_is_refused_with_its_line() -> None:
    with pytest.raises(ScriptError, match=r"a\.md:3: a paragraph of"):
        read_markdown("One.\n\n" + "word " * 200_000, "a.md")


@pytest.mark.parametrize(
    "hostile", ["> " * 30_000, "[" * 60_000, "*a " * 60_000, "- " * 30_000, "<a " * 60_000, "[^a" * 50_000]
)
def test_hostile_markdown_is_read_in_bounded_time(hostile: str) -> None:
    assert spoken(read_markdown(f"{hostile}\n\nEnd.\n", "a.md"))[-1] == "End."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One\n\nText.\n\n# Two\n\nText.\n", True),
        ("---\ntitle: x\n---\nText.", True),
        ("One.[^1]\n\n[^1]: Note.\n\n## Two\n", True),
        ("CHAPTER I\n\nIt rained.\n\n* * *\n", False),
        ("He was #1.\n\n# 2 came later.\n", False),
    ],
)
def test_markdown_is_told_by_its_signs(text: str, expected: bool) -> None:
    assert looks_like_markdown(text) is expected


def test_the_example_novel_is_read_whole() -> None:
    book = read_book(Path(resource("assets", "examples", "novel.md")))
    assert titles(book) == [(1, "Chapter I: In Which Nothing Is Found"), (1, "Chapter II: The Left-Hand Pan")]
    assert {reason for reason, _ in skipped(book)} == {"title page", "footnote"}
    assert kinds(book).count("scene_break") == 1
    assert not book.warnings
