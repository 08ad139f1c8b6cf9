"""The report of a proofing for people and programs: line, take, time, verdict.

Owns ``proof.json`` in the production. Schema ``speechagents.proof``, version 1: new fields may come, a change of
meaning is a new version. Written line by line, so that a long book needs no more memory than a short one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TextIO

from speechagents.production.proofing.finding import Proofed, ProofSummary
from speechagents.production.storage import storage_errors, temporary_beside
from speechagents.pronunciation.respelling import shown

FILE_NAME: Final = "proof.json"
SCHEMA: Final = "speechagents.proof"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands in the programme.

    Attributes:
        chapter: Number of its scene, from 1.
        title: Title of the scene.
        scene_s: Start of the scene in the programme, in seconds.
        start_s: Start of the line in the programme; None where it has never been mixed.
        end_s: Its end.
    """

    chapter: int
    title: str
    scene_s: float | None = None
    start_s: float | None = None
    end_s: float | None = None


class ReportWriter:
    """Writes the report line by line; it gets its name when the block is left without an error.

    Args:
        path: The file.

    Raises:
        StorageError: The disk is full or read-only.
    """

    def __init__(self, path: Path) -> None:
        self.summary = ProofSummary()
        self._path = path
        self._temporary = temporary_beside(path)
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: TextIO = self._temporary.open("w", encoding="utf-8", errors="replace", newline="\n")
            self._file.write(f'{{"schema": "{SCHEMA}", "version": {VERSION}, "lines": [')

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with storage_errors(self._path):
            try:
                if error is None:
                    self._file.write(f'\n], "summary": {json.dumps(self.summary.as_json())}}}\n')
                self._file.close()
                if error is None:
                    self._temporary.replace(self._path)
            finally:
                self._temporary.unlink(missing_ok=True)

    def write(self, proofed: Proofed, place: Place) -> None:
        """Add a line; lines come in the order of the play."""
        with storage_errors(self._path):
            self._file.write(",\n" if self.summary.lines else "\n")
            self._file.write(json.dumps(_line(proofed, place), ensure_ascii=False))
        self.summary.note(proofed)


def _line(proofed: Proofed, place: Place) -> dict[str, Any]:
    line, finding = proofed.line, proofed.finding
    in_scene = None if place.start_s is None or place.scene_s is None else place.start_s - place.scene_s
    return {
        "line": line.number,
        "role": line.role,
        "text": shown(line.text),
        "chapter": place.chapter,
        "chapter_title": place.title,
        "start_s": _rounded(place.start_s),
        "end_s": _rounded(place.end_s),
        "in_chapter_s": _rounded(in_scene),
        "take": proofed.take,
        "attempt": proofed.attempt,
        "retakes": proofed.retakes,
        "verdict": "good" if proofed.good else "faulty",
        "faults": [fault.as_json() for fault in finding.faults],
        "score": round(finding.score, 4),
        "heard": finding.heard,
        "unheard": finding.unheard,
        "examiner": finding.examiner,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
