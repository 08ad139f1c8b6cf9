"""A folder of trajectories on disk: written whole or not at all, and read.

Owns the layout and its checks. Does not know where trajectories come from (`gathering`).

::

    my-data/README.md            data card
    my-data/manifest.json        what is in it, and the SHA-256 of each of the three files
    my-data/train.jsonl          one trajectory a line; so dev.jsonl and test.jsonl
    my-data/audio/<sha256>.flac  the sound of a message, each once: 16-bit mono

It is made under another name beside its own and renamed at the end, so that what bears the name is whole. A folder in
which something of one split lies in another is not written.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import filelock
import numpy as np
import soundfile as sf

from speechagents import __version__
from speechagents.audio import Audio
from speechagents.errors import SoundError, TuningError
from speechagents.production.storage import PARTIAL_SUFFIX, storage_errors
from speechagents.tuning.card import data_card
from speechagents.tuning.leakage import refuse_leaks
from speechagents.tuning.manifest import (
    MANIFEST_FILE,
    About,
    Manifest,
    SplitFigures,
    manifest_to_json,
    read_manifest,
)
from speechagents.tuning.trajectory import Split, Trajectory
from speechagents.tuning.trajectory_json import MAX_LINE_BYTES, TrajectoryReader, trajectory_line

SOUND_HZ: Final = 16_000
"""Rate of the sounds: what models that hear speech take."""
MAX_SOUND_BYTES: Final = 64_000_000
MAX_TRAJECTORIES: Final = 5_000_000

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_REMEDY: Final = "gather the trajectories again"


class TrajectoryFolder:
    """A folder of trajectories. Each split is read when it is first asked for, and kept.

    Args:
        path: Of the folder.
        manifest: What it says of itself.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._samples: dict[Split, Sequence[Trajectory]] = {}
        self._splits: dict[str, Split] = {}  # of scenes

    @property
    def digest(self) -> str:
        """Of all trajectories, as 12 hexadecimal digits: the same where the files are."""
        files = "".join(self.manifest.splits[split].sha256 for split in Split)
        return hashlib.sha256(files.encode()).hexdigest()[:12]

    def samples(self, split: Split) -> Sequence[Trajectory]:
        """The trajectories of a split, in the order of the file.

        Raises:
            TuningError: The file is not the one that the manifest names, a line of it is wrong, or one of its scenes
                lies in another split, too.
        """
        if split not in self._samples:
            found = tuple(self._read(split))
            for one in found:
                if (other := self._splits.setdefault(one.scene_id, split)) is not split:
                    raise TuningError(f"{one.id}: its scene lies in {other.value}, too; {_REMEDY}", source=_file(split))
            self._samples[split] = found
        return self._samples[split]

    def audio(self, sha: str) -> Audio:
        """The sound of a message.

        Args:
            sha: Its SHA-256, as trajectories name it.

        Raises:
            TuningError: It is no SHA-256, there is no such sound, or it is damaged.
        """
        path = self.sound_path(sha)
        name = f"audio/{path.name}"
        try:
            with path.open("rb") as file:
                data = file.read(MAX_SOUND_BYTES + 1)
        except OSError as error:
            raise TuningError(f"cannot be read ({error.strerror}); {_REMEDY}", source=name) from error
        if len(data) > MAX_SOUND_BYTES or hashlib.sha256(data).hexdigest() != sha:
            raise TuningError(f"is not the sound that its name says; {_REMEDY}", source=name)
        try:
            return Audio.read(io.BytesIO(data)).mono()
        except SoundError as error:
            raise TuningError(f"{error}; {_REMEDY}", source=name) from error

    def sound_path(self, sha: str) -> Path:
        """File of a sound, whether it exists or not.

        Raises:
            TuningError: It is no SHA-256.
        """
        if not _SHA256.fullmatch(sha):
            raise TuningError(f"{sha[:80]!r} is no SHA-256 of 64 small hexadecimal digits; {_REMEDY}")
        return self.path / "audio" / f"{sha}.flac"

    def _read(self, split: Split) -> Iterator[Trajectory]:
        path = self.path / _file(split)
        figures = self.manifest.splits[split]
        reader, digest, seen = TrajectoryReader(path.name), hashlib.sha256(), set()
        try:
            with path.open("rb") as file:
                for number in range(1, figures.trajectories + 1):
                    line = file.readline(MAX_LINE_BYTES + 1)
                    digest.update(line)
                    one = reader.read(line, number)
                    if one.split is not split:
                        raise TuningError(
                            f"is {one.split.value}; {_REMEDY}", source=path.name, line=number, field="split"
                        )
                    if one.id in seen:
                        raise TuningError(
                            f"{one.id} is there twice; {_REMEDY}", source=path.name, line=number, field="id"
                        )
                    seen.add(one.id)
                    yield one
                digest.update(file.read(1))
        except OSError as error:
            raise TuningError(f"cannot be read ({error.strerror}); {_REMEDY}", source=path.name) from error
        if digest.hexdigest() != figures.sha256:
            raise TuningError(f"is not the file that {MANIFEST_FILE} names; {_REMEDY}", source=path.name)


