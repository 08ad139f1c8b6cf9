"""What M4B files promise players: index first, both kinds of chapters, exact edits."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import av
import mutagen
import pytest

from speechagents.production.codecs import AAC
from speechagents.production.containers import mp4
from speechagents.production.containers.mp4 import M4bFile
from speechagents.production.tags import Chapter, Label, Tags

from ..conftest import ArrayProgramme, Exports, silence


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        found.append((kind, data[at + head : at + size]))
        at += size
    assert at == len(data)
    return found


def inside(data: bytes, *path: bytes) -> bytes:
    for kind in path:
        data = dict(boxes(data))[kind]
    return data


def written(label: Label, packets: list[bytes], frames: int) -> bytes:
    file = BytesIO()
    m4b = M4bFile(file, frames=frames, label=label)
    m4b.write(packets)
    m4b.finish()
    return file.getvalue()


def packets_for(frames: int) -> list[bytes]:
    sound = ArrayProgramme(silence(frames / 44_100)).sound
    return [packet for packets in AAC.encode([sound], frames=frames, last=True) for packet in packets]


def test_the_index_stands_before_the_sound(plain: Exports) -> None:
    data = plain.path("m4b").read_bytes()
    assert [kind for kind, _ in boxes(data)] == [b"ftyp", b"moov", b"mdat"]
    assert data[8:12] == b"M4B "


def test_nothing_in_the_file_tells_when_it_was_made(plain: Exports) -> None:
    header = inside(plain.path("m4b").read_bytes(), b"moov", b"mvhd")
    assert header[:20] == b"\x01\x00\x00\x00" + bytes(16)


def test_the_edit_takes_the_priming_away(plain: Exports, drama: ArrayProgramme) -> None:
    tracks = [body for kind, body in boxes(inside(plain.path("m4b").read_bytes(), b"moov")) if kind == b"trak"]
    edit = inside(tracks[0], b"edts", b"elst")
    assert struct.unpack(">IIQq", edit[:24]) == (1 << 24, 1, drama.frames, AAC.delay)


def test_nero_chapters_end_at_255_and_quicktime_chapters_do_not(tmp_path: Path) -> None:
    frames = 44_100 * 10
    chapters = tuple(Chapter("é" * 200 if n == 3 else f"Scene {n}", n / 40, (n + 1) / 40) for n in range(400))
    path = tmp_path / "many.m4b"
    path.write_bytes(written(Label(Tags("T"), chapters), packets_for(frames), frames))
    nero = inside(path.read_bytes(), b"moov", b"udta", b"chpl")
    assert nero[8] == 255
    listed = mutagen.File(path).chapters
    assert listed is not None
    assert [chapter.title for chapter in listed][:3] == ["Scene 0", "Scene 1", "Scene 2"]
    assert listed[3].title == "é" * 127
    with av.open(str(path)) as container:
        found = container.chapters()
    assert len(found) == 400
    assert found[3]["metadata"]["title"] == "é" * 200
    assert found[399]["metadata"]["title"] == "Scene 399"


def test_offsets_of_large_files_have_64_bits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    frames = 44_100
    label = Label(Tags("T"), (Chapter("One", 0.0, 1.0),))
    plain_file = written(label, packets_for(frames), frames)
    monkeypatch.setattr(mp4, "_LARGE", 1 << 26)
    path = tmp_path / "large.m4b"
    path.write_bytes(written(label, packets_for(frames), frames))
    assert b"co64" in path.read_bytes()
    assert b"co64" not in plain_file
    with av.open(str(path)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) >= frames


def test_a_programme_shorter_than_a_packet_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "short.m4b"
    path.write_bytes(written(Label(Tags("T")), packets_for(10), 10))
    with av.open(str(path)) as container:
        assert container.duration == pytest.approx(10 / 44_100 * 1e6, abs=2.0)


def test_a_chapter_says_which_book_it_is_of_and_who_reads(tmp_path: Path) -> None:
    book = Tags("Emma", author="Jane Austen", narrator="Ada, a synthetic voice")
    path = tmp_path / "chapter.m4b"
    path.write_bytes(written(Label(book.of_part("Chapter 7", 7, 55)), packets_for(44_100), 44_100))
    found = mutagen.File(path).tags
    assert (found["\xa9nam"], found["\xa9alb"], found["trkn"]) == (["Chapter 7"], ["Emma"], [(7, 55)])
    assert (found["\xa9ART"], found["\xa9wrt"]) == (["Jane Austen"], ["Ada, a synthetic voice"])
    assert found["\xa9nrt"] == ["Ada, a synthetic voice"]
