"""What every file of sound of a production measures, and which rules it meets: for people, shops and programs.

Owns ``gates.json``. Schema ``speechagents.gates``, version 1: new fields may come, a change of meaning is a new
version. Does not know how files are measured (`gate`). Written file by file: a book has hundreds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from speechagents.production.gate import GateReport, Verdict
from speechagents.production.sound_files import new_file

FILE_NAME: Final = "gates.json"
SCHEMA: Final = "speechagents.gates"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Missed:
    """A rule that a file does not meet."""

    file: str
    verdict: Verdict

    def __str__(self) -> str:
        verdict = self.verdict
        if verdict.low is not None and verdict.value < verdict.low:
            wanted = f"at least {verdict.low:g}"
        else:
            wanted = f"at most {verdict.high:g}"
        return f"{self.file}: {verdict.rule} is {verdict.value:.2f}, {wanted} is wanted"


@dataclass(frozen=True, slots=True)
class GateSummary:
    """All files together.

    Attributes:
        files: How many were measured.
        passed: How many meet every rule.
        missed: Every rule that is not met, in the order of the files.
    """

    files: int
    passed: int
    missed: tuple[Missed, ...]

    @property
    def all_passed(self) -> bool:
        """Every file meets every rule."""
        return self.passed == self.files

    def __str__(self) -> str:
        if self.all_passed:
            return f"all {self.files} files meet the standard"
        first = "; ".join(str(missed) for missed in self.missed[:5])
        more = f"; and {len(self.missed) - 5} more" if len(self.missed) > 5 else ""
        return f"{self.files - self.passed} of {self.files} files miss the standard: {first}{more}"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "files": self.files,
            "passed": self.passed,
            "missed": [{"file": missed.file, **asdict(missed.verdict)} for missed in self.missed],
        }


def write_gates(path: Path, reports: Iterable[GateReport]) -> GateSummary:
    """Write the reports of all files.

    Args:
        path: The file; it gets its name when it is complete.
        reports: One for each file, in the order of the programme.

    Raises:
        StorageError: The disk is full or read-only.
    """
    files = passed = 0
    missed: list[Missed] = []
    with new_file(path) as file:
        file.write(f'{{"schema": "{SCHEMA}", "version": {VERSION}, "files": ['.encode())
        for report in reports:
            file.write(b",\n" if files else b"\n")
            file.write(json.dumps(_entry(report), ensure_ascii=False).encode("utf-8", "replace"))
            files += 1
            passed += report.passed
            missed += [Missed(report.file, verdict) for verdict in report.verdicts if not verdict.passed]
        summary = GateSummary(files, passed, tuple(missed))
        file.write(f'\n], "summary": {json.dumps(summary.as_json(), ensure_ascii=False)}}}\n'.encode())
    return summary


def _entry(report: GateReport) -> dict[str, Any]:
    """A report with the verdict first, for people who scroll."""
    values = report.as_json()
    return {name: values.pop(name) for name in ("file", "master", "passed", "verdicts")} | values
