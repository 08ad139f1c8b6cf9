"""A book from text to files: gone on with from its folder alone, never made twice, the same bytes in any case.

The voices are the real ones; who says what is given.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
import pytest

from speechagents import Studio
from speechagents.attribution.keeping import KeptAttributions
from speechagents.books.book import Book
from speechagents.books.book_json import book_to_json
from speechagents.errors import ProductionError, SettingsError, SpeechAgentsError, StorageError
from speechagents.events import Event, Exported, Finished, ReadingProgress, SceneReady, Started
from speechagents.settings import PerformSettings, ReadSettings
from speechagents.stream import read_stream

from .novel.novels import a_book, said_by
from .production.readback import decoded

Kind = TypeVar("Kind", bound=Event)

ONE = "CHAPTER ONE\n\nThe road went down to the river.\n\n“Is anybody there?” asked Emma.\n\nNobody answered her.\n\n"
TWO = "CHAPTER TWO\n\nThey slept under the bridge that night.\n\n“Good night,” said Emma.\n\n"
THREE = "CHAPTER THREE\n\nIn the morning there was a boat.\n\n"
BOOK = a_book(ONE + TWO + THREE, title="Over the River")


def know(folder: Path, book: Book, speaker: str = "Emma") -> None:
    """Let a production know who says what before it begins."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {"paragraph", "verse"}
    paragraphs = [(block.start, block.end) for block in book.blocks() if block.kind.value in kinds]
    kept = KeptAttributions(folder / "attribution.json", book.text, paragraphs)
    kept.know(said_by(book, speaker))
    kept.write()


def read(studio: Studio, book: Book, out: Path, *, resume: bool = False, **options: Any) -> list[Event]:
    if not (out / "attribution.json").exists() or not resume:
        know(out, book)
    settings = ReadSettings(**{"formats": ("m4b", "mp3", "vtt", "json"), **options})
    return list(studio.read(book, out=out, settings=settings, resume=resume))


