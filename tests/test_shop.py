"""A book as shops and readers get it, and proofed while it is read: the same to the byte however it was made."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mutagen
import pytest
from defusedxml.ElementTree import fromstring
from PIL import Image

from speechagents import Studio
from speechagents.attribution.keeping import KeptAttributions
from speechagents.attribution.quotation import Attribution
from speechagents.books.book import Book
from speechagents.errors import SettingsError
from speechagents.events import Event, Exported, Finished, LineProofed, ProofFinished, SceneReady, Warned
from speechagents.settings import ReadSettings

from .novel.novels import a_book, said_by
from .production.proofing.tone_studio import ASKED, SAYS, install_tones

TELLING = "The road went on over the hills and down again to the river, and nobody came to meet them there at all."
SAYING = "“We ought to have asked the ferryman before he left us,” said Emma."
BAD = "Nobody answered from the other side."


def book_of(*chapters: str) -> Book:
    names = ("ONE", "TWO", "THREE")
    text = "".join(f"CHAPTER {name}\n\n{text}\n\n" for name, text in zip(names, chapters, strict=False))
    return a_book(text, title="Over the River", authors=("A. Writer",))


LONG = book_of("For my mother.", "\n\n".join([TELLING, SAYING] * 7))
SHORT = book_of(f"{TELLING}\n\n{BAD}", TELLING.replace("road", "path"), "They slept under the bridge that evening.")


@pytest.fixture(autouse=True)
def attributed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emma says everything; who says what is tested elsewhere."""

    def attribution(kept: KeptAttributions, characters: object = None) -> Attribution:
        return said_by(LONG if kept._text == LONG.text else SHORT, "Emma")

    monkeypatch.setattr(KeptAttributions, "attribution", attribution)


def read(studio: Studio, book: Book, out: Path, **options: Any) -> list[Event]:
    return list(studio.read(book, out=out, settings=ReadSettings(**options)))


@pytest.fixture(scope="module")
def sold(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Event]]]:
    """The long book with real voices, for a shop."""
    out = tmp_path_factory.mktemp("sold") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KeptAttributions, "attribution", lambda *_: said_by(LONG, "Emma"))
        yield out, read(studio, LONG, out, formats=("m4b", "mp3", "epub", "sample", "json"), master="acx")


@pytest.mark.slow
def test_every_chapter_is_a_file_that_meets_the_standard(sold: tuple[Path, list[Event]]) -> None:
    out, events = sold
    gates = json.loads((out / "exports" / "gates.json").read_text("utf-8"))
    names = [f"chapter-{number:03}.mp3" for number in range(1, 5)]
    assert [file["file"] for file in gates["files"] if file["file"].startswith("chapter")] == names
    assert "sample.mp3" in [file["file"] for file in gates["files"]]
    assert gates["summary"]["passed"] == gates["summary"]["files"] == 9
    for file in gates["files"]:
        assert {verdict["rule"] for verdict in file["verdicts"]} >= {"rms_db", "peak_db", "head_s", "tail_s"}
    assert not [event for event in events if isinstance(event, Warned) and "standard" in event.message]


def test_every_chapter_says_what_it_is(sold: tuple[Path, list[Event]]) -> None:
    out, _ = sold
    tags = [mutagen.File(out / "exports" / f"chapter-{number:03}.mp3").tags for number in range(1, 5)]
    assert [one["TIT2"].text[0] for one in tags] == ["Opening credits", "CHAPTER ONE", "CHAPTER TWO", "Closing credits"]
    assert [one["TRCK"].text[0] for one in tags] == ["1/4", "2/4", "3/4", "4/4"]
    for one in tags:
        assert (one["TALB"].text, one["TPE1"].text) == (["Over the River"], ["A. Writer"])
        assert "synthetic voice" in one["TCOM"].text[0]
        assert "espeak-ng" in one["TXXX:SYNTHETIC_VOICES"].text[0]
        assert one.getall("APIC")


