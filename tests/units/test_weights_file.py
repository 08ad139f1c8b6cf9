"""Reading safetensors with NumPy: what the library writes, and what is no such file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechagents.units.weights_file import read_weights
from tests.units.tiny_llama import write_weights


def test_what_the_library_writes_is_read(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    arrays: dict[str, np.ndarray] = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array([0.5, -2.0], dtype=np.float16),
    }
    library.save_file(arrays, tmp_path / "x.safetensors", metadata={"format": "pt"})
    found = read_weights(tmp_path / "x.safetensors")
    assert {name: one.tolist() for name, one in found.items()} == {name: one.tolist() for name, one in arrays.items()}
    assert all(one.dtype == np.float32 for one in found.values())


@pytest.mark.parametrize(("dtype", "off_by"), [("F32", 0.0), ("F16", 1e-3), ("BF16", 1e-2)])
def test_numbers_come_back_as_far_as_their_kind_holds_them(dtype: str, off_by: float, tmp_path: Path) -> None:
    values = np.linspace(-3.0, 3.0, 12, dtype=np.float32).reshape(3, 4)
    write_weights(tmp_path / "x.safetensors", {"values": values}, dtype=dtype)
    np.testing.assert_allclose(read_weights(tmp_path / "x.safetensors")["values"], values, rtol=off_by)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [4], "data_offsets": [0, 12]},
        {"dtype": "F32", "shape": [-4], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [1000], "data_offsets": [0, 4000]},
        {"dtype": "F32", "shape": [4], "data_offsets": [-16, 0]},
        {"dtype": "I64", "shape": [2], "data_offsets": [0, 16]},
        {"dtype": "F32", "shape": [4]},
        {"dtype": ["F32"], "shape": [4], "data_offsets": [0, 16]},
        "F32",
    ],
)
def test_an_array_that_is_not_there_is_refused(entry: Any, tmp_path: Path) -> None:
    header = json.dumps({"x": entry}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(ValueError, match="'x'"):
        read_weights(tmp_path / "x.safetensors")


@pytest.mark.parametrize("written", [b"", b"\x00" * 7, b"\x02" + bytes(7) + b"[]", b"\x80\x04pickle", b"\xff" * 100])
def test_what_is_no_such_file_is_refused(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(written)
    with pytest.raises(ValueError, match=r"safetensors|table"):
        read_weights(tmp_path / "x.safetensors")
