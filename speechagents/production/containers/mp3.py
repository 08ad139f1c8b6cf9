"""MP3 files: an ID3 tag, an ``Info`` frame and frames of constant bit rate.

Owns the ``Info`` frame, by which players know length, seek table and how many samples to drop at both ends. Knows
nothing of encoding. Source: ISO/IEC 11172-3 section 2.4.1.3 (frame header); Gabriel Bouvigne, "MP3 Info Tag rev
1".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import BinaryIO

from speechagents.production.codecs import MP3
from speechagents.production.containers.id3 import id3_tag
from speechagents.production.tags import Label

# MPEG-1 layer III without checksum, 192 kbps, 44.1 kHz, no padding, joint stereo, original.
_HEADER = b"\xff\xfb\xb0\x44"
FRAME_BYTES = 144 * 192_000 // 44_100
_SIDE_INFO_BYTES = 32
_ENCODER_DELAY = 576


class Mp3File:
    """Writes MP3 frames at `codecs.MP3`'s settings.

    Args:
        file: Open for writing, seekable.
        frames: Samples of the programme.
        label: Tags, chapters, cover.
    """

    def __init__(self, file: BinaryIO, *, frames: int, label: Label) -> None:
        self._file = file
        self._packets = MP3.packets_of(frames)
        self._padding = self._packets * MP3.frame - _ENCODER_DELAY - frames
        self._music_bytes = 0
        file.write(id3_tag(label))
        self._info_at = file.tell()
        file.write(self._info())

    def write(self, packets: Sequence[bytes]) -> None:
        """Add frames."""
        self._music_bytes += self._file.write(b"".join(packets))

    def finish(self) -> None:
        """Fill in the ``Info`` frame."""
        self._file.seek(self._info_at)
        self._file.write(self._info())

    def _info(self) -> bytes:
        size = FRAME_BYTES + self._music_bytes
        seek_table = bytes(position * 256 // 100 for position in range(100))
        frame = _HEADER + bytes(_SIDE_INFO_BYTES) + b"Info"
        # All four fields are there: frames, bytes, seek table, quality.
        frame += struct.pack(">3I", 0x0F, self._packets, size) + seek_table + struct.pack(">I", 50)
        frame += b"LAME3.100"
        frame += b"\x01"  # tag revision 0, constant bit rate
        frame += b"\x00" + bytes(8)  # low-pass and replay gain: not stated
        frame += b"\x00" + bytes([min(255, MP3.bit_rate // 1000)])
        frame += (_ENCODER_DELAY << 12 | self._padding).to_bytes(3, "big")
        frame += bytes(4) + struct.pack(">I", size) + bytes(2)
        return (frame + _crc16(frame).to_bytes(2, "big")).ljust(FRAME_BYTES, b"\x00")


def _crc16(data: bytes) -> int:
    """The tag's own checksum: polynomial x^16 + x^15 + x^2 + 1, bits reflected, from 0."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
