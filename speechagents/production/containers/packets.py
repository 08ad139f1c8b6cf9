"""The encoded sound of files of ours, taken out again: chapters become one book without being encoded twice.

Owns finding it. Reads only what `mp4` and `mp3` have written, and says so where a file is something else: files lie in
a folder that people can reach.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from speechagents.errors import StorageError
from speechagents.production.containers.mp3 import FRAME_BYTES
from speechagents.production.storage import storage_errors

_PIECE: Final = 1 << 18
_PACKETS_AT_ONCE: Final = 4_096
_MAX_INDEX_BYTES: Final = 64_000_000
_TABLE: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsz")
"""Boxes inside each other, down to the sizes of the packets; the sound is the first track."""


def mp4_packets(path: Path, count: int) -> Iterator[list[bytes]]:
    """The first packets of an M4B file without chapters, some at a time.

    Args:
        path: The file.
        count: How many to give.

    Raises:
        StorageError: It is gone, damaged, or has fewer.
    """
    with storage_errors(path), path.open("rb") as file:
        try:
            sizes, sound = _mp4_index(file)
        except (ValueError, struct.error) as error:
            raise StorageError(f"{path}: is damaged ({error}); delete it and run the same command again") from error
        if len(sizes) < count:
            raise StorageError(f"{path}: is cut short; delete it and run the same command again")
        file.seek(sound)
        for first in range(0, count, _PACKETS_AT_ONCE):
            some = sizes[first : min(count, first + _PACKETS_AT_ONCE)]
            data = file.read(int(some.sum()))
            ends = np.cumsum(some).tolist()
            yield [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _mp4_index(file: BinaryIO) -> tuple[NDArray[np.int64], int]:
    """Sizes of the packets, and where the first one lies.

    Raises:
        ValueError: A box that must be there is not.
    """
    file.seek(0, 2)
    moov, moov_end = _box(file, b"moov", 0, file.tell())
    if moov_end - moov > _MAX_INDEX_BYTES:
        raise ValueError("its index is too long")
    at, end = moov, moov_end
    for kind in _TABLE[1:]:
        at, end = _box(file, kind, at, end)
    file.seek(at + 8)
    (count,) = struct.unpack(">I", file.read(4))
    if at + 12 + 4 * count != end:
        raise ValueError("its table of sizes does not fit")
    sizes = np.frombuffer(file.read(4 * count), ">u4").astype(np.int64)
    file.seek(0, 2)
    sound, sound_end = _box(file, b"mdat", moov_end, file.tell())
    if sound_end - sound != int(sizes.sum()):
        raise ValueError("its sound is not as long as its index says")
    return sizes, sound


def _box(file: BinaryIO, kind: bytes, at: int, end: int) -> tuple[int, int]:
    """The inside of the first box of a kind between two places."""
    while at + 8 <= end:
        file.seek(at)
        size, found = struct.unpack(">I4s", file.read(8))
        inside = at + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            inside += 8
        if size < inside - at or at + size > end:
            break
        if found == kind:
            return inside, at + size
        at += size
    raise ValueError(f"it has no {kind.decode('ascii')}")


def mp3_music(path: Path) -> Iterator[bytes]:
    """The frames of an MP3 file behind its tag and its ``Info`` frame, some at a time.

    Raises:
        StorageError: It is gone or damaged.
    """
    with storage_errors(path), path.open("rb") as file:
        head = file.read(10)
        if len(head) < 10 or head[:3] != b"ID3" or max(head[6:]) > 127:
            raise StorageError(f"{path}: is damaged; delete it and run the same command again")
        tag = 0
        for byte in head[6:]:
            tag = tag << 7 | byte
        file.seek(10 + tag + FRAME_BYTES)
        while piece := file.read(_PIECE):
            yield piece
