"""Ogg Opus files.

Owns pages, headers and granule positions. Knows nothing of encoding. Source: RFC 3533 (Ogg), RFC 7845 (Ogg Opus).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import BinaryIO

from speechagents.production.codecs import OPUS
from speechagents.production.containers.vorbis import comments
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.tags import Label

_SERIAL = 0x53504545
"""One logical stream needs no random number; a fixed one makes files reproducible."""

_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_PACKET_ENDS = (1 << 64) - 1
_PACKETS_PER_PAGE = 50
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OpusFile:
    """Writes Opus packets at `codecs.OPUS`'s settings.

    Args:
        file: Open for writing.
        frames: Frames of the programme at `PROGRAMME_HZ`.
        label: Tags, chapters, cover.
    """

    def __init__(self, file: BinaryIO, *, frames: int, label: Label) -> None:
        self._file = file
        self._end = OPUS.delay + OPUS.samples_of(frames)
        self._page_number = 0
        self._packet_number = 0
        self._waiting: list[bytes] = []
        head = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, OPUS.delay, PROGRAMME_HZ, 0, 0)
        self._write_alone(head, flags=_FIRST)
        self._write_alone(b"OpusTags" + comments(label, with_picture=True), flags=0)

    def write(self, packets: Sequence[bytes]) -> None:
        """Add packets; a page of one second is written when the packet after it is known."""
        for packet in packets:
            # A lacing table has 255 entries, and a packet takes one for each 255 bytes.
            lacing = sum(len(waiting) // 255 + 1 for waiting in self._waiting) + len(packet) // 255 + 1
            if len(self._waiting) == _PACKETS_PER_PAGE or lacing > 255:
                self._write_waiting(flags=0)
            self._waiting.append(packet)

    def finish(self) -> None:
        """Write the last page; its position says where the programme ends within the last packet."""
        self._write_waiting(flags=_LAST)

    def _write_waiting(self, *, flags: int) -> None:
        self._packet_number += len(self._waiting)
        lacing = b"".join(_lacing(packet) for packet in self._waiting)
        granule = self._end if flags & _LAST else self._packet_number * OPUS.frame
        self._page(lacing, b"".join(self._waiting), granule=granule, flags=flags)
        self._waiting.clear()

    def _write_alone(self, packet: bytes, *, flags: int) -> None:
        """A header packet on as many pages as it needs."""
        lacing = _lacing(packet)
        at = 0
        while lacing:
            part, lacing = lacing[:255], lacing[255:]
            size = sum(part)
            granule = _NO_PACKET_ENDS if lacing or part[-1] == 255 else 0
            self._page(part, packet[at : at + size], granule=granule, flags=flags)
            at += size
            flags = _CONTINUED

    def _page(self, lacing: bytes, body: bytes, *, granule: int, flags: int) -> None:
        head = struct.pack("<4sBBQIII", b"OggS", 0, flags, granule, _SERIAL, self._page_number, 0)
        page = bytearray(head + bytes([len(lacing)]) + lacing + body)
        page[22:26] = struct.pack("<I", _crc(bytes(page)))
        self._file.write(page)
        self._page_number += 1


def _lacing(packet: bytes) -> bytes:
    whole, rest = divmod(len(packet), 255)
    return b"\xff" * whole + bytes([rest])


def _crc(data: bytes) -> int:
    """Ogg's checksum (polynomial 0x04c11db7, not reflected, from 0) by way of zlib's reflected one.

    Both share the polynomial: reflected input and output turn one into the other, and the two inversions undo
    zlib's own.
    """
    reflected = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
