"""The files of sound of one programme: written side by side, checked, and mended where a codec overshoots.

Owns that job. Does not know what formats there are (`exports`), how sound is measured (`gate`) or how work is spread
over threads (`lanes`).

Each stretch of the programme is encoded for all files on one thread of a pool. When the files are finished they are
measured against the standard; where a codec's overshoot breaks its rule for peaks, a file is made once more with the
programme turned down at those places.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from speechagents.production.codecs import Codec
from speechagents.production.containers import Container
from speechagents.production.encoding import Output, encoding_lane
from speechagents.production.gate import GateReport, dips_at, judge, measure_files
from speechagents.production.lanes import Job, Lane
from speechagents.production.limiter import Dip, MasteredProgramme
from speechagents.production.masters import Master
from speechagents.production.programme import Programme
from speechagents.production.storage import storage_errors, temporary_beside
from speechagents.production.tags import Label


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """A format of sound.

    Attributes:
        suffix: Of the file's name.
        codec: Makes packets.
        open: Starts a file: ``open(file, frames=…, label=…)``.
        lossless: Media for editors are taken from such a file first.
    """

    suffix: str
    codec: Codec
    open: Callable[[BinaryIO, int, Label], Container]
    lossless: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """What is written.

    Attributes:
        programme: The mix.
        label: What the files say about it.
        master: The standard that they must meet; None leaves the mix as it is.
        gain_db: What brings the mix to the standard's aim.
        levelled: The programme has that gain already, keeps to the standard's ceiling, and its channels are the same:
            narration that was limited before it came here.
    """

    programme: Programme
    label: Label
    master: Master | None
    gain_db: float
    levelled: bool = False


@dataclass(slots=True)
class _Making:
    """A file of sound while it is being made.

    Attributes:
        form: Its format.
        path: Its name when it is complete.
        file: It, under another name.
        dips: Where the programme is turned down further for it.
        report: What it measures.
    """

    form: AudioFormat
    path: Path
    file: BinaryIO
    dips: list[Dip] = field(default_factory=list)
    report: GateReport | None = None


def sound_files_job(recording: Recording, files: Sequence[tuple[AudioFormat, Path]]) -> Job[list[GateReport | None]]:
    """Write files of sound; a job for `lanes.run`.

    Args:
        recording: Of what.
        files: Formats with their paths; a file gets its name when it is complete.

    Returns:
        What each file measures; None without a master.
    """
    with contextlib.ExitStack() as opened:
        made = [_Making(form, path, opened.enter_context(new_file(path))) for form, path in files]
        if not made:
            return []
        master = recording.master
        if master is None:
            yield from _fill(made, recording.programme, recording.label)
        else:
            yield from _mastered(made, recording, master)
    return [one.report for one in made]


def _mastered(made: Sequence[_Making], recording: Recording, master: Master) -> Generator[Lane, Any, None]:
    """Write the files and measure them; those that overshoot are made again with dips."""

    def mastered_with(dips: Sequence[Dip]) -> MasteredProgramme:
        if recording.levelled:
            return MasteredProgramme(recording.programme, gain_db=0.0, ceiling_db=_NO_CEILING_DB, dips=dips)
        return MasteredProgramme(
            recording.programme, gain_db=recording.gain_db, ceiling_db=master.ceiling_db, dips=dips
        )

    mastered = mastered_with(())
    yield from _fill(made, recording.programme if recording.levelled else mastered, recording.label)
    doubtful = made
    for attempt in range(_ATTEMPTS):
        heard = yield from measure_files(
            [(Path(one.file.name), one.path) for one in doubtful], master, one_channel=recording.levelled
        )
        for one, found in zip(doubtful, heard, strict=True):
            verdicts = judge(found.loudness, master)
            one.report = GateReport(
                master.name,
                one.path.name,
                found.loudness,
                verdicts,
                recording.gain_db,
                master.ceiling_db,
                len(one.dips),
            )
            one.dips += dips_at(found.overs, mastered, known=one.dips)
        doubtful = [one for one in doubtful if one.report and len(one.dips) > one.report.dips]
        if not doubtful or attempt + 1 == _ATTEMPTS:
            break
        for one in doubtful:
            yield from _fill([one], mastered_with(tuple(one.dips)), recording.label)


_NO_CEILING_DB = 200.0
_ATTEMPTS = 4
"""Times that a file is measured; before each but the first it was made again with more dips."""


def _fill(made: Sequence[_Making], programme: Programme, label: Label) -> Generator[Lane, None, None]:
    """Write a programme into open files, over whatever is in them."""
    containers = []
    for one in made:
        one.file.seek(0)
        one.file.truncate()
        containers.append(one.form.open(one.file, programme.frames, label))

    def output(one: _Making, container: Container) -> Output:
        def write(packets: Sequence[bytes]) -> None:
            with storage_errors(one.path):
                container.write(packets)

        return Output(one.form.codec, write)

    yield encoding_lane(programme, [output(*pair) for pair in zip(made, containers, strict=True)])
    for one, container in zip(made, containers, strict=True):
        with storage_errors(one.path):
            container.finish()
            one.file.flush()


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that gets its name when the block is left without an error, complete and on disk."""
    temporary = temporary_beside(path)
    with storage_errors(path):
        try:
            with temporary.open("w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