def read_trajectory_folder(path: Path) -> TrajectoryFolder:
    """Open a folder of trajectories.

    Raises:
        TuningError: It is none, or its manifest is damaged.
    """
    if not (path / MANIFEST_FILE).is_file():
        raise TuningError(
            f"no {MANIFEST_FILE} here; make the folder with `speechagents trajectories SOURCE --out {path}`",
            source=str(path),
        )
    manifest = read_manifest(path)
    if manifest.trajectories > MAX_TRAJECTORIES:
        raise TuningError(f"{manifest.trajectories} trajectories; a folder has {MAX_TRAJECTORIES} at most")
    return TrajectoryFolder(path, manifest)


class NewTrajectoryFolder:
    """A folder that is being made: sounds first, then everything else at once.

    Args:
        path: Of the folder it becomes.
        work: Where it is made.
    """

    def __init__(self, path: Path, work: Path) -> None:
        self._path = path
        self._work = work
        self._sounds: dict[str, float] = {}

    def keep(self, sound: Audio) -> str:
        """Keep the sound of a message, in mono, at `SOUND_HZ` and with 16 bits.

        Returns:
            The SHA-256 of its file; of equal sounds it is the same, and they are kept once.

        Raises:
            StorageError: The disk is full.
        """
        mono = sound.mono().resampled(SOUND_HZ)
        encoded = io.BytesIO()
        pcm = np.clip(np.rint(mono.samples * np.float32(32768.0)), -32768, 32767).astype(np.int16)
        with sf.SoundFile(encoded, "w", SOUND_HZ, 1, subtype="PCM_16", format="FLAC") as file:
            file.write(pcm)
        data = encoded.getvalue()
        sha = hashlib.sha256(data).hexdigest()
        if sha not in self._sounds:
            path = self._work / "audio" / f"{sha}.flac"
            with storage_errors(self._path):
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
            self._sounds[sha] = mono.duration_s
        return sha

    def finish(self, trajectories: Sequence[Trajectory], about: About) -> TrajectoryFolder:
        """Write all trajectories, the manifest and the card, and give the folder its name.

        Args:
            trajectories: In the order in which they shall stand.
            about: Where they come from.

        Raises:
            TuningError: An id is there twice, a sound was not kept, something lies in two splits, or a line cannot
                hold a trajectory.
            StorageError: The folder cannot be written.
        """
        source = self._path.name
        self._check(trajectories)
        refuse_leaks(trajectories, source=source)
        with storage_errors(self._path):
            splits = {
                split: _write(self._work / _file(split), [one for one in trajectories if one.split is split], about)
                for split in Split
            }
            manifest = Manifest(
                made_with=__version__,
                hearing=about.hearing,
                messages=about.messages,
                seed=about.seed,
                sources=about.sources,
                voices=about.voices,
                codec=about.codec,
                splits=splits,
                styles=_sorted(Counter(one.turn.style.tag for one in trajectories)),
                made_by=_sorted(about.made_by),
                thought=about.thought,
                unspoken=about.unspoken,
                sounds=len(self._sounds),
                sound_s=round(sum(self._sounds.values()), 3),
            )
            told = sum(map(_tells_style, trajectories))
            text = json.dumps(manifest_to_json(manifest), ensure_ascii=False, indent=2) + "\n"
            (self._work / MANIFEST_FILE).write_text(text, "utf-8")
            (self._work / "README.md").write_text(data_card(manifest, style_told=told), "utf-8")
            if self._path.is_dir():
                self._path.rmdir()  # an empty one, else it was refused
            self._work.rename(self._path)
        return read_trajectory_folder(self._path)

    def _check(self, trajectories: Sequence[Trajectory]) -> None:
        ids = Counter(one.id for one in trajectories)
        if double := next((one for one, count in ids.items() if count > 1), ""):
            raise TuningError(f"the trajectory {double} is there twice; keep one", source=self._path.name)
        named = {sha for one in trajectories for sha in (*one.heard_sounds, one.sound) if sha}
        if missing := sorted(named - self._sounds.keys()):
            raise TuningError(f"the sound {missing[0]} was not kept; keep it first", source=self._path.name)
        # Whatever was kept for turns that are not in it is of no use to anybody.
        for sha in self._sounds.keys() - named:
            (self._work / "audio" / f"{sha}.flac").unlink()
            del self._sounds[sha]


