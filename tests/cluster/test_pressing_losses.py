"""Books while somebody is lost: a worker, the driver, or whoever takes on one certain chapter."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from speechagents import Studio
from speechagents.cluster.local import LocalPool
from speechagents.cluster.voices import VoiceService
from speechagents.errors import ClusterError, StorageError
from speechagents.events import Finished
from speechagents.settings import ReadSettings
from speechagents.voices.espeak import EspeakSynthesizer
from tests.cluster.far_reading import FORMATS, Hire, read, spoken
from tests.cluster.made_up_services import note, noted
from tests.cluster.made_up_voices import FULL, POISON, cramped_far, cramped_near, cramped_once, far, near
from tests.novel.novels import a_book
from tests.test_reading_aloud import BOOK, ONE, THREE, TWO, digests, know

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("importable")
WAIT_S = 120.0


@pytest.fixture
def hire(tmp_path: Path) -> Iterator[Hire]:
    notes = tmp_path / "notes"
    notes.mkdir()
    with EspeakSynthesizer(jobs=1) as voices:
        yield Hire(voices, notes)


@pytest.mark.parametrize("make", [near, far], ids=["on one disk", "as parcels"])
def test_a_worker_that_is_killed_in_the_midst_changes_nothing(
    hire: Hire, tmp_path: Path, studio: Studio, make: Callable[[Path], VoiceService]
) -> None:
    book = a_book(ONE + TWO + THREE + "CHAPTER FOUR\n\n" + "They rowed, and rowed.\n\n" * 15, title="Over the River")
    know(tmp_path / "alone", book)
    list(studio.read(book, out=tmp_path / "alone", settings=ReadSettings(formats=FORMATS)))
    killed: list[int] = []

    def kill_who_speaks(pool: LocalPool) -> None:
        end = time.monotonic() + WAIT_S
        while not killed and time.monotonic() < end:
            for pid in set(noted(hire.notes, "spoken")) & set(pool.pids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.005)

    with closing(LocalPool(2)) as pool:
        workforce = hire(pool, make)
        killer = threading.Thread(target=kill_who_speaks, args=(pool,))
        killer.start()
        events = read(workforce, tmp_path / "out", book)
        killer.join()
    assert killed
    assert workforce.dispatcher.counts.lost >= 1
    assert digests(tmp_path / "out") == digests(tmp_path / "alone")
    # On one disk a take outlives the worker who spoke it.
    assert spoken(events) <= len(list((tmp_path / "out" / "takes").iterdir()))


def test_a_driver_that_is_killed_goes_on_where_it_was(studio: Studio, tmp_path: Path) -> None:
    """A program of its own, killed as soon as there are takes, and run again; nothing finished is spoken twice."""
    alone, out = tmp_path / "alone", tmp_path / "out"
    know(alone, BOOK)
    shutil.copytree(alone, out)
    whole = list(studio.read(BOOK, out=alone, settings=ReadSettings(formats=FORMATS)))
    script = tmp_path / "drive.py"
    script.write_text(
        "from pathlib import Path\n"
        "from speechagents import Studio\n"
        "from speechagents.settings import ReadSettings\n"
        "from tests.test_reading_aloud import BOOK\n"
        "if __name__ == '__main__':\n"
        "    with Studio(preset='embedded', jobs=1, workers='2') as studio:\n"
        f"        for event in studio.read(BOOK, out=Path({str(out)!r}), settings=ReadSettings(formats={FORMATS!r})):\n"
        "            pass\n"
        "        print(event.spoken)\n",
        "utf-8",
    )
    command = [sys.executable, str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    end = time.monotonic() + WAIT_S
    while len(list(out.glob("takes/*.flac"))) < 2:
        assert driver.poll() is None
        assert time.monotonic() < end
        time.sleep(0.005)
    workers = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.communicate()
    _, alive = psutil.wait_procs(workers, timeout=WAIT_S)
    assert not alive, "the driver's workers end with it"
    kept = len(list(out.glob("takes/*.flac")))
    again = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=WAIT_S, check=True)
    assert int(again.stdout) == spoken(whole) - kept
    assert digests(out) == digests(alone)


def test_a_chapter_that_kills_its_workers_is_told_when_the_others_are_done(
    studio: Studio, hire: Hire, tmp_path: Path
) -> None:
    book = a_book(ONE + TWO.replace("bridge", POISON) + THREE, title="Over the River")
    out = tmp_path / "out"
    with (
        closing(LocalPool(2)) as pool,
        pytest.raises(ClusterError, match="chapter 3 “CHAPTER TWO” could not be pressed") as told,
    ):
        read(hire(pool), out, book, formats=("m4b",))
    assert "its worker was lost 3 times" in str(told.value)
    assert "without --workers" in str(told.value)
    assert told.value.exit_code == 3
    assert len(list((out / "chapters").glob("*.m4b"))) == 4
    # The remedy: here, where nothing is the matter with that word.
    finished = list(studio.read(book, out=out, settings=ReadSettings(formats=("m4b",))))[-1]
    assert isinstance(finished, Finished)
    assert finished.spoken <= 3
    assert len(list((out / "chapters").glob("*.m4b"))) == 5


# Full disks: files that cannot grow stand for them


def alone(studio: Studio, tmp_path: Path) -> Path:
    """The book as it is read without workers."""
    out = tmp_path / "alone"
    know(out, BOOK)
    list(studio.read(BOOK, out=out, settings=ReadSettings(formats=FORMATS)))
    return out


def test_a_chapter_whose_worker_has_no_room_for_scratch_is_tried_again(
    studio: Studio, hire: Hire, tmp_path: Path
) -> None:
    with closing(LocalPool(2)) as pool:
        workforce = hire(pool, cramped_once)
        read(workforce, tmp_path / "out")
    assert (hire.notes / "cramped").exists()
    assert workforce.dispatcher.counts.retried >= 1
    assert workforce.dispatcher.counts.quarantined == 0
    assert digests(tmp_path / "out") == digests(alone(studio, tmp_path))


def test_where_no_worker_has_room_for_scratch_the_folder_is_told_and_the_same_command_goes_on(
    studio: Studio, hire: Hire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    note(hire.notes, FULL)
    with closing(LocalPool(2)) as pool:
        workforce = hire(pool, cramped_far)
        with pytest.raises(ClusterError, match=r"could not be pressed.*it failed 3 times") as told:
            read(workforce, tmp_path / "out")
        assert f"{scratch}/speechagents-press-" in str(told.value)
        assert "free some space" in str(told.value)
        assert told.value.exit_code == 3
        assert not list(scratch.glob("speechagents-press-*")), "what there was of them is gone"
        (hire.notes / FULL).unlink()
        read(workforce, tmp_path / "out")
    assert digests(tmp_path / "out") == digests(alone(studio, tmp_path))


def test_where_the_productions_disk_is_full_workers_are_not_tried_in_vain(
    studio: Studio, hire: Hire, tmp_path: Path
) -> None:
    note(hire.notes, FULL)
    with closing(LocalPool(2)) as pool:
        workforce = hire(pool, cramped_near)
        with pytest.raises(StorageError, match="free some space") as told:
            read(workforce, tmp_path / "out")
        assert str(tmp_path / "out") in str(told.value)
        assert told.value.exit_code == 2
        assert workforce.dispatcher.counts.retried == 0
        (hire.notes / FULL).unlink()
        read(workforce, tmp_path / "out")
    assert digests(tmp_path / "out") == digests(alone(studio, tmp_path))
