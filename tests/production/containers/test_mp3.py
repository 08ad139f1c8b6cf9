"""The Info frame of MP3 files."""

from __future__ import annotations

import struct

from speechagents.production.codecs import MP3

from ..conftest import ArrayProgramme, Exports


def audio_of(data: bytes) -> bytes:
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte
    return data[10 + size :]


def test_players_learn_how_many_samples_to_drop(plain: Exports, drama: ArrayProgramme) -> None:
    audio = audio_of(plain.path("mp3").read_bytes())
    info = audio[: MP3.max_packet]
    assert info[36:40] == b"Info"
    flags, frames, size = struct.unpack_from(">3I", info, 40)
    assert flags == 15
    assert size == len(audio)
    lame = info[36 + 120 :]
    assert lame[:9] == b"LAME3.100"
    delay, padding = int.from_bytes(lame[21:24], "big") >> 12, int.from_bytes(lame[21:24], "big") & 0xFFF
    assert frames * MP3.frame == delay + drama.frames + padding
    assert delay == 576


def test_every_frame_begins_where_the_one_before_ends(plain: Exports) -> None:
    audio = audio_of(plain.path("mp3").read_bytes())
    at = frames = 0
    while at < len(audio):
        # MPEG-1 layer III, 192 kbps, 44.1 kHz; one byte more when padded.
        assert audio[at : at + 2] == b"\xff\xfb"
        assert audio[at + 2] & 0xFC == 0xB0
        at += 626 + (audio[at + 2] >> 1 & 1)
        frames += 1
    assert at == len(audio)
    assert struct.unpack_from(">I", audio, 44) == (frames - 1,)


def test_no_segment_leans_on_the_one_before(plain: Exports, drama: ArrayProgramme) -> None:
    # main_data_begin, the first nine bits of the side information, is 0 where a fresh encoder starts.
    audio = audio_of(plain.path("mp3").read_bytes())
    starts = [0]
    while starts[-1] < len(audio):
        starts.append(starts[-1] + 626 + (audio[starts[-1] + 2] >> 1 & 1))
    for joint in drama.joints:
        at = starts[1 + round(joint / MP3.grid)]
        assert int.from_bytes(audio[at + 4 : at + 6], "big") >> 7 == 0
