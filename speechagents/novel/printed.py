"""A narrated book as it is printed beside its sound: the text of each chapter, with the line that says each stretch.

Owns what of the book is shown: everything that is read and what stands between it, and notes that are not read; nothing
of what reading apps have a place of their own for (page numbers, contents), nor marks that refer to it. Does not know
how a read-along book is written (`production.readalong`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from speechagents.books.book import Block, BlockKind
from speechagents.novel.ledger import LedgerEntry, LedgerKind
from speechagents.novel.narration import Narration
from speechagents.production.readalong.chapter import Clip, Passage, Print, ReadAlongChapter, Run
from speechagents.production.timeline import PlacedScene
from speechagents.pronunciation.respelling import shown

_PRINTS: Final = {
    BlockKind.HEADING: Print.HEADING,
    BlockKind.PARAGRAPH: Print.PARAGRAPH,
    BlockKind.VERSE: Print.VERSE,
    BlockKind.SCENE_BREAK: Print.BREAK,
}
_NOTE: Final = "note"
"""In the reason of a skipped block: it is a footnote, an endnote, an editor's note."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A chapter of a narration as it was recorded.

    Attributes:
        audio: The file of its sound.
        scene: Its lines with their times; the file begins where the scene does.
    """

    audio: Path
    scene: PlacedScene


@dataclass(frozen=True, slots=True)
class Printed:
    """A chapter as it is printed.

    Attributes:
        title: Its title.
        passages: Its text.
        credits: It is no chapter of the book, but its credits.
    """

    title: str
    passages: tuple[Passage, ...]
    credits: bool


def read_along(narration: Narration, recorded: Iterable[Recorded]) -> Iterator[ReadAlongChapter]:
    """The chapters of a narrated book with their text and sound, made one by one.

    Args:
        narration: The book.
        recorded: One for each of the narration's chapters, in order.
    """
    for chapter, sound in zip(printed_chapters(narration), recorded, strict=True):
        scene = sound.scene
        yield ReadAlongChapter(
            title=chapter.title,
            passages=chapter.passages,
            audio=sound.audio,
            duration_s=scene.end_s - scene.start_s,
            clips={
                placed.line.number: Clip(placed.start_s - scene.start_s, placed.end_s - scene.start_s)
                for placed in scene.lines
            },
            credits=chapter.credits,
        )


def printed_chapters(narration: Narration) -> Iterator[Printed]:
    """Every chapter of a narration as it is printed, in order; the book is gone through once."""
    blocks = _Entries(narration)
    for index, chapter in enumerate(narration.chapters):
        if chapter.number == 0:
            lines = narration.scene(index).lines
            passages = tuple(Passage(Print.PARAGRAPH, (Run(shown(line.text), line.number),)) for line in lines)
        else:
            found = (
                _passage(narration, block, entries) for block, entries in blocks.within(chapter.start, chapter.end)
            )
            passages = tuple(passage for passage in found if passage is not None)
        yield Printed(chapter.title, passages, credits=chapter.number == 0)


class _Entries:
    """The blocks of a book with what became of their text, read from front to back."""

    def __init__(self, narration: Narration) -> None:
        self._blocks = self._joined(narration)
        self._next = next(self._blocks, None)

    def within(self, start: int, end: int) -> Iterator[tuple[Block, list[LedgerEntry]]]:
        """Blocks that begin in a stretch; those before it are passed over."""
        while self._next is not None and self._next[0].start < end:
            block, entries = self._next
            self._next = next(self._blocks, None)
            if block.start >= start:
                yield block, entries

    @staticmethod
    def _joined(narration: Narration) -> Iterator[tuple[Block, list[LedgerEntry]]]:
        ledger = narration.ledger()
        held = next(ledger, None)
        for block in narration.book.blocks():
            entries = []
            while held is not None and held.start < block.end:
                entries.append(held)
                held = next(ledger, None)
            yield block, entries


def _passage(narration: Narration, block: Block, entries: Iterable[LedgerEntry]) -> Passage | None:
    """A block as it is printed; None if it is not."""
    if block.kind is BlockKind.SKIPPED:
        if _NOTE not in block.reason:
            return None
        return Passage(Print.NOTE, (Run(shown(narration.book.spoken(block, block.start, block.end))),))
    kind = _PRINTS[block.kind]
    if kind is Print.BREAK:
        return Passage(kind)
    printed = [entry for entry in entries if not _is_cut(block, entry)]
    runs = []
    for line, stretch in groupby(printed, key=lambda entry: entry.line):
        parts = list(stretch)
        text = "".join(narration.book.text[entry.start : entry.end] for entry in parts)
        runs.append(Run(shown(text), line, _tongue(block, parts[0])))
    if not any(run.text.strip() for run in runs):
        return None
    return Passage(kind, tuple(runs), max(1, block.level))


def _is_cut(block: Block, entry: LedgerEntry) -> bool:
    """Whether it is something of the printed book that means nothing here: a footnote mark, a hyphen at a line's end.

    What is passed over for other reasons, a dash or a speech tag that the voice makes needless, stays in the text.
    """
    return entry.kind is LedgerKind.SKIPPED and any(cut.start <= entry.start < cut.end for cut in block.cuts)


def _tongue(block: Block, entry: LedgerEntry) -> str:
    """The language of a stretch where it differs from the book's."""
    return next((one.language for one in block.tongues if one.start <= entry.start and entry.end <= one.end), "")
