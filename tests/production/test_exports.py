"""One call makes all files: mastered, checked, whole or not at all."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import mutagen
import numpy as np
import psutil
import pytest

from speechagents.audio import Samples
from speechagents.errors import SettingsError, SoundError, StorageError
from speechagents.production import masters
from speechagents.production.exports import (
    FORMATS,
    Exported,
    ExportEvent,
    ExportProgress,
    check_formats,
    export,
    file_name,
)
from speechagents.production.loudness import LoudnessMeter
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.tags import Tags
from speechagents.production.timeline import PlacedScene, Timeline

from .conftest import AUDIO_FORMATS, TEXT_FORMATS, ArrayProgramme, ExportAll, Exports, silence, speech_like
from .readback import decoded


@pytest.mark.parametrize("master", ["acx", "r128", "podcast"])
def test_every_audio_format_meets_every_standard(export_all: ExportAll, master: str) -> None:
    exports = export_all(formats=AUDIO_FORMATS, master=master)
    for name in AUDIO_FORMATS:
        report = exports.files[name].report
        assert report is not None
        assert report.passed, (name, report)
        assert report.file == exports.path(name).name


def test_without_a_master_nothing_is_changed_or_claimed(plain: Exports, drama: ArrayProgramme) -> None:
    assert all(exported.report is None for exported in plain.files.values())
    assert np.abs(decoded(plain.path("wav24"))[0] - drama.sound).max() < 1e-6


def test_loudness_found_while_mixing_spares_a_pass_and_gives_the_same_gain(
    drama: ArrayProgramme, timeline: Timeline, tags: Tags, tmp_path: Path
) -> None:
    ends = [*drama.joints, drama.frames]
    parts = []
    for first, end in zip([0, *drama.joints], ends, strict=True):
        meter = LoudnessMeter()
        meter.feed(drama.read(first, end - first))
        parts.append(meter.finish())
    gains = []
    for measured in (parts, [part.energy for part in parts], ()):
        events = list(
            export(
                drama,
                timeline,
                out=tmp_path,
                formats=["flac"],
                master="r128",
                tags=tags,
                measured=measured,
            )
        )
        assert isinstance(events[-1], Exported)
        assert events[-1].report is not None
        gains.append(events[-1].report.gain_db)
    assert gains[0] == pytest.approx(gains[1], abs=0.05)
    assert gains[1] == gains[2]


def test_overshoot_of_a_codec_is_answered_by_a_lower_ceiling_there(
    export_all: ExportAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    podcast = masters.MASTERS["podcast"]
    assert podcast is not None
    # A ceiling at full scale breaks the rule of -1 dB at the first attempt, whatever the codec.
    monkeypatch.setitem(masters.MASTERS, "podcast", replace(podcast, aim=-15.6, ceiling_db=0.0))
    exported = export_all(formats=["opus"], master="podcast").files["opus"]
    assert exported.report is not None
    assert exported.report.dips > 0
    assert exported.report.measured.true_peak_db <= -1.0
    assert exported.report.passed  # loudness too: the rest of the file was left alone


def test_a_programme_that_is_too_long_for_the_standard_becomes_one_file_for_each_part(
    drama: ArrayProgramme, timeline: Timeline, tags: Tags, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acx = masters.MASTERS["acx"]
    assert acx is not None
    rules = (*(rule for rule in acx.rules if rule.name != "duration_s"), masters.Rule("duration_s", high=20.0))
    monkeypatch.setitem(masters.MASTERS, "acx", replace(acx, rules=rules))
    formats = ["mp3", "json", "otio"]
    events = list(export(drama, timeline, out=tmp_path, formats=formats, master="acx", tags=tags, jobs=2))
    parts = [event for event in events if isinstance(event, Exported) and event.part]
    assert [(part.part, part.path.name) for part in parts] == [(1, "programme-1.mp3"), (2, "programme-2.mp3")]
    for part in parts:
        assert part.report is not None
        assert part.report.passed, part.report
        assert part.report.file == part.path.name
    titles = [mutagen.File(part.path).tags["TIT2"].text[0] for part in parts]
    assert titles == [f"{tags.title}, part {number} of 2" for number in (1, 2)]
    assert sum(part.report.measured.duration_s for part in parts if part.report) > drama.frames / PROGRAMME_HZ
    # Texts stay whole, and refer to no file that does not exist.
    assert not (tmp_path / "programme.mp3").exists()
    assert "programme.mp3" not in (tmp_path / "programme.otio").read_text("utf-8")


def test_what_cannot_be_mended_is_reported_not_hidden(timeline: Timeline, tags: Tags, tmp_path: Path) -> None:
    # No head and no tail: ACX refuses it, and so does the report.
    programme = ArrayProgramme(speech_like(4.0, seed=8))
    events = list(export(programme, timeline, out=tmp_path, formats=["mp3"], master="acx", tags=tags, jobs=2))
    assert isinstance(events[-1], Exported)
    report = events[-1].report
    assert report is not None
    assert not report.passed
    assert {verdict.rule for verdict in report.verdicts if not verdict.passed} == {"head_s", "tail_s"}
    assert events[-1].path.exists()


@pytest.mark.parametrize("frames", [0, 1, 5000])
def test_a_programme_of_next_to_nothing_is_exported_all_the_same(tags: Tags, tmp_path: Path, frames: int) -> None:
    programme = ArrayProgramme(np.full((frames, 2), 0.1, np.float32))
    timeline = Timeline("T", ())
    formats = (*AUDIO_FORMATS, *TEXT_FORMATS)
    events = export(programme, timeline, out=tmp_path, formats=formats, master="podcast", tags=tags, jobs=2)
    assert {event.format for event in events if isinstance(event, Exported)} == set(formats)


def test_names_are_fixed_and_nothing_else_is_left_in_the_folder(plain: Exports) -> None:
    folder = plain.path("mp3").parent
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        file_name(name) for name in (*AUDIO_FORMATS, *TEXT_FORMATS)
    )
    assert set(FORMATS) == {*AUDIO_FORMATS, *TEXT_FORMATS}
    for name, exported in plain.files.items():
        assert exported.bytes == exported.path.stat().st_size, name


def test_progress_rises_to_the_length_of_the_programme(timeline: Timeline, tags: Tags, tmp_path: Path) -> None:
    programme = ArrayProgramme(np.tile(speech_like(5.0, seed=9), (9, 1)))
    told: list[ExportEvent] = list(
        export(programme, timeline, out=tmp_path, formats=["flac", "opus"], master="none", tags=tags, jobs=2)
    )
    for name in ("flac", "opus"):
        done = [e.done_s for e in told if isinstance(e, ExportProgress) and e.format == name]
        assert done == sorted(done)
        assert len(done) == 4
        assert all(0.0 < seconds <= 45.0 for seconds in done)


def test_unknown_formats_and_masters_are_refused_before_anything_is_written(
    drama: ArrayProgramme, timeline: Timeline, tags: Tags, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(SettingsError, match=r"'mp5'.*m4b, mp3, opus"):
        list(export(drama, timeline, out=out, formats=["vtt", "mp5"], master="none", tags=tags))
    with pytest.raises(SettingsError, match="'loud'"):
        list(export(drama, timeline, out=out, formats=["vtt"], master="loud", tags=tags))
    with pytest.raises(SoundError, match="cover"):
        list(
            export(
                drama,
                timeline,
                out=out,
                formats=["vtt", "mp3"],
                master="none",
                tags=tags,
                cover=tmp_path / "no-cover.png",
            )
        )
    assert not out.exists()
    assert check_formats(["vtt", "mp3", "vtt"]) == ("vtt", "mp3")


@contextmanager
def largest_file(limit: int) -> Iterator[None]:
    """No file can grow beyond a limit: to a writer, a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_old_files_and_no_litter(
    drama: ArrayProgramme, timeline: Timeline, tags: Tags, tmp_path: Path
) -> None:
    old = tmp_path / "programme.wav"
    old.write_bytes(b"old")
    with largest_file(2_000_000), pytest.raises(StorageError, match=r"programme\.wav"):
        list(export(drama, timeline, out=tmp_path, formats=["m4b", "wav"], master="none", tags=tags, jobs=2))
    assert old.read_bytes() == b"old"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_folder_that_cannot_be_made_is_named(
    drama: ArrayProgramme, timeline: Timeline, tags: Tags, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="file/out"):
        list(export(drama, timeline, out=tmp_path / "file" / "out", formats=["vtt"], master="none", tags=tags))


