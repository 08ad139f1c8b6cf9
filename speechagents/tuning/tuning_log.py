"""The log of a run: one line of JSON for each step and for each measurement, written as it happens.

Owns the file ``log.jsonl``. A run that goes on from a checkpoint drops what a killed one wrote behind it, so that no
step stands there twice. Times end in ``_s``; all else is the same for the same recipe and data, on the same machine.
Does not know what is logged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

from speechagents.production.storage import storage_errors, write_atomically

LOG_FILE: Final = "log.jsonl"
_MAX_LINE_BYTES: Final = 64_000

Entry = Mapping[str, Any]


class TuningLog:
    """The log of a run that is going on.

    Args:
        path: Of the file.
        done: Steps that are done; lines of later ones are dropped.

    Raises:
        StorageError: It cannot be written.
    """

    def __init__(self, path: Path, *, done: int) -> None:
        self._path = path
        self.entries = [entry for entry in read_log(path) if entry["step"] <= done]
        write_atomically(path, "".join(map(_line, self.entries)).encode())
        with storage_errors(path):
            self._file: IO[str] = path.open("a", encoding="utf-8")

    def write(self, entry: Entry) -> None:
        """Add a line; it is handed over to the system before this returns.

        Raises:
            StorageError: The disk is full.
        """
        with storage_errors(self._path):
            self._file.write(_line(entry))
            self._file.flush()
        self.entries.append(entry)

    def close(self) -> None:
        """No more is written."""
        self._file.close()


def read_log(path: Path) -> Sequence[Entry]:
    """The lines of a log; none if there is no such file.

    What is no such line, as the last one of a killed run may be, is left out.
    """
    found = []
    try:
        with path.open("rb") as file:
            while line := file.readline(_MAX_LINE_BYTES):
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(entry, dict) and type(entry.get("step")) is int:
                    found.append(entry)
    except FileNotFoundError:
        return []
    return found


def _line(entry: Entry) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"
