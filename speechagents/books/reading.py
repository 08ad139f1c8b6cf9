"""A file of any kind becomes a `Book`.

Owns what every file is checked for and how its kind is told by its content, whatever it is called:

1. ``%PDF`` near its beginning: PDF.
2. A zip archive with a Word document in it is DOCX, any other one EPUB.
3. JSON of this package's own form: a book that was read before.
4. Text that begins as HTML or XHTML does.
5. Markdown, if it is called so, or has headings or notes as only Markdown writes them and is not called ``.txt``.
6. Plain text.

Does not know how a kind is read.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

from speechagents.books.book import Book
from speechagents.books.book_json import FORMAT, book_from_json
from speechagents.books.decoding import decode
from speechagents.books.notes import Notes
from speechagents.books.text import Plain, read_text
from speechagents.errors import ScriptError

MAX_TEXT_BYTES: Final = 80 * 1024**2
"""Largest text, page or JSON file."""
MAX_PACKED_BYTES: Final = 500 * 1024**2
"""Largest EPUB, DOCX or PDF: some are full of pictures."""

_PDF_WITHIN: Final = 1_024
_REMEDY: Final = "export the book as EPUB, DOCX, HTML, Markdown or plain text"
_MAGIC: Final = (
    (b"\xd0\xcf\x11\xe0", "an old Word document (DOC)"),
    (b"{\\rtf", "an RTF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"RIFF", "a sound or film (RIFF)"),
    (b"ID3", "a sound (MP3)"),
    (b"OggS", "a sound (Ogg)"),
    (b"fLaC", "a sound (FLAC)"),
)
_KINDLE: Final = (b"BOOKMOBI", b"TEXtREAd")
_HTML: Final = re.compile(
    r"\s*(?:<\?xml\b[^>]*>\s*)?(?:<!--.{0,4000}?-->\s*)*<(?:!doctype\s+html|html|head|body|meta|title|link|h[1-6]|p|div|section|article|main|center)\b",
    re.IGNORECASE | re.DOTALL,
)
_MARKDOWN_SUFFIXES: Final = (".md", ".markdown", ".mdown", ".mkd")


def read_book(path: Path, notes: Notes = Notes.SKIP) -> Book:
    """Read a book of any kind: EPUB, DOCX, PDF, HTML, Markdown, plain text.

    For plain text `Book.text` is the file as decoded, newlines untouched, so that offsets into it are offsets into
    the file; a byte order mark counts as a character.

    Args:
        path: Where it lies.
        notes: Whether footnotes and endnotes are voiced.

    Raises:
        ScriptError: It cannot be opened, is of no kind that is read, too large, broken, protected, or has nothing to
            read. The message names file, line and remedy.
    """
    source = path.name
    try:
        with path.open("rb") as file:
            head = file.read(4_096)
            size = path.stat().st_size
    except IsADirectoryError:
        raise ScriptError("a folder, not a book; name the file in it", source=source) from None
    except FileNotFoundError:
        raise ScriptError(f"no such file: {path}; check its name", source=source) from None
    except OSError as error:
        raise ScriptError(f"cannot be read ({error.strerror or error}); check its permissions", source=source) from None
    if not head.strip():
        raise ScriptError("empty; is it the right file?", source=source)
    packed = head.startswith(b"PK\x03\x04") or b"%PDF-" in head[:_PDF_WITHIN]
    limit = MAX_PACKED_BYTES if packed else MAX_TEXT_BYTES
    if size > limit:
        raise ScriptError(f"larger than {limit // 1024**2} MB; {_REMEDY}, or split it", source=source)
    if b"%PDF-" in head[:_PDF_WITHIN]:
        from speechagents.books.pdf import read_pdf

        return read_pdf(path, notes)
    if packed:
        return _read_archive(path, notes)
    for magic, name in _MAGIC:
        if head.startswith(magic):
            raise ScriptError(f"{name}; {_REMEDY}", source=source)
    if head[60:68] in _KINDLE:
        raise ScriptError(f"a Kindle book (MOBI or AZW); {_REMEDY}", source=source)
    return _read_plain(path, notes)


def _read_archive(path: Path, notes: Notes) -> Book:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ScriptError(f"a broken archive ({error}); download or export it again", source=path.name) from None
    if "word/document.xml" in names:
        from speechagents.books.docx import read_docx

        return read_docx(path, notes)
    if "content.xml" in names and "META-INF/container.xml" not in names:
        raise ScriptError(f"an OpenDocument text (ODT); {_REMEDY}", source=path.name)
    from speechagents.books.epub import read_epub

    return read_epub(path, notes)


def _read_plain(path: Path, notes: Notes) -> Book:
    source = path.name
    data = path.read_bytes()
    text, warning = decode(data, source)
    warnings = (warning,) if warning else ()
    head = text[:8_000].removeprefix("\ufeff")
    if head.lstrip().startswith("{") and f'"{FORMAT}"' in head:
        return book_from_json(text, source=source)
    if "\0" in head:
        raise ScriptError(f"binary data, no text; {_REMEDY}", source=source)
    if _HTML.match(head):
        from speechagents.books.html import read_html

        return read_html(data, source, notes)
    suffix = path.suffix.lower()
    if suffix != ".txt":
        from speechagents.books.markdown import looks_like_markdown, read_markdown

        if suffix in _MARKDOWN_SUFFIXES or looks_like_markdown(text):
            return read_markdown(text, source, notes, warnings)
    return read_text(Plain(text, source, warnings=warnings), notes)
