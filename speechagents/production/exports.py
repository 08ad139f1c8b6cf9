"""From the finished mix and its timeline to the files that listeners and editors get: the one door.

Owns the registry of formats and the way a file comes to its name. Does not know how any format is built.

Files of sound are made side by side (`sound_files`); where a standard allows no file as long as the programme, it is
divided (`divisions`) and each part has files of its own. Every file has a fixed name, is written under a temporary one
in the same folder, and gets its name when it is complete and on disk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from speechagents.errors import SettingsError
from speechagents.production.codecs import AAC, MP3, OPUS, PcmCodec
from speechagents.production.containers.flac import FlacFile
from speechagents.production.containers.mp3 import Mp3File
from speechagents.production.containers.mp4 import M4bFile
from speechagents.production.containers.ogg import OpusFile
from speechagents.production.containers.wav import WavFile
from speechagents.production.cover import make_cover, read_cover
from speechagents.production.divisions import Part, divide
from speechagents.production.energy import Energy
from speechagents.production.gain import gain_for, measuring_lane
from speechagents.production.gate import GateReport
from speechagents.production.lanes import Done, Job, Progress, run
from speechagents.production.loudness import Measured
from speechagents.production.masters import Master, master_named
from speechagents.production.otio import otio
from speechagents.production.programme import PROGRAMME_HZ, Programme
from speechagents.production.rttm import rttm
from speechagents.production.sound_files import AudioFormat, Recording, new_file, sound_files_job
from speechagents.production.storage import storage_errors
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
        part: Number of the part of a divided programme that it holds, from 1; 0 holds all of it.
    """

    format: str
    path: Path
    bytes: int
    report: GateReport | None = None
    part: int = 0


ExportEvent = ExportProgress | Exported


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


def file_name(name: str, part: int = 0) -> str:
    """Name of the file of a format, or of one part in it: fixed, never made from a title."""
    return f"{_BASE_NAME}{f'-{part}' if part else ''}.{FORMATS[name].suffix}"


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
    and only reported here. Parts of a divided programme alone have a clock, a head and a tail of their own.

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
        `ExportProgress` of files that take time, and one `Exported` for each format as it is finished; one for
        each part where the master's longest file is shorter than the programme.

    Raises:
        SettingsError: A format or master is unknown. Nothing was written.
        SoundError: The cover cannot be used. Nothing was written.
        StorageError: The disk is full or read-only. Files that are finished stay.
    """
    names = check_formats(formats)
    standard = master_named(master)
    forms = {name: form for name in names if isinstance(form := FORMATS[name], AudioFormat)}
    picture = _cover(cover, tags) if forms else b""
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    parts = _parts(programme, timeline, standard) if forms else []
    gain_db = 0.0
    if parts and not parts[0].number and standard is not None:
        loudness = [stretch for stretch in measured if isinstance(stretch, Measured)]
        if not loudness or len(loudness) < len(measured):
            loudness = _result(_measure(programme), jobs)
            measured = loudness
        gain_db = _result(gain_for(programme, loudness, standard), jobs)
    energy = [stretch.energy if isinstance(stretch, Measured) else stretch for stretch in measured]
    divided = len(parts) > 1
    source = TextSource(
        timeline,
        tags,
        "" if divided else _media(list(forms), out),
        _relative(stems or {}, out),
        # Parts are levelled one by one: there is no one gain to tell levels by.
        None if divided else energy or None,
        gain_db,
    )
    for name in names:
        text = FORMATS[name]
        if isinstance(text, TextFormat):
            path = out / file_name(name)
            with new_file(path) as file:
                for piece in text.write(source):
                    file.write(piece.encode("utf-8", "replace"))
            yield Exported(name, path, path.stat().st_size)
    before_s, total_s = 0.0, sum(part.duration_s for part in parts)
    for part in parts:
        if part.number and standard is not None:
            gain_db = _result(gain_for(part.programme, _result(_measure(part.programme), jobs), standard), jobs)
        label = Label(_tags_of(part, tags), chapters(part.timeline), picture)
        recording = Recording(part.programme, label, standard, gain_db)
        files = {name: out / file_name(name, part.number) for name in forms}
        job = sound_files_job(recording, [(forms[name], path) for name, path in files.items()])
        for event in run({"": job}, threads=jobs):
            if isinstance(event, Progress):
                yield from (ExportProgress(name, before_s + event.done_s, total_s) for name in files)
                continue
            for (name, path), report in zip(files.items(), event.result, strict=True):
                yield Exported(name, path, path.stat().st_size, report, part.number)
        before_s += part.duration_s


def _parts(programme: Programme, timeline: Timeline, master: Master | None) -> list[Part]:
    """The programme in parts that a standard allows; the part with the number 0 is all of it."""
    whole = Part(0, 1, programme, timeline)
    if master is None or programme.frames / PROGRAMME_HZ <= master.longest_s:
        return [whole]
    parts = divide(programme, timeline, longest_s=master.longest_s)
    # One scene that is too long cannot be helped: the report says so.
    return parts if len(parts) > 1 else [whole]


def _tags_of(part: Part, tags: Tags) -> Tags:
    return replace(tags, title=f"{tags.title}, part {part.number} of {part.of}") if part.number else tags


def _measure(programme: Programme) -> Job[list[Measured]]:
    """Measure a mix that nobody measured while it was made."""
    parts: list[Measured] = []
    yield measuring_lane(programme, parts.append)
    return parts


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
