"""Finished chapters become what listeners get: one file with all chapters, a file for each chapter, and texts.

Owns names of the files of a book and the way from kept chapters to them. Sound is copied packet by packet and never
encoded again; the timeline is read chapter by chapter, so a long book needs no more memory than a short one. Does not
know how chapters are made (`chapter_press`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, overload

from speechagents.drama import Scene
from speechagents.errors import SettingsError, StorageError
from speechagents.production.chapter_press import CHAPTER_GRID
from speechagents.production.chapter_store import ChapterPlan, ChapterStore
from speechagents.production.codecs import AAC, AAC_NARRATION
from speechagents.production.containers.mp3 import Mp3File
from speechagents.production.containers.mp4 import M4bFile
from speechagents.production.containers.packets import mp3_music, mp4_packets
from speechagents.production.exports import FORMATS, Exported, ExportProgress, TextFormat, TextSource, file_name
from speechagents.production.gate import GateReport
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.sound_files import AudioFormat, new_file
from speechagents.production.storage import storage_errors, temporary_beside
from speechagents.production.tags import Chapter, Label, Tags, one_line
from speechagents.production.timeline import PlacedScene, Timeline

READ_ALONG: Final = "epub"
"""The format of a book with its text beside its sound."""

SAMPLE: Final = "sample"
"""The retail sample, an MP3 file."""

SHOP_FORMATS: Final = (READ_ALONG, SAMPLE)
"""What books alone have, besides the formats of all programmes."""

WHOLE: Final = "m4b"
"""The format that holds a whole book in one file; every other format of sound has a file for each chapter."""


@dataclass(frozen=True, slots=True)
class BoundChapter:
    """A finished chapter at its place in the book.

    Attributes:
        index: 0-based place in the programme.
        title: As listeners see it.
        key: Its name in the store.
        start_s: Where it begins in the file of the whole book.
        frames: Its length.
    """

    index: int
    title: str
    key: str
    start_s: float
    frames: int

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return self.frames / PROGRAMME_HZ

    @property
    def end_s(self) -> float:
        """Where the next one begins."""
        return self.start_s + self.duration_s


class BoundScenes(Sequence[PlacedScene]):
    """The timeline of a book, read from disk chapter by chapter.

    Args:
        store: Where the chapters are kept.
        scenes: What they were made from.
        chapters: In order, one for each scene.
    """

    def __init__(self, store: ChapterStore, scenes: Sequence[Scene], chapters: Sequence[BoundChapter]) -> None:
        self._store = store
        self._scenes = scenes
        self._chapters = chapters

    def __len__(self) -> int:
        return len(self._chapters)

    @overload
    def __getitem__(self, index: int) -> PlacedScene: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[PlacedScene]: ...
    def __getitem__(self, index: int | slice) -> PlacedScene | Sequence[PlacedScene]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        chapter = self._chapters[index]
        return self.plan(chapter).placed(self._scenes[chapter.index], start_s=chapter.start_s)

    def plan(self, chapter: BoundChapter) -> ChapterPlan:
        """When the lines of a chapter are heard.

        Raises:
            StorageError: The file that says it is gone.
        """
        plan = self._store.plan(chapter.key, len(self._scenes[chapter.index].lines))
        if plan is None:
            raise StorageError(f"chapter {chapter.index + 1}: what was kept of it is gone; run the same command again")
        return plan


@dataclass(frozen=True, slots=True)
class Binding:
    """What files of a book are made from.

    Attributes:
        store: Where finished chapters are kept.
        out: Folder of the files.
        tags: Of the whole book.
        cover: JPEG.
        parts: How many chapters there are.
    """

    store: ChapterStore
    out: Path
    tags: Tags
    cover: bytes
    parts: int

    def chapter_label(self, index: int, title: str) -> Label:
        """What the file of a chapter says about itself."""
        return Label(
            self.tags.of_part(one_line(title) or f"Chapter {index + 1}", index + 1, self.parts), (), self.cover
        )

    def chapter_path(self, name: str, index: int) -> Path:
        """The file of a chapter in a format."""
        width = max(3, len(str(self.parts)))
        return self.out / f"chapter-{index + 1:0{width}}.{FORMATS[name].suffix}"

    def chapter_file(self, name: str, chapter: BoundChapter, kept: str) -> Exported:
        """Write the file of one chapter in one format.

        Args:
            name: Of the format.
            chapter: The chapter.
            kept: Suffix of its sound in the store.

        Raises:
            StorageError: The disk is full or read-only, or what was kept is gone.
        """
        path = self.chapter_path(name, chapter.index)
        report = self.store.report(chapter.key, kept)
        source = self.store.sound(chapter.key, kept)
        if name == "mp3":
            self.mp3_file(path, source, chapter.frames, self.chapter_label(chapter.index, chapter.title))
        else:
            _link(source, path)
        return Exported(name, path, path.stat().st_size, _named(report, path), chapter.index + 1)

    def mp3_file(self, path: Path, source: Path, frames: int, label: Label) -> None:
        """Write kept sound as a file that says what it is.

        Args:
            path: The file.
            source: The sound as it is kept.
            frames: Its length.
            label: What the file says.

        Raises:
            StorageError: The disk is full or read-only, or what was kept is gone.
        """
        with new_file(path) as file:
            mp3 = Mp3File(file, frames=frames, label=label)
            for piece in mp3_music(source):
                with storage_errors(path):
                    mp3.write([piece])
            with storage_errors(path):
                mp3.finish()

    def whole_file(self, chapters: Sequence[BoundChapter]) -> Iterator[ExportProgress | Exported]:
        """Lay the chapters end to end in one file.

        Raises:
            StorageError: The disk is full or read-only, or what was kept is gone.
        """
        path = self.out / file_name(WHOLE)
        frames = sum(chapter.frames for chapter in chapters)
        marks = tuple(
            Chapter(one_line(one.title) or f"Chapter {one.index + 1}", one.start_s, one.end_s) for one in chapters
        )
        with new_file(path) as file:
            book = M4bFile(file, frames=frames, label=Label(self.tags, marks, self.cover))
            for chapter in chapters:
                # A file of its own ends with a packet that lets the last frames out; here the next chapter does that.
                packets = chapter.frames // CHAPTER_GRID
                if chapter is chapters[-1]:
                    packets = AAC.packets_of(chapter.frames)
                for some in mp4_packets(self.store.sound(chapter.key, WHOLE), packets):
                    with storage_errors(path):
                        book.write(some)
                yield ExportProgress(WHOLE, chapter.end_s, frames / PROGRAMME_HZ)
            with storage_errors(path):
                book.finish()
        yield Exported(WHOLE, path, path.stat().st_size)

    def text_file(self, name: str, timeline: Timeline, media: str) -> Exported:
        """Write a text of the whole book.

        Args:
            name: Of the format.
            timeline: Who speaks when.
            media: File that an editor should open with it, relative to the folder; empty if there is none.
        """
        form = FORMATS[name]
        assert isinstance(form, TextFormat)  # noqa: S101 - whoever calls has looked
        path = self.out / file_name(name)
        with new_file(path) as file:
            for piece in form.write(TextSource(timeline, self.tags, media)):
                file.write(piece.encode("utf-8", "replace"))
        return Exported(name, path, path.stat().st_size)


def sound_formats(names: Sequence[str]) -> Mapping[str, AudioFormat]:
    """Those formats of a list that are sound, as narration is encoded in them."""
    sounds = {name: form for name in names if isinstance(form := FORMATS.get(name), AudioFormat)}
    return {name: replace(form, codec=AAC_NARRATION) if form.codec is AAC else form for name, form in sounds.items()}


def check_book_formats(names: Sequence[str]) -> tuple[str, ...]:
    """The formats asked for, each once, in order.

    Raises:
        SettingsError: One is unknown.
    """
    for name in names:
        if name not in FORMATS and name not in SHOP_FORMATS:
            raise SettingsError(f"unknown format {name!r}; choose from {', '.join((*FORMATS, *SHOP_FORMATS))}")
    return tuple(dict.fromkeys(names))


def _named(report: GateReport | None, path: Path) -> GateReport | None:
    return replace(report, file=path.name) if report else None


def _link(source: Path, path: Path) -> None:
    """Give a kept file a second name, or copy it where the disk knows no second names."""
    temporary = temporary_beside(path)
    with storage_errors(path):
        try:
            with suppress(OSError):
                os.link(source, temporary)
            if not temporary.exists():
                shutil.copyfile(source, temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
