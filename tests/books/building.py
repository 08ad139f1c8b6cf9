"""Small books that tests are made of."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from speechagents.books.book import Block, BlockKind, Book

SAMPLES = Path(__file__).parent / "samples"

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""

PNG = b"\x89PNG\r\n\x1a\n" + b"cover"


def page(body: str, *, lang: str = "", head: str = "") -> str:
    """A page of XHTML."""
    attributes = f' xml:lang="{lang}"' if lang else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"{attributes}><head><title>x</title>{head}</head>'
        f"<body>{body}</body></html>"
    )


def nav(entries: str) -> str:
    """A navigation document of EPUB 3 with an ordered list."""
    return page(f'<nav epub:type="toc"><ol>{entries}</ol></nav>')


def ncx(points: str) -> str:
    """A table of contents of EPUB 2."""
    return f'<?xml version="1.0"?><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'


def make_epub(
    path: Path,
    pages: Mapping[str, str | bytes],
    *,
    metadata: str = "<dc:title>A Book</dc:title><dc:creator>Ann Author</dc:creator><dc:language>en</dc:language>",
    spine: Sequence[str] = (),
    manifest: str = "",
    guide: str = "",
    files: Mapping[str, str | bytes] | None = None,
) -> Path:
    """An EPUB whose pages stand in the reading order in which they are given.

    Args:
        path: Where it goes.
        pages: Content by name; ``nav.xhtml`` and ``toc.ncx`` are listed as what they are, and not read.
        metadata: Of the package.
        spine: Items of the reading order as XML, instead of all pages.
        manifest: More items.
        guide: References.
        files: Further entries of the archive, by their full names.
    """
    items, refs = [], []
    for name in pages:
        kind, extra = "application/xhtml+xml", ""
        if name == "nav.xhtml":
            extra = ' properties="nav"'
        elif name == "toc.ncx":
            kind = "application/x-dtbncx+xml"
        else:
            refs.append(f'<itemref idref="{name}"/>')
        items.append(f'<item id="{name}" href="{name}" media-type="{kind}"{extra}/>')
    opf = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:opf="http://www.idpf.org/2007/opf">{metadata}'
        f"</metadata><manifest>{''.join(items)}{manifest}</manifest><spine>{''.join(spine or refs)}</spine>"
        f"<guide>{guide}</guide></package>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/book.opf", opf)
        for name, content in pages.items():
            archive.writestr(f"OEBPS/{name}", content)
        for name, content in (files or {}).items():
            archive.writestr(name, content)
    return path


def shown(book: Book, block: Block) -> str:
    """A block's text with white space collapsed, cuts included."""
    return " ".join(book.text[block.start : block.end].split())


def spoken(book: Book) -> list[str]:
    """What is said of a book, heading by heading and paragraph by paragraph."""
    return [
        book.spoken(block, block.start, block.end)
        for block in book.blocks()
        if block.kind in (BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.VERSE)
    ]


def skipped(book: Book) -> list[tuple[str, str]]:
    """What is skipped, with the reason."""
    return [(block.reason, shown(book, block)) for block in book.blocks() if block.kind is BlockKind.SKIPPED]


def cuts(book: Book) -> list[tuple[str, str]]:
    """What is cut, with the reason."""
    return [(cut.reason, book.text[cut.start : cut.end]) for block in book.blocks() for cut in block.cuts]


def kinds(book: Book) -> list[str]:
    """The kind of each block."""
    return [block.kind.value for block in book.blocks()]


def titles(book: Book) -> list[tuple[int, str]]:
    """Level and title of each chapter."""
    return [(chapter.level, chapter.title) for chapter in book.chapters]
