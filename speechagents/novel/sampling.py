"""Which stretch of a book its retail sample is.

Owns the choice. Shops want one to five minutes that begin with narration or dialogue, without credits and without
music (ACX, "Audio Submission Requirements"). It is made from the lines alone, so the same book has the same sample
for ever. Does not know how the sample becomes sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from speechagents.drama import Line, Scene, role_key
from speechagents.novel.narration import Narration
from speechagents.novel.printed import Printed, printed_chapters
from speechagents.production.readalong.chapter import Print
from speechagents.production.timeline import PlacedLine, PlacedScene

LONGEST_S: Final = 240.0
"""Speech of a sample. Shops allow 300 s: room is left for its head and tail, and for other gaps than in the chapter."""
SHORTEST_S: Final = 62.0
GOOD_S: Final = 120.0
"""From this length on, and with somebody beside the narrator, a chapter is taken without looking further."""

TITLE: Final = "Sample"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Lines from the beginning of a chapter."""

    lines: tuple[Line, ...]
    duration_s: float

    @property
    def roles(self) -> int:
        return len({role_key(line.role) for line in self.lines})


def choose_sample(narration: Narration, placed: Iterable[PlacedScene]) -> Scene | None:
    """The lines of the retail sample: whole paragraphs from the beginning of a chapter, its heading left out.

    It is the first chapter that has two minutes and more than one voice; failing that the first with two minutes, then
    the one that has most. Dedications and mottos are too short to be taken. In a book of very short chapters it goes
    on from the first into those that follow.

    Args:
        narration: The book.
        placed: When the lines of each of the narration's chapters are heard, in order.

    Returns:
        A scene of its own; None if there is not a minute of speech.
    """
    best: _Stretch | None = None
    joined = _Stretch((), 0.0)
    for chapter, scene in zip(printed_chapters(narration), placed, strict=False):
        if chapter.credits:
            continue
        stretch = _beginning(chapter, scene)
        joined = _going_on(joined, stretch, scene)
        if stretch is None or stretch.duration_s < SHORTEST_S:
            continue
        if stretch.duration_s >= GOOD_S and stretch.roles > 1:
            best = stretch
            break
        if best is None or (best.duration_s < GOOD_S and stretch.duration_s > best.duration_s):
            best = stretch
    if best is None:
        best = joined
    if best.duration_s < SHORTEST_S:
        return None
    first, *rest = best.lines
    # What came before it is not heard, so it neither waits for it nor goes on from it.
    return Scene(TITLE, items=(replace(first, pause_s=0.0, continues=False, simultaneous=False), *rest))


def _beginning(chapter: Printed, scene: PlacedScene) -> _Stretch | None:
    """As many whole paragraphs as there is room for; of a paragraph that is longer than that, as many lines."""
    heard = {placed.line.number: placed for placed in scene.lines}
    kept: list[PlacedLine] = []
    for paragraph in _paragraphs(chapter):
        lines = [heard[number] for number in paragraph if number in heard]
        if not lines:
            continue
        start_s = kept[0].start_s if kept else lines[0].start_s
        if lines[-1].end_s - start_s <= LONGEST_S:
            kept += lines
            continue
        if not kept or kept[-1].end_s - start_s < SHORTEST_S:
            kept += _fitting(lines, start_s)
        break
    if not kept:
        return None
    return _Stretch(tuple(placed.line for placed in kept), kept[-1].end_s - kept[0].start_s)


def _going_on(joined: _Stretch, stretch: _Stretch | None, scene: PlacedScene) -> _Stretch:
    """What chapters have together from the first one on, headings of all but the first included, until it is enough."""
    if not joined.lines:
        return stretch or joined
    if joined.duration_s >= GOOD_S:
        return joined
    lines = list(_fitting(scene.lines, scene.start_s - joined.duration_s))
    if not lines:
        return joined
    return _Stretch(
        joined.lines + tuple(placed.line for placed in lines), joined.duration_s + lines[-1].end_s - scene.start_s
    )


def _fitting(lines: Sequence[PlacedLine], start_s: float) -> Iterator[PlacedLine]:
    for placed in lines:
        if placed.end_s - start_s > LONGEST_S:
            return
        yield placed


def _paragraphs(chapter: Printed) -> Iterator[list[int]]:
    """Numbers of the lines of each paragraph, headings left out."""
    for passage in chapter.passages:
        if passage.kind in {Print.PARAGRAPH, Print.VERSE}:
            yield list(dict.fromkeys(run.line for run in passage.runs if run.line))
