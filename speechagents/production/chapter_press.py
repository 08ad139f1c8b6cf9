"""Presses a chapter: its lines are spoken, placed, mastered and encoded, and the finished files are kept.

Owns the order of that work for one chapter, as a job for `lanes.run`, and the name that a finished chapter is kept
under. Chapters know nothing of each other, so any number of them can be in the press at once; what is kept depends on
the chapter alone, so one that was moved or that a killed run has finished is not made again. Does not know where a
chapter stands in its book, nor what becomes of the files (`binding`).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from speechagents.drama import Line, Scene, role_key
from speechagents.production.chapter_store import ChapterPlan, ChapterStore, Place
from speechagents.production.lanes import Job, Lane, Product
from speechagents.production.levelling import level
from speechagents.production.masters import Master
from speechagents.production.programme import PROGRAMME_HZ, Programme
from speechagents.production.reel import Reel, ReelProgramme, Strip
from speechagents.production.rhythm import SceneClock
from speechagents.production.sound_files import AudioFormat, Recording, sound_files_job
from speechagents.production.speaking import Request, render
from speechagents.production.tags import Label, Tags
from speechagents.production.takes import TakeStore
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer, Word

_VERSION: Final = 1
"""Raise it whenever the same lines would give another sound: chapters are kept under it."""

CHAPTER_GRID: Final = 1024
"""Chapters are whole multiples of so many frames: a packet of AAC, so that they can be laid end to end as they are."""

_BATCH_CHARS: Final = 2_000
"""Lines that are spoken by one thread in one go: about two minutes."""


@dataclass(frozen=True, slots=True)
class Press:
    """What chapters are pressed with.

    Attributes:
        synthesizer: The voices.
        takes: Where takes are kept.
        store: Where finished chapters are kept.
        work: Folder for reels.
        spoken_line: A line as its role's voice is asked to speak it.
        written_words: Times of a line's words as they are written, from those that its take names.
        formats: Formats of sound to make, by suffix.
        master: Standard that each chapter meets by itself; None leaves it as it is.
        seed: Of the gaps.
        proof: Proofs lines before any of their chapter is placed, and says how many takes it made; None trusts what is
            spoken. Afterwards all takes are on disk, and `spoken_line` asks for those that were kept.
    """

    synthesizer: Synthesizer
    takes: TakeStore
    store: ChapterStore
    work: Path
    spoken_line: Callable[[Line], SpokenLine]
    written_words: Callable[[Line, tuple[Word, ...]], tuple[Word, ...]]
    formats: Mapping[str, AudioFormat]
    master: Master | None
    seed: int
    proof: Callable[[Sequence[Line]], int] | None = None

    def key(self, scene: Scene) -> str:
        """Name of a chapter: equal exactly when its sound is."""
        identity = self.synthesizer.identity
        lines = [
            [
                Request(line, self.spoken_line(line)).address(identity),
                role_key(line.role),
                line.text,
                line.style.tag,
                round(line.style.strength, 4),
                line.continues,
                round(line.pause_s, 4),
            ]
            for line in scene.lines
        ]
        master = self.master.name if self.master else "none"
        return hashlib.sha256(json.dumps([_VERSION, self.seed, master, lines]).encode()).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Pressed:
    """A chapter that is finished.

    Attributes:
        key: Its name in the store.
        frames: Its length.
        spoken: Takes that were made for it.
        fresh: Whether anything had to be made for it.
        doubts: What is doubtful about fresh takes, for people.
    """

    key: str
    frames: int
    spoken: int = 0
    fresh: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """What became of a line."""

    line: Line
    take: str
    strip: Strip | None
    words: tuple[Word, ...]
    reused: bool
    failed: str = ""


def press_chapter(press: Press, scene: Scene, *, name: str) -> Job[Pressed]:
    """Make what is missing of a chapter; a job for `lanes.run`.

    Args:
        press: With what.
        scene: The chapter.
        name: Of its files in ``work/``; no two chapters in the press at once have the same.

    Raises:
        StorageError: The disk is full or read-only.
    """
    lines = scene.lines
    proofed: list[int] = []
    if press.proof is not None:
        yield Lane(tasks=(partial(_proof, press.proof, batch) for batch in batches(lines)), consume=proofed.append)
    key = press.key(scene)
    plan = press.store.plan(key, len(lines))
    missing = {suffix: form for suffix, form in press.formats.items() if not press.store.has(key, suffix)}
    if plan is not None and plan.complete and not missing:
        return Pressed(key, plan.frames, sum(proofed))
    said: list[_Said] = []
    doubts: list[str] = []
    reels: list[Path] = []
    try:
        yield _speaking_lane(press, lines, name, said, doubts, reels)
        plan, strips = _placed(said, seed=press.seed)
        if not plan.complete:
            missing = dict(press.formats)
        programme = ReelProgramme(strips, plan.frames)
        source: Programme = programme
        gain_db = 0.0
        if press.master is not None:
            mixed = press.work / f"{name}.f32"
            reels.append(mixed)
            levelled = yield from level(programme, press.master, mixed)
            source, gain_db = levelled, levelled.gain_db
        press.store.prepare()
        recording = Recording(source, Label(Tags("")), press.master, gain_db, levelled=True)
        files = [(form, press.store.sound(key, suffix)) for suffix, form in missing.items()]
        reports = yield from sound_files_job(recording, files)
        press.store.save_plan(key, plan)
        for suffix, report in zip(missing, reports, strict=True):
            press.store.save_report(key, suffix, report)
    finally:
        for reel in reels:
            reel.unlink(missing_ok=True)
    spoken = len({one.take for one in said if not one.reused and not one.failed})
    return Pressed(key, plan.frames, spoken + sum(proofed), fresh=True, doubts=tuple(doubts))


def _speaking_lane(
    press: Press, lines: Sequence[Line], name: str, said: list[_Said], doubts: list[str], reels: list[Path]
) -> Lane:
    """Speak all lines, in batches, each onto a reel of its own."""

    def consume(heard: tuple[list[_Said], list[str]]) -> None:
        said.extend(heard[0])
        doubts.extend(heard[1])

    def tasks() -> Iterator[Callable[[], Iterator[Product]]]:
        for number, batch in enumerate(batches(lines)):
            reel = press.work / f"{name}-{number:05}.f32"
            reels.append(reel)
            yield partial(_speak, press, batch, reel)

    return Lane(tasks=tasks(), consume=consume)


def batches(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines in runs that one thread speaks."""
    batch: list[Line] = []
    chars = 0
    for line in lines:
        batch.append(line)
        chars += len(line.text)
        if chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def _proof(proof: Callable[[Sequence[Line]], int], lines: Sequence[Line]) -> Iterator[Product]:
    yield Product(proof(lines), 0.0, 0)


