"""The copy on this machine: where it lies, who uses it, and what it remembers."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.cluster.mirror_files import Known
from speechagents.cluster.working_copy import WorkingCopy, cache_folder
from speechagents.errors import ProductionBusy, StorageError


def test_each_store_has_a_copy_of_its_own(tmp_path: Path) -> None:
    mine, yours = (WorkingCopy(tmp_path, place, place) for place in ("s3://b/mine", "s3://b/yours"))
    assert mine.folder != yours.folder
    assert mine.folder == WorkingCopy(tmp_path, "s3://b/mine", "s3://b/mine").folder
    assert tmp_path in mine.folder.parents
    assert not any(tmp_path.iterdir())


def test_one_process_at_a_time_uses_it(tmp_path: Path) -> None:
    busy = pytest.raises(ProductionBusy, match="s3://b/mine: another run on this machine")
    with WorkingCopy(tmp_path, "place", "s3://b/mine").alone(), busy:
        WorkingCopy(tmp_path, "place", "s3://b/mine").alone().__enter__()
    with WorkingCopy(tmp_path, "place", "s3://b/mine").alone():
        pass


def test_others_on_this_machine_cannot_look_into_it(tmp_path: Path) -> None:
    copy = WorkingCopy(tmp_path / "cache", "place", "s3://b/mine")
    with copy.alone():
        assert copy.folder.parent.stat().st_mode & 0o077 == 0


def test_it_keeps_its_name_until_it_is_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def name() -> str:
        with WorkingCopy(tmp_path, "place", "s3://b/mine").alone() as named:
            return named

    first = name()
    assert name() == first
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    assert name() != first


@pytest.mark.parametrize("rubbish", [b"", b"[]", b'{"machine": 1}', b"\xff", b"[" * 99_999])
def test_a_name_that_is_damaged_is_another_one(tmp_path: Path, rubbish: bytes) -> None:
    copy = WorkingCopy(tmp_path, "place", "s3://b/mine")
    with copy.alone() as first:
        (copy.folder.parent / "copy.json").write_bytes(rubbish)
    with copy.alone() as second:
        assert len(second) == len(first)
        assert second != first


def test_what_a_killed_run_left_on_its_way_is_removed(tmp_path: Path) -> None:
    copy = WorkingCopy(tmp_path, "place", "s3://b/mine")
    copy.scratch.mkdir(parents=True)
    (copy.scratch / "half").write_bytes(b"x")
    with copy.alone():
        assert list(copy.scratch.iterdir()) == []
    assert not copy.scratch.exists()


def test_it_remembers_what_is_equal(tmp_path: Path) -> None:
    copy = WorkingCopy(tmp_path, "place", "s3://b/mine")
    assert copy.known() == {}
    with copy.alone():
        copy.remember({"cast.yaml": Known(3, "0" * 64)})
        assert copy.known() == {"cast.yaml": Known(3, "0" * 64)}
        written = (copy.folder.parent / "known.json").stat().st_mtime_ns
        copy.remember({"cast.yaml": Known(3, "0" * 64)})
        assert (copy.folder.parent / "known.json").stat().st_mtime_ns == written
    (copy.folder.parent / "known.json").write_bytes(b"{")
    assert copy.known() == {}


def test_what_is_set_aside_is_kept(tmp_path: Path) -> None:
    copy = WorkingCopy(tmp_path, "place", "s3://b/mine")
    (copy.folder / "exports").mkdir(parents=True)
    (copy.folder / "exports" / "a.mp3").write_bytes(b"x")
    assert copy.set_aside("exports/a.mp3").read_bytes() == b"x"
    assert not (copy.folder / "exports" / "a.mp3").exists()


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "stores").write_bytes(b"a file")
    with pytest.raises(StorageError):
        WorkingCopy(tmp_path, "place", "s3://b/mine").alone().__enter__()


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"SPEECHAGENTS_CACHE": "/big", "XDG_CACHE_HOME": "/x"}, Path("/big")),
        ({"XDG_CACHE_HOME": "/x", "LOCALAPPDATA": "/l"}, Path("/x/speechagents")),
        ({"LOCALAPPDATA": "/l"}, Path("/l/speechagents/cache")),
        ({}, Path.home() / ".cache" / "speechagents"),
    ],
)
def test_the_cache_is_where_caches_are(environment: dict[str, str], folder: Path) -> None:
    assert cache_folder(environment) == folder