def test_the_sample_is_one_to_five_minutes_of_the_story(sold: tuple[Path, list[Event]]) -> None:
    out, _ = sold
    sample = mutagen.File(out / "exports" / "sample.mp3")
    assert 60.0 <= sample.info.length <= 300.0
    assert (sample.info.bitrate, sample.info.sample_rate) == (192_000, 44_100)
    assert sample.tags["TIT2"].text == ["Over the River: sample"]


def test_the_read_along_edition_is_in_step_with_the_book(sold: tuple[Path, list[Event]]) -> None:
    out, _ = sold
    timeline = json.loads((out / "exports" / "programme.json").read_text("utf-8"))
    with zipfile.ZipFile(out / "exports" / "read-along.epub") as book:
        for number, scene in enumerate(timeline["scenes"], 1):
            smil = fromstring(book.read(f"EPUB/chapter-{number:03}.smil"))
            clips = {
                str(par[0].get("src")).partition("#l")[2]: str(par[1].get("clipBegin"))
                for par in smil[0][0]
                if len(par) == 2
            }
            assert list(clips) == [str(line["line"]) for line in scene["lines"]]
            for line in scene["lines"][1:]:
                hours, minutes, seconds = clips[str(line["line"])].split(":")
                begins_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
                assert begins_s == pytest.approx(line["start_s"] - scene["start_s"], abs=0.002)
        text = " ".join("".join(fromstring(book.read("EPUB/chapter-003.xhtml")).itertext()).split())
        assert text.count(TELLING) == 7
        assert text.count(SAYING) == 7
        assert "espeak-ng" in book.read("EPUB/package.opf").decode()


@pytest.mark.slow
def test_the_same_book_in_another_folder_gives_the_same_bytes(sold: tuple[Path, list[Event]], tmp_path: Path) -> None:
    out, _ = sold
    with Studio(jobs=1) as alone:
        read(alone, LONG, tmp_path / "out", formats=("m4b", "mp3", "epub", "sample", "json"), master="acx")
    assert contents(tmp_path / "out") == contents(out)


def test_going_on_makes_nothing_again(sold: tuple[Path, list[Event]], studio: Studio) -> None:
    out, _ = sold
    before = {path: path.stat().st_mtime_ns for path in (out / "chapters").iterdir()}
    files = contents(out)
    read(studio, LONG, out, formats=("m4b", "mp3", "epub", "sample", "json"), master="acx")
    assert {path: path.stat().st_mtime_ns for path in (out / "chapters").iterdir()} == before
    assert contents(out) == files


def test_a_book_too_short_for_a_sample_says_so(studio: Studio, tmp_path: Path) -> None:
    events = read(studio, SHORT, tmp_path / "out", formats=("sample", "epub"), master="none")
    assert any("there is no sample" in event.message for event in events if isinstance(event, Warned))
    assert {event.path.name for event in events if isinstance(event, Exported)} == {"read-along.epub"}
    assert not (tmp_path / "out" / "exports" / "gates.json").exists()


def test_a_books_own_cover_is_used_and_a_broken_one_is_no_obstacle(studio: Studio, tmp_path: Path) -> None:
    from dataclasses import replace
    from io import BytesIO

    png = BytesIO()
    Image.new("RGB", (90, 120), (200, 30, 30)).save(png, "PNG")
    for name, cover in (("own", png.getvalue()), ("broken", b"\x89PNG no picture")):
        read(studio, replace(SHORT, cover=cover), tmp_path / name, formats=("mp3",), master="none")
        tags = mutagen.File(tmp_path / name / "exports" / "chapter-001.mp3").tags
        size = Image.open(BytesIO(tags.getall("APIC")[0].data)).size
        assert size == ((90, 120) if name == "own" else (1400, 1400))


def test_an_unknown_format_names_those_of_books(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"mobi.*epub, sample"):
        read(studio, SHORT, tmp_path / "out", formats=("mobi",))
    assert not (tmp_path / "out").exists()


