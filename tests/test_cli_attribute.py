"""``speechagents attribute`` from arguments to exit code and output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from speechagents.cli import main

TEXT = """\
The Ferry

by A. Writer


CHAPTER I

Emma met Tom on the quay.

“Is anybody coming?” asked Emma, “or nobody?”

“Nobody,” said Tom.

On the bench lay “The Tinderbox”, which was hers.
"""


@pytest.fixture
def novel(tmp_path: Path) -> Path:
    path = tmp_path / "ferry.txt"
    path.write_text(TEXT, "utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["attribute", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def spans(path: Path) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return read


def test_every_piece_of_a_quotation_is_a_span_of_the_text(
    novel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "spans.json"
    code, printed, _ = run(capsys, novel, "--json", out)
    assert code == 0
    said = [(TEXT[one["start"] : one["end"]], one["speaker"], one["kind"]) for one in spans(out)]
    assert said == [
        ("“Is anybody coming?”", "Emma", "explicit"),
        ("“or nobody?”", "Emma", "explicit"),
        ("“Nobody,”", "Tom", "explicit"),
        ("“The Tinderbox”", None, "implicit"),
    ]
    assert all(0 <= one["confidence"] <= 1 for one in spans(out))
    assert [one["addressee"] for one in spans(out)] == ["Tom", "Tom", "Emma", None]
    assert json.loads(printed) == {
        "quotes": 3,
        "speakers": 2,
        "left_to_the_narrator": 1,
        "file": str(out),
    }


def test_a_cast_that_is_given_names_the_speakers(
    novel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cast = tmp_path / "cast.csv"
    cast.write_text("Main Name,Aliases,Gender\nMiss Emma Hart,Emma,F\nTom Reed,Tom,M\n", "utf-8")
    out = tmp_path / "spans.json"
    assert run(capsys, novel, "--json", out, "--characters", cast)[0] == 0
    assert [one["speaker"] for one in spans(out)][:3] == ["Miss Emma Hart", "Miss Emma Hart", "Tom Reed"]


def test_the_same_novel_gives_the_same_file(novel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    run(capsys, novel, "--json", one)
    run(capsys, novel, "--json", other)
    assert one.read_bytes() == other.read_bytes()


def test_a_novel_without_quotations_gives_an_empty_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "still.txt"
    path.write_text("It rained all day. Nobody came.\n", "utf-8")
    code, printed, _ = run(capsys, path, "--json", tmp_path / "out.json")
    assert code == 0
    assert spans(tmp_path / "out.json") == []
    assert json.loads(printed)["quotes"] == 0


def test_what_cannot_be_read_is_an_error_that_says_what_to_do(
    novel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    code, _, error = run(capsys, tmp_path / "missing.txt", "--json", out)
    assert code == 2
    assert "missing.txt" in error
    code, _, error = run(capsys, novel, "--json", out, "--characters", tmp_path / "missing.csv")
    assert code == 2
    assert "missing.csv" in error
    assert "--characters" in error
    bad = tmp_path / "cast.csv"
    bad.write_text("Name\nTom\n", "utf-8")
    code, _, error = run(capsys, novel, "--json", out, "--characters", bad)
    assert code == 2
    assert f"{bad}:1: " in error
    assert not out.exists()


def test_a_file_that_cannot_be_written_is_an_error(
    novel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, error = run(capsys, novel, "--json", novel / "out.json")
    assert code != 0
    assert "ferry.txt" in error
    assert novel.read_text("utf-8") == TEXT


def test_the_file_to_write_must_be_named(novel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["attribute", str(novel)])
    assert stopped.value.code == 2
    assert "--json" in capsys.readouterr().err
