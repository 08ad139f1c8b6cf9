"""Productions in stores as a user has them: performed, read and improvised, killed, gone on with on another machine.

The voices are the real ones; the stores are folders on a disk and in memory, which fail when they are told to.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pytest

from speechagents import Studio
from speechagents.cluster.mirror import Mirror, Pace, mirrored
from speechagents.cluster.store_lock import LOCK_FILE, Rhythm
from speechagents.cluster.stores import Patience
from speechagents.drama import Role, SceneBrief
from speechagents.errors import InputError, ProductionBusy, ProductionError, SettingsError, StorageError
from speechagents.events import Event, Finished, LineSpoken, MessageSpoken
from speechagents.settings import ImproviseSettings, PerformSettings, ReadSettings
from tests.novel.novels import a_book
from tests.test_reading_aloud import know

from .faulty_files import faulty
from .made_up_production import files_in, record, take_name, write

PACE = Pace(
    every_s=0.05,
    patience=Patience(tries=2, first_wait_s=0.01),
    rhythm=Rhythm(renew_s=0.1, stale_s=0.4, watch_s=0.3, settle_s=0.01),
)
LINES = 6
SETTINGS = PerformSettings(formats=("flac", "vtt", "json"), master="none")


class Desk:
    """A machine: a cache of its own, and what was told there."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.told: list[str] = []

    @contextmanager
    def at(self, out: str, pace: Pace = PACE) -> Iterator[Mirror]:
        with mirrored(out, cache=self.cache, tell=self.told.append, pace=pace) as mirror:
            yield mirror

    def perform(self, studio: Studio, play: Path, out: str) -> Finished:
        with self.at(out) as mirror:
            return finished(studio.perform(play, out=mirror.folder, settings=SETTINGS))


@pytest.fixture
def here(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "there")


def finished(events: Iterator[Event]) -> Finished:
    last = list(events)[-1]
    assert isinstance(last, Finished)
    return last


def digests(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in files_in(folder).items()}


def test_a_path_is_what_it_always_was(tmp_path: Path) -> None:
    for out in (tmp_path / "mine", str(tmp_path / "mine"), "plays/mine"):
        with mirrored(out, cache=tmp_path / "cache") as mirror:
            assert mirror.folder == Path(out)
            assert mirror.shown(Path(out) / "exports" / "a.mp3") == str(Path(out) / "exports" / "a.mp3")
            mirror.push()
    assert not any(tmp_path.iterdir())


