"""Encoded sound is taken out of files of ours as it was put in, and out of nothing else."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import pytest

from speechagents.errors import StorageError
from speechagents.production.codecs import AAC, MP3
from speechagents.production.containers.mp3 import FRAME_BYTES, Mp3File
from speechagents.production.containers.mp4 import M4bFile
from speechagents.production.containers.packets import mp3_music, mp4_packets
from speechagents.production.tags import Chapter, Label, Tags

FRAMES = 10_240 * 40
PACKETS = [bytes([number % 251]) * (1 + number % 700) for number in range(AAC.packets_of(FRAMES))]


UNTITLED = Label(Tags("x"))


def an_m4b(path: Path, label: Label = UNTITLED) -> Path:
    with path.open("w+b") as file:
        m4b = M4bFile(file, frames=FRAMES, label=label)
        for at in range(0, len(PACKETS), 7):
            m4b.write(PACKETS[at : at + 7])
        m4b.finish()
    return path


@pytest.mark.parametrize("count", [1, 399, len(PACKETS)])
def test_packets_come_out_as_they_went_in(tmp_path: Path, count: int) -> None:
    found = [packet for some in mp4_packets(an_m4b(tmp_path / "x.m4b"), count) for packet in some]
    assert found == PACKETS[:count]


def test_another_reader_finds_the_same_packets(tmp_path: Path) -> None:
    """The index is written in pieces; FFmpeg reads it as one, with chapters in front of the sound."""
    marks = tuple(Chapter(f"Chapter {number}", number * 2.0, number * 2.0 + 2.0) for number in range(4))
    path = an_m4b(tmp_path / "x.m4b", Label(Tags("Title"), marks))
    with av.open(str(path)) as container:
        found = [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
        assert [chapter["metadata"]["title"] for chapter in container.chapters()] == [mark.title for mark in marks]
    assert found == PACKETS


@pytest.mark.parametrize("keep", [0, 20, 700, -1, -3_000])
def test_a_file_that_is_cut_short_is_damaged(tmp_path: Path, keep: int) -> None:
    path = an_m4b(tmp_path / "x.m4b")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StorageError, match=r"x\.m4b: is (damaged|cut short)"):
        list(mp4_packets(path, len(PACKETS)))


def test_sizes_that_lie_are_found_out(tmp_path: Path) -> None:
    path = an_m4b(tmp_path / "x.m4b")
    data = path.read_bytes()
    at = data.index(b"stsz") + 12
    path.write_bytes(data[:at] + struct.pack(">I", 0xFFFFFFF0) + data[at + 4 :])
    with pytest.raises(StorageError, match="is damaged"):
        list(mp4_packets(path, 1))


def test_more_packets_than_there_are_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is cut short"):
        list(mp4_packets(an_m4b(tmp_path / "x.m4b"), len(PACKETS) + 1))


def test_the_music_of_an_mp3_is_what_stands_behind_its_tag_and_its_first_frame(tmp_path: Path) -> None:
    frames = [bytes([255, 251]) + bytes([number]) * (FRAME_BYTES - 2) for number in range(MP3.packets_of(50_000))]
    path = tmp_path / "x.mp3"
    with path.open("w+b") as file:
        mp3 = Mp3File(file, frames=50_000, label=Label(Tags("A title of some length"), (), b"\xff\xd8" + bytes(5_000)))
        mp3.write(frames)
        mp3.finish()
    assert b"".join(mp3_music(path)) == b"".join(frames)
    path.write_bytes(b"RIFF" + path.read_bytes()[4:])
    with pytest.raises(StorageError, match="is damaged"):
        list(mp3_music(path))


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none\.m4b"):
        list(mp4_packets(tmp_path / "none.m4b", 1))
    with pytest.raises(StorageError, match=r"none\.mp3"):
        list(mp3_music(tmp_path / "none.mp3"))
