"""What shops and readers want beside a book's sound: its retail sample, its gate report, a read-along edition.

Owns how these are made from finished chapters. Does not know how chapters are made (`production.chapter_press`), which
lines a sample has (`novel.sampling`) or how an EPUB is written (`production.readalong`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from speechagents.events import Event, Exported, Warned
from speechagents.novel.narration import Narration
from speechagents.novel.printed import Recorded, read_along
from speechagents.novel.sampling import choose_sample
from speechagents.production.binding import READ_ALONG, SAMPLE, WHOLE, Binding, BoundChapter, BoundScenes
from speechagents.production.chapter_press import Press, Pressed, press_chapter
from speechagents.production.exports import FORMATS, file_name
from speechagents.production.gate import GateReport
from speechagents.production.gates import FILE_NAME, GateSummary, write_gates
from speechagents.production.lanes import Done, run
from speechagents.production.readalong.chapter import AboutBook
from speechagents.production.readalong.epub import write_readalong
from speechagents.production.sound_files import AudioFormat
from speechagents.production.tags import Label

SOUND: Final = "mp3"
"""Format of the sample, and of the sound in a read-along edition."""

SAMPLE_NAME: Final = "sample.mp3"
READ_ALONG_NAME: Final = "read-along.epub"


def kept_formats(names: Sequence[str]) -> tuple[str, ...]:
    """Formats of sound that chapters must be kept in for the files asked for."""
    return tuple(dict.fromkeys((*names, *((SOUND,) if READ_ALONG in names else ()))))


@dataclass(slots=True)
class Shop:
    """Makes what a book is sold with.

    Attributes:
        narration: The book as it was read.
        binding: Its files.
        press: That pressed its chapters.
        chapters: All of them, finished.
        scenes: The same with their lines and times.
        jobs: Threads.
        sample_key: Name of the sample in the store once it is made.
    """

    narration: Narration
    binding: Binding
    press: Press
    chapters: Sequence[BoundChapter]
    scenes: BoundScenes
    jobs: int
    sample_key: str = ""

    def sample(self) -> Iterator[Event]:
        """Press the sample like a chapter of its own: all of its takes are there already."""
        scene = choose_sample(self.narration, self.scenes)
        if scene is None:
            yield Warned("there is no sample: it would be shorter than a minute")
            return
        form = FORMATS[SOUND]
        assert isinstance(form, AudioFormat)  # noqa: S101 - MP3 is sound
        press = replace(self.press, formats={form.suffix: form}, proof=None)
        done = run({SAMPLE: press_chapter(press, scene, name=SAMPLE)}, threads=self.jobs)
        (pressed,) = (event.result for event in done if isinstance(event, Done))
        assert isinstance(pressed, Pressed)  # noqa: S101 - what the job returns
        self.sample_key = pressed.key
        path = self.binding.out / SAMPLE_NAME
        tags = self.binding.tags
        label = Label(replace(tags, title=f"{tags.title}: sample", album=tags.whole), (), self.binding.cover)
        source = self.binding.store.sound(pressed.key, form.suffix)
        self.binding.mp3_file(path, source, pressed.frames, label)
        report = self.binding.store.report(pressed.key, form.suffix)
        yield Exported(SAMPLE, path, path.stat().st_size, replace(report, file=path.name) if report else None)

    def read_along(self) -> Iterator[Event]:
        """Write the read-along edition."""
        path = self.binding.out / READ_ALONG_NAME
        book, tags, store = self.narration.book, self.binding.tags, self.binding.store
        about = AboutBook(
            title=tags.title,
            authors=book.authors,
            language=self.narration.language,
            identifier=book.identifier,
            narrators=(tags.narrator,) if tags.narrator else (),
            synthetic=tags.synthetic,
            cover=self.binding.cover,
        )
        recorded = (
            Recorded(store.sound(chapter.key, SOUND), scene)
            for chapter, scene in zip(self.chapters, self.scenes, strict=True)
        )
        write_readalong(path, about, read_along(self.narration, recorded))
        yield Exported(READ_ALONG, path, path.stat().st_size)

    def gates(self, formats: Sequence[str], sample: GateReport | None) -> GateSummary:
        """Write what every file measures.

        Args:
            formats: Formats of sound that the book was asked for in.
            sample: What the sample measures, if there is one.
        """
        return write_gates(self.binding.out / FILE_NAME, self._reports(formats, sample))

    def _reports(self, formats: Sequence[str], sample: GateReport | None) -> Iterator[GateReport]:
        for chapter in self.chapters:
            for name in formats:
                report = self.binding.store.report(chapter.key, FORMATS[name].suffix)
                if report is not None:
                    yield replace(report, file=self._file(name, chapter).name)
        if sample is not None:
            yield sample

    def _file(self, name: str, chapter: BoundChapter) -> Path:
        if name == WHOLE:
            # Each chapter is measured as it lies in the one file.
            return Path(f"{file_name(WHOLE)}, chapter {chapter.index + 1}")
        return self.binding.chapter_path(name, chapter.index)
