"""Reads and writes safetensors files with NumPy alone: named arrays, nothing that runs.

Owns the form of the file (https://github.com/huggingface/safetensors#format) and what is refused. Does not know what
the arrays are for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MAX_BYTES: Final = 1 << 30
"""Largest file that is read: models of this kind are a hundred times smaller."""
_MAX_HEADER: Final = 1 << 22
_TYPES: Final[Mapping[str, str]] = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def read_weights(path: Path) -> Mapping[str, NDArray[np.float32]]:
    """The arrays of a file as float32, by name.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged, too large, or holds other numbers than float32, float16 and bfloat16.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"is larger than {MAX_BYTES >> 20} MB")
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_MAX_HEADER, size - 8):
            raise ValueError("is no safetensors file, or cut short")
        header = json.loads(file.read(length))
        data = file.read(size - 8 - length)
    if not isinstance(header, dict):
        raise ValueError("has no table of arrays")
    header.pop("__metadata__", None)
    return {name: _array(name, entry, data) for name, entry in header.items()}


def half_precision(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    """A file of these arrays as float16, in the order of their names."""
    header: dict[str, Any] = {}
    pieces: list[bytes] = []
    start = 0
    for name in sorted(arrays):
        piece = np.ascontiguousarray(arrays[name], "<f2").tobytes()
        header[name] = {"dtype": "F16", "shape": list(arrays[name].shape), "data_offsets": [start, start + len(piece)]}
        pieces.append(piece)
        start += len(piece)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    return len(head).to_bytes(8, "little") + head + b"".join(pieces)


def _array(name: str, entry: Any, data: bytes) -> NDArray[np.float32]:
    try:
        kind = _TYPES[entry["dtype"]]
        shape = tuple(int(one) for one in entry["shape"])
        start, end = (int(one) for one in entry["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"has something else than an array of floats as {name[:80]!r}") from error
    count = prod(shape)
    if min((0, *shape)) < 0 or not 0 <= start <= end <= len(data) or end - start != count * np.dtype(kind).itemsize:
        raise ValueError(f"is damaged where {name[:80]!r} should be")
    raw = np.frombuffer(data, kind, count, start).reshape(shape)
    if entry["dtype"] == "BF16":
        # A bfloat16 is the upper half of a float32.
        return (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
    return raw.astype(np.float32)
