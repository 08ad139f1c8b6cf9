"""The production folder."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from speechagents.errors import ProductionBusy, ProductionError, StorageError
from speechagents.production.folder import Production


def test_a_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    with Production(tmp_path / "a" / "b") as production:
        assert production.work.is_dir()
        assert production.record() == {}
    assert not production.work.exists()


def test_what_was_recorded_is_read_back(tmp_path: Path) -> None:
    with Production(tmp_path / "play") as production:
        production.write_record({"title": "Tee ☕"})
    with Production(tmp_path / "play", must_exist=True) as production:
        assert production.record()["title"] == "Tee ☕"


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("precious")
    with pytest.raises(ProductionError, match="not empty and no production"):
        Production(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.docx"]


def test_resuming_what_was_never_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProductionError, match="no production to resume"):
        Production(tmp_path / "typo", must_exist=True)
    assert not (tmp_path / "typo").exists()


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "play").write_text("")
    with pytest.raises(ProductionError, match="is a file"):
        Production(tmp_path / "play")


def test_two_runs_in_one_folder(tmp_path: Path) -> None:
    with (
        Production(tmp_path / "play"),
        pytest.raises(ProductionBusy, match="another run"),
        Production(tmp_path / "play"),
    ):
        pass


HOLD = """
import sys, time
from pathlib import Path
from speechagents.production.folder import Production
with Production(Path(sys.argv[1])) as production:
    (production.work / "half.f32").write_bytes(b"x" * 100)
    (production.folder / ".cover.1-2-3.part").write_bytes(b"x")
    print("open", flush=True)
    time.sleep(60)
"""


def test_a_killed_run_leaves_neither_lock_nor_litter(tmp_path: Path) -> None:
    folder = tmp_path / "play"
    run = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "open\n"
    with pytest.raises(ProductionBusy), Production(folder):
        pass
    run.kill()
    assert run.wait() == -signal.SIGKILL
    run.stdout.close()
    with Production(folder) as production:
        assert list(production.work.iterdir()) == []
        assert not list(folder.glob("*.part"))


def test_what_a_killed_worker_left_goes_with_the_run(tmp_path: Path) -> None:
    with Production(tmp_path / "play") as production:
        (production.folder / "chapters").mkdir()
        (production.folder / "chapters" / ".abc.m4b.1-2-3.part").write_bytes(b"x")
        (production.folder / "chapters" / "abc.m4b").write_bytes(b"x")
    assert [path.name for path in (tmp_path / "play" / "chapters").iterdir()] == ["abc.m4b"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"no": "schema"}', '{"schema": 99}'])
def test_a_damaged_record_is_named_with_a_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "production.json").write_text(text)
    with Production(tmp_path) as production, pytest.raises(ProductionError, match=r"production\.json"):
        production.record()


def test_a_run_that_the_disk_cannot_hold_is_refused_before_it_starts(tmp_path: Path) -> None:
    with (
        Production(tmp_path / "play") as production,
        pytest.raises(StorageError, match=r"needs about 1000000\.0 GB"),
    ):
        production.demand_space(10**15)


def test_the_record_is_json_for_people(tmp_path: Path) -> None:
    with Production(tmp_path / "play") as production:
        production.write_record({"cast": {"ANNA": "ada"}})
    text = (tmp_path / "play" / "production.json").read_text("utf-8")
    assert json.loads(text)["cast"] == {"ANNA": "ada"}
    assert text.count("\n") > 3


def _write_too_much(folder: str) -> None:
    import resource

    from speechagents.production.storage import write_atomically

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        write_atomically(Path(folder) / "big", bytes(5000))
    except StorageError as error:
        os._exit(17 if "big" in str(error) else 1)
    os._exit(1)


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits on Windows")
def test_a_write_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"old")
    process = multiprocessing.get_context("spawn").Process(target=_write_too_much, args=(str(tmp_path),))
    process.start()
    process.join()
    assert process.exitcode == 17
    assert (tmp_path / "big").read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["big"]
