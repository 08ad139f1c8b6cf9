"""``speechagents read`` from arguments to exit code and output."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from speechagents.books.reading import read_book
from speechagents.cli import main
from speechagents.settings import ReadSettings

from .test_reading_aloud import know

TEXT = """\
The Ferry

by A. Writer


CHAPTER I

The ferry was late that day, and the river was high.

“Is anybody coming?” asked Emma.

CHAPTER II

Nobody came.
"""

PLS = """\
<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" alphabet="ipa" xml:lang="en">
  <lexeme><grapheme>ferry</grapheme><alias>fairy</alias></lexeme>
</lexicon>
"""


@pytest.fixture
def novel(tmp_path: Path) -> Path:
    path = tmp_path / "ferry.txt"
    path.write_text(TEXT, "utf-8")
    return path


@pytest.fixture
def out(novel: Path, tmp_path: Path) -> Path:
    """A production that knows who says what."""
    folder = tmp_path / "out"
    know(folder, read_book(novel))
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["read", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def result(out: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(out)
    return values


def test_a_novel_becomes_a_book_with_chapters(novel: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, log = run(capsys, novel, "--out", out, "--json", "--formats", "m4b,mp3,vtt")
    assert code == 0, log
    done = result(said)
    assert [Path(name).name for name in done["files"]] == [
        "programme.m4b",
        *(f"chapter-00{number}.mp3" for number in range(1, 5)),
        "programme.vtt",
    ]
    assert all(done["gates"].values())
    assert done["failed"] == []
    assert "4 of 4 chapters, 100 % done, 0:00 left" in log
    subtitles = (out / "exports" / "programme.vtt").read_text("utf-8")
    assert "<v Emma>" in subtitles


def test_the_same_command_goes_on_and_speaks_nothing_again(
    novel: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = (novel, "--out", out, "--json", "--formats", "m4b")
    assert result(run(capsys, *command)[1])["spoken"] > 0
    assert result(run(capsys, *command)[1])["spoken"] == 0
    # The folder is enough: the book itself may be gone.
    novel.unlink()
    code, said, _ = run(capsys, "--resume", "--out", out, "--json")
    assert (code, result(said)["spoken"]) == (0, 0)


def test_options_reach_the_book(novel: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lexicon = tmp_path / "words.pls"
    lexicon.write_text(PLS, "utf-8")
    options = ("--chapters", "1", "--no-credits", "--title", "Other", "--author", "Somebody", "--lexicon", lexicon)
    plain = result(run(capsys, novel, "--out", out, "--json", "--formats", "vtt", *options[:3])[1])
    code, said, log = run(capsys, novel, "--out", out, "--json", "--formats", "vtt,json", *options)
    assert code == 0, log
    done = result(said)
    # The one line that the lexicon reads otherwise is spoken anew; subtitles keep the word as it is written.
    assert (plain["spoken"] > 1, done["spoken"]) == (True, 1)
    timeline = json.loads((out / "exports" / "programme.json").read_text("utf-8"))
    assert (timeline["title"], timeline["author"]) == ("Other", "Somebody")
    assert [scene["title"] for scene in timeline["scenes"]] == ["Chapter I"]
    (line,) = [line for line in timeline["scenes"][0]["lines"] if "ferry" in line["text"]]
    assert "ferry" in [word["text"].strip(",.") for word in line["words"]]
    # A copy lies in the folder.
    lexicon.unlink()
    assert result(run(capsys, "--resume", "--out", out, "--json")[1])["spoken"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "read needs a BOOK"),
        (("--resume", "--chapters", "2"), "without a BOOK, --resume goes on as before"),
        (("BOOK", "--chapters", "9"), "there is no chapter 9"),
        (("BOOK", "--chapters", "x"), "is no number or range"),
        (("BOOK", "--formats", "m4b,tape"), "unknown format 'tape'"),
        (("BOOK", "--master", "vinyl"), "unknown master 'vinyl'"),
        (("BOOK", "--lang", "tlh"), "tlh"),
        (("BOOK", "--narrator-voice", "nobody-at-all"), 'no voice is called "nobody-at-all"'),
        (("BOOK", "--min-confidence", "2"), "not between 0 and 1"),
        (("BOOK", "--cast", "/nonexistent/cast.yaml"), "/nonexistent/cast.yaml"),
        (("BOOK", "--cover", "/nonexistent/cover.jpg"), "/nonexistent/cover.jpg"),
        (("BOOK", "--lexicon", "/nonexistent/words.pls"), "words.pls"),
        (("/nonexistent/book.epub",), "book.epub"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    novel: Path, out: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], message: str
) -> None:
    given = [str(novel) if argument == "BOOK" else argument for argument in arguments]
    code, _, said = run(capsys, *given, "--out", out)
    assert (code, message in said) == (2, True), said
    assert {path.name for path in out.iterdir()} <= {"attribution.json"}


def test_resume_needs_a_production(tmp_path: Path, novel: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, said = run(capsys, novel, "--resume", "--out", tmp_path / "none")
    assert (code, "no production to resume" in said) == (2, True)


def test_a_folder_of_something_else_is_refused(novel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(b"")
    code, _, said = run(capsys, novel, "--out", folder)
    assert (code, "is not empty and no production" in said) == (2, True)


def test_a_cast_sheet_comes_back(novel: Path, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = (novel, "--out", out, "--json", "--formats", "vtt")
    assert run(capsys, *command)[0] == 0
    sheet = shutil.copy(out / "cast.yaml", tmp_path / "mine.yaml")
    text = Path(sheet).read_text("utf-8")
    (voice,) = [line for line in text.splitlines() if line.startswith("    voice:")]
    Path(sheet).write_text(text.replace(voice, "    voice: bruno"), "utf-8")
    code, said, log = run(capsys, *command, "--cast", sheet)
    assert (code, result(said)["spoken"]) == (0, 1), log
    # What was asked for once holds on.
    assert result(run(capsys, *command)[1])["spoken"] == 0


def test_every_setting_can_be_given_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["read", "--help"])
    shown = capsys.readouterr().out
    for name in ReadSettings.__dataclass_fields__:
        option = {"language": "lang"}.get(name, name).replace("_", "-")
        assert f"--{option}" in shown, name
