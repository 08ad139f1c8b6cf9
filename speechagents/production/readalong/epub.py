"""A read-along book as a file: EPUB 3 with Media Overlays.

Owns the archive: what stands in it, in which order and under which names. Chapters are taken one at a time and their
sound is copied in small pieces, so a long book needs no more memory than a short one; the same book gives the same
bytes. Does not know where chapters come from.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from speechagents.errors import SettingsError
from speechagents.production.readalong.chapter import AboutBook, ReadAlongChapter
from speechagents.production.readalong.documents import STYLE, ChapterDocuments
from speechagents.production.readalong.package import CONTAINER, Packed, navigation, package
from speechagents.production.sound_files import new_file
from speechagents.production.storage import storage_errors

MEDIA_TYPES: Final = {"mp3": "audio/mpeg", "m4a": "audio/mp4", "m4b": "audio/mp4", "opus": "audio/ogg; codecs=opus"}
"""Formats of sound that every reading system of EPUB 3.3 plays, by suffix."""

_STYLE_NAME: Final = "style.css"
_COPY_BYTES: Final = 1 << 18
_OLDEST: Final = (1980, 1, 1, 0, 0, 0)
_ZIP64_FROM: Final = (1 << 31) - (1 << 20)
_FILE_MODE: Final = 0o100644 << 16


def write_readalong(path: Path, about: AboutBook, chapters: Iterable[ReadAlongChapter]) -> None:
    """Write a read-along book; it gets its name when it is complete.

    Args:
        path: The file.
        about: What it says about itself.
        chapters: In order, at least one; each is asked for when the one before is written.

    Raises:
        SettingsError: A chapter's sound is in a format that EPUB does not know.
        StorageError: The disk is full or read-only, or a file of sound is gone.
    """
    with new_file(path) as file, storage_errors(path), zipfile.ZipFile(file, "w") as archive:
        # The first entry says what the file is, to whoever looks at its first bytes.
        _add(archive, "mimetype", ["application/epub+zip"], packed=False)
        _add(archive, "META-INF/container.xml", [CONTAINER])
        _add(archive, f"EPUB/{_STYLE_NAME}", [STYLE])
        if about.cover:
            _add_bytes(archive, "EPUB/cover.jpg", about.cover)
        packed = [_chapter(archive, about, chapter, number) for number, chapter in enumerate(chapters, 1)]
        _add(archive, "EPUB/nav.xhtml", navigation(about, packed, style=_STYLE_NAME))
        _add(archive, "EPUB/package.opf", package(about, packed))


def _chapter(archive: zipfile.ZipFile, about: AboutBook, chapter: ReadAlongChapter, number: int) -> Packed:
    name = f"chapter-{number:03}"
    suffix = chapter.audio.suffix.lower().lstrip(".")
    if suffix not in MEDIA_TYPES:
        raise SettingsError(f"{chapter.audio}: EPUB knows no sound of this kind; use {', '.join(MEDIA_TYPES)}")
    documents = ChapterDocuments(chapter, name=name, language=about.language, style=_STYLE_NAME)
    _add(archive, f"EPUB/{name}.xhtml", documents.xhtml())
    if not documents.overlaid:
        return Packed(name, chapter.title, "", "", 0)
    audio = f"audio/{name}.{suffix}"
    _add(archive, f"EPUB/{name}.smil", documents.smil(audio))
    _copy(archive, f"EPUB/{audio}", chapter.audio)
    return Packed(name, chapter.title, audio, MEDIA_TYPES[suffix], documents.duration_ms)


def _add(archive: zipfile.ZipFile, name: str, pieces: Iterable[str], *, packed: bool = True) -> None:
    with archive.open(_entry(name, packed=packed), "w") as entry:
        for piece in pieces:
            entry.write(piece.encode("utf-8", "replace"))


def _add_bytes(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(_entry(name, packed=False), data)


def _copy(archive: zipfile.ZipFile, name: str, source: Path) -> None:
    """A file of sound as it is: packing would gain nothing."""
    with storage_errors(source):
        size = source.stat().st_size
        with (
            source.open("rb") as file,
            archive.open(_entry(name, packed=False), "w", force_zip64=size > _ZIP64_FROM) as to,
        ):
            shutil.copyfileobj(file, to, _COPY_BYTES)


def _entry(name: str, *, packed: bool) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _OLDEST)
    entry.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    # What would tell of the system it was written on.
    entry.create_system, entry.external_attr = 3, _FILE_MODE
    return entry
