"""One file for each role, and one for effects and ambience, all as long as the programme.

Owns the files for editors. A stem is the mix of a part of the timeline, made by the same mixer, so the stems add up to
the mix before mastering. Does not know how takes were made or placed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile as sf

from speechagents.audio import Audio, Samples
from speechagents.drama import role_key
from speechagents.errors import StorageError
from speechagents.production.mixing import mix_scene
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.rooms import room_for
from speechagents.production.storage import storage_errors, temporary_beside
from speechagents.production.timeline import PlacedLine, PlacedScene, PlacedSound, Timeline

SOUNDS = ""
"""Stands for a role where a stem holds what nobody speaks: no role is called nothing."""

SOUNDS_TITLE = "effects and ambience"
"""What that stem is called."""

_FULL = "could not be written whole; the disk may be full: free some space and run the same command again"

_SILENCE = np.zeros((30 * PROGRAMME_HZ, 2), np.float32)
_SILENCE.flags.writeable = False

Load = Callable[[PlacedLine | PlacedSound], Audio]


def write_stems(timeline: Timeline, load: Load, folder: Path, *, comment: str, jobs: int) -> dict[str, Path]:
    """Write the stems as 24-bit stereo FLAC.

    File names are numbers in the order of the roles' first lines; the role stands in the file's title, and in the
    mapping. Stems that an earlier run left in the folder go when all new ones are complete.

    Args:
        timeline: The whole programme.
        load: Gives the sound of a placed line or effect; called from several threads.
        folder: Where to; made if it does not exist. Files named ``stem-*.flac`` in it belong to this function.
        comment: Comment of every file: each is passed on alone, so each has to say that its voices are synthetic.
        jobs: Stems written at once.

    Returns:
        Path of each stem by name of the role, `SOUNDS` last if the programme has any.

    Raises:
        StorageError: The disk is full or read-only.
    """
    names = [*timeline.roles, *([SOUNDS] if any(scene.sounds for scene in timeline.scenes) else [])]
    paths = [folder / f"stem-{number:03}.flac" for number in range(1, len(names) + 1)]
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(jobs, thread_name_prefix="stem") as pool:
        for _ in pool.map(lambda name, path: _write(timeline, name, load, path, comment), names, paths):
            pass
    with storage_errors(folder):
        for stale in set(folder.glob("stem-*.flac")).difference(paths):
            stale.unlink()
    return dict(zip(names, paths, strict=True))


def _write(timeline: Timeline, name: str, load: Load, path: Path, comment: str) -> None:
    temporary = temporary_beside(path)
    with storage_errors(path):
        try:
            # The system says here why a file cannot be made; the library would only say that it cannot.
            temporary.touch()
            with _write_errors(path):
                file = sf.SoundFile(temporary, "w", PROGRAMME_HZ, 2, "PCM_24", format="FLAC")
            frames = 0
            try:
                with _write_errors(path):
                    for field, text in (("title", SOUNDS_TITLE if name == SOUNDS else name), ("comment", comment)):
                        if text:  # the library takes no empty ones
                            setattr(file, field, text)
                for scene in timeline.scenes:
                    for block in _stem_of(scene, name, load):
                        with _write_errors(path):
                            file.write(block)
                        frames += len(block)
            finally:
                with _write_errors(path):
                    file.close()
            _check(temporary, frames, path)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    """Turn the sound library's account of a failed write, an error without a number, into a `StorageError`."""
    try:
        yield
    except (sf.LibsndfileError, AssertionError) as error:
        raise StorageError(f"{path}: {_FULL}") from error


def _check(file: Path, frames: int, path: Path) -> None:
    """See that a file is as long as it should be: what fails while it is closed is told to nobody.

    The header is no proof, for it is written first and corrected in place; so the last frame is read.
    """
    with _write_errors(path), sf.SoundFile(file) as finished:
        whole = finished.frames == frames
        if whole and frames:
            finished.seek(frames - 1)
            whole = len(finished.read(1)) == 1
    if not whole:
        raise StorageError(f"{path}: {_FULL}")


def _stem_of(scene: PlacedScene, name: str, load: Load) -> Iterator[Samples]:
    """The part of one scene that one stem holds."""
    things: list[PlacedLine | PlacedSound]
    if name == SOUNDS:
        things = list(scene.sounds)
    else:
        things = [line for line in scene.lines if role_key(line.line.role) == role_key(name)]
    duration_s = scene.end_s - scene.start_s
    if things:
        placed = ((thing, load(thing)) for thing in sorted(things, key=lambda thing: thing.start_s))
        yield from mix_scene(
            placed, room=room_for(scene.setting), duration_s=lambda: duration_s, origin_s=scene.start_s
        )
        return
    frames = round(duration_s * PROGRAMME_HZ)
    for first in range(0, frames, len(_SILENCE)):
        yield _SILENCE[: min(len(_SILENCE), frames - first)]
