"""Weights in safetensors files, read and written one tensor at a time.

Owns the format (https://huggingface.co/docs/safetensors: eight bytes with the length of a header, a JSON header of
names, number formats, shapes and places, the numbers), its limits, how weights are divided over files, and the index
that names the file of each. Files are untrusted: a header that does not describe its file exactly is refused. Does not
know any model, nor what tensors mean; copying one needs no PyTorch.

The same tensors give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from speechagents.errors import TuningError

if TYPE_CHECKING:
    import torch

Chunk = bytes | memoryview

BITS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("F64", "C64", "I64", "U64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("F8_E4M3", "F8_E5M2", "F8_E8M0", "I8", "U8", "BOOL"), 8),
}
"""Number formats and their sizes."""
FLOATS: Final = ("F64", "F32", "F16", "BF16")
"""Formats that can be computed with."""

WEIGHTS: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
SHARD_BYTES: Final = 5_000_000_000
"""Most bytes of tensors in one file; a tensor that is larger has a file of its own."""

MAX_JSON_BYTES: Final = 50_000_000
_MAX_HEADER_BYTES: Final = 100_000_000
"""What the format allows."""
_MAX_TENSORS: Final = 1_000_000
_MAX_NAME: Final = 300
_CHUNK_BYTES: Final = 16_000_000
_METADATA: Final = "__metadata__"


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor in a file.

    Attributes:
        name: Its name there.
        format: One of `BITS`.
        shape: Its sizes.
        path: The file.
        start: Where its numbers begin there, in bytes.
    """

    name: str
    format: str
    shape: tuple[int, ...]
    path: Path
    start: int

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.count * BITS[self.format] // 8

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, piece by piece.

        Raises:
            TuningError: The file has become shorter meanwhile.
        """
        left = self.size
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left:
                piece = file.read(min(left, _CHUNK_BYTES))
                if not piece:
                    raise self.cut_short()
                left -= len(piece)
                yield piece

    def cut_short(self) -> TuningError:
        """What is raised when its file ends too early; the caller raises it."""
        return TuningError("it has changed while it was read; run the same command again", source=self.path.name)


def read_weights(folder: Path) -> dict[str, StoredTensor]:
    """The tensors of a model by name, without their numbers.

    Args:
        folder: With `WEIGHTS`, or with several files and their `INDEX`.

    Raises:
        TuningError: There are none, or a file is damaged.
    """
    if not (folder / INDEX).is_file():
        if not (folder / WEIGHTS).is_file():
            raise TuningError(f"has no {WEIGHTS}, nor {INDEX}; save the model as safetensors", source=folder.name)
        return read_weight_file(folder / WEIGHTS)
    places = read_json(folder / INDEX).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(one, str) for one in places.values()):
        raise TuningError("no mapping from names to files; download the model again", source=INDEX, field="weight_map")
    found: dict[str, StoredTensor] = {}
    for name in sorted(set(places.values())):
        if PurePath(name).name != name or not name.endswith(".safetensors") or not (folder / name).is_file():
            raise TuningError(
                f"no such file: {name[:80]!r}; download the model again", source=INDEX, field="weight_map"
            )
        found |= {key: one for key, one in read_weight_file(folder / name).items() if places.get(key) == name}
    if missing := sorted(set(places) - set(found)):
        raise TuningError(f"{missing[0][:80]} is not in its file; download the model again", source=INDEX)
    return found


def read_weight_file(path: Path) -> dict[str, StoredTensor]:
    """The tensors of one file by name, without their numbers.

    Raises:
        TuningError: It cannot be read, or its header does not describe it.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= _MAX_HEADER_BYTES:
                raise ValueError("it is no safetensors file")
            header = json.loads(file.read(length))
        if not isinstance(header, dict) or len(header) > _MAX_TENSORS:
            raise ValueError("its header is no mapping of tensors")
        header.pop(_METADATA, None)
        tensors = [_stored(name, one, path, 8 + length) for name, one in header.items()]
        # Without holes or overlaps, to the end: so the format wants it.
        end = 8 + length
        for one in sorted(tensors, key=lambda one: (one.start, one.size)):
            if one.start != end:
                raise ValueError(f"{one.name[:80]} does not begin where the tensor before it ends")
            end += one.size
        if end != path.stat().st_size:
            raise ValueError("it is shorter or longer than its header says")
    except OSError as error:
        raise TuningError(f"cannot be read ({error.strerror}); check its permissions", source=path.name) from error
    except (ValueError, RecursionError) as error:
        raise TuningError(f"damaged: {str(error)[:200]}; copy or download it again", source=path.name) from error
    return {one.name: one for one in tensors}


