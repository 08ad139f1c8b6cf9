"""``--workers``: whoever shares the work, what comes of it is the same to the byte."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from speechagents import Studio
from speechagents.cli import main
from speechagents.cores import usable_cores
from speechagents.resources import resource
from speechagents.settings import PerformSettings
from tests.conftest import finished
from tests.test_studio import digests

PICNIC = resource("assets", "examples", "scenes", "city-park-picnic.yaml")
WAIT_S = 120.0


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    code = main([*map(str, arguments), "--preset", "embedded", "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err
    values: dict[str, object] = json.loads(said.out)
    return values


def test_a_screenplay_is_the_same(play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, workers in (("alone", ()), ("shared", ("--workers", "2"))):
        done = run(capsys, "perform", play, "--out", tmp_path / name, "--formats", "flac,vtt", "--stems", *workers)
        assert done["spoken"] == 6
    assert digests(tmp_path / "shared") == digests(tmp_path / "alone")
    again = run(capsys, "perform", play, "--out", tmp_path / "shared", "--formats", "flac,vtt", "--workers", "local:1")
    assert again["spoken"] == 0


def test_an_improvised_scene_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, workers in (("alone", ()), ("shared", ("--workers", "2"))):
        options = ("--turns", "4", "--controller", "rehearsal", "--formats", "vtt")
        run(capsys, "improvise", PICNIC, "--out", tmp_path / name, *options, *workers)
    assert digests(tmp_path / "shared") == digests(tmp_path / "alone")


def test_a_run_of_the_benchmark_is_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, workers in (("alone", ("--jobs", "1")), ("shared", ("--workers", "2"))):
        options = ("--controller", "rehearsal", "--roles", "2,3", "--scenes", "1", "--turns", "3")
        done = run(capsys, "bench", "run", "--out", tmp_path / name, *options, *workers)
        assert (done["played"], done["failed"], done["turns"]) == (2, 0, 6)
    for path in (tmp_path / "alone" / "cells").rglob("stream.jsonl"):
        shared = tmp_path / "shared" / path.relative_to(tmp_path / "alone")
        assert shared.read_bytes() == path.read_bytes()
    assert {path.name for path in (tmp_path / "shared").iterdir()} == {"run.json", "cells"}


def test_a_worker_that_is_killed_in_the_midst_of_a_screenplay_changes_nothing(play: Path, tmp_path: Path) -> None:
    play.write_text(play.read_text("utf-8") + "\n".join(f"\nANNA\nGoodbye, number {n}.\n" for n in range(20)), "utf-8")
    settings = PerformSettings(formats=("flac",))
    with Studio(preset="embedded", jobs=1) as alone:
        list(alone.perform(play, out=tmp_path / "alone", settings=settings))
    out = tmp_path / "shared"
    with Studio(preset="embedded", jobs=2, workers="2") as studio:
        assert studio.troupe.workforce is not None
        executor = studio.troupe.workforce.executor
        killed: list[int] = []

        def kill_all_once() -> None:
            end = time.monotonic() + WAIT_S
            while not list(out.glob("takes/*.flac")) and time.monotonic() < end:
                time.sleep(0.002)
            for pid in executor.pids:  # type: ignore[attr-defined]  # of a pool of this machine
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

        killer = threading.Thread(target=kill_all_once)
        killer.start()
        done = finished(list(studio.perform(play, out=out, settings=settings)))
        killer.join()
    assert killed
    assert (done.spoken, done.failed) == (26, ())
    assert digests(out) == digests(tmp_path / "alone")


def test_however_many_workers_are_asked_for_no_more_is_at_work_here_than_there_are_cores() -> None:
    with Studio(preset="embedded", jobs=200, workers="local") as studio:
        assert studio.troupe.workforce is not None
        assert studio.troupe.workforce.at_once == 200
        assert studio.troupe.jobs == usable_cores()


@pytest.mark.parametrize("what", ["perform", "read", "improvise", "bench run"])
def test_workers_that_nobody_knows_are_refused(
    what: str, play: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = [] if what == "bench run" else [str(PICNIC if what == "improvise" else play)]
    assert main([*what.split(), *source, "--out", str(tmp_path / "out"), "--workers", "ray://nowhere"]) == 2
    assert "names no cluster" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
