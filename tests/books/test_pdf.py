"""PDFs with a text layer become books: paragraphs, not pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.books.reading import read_book
from speechagents.errors import ScriptError
from tests.books.building import SAMPLES, cuts, kinds, skipped, spoken, titles

EMPTY = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
)


def test_a_book_is_read_across_its_pages() -> None:
    book = read_book(SAMPLES / "ferry.pdf")
    assert (book.title, book.authors) == ("The Last Ferry", ("Nora Example",))
    assert titles(book) == [
        (2, "Part One: Outward. Chapter 1"),
        (2, "Chapter 2"),
        (2, "Part Two: Homeward. Chapter 3"),
    ]
    said = spoken(book)
    assert 'He considered her. "There is another on Thursday," he offered, "if the ice holds off."' in said
    assert any("nobody remembers it but those who stood before it." in text for text in said)
    assert "Will you try again?" in said[-2]
    assert said[-1] == '"Yes," she said.'
    assert kinds(book).count("scene_break") == 1


def test_running_heads_and_page_numbers_are_not_spoken() -> None:
    book = read_book(SAMPLES / "ferry.pdf")
    said = " ".join(spoken(book))
    assert "The Last Ferry" not in said
    assert "Nora Example" not in said
    assert not any(text.strip().isdigit() for text in spoken(book))
    reasons = {reason for reason, _ in [*skipped(book), *cuts(book)]}
    assert {"running head", "page number"} <= reasons


def test_a_pdf_without_text_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(EMPTY)
    with pytest.raises(ScriptError, match=r"scan\.pdf: no text in it: .*OCRmyPDF"):
        read_book(path)


@pytest.mark.parametrize("data", [b"%PDF-1.7\nnonsense", EMPTY[:40]])
def test_a_broken_pdf_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "b.pdf"
    path.write_bytes(data)
    with pytest.raises(ScriptError, match=r"b\.pdf: a broken PDF .*export it again"):
        read_book(path)
