"""EPUBs of either version become books, and broken ones as far as a reader would read them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from speechagents.books.book import Book
from speechagents.books.notes import Notes
from speechagents.books.reading import read_book
from speechagents.errors import ScriptError
from tests.books.building import PNG, SAMPLES, cuts, kinds, make_epub, nav, ncx, page, shown, skipped, spoken, titles

ONE, TWO = page("<h1>One</h1><p>It rained.</p>"), page("<h1>Two</h1><p>It stopped.</p>")


def tongues(book: Book) -> list[tuple[str, str]]:
    return [(t.language, book.text[t.start : t.end]) for block in book.blocks() for t in block.tongues]


@pytest.mark.parametrize("name", ["ferry-epub3.epub", "ferry-epub2.epub", "ferry.html", "ferry.docx", "ferry.md"])
def test_a_book_by_another_program_is_read_as_its_author_meant_it(name: str) -> None:
    book = read_book(SAMPLES / name)
    assert (book.title, book.authors, book.language) == ("The Last Ferry", ("Nora Example",), "en-GB")
    assert titles(book) == [
        (2, "Part One: Outward. Chapter 1"),
        (2, "Chapter 2"),
        (2, "Part Two: Homeward. Chapter 3"),
    ]
    notes = [text for reason, text in skipped(book) if reason == "footnote"]
    assert len(notes) == 3
    assert any("timetable of that winter" in note for note in notes)
    said = " ".join(spoken(book))
    assert "Hanna was not on it. She stood on the pier with her suitcase" in said
    assert "timetable" not in said
    assert "Nora Example" not in said
    assert "scene_break" in kinds(book)
    assert ("de", "Guten Abend") in tongues(book)
    assert not book.warnings


@pytest.mark.parametrize("name", ["ferry-epub3.epub", "ferry-epub2.epub", "ferry.html", "ferry.docx", "ferry.md"])
def test_notes_are_read_where_they_stand_if_asked(name: str) -> None:
    said = spoken(read_book(SAMPLES / name, Notes.READ))
    assert any("The timetable of that winter is lost." in text for text in said)
    assert not any("on it.1" in text for text in said)


def test_the_contents_name_the_chapters_nested_and_by_fragment(tmp_path: Path) -> None:
    first = page(
        '<h1>Part One</h1><h2 id="a">The Storm</h2><p>It rained.</p><h2><span id="b"/>The Calm</h2><p>It stopped.</p>'
    )
    entries = (
        '<li><a href="one.xhtml">Part One</a><ol><li><a href="one.xhtml#a">The Storm</a></li>'
        '<li><a href="one.xhtml#b">The Calm</a></li></ol></li><li><span>not a link</span></li>'
        '<li><a href="two.xhtml">Two</a></li>'
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": first, "two.xhtml": TWO, "nav.xhtml": nav(entries)}))
    assert titles(book) == [(2, "Part One. The Storm"), (2, "The Calm"), (1, "Two")]


def test_the_ncx_names_the_chapters_of_an_old_book(tmp_path: Path) -> None:
    points = (
        '<navPoint id="p1"><navLabel><text>Alpha</text></navLabel><content src="one.xhtml"/></navPoint>'
        '<navPoint id="p2"><navLabel><text>Beta</text></navLabel><content src="two.xhtml#nowhere"/></navPoint>'
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE, "two.xhtml": TWO, "toc.ncx": ncx(points)}))
    assert titles(book) == [(1, "Alpha"), (1, "Beta")]
    assert any("#nowhere, which is missing" in warning for warning in book.warnings)


def test_without_contents_the_headings_name_the_chapters(tmp_path: Path) -> None:
    assert titles(read_book(make_epub(tmp_path / "b.epub", {"1.xhtml": ONE, "2.xhtml": TWO}))) == [
        (1, "One"),
        (1, "Two"),
    ]


def test_broken_entries_of_the_contents_are_left_out_with_a_warning(tmp_path: Path) -> None:
    entries = (
        '<li><a href="one.xhtml">Alpha</a></li><li><a href="gone.xhtml">Gone</a></li>'
        '<li><a href="../../../etc/passwd">Out</a></li><li><a href="two.xhtml">Beta</a></li>'
        '<li><a href="one.xhtml">Alpha</a></li>'
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE, "two.xhtml": TWO, "nav.xhtml": nav(entries)}))
    assert titles(book) == [(1, "Alpha"), (1, "Beta")]
    assert sum("on a page that is missing" in warning for warning in book.warnings) == 2


def test_contents_that_cannot_be_parsed_cost_a_warning(tmp_path: Path) -> None:
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE, "two.xhtml": TWO, "toc.ncx": "<ncx><navMap>"}))
    assert titles(book) == [(1, "One"), (1, "Two")]
    assert any("contents cannot be read" in warning for warning in book.warnings)


def test_a_thousand_levels_of_contents_are_read_in_no_time(tmp_path: Path) -> None:
    depth = 200
    entries = (
        '<li><a href="one.xhtml">Deep</a><ol>' * depth + '<li><a href="two.xhtml">x</a></li>' + "</ol></li>" * depth
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE, "two.xhtml": TWO, "nav.xhtml": nav(entries)}))
    assert len(spoken(book)) == 4


def test_pages_come_in_the_order_of_the_spine(tmp_path: Path) -> None:
    spine = [
        '<itemref idref="two.xhtml"/>',
        '<itemref idref="one.xhtml"/>',
        '<itemref idref="two.xhtml"/>',
        '<itemref idref="x"/>',
    ]
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE, "two.xhtml": TWO}, spine=spine))
    assert spoken(book) == ["Two", "It stopped.", "One", "It rained."]
    assert any("stands twice" in warning for warning in book.warnings)
    assert any("'x' of the reading order is missing" in warning for warning in book.warnings)


def test_a_page_outside_the_reading_order_is_skipped(tmp_path: Path) -> None:
    spine = ['<itemref idref="one.xhtml"/>', '<itemref idref="two.xhtml" linear="no"/>']
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE, "two.xhtml": TWO}, spine=spine))
    assert spoken(book) == ["One", "It rained."]
    assert {reason for reason, _ in skipped(book)} == {"outside the reading order"}


def test_metadata_cover_and_identifier_are_learnt(tmp_path: Path) -> None:
    metadata = (
        "<dc:identifier>other</dc:identifier><dc:identifier id='id'>978-3-16-148410-0</dc:identifier>"
        "<dc:title>Der Turm</dc:title><dc:creator id='c1'>Ada Autorin</dc:creator>"
        "<meta refines='#c1' property='role'>aut</meta><dc:creator opf:role='trl'>Otto Übersetzer</dc:creator>"
        "<dc:language>de-DE</dc:language><meta name='cover' content='pic'/>"
    )
    manifest = '<item id="pic" href="images/c%20v.png" media-type="image/png"/>'
    path = make_epub(
        tmp_path / "b.epub",
        {"one.xhtml": ONE},
        metadata=metadata,
        manifest=manifest,
        files={"OEBPS/images/c v.png": PNG},
    )
    book = read_book(path)
    assert (book.title, book.authors, book.language) == ("Der Turm", ("Ada Autorin",), "de-DE")
    assert (book.identifier, book.cover) == ("978-3-16-148410-0", PNG)


def test_notes_that_say_so_and_notes_told_by_their_links(tmp_path: Path) -> None:
    one = page(
        '<p>He came<a epub:type="noteref" href="#n1">1</a> late<sup><a href="two.xhtml#e2" id="r2">2</a></sup>'
        ", and then<sup>3</sup> 10<sup>th</sup> of May, see <a href='#c2'>2</a>.</p>"
        '<aside epub:type="footnote" id="n1"><p>Very late.</p></aside><p id="c2">The end.</p>'
    )
    two = page('<h2>Remarks</h2><p id="e2"><a href="one.xhtml#r2">2</a>. By a day.</p><p>No note.</p>')
    path = make_epub(tmp_path / "b.epub", {"one.xhtml": one, "two.xhtml": two})
    book = read_book(path)
    assert skipped(book) == [("footnote", "Very late."), ("footnote", "2. By a day.")]
    assert spoken(book) == ["He came late, and then 10th of May, see 2.", "The end.", "Remarks", "No note."]
    assert [text for reason, text in cuts(book) if reason == "footnote mark"] == ["1", "2", "3"]
    read = spoken(read_book(path, Notes.READ))
    assert "Very late." in read
    assert any("By a day." in text for text in read)


def test_pages_contents_landmarks_and_title_pages_are_skipped(tmp_path: Path) -> None:
    one = page(
        '<section epub:type="titlepage"><p>A Book</p></section><p>It rained<span epub:type="pagebreak">12</span> all'
        '<span class="pagenum">[13]</span> day.</p><div role="doc-pagebreak">14</div>'
        '<nav epub:type="landmarks"><ol><li>Start</li></ol></nav><p hidden="">Nobody sees this.</p>'
    )
    rights = page("<p>Copyright © 2026 Ann Author. All rights reserved. ISBN 1</p>")
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": one, "rights.xhtml": rights}))
    assert spoken(book) == ["It rained all day."]
    assert [reason for reason, _ in skipped(book)] == [
        "title page", "page number", "contents", "hidden", "copyright",
    ]  # fmt: skip


def test_a_page_of_links_is_contents(tmp_path: Path) -> None:
    links = "".join(f'<p><a href="one.xhtml#x{n}">Chapter {n}</a></p>' for n in range(6))
    book = read_book(make_epub(tmp_path / "b.epub", {"c.xhtml": page(f"<h2>Contents</h2>{links}"), "one.xhtml": ONE}))
    assert spoken(book) == ["One", "It rained."]
    assert {reason for reason, _ in skipped(book)} == {"contents"}


def test_ruby_is_read_by_its_characters_and_other_languages_are_marked(tmp_path: Path) -> None:
    one = page(
        '<p>She said <i xml:lang="fr">au revoir</i> to <ruby>東<rp>(</rp><rt>とう</rt><rp>)</rp></ruby>.</p>', lang="en"
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": one}))
    assert spoken(book) == ["She said au revoir to 東."]
    assert tongues(book) == [("fr", "au revoir")]


def test_a_page_of_broken_xhtml_is_read_as_a_browser_would(tmp_path: Path) -> None:
    broken = page("<p>It rained.<p>And <b>rained</i> &nbsp;on &unknown; &amp; on.")
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": broken}))
    assert spoken(book) == ["It rained.", "And rained on &unknown; & on."]
    assert any("one.xhtml: broken XHTML at its line" in warning for warning in book.warnings)


def test_entities_of_a_documents_own_are_never_expanded(tmp_path: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = page("<p>Ha &l9; &outside;</p><p>It rained.</p>").replace(
        "<html", f'<!DOCTYPE html [<!ENTITY l0 "ha">{laughs}<!ENTITY outside SYSTEM "file:///etc/hostname">]><html'
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": bomb}))
    assert spoken(book) == ["Ha &l9; &outside;", "It rained."]


def test_a_page_of_endless_depth_is_refused_and_not_read_in_part(tmp_path: Path) -> None:
    deep = page("<div>" * 5_000 + "<p>Bottom.</p>" + "</div>" * 5_000 + "<p>It rained.</p>")
    with pytest.raises(ScriptError, match=r"one\.xhtml goes beyond what is read \(line 2: Excessive depth"):
        read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": deep, "two.xhtml": TWO}))


def test_a_page_without_end_is_refused_by_name(tmp_path: Path) -> None:
    path = make_epub(tmp_path / "b.epub", {"one.xhtml": page(f"<p>{'word ' * 2_100_000}</p>")})
    with pytest.raises(ScriptError, match=r"b\.epub: OEBPS/one\.xhtml is longer than 10 million characters"):
        read_book(path)
    path = make_epub(tmp_path / "b.epub", {"one.xhtml": page(f"<p>{'word ' * 200_000}</p>")})
    with pytest.raises(ScriptError, match=r"b\.epub: a paragraph of 999,999 characters"):
        read_book(path)


def test_a_book_from_project_gutenberg_loses_its_licence(tmp_path: Path) -> None:
    one = page(
        "<p>*** START OF THE PROJECT GUTENBERG EBOOK X ***</p><h2>One</h2><p>It rained.</p>"
        "<p>*** END OF THE PROJECT GUTENBERG EBOOK X ***</p><p>Updated editions.</p>"
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": one}))
    assert spoken(book) == ["One", "It rained."]
    assert {reason for reason, _ in skipped(book)} == {"Project Gutenberg header", "Project Gutenberg licence"}


def test_a_page_that_is_missing_costs_a_warning(tmp_path: Path) -> None:
    manifest, spine = (
        '<item id="x" href="gone.xhtml" media-type="application/xhtml+xml"/>',
        ['<itemref idref="x"/>', '<itemref idref="one.xhtml"/>'],
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE}, manifest=manifest, spine=spine))
    assert spoken(book) == ["One", "It rained."]
    assert any("'OEBPS/gone.xhtml' of the reading order is missing" in warning for warning in book.warnings)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {
                "META-INF/encryption.xml": '<encryption xmlns:enc="x"><enc:EncryptedData><enc:EncryptionMethod '
                'Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/><enc:CipherData><enc:CipherReference '
                'URI="OEBPS/one.xhtml"/></enc:CipherData></enc:EncryptedData></encryption>'
            },
            "copy protection",
        ),
        ({"META-INF/encryption.xml": "<encryption>"}, "encryption.xml in it is broken XML at its line 1"),
    ],
)
def test_protected_books_are_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(ScriptError, match=rf"b\.epub: .*{message}"):
        read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE}, files=files))


def test_scrambled_fonts_are_no_protection(tmp_path: Path) -> None:
    fonts = (
        '<encryption xmlns:enc="x"><enc:EncryptedData><enc:EncryptionMethod Algorithm='
        '"http://www.idpf.org/2008/embedding"/><enc:CipherData><enc:CipherReference URI="OEBPS/f.otf"/>'
        "</enc:CipherData></enc:EncryptedData></encryption>"
    )
    files = {"META-INF/encryption.xml": fonts}
    assert spoken(read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": ONE}, files=files))) == ["One", "It rained."]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"hello.txt": "hi"}, r"no package document"),
        ({"content.opf": "<package><manifest>"}, r"content\.opf in it is broken XML at its line 1"),
        ({"content.opf": "<package><manifest/><spine/></package>"}, "lists no page that is there"),
    ],
)
def test_an_archive_that_is_no_book_is_refused(tmp_path: Path, entries: dict[str, str], message: str) -> None:
    path = tmp_path / "b.epub"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    with pytest.raises(ScriptError, match=rf"b\.epub: .*{message}"):
        read_book(path)


def test_a_book_of_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="empty or pictures only"):
        read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": page('<img src="a.png" alt="A lamp"/>')}))


def test_blocks_of_a_page_join_to_all_of_its_text(tmp_path: Path) -> None:
    one = page(
        "<h1>One</h1>loose <b>text</b><ul><li>a</li><li>b <p>c</p></li></ul>"
        "<table><tr><td>d</td><td>e</td></tr></table>"
    )
    book = read_book(make_epub(tmp_path / "b.epub", {"one.xhtml": one}))
    assert [shown(book, block) for block in book.blocks()] == ["One", "loose text", "a", "b", "c", "d e"]