@contextmanager
def new_trajectory_folder(path: Path) -> Iterator[NewTrajectoryFolder]:
    """A folder to be filled; unless `finish` returns, nothing of it is left.

    Args:
        path: Of the folder; it must not be there yet, or be empty.

    Raises:
        TuningError: There is something already, or another run is making it.
        StorageError: It cannot be written.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise TuningError(f"{path}: is there already; name a new folder for --out")
    path = path.absolute()
    work = path.with_name(f".{path.name[:80]}{PARTIAL_SUFFIX}")
    # Beside the work and not in it: the lock is held until the work has got its name.
    lock = filelock.FileLock(work.with_suffix(".lock"), timeout=0)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise TuningError(f"{path}: another run is making it; wait for it, or name another folder") from None
    try:
        with storage_errors(path):
            shutil.rmtree(work, ignore_errors=True)  # what a killed run left
            work.mkdir()
        yield NewTrajectoryFolder(path, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def write_trajectory_folder(
    path: Path, trajectories: Sequence[Trajectory], *, sounds: Iterable[Audio] = (), about: About | None = None
) -> TrajectoryFolder:
    """Write a folder at once; see `new_trajectory_folder`.

    Args:
        path: Of the folder.
        trajectories: In the order in which they shall stand.
        sounds: Those that the trajectories name.
        about: Where they come from.
    """
    with new_trajectory_folder(path) as folder:
        for sound in sounds:
            folder.keep(sound)
        return folder.finish(trajectories, about or About())


def _file(split: Split) -> str:
    return f"{split.value}.jsonl"


def _write(path: Path, trajectories: Sequence[Trajectory], about: About) -> SplitFigures:
    """Write the file of a split; each line is read back before it counts."""
    reader, digest = TrajectoryReader(path.name), hashlib.sha256()
    with path.open("wb") as file:
        for number, one in enumerate(trajectories, 1):
            line = trajectory_line(one)
            if reader.read(line, number) != one:
                raise TuningError("a line cannot hold it as it is; clean its texts", source=one.id)
            digest.update(line)
            file.write(line)
    split = Split(path.stem)
    return SplitFigures(
        trajectories=len(trajectories),
        scenes=len({one.scene_id for one in trajectories}),
        roles=len({(one.scene_id, one.ask.role.key) for one in trajectories}),
        words=sum(len(one.turn.text.split()) for one in trajectories),
        repeated=about.repeated.get(split, 0),
        leaked=about.leaked.get(split, 0),
        sha256=digest.hexdigest(),
    )


def _tells_style(one: Trajectory) -> bool:
    return one.turn.style.tag in re.findall(r"\w+", one.turn.thoughts.casefold())


def _sorted(counts: Mapping[str, int]) -> Mapping[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
