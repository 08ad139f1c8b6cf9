"""A production as a zip archive that is sent while it is packed.

Owns the packing. Does not know who asks for it. Nothing is written to disk, and memory does not grow with the length of
the book.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speechagents.production.storage import PARTIAL_SUFFIX

_BLOCK_BYTES = 262_144
_PACKED = {".json", ".jsonl", ".yaml", ".vtt", ".srt", ".rttm", ".otio"}
_LEFT_OUT = {"work", ".lock"}


def archive(folder: Path, *, top: str) -> Iterator[bytes]:
    """The archive of a folder, block by block.

    Args:
        folder: What is packed; links in it are left out.
        top: Name of the folder in the archive.
    """
    sink: Any = _Sink()  # `zipfile` asks nothing more of a file that cannot be gone back in
    with zipfile.ZipFile(sink, "w") as packed:
        for path in _files(folder):
            compression = zipfile.ZIP_DEFLATED if path.suffix in _PACKED else zipfile.ZIP_STORED
            info = zipfile.ZipInfo(f"{top}/{path.relative_to(folder).as_posix()}")
            info.compress_type = compression
            info.external_attr = 0o644 << 16
            try:
                handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            except OSError:
                continue  # went away since it was listed
            with os.fdopen(handle, "rb") as file, packed.open(info, "w", force_zip64=True) as entry:
                while block := file.read(_BLOCK_BYTES):
                    entry.write(block)
                    yield from sink.taken()
            yield from sink.taken()
    yield from sink.taken()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name in _LEFT_OUT or path.name.endswith(PARTIAL_SUFFIX):
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.is_file():
            yield path


class _Sink:
    """A file that only grows, and gives away what was written to it."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep some bytes until they are taken."""
        self._blocks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind this to flush to."""

    def taken(self) -> Iterator[bytes]:
        """Everything written since the last time."""
        blocks, self._blocks = self._blocks, []
        if blocks:
            yield b"".join(blocks)
