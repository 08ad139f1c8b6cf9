"""Weights on this machine: what is one, where they are found, and what is refused. Nothing here asks a network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speechagents.errors import SettingsError, WeightsMissing
from speechagents.weights import (
    Weights,
    find,
    local_folder,
    missing_message,
    refuse_pickled,
    size,
    storage_folder,
    wanted,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "fedcba9876543210fedcba9876543210fedcba98"


def weights(**changes: object) -> Weights:
    values: dict[str, object] = {
        "repo": "acme/voice",
        "files": ("config.json", "*.safetensors"),
        "size_gb": 1.5,
        "licence": "Apache-2.0",
        "commercial": True,
        "what": "voices",
    }
    return Weights(**{**values, **changes})  # type: ignore[arg-type]


def cached(cache: Path, *names: str, commit: str = COMMIT, ref: str = "main", repo: str = "acme/voice") -> Path:
    """A snapshot as the hub's library leaves it."""
    storage = storage_folder(cache, repo)
    folder = storage / "snapshots" / commit
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
    if ref:
        (storage / "refs").mkdir(parents=True, exist_ok=True)
        (storage / "refs" / ref).write_text(commit, "ascii")
    return folder


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"repo": "no-owner/no/path"}, "no OWNER/NAME"),
        ({"repo": "../etc"}, "no OWNER/NAME"),
        ({"repo": "acme/a--b"}, "no OWNER/NAME"),
        ({"revision": "../main"}, "no revision"),
        ({"files": ()}, "at least one"),
        ({"files": ("../secret",)}, "inside it"),
        ({"files": ("/etc/passwd",)}, "inside it"),
        ({"size_gb": 0}, "not between 0 and 2000"),
        ({"size_gb": float("nan")}, "not between 0 and 2000"),
        ({"licence": " "}, "must say something"),
    ],
)
def test_a_description_that_cannot_be_is_refused(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        weights(**changes)


def test_weights_tell_people_size_and_licence_and_that_they_may_not_be_sold() -> None:
    assert str(weights()) == "acme/voice (voices; 1.5 GB, licence Apache-2.0)"
    assert "NON-COMMERCIAL" in str(weights(licence="CC-BY-NC-4.0", commercial=False))


def test_sizes_are_told_in_the_unit_that_fits() -> None:
    told = [size(count) for count in (12, 34_000, 486_000_000, 70_500_000_000)]
    assert told == ["12 bytes", "34 kB", "486 MB", "70.5 GB"]


def test_what_lies_in_the_cache_is_found_by_branch_and_by_commit(tmp_path: Path) -> None:
    folder = cached(tmp_path, "config.json", "model.safetensors")
    assert find(weights(), cache=tmp_path) == folder
    assert find(weights(revision=COMMIT), cache=tmp_path) == folder
    assert find(weights(revision=OTHER), cache=tmp_path) is None
    assert find(weights(revision="v2"), cache=tmp_path) is None


def test_what_is_there_in_part_is_not_there(tmp_path: Path) -> None:
    folder = cached(tmp_path, "config.json", "model-1.safetensors", "model.safetensors.index.json")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    assert find(weights(), cache=tmp_path) is None
    (folder / "model-2.safetensors").write_bytes(b"")
    assert find(weights(), cache=tmp_path) == folder
    (folder / "config.json").unlink()
    assert find(weights(), cache=tmp_path) is None


def test_a_link_to_a_blob_that_is_gone_is_no_file(tmp_path: Path) -> None:
    folder = cached(tmp_path, "config.json")
    (folder / "model.safetensors").symlink_to("../../blobs/gone")
    assert find(weights(), cache=tmp_path) is None


def test_a_folder_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert local_folder(str(tmp_path)) == tmp_path
    with pytest.raises(WeightsMissing, match=r"no folder '.*elsewhere'"):
        local_folder(str(tmp_path / "elsewhere"))
    with pytest.raises(WeightsMissing, match=r"holds no config\.json"):
        local_folder(str(tmp_path), files=["config.json"])


def test_a_name_on_the_hub_is_the_main_branch_or_the_only_one_there(tmp_path: Path) -> None:
    folder = cached(tmp_path, "model.safetensors", ref="")
    assert local_folder("acme/voice", cache=tmp_path) == folder
    other = cached(tmp_path, "model.safetensors", commit=OTHER)
    assert local_folder("acme/voice", cache=tmp_path) == other
    assert local_folder("acme/voice", revision=COMMIT, cache=tmp_path) == folder


def test_what_is_missing_comes_with_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"hf download acme/voice --revision v2") as caught:
        local_folder("acme/voice", revision="v2", cache=tmp_path)
    assert caught.value.exit_code == 2
    assert "licence" in str(caught.value)
    assert "folder" in str(caught.value)
    told = missing_message([weights(), weights(repo="acme/ears", what="ears")], preset="grand")
    assert "3 GB" in told
    assert "Apache-2.0" in told
    assert "`speechagents fetch grand`" in told
    assert "models--acme--voice" in told


@pytest.mark.parametrize("name", ["", "a b/c", "acme/../voice", "https://example.com/model", "acme/voice/extra"])
def test_what_can_be_no_name_reads_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises((SettingsError, WeightsMissing)):
        local_folder(name, cache=tmp_path)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "voice.pth", "last.ckpt", "Model.BIN"])
def test_pickled_weights_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04")
    with pytest.raises(SettingsError, match="are pickled"):
        local_folder(str(tmp_path))
    (tmp_path / "model.safetensors").write_bytes(b"")
    refuse_pickled(tmp_path)


def test_a_back_end_may_allow_what_only_looks_like_a_pickle(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"CTranslate2")
    assert local_folder(str(tmp_path), allowed=["model.bin"]) == tmp_path


def test_pickles_are_taken_only_where_they_are_asked_for() -> None:
    assert wanted(["*"], "model.safetensors")
    assert not wanted(["*"], "pytorch_model.bin")
    assert wanted(["model.bin"], "model.bin")
    assert wanted(["voices/*.pt"], "voices/anna.pt")
    assert not wanted(["voices/*"], "voices/anna.pt")
    assert not wanted(["*.json"], "model.safetensors")
