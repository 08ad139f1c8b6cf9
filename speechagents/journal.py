"""A file of JSON objects, one a line, that only ever grows.

Owns how entries reach the disk and how they are found there after a crash. Does not know what they mean: the message
stream and the log of steps are journals.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from speechagents.errors import ProductionError
from speechagents.production.storage import storage_errors

MAX_ENTRY_BYTES: Final = 256_000
"""Longest line: forty times the longest message with its thoughts."""


class Journal:
    """An open journal. An entry is on disk, flushed, when `append` returns.

    A last line without its end is what a killed process left: it is cut off when the journal is opened. Any other
    line that is no JSON object is damage, and is told.

    Args:
        path: Made if it does not exist.
        most_bytes: Longest line.

    Raises:
        ProductionError: A line is damaged; the message names it.
        StorageError: The file cannot be read or written.
    """

    def __init__(self, path: Path, *, most_bytes: int = MAX_ENTRY_BYTES) -> None:
        self.path = path
        self._most_bytes = most_bytes
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered, so that nothing of an entry that does not fit waits to be written later.
            self._file: RawIOBase = path.open("ab", buffering=0)
        try:
            self._entries = self._whole_lines()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything is on disk already."""
        self._file.close()

    def __len__(self) -> int:
        return self._entries

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write an entry through to the disk.

        Raises:
            ValueError: It is longer than a line may be.
            StorageError: The disk is full. Nothing of the entry is left.
        """
        line = entry_line(entry)
        if len(line) > self._most_bytes:
            raise ValueError(f"an entry of {len(line)} bytes is longer than {self._most_bytes}")
        with storage_errors(self.path):
            end = self._file.seek(0, os.SEEK_END)
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[self._file.write(rest) or 0 :]
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(end)
                raise
        self._entries += 1

    def cut(self, entries: int) -> None:
        """Keep the first entries and take the others back: they belong to a step that was not finished."""
        with storage_errors(self.path), self.path.open("rb") as file:
            for _ in range(entries):
                file.readline()
            self._file.truncate(file.tell())
        self._entries = min(self._entries, entries)

    def entries(self) -> Iterator[dict[str, Any]]:
        """All entries, oldest first, as they were when this was called."""
        with storage_errors(self.path), self.path.open("rb") as file:
            for number in range(1, self._entries + 1):
                yield self._entry(file.readline(self._most_bytes + 1), number)

    def _whole_lines(self) -> int:
        """Check what is there and cut off what a killed process left half-written."""
        count = end = 0
        with storage_errors(self.path), self.path.open("rb") as file:
            while line := file.readline(self._most_bytes + 1):
                if not line.endswith(b"\n"):
                    if len(line) > self._most_bytes:
                        raise self._damaged(count + 1, "is too long")
                    self._file.truncate(end)
                    break
                count += 1
                self._entry(line, count)
                end += len(line)
        return count

    def _entry(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            entry = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise self._damaged(number, f"cannot be read ({error})") from error
        if not isinstance(entry, dict):
            raise self._damaged(number, "is no JSON object")
        return entry

    def _damaged(self, number: int, what: str) -> ProductionError:
        return ProductionError(f"{self.path}:{number}: {what}; delete this line and all below it, then resume")


def entry_line(entry: Mapping[str, Any]) -> bytes:
    """An entry as its line, with the line's end."""
    # Lone surrogates, which a model may produce, are written as escapes; so are line separators other readers obey.
    text = json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085")
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text).encode("utf-8") + b"\n"