def _speak(press: Press, lines: Sequence[Line], path: Path) -> Iterator[Product]:
    said: list[_Said] = []
    doubts: list[str] = []
    reel = Reel(path)
    try:
        requests = [Request(line, press.spoken_line(line)) for line in lines]
        for one in render(requests, press.synthesizer, press.takes, doubts.append):
            if isinstance(one.take, FailedTake):
                said.append(_Said(one.line, "", None, (), one.reused, one.take.reason))
            else:
                words = press.written_words(one.line, one.take.words)
                said.append(_Said(one.line, one.address, reel.add(one.take.audio), words, one.reused))
    finally:
        reel.close()
    yield Product((said, doubts), 0.0, 0)


def _placed(said: Sequence[_Said], *, seed: int) -> tuple[ChapterPlan, list[tuple[int, Strip]]]:
    """Where the lines of a chapter stand, and their sound."""
    clock = SceneClock("", None, seed=seed, last=True, overlaps=False)
    places: list[Place] = []
    strips: list[tuple[int, Strip]] = []
    for one in said:
        if one.strip is None:
            clock.skip(one.line)
            places.append(Place("", failed=one.failed))
            continue
        duration_s = one.strip.frames / PROGRAMME_HZ
        start_s = clock.place(one.line, duration_s, one.words)
        places.append(Place(one.take, start_s, duration_s, one.words))
        strips.append((round(start_s * PROGRAMME_HZ), one.strip))
    frames = math.ceil(clock.end() * PROGRAMME_HZ / CHAPTER_GRID) * CHAPTER_GRID
    return ChapterPlan(frames, tuple(places)), strips
