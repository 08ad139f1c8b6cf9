"""Ogg pages against an independent checksum and reader."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import mutagen.ogg
import pytest

from speechagents.production.codecs import OPUS
from speechagents.production.containers.ogg import OpusFile
from speechagents.production.tags import Label, Tags

from ..conftest import ArrayProgramme, Exports

OggPage: Any = mutagen.ogg.OggPage


def slow_crc(data: bytes) -> int:
    """RFC 3533: polynomial 0x04c11db7, bit by bit."""
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
            value &= 0xFFFFFFFF
    return value


def pages(data: bytes) -> list[tuple[Any, bytes]]:
    file, found = BytesIO(data), []
    while file.tell() < len(data):
        start = file.tell()
        page = OggPage(file)
        found.append((page, data[start : file.tell()]))
    return found


def test_checksums_and_numbers_are_right(plain: Exports) -> None:
    found = pages(plain.path("opus").read_bytes())
    for number, (page, raw) in enumerate(found):
        assert page.sequence == number
        if number in (0, len(found) // 2, len(found) - 1):
            (stated,) = struct.unpack_from("<I", raw, 22)
            assert stated == slow_crc(raw[:22] + bytes(4) + raw[26:])
    assert found[0][0].first
    assert found[-1][0].last


def test_positions_ascend_to_the_end_of_the_programme(plain: Exports, drama: ArrayProgramme) -> None:
    positions = [page.position for page, _ in pages(plain.path("opus").read_bytes()) if page.position > 0]
    assert positions == sorted(positions)
    assert positions[-1] == OPUS.delay + OPUS.samples_of(drama.frames)
    assert positions[0] == 50 * OPUS.frame


@pytest.mark.parametrize("size", [1, 254, 255, 256, 510, 65_024, 65_025, 65_026, 300_000])
def test_headers_of_any_size_are_laced(size: int) -> None:
    file = BytesIO()
    opus = OpusFile(file, frames=882, label=Label(Tags("T"), cover=bytes(size)))
    opus.write([b"\xfc" * 20] * 2)
    opus.finish()
    found = [page for page, _ in pages(file.getvalue())]
    packets = OggPage.to_packets(found)
    assert packets[0][:8] == b"OpusHead"
    assert packets[1][:8] == b"OpusTags"
    assert packets[2:] == [b"\xfc" * 20] * 2


def test_packets_that_fill_the_lacing_table_start_a_new_page() -> None:
    file = BytesIO()
    opus = OpusFile(file, frames=882 * 40, label=Label(Tags("T")))
    packets = [bytes([n]) * 2500 for n in range(41)]
    opus.write(packets)
    opus.finish()
    found = [page for page, _ in pages(file.getvalue())]
    assert OggPage.to_packets(found)[2:] == packets
