"""A chapter on its way to a worker, what the worker does with it, and what comes back.

Owns what travels and the worker's side. A worker presses just as a thread of the driver would
(`production.chapter_press`): into the production's folder if it sees that (`sharing`), else into a scratch folder of
its own, whose files it sends back. Does not know which way is taken when, nor what the driver does with what comes back
(`pressing`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import filelock

from speechagents.cluster.sharing import SharedFolder
from speechagents.cluster.voices import check_identity
from speechagents.drama import Scene
from speechagents.errors import ClusterError, StorageError
from speechagents.production.binding import sound_formats
from speechagents.production.chapter_press import Press, Pressed, press_chapter
from speechagents.production.chapter_store import ChapterPlan, ChapterStore
from speechagents.production.exports import FORMATS
from speechagents.production.folder import Production
from speechagents.production.gate import GateReport
from speechagents.production.lanes import Done, run
from speechagents.production.masters import master_named
from speechagents.production.storage import storage_errors, write_atomically
from speechagents.production.takes import TakeStore
from speechagents.pronunciation.timing import written_words
from speechagents.voices.synthesizer import SpokenLine, Synthesizer

CHAPTERS: Final = "chapters"
"""Folder of a production where its finished chapters are."""

MAX_PARCEL_BYTES: Final = 64_000_000
"""Most that travels at once, there or back: a quarter of an hour in the usual formats, with its takes."""

_SCRATCH: Final = "speechagents-press-"

Said = tuple[tuple[str, str], ...]
"""Written words of a line, with what is spoken for each; see `Pronunciation.said`."""


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that travels.

    Attributes:
        name: Address of a take, or suffix of a chapter's sound.
        sha256: Of the data.
        data: All of it.
    """

    name: str
    sha256: str
    data: bytes

    @classmethod
    def file(cls, name: str, path: Path) -> Enclosed:
        """A file of this machine.

        Raises:
            StorageError: It cannot be read.
        """
        with storage_errors(path):
            data = path.read_bytes()
        return cls(name, hashlib.sha256(data).hexdigest(), data)

    @property
    def is_whole(self) -> bool:
        """Whether it arrived as it was sent."""
        return hashlib.sha256(self.data).hexdigest() == self.sha256


@dataclass(frozen=True, slots=True)
class Unseen:
    """The worker does not see the folder that the chapter should be pressed into."""


@dataclass(frozen=True, slots=True)
class NoRoom:
    """The production's disk is full or read-only, for all workers alike."""

    reason: str


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A chapter that was pressed into the production's folder.

    Attributes:
        pressed: The chapter.
        sha256: Of its files of sound, by suffix.
    """

    pressed: Pressed
    sha256: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A chapter that was pressed elsewhere.

    Attributes:
        pressed: The chapter.
        plan: Where its lines stand.
        takes: Those that the driver did not have, as far as they fit.
        sounds: Its files of sound; None if they do not fit.
        reports: What these measure, by suffix.
    """

    pressed: Pressed
    plan: ChapterPlan
    takes: tuple[Enclosed, ...]
    sounds: tuple[Enclosed, ...] | None
    reports: Mapping[str, GateReport | None]


