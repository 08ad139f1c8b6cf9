"""A book's chapters pressed by workers: each is a task, from its first line to its last encoded packet.

Owns which chapters are tasks, which way they take, and where what comes back is put. Does not know what a worker does
with one (`chapter_task`), nor what happens when a worker is lost with it (`dispatch`). There are three ways:

* **On one disk.** A worker that sees the production's folder presses into it, as a thread of the driver would. Takes
  and files get their names when they are complete, so who is lost has lost no take, be it a worker or the driver.
  Figures alone travel; the driver reads the files once and compares their SHA-256.
* **As a parcel.** Other workers press in a scratch folder of their own. The takes that the driver has go along; new
  takes and the chapter's files come back, and the driver puts them in their places when their SHA-256 is right. Nothing
  that travels is larger than `MAX_PARCEL_BYTES`, and the dispatcher bounds how many do, so memory stays flat.
* **At home.** A chapter whose parcel would be larger is spoken line by line by the workers, and placed and encoded by
  the driver's own threads.

A chapter that is finished in the folder is no task, and what a finished take holds is not spoken again. A chapter that
cannot be done is told of at the end, when all others are finished and kept.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from speechagents.cluster.chapter_task import (
    MAX_PARCEL_BYTES,
    ChapterTask,
    NoRoom,
    OnDisk,
    Parcel,
    Said,
    Unseen,
    sha256_of,
)
from speechagents.cluster.dispatch import Done as TaskDone
from speechagents.cluster.dispatch import Quarantined
from speechagents.cluster.sharing import SharedFolder
from speechagents.cluster.workforce import Workforce
from speechagents.drama import Line, Scene
from speechagents.errors import ClusterError, StorageError
from speechagents.production.chapter_press import Press, Pressed, batches, press_chapter
from speechagents.production.lanes import Done, Progress, run
from speechagents.production.speaking import Request
from speechagents.production.storage import storage_errors, write_atomically

SEEN_WITHIN_S: Final = 90.0
"""So long a new file may take until this machine sees it: NFS remembers for a minute that there was none."""
_LOOK_S: Final = 0.2
_CHARS_PER_S: Final = 13.0
_TAKE_BYTES_PER_S: Final = 25_000
_BYTES_PER_S: Final = {"wav": 176_400, "24.wav": 264_600, "flac": 90_000, "mp3": 24_000}
_OTHER_BYTES_PER_S: Final = 13_500
_MOST_NAMED: Final = 5
"""Chapters that are named where several could not be pressed."""


def press_by_workers(
    press: Press,
    scenes: Sequence[Scene],
    *,
    folder: Path,
    said: Callable[[Line], Said],
    workforce: Workforce,
    threads: int,
) -> Iterator[Progress | Done[Pressed]]:
    """Make what is missing of a book's chapters, as `lanes.run` would with `press_chapter` for each.

    Args:
        press: With what they are pressed here; its voices are those of the workforce.
        scenes: The chapters.
        folder: Of the production that the press works in, open.
        said: Written words of a line, with what is spoken for each.
        workforce: The workers.
        threads: Of this process, for proofing and for chapters that are pressed at home.

    Yields:
        A `Done` for each chapter, named by its index, in any order; `Progress` of those at home.

    Raises:
        StorageError: The disk is full or read-only.
        ClusterError: The workers are gone or have other voices; or, when all others are done, some chapters could not
            be pressed.
    """
    run_over = _Run(press, scenes, folder, said, workforce, threads)
    with contextlib.closing(run_over.chapters()) as chapters:
        yield from chapters


class _Run:
    """One book on its way through the workers."""

    def __init__(
        self,
        press: Press,
        scenes: Sequence[Scene],
        folder: Path,
        said: Callable[[Line], Said],
        workforce: Workforce,
        threads: int,
    ) -> None:
        self._press = press
        self._scenes = scenes
        self._folder = folder
        self._said = said
        self._workforce = workforce
        self._threads = threads
        self._shared: SharedFolder | None = None
        self._ready: deque[Done[Pressed]] = deque()
        self._again: list[int] = []
        self._home: list[int] = []
        self._lost: dict[int, str] = {}
        self._made: dict[int, int] = {}  # takes of a chapter that were made before it was pressed

    def chapters(self) -> Generator[Progress | Done[Pressed], None, None]:
        """All of them; see `press_by_workers`."""
        with (
            SharedFolder.of(self._folder, proof_in=self._press.work) as self._shared,
            contextlib.closing(self._proofed()) as proofed,
        ):
            wanted: Iterator[int] = proofed
            while True:
                yield from self._dispatched(wanted)
                if not self._again:
                    break
                wanted, self._again = iter(self._again), []
        yield from self._at_home()
        if self._lost:
            raise ClusterError(self._told_lost())

    def _dispatched(self, wanted: Iterator[int]) -> Iterator[Done[Pressed]]:
        """Some chapters through the workers."""
        # Those at the beginning that are finished are told at once: a resumed book may have hundreds.
        tasks = self._tasks(wanted)
        first = None
        for first in tasks:
            if first is not None:
                break
            yield from self._told_ready()
        if first is None:
            return
        post = replace(self._workforce.post, batch=1)
        left = (task for task in itertools.chain([first], tasks) if task is not None)
        with contextlib.closing(self._workforce.dispatcher.as_they_come(post, left)) as outcomes:
            for outcome in outcomes:
                self._settle(outcome)
                yield from self._told_ready()
        yield from self._told_ready()

    def _told_ready(self) -> Iterator[Done[Pressed]]:
        while self._ready:
            yield self._ready.popleft()

    def _proofed(self) -> Generator[int, None, None]:
        """Chapters in order, each when its lines are proofed; some are proofed ahead of their turn."""
        proof = self._press.proof
        if proof is None:
            yield from range(len(self._scenes))
            return
        ahead: deque[tuple[int, list[Future[int]]]] = deque()
        rest = iter(range(len(self._scenes)))
        with ThreadPoolExecutor(self._threads, thread_name_prefix="speechagents-proof") as pool:
            try:
                while True:
                    while len(ahead) <= self._threads and (index := next(rest, None)) is not None:
                        lines = self._scenes[index].lines
                        ahead.append((index, [pool.submit(proof, batch) for batch in batches(lines)]))
                    if not ahead:
                        return
                    index, futures = ahead.popleft()
                    self._made[index] = sum(future.result() for future in futures)
                    yield index
            finally:
                for future in itertools.chain.from_iterable(futures for _, futures in ahead):
                    future.cancel()

    def _tasks(self, wanted: Iterator[int]) -> Iterator[ChapterTask | None]:
        """A task for each chapter; None for one that is finished, or is pressed at home."""
        press = self._press
        for index in wanted:
            scene = self._scenes[index]
            key = press.key(scene)
            plan = press.store.plan(key, len(scene.lines))
            complete = plan is not None and plan.complete
            kept = tuple(suffix for suffix in press.formats if complete and press.store.has(key, suffix))
            if plan is not None and complete and len(kept) == len(press.formats):
                self._finished(index, Pressed(key, plan.frames))
                yield None
                continue
            task = ChapterTask(
                index=index,
                key=key,
                identity=press.synthesizer.identity,
                scene=scene,
                spoken=tuple(map(press.spoken_line, scene.lines)),
                said=tuple(map(self._said, scene.lines)),
                suffixes=tuple(press.formats),
                kept=kept,
                master=press.master.name if press.master else "none",
                seed=press.seed,
                folder=self._shared,
            )
            yield task if self._shared is not None else self._with_takes(task)

    def _with_takes(self, task: ChapterTask) -> ChapterTask | None:
        """A task together with the takes that are there; None if there, or back, it would be too large."""
        takes = self._press.takes
        paths = {
            address: path
            for line, spoken in zip(task.scene.lines, task.spoken, strict=True)
            if (path := takes.path(address := Request(line, spoken).address(task.identity))).exists()
        }
        length_s = sum(len(spoken.text) for spoken in task.spoken) / _CHARS_PER_S
        made = [_BYTES_PER_S.get(suffix, _OTHER_BYTES_PER_S) for suffix in task.suffixes if suffix not in task.kept]
        with storage_errors(self._folder):
            there = sum(path.stat().st_size for path in paths.values())
            if max(there, length_s * (sum(made) + _TAKE_BYTES_PER_S)) > MAX_PARCEL_BYTES:
                self._home.append(task.index)
                return None
            return replace(task, takes={address: path.read_bytes() for address, path in paths.items()})

    def _settle(self, outcome: TaskDone | Quarantined) -> None:
        """See to what came of a task.

        Raises:
            StorageError: The disk is full or read-only.
        """
        task: ChapterTask = outcome.task
        if isinstance(outcome, Quarantined):
            self._lost[task.index] = outcome.reason
            return
        result: Any = outcome.result
        match result:
            case Unseen():
                self._shared = None
                self._again.append(task.index)
            case NoRoom():
                raise StorageError(result.reason)
            case OnDisk():
                self._await_files(task, result)
                self._finished(task.index, result.pressed)
            case Parcel():
                self._unpack(task, result)
            case _:
                raise ClusterError(f"a worker answers with {type(result).__name__}; install the same version for all")

    def _finished(self, index: int, pressed: Pressed) -> None:
        made = self._made.pop(index, 0)
        self._ready.append(Done(str(index), replace(pressed, spoken=pressed.spoken + made)))

    def _await_files(self, task: ChapterTask, result: OnDisk) -> None:
        """Read what a worker wrote, as soon as this machine sees it.

        Raises:
            StorageError: It is not there, or is something else.
        """
        until = time.monotonic() + SEEN_WITHIN_S
        while (path := self._amiss(task, result)) is not None:
            if time.monotonic() >= until:
                raise StorageError(f"{path}: is not what a worker has written; run the same command again")
            time.sleep(_LOOK_S)

    def _amiss(self, task: ChapterTask, result: OnDisk) -> Path | None:
        """A file that is not as it should be; None if all are."""
        store = self._press.store
        if store.plan(task.key, len(task.scene.lines)) is None:
            return store.sound(task.key, "json")
        for suffix in task.suffixes:
            path = store.sound(task.key, suffix)
            if not store.has(task.key, suffix) or sha256_of(path) != result.sha256[suffix]:
                return path
        return None

    def _unpack(self, task: ChapterTask, parcel: Parcel) -> None:
        """Put the files of a parcel in their places, what others rest on first."""
        store = self._press.store
        for enclosed in (*parcel.takes, *(parcel.sounds or ())):
            if not enclosed.is_whole:
                raise ClusterError(f"chapter {task.index + 1} came back damaged; run the same command again")
        for take in parcel.takes:
            write_atomically(self._press.takes.path(take.name), take.data)
        if parcel.sounds is None:
            self._made[task.index] = self._made.get(task.index, 0) + parcel.pressed.spoken
            self._home.append(task.index)
            return
        store.prepare()
        for sound in parcel.sounds:
            write_atomically(store.sound(task.key, sound.name), sound.data)
        store.save_plan(task.key, parcel.plan)
        for sound in parcel.sounds:
            store.save_report(task.key, sound.name, parcel.reports[sound.name])
        self._finished(task.index, parcel.pressed)

    def _at_home(self) -> Iterator[Progress | Done[Pressed]]:
        """Chapters whose lines alone travel."""
        press = replace(self._press, proof=None)
        jobs = (
            (str(index), press_chapter(press, self._scenes[index], name=f"chapter-{index:05}"))
            for index in sorted(self._home)
        )
        for event in run(jobs, threads=self._threads, at_once=self._threads):
            if isinstance(event, Progress):
                yield event
                continue
            self._finished(int(event.job), event.result)
            yield from self._told_ready()

    def _told_lost(self) -> str:
        lost = sorted(self._lost.items())
        named = "; ".join(
            f"chapter {index + 1} “{self._scenes[index].title[:60]}” could not be pressed: {reason}"
            for index, reason in lost[:_MOST_NAMED]
        )
        more = f"; and {len(lost) - _MOST_NAMED} more" if len(lost) > _MOST_NAMED else ""
        return (
            f"{named}{more}. All other chapters are finished and kept: run the same command again, or without "
            "--workers to press these here"
        )
