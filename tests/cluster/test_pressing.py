"""Chapters pressed by workers: the same folder as without them to the byte, whichever way they go.

The voices are the real ones; a worker that is far does not see the production's folder.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest

from speechagents import Studio
from speechagents.cluster import chapter_task, pressing
from speechagents.cluster.chapter_task import ChapterTask, Parcel
from speechagents.cluster.local import InProcess, LocalPool
from speechagents.cluster.sharing import SharedFolder
from speechagents.cluster.voices import VoiceService
from speechagents.errors import ClusterError, StorageError
from speechagents.events import Event, LineFailed, SceneReady
from speechagents.production import takes
from speechagents.production.storage import write_atomically
from speechagents.settings import ReadSettings
from speechagents.voices.espeak import EspeakSynthesizer
from tests.cluster.far_reading import FORMATS, Hire, kinds, read, spoken
from tests.cluster.made_up_services import note, noted
from tests.cluster.made_up_voices import HOARSE, far, near, of_tomorrow
from tests.novel.novels import a_book
from tests.test_reading_aloud import BOOK, THREE, digests, know, of_kind

pytestmark = pytest.mark.usefixtures("importable")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def hire(here: EspeakSynthesizer, notes: Path) -> Hire:
    return Hire(here, notes)


@pytest.fixture(scope="module")
def alone(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """The book, read without workers."""
    out = tmp_path_factory.mktemp("alone") / "out"
    know(out, BOOK)
    return out, list(studio.read(BOOK, out=out, settings=ReadSettings(formats=FORMATS)))


def _plans(out: Path) -> list[Path]:
    return [path for path in (out / "chapters").glob("*.json") if path.name.count(".") == 1]


def _take_bytes(out: Path, plan: Path) -> int:
    """Size of a chapter's takes."""
    addresses = {line["take"] for line in json.loads(plan.read_bytes())["lines"]}
    return sum((out / "takes" / f"{address}.flac").stat().st_size for address in addresses)


# The three ways


@pytest.mark.parametrize("make", [near, far], ids=["on one disk", "as parcels"])
def test_workers_make_the_same_folder(
    alone: tuple[Path, list[Event]],
    hire: Hire,
    pool: LocalPool,
    notes: Path,
    tmp_path: Path,
    make: Callable[[Path], VoiceService],
) -> None:
    events = read(hire(pool, make), tmp_path / "out")
    assert digests(tmp_path / "out") == digests(alone[0])
    assert kinds(events) == kinds(alone[1])
    assert [event.index for event in of_kind(events, SceneReady)] == list(range(5))
    assert spoken(events) == spoken(alone[1]) == len(noted(notes, "spoken"))
    assert os.getpid() not in noted(notes, "spoken")
    assert not (tmp_path / "out" / "work").exists()


@pytest.mark.parametrize("there", ["said beforehand", "found by the worker"])
def test_a_chapter_that_is_too_large_to_travel_is_encoded_at_home(
    alone: tuple[Path, list[Event]],
    hire: Hire,
    threads: InProcess,
    notes: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: str,
) -> None:
    """Its lines are spoken by workers all the same, each once."""
    # The takes of each chapter may travel; those of the longest and its sound may not.
    most = max(_take_bytes(alone[0], plan) for plan in _plans(alone[0]))
    monkeypatch.setattr(pressing if there == "said beforehand" else chapter_task, "MAX_PARCEL_BYTES", most)
    events = read(hire(threads, far), tmp_path / "out")
    assert digests(tmp_path / "out") == digests(alone[0])
    assert spoken(events) == spoken(alone[1]) == len(noted(notes, "spoken"))


def test_takes_that_are_here_go_along(
    alone: tuple[Path, list[Event]], hire: Hire, threads: InProcess, notes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(alone[0], out)
    shutil.rmtree(out / "chapters")
    lost = sorted((out / "takes").iterdir())[2]
    lost.unlink()
    assert spoken(read(hire(threads, far), out)) == 1 == len(noted(notes, "spoken"))
    assert digests(out) == digests(alone[0])


@pytest.mark.parametrize("make", [near, far], ids=["on one disk", "as parcels"])
def test_what_is_finished_is_no_task(
    alone: tuple[Path, list[Event]],
    hire: Hire,
    threads: InProcess,
    tmp_path: Path,
    make: Callable[[Path], VoiceService],
) -> None:
    out = tmp_path / "out"
    shutil.copytree(alone[0], out)
    workforce = hire(threads, make)
    assert spoken(read(workforce, out)) == 0
    assert workforce.dispatcher.counts.tasks == 0
    # A format more is made of the takes that are there; what was in others stays.
    before = {path: path.stat().st_mtime_ns for path in (out / "chapters").glob("*.m4b")}
    assert spoken(read(workforce, out, formats=(*FORMATS, "opus"))) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(list((out / "chapters").glob("*.opus"))) == 5


@pytest.mark.parametrize("make", [near, far], ids=["on one disk", "as parcels"])
def test_a_chapter_that_comes_out_otherwise_is_made_anew_in_all_formats(
    hire: Hire, threads: InProcess, notes: Path, tmp_path: Path, make: Callable[[Path], VoiceService]
) -> None:
    """A format is added, and a line whose take is gone cannot be spoken any more."""
    book, out = a_book(THREE + f"CHAPTER FOUR\n\nThe ferryman was {HOARSE}.\n\nHe waved.\n\n"), tmp_path / "out"
    workforce = hire(threads, make)
    events = read(workforce, out, book, formats=("m4b",))
    (line,) = (one for event in of_kind(events, SceneReady) for one in event.scene.lines if HOARSE in one.line.text)
    before = {path: path.read_bytes() for path in (out / "chapters").glob("*.m4b")}
    (out / "takes" / f"{line.take}.flac").unlink()
    note(notes, HOARSE)
    events = read(workforce, out, book, formats=("m4b", "opus"))
    (failed,) = of_kind(events, LineFailed)
    assert (failed.line.text, failed.reason) == (line.line.text, "the voice is gone")
    assert sum(path.read_bytes() != sound for path, sound in before.items()) == 1
    assert len(list((out / "chapters").glob("*.opus"))) == len(before)


def test_a_proofed_book_is_the_same_too(studio: Studio, hire: Hire, threads: InProcess, tmp_path: Path) -> None:
    know(tmp_path / "alone", BOOK)
    settings = ReadSettings(formats=("m4b",), proof=True)
    list(studio.read(BOOK, out=tmp_path / "alone", settings=settings))
    events = read(hire(threads), tmp_path / "out", formats=("m4b",), proof=True)
    # The record of findings is in the order in which they came; the report is in that of the book.
    ours, theirs = digests(tmp_path / "out"), digests(tmp_path / "alone")
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} <= {"proof.jsonl"}
    assert spoken(events) == len(list((tmp_path / "out" / "takes").iterdir()))


