"""Word documents become books; what Word shows outside the text is not read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from speechagents.books.notes import Notes
from speechagents.books.reading import read_book
from speechagents.errors import ScriptError
from tests.books.building import cuts, kinds, skipped, spoken, titles

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def make(path: Path, body: str, *, notes: str = "", styles: str = "") -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", f"<w:document {W}><w:body>{body}</w:body></w:document>")
        if notes:
            archive.writestr("word/footnotes.xml", f"<w:footnotes {W}>{notes}</w:footnotes>")
        archive.writestr("word/styles.xml", f"<w:styles {W}>{styles}</w:styles>")
        archive.writestr("word/header1.xml", f"<w:hdr {W}><w:p><w:r><w:t>HEADER 12</w:t></w:r></w:p></w:hdr>")
    return path


def paragraph(*runs: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    text = "".join(run if run.startswith("<") else f"<w:r><w:t>{run}</w:t></w:r>" for run in runs)
    return f"<w:p>{properties}{text}</w:p>"


def test_headings_by_style_by_name_and_by_level(tmp_path: Path) -> None:
    styles = (
        '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
        '<w:style w:styleId="Own"><w:name w:val="My Chapter"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
    )
    body = (
        paragraph("One", style="berschrift1") + paragraph("It rained.")
        + paragraph("Two", style="Own") + paragraph("It ", "stopped.")
        + '<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><w:t>Three</w:t></w:r></w:p>' + paragraph("End.")
    )  # fmt: skip
    book = read_book(make(tmp_path / "b.docx", body, styles=styles))
    assert titles(book) == [(1, "One"), (1, "Two"), (1, "Three")]
    assert spoken(book) == ["One", "It rained.", "Two", "It stopped.", "Three", "End."]


def test_chapters_that_are_only_set_bold_are_found(tmp_path: Path) -> None:
    body = "".join(
        paragraph(text) for text in ("PART ONE", "Chapter 1", "It rained.", "Chapter 2: The Calm", "It stopped.")
    )
    assert titles(read_book(make(tmp_path / "b.docx", body))) == [
        (2, "Part One. Chapter 1"),
        (2, "Chapter 2: The Calm"),
    ]
    body = paragraph("It rained.") + paragraph("Chapter 2 is better.") + paragraph("Chapter 3 is worse.")
    assert titles(read_book(make(tmp_path / "b.docx", body))) == [(1, "")]


def test_notes_stand_behind_their_paragraph(tmp_path: Path) -> None:
    body = paragraph("It rained.", '<w:r><w:footnoteReference w:id="2"/></w:r>', " Hard.") + paragraph("End.")
    notes = f'<w:footnote w:id="0" w:type="separator">{paragraph("x")}</w:footnote>'
    notes += f'<w:footnote w:id="2">{paragraph("As always.")}</w:footnote>'
    path = make(tmp_path / "b.docx", body, notes=notes)
    assert spoken(read_book(path)) == ["It rained. Hard.", "End."]
    assert skipped(read_book(path)) == [("footnote", "As always.")]
    assert spoken(read_book(path, Notes.READ)) == ["It rained. Hard.", "As always.", "End."]


def test_deleted_hidden_and_field_text_is_not_spoken_and_inserted_text_is(tmp_path: Path) -> None:
    body = paragraph(
        "It ",
        "<w:del><w:r><w:delText>snowed</w:delText></w:r></w:del>",
        "<w:ins><w:r><w:t>rained</w:t></w:r></w:ins>",
        "<w:r><w:instrText>PAGE</w:instrText></w:r>",
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>",
        "<w:r><w:br/><w:t>all</w:t><w:tab/><w:t>day.</w:t></w:r>",
        "<w:ruby><w:rt><w:r><w:t>x</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>Y</w:t></w:r></w:rubyBase></w:ruby>",
    )
    book = read_book(make(tmp_path / "b.docx", body))
    assert spoken(book) == ["It rained all day.Y"]
    assert cuts(book) == [("hidden", "secret"), ("reading of a character", "x")]


def test_contents_are_skipped_and_empty_paragraphs_are_breaks(tmp_path: Path) -> None:
    toc = (
        '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>'
        f"<w:sdtContent>{paragraph('One 1')}</w:sdtContent></w:sdt>"
    )
    styles = '<w:style w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>'
    body = (
        toc
        + paragraph("Two 2", style="TOC1")
        + "".join(paragraph(f"It rained {n}.") for n in range(6))
        + "<w:p/>"
        + paragraph("End.")
    )
    book = read_book(make(tmp_path / "b.docx", body, styles=styles))
    assert skipped(book) == [("contents", "One 1"), ("contents", "Two 2")]
    assert kinds(book)[-2:] == ["scene_break", "paragraph"]


@pytest.mark.parametrize(
    ("body", "message"), [("<w:p>", r"word/document\.xml in it is broken XML"), ("", "there is no text in it")]
)
def test_what_cannot_be_read_is_named(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(ScriptError, match=rf"b\.docx: .*{message}"):
        read_book(make(tmp_path / "b.docx", body))
