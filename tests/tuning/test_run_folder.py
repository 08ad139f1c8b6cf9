"""The folder of a run: for one run alone, and its model is there whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from speechagents.errors import ProductionBusy, StorageError, TuningError
from speechagents.tuning.run_folder import RunFolder, check_free, read_run, run_folder


def begun(path: Path) -> Path:
    with run_folder(path, recipe="r", data="d", resume=False) as folder:
        folder.write_run({"recipe": {"digest": "r"}, "data": {"digest": "d"}, "state": "running"})
    return path


def with_file(name: str) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        (folder / name).write_bytes(b"weights")

    return save


def test_what_a_run_says_of_itself_is_there_for_the_next_one(tmp_path: Path) -> None:
    path = begun(tmp_path / "deep" / "out")
    with run_folder(path, recipe="r", data="d", resume=True) as folder:
        assert folder.said["state"] == "running"
        with (
            pytest.raises(ProductionBusy, match="another run is at work here; wait for it, or name another folder"),
            run_folder(path, recipe="r", data="d", resume=True),
        ):
            pass
    with run_folder(path, recipe="r", data="d", resume=True):
        pass  # the lock is gone


def test_a_run_that_has_claimed_its_folder_can_be_gone_on_with_whatever_it_left_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with run_folder(path, recipe="r", data="d", resume=False) as folder:
        (path / "left").mkdir()
        folder.claim(recipe="r", data="d")
    with run_folder(path, recipe="r", data="d", resume=True) as folder:
        folder.write_run({**folder.said, "state": "running"})
        folder.claim(recipe="r", data="d")
        assert folder.said["state"] == "running"
    with pytest.raises(TuningError, match="another recipe"):
        check_free(path, recipe="other", data="d", resume=True)


@pytest.mark.parametrize(
    ("recipe", "data", "resume", "said"),
    [
        ("r", "d", False, "holds this run already; go on with it by --resume, or name a new folder"),
        ("x", "d", True, "recipe: holds a run with another recipe; take the one that it was begun with"),
        ("r", "x", True, "data: holds a run with another data; take the one that it was begun with"),
    ],
)
def test_a_folder_of_another_run_is_refused(tmp_path: Path, recipe: str, data: str, resume: bool, said: str) -> None:
    path = begun(tmp_path / "out")
    with pytest.raises(TuningError, match=said):
        check_free(path, recipe=recipe, data=data, resume=resume)


@pytest.mark.parametrize("content", [b"{", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_damaged_one_is_refused(tmp_path: Path, content: bytes) -> None:
    path = begun(tmp_path / "out")
    (path / "run.json").write_bytes(content)
    with pytest.raises(TuningError, match=r"out/run\.json: damaged; name a new folder"):
        read_run(path)


def test_what_a_killed_run_left_is_gone(tmp_path: Path) -> None:
    path = begun(tmp_path / "out")
    (path / ".model.1-2-3.part").mkdir()
    (path / ".run.json.1-2-3.part").write_text("half", "utf-8")
    (path / "checkpoints").mkdir()
    (path / "checkpoints/.step-000003.1-2-3.part").mkdir()
    with run_folder(path, recipe="r", data="d", resume=True):
        assert not list(path.rglob("*.part"))


def test_a_model_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, {})
    folder.replace_model(with_file("first.safetensors"))
    folder.replace_model(with_file("second.safetensors"))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [path.name for path in folder.model.iterdir()] == ["second.safetensors"]


def test_one_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    def pickled(new: Path) -> None:
        (new / "training_args.bin").write_bytes(b"\x80")

    folder = RunFolder(tmp_path, {})
    folder.replace_model(with_file("first.safetensors"))
    with pytest.raises(StorageError, match="the disk is full"):
        folder.replace_model(full)
    with pytest.raises(RuntimeError, match=r"training_args\.bin would be written, and models hold no pickles"):
        folder.replace_model(pickled)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert [path.name for path in folder.model.iterdir()] == ["first.safetensors"]