def of_kind(events: Sequence[Event], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def last(events: Sequence[Event]) -> Finished:
    assert isinstance(events[-1], Finished)
    return events[-1]


def digests(folder: Path) -> dict[str, str]:
    """Content of every file below a folder, save the lock."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.fixture(scope="module")
def done(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """The book, read once."""
    out = tmp_path_factory.mktemp("book") / "out"
    return out, read(studio, BOOK, out)


@pytest.fixture
def copy(done: tuple[Path, list[Event]], tmp_path: Path) -> Path:
    """A production of one's own to change."""
    return Path(shutil.copytree(done[0], tmp_path / "copy"))


def test_a_book_is_one_file_with_chapters_and_a_file_for_each(done: tuple[Path, list[Event]]) -> None:
    out, events = done
    scenes = of_kind(events, SceneReady)
    assert [event.scene.title for event in scenes] == [
        "Opening credits",
        "CHAPTER ONE",
        "CHAPTER TWO",
        "CHAPTER THREE",
        "Closing credits",
    ]
    with av.open(str(out / "exports" / "programme.m4b")) as container:
        chapters = container.chapters()
    assert [chapter["metadata"]["title"] for chapter in chapters] == [event.scene.title for event in scenes]
    starts = [chapter["start"] * float(chapter["time_base"] or 0) for chapter in chapters]
    assert starts == pytest.approx([event.scene.start_s for event in scenes], abs=1e-3)
    assert sorted(path.name for path in (out / "exports").glob("*.mp3")) == [
        f"chapter-{number:03}.mp3" for number in range(1, 6)
    ]


def test_the_book_in_one_file_is_its_chapters_end_to_end(done: tuple[Path, list[Event]]) -> None:
    """Sample by sample: laying packets end to end neither loses nor adds any."""
    out, events = done
    whole, rate_hz = decoded(out / "exports" / "programme.m4b")
    for event in of_kind(events, SceneReady):
        first, end = (round(time_s * rate_hz) for time_s in (event.scene.start_s, event.scene.end_s))
        alone, _ = decoded(out / "exports" / f"chapter-{event.index + 1:03}.mp3")
        assert len(alone) == end - first
        # Another codec, so the two are alike and not the same: the difference lies 30 dB below.
        difference = whole[first:end] - alone
        assert np.sqrt(np.mean(difference**2)) < 0.03 * np.sqrt(np.mean(alone**2))
    assert len(whole) == round(last(events).duration_s * rate_hz)


def test_every_chapter_meets_the_standard_by_itself(done: tuple[Path, list[Event]]) -> None:
    gates = last(done[1]).gates
    assert set(gates) == {f"{name} {number}" for name in ("m4b", "mp3") for number in range(1, 6)}
    assert all(gate["passed"] for gate in gates.values()), gates
    for gate in gates.values():
        assert 0.5 <= gate["measured"]["head_s"] <= 1.0
        assert 1.0 <= gate["measured"]["tail_s"] <= 5.0


def test_progress_rises_to_the_end_and_says_what_is_left(done: tuple[Path, list[Event]]) -> None:
    told = of_kind(done[1], ReadingProgress)
    assert [event.done for event in told] == sorted(event.done for event in told)
    assert (told[-1].done, told[-1].left_s, told[-1].chapters) == (1.0, 0.0, 5)


def test_events_come_in_the_order_of_the_chapters(done: tuple[Path, list[Event]]) -> None:
    events = done[1]
    assert isinstance(events[0], Started)
    assert (events[0].scenes, events[0].title) == (5, "Over the River")
    assert [event.index for event in of_kind(events, SceneReady)] == list(range(5))
    parts = [event.part for event in of_kind(events, Exported) if event.format == "mp3"]
    assert parts == [1, 2, 3, 4, 5]


def test_the_message_stream_is_that_of_the_whole_book(done: tuple[Path, list[Event]]) -> None:
    out, events = done
    placed = [line for event in of_kind(events, SceneReady) for line in event.scene.lines]
    stream = read_stream(out / "stream.jsonl")
    assert [message.id for message in stream] == list(range(1, len(placed) + 1))
    for message, line in zip(stream, placed, strict=True):
        assert (message.speaker, message.text, message.take) == (line.line.role, line.line.text, line.take)
        assert (message.start_s, message.end_s) == pytest.approx((line.start_s, line.end_s), abs=1e-3)


def test_the_folder_alone_is_enough_to_go_on(studio: Studio, copy: Path) -> None:
    """Exports gone, files of the user gone: nothing is spoken or encoded again, and the bytes are the same."""
    before = digests(copy)
    shutil.rmtree(copy / "exports")
    finished = last(list(studio.resume(copy)))
    assert finished.spoken == 0
    assert digests(copy) == before


def test_the_bytes_are_the_same_however_many_cores_there_are(done: tuple[Path, list[Event]], tmp_path: Path) -> None:
    with Studio(jobs=1) as alone:
        read(alone, BOOK, tmp_path / "alone")
    assert digests(tmp_path / "alone") == digests(done[0])


def test_a_changed_paragraph_speaks_only_its_lines(studio: Studio, copy: Path) -> None:
    changed = a_book((ONE + TWO + THREE).replace("there was a boat", "there was no boat"), title="Over the River")
    kept = {path.name for path in (copy / "chapters").glob("*.m4b")}
    finished = last(read(studio, changed, copy))
    assert finished.spoken == 1
    # The one chapter that it stands in is encoded anew, and what it was before is not kept.
    now = {path.name for path in (copy / "chapters").glob("*.m4b")}
    assert (len(now), len(now & kept)) == (5, 4)


def test_a_chapter_that_moves_is_not_made_again(studio: Studio, copy: Path) -> None:
    without = a_book(TWO + THREE, title="Over the River")
    before = {path: path.stat().st_mtime_ns for path in (copy / "chapters").glob("*.m4b")}
    assert last(read(studio, without, copy)).spoken == 0
    for path in (copy / "chapters").glob("*.m4b"):
        assert path.stat().st_mtime_ns == before[path]


def test_some_chapters_can_be_read_first(studio: Studio, tmp_path: Path) -> None:
    """And what was read of others stays."""
    out = tmp_path / "out"
    first = of_kind(read(studio, BOOK, out, chapters="3", formats=("m4b",)), SceneReady)
    assert [event.scene.title for event in first] == ["Opening credits", "CHAPTER THREE", "Closing credits"]
    read(studio, BOOK, out, chapters="1", formats=("m4b",))
    assert len(list((out / "chapters").glob("*.m4b"))) == 4
    with pytest.raises(SettingsError, match="no chapter 9"):
        read(studio, BOOK, out, chapters="9")


def test_further_formats_speak_nothing(studio: Studio, copy: Path) -> None:
    finished = last(list(studio.export(copy, formats=("opus", "srt"), master="acx")))
    assert finished.spoken == 0
    assert [path.name for path in finished.files] == [*(f"chapter-00{n}.opus" for n in range(1, 6)), "programme.srt"]
    # A resume goes on as the book was started, not as it was exported since.
    record = json.loads((copy / "production.json").read_text("utf-8"))
    assert record["settings"]["formats"] == ["m4b", "mp3", "vtt", "json"]


def test_a_removed_take_is_needed_again_only_with_its_chapter(studio: Studio, copy: Path) -> None:
    for take in (copy / "takes").iterdir():
        take.unlink()
    before = digests(copy)
    assert last(read(studio, BOOK, copy)).spoken == 0
    assert digests(copy) == before
    # With the chapter gone too, both are made again, to the same bytes.
    gone = next((copy / "chapters").glob("*.mp3"))
    sound = gone.read_bytes()
    gone.unlink()
    assert last(read(studio, BOOK, copy)).spoken > 0
    assert gone.read_bytes() == sound


@pytest.mark.parametrize("name", ["*.m4b", "*.m4b.json", "*.mp3"])
def test_a_damaged_chapter_is_made_again(studio: Studio, copy: Path, name: str) -> None:
    before = digests(copy)
    victim = max((copy / "chapters").glob(name))
    victim.write_bytes(victim.read_bytes()[:-7])
    read(studio, BOOK, copy)
    assert digests(copy) == before


def test_a_kept_book_that_is_damaged_says_so(studio: Studio, copy: Path) -> None:
    (copy / "book.json").write_text("{", "utf-8")
    with pytest.raises(SpeechAgentsError, match=r"book\.json"):
        list(studio.resume(copy))


def test_what_a_run_killed_at_its_start_has_written_is_no_obstacle(studio: Studio, tmp_path: Path) -> None:
    out = tmp_path / "out"
    know(out, BOOK)
    for name in ("book.json", "cast.yaml", "characters.csv", "lexicon.pls", "cover", "answers.jsonl"):
        (out / name).write_bytes(b"")
    assert last(read(studio, BOOK, out, formats=("vtt",))).spoken > 0


def test_a_script_and_a_book_do_not_share_a_folder(studio: Studio, play: Path, copy: Path, tmp_path: Path) -> None:
    list(studio.perform(play, out=tmp_path / "play", settings=PerformSettings(formats=("vtt",))))
    know(tmp_path / "play", BOOK)
    with pytest.raises(ProductionError, match="no book that is read aloud"):
        list(studio.read(BOOK, out=tmp_path / "play"))
    with pytest.raises(ProductionError, match="holds a book"):
        list(studio.perform(play, out=copy, settings=PerformSettings(formats=("vtt",))))


def test_a_disk_without_room_is_refused_before_anything_is_spoken(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("speechagents.production.folder.shutil.disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(StorageError, match="free some space"):
        read(studio, BOOK, tmp_path / "out")
    assert not list((tmp_path / "out").glob("takes/*"))


SCRIPT = """
import resource, sys
from pathlib import Path
from speechagents import Studio
from speechagents.books.book_json import book_from_json
from speechagents.errors import StorageError
from speechagents.settings import ReadSettings
book = book_from_json(Path(sys.argv[1]).read_text("utf-8"), source="book")
if int(sys.argv[3]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
with Studio(jobs=2) as studio:
    try:
        settings = ReadSettings(formats=("m4b", "mp3", "vtt", "json"))
        for event in studio.read(book, out=Path(sys.argv[2]), settings=settings):
            print(type(event).__name__, flush=True)
    except StorageError as error:
        sys.exit(str(error))
"""


def start(book: Book, out: Path, tmp_path: Path, *, largest: int = 0) -> subprocess.Popen[str]:
    """Read a book in a process of its own, which can write no file larger than so many bytes."""
    path = tmp_path / "book.json"
    path.write_text(book_to_json(book), "utf-8")
    know(out, book)
    command = [sys.executable, "-c", SCRIPT, str(path), str(out), str(largest)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_full_disk_is_told_and_the_same_command_goes_on(
    studio: Studio, done: tuple[Path, list[Event]], tmp_path: Path
) -> None:
    """A file that cannot grow any more stands for a disk that is full."""
    out = tmp_path / "out"
    process = start(BOOK, out, tmp_path, largest=150_000)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "free some space" in said
    read(studio, BOOK, out)
    assert digests(out) == digests(done[0])


@pytest.mark.parametrize("chapters", [1, 3])
def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_bytes(
    studio: Studio, done: tuple[Path, list[Event]], tmp_path: Path, chapters: int
) -> None:
    out = tmp_path / "out"
    process = start(BOOK, out, tmp_path)
    assert process.stdout is not None
    ready = 0
    for line in process.stdout:
        ready += line.startswith("SceneReady")
        if ready == chapters:
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert process.stderr is not None
    process.stderr.close()
    finished_then = {path: path.stat().st_mtime_ns for path in (out / "chapters").glob("*.json")}
    takes_then = {path: path.stat().st_mtime_ns for path in (out / "takes").glob("*.flac")}
    assert len(finished_then) >= chapters
    _until_unlocked(studio, out)
    assert digests(out) == digests(done[0])
    for path, made in (finished_then | takes_then).items():
        assert path.stat().st_mtime_ns == made, f"{path.name} was made again"


def _until_unlocked(studio: Studio, out: Path) -> None:
    """Read on; the lock of a killed process is gone when the kernel has cleared it away."""
    for _ in range(50):
        try:
            read(studio, BOOK, out, resume=True)
        except ProductionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the folder stays locked")
