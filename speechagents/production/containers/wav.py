"""WAV files, RF64 where 4 GB are not enough.

Owns the chunks: format, sound, texts, markers at the chapters and an ID3 tag. Knows nothing of encoding.
Source: EBU Tech 3306 (RF64), Microsoft "Multimedia Programming Interface and Data Specifications 1.0" (RIFF,
LIST, cue).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from speechagents.production.containers.id3 import id3_tag
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.tags import SOFTWARE, Label

RIFF_LIMIT = 0xFFFFFFFF
"""Sizes in a plain RIFF file have 32 bits."""

_UNKNOWN = 0xFFFFFFFF
_CHANNELS = 2
_DS64_BYTES = 8 + 28


class WavFile:
    """Writes whole-number samples.

    Args:
        file: Open for writing.
        frames: Frames of the programme.
        bits: 16 or 24.
        label: Tags, chapters, cover.
    """

    def __init__(self, file: BinaryIO, *, frames: int, bits: int, label: Label) -> None:
        self._file = file
        frame_bytes = _CHANNELS * bits // 8
        data_bytes = frames * frame_bytes
        # An even number of bytes a frame: the data chunk never needs padding.
        layout = struct.pack("<HHIIHH", 1, _CHANNELS, PROGRAMME_HZ, PROGRAMME_HZ * frame_bytes, frame_bytes, bits)
        chunks = _chunk(b"fmt ", layout) + _texts(label) + _markers(label, frames)
        # Chapters are markers already; players that read both would list them twice.
        chunks += _chunk(b"id3 ", id3_tag(replace(label, chapters=())))
        riff_bytes = 4 + len(chunks) + 8 + data_bytes
        if riff_bytes <= RIFF_LIMIT:
            file.write(b"RIFF" + struct.pack("<I", riff_bytes) + b"WAVE" + chunks)
            file.write(b"data" + struct.pack("<I", data_bytes))
        else:
            sizes = struct.pack("<QQQI", riff_bytes + _DS64_BYTES, data_bytes, frames, 0)
            file.write(b"RF64" + struct.pack("<I", _UNKNOWN) + b"WAVE" + _chunk(b"ds64", sizes) + chunks)
            file.write(b"data" + struct.pack("<I", _UNKNOWN))

    def write(self, packets: Sequence[bytes]) -> None:
        """Add sound."""
        for packet in packets:
            self._file.write(packet)

    def finish(self) -> None:
        """Nothing is left to do: all sizes were known beforehand."""


def _texts(label: Label) -> bytes:
    """A LIST chunk of type INFO."""
    tags = label.tags
    fields = (
        (b"INAM", tags.title),
        (b"IART", tags.author),
        (b"IPRD", tags.album),
        (b"ITRK", str(tags.track or "")),
        (b"ICMT", tags.full_comment),
        (b"ICRD", tags.date),
        (b"ISFT", SOFTWARE),
    )
    body = b"".join(_chunk(name, text.encode("utf-8", "replace") + b"\x00") for name, text in fields if text)
    return _chunk(b"LIST", b"INFO" + body)


def _markers(label: Label, frames: int) -> bytes:
    """Cue points with names, which editors show as markers."""
    if not label.chapters:
        return b""
    points, names = b"", b""
    for number, chapter in enumerate(label.chapters, 1):
        at = min(frames, round(chapter.start_s * PROGRAMME_HZ), _UNKNOWN)
        points += struct.pack("<II4sIII", number, at, b"data", 0, 0, at)
        names += _chunk(b"labl", struct.pack("<I", number) + chapter.title.encode("utf-8", "replace") + b"\x00")
    cue = _chunk(b"cue ", struct.pack("<I", len(label.chapters)) + points)
    return cue + _chunk(b"LIST", b"adtl" + names)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)
