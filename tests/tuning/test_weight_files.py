"""Safetensors files are read one tensor at a time, written the same every time, and refused when they lie."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from speechagents.errors import TuningError
from speechagents.tuning.weight_files import (
    INDEX,
    WEIGHTS,
    StoredTensor,
    load,
    raw,
    read_json,
    read_weight_file,
    read_weights,
    write_weights,
)

TENSORS = {
    "a.weight": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "b.weight": torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16),
    "c.count": torch.tensor(7),
    "d.mask": torch.tensor([True, False, True]),
    "e.half": torch.ones(3, dtype=torch.float16),
    "f.none": torch.zeros(0, 4),
}


def copied(tensor: StoredTensor) -> Iterator[bytes]:
    return tensor.chunks()


@pytest.fixture
def stored(tmp_path: Path) -> dict[str, StoredTensor]:
    (tmp_path / "from").mkdir()
    save_file(TENSORS, str(tmp_path / "from" / WEIGHTS))
    return read_weights(tmp_path / "from")


def test_what_the_library_writes_is_read(stored: dict[str, StoredTensor]) -> None:
    assert {name: (one.format, one.shape) for name, one in stored.items()} == {
        "a.weight": ("F32", (3, 4)),
        "b.weight": ("BF16", (5, 3)),
        "c.count": ("I64", ()),
        "d.mask": ("BOOL", (3,)),
        "e.half": ("F16", (3,)),
        "f.none": ("F32", (0, 4)),
    }
    for name in ("a.weight", "b.weight", "e.half", "f.none"):
        assert torch.equal(load(stored[name]), TENSORS[name])
        assert b"".join(stored[name].chunks()) == bytes(raw(TENSORS[name]))


def test_what_is_written_is_read_by_the_library(stored: dict[str, StoredTensor], tmp_path: Path) -> None:
    digests = write_weights(tmp_path, stored.values(), copied)
    assert list(digests) == [WEIGHTS]
    with safe_open(str(tmp_path / WEIGHTS), "pt") as file:
        assert file.metadata() == {"format": "pt"}
        assert set(file.keys()) == set(TENSORS)
        for name, tensor in TENSORS.items():
            found = file.get_tensor(name)
            assert found.dtype == tensor.dtype
            assert torch.equal(found, tensor)


def test_large_models_are_divided_and_indexed(stored: dict[str, StoredTensor], tmp_path: Path) -> None:
    digests = write_weights(tmp_path, stored.values(), copied, shard_bytes=60)
    shards = sorted(path.name for path in tmp_path.glob("*.safetensors"))
    assert shards == [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    assert set(digests) == {*shards, INDEX}
    index = read_json(tmp_path / INDEX)
    assert index["metadata"]["total_size"] == sum(one.size for one in stored.values())
    assert set(index["weight_map"]) == set(TENSORS)
    again = read_weights(tmp_path)
    assert {name: b"".join(one.chunks()) for name, one in again.items()} == {
        name: b"".join(one.chunks()) for name, one in stored.items()
    }


def test_the_same_tensors_give_the_same_bytes(stored: dict[str, StoredTensor], tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first = write_weights(tmp_path / "one", stored.values(), copied)
    second = write_weights(tmp_path / "two", reversed(list(stored.values())), copied)
    assert first == second
    assert (tmp_path / "one" / WEIGHTS).read_bytes() == (tmp_path / "two" / WEIGHTS).read_bytes()


def test_memory_holds_one_tensor(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    save_file({f"{number:02}": torch.zeros(500_000) for number in range(20)}, str(tmp_path / "from" / WEIGHTS))
    tracemalloc.start()
    try:
        stored = read_weights(tmp_path / "from")
        write_weights(tmp_path, stored.values(), lambda one: [raw(load(one))])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * 2_000_000, "of 40 MB"


def spoilt(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Write a file's header anew, with a change."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    new = json.dumps(header).encode()
    path.write_bytes(len(new).to_bytes(8, "little") + new + data[8 + length :])


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["a.weight"].update(shape=[3, 5]),
        lambda header: header["a.weight"].update(shape=[3, -4]),
        lambda header: header["a.weight"].update(shape=[3, 4.0]),
        lambda header: header["a.weight"].update(dtype="F31"),
        lambda header: header["a.weight"].update(data_offsets=[0]),
        lambda header: header.update({"a.weight": header["e.half"]}),
        lambda header: header.pop("a.weight"),
        lambda header: header.update({"z": 1}),
        lambda header: header.update({"z" * 301: header.pop("a.weight")}),
    ],
    ids=["shape", "negative", "fraction", "format", "place", "overlap", "hole", "no tensor", "name"],
)
def test_a_header_that_lies_is_refused(
    change: Callable[[dict[str, Any]], None], stored: dict[str, StoredTensor]
) -> None:
    path = stored["a.weight"].path
    spoilt(path, change)
    with pytest.raises(TuningError, match=r"model\.safetensors: damaged: .*; copy or download it again"):
        read_weight_file(path)


@pytest.mark.parametrize("data", [b"", b"\x80\x04K\x01.", b"\xff" * 40, (9).to_bytes(8, "little") + b"[" * 9])
def test_what_is_no_safetensors_file_is_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(data)
    with pytest.raises(TuningError, match="damaged"):
        read_weights(tmp_path)


def test_a_file_that_was_cut_short_is_refused(stored: dict[str, StoredTensor]) -> None:
    path = stored["a.weight"].path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(TuningError, match="shorter or longer"):
        read_weight_file(path)


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"a.weight": "../elsewhere.safetensors"}, "no such file"),
        ({"a.weight": "gone.safetensors"}, "no such file"),
        ({"a.weight": "model.bin"}, "no such file"),
        ({"zebra": WEIGHTS}, "zebra is not in its file"),
        (["a.weight"], "no mapping"),
    ],
)
def test_an_index_that_lies_is_refused(places: object, said: str, stored: dict[str, StoredTensor]) -> None:
    folder = stored["a.weight"].path.parent
    (folder.parent / "elsewhere.safetensors").write_bytes((folder / WEIGHTS).read_bytes())
    (folder / INDEX).write_text(json.dumps({"weight_map": places}), "utf-8")
    with pytest.raises(TuningError, match=said):
        read_weights(folder)


def test_what_cannot_be_added_to_is_not_loaded(stored: dict[str, StoredTensor]) -> None:
    with pytest.raises(TuningError, match="before they are quantised"):
        load(stored["c.count"])