@dataclass(frozen=True, slots=True)
class ChapterTask:
    """All that a worker needs to press a chapter; a `VoiceTask`.

    Attributes:
        index: 0-based place of the chapter.
        key: Name that it is kept under.
        identity: Of the voices that shall speak it.
        scene: Its lines.
        spoken: Each line as its voice is asked for it.
        said: Words of each line.
        suffixes: Formats of sound that it is wanted in.
        kept: Those of them that the driver has; made again only if the chapter comes out otherwise.
        master: Name of the standard.
        seed: Of the gaps.
        folder: The production's folder; None if the chapter travels back.
        takes: Takes that go along, by address.
    """

    index: int
    key: str
    identity: str
    scene: Scene
    spoken: tuple[SpokenLine, ...]
    said: tuple[Said, ...]
    suffixes: tuple[str, ...]
    kept: tuple[str, ...]
    master: str
    seed: int
    folder: SharedFolder | None = None
    takes: Mapping[str, bytes] = field(default_factory=dict)

    def done_with(self, synthesizer: Synthesizer) -> Unseen | NoRoom | OnDisk | Parcel:
        """Press it, on the worker.

        Raises:
            ClusterError: The worker has other voices, or another version of this package.
            StorageError: There is no room for scratch on this machine.
            SpeechAgentsError: It cannot be pressed.
        """
        check_identity(synthesizer, self.identity)
        if self.folder is None:
            return self._parcel(synthesizer)
        if not self.folder.is_seen:
            return Unseen()
        try:
            return self._on_disk(synthesizer, Production(self.folder.folder))
        except StorageError as error:
            return NoRoom(str(error))

    def _on_disk(self, synthesizer: Synthesizer, production: Production) -> OnDisk:
        mine = f"far-{self.index:05}-"
        for left in production.work.glob(f"{mine}*"):
            # By a worker that was lost with this chapter; reels are large.
            left.unlink(missing_ok=True)
        store = ChapterStore(production.folder / CHAPTERS)
        press = self._press(synthesizer, production.takes, store, production.work, self.suffixes)
        # A name of its own: what is lost may still be at work somewhere.
        pressed = self._pressed(press, f"{mine}{secrets.token_hex(4)}")
        return OnDisk(pressed, {suffix: sha256_of(store.sound(self.key, suffix)) for suffix in self.suffixes})

    def _parcel(self, synthesizer: Synthesizer) -> Parcel:
        with _scratch() as folder:
            takes, store, work = TakeStore(folder / "takes"), ChapterStore(folder / CHAPTERS), folder / "work"
            with storage_errors(work):
                work.mkdir()
            for address, data in self.takes.items():
                write_atomically(takes.path(address), data)
            suffixes = tuple(suffix for suffix in self.suffixes if suffix not in self.kept)
            pressed = self._pressed(self._press(synthesizer, takes, store, work, suffixes), "chapter")
            plan = store.plan(self.key, len(self.scene.lines))
            if plan is not None and not plan.complete and self.kept:
                # A line that was spoken once cannot be spoken now: what the driver has is another sound.
                suffixes = self.suffixes
                again = self._pressed(self._press(synthesizer, takes, store, work, suffixes), "chapter")
                doubts = tuple(dict.fromkeys((*pressed.doubts, *again.doubts)))
                pressed = replace(again, spoken=pressed.spoken + again.spoken, doubts=doubts)
                plan = store.plan(self.key, len(self.scene.lines))
            if plan is None:
                raise StorageError(f"{folder}: what was pressed here is gone; leave the scratch folder to its worker")
            return self._wrapped(pressed, plan, takes, store, suffixes)

    def _wrapped(
        self, pressed: Pressed, plan: ChapterPlan, takes: TakeStore, store: ChapterStore, suffixes: tuple[str, ...]
    ) -> Parcel:
        """As much as fits, takes first: what was spoken is never lost."""
        room = MAX_PARCEL_BYTES
        enclosed: list[Enclosed] = []
        left_out = False
        for address in dict.fromkeys(place.take for place in plan.places if place.take):
            take = Enclosed.file(address, takes.path(address))
            if take.data == self.takes.get(address):
                continue
            if len(take.data) > room:
                left_out = True
                continue
            room -= len(take.data)
            enclosed.append(take)
        files = {suffix: store.sound(self.key, suffix) for suffix in suffixes}
        fits = not left_out and sum(path.stat().st_size for path in files.values()) <= room
        return Parcel(
            pressed,
            plan,
            tuple(enclosed),
            tuple(Enclosed.file(suffix, path) for suffix, path in files.items()) if fits else None,
            {suffix: store.report(self.key, suffix) for suffix in files},
        )

    def _press(
        self, synthesizer: Synthesizer, takes: TakeStore, store: ChapterStore, work: Path, suffixes: tuple[str, ...]
    ) -> Press:
        spoken = {line.number: one for line, one in zip(self.scene.lines, self.spoken, strict=True)}
        said = {line.number: one for line, one in zip(self.scene.lines, self.said, strict=True)}
        formats = {form.suffix: form for form in sound_formats(tuple(FORMATS)).values()}
        return Press(
            synthesizer=synthesizer,
            takes=takes,
            store=store,
            work=work,
            spoken_line=lambda line: spoken[line.number],
            written_words=lambda line, words: written_words(said[line.number], words),
            formats={suffix: formats[suffix] for suffix in suffixes},
            master=master_named(self.master),
            seed=self.seed,
        )

    def _pressed(self, press: Press, name: str) -> Pressed:
        if press.key(self.scene) != self.key:
            raise ClusterError("a worker has another version of SpeechAgents; install the same one for all workers")
        events = run({name: press_chapter(press, self.scene, name=name)}, threads=1)
        (pressed,) = (event.result for event in events if isinstance(event, Done))
        assert isinstance(pressed, Pressed)  # noqa: S101 - what the job returns
        return pressed


def sha256_of(path: Path) -> str:
    """SHA-256 of a file.

    Raises:
        StorageError: It cannot be read.
    """
    with storage_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of this worker's own, in the system's folder for such things (``TMPDIR``).

    A worker that was killed cannot remove its own, and it may be large; the next one does. Which are whose tells a
    lock beside each, which the system opens when its owner is gone, however that went.
    """
    root = Path(tempfile.gettempdir())
    with storage_errors(root):
        for left in root.glob(f"{_SCRATCH}*.lock"):
            _sweep(left)
    folder = root / f"{_SCRATCH}{secrets.token_hex(8)}"
    lock = folder.with_suffix(".lock")
    try:
        with storage_errors(root), filelock.FileLock(lock, timeout=0, mode=0o600):
            folder.mkdir(mode=0o700)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        lock.unlink(missing_ok=True)


def _sweep(lock: Path) -> None:
    """Remove a scratch folder of ours that nobody works in any more."""
    with contextlib.suppress(OSError):
        about = lock.lstat()
        # The folder is for all users of the machine: what is not ours, or no file, is left alone.
        if not stat.S_ISREG(about.st_mode) or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
            return
        try:
            with filelock.FileLock(lock, timeout=0):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        except filelock.Timeout:
            return  # somebody is at work there
        lock.unlink(missing_ok=True)
