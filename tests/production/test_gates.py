"""The gate report of a production: every file, every rule, and what is missed in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from speechagents.production.gate import GateReport, Verdict
from speechagents.production.gates import write_gates

from .conftest import ExportAll


def report(exports: ExportAll, master: str) -> GateReport:
    found = exports(formats=("mp3",), master=master).files["mp3"].report
    assert found is not None
    return found


def changed(found: GateReport, file: str, *missed: Verdict) -> GateReport:
    return GateReport(found.master, file, found.measured, missed or found.verdicts, found.gain_db, found.ceiling_db)


@pytest.fixture(scope="module")
def podcast(export_all: ExportAll) -> GateReport:
    return report(export_all, "podcast")


LOUD = Verdict("rms_db", -15.234, -23.0, -18.0, passed=False)
SHORT = Verdict("head_s", 0.2, 0.5, 1.0, passed=False)


def test_every_file_stands_in_it_with_its_rules_and_figures(podcast: GateReport, tmp_path: Path) -> None:
    path = tmp_path / "gates.json"
    summary = write_gates(path, (changed(podcast, f"chapter-{n:03}.mp3") for n in range(1, 4)))
    assert (summary.files, summary.passed, summary.all_passed) == (3, 3, True)
    assert str(summary) == "all 3 files meet the standard"
    found = json.loads(path.read_text("utf-8"))
    assert (found["schema"], found["version"]) == ("speechagents.gates", 1)
    assert [file["file"] for file in found["files"]] == [f"chapter-{n:03}.mp3" for n in range(1, 4)]
    for file in found["files"]:
        assert file["passed"] is True
        assert {verdict["rule"] for verdict in file["verdicts"]} == {"integrated_lufs", "true_peak_db"}
        assert -16.5 <= file["measured"]["integrated_lufs"] <= -15.5
    assert found["summary"] == {"files": 3, "passed": 3, "missed": []}


def test_what_is_missed_is_said_in_words(podcast: GateReport, tmp_path: Path) -> None:
    reports: Sequence[GateReport] = (
        changed(podcast, "chapter-001.mp3"),
        changed(podcast, "chapter-002.mp3", LOUD, SHORT),
    )
    summary = write_gates(tmp_path / "gates.json", reports)
    assert str(summary) == (
        "1 of 2 files miss the standard: chapter-002.mp3: rms_db is -15.23, at most -18 is wanted; "
        "chapter-002.mp3: head_s is 0.20, at least 0.5 is wanted"
    )
    found = json.loads((tmp_path / "gates.json").read_text("utf-8"))
    assert [(one["file"], one["rule"]) for one in found["summary"]["missed"]] == [
        ("chapter-002.mp3", "rms_db"),
        ("chapter-002.mp3", "head_s"),
    ]


def test_a_long_list_is_cut(podcast: GateReport, tmp_path: Path) -> None:
    summary = write_gates(tmp_path / "gates.json", (changed(podcast, f"{n}.mp3", LOUD) for n in range(9)))
    assert str(summary).endswith("; and 4 more")
    assert str(summary).count(" is wanted") == 5


def test_nothing_is_left_when_a_report_cannot_be_had(podcast: GateReport, tmp_path: Path) -> None:
    def failing() -> object:
        yield podcast
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_gates(tmp_path / "gates.json", failing())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
