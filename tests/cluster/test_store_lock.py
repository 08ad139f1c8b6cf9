"""One driver at a time: who is refused, who may take over, and that nobody goes on with a lock that he has lost."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from speechagents.cluster.store_lock import LOCK_FILE, Rhythm, StoreLock
from speechagents.errors import ProductionBusy, SettingsError

from .faulty_files import faulty, store_at

FAST = Rhythm(renew_s=0.05, stale_s=0.3, watch_s=0.25, settle_s=0.01)
SLOW = Rhythm(renew_s=30.0, stale_s=120.0, watch_s=60.0, settle_s=0.01)


class Driver:
    """Somebody who wants to work in a folder, and what he is told."""

    def __init__(self, folder: Path, copy: str, rhythm: Rhythm = FAST, protocol: str = "file") -> None:
        self.told: list[str] = []
        self.lock = StoreLock(store_at(folder, protocol=protocol), copy=copy, rhythm=rhythm, tell=self.told.append)


def lock_of(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / LOCK_FILE).read_bytes())
    return values


def left_behind(folder: Path, *, age_s: float, **values: Any) -> None:
    """What a driver that was killed leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {"token": "t", "copy": "other", "owner": "a driver on mars", "renewals": 3, "renewed_s": time.time() - age_s}
    (folder / LOCK_FILE).write_text(json.dumps(said | values))


def test_a_second_driver_is_refused_and_told_who_works_there(tmp_path: Path) -> None:
    busy = r"a driver on .* \(process \d+\) is working there; wait for it"
    with Driver(tmp_path, "one").lock, pytest.raises(ProductionBusy, match=busy):
        Driver(tmp_path, "two").lock.__enter__()
    with Driver(tmp_path, "two").lock:
        pass
    assert not (tmp_path / LOCK_FILE).exists()


def test_of_many_who_come_at_once_one_gets_it(tmp_path: Path) -> None:
    ready, done = threading.Barrier(6), threading.Barrier(6)
    got: list[str] = []

    def come(name: str) -> None:
        lock = Driver(tmp_path, name, Rhythm(0.5, 10.0, 5.0, settle_s=0.5)).lock
        ready.wait()
        try:
            with lock:
                got.append(name)
                done.wait(20)
        except ProductionBusy:
            done.wait(20)

    drivers = [threading.Thread(target=come, args=(str(number),)) for number in range(6)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join()
    assert len(got) == 1


def test_a_lock_is_kept_fresh(tmp_path: Path) -> None:
    with Driver(tmp_path, "one").lock as lock:
        first = lock_of(tmp_path)
        deadline = time.monotonic() + 5
        while lock_of(tmp_path)["renewals"] < first["renewals"] + 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert lock_of(tmp_path)["renewals"] >= first["renewals"] + 3
        assert lock_of(tmp_path)["renewed_s"] > first["renewed_s"]
        lock.check()


def test_a_fresh_lock_of_a_killed_driver_is_respected_and_told_for_how_long(tmp_path: Path) -> None:
    left_behind(tmp_path, age_s=20.0)
    with pytest.raises(ProductionBusy, match=r"a driver on mars is working there.* goes on in (100|99) s"):
        Driver(tmp_path, "one", SLOW).lock.__enter__()


def test_the_lock_of_a_killed_driver_with_the_same_copy_is_taken_at_once(tmp_path: Path) -> None:
    left_behind(tmp_path, age_s=1.0, copy="one")
    driver = Driver(tmp_path, "one", SLOW)
    with driver.lock:
        assert lock_of(tmp_path)["copy"] == "one"
    assert driver.told == []


def test_an_old_lock_is_taken_over_with_a_warning(tmp_path: Path) -> None:
    left_behind(tmp_path, age_s=1_000.0)
    driver = Driver(tmp_path, "one")
    with driver.lock as lock:
        lock.check()
    assert "last heard of 1000 s ago" in driver.told[0]
    assert "warning" in driver.told[1]
    assert "a driver on mars is gone; its lock is taken over" in driver.told[1]


def test_an_owner_whose_clock_is_wrong_is_seen_to_be_alive(tmp_path: Path) -> None:
    left_behind(tmp_path, age_s=50_000.0)
    stop = threading.Event()

    def renew() -> None:
        renewals = 3
        while not stop.wait(0.02):
            renewals += 1
            left_behind(tmp_path, age_s=50_000.0, renewals=renewals)

    alive = threading.Thread(target=renew)
    alive.start()
    try:
        with pytest.raises(ProductionBusy):
            Driver(tmp_path, "one").lock.__enter__()
    finally:
        stop.set()
        alive.join()


def test_a_lock_from_the_future_does_not_stand_for_ever(tmp_path: Path) -> None:
    left_behind(tmp_path, age_s=-1_000_000.0)
    with Driver(tmp_path, "one").lock:
        pass


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"token": "t"}', b"\xff" * 5_000, b'{"renewed_s": NaN}'])
def test_a_lock_that_cannot_be_read_is_watched_and_taken_over(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / LOCK_FILE).write_bytes(rubbish)
    driver = Driver(tmp_path, "one")
    with driver.lock:
        pass
    assert "somebody is gone" in driver.told[1]


def test_a_lock_cannot_steer_a_terminal(tmp_path: Path) -> None:
    left_behind(tmp_path, age_s=1.0, owner="\x1b[2Jmars" + "!" * 1_000)
    with pytest.raises(ProductionBusy) as caught:
        Driver(tmp_path, "one", SLOW).lock.__enter__()
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 600


def test_who_has_lost_his_lock_knows_and_leaves_the_new_one(tmp_path: Path) -> None:
    with Driver(tmp_path, "one").lock as lock:
        left_behind(tmp_path, age_s=0.0)
        with pytest.raises(ProductionBusy, match="a driver on mars has taken it over"):
            lock.check()
        assert lock.lost
        time.sleep(3 * FAST.renew_s)
    assert lock_of(tmp_path)["owner"] == "a driver on mars"


def test_a_lock_that_somebody_removed_is_written_again(tmp_path: Path) -> None:
    with Driver(tmp_path, "one").lock as lock:
        (tmp_path / LOCK_FILE).unlink()
        lock.check()
        deadline = time.monotonic() + 5
        while not (tmp_path / LOCK_FILE).exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert lock_of(tmp_path)["copy"] == "one"


def test_renewals_that_fail_for_a_while_do_not_end_the_work(tmp_path: Path) -> None:
    away = threading.Event()

    def fault(_call: str, _name: str) -> BaseException | None:
        return ConnectionError("away") if away.is_set() else None

    with faulty(fault), Driver(tmp_path, "one", protocol="faulty").lock as lock:
        away.set()
        time.sleep(5 * FAST.renew_s)
        away.clear()
        before = lock_of(tmp_path)["renewals"]
        deadline = time.monotonic() + 5
        while lock_of(tmp_path)["renewals"] == before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert lock_of(tmp_path)["renewals"] > before
        lock.check()


def test_a_rhythm_that_would_take_over_from_the_living_is_refused() -> None:
    for broken in ({"stale_s": 30.0}, {"watch_s": 30.0}, {"renew_s": 0.0}, {"settle_s": -1.0}):
        with pytest.raises(SettingsError, match="at least twice as long"):
            Rhythm(**broken)
