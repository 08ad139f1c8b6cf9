"""Findings and choices on disk, so that nothing is listened to twice and a resumed run keeps the same takes.

Owns ``proof.jsonl`` of a production: one finding or choice a line, appended, later ones in force. Does not know how
findings come about. It is a cache: a line that is cut short or damaged counts as not there, and its take is examined
again. In memory there is nothing but where each finding stands, about 100 bytes a line of the play.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from speechagents.journal import entry_line
from speechagents.production.proofing.finding import Finding
from speechagents.production.storage import storage_errors

FILE_NAME: Final = "proof.jsonl"
_MAX_LINE_BYTES: Final = 256_000


class ProofRecord:
    """The findings of a production. Safe to use from several threads.

    Args:
        folder: Of the production; the file is made by the first `note`.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._lock = threading.Lock()
        self._places: dict[bytes, int] = {}
        self._chosen: dict[str, tuple[int, int]] = {}
        self._end = 0
        with storage_errors(self.path):
            if self.path.exists():
                self._read()

    def attempt(self, address: str) -> int:
        """Which attempt of a line was kept, 0 where nothing else was chosen.

        Args:
            address: Of its attempt 0.
        """
        return self._chosen.get(address, (0, 0))[0]

    def retakes(self, address: str) -> int:
        """How often a line was spoken again."""
        return self._chosen.get(address, (0, 0))[1]

    def finding(self, take: str, examiner: str) -> Finding | None:
        """What an examiner found in a take, None if it has not examined it."""
        with self._lock:
            place = self._places.get(_key(take, examiner))
        if place is None:
            return None
        with storage_errors(self.path), self.path.open("rb") as file:
            file.seek(place)
            line = file.readline(_MAX_LINE_BYTES)
        try:
            found = Finding.from_json(json.loads(line))
        except (ValueError, RecursionError):
            return None
        return found if (found.take, found.examiner) == (take, examiner) else None

    def note(self, findings: Iterable[Finding]) -> None:
        """Remember findings.

        Raises:
            StorageError: The disk is full or read-only.
        """
        with self._lock:
            lines = [(_key(found.take, found.examiner), entry_line(found.as_json())) for found in findings]
            place = self._append(b"".join(line for _, line in lines))
            for key, line in lines:
                self._places[key] = place
                place += len(line)

    def choose(self, address: str, *, attempt: int, retakes: int) -> None:
        """Remember which attempt of a line is kept.

        Args:
            address: Of its attempt 0.
            attempt: The one that is kept.
            retakes: How often it was spoken again.
        """
        with self._lock:
            if self._chosen.get(address, (0, 0)) != (attempt, retakes):
                self._append(entry_line({"line": address, "attempt": attempt, "retakes": retakes}))
                self._chosen[address] = (attempt, retakes)

    def _append(self, data: bytes) -> int:
        """Write at the end; gives the place where it begins."""
        if not data:
            return self._end
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab", buffering=0) as file:
                # Whatever a killed run or a full disk left half-written would swallow what is written now.
                if file.seek(0, os.SEEK_END) != self._end:
                    file.truncate(self._end)
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) or 0 :]
        place, self._end = self._end, self._end + len(data)
        return place

    def _read(self) -> None:
        with self.path.open("rb") as file:
            while line := file.readline(_MAX_LINE_BYTES):
                if not line.endswith(b"\n"):
                    # Too long for one of ours, or cut short: nothing below it is believed.
                    return
                place, self._end = self._end, file.tell()
                try:
                    values = json.loads(line)
                    if "line" in values:
                        self._chosen[str(values["line"])] = (int(values["attempt"]), int(values["retakes"]))
                    else:
                        self._places[_key(str(values["take"]), str(values["examiner"]))] = place
                except (ValueError, KeyError, TypeError, RecursionError):
                    continue


def _key(take: str, examiner: str) -> bytes:
    return hashlib.blake2b(f"{take} {examiner}".encode(), digest_size=16).digest()
