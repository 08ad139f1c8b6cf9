"""The documents around the chapters of a read-along book: package, table of contents, container.

Owns their markup and what the book says about itself, accessibility and synthetic voices included. Does not know the
chapters' own documents (`documents`). Source: EPUB 3.3, EPUB Accessibility 1.1 (W3C); MARC relator codes.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from speechagents.production.readalong.chapter import AboutBook
from speechagents.production.readalong.documents import ACTIVE_CLASS, clock, xml_attribute, xml_text

CONTAINER = """\
<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>
"""

_NAMESPACE = uuid.UUID("6d1fc0b4-2f0e-5c0c-9f4e-6f0a7c1f4a52")
_FIXED_DATE = "2000-01-01"

_DISCLOSURE = "This edition is read by synthetic voices"
_SUMMARY = (
    "The text is divided into chapters with headings, and every line of it is synchronised with its recording by Media "
    "Overlays. There are no pictures but the cover."
)


@dataclass(frozen=True, slots=True)
class Packed:
    """A chapter whose files are in the book.

    Attributes:
        name: Of its documents, without a suffix.
        title: As the table of contents shows it.
        audio: Its sound, relative to the package; empty where nothing of it is heard.
        media_type: Of the sound.
        duration_ms: Length of its overlay.
    """

    name: str
    title: str
    audio: str
    media_type: str
    duration_ms: int


def navigation(about: AboutBook, chapters: Sequence[Packed], *, style: str) -> Iterator[str]:
    """The table of contents, in pieces."""
    language = xml_attribute(about.language)
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" '
        f"lang={language} xml:lang={language}>\n<head>\n<title>{xml_text(about.title)}</title>\n"
        f'<link rel="stylesheet" type="text/css" href={xml_attribute(style)}/>\n</head>\n<body>\n'
        f'<nav epub:type="toc" id="toc" role="doc-toc">\n<h1>{xml_text(about.title)}</h1>\n<ol>\n'
    )
    for chapter in chapters:
        yield f"<li><a href={xml_attribute(f'{chapter.name}.xhtml')}>{xml_text(chapter.title)}</a></li>\n"
    yield "</ol>\n</nav>\n</body>\n</html>\n"


def package(about: AboutBook, chapters: Sequence[Packed]) -> Iterator[str]:
    """The package document, in pieces."""
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id" '
        f"xml:lang={xml_attribute(about.language)}>\n"
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
    )
    yield from _metadata(about, chapters)
    yield '</metadata>\n<manifest>\n<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" '
    yield 'properties="nav"/>\n<item id="style" href="style.css" media-type="text/css"/>\n'
    if about.cover:
        yield '<item id="cover" href="cover.jpg" media-type="image/jpeg" properties="cover-image"/>\n'
    for chapter in chapters:
        name = chapter.name
        overlay = f' media-overlay="{name}-overlay"' if chapter.audio else ""
        yield f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"{overlay}/>\n'
        if chapter.audio:
            yield f'<item id="{name}-overlay" href="{name}.smil" media-type="application/smil+xml"/>\n'
            yield f'<item id="{name}-sound" href="{chapter.audio}" media-type="{chapter.media_type}"/>\n'
    yield "</manifest>\n<spine>\n"
    for chapter in chapters:
        yield f'<itemref idref="{chapter.name}"/>\n'
    yield "</spine>\n</package>\n"


def identifier(about: AboutBook) -> str:
    """The book's own identifier, or one that follows from title, authors and language.

    A read-along edition of a book is not that book: an ISBN names its source, and does not become its identifier.
    """
    source = "\n".join((about.identifier, about.title, *about.authors, about.language))
    return uuid.uuid5(_NAMESPACE, source).urn


def _metadata(about: AboutBook, chapters: Sequence[Packed]) -> Iterator[str]:
    yield f'<dc:identifier id="id">{identifier(about)}</dc:identifier>\n'
    yield f"<dc:title>{xml_text(about.title)}</dc:title>\n"
    yield f"<dc:language>{xml_text(about.language)}</dc:language>\n"
    for number, author in enumerate(filter(str.strip, about.authors), 1):
        yield f'<dc:creator id="author{number}">{xml_text(author)}</dc:creator>\n'
        yield f'<meta refines="#author{number}" property="role" scheme="marc:relators">aut</meta>\n'
    for number, narrator in enumerate(filter(str.strip, about.narrators), 1):
        yield f'<dc:contributor id="narrator{number}">{xml_text(narrator)}</dc:contributor>\n'
        yield f'<meta refines="#narrator{number}" property="role" scheme="marc:relators">nrt</meta>\n'
        yield f'<meta property="media:narrator">{xml_text(narrator)}</meta>\n'
    if about.identifier.strip():
        yield f"<dc:source>{xml_text(about.identifier.strip())}</dc:source>\n"
    if about.synthetic:
        yield f"<dc:description>{_DISCLOSURE}: {xml_text(about.synthetic)}.</dc:description>\n"
        yield f'<meta name="SYNTHETIC_VOICES" content={xml_attribute(about.synthetic)}/>\n'
    date = about.date or _FIXED_DATE
    yield f'<meta property="dcterms:modified">{xml_text(date)}T00:00:00Z</meta>\n'
    if about.cover:
        yield '<meta name="cover" content="cover"/>\n'
    heard = [chapter for chapter in chapters if chapter.audio]
    for chapter in heard:
        yield f'<meta property="media:duration" refines="#{chapter.name}-overlay">{clock(chapter.duration_ms)}</meta>\n'
    if heard:
        yield f'<meta property="media:duration">{clock(sum(chapter.duration_ms for chapter in heard))}</meta>\n'
        yield f'<meta property="media:active-class">{ACTIVE_CLASS}</meta>\n'
    yield from (f'<meta property="schema:{name}">{value}</meta>\n' for name, value in _accessibility(heard=bool(heard)))


def _accessibility(*, heard: bool) -> Iterator[tuple[str, str]]:
    yield "accessMode", "textual"
    yield "accessModeSufficient", "textual"
    if heard:
        yield "accessMode", "auditory"
        yield "accessModeSufficient", "auditory"
        yield "accessibilityFeature", "synchronizedAudioText"
    for feature in ("tableOfContents", "structuralNavigation", "readingOrder", "displayTransformability"):
        yield "accessibilityFeature", feature
    yield "accessibilityHazard", "none"
    yield "accessibilitySummary", _SUMMARY
