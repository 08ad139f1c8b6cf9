"""Answers of a language model on disk, so that nothing is asked twice.

Owns the file: one answer a line, appended as soon as it is there. Does not know what was asked; whoever asks names
each question by a key, and who answered. It is a cache: a line that is cut short or damaged counts as not there, and
is asked again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from speechagents.controllers.ascribing import MAX_QUOTATIONS
from speechagents.journal import entry_line
from speechagents.production.storage import storage_errors

FILE_NAME: Final = "answers.jsonl"
_MAX_LINE_BYTES: Final = 64_000
_MAX_ANSWERS: Final = 200_000
"""More than the longest novels need; what stands behind them in a file is not read."""

Speakers = Mapping[int, str | None]
"""Names by the number of a quotation, None for the narrator's words."""


class KeptAnswers:
    """What has been answered so far.

    Args:
        path: The file; the first `keep` makes it. None keeps answers in memory alone.

    Raises:
        StorageError: There is a file that cannot be read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[tuple[str, str], Speakers] = {}
        self._latest: dict[str, Speakers] = {}
        self._torn = False
        if path is not None and path.exists():
            with storage_errors(path):
                self._read(path)

    def __len__(self) -> int:
        return len(self._known)

    def find(self, key: str, by: str | None) -> Speakers | None:
        """The answer to a question, None if there is none yet; one that could not be used is empty.

        Args:
            key: Names the question.
            by: Who is to have answered; None takes the latest answer of anybody.
        """
        return self._latest.get(key) if by is None else self._known.get((key, by))

    def keep(self, key: str, by: str, speakers: Speakers) -> None:
        """Remember an answer; it is on disk when this returns.

        Args:
            key: Names the question.
            by: Who answered.
            speakers: What was answered.

        Raises:
            StorageError: The disk is full or read-only.
        """
        self._known[key, by] = self._latest[key] = dict(speakers)
        if self._path is None:
            return
        line = entry_line({"key": key, "by": by, "speakers": {str(number): name for number, name in speakers.items()}})
        with storage_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as file:
                # What a killed run left half-written must not swallow what is written now.
                file.write(b"\n" + line if self._torn else line)
        self._torn = False

    def _read(self, path: Path) -> None:
        with path.open("rb") as file:
            while (line := file.readline(_MAX_LINE_BYTES)) and len(self._known) < _MAX_ANSWERS:
                self._torn = not line.endswith(b"\n")
                try:
                    entry = json.loads(line)
                    key, by, speakers = _text(entry["key"]), _text(entry["by"]), _speakers(entry["speakers"])
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    continue
                self._known[key, by] = self._latest[key] = speakers


def _speakers(value: object) -> Speakers:
    if not isinstance(value, dict) or len(value) > MAX_QUOTATIONS:
        raise TypeError("no speakers")
    return {int(number): None if name is None else _text(name) for number, name in value.items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
