"""A book goes through JSON and comes back the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from speechagents.books.book_json import book_from_json, book_to_json
from speechagents.books.reading import read_book
from speechagents.errors import ScriptError
from tests.books.building import SAMPLES

WHOLE = json.loads(book_to_json(read_book(SAMPLES / "ferry-epub3.epub")))


def chapter(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"title": "x", "level": 1, "blocks": list(blocks)}


@pytest.mark.parametrize("name", ["ferry-epub3.epub", "ferry.docx", "ferry.pdf", "ferry.md"])
def test_nothing_is_lost(name: str) -> None:
    book = read_book(SAMPLES / name)
    text = book_to_json(book)
    assert book_from_json(text, source="x") == book
    assert book_to_json(book_from_json(text, source="x")) == text


def test_a_book_that_was_read_before_is_read_from_its_json(tmp_path: Any) -> None:
    book = read_book(SAMPLES / "ferry-epub3.epub")
    (tmp_path / "book.json").write_text(book_to_json(book), encoding="utf-8")
    assert read_book(tmp_path / "book.json") == book


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "no book"),
        ({"version": 2}, "version 2 of the form"),
        ({"text": 5}, "text is missing or of the wrong type"),
        ({"text": "short"}, "parts do not fit"),
        ({"cover": "%%%"}, "parts do not fit"),
        ({"authors": [1]}, "authors is missing"),
        ({"chapters": [chapter()]}, r"chapters\[0\]\.blocks is missing"),
        ({"chapters": [{**chapter({"kind": "paragraph", "start": 0, "end": 1}), "level": True}]}, "level is missing"),
        ({"chapters": [chapter({"kind": "song", "start": 0, "end": 1})]}, "song"),
        ({"chapters": [chapter({"kind": "paragraph", "start": 5, "end": 1})]}, "holds nothing"),
        ({"chapters": [chapter({"kind": "paragraph", "start": 0, "end": 9, "cuts": [[1, 2]]})]}, "cuts is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ScriptError, match=rf"book\.json.*{message}.*read the book again"):
        book_from_json(json.dumps({**WHOLE, **change}), source="book.json")


@pytest.mark.parametrize("text", ["{", "[]", "null", "[" * 100_000])
def test_what_is_no_book_is_refused(text: str) -> None:
    with pytest.raises(ScriptError, match=r"book\.json"):
        book_from_json(text, source="book.json")
