"""From the finished mix and its timeline to the files that listeners and editors get: the one door.

Owns the registry of formats and the way a file comes to its name. Does not know how any format is built.

Audio formats are encoded side by side, each stretch of the programme on one thread of a pool for all of them, and
checked against the standard when they are finished; if a codec's overshoot breaks the rule for peaks, the file is made
once more with the ceiling lowered at those places.
Every file has a fixed name, is written under a temporary one in the same folder, and gets its name when it is
complete and on disk.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

from speechagents.errors import SettingsError
from speechagents.production.codecs import AAC, MP3, OPUS, Codec, PcmCodec
from speechagents.production.containers import Container
from speechagents.production.containers.flac import FlacFile
from speechagents.production.containers.mp3 import Mp3File
from speechagents.production.containers.mp4 import M4bFile
from speechagents.production.containers.ogg import OpusFile
from speechagents.production.containers.wav import WavFile
from speechagents.production.cover import make_cover, read_cover
from speechagents.production.encoding import Output, Segment, blocks_of, encoding_lane, segments
from speechagents.production.energy import Energy
from speechagents.production.gain import gain_for
from speechagents.production.gate import GateReport, dips_at, judge, measure_files
from speechagents.production.lanes import Done, Job, Lane, Product, Progress, run
from speechagents.production.limiter import Dip, MasteredProgramme
from speechagents.production.loudness import LoudnessMeter, Measured
from speechagents.production.masters import Master, master_named
from speechagents.production.otio import otio
from speechagents.production.programme import Programme
from speechagents.production.rttm import rttm
from speechagents.production.storage import storage_errors, temporary_beside
from speechagents.production.subtitles import srt, vtt
from speechagents.production.tags import Label, Tags, chapters
from speechagents.production.timeline import Timeline
from speechagents.production.timeline_json import timeline_json

__all__ = ["FORMATS", "ExportEvent", "ExportProgress", "Exported", "Tags", "check_formats", "export"]


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """A file is being written.

    Attributes:
        format: Name of the format.
        done_s: Seconds of the programme that are encoded.
        total_s: Seconds of the programme.
    """

    format: str
    done_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class Exported:
    """A file is complete.

    Attributes:
        format: Name of the format.
        path: The file.
        bytes: Its size.
        report: What an audio file measures; None for text and for the master ``none``.
    """

    format: str
    path: Path
    bytes: int
    report: GateReport | None = None


ExportEvent = ExportProgress | Exported


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
class TextSource:
    """What text formats are made from.

    Attributes:
        timeline: Who speaks when.
        tags: Texts.
        media: Path of the exported mix relative to the folder of exports, empty if there is none.
        stems: Files by role, relative to the same folder.
        energy: The mix before mastering, None if nobody measured it.
        gain_db: What mastering added.
    """

    timeline: Timeline
    tags: Tags
    media: str = ""
    stems: Mapping[str, str] = field(default_factory=dict)
    energy: Sequence[Energy] | None = None
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class TextFormat:
    """A format of text, yielded in pieces."""

    suffix: str
    write: Callable[[TextSource], Iterator[str]]


FORMATS: Mapping[str, AudioFormat | TextFormat] = {
    "m4b": AudioFormat("m4b", AAC, lambda file, frames, label: M4bFile(file, frames=frames, label=label)),
    "mp3": AudioFormat("mp3", MP3, lambda file, frames, label: Mp3File(file, frames=frames, label=label)),
    "opus": AudioFormat("opus", OPUS, lambda file, frames, label: OpusFile(file, frames=frames, label=label)),
    "flac": AudioFormat(
        "flac", PcmCodec(16), lambda file, frames, label: FlacFile(file, frames=frames, label=label), lossless=True
    ),
    "wav": AudioFormat(
        "wav",
        PcmCodec(16),
        lambda file, frames, label: WavFile(file, frames=frames, bits=16, label=label),
        lossless=True,
    ),
    "wav24": AudioFormat(
        "24.wav",
        PcmCodec(24),
        lambda file, frames, label: WavFile(file, frames=frames, bits=24, label=label),
        lossless=True,
    ),
    "vtt": TextFormat("vtt", lambda source: vtt(source.timeline, source.tags)),
    "srt": TextFormat("srt", lambda source: srt(source.timeline)),
    "rttm": TextFormat("rttm", lambda source: rttm(source.timeline)),
    "otio": TextFormat("otio", lambda source: otio(source.timeline, media=source.media, stems=source.stems)),
    "json": TextFormat(
        "json",
        lambda source: timeline_json(source.timeline, source.tags, energy=source.energy, gain_db=source.gain_db),
    ),
}
"""Formats by name. One more is one more entry."""

_BASE_NAME = "programme"


def file_name(name: str) -> str:
    """Name of the file of a format: fixed, never made from a title."""
    return f"{_BASE_NAME}.{FORMATS[name].suffix}"


def check_formats(names: Sequence[str]) -> tuple[str, ...]:
    """The formats asked for, each once, in order.

    Raises:
        SettingsError: One is unknown.
    """
    for name in names:
        if name not in FORMATS:
            raise SettingsError(f"unknown format {name!r}; choose from {', '.join(FORMATS)}")
    return tuple(dict.fromkeys(names))


def export(
    programme: Programme,
    timeline: Timeline,
    *,
    out: Path,
    formats: Sequence[str],
    master: str,
    tags: Tags,
    cover: Path | None = None,
    measured: Sequence[Measured | Energy] = (),
    jobs: int = 1,
    stems: Mapping[str, Path] | None = None,
) -> Iterator[ExportEvent]:
    """Write a programme in several formats.

    Nothing is padded: all formats share the clock of the timeline, so heads and tails are the timeline's affair
    and only reported here.

    Args:
        programme: The mix.
        timeline: Who speaks when in it.
        out: Folder of the files; made if it does not exist.
        formats: Names from `FORMATS`.
        master: Name from `masters.MASTERS`.
        tags: What the files say about themselves.
        cover: The user's picture; None draws one from title and author.
        measured: What meters found in the mix, stretch by stretch and in order. Where a master needs the loudness and
            a stretch lacks it, all of the mix is measured here.
        jobs: Threads. Their number never changes the bytes.
        stems: Sound files by role that a timeline for editors should refer to.

    Yields:
        `ExportProgress` of files that take time, and one `Exported` for each format as it is finished.

    Raises:
        SettingsError: A format or master is unknown. Nothing was written.
        SoundError: The cover cannot be used. Nothing was written.
        StorageError: The disk is full or read-only. Files that are finished stay.
    """
    names = check_formats(formats)
    standard = master_named(master)
    audio = [name for name in names if isinstance(FORMATS[name], AudioFormat)]
    label = Label(tags, chapters(timeline), _cover(cover, tags) if audio else b"")
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    gain_db = 0.0
    if audio and standard is not None:
        loudness = [part for part in measured if isinstance(part, Measured)]
        if not loudness or len(loudness) < len(measured):
            loudness = _result(_measure(programme), jobs)
            measured = loudness
        gain_db = _result(gain_for(programme, loudness, standard), jobs)
    energy = [part.energy if isinstance(part, Measured) else part for part in measured]
    source = TextSource(timeline, tags, _media(audio, out), _relative(stems or {}, out), energy or None, gain_db)
    for name in names:
        text = FORMATS[name]
        if isinstance(text, TextFormat):
            path = out / file_name(name)
            with _new_file(path) as file:
                for piece in text.write(source):
                    file.write(piece.encode("utf-8", "replace"))
            yield Exported(name, path, path.stat().st_size)
    files = {name: out / file_name(name) for name in audio}
    for event in run({"": _audio_job(files, programme, standard, gain_db, label)}, threads=jobs):
        if isinstance(event, Progress):
            yield from (ExportProgress(name, event.done_s, event.total_s) for name in files)
        else:
            yield from event.result


@dataclass(slots=True)
class _Making:
    """A file of sound while it is being made.

    Attributes:
        name: Of its format.
        path: Its name when it is complete.
        file: It, under another name.
        dips: Where the programme is turned down further for it.
        report: What it measures.
    """

    name: str
    path: Path
    file: BinaryIO
    dips: list[Dip] = field(default_factory=list)
    report: GateReport | None = None

    @property
    def form(self) -> AudioFormat:
        """Its format."""
        form = FORMATS[self.name]
        assert isinstance(form, AudioFormat)  # noqa: S101 - chosen so by `export`
        return form


def _audio_job(
    files: Mapping[str, Path], programme: Programme, master: Master | None, gain_db: float, label: Label
) -> Job[list[Exported]]:
    """Write the audio files side by side and check them; where a codec overshoots, its file is made again with dips."""
    with contextlib.ExitStack() as opened:
        made = [_Making(name, path, opened.enter_context(_new_file(path))) for name, path in files.items()]
        if not made:
            return []
        if master is None:
            yield from _fill(made, programme, label)
        else:
            mastered = MasteredProgramme(programme, gain_db=gain_db, ceiling_db=master.ceiling_db)
            yield from _fill(made, mastered, label)
            doubtful = made
            for attempt in range(_ATTEMPTS):
                heard = yield from measure_files([(Path(one.file.name), one.path) for one in doubtful], master)
                for one, found in zip(doubtful, heard, strict=True):
                    verdicts = judge(found.loudness, master)
                    one.report = GateReport(
                        master.name, one.path.name, found.loudness, verdicts, gain_db, master.ceiling_db, len(one.dips)
                    )
                    one.dips += dips_at(found.overs, mastered, known=one.dips)
                doubtful = [one for one in doubtful if one.report and len(one.dips) > one.report.dips]
                if not doubtful or attempt + 1 == _ATTEMPTS:
                    break
                for one in doubtful:
                    dipped = MasteredProgramme(
                        programme, gain_db=gain_db, ceiling_db=master.ceiling_db, dips=tuple(one.dips)
                    )
                    yield from _fill([one], dipped, label)
    return [Exported(one.name, one.path, one.path.stat().st_size, one.report) for one in made]


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


def _measure(programme: Programme) -> Job[list[Measured]]:
    """Measure a mix that nobody measured while it was made."""
    parts: list[Measured] = []

    def tasks() -> Iterator[Callable[[], Iterator[Product]]]:
        for segment in segments(programme.frames, programme.joints):

            def task(segment: Segment = segment) -> Iterator[Product]:
                meter = LoudnessMeter()
                for block in blocks_of(programme, segment):
                    meter.feed(block)
                yield Product(meter.finish(), 0.0, 0)

            yield task

    yield Lane(tasks=tasks(), consume=parts.append)
    return parts


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
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


_R = TypeVar("_R")


def _result(job: Job[_R], threads: int) -> _R:
    """Run one job to its end."""
    results: list[_R] = [event.result for event in run({"": job}, threads=threads) if isinstance(event, Done)]
    return results[0]


def _cover(path: Path | None, tags: Tags) -> bytes:
    return make_cover(tags.title, tags.author) if path is None else read_cover(path)


_MEDIA = ("wav", "wav24", "flac", "m4b", "mp3")


def _media(audio: Sequence[str], out: Path) -> str:
    """The file that editors should open: one of this export, lossless if there is any, else one of an earlier export.

    Args:
        audio: Formats of sound that are being exported.
        out: Folder of exports.
    """
    if audio:
        return file_name(min(audio, key=lambda name: not getattr(FORMATS[name], "lossless", False)))
    return next((file_name(name) for name in _MEDIA if (out / file_name(name)).is_file()), "")


def _relative(stems: Mapping[str, Path], out: Path) -> dict[str, str]:
    """Stems by role as seen from the folder of exports, so that the whole production can be moved."""
    return {role: Path(os.path.relpath(path, out)).as_posix() for role, path in stems.items()}