def load(tensor: StoredTensor) -> torch.Tensor:
    """The numbers of a tensor in the memory of this machine, in its own format.

    Raises:
        TuningError: Its format is none of `FLOATS`.
    """
    import torch

    if tensor.format not in FLOATS:
        raise TuningError(
            f"{tensor.name[:80]} has numbers in the format {tensor.format}, which cannot be added to: weights are "
            "merged before they are quantised; take the model's own weights",
            source=tensor.path.name,
        )
    if not tensor.count:
        return torch.zeros(tensor.shape, dtype=float_type(tensor.format))
    held = bytearray(tensor.size)
    with tensor.path.open("rb") as file:
        file.seek(tensor.start)
        if file.readinto(held) != len(held):
            raise tensor.cut_short()
    return torch.frombuffer(held, dtype=float_type(tensor.format)).reshape(tensor.shape)


def float_type(name: str) -> torch.dtype:
    """What PyTorch calls one of `FLOATS`."""
    import torch

    return {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}[name]


def raw(tensor: torch.Tensor) -> memoryview:
    """The bytes of a tensor in memory, as files hold them."""
    import torch

    held: memoryview = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data
    return held


def write_weights(
    folder: Path,
    tensors: Iterable[StoredTensor],
    content: Callable[[StoredTensor], Iterable[Chunk]],
    *,
    shard_bytes: int = SHARD_BYTES,
) -> dict[str, str]:
    """Write tensors into a folder: one file, or several and their index.

    Args:
        folder: Where to.
        tensors: Names, formats and shapes.
        content: Gives the bytes of one of them; it is asked for one after the other.
        shard_bytes: Most bytes of tensors in one file.

    Returns:
        SHA-256 of each file that was written, by its name.

    Raises:
        OSError: The disk is full, or the like.
        TuningError: From `content`.
    """
    shards = _divided(sorted(tensors, key=lambda one: one.name), shard_bytes)
    if len(shards) == 1:
        return {WEIGHTS: _write_file(folder / WEIGHTS, shards[0], content)}
    digests: dict[str, str] = {}
    places: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        digests[name] = _write_file(folder / name, shard, content)
        places |= dict.fromkeys((one.name for one in shard), name)
    total = sum(one.size for shard in shards for one in shard)
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(places.items()))}
    data = (json.dumps(index, indent=2) + "\n").encode()
    (folder / INDEX).write_bytes(data)
    digests[INDEX] = hashlib.sha256(data).hexdigest()
    return digests


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        TuningError: It does not, cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
        found = json.loads(data) if len(data) <= MAX_JSON_BYTES else None
    except OSError as error:
        raise TuningError(
            f"cannot be read ({error.strerror}); check its name and permissions", source=path.name
        ) from error
    except (ValueError, RecursionError) as error:
        raise TuningError(f"no JSON ({str(error)[:100]}); save the model again", source=path.name) from error
    if not isinstance(found, dict):
        raise TuningError("no JSON object, or too large a file; save the model again", source=path.name)
    return found


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stored(name: str, entry: Any, path: Path, start: int) -> StoredTensor:
    """One entry of a header, checked."""
    if len(name) > _MAX_NAME:
        raise ValueError(f"{name[:80]} … has a name of more than {_MAX_NAME} characters")
    if not isinstance(entry, dict) or entry.get("dtype") not in BITS:
        raise ValueError(f"{name[:80]} has no number format that is known")
    shape, offsets = _whole_numbers(entry.get("shape")), _whole_numbers(entry.get("data_offsets"))
    if shape is None or offsets is None or len(offsets) != 2:
        raise ValueError(f"{name[:80]} has no shape or no place")
    tensor = StoredTensor(name, entry["dtype"], shape, path, start + offsets[0])
    if offsets[1] - offsets[0] != tensor.size:
        raise ValueError(f"{name[:80]} has a place that does not fit its shape")
    return tensor


def _whole_numbers(value: Any) -> tuple[int, ...] | None:
    """A list of whole numbers that are not negative; None if it is none."""
    if not isinstance(value, list) or not all(type(one) is int and one >= 0 for one in value):
        return None
    return tuple(value)


def _divided(tensors: Sequence[StoredTensor], shard_bytes: int) -> list[list[StoredTensor]]:
    shards: list[list[StoredTensor]] = [[]]
    size = 0
    for one in tensors:
        if shards[-1] and size + one.size > shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(one)
        size += one.size
    return shards


def _write_file(path: Path, tensors: Sequence[StoredTensor], content: Callable[[StoredTensor], Iterable[Chunk]]) -> str:
    """Write one file and give its SHA-256."""
    # Wide numbers first, so that each tensor begins at a multiple of the size of its numbers, as readers expect.
    ordered = sorted(tensors, key=lambda one: (-BITS[one.format], one.name))
    header: dict[str, Any] = {_METADATA: {"format": "pt"}}
    end = 0
    for one in ordered:
        header[one.name] = {"dtype": one.format, "shape": list(one.shape), "data_offsets": [end, end + one.size]}
        end += one.size
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for piece in (len(head).to_bytes(8, "little"), head):
            file.write(piece)
            digest.update(piece)
        for one in ordered:
            written = 0
            for chunk in content(one):
                file.write(chunk)
                digest.update(chunk)
                written += len(chunk)
                del chunk  # else it stays until the next one is made
            if written != one.size:
                raise AssertionError(f"{one.name}: {written} bytes instead of {one.size}")
    return digest.hexdigest()
