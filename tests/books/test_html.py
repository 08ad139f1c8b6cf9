"""A page of HTML becomes a book."""

from __future__ import annotations

from speechagents.books.html import read_html
from tests.books.building import kinds, skipped, spoken, titles


def test_metadata_headings_and_text() -> None:
    book = read_html(
        b"<!DOCTYPE html><html lang=de><title>Der Turm</title><meta name=author content='Ada Autorin'><body>"
        b"<h1>Der Turm</h1><h2>Kapitel 1</h2><p>Es regnete.<h2>Kapitel 2</h2><p>Nicht mehr.",
        "a.html",
    )
    assert (book.title, book.authors, book.language) == ("Der Turm", ("Ada Autorin",), "de")
    assert titles(book) == [(1, "Kapitel 1"), (1, "Kapitel 2")]
    assert spoken(book) == ["Kapitel 1", "Es regnete.", "Kapitel 2", "Nicht mehr."]


def test_breaks_verse_and_white_space() -> None:
    book = read_html(
        b"<p>One</p><hr><p>Two</p><p>&nbsp;</p><p>Three</p><p>* * *</p><p>Four</p><p></p><p>Five</p>"
        b"<div class='stanza'><p>Here stood</p><p>the lamp</p></div><p>By night<br>by day<br>by noon</p>"
        b"<p>Six</p><p>Seven</p><p>Eight</p>",
        "a.html",
    )
    breaks = ["paragraph", "scene_break"] * 3 + ["paragraph", "paragraph", "verse", "verse"] + ["paragraph"] * 3
    assert kinds(book) == breaks


def test_white_space_between_all_paragraphs_is_no_break() -> None:
    book = read_html(b"<p>One</p><p>&nbsp;</p>" * 6, "a.html")
    assert kinds(book) == ["paragraph"] * 6


def test_links_to_the_chapters_are_contents() -> None:
    links = "".join(f"<tr><td><a href='#c{n}'>Chapter {n}</a></td><td>{n}</td></tr>" for n in range(1, 6))
    chapters = "".join(f"<h2 id=c{n}>Chapter {n}</h2><p>It rained.</p>" for n in range(1, 6))
    book = read_html(f"<h2>CONTENTS</h2><table>{links}</table>{chapters}".encode(), "a.html")
    assert len(book.chapters) == 5
    assert {reason for reason, _ in skipped(book)} == {"contents"}


def test_a_page_in_an_old_encoding_is_read_as_it_declares() -> None:
    book = read_html("<meta charset=iso-8859-1><p>“Zoë” – déjà vu".encode("cp1252"), "a.html")
    assert spoken(book) == ["“Zoë” – déjà vu"]


def test_a_word_across_elements_stays_one() -> None:
    assert spoken(read_html(b"<p><span class=drop>O</span>nce up<!-- x -->on a <b>t</b>ime</p>", "a.html")) == [
        "Once upon a time"
    ]