def contents(out: Path) -> dict[str, str]:
    """Digest of every file that listeners get, and of what proofing found."""
    files = [*(out / "exports").rglob("*"), *out.glob("proof.json")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


@pytest.fixture
def tones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neural voices that say one line wrong the first time."""
    install_tones(monkeypatch)
    SAYS[BAD, 0] = "Nobody answered from the other."


PROOFED: dict[str, Any] = {"formats": ("mp3", "epub", "json"), "master": "none", "proof": True}


def proofed_lines(out: Path) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = json.loads((out / "proof.json").read_text("utf-8"))["lines"]
    return lines


@pytest.mark.usefixtures("tones")
def test_a_faulty_take_is_mended_before_its_chapter_is_made(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Studio(jobs=2) as studio:
        events = read(studio, SHORT, out, **PROOFED)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.faulty, finished.spoken) == (0, finished.lines + 1)
    (line,) = [line for line in proofed_lines(out) if line["text"] == BAD]
    assert (line["verdict"], line["attempt"], line["retakes"]) == ("good", 1, 1)
    timeline = json.loads((out / "exports" / "programme.json").read_text("utf-8"))
    (placed,) = [one for scene in timeline["scenes"] for one in scene["lines"] if one["text"] == BAD]
    assert placed["take"] == line["take"]
    assert placed["start_s"] == pytest.approx(line["start_s"], abs=0.001)
    chapter_start = timeline["scenes"][line["chapter"] - 1]["start_s"]
    assert line["in_chapter_s"] == pytest.approx(placed["start_s"] - chapter_start, abs=0.002)


@pytest.mark.usefixtures("tones")
def test_a_run_that_was_stopped_ends_with_the_same_bytes_and_asks_for_nothing_twice(tmp_path: Path) -> None:
    with Studio(jobs=2) as studio:
        read(studio, SHORT, tmp_path / "whole", **PROOFED)
        asked = len(ASKED)
        ASKED.clear()
        for event in studio.read(SHORT, out=tmp_path / "stopped", settings=ReadSettings(**PROOFED)):
            if isinstance(event, SceneReady) and event.index == 1:
                break
        read(studio, SHORT, tmp_path / "stopped", **PROOFED)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert len(ASKED) == asked


@pytest.mark.usefixtures("tones")
def test_proofing_afterwards_remakes_the_chapter_of_the_line_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Studio(jobs=2) as studio:
        read(studio, SHORT, out, **{**PROOFED, "proof": False})
        unproofed = {path.name: path.stat().st_mtime_ns for path in (out / "chapters").iterdir()}
        events = list(studio.proof(out))
        done = events[-1]
        assert isinstance(done, ProofFinished)
        assert (done.summary.faulty, done.summary.retaken, done.remix) == (0, 1, 1)
        (line,) = [event.proofed for event in events if isinstance(event, LineProofed) and event.proofed.attempt]
        assert line.line.text == BAD
        read(studio, SHORT, out, **{**PROOFED, "proof": False})
        remade = {path.name: path.stat().st_mtime_ns for path in (out / "chapters").iterdir()}
        kept = [name for name, time in remade.items() if unproofed.get(name) == time]
        assert len(remade) == len(unproofed)
        assert len({name.partition(".")[0] for name in kept}) == len(SHORT.chapters) + 2 - 1
        read(studio, SHORT, tmp_path / "fresh", **PROOFED)
    assert (
        contents(out).items()
        >= {name: digest for name, digest in contents(tmp_path / "fresh").items() if name != "proof.json"}.items()
    )


@pytest.mark.usefixtures("tones")
def test_what_no_retake_mends_is_told_and_counted(tmp_path: Path) -> None:
    for attempt in range(3):
        SAYS[BAD, attempt] = "Nobody answered from the other."
    with Studio(jobs=2) as studio:
        events = read(studio, SHORT, tmp_path / "out", **PROOFED)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.faulty == 1
    told = [event.message for event in events if isinstance(event, Warned)]
    assert any("'side' is not heard" in message for message in told)