# What goes wrong


def test_a_full_disk_ends_the_run_at_once(
    hire: Hire, threads: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [2]

    def write_until_full(path: Path, data: bytes) -> None:
        if not room[0]:
            raise StorageError(f"{path}: the disk is full; free some space")
        room[0] -= 1
        write_atomically(path, data)

    monkeypatch.setattr(takes, "write_atomically", write_until_full)
    workforce = hire(threads)
    with pytest.raises(StorageError, match="the disk is full"):
        read(workforce, tmp_path / "out")
    assert workforce.dispatcher.counts.retried == 0


def test_workers_of_another_version_are_refused(hire: Hire, threads: InProcess, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="install the same version"):
        read(hire(threads, of_tomorrow), tmp_path / "out")
    assert not (tmp_path / "out" / "takes").exists()


# What is not as it was written


def test_a_file_that_shows_late_is_waited_for(
    alone: tuple[Path, list[Event]],
    hire: Hire,
    threads: InProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a disk of another machine's does."""
    looked: list[Path] = []

    def sha256_of(path: Path) -> str:
        looked.append(path)
        return "not yet" if len(looked) == 1 else chapter_task.sha256_of(path)

    monkeypatch.setattr(pressing, "sha256_of", sha256_of)
    read(hire(threads), tmp_path / "out")
    assert looked.count(looked[0]) == 2
    assert digests(tmp_path / "out") == digests(alone[0])


def test_a_file_that_is_another_one_is_refused(
    hire: Hire, threads: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chapter_task, "sha256_of", lambda path: "0" * 64)  # noqa: ARG005
    monkeypatch.setattr(pressing, "SEEN_WITHIN_S", 0.0)
    with pytest.raises(StorageError, match="is not what a worker has written"):
        read(hire(threads), tmp_path / "out")


def test_a_parcel_that_was_damaged_on_its_way_is_refused(
    hire: Hire, threads: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ChapterTask.done_with

    def damaged(task: ChapterTask, synthesizer: Any) -> Any:
        result = whole(task, synthesizer)
        if isinstance(result, Parcel):
            object.__setattr__(result.takes[0], "data", result.takes[0].data[:-1] + b"?")
        return result

    monkeypatch.setattr(ChapterTask, "done_with", damaged)
    with pytest.raises(ClusterError, match="came back damaged"):
        read(hire(threads, far), tmp_path / "out")
    assert not list((tmp_path / "out").glob("chapters/*"))


# Folders


def test_a_folder_of_the_same_name_is_not_the_same(tmp_path: Path) -> None:
    with SharedFolder.of(tmp_path) as shared:
        assert shared.is_seen
        there = shared.proof.read_bytes()
        shared.proof.write_bytes(b"another machine's")
        assert not shared.is_seen
        shared.proof.write_bytes(there)
    assert not shared.is_seen
    assert list(tmp_path.iterdir()) == []


def test_the_scratch_of_workers_that_were_killed_is_cleared_away(
    hire: Hire, threads: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    for name in ("speechagents-press-dead", "speechagents-press-alive", "somebody-elses"):
        (scratch / name).mkdir()
        (scratch / f"{name}.lock").touch()
    (scratch / "speechagents-press-link.lock").symlink_to(scratch / "somebody-elses.lock")
    with filelock.FileLock(scratch / "speechagents-press-alive.lock"):
        read(hire(threads, far), tmp_path / "out", formats=("vtt",))
        left = {path.name for path in scratch.iterdir() if path.is_dir()}
    assert left == {"speechagents-press-alive", "somebody-elses"}
    assert (scratch / "speechagents-press-link.lock").is_symlink()