def test_a_path_needs_no_fsspec() -> None:
    program = (
        "import sys; from speechagents.cluster.mirror import mirrored\n"
        "with mirrored('plays/mine'): assert 'fsspec' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


@pytest.mark.parametrize("protocol", ["file", "memory"])
def test_a_play_is_performed_into_a_store_and_gone_on_with_elsewhere(
    studio: Studio, play: Path, tmp_path: Path, here: Desk, there: Desk, protocol: str
) -> None:
    fsspec.filesystem("memory").store.clear()
    out = f"{protocol}://{tmp_path}/store/mine"
    first = here.perform(studio, play, out)
    assert first.spoken == LINES
    again = there.perform(studio, play, out)
    assert (again.spoken, again.lines) == (0, LINES)
    assert digests(again.folder) == digests(first.folder)
    assert here.told == there.told == []


def test_it_has_the_bytes_of_a_folder_on_a_disk(studio: Studio, play: Path, tmp_path: Path, here: Desk) -> None:
    alone = finished(studio.perform(play, out=tmp_path / "alone", settings=SETTINGS))
    here.perform(studio, play, f"file://{tmp_path}/store/mine")
    stored = digests(tmp_path / "store" / "mine")
    assert stored.pop("mirror.json")
    assert stored == {name: one for name, one in digests(alone.folder).items() if name != ".lock"}


def test_people_find_their_files_in_the_store(studio: Studio, play: Path, tmp_path: Path, here: Desk) -> None:
    out = f"file://{tmp_path}/store/mine"
    with here.at(out) as mirror:
        done = finished(studio.perform(play, out=mirror.folder, settings=SETTINGS))
        shown = [mirror.shown(path) for path in done.files]
    assert shown[0] == f"{out}/exports/programme.flac"
    assert all(Path(one.removeprefix("file://")).is_file() for one in shown)


DRIVER = """
import os, signal, sys, time
from pathlib import Path
from speechagents import Studio
from speechagents.cluster.mirror import Pace, mirrored
from speechagents.events import LineSpoken
from speechagents.settings import PerformSettings

play, out, cache, takes = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
stored = Path(out.removeprefix("file://")) / "takes"
with mirrored(out, cache=cache, pace=Pace(every_s=0.05)) as mirror, Studio(jobs=1) as studio:
    spoken = 0
    settings = PerformSettings(formats=("flac", "vtt", "json"), master="none")
    for event in studio.perform(play, out=mirror.folder, settings=settings):
        spoken += isinstance(event, LineSpoken)
        while spoken == takes and len(list(stored.glob("[!.]*.flac"))) < takes:
            time.sleep(0.01)
        if spoken == takes:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(__import__("signal"), "SIGKILL"), reason="processes cannot be killed so here")
def test_a_driver_that_is_killed_is_gone_on_with_elsewhere_and_nothing_is_spoken_again(
    studio: Studio, play: Path, tmp_path: Path, there: Desk
) -> None:
    out = f"file://{tmp_path}/store/mine"
    command = [sys.executable, "-c", DRIVER, str(play), out, str(tmp_path / "here"), "2"]
    assert subprocess.run(command, check=False, timeout=120).returncode == -9
    stored = tmp_path / "store" / "mine"
    assert (stored / LOCK_FILE).is_file()
    takes = len(list((stored / "takes").glob("[!.]*")))
    assert 2 <= takes <= LINES

    rhythm = Rhythm(renew_s=0.1, stale_s=60.0, watch_s=0.3, settle_s=0.01)
    with pytest.raises(ProductionBusy, match=r"is working there.*If it was killed, the same command goes on in \d+ s"):
        there.at(out, Pace(every_s=0.05, rhythm=rhythm)).__enter__()
    time.sleep(PACE.rhythm.stale_s)
    again = there.perform(studio, play, out)
    assert again.spoken == LINES - takes
    assert "is gone; its lock is taken over" in there.told[-1]

    alone = finished(studio.perform(play, out=tmp_path / "alone", settings=SETTINGS))
    assert digests(again.folder / "exports") == digests(alone.folder / "exports") == digests(stored / "exports")
    assert not (stored / LOCK_FILE).exists()


def test_what_is_finished_is_in_the_store_while_the_work_goes_on(
    studio: Studio, play: Path, tmp_path: Path, here: Desk
) -> None:
    stored = tmp_path / "store" / "mine"
    with here.at(f"file://{stored}") as mirror:
        for event in studio.perform(play, out=mirror.folder, settings=SETTINGS):
            if isinstance(event, LineSpoken):
                expected = (stored / "takes" / f"{event.placed.take}.flac", stored / "production.json")
                deadline = time.monotonic() + 20
                while not all(path.exists() for path in expected) and time.monotonic() < deadline:
                    time.sleep(0.01)
                assert expected[0].exists()
                assert b'"state": "working"' in expected[1].read_bytes()
                assert not (stored / "exports").exists()
    assert b'"state": "done"' in (stored / "production.json").read_bytes()


def test_everything_can_be_sent_before_the_end(tmp_path: Path, here: Desk) -> None:
    with here.at(f"file://{tmp_path}/store/mine") as mirror:
        write(mirror.folder, "exports/programme.mp3", b"mp3")
        write(mirror.folder, "production.json", record("done"))
        mirror.push()
        assert (tmp_path / "store" / "mine" / "exports" / "programme.mp3").read_bytes() == b"mp3"
        assert (tmp_path / "store" / "mine" / "production.json").is_file()


def test_a_scene_that_stopped_goes_on_elsewhere_as_if_it_had_not(
    studio: Studio, tmp_path: Path, here: Desk, there: Desk
) -> None:
    scene = SceneBrief(
        title="Two Cups",
        setting="INT. KITCHEN - NIGHT",
        roles=(Role("Ella", "25, writer"), Role("Tom", "60, a baker")),
        policy="round-robin",
        turns=6,
        seed=2,
    )
    settings = ImproviseSettings(formats=("vtt", "json"), controller="rehearsal")

    def played(out: Path) -> Iterator[Event]:
        return studio.improvise(scene, out=out, settings=settings)

    def stopped(out: str) -> None:
        with here.at(out) as mirror:
            for event in played(mirror.folder):
                if isinstance(event, MessageSpoken) and event.message.id == 3:
                    raise KeyboardInterrupt

    out = f"file://{tmp_path}/store/mine"
    with pytest.raises(KeyboardInterrupt):
        stopped(out)
    with there.at(out) as mirror:
        events = list(played(mirror.folder))
        reused = [event.reused for event in events if isinstance(event, MessageSpoken)]
        assert reused[:3] == [True] * 3
        assert reused[-1] is False
        assert len(reused) > 3
        gone_on = digests(mirror.folder)
    list(played(tmp_path / "alone"))
    alone = digests(tmp_path / "alone")
    for name in ("stream.jsonl", "steps.jsonl", "exports/programme.vtt", "exports/programme.json"):
        assert gone_on[name] == alone[name]


def test_chapters_of_a_book_are_not_made_again_elsewhere_and_those_it_has_lost_go(
    studio: Studio, tmp_path: Path, here: Desk, there: Desk
) -> None:
    one, two = (
        "CHAPTER ONE\n\nThe road went down.\n\n",
        "CHAPTER TWO\n\nThey slept there.\n\n“Good night,” said Emma.\n\n",
    )
    settings = ReadSettings(formats=("flac", "vtt"), master="none")
    out = f"file://{tmp_path}/store/mine"
    chapters = tmp_path / "store" / "mine" / "chapters"

    def read(desk: Desk, text: str) -> Finished:
        book = a_book(text, title="Over the River")
        with desk.at(out) as mirror:
            know(mirror.folder, book)
            return finished(studio.read(book, out=mirror.folder, settings=settings))

    first = read(here, one + two)
    assert first.spoken > 0
    kept = set(files_in(chapters))
    again = read(there, one + two)
    assert again.spoken == 0
    assert digests(again.folder / "exports") == digests(first.folder / "exports")
    assert set(files_in(chapters)) == kept
    read(there, one)
    assert set(files_in(chapters)) < kept
    assert set(files_in(chapters)) == set(files_in(folder_of(there) / "chapters"))


def folder_of(desk: Desk) -> Path:
    (folder,) = desk.cache.glob("stores/*/production")
    return folder


def test_two_drivers_at_once_are_refused(tmp_path: Path, here: Desk, there: Desk) -> None:
    out = f"file://{tmp_path}/store/mine"
    with here.at(out):
        with pytest.raises(ProductionBusy, match="is working there; wait for it"):
            there.at(out).__enter__()
        with pytest.raises(ProductionBusy, match="another run on this machine is working there"):
            here.at(out).__enter__()
    with there.at(out):
        pass


def test_who_is_taken_over_stops_sending_and_says_so(tmp_path: Path, here: Desk) -> None:
    stored = tmp_path / "store" / "mine"

    def work() -> None:
        with here.at(f"file://{stored}") as mirror:
            theirs = '{"token": "t", "copy": "c", "owner": "a driver on mars", "renewals": 1, "renewed_s": 1e9}'
            write(stored, LOCK_FILE, theirs.encode())
            time.sleep(0.3)
            write(mirror.folder, take_name(1), b"take 1")
            time.sleep(0.3)

    with pytest.raises(ProductionBusy, match="a driver on mars has taken it over"):
        work()
    assert not (stored / "takes").exists()
    assert (folder_of(here) / take_name(1)).exists()
    assert b"mars" in (stored / LOCK_FILE).read_bytes()


class Outage:
    """A store that is away while it is told to be."""

    def __init__(self) -> None:
        self.away = threading.Event()

    def __call__(self, _call: str, _name: str) -> BaseException | None:
        return ConnectionError("no route to host") if self.away.is_set() else None


def test_a_store_that_is_away_for_a_while_does_not_end_the_work(tmp_path: Path, here: Desk) -> None:
    stored, outage = tmp_path / "store" / "mine", Outage()
    with faulty(outage), here.at(f"faulty://{stored}") as mirror:
        outage.away.set()
        write(mirror.folder, take_name(1), b"take 1")
        deadline = time.monotonic() + 20
        while not here.told and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        outage.away.clear()
        while not (stored / take_name(1)).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (stored / take_name(1)).exists()
    assert len(here.told) == 1
    assert "no route to host" in here.told[0]
    assert "the work goes on, and what is finished is sent later" in here.told[0]


def test_a_store_that_stays_away_leaves_everything_here_and_the_same_command_goes_on(
    tmp_path: Path, here: Desk
) -> None:
    stored, outage = tmp_path / "store" / "mine", Outage()

    def work() -> None:
        with here.at(f"faulty://{stored}") as mirror:
            outage.away.set()
            write(mirror.folder, take_name(1), b"take 1")
            write(mirror.folder, "production.json", record("done"))

    with faulty(outage):
        with pytest.raises(StorageError, match="no route to host") as caught:
            work()
        has = f"{folder_of(here)} has everything: run the same command again to send the rest"
        assert has in str(caught.value)
        assert caught.value.exit_code == 2
        outage.away.clear()
        with here.at(f"faulty://{stored}") as mirror:
            assert (mirror.folder / take_name(1)).read_bytes() == b"take 1"
    assert (stored / take_name(1)).exists()
    assert (stored / "production.json").read_bytes() == record("done")


def test_what_ended_the_work_is_told_even_if_the_store_is_away_too(tmp_path: Path, here: Desk) -> None:
    outage = Outage()

    def work() -> None:
        with here.at(f"faulty://{tmp_path}/store/mine") as mirror:
            outage.away.set()
            write(mirror.folder, take_name(1), b"take 1")
            raise InputError("no such role")

    with faulty(outage), pytest.raises(InputError, match="no such role"):
        work()
    assert "has everything" in here.told[-1]


def test_bad_input_leaves_no_trace_in_the_store(studio: Studio, tmp_path: Path, here: Desk) -> None:
    stored = tmp_path / "store" / "mine"
    with pytest.raises(InputError), here.at(f"file://{stored}") as mirror:
        list(studio.perform(tmp_path / "nothing.fountain", out=mirror.folder))
    assert files_in(stored) == {}


def test_a_store_without_a_production_has_none_to_resume(studio: Studio, tmp_path: Path, here: Desk) -> None:
    with pytest.raises(ProductionError, match="no production to resume"), here.at(f"file://{tmp_path}/mine") as mirror:
        list(studio.resume(mirror.folder))


def test_a_fault_of_ours_is_not_lost(tmp_path: Path, here: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: Any, **_options: Any) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("speechagents.cluster.mirror.Pusher.push", broken)
    with pytest.raises(ZeroDivisionError), here.at(f"file://{tmp_path}/store/mine"):
        time.sleep(0.3)


def test_lines_go_to_the_error_stream_without_what_steers_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = tmp_path / "store" / "mine"
    theirs = '{"token": "t", "copy": "c", "owner": "\\u001b[2Jmars", "renewals": 1, "renewed_s": 1000}'
    write(stored, LOCK_FILE, theirs.encode())
    with mirrored(f"file://{stored}", cache=tmp_path / "cache", pace=PACE):
        pass
    told = capsys.readouterr().err
    assert "[2Jmars is gone; its lock is taken over" in told
    assert "\x1b" not in told


def test_an_address_that_can_only_be_read_is_refused_before_anything_is_made(tmp_path: Path, here: Desk) -> None:
    with pytest.raises(SettingsError, match="http:// can only be read"):
        here.at("http://example.org/plays/mine").__enter__()
    assert not any(tmp_path.iterdir())


def test_a_pace_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingsError, match="two looks"):
        Pace(every_s=0.0)
