"""The door: a book's kind is told by what is in the file, and what is no book is refused by name."""

from __future__ import annotations

import shutil
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from speechagents.books.reading import MAX_TEXT_BYTES, read_book
from speechagents.errors import ScriptError
from tests.books.building import SAMPLES, spoken, titles


@pytest.mark.parametrize(
    "name", ["ferry-epub3.epub", "ferry-epub2.epub", "ferry.docx", "ferry.html", "ferry.md", "ferry.pdf"]
)
def test_the_kind_is_told_by_content_whatever_the_name(tmp_path: Path, name: str) -> None:
    shutil.copy(SAMPLES / name, tmp_path / "book.bin")
    assert len(titles(read_book(tmp_path / "book.bin"))) == 3


@pytest.mark.parametrize(
    "head", ["<p>", "<!-- by hand -->\n<h1>One</h1><p>", "\n<meta charset=utf-8><p>", "<?xml version='1.0'?><html><p>"]
)
def test_html_is_told_by_its_first_tag(tmp_path: Path, head: str) -> None:
    (tmp_path / "a.txt").write_text(f"{head}It rained.</p>")
    assert spoken(read_book(tmp_path / "a.txt"))[-1] == "It rained."


def test_a_text_file_keeps_every_byte_it_had(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfOne.\r\n\r\nTwo \xe2\x80\x94 three.\r\n"
    (tmp_path / "a.txt").write_bytes(data)
    book = read_book(tmp_path / "a.txt")
    assert book.text.encode() == data
    assert spoken(book) == ["One.", "Two — three."]


def test_a_file_called_txt_is_text_even_if_it_has_signs_of_markdown(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# One\n\nIt rained.\n\n# Two\n\nIt stopped.\n")
    assert read_book(tmp_path / "a.txt").text.startswith("# One")


def test_a_guess_at_the_encoding_is_a_warning_of_the_book(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Zoë drank café au lait, “slowly”.".encode("cp1252"))
    book = read_book(tmp_path / "a.txt")
    assert spoken(book) == ["Zoë drank café au lait, “slowly”."]
    assert "WINDOWS-1252" in book.warnings[0]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"{\\rtf1 hi}", "an RTF document"),
        (b"\xd0\xcf\x11\xe0....", "an old Word document"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\0" * 60 + b"BOOKMOBI" + b"\0" * 60, "a Kindle book"),
        (b"\x00\x01\x02\x03" * 50, "binary data"),
        (b"PK\x03\x04 but not really", "a broken archive"),
    ],
)
def test_what_is_no_book_is_refused_with_a_remedy(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.epub").write_bytes(data)
    with pytest.raises(ScriptError, match=rf"a\.epub: {message}"):
        read_book(tmp_path / "a.epub")


def test_an_open_document_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.odt", "w") as archive:
        archive.writestr("content.xml", "<x/>")
    with pytest.raises(ScriptError, match="OpenDocument"):
        read_book(tmp_path / "a.odt")


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="a folder"):
        read_book(tmp_path)
    with pytest.raises(ScriptError, match="no such file"):
        read_book(tmp_path / "gone.epub")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as file:
        file.write(b"x")
        file.truncate(MAX_TEXT_BYTES + 1)
    tracemalloc.start()
    try:
        with pytest.raises(ScriptError, match="larger than 80 MB"):
            read_book(tmp_path / "a.txt")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_memory_stays_a_few_times_the_text(tmp_path: Path) -> None:
    text = "".join(
        f"CHAPTER {n}\n\n" + ("It rained all day, and the lamps were lit.\n" * 6 + "\n") * 40 for n in range(1, 101)
    )
    (tmp_path / "a.txt").write_text(text)
    tracemalloc.start()
    try:
        book = read_book(tmp_path / "a.txt")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(book.chapters) == 100
    assert peak < 16 * len(text)