def test_an_export_that_is_given_up_leaves_no_litter(
    drama: ArrayProgramme, timeline: Timeline, tags: Tags, tmp_path: Path
) -> None:
    events = export(drama, timeline, out=tmp_path, formats=["mp3"], master="none", tags=tags, jobs=2)
    next(events)
    assert list(tmp_path.iterdir())
    events.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())


@dataclass(frozen=True)
class Loop:
    """A long programme that repeats one scene and holds nothing else."""

    scene: Samples
    times: int

    @property
    def frames(self) -> int:
        return len(self.scene) * self.times

    @property
    def joints(self) -> range:
        return range(len(self.scene), self.frames, len(self.scene))

    def read(self, first: int, count: int) -> Samples:
        at = np.arange(first, min(first + count, self.frames)) % len(self.scene)
        return self.scene[at]


def test_memory_does_not_grow_with_the_programme(tags: Tags, tmp_path: Path) -> None:
    scene = np.concatenate([silence(0.2), speech_like(9.6, seed=10), silence(0.2)])

    def peak_growth(times: int) -> int:
        programme = Loop(scene, times)
        end_s = programme.frames / PROGRAMME_HZ
        timeline = Timeline("T", (PlacedScene("S", "", 0.0, end_s, ()),))
        process = psutil.Process()
        before = most = process.memory_info().rss
        # WAV makes most bytes, so whatever waits shows best there.
        for _ in export(programme, timeline, out=tmp_path, formats=["wav24", "opus"], master="none", tags=tags, jobs=2):
            most = max(most, process.memory_info().rss)
        return most - before

    peak_growth(3)
    assert peak_growth(40) < 60_000_000
