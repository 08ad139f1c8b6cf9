"""FLAC files.

Owns the metadata blocks; FFmpeg's encoder makes the frames. It is ten times as fast as any lossy one, so it
works in the thread that writes. Source: RFC 9639.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from speechagents.production.containers.vorbis import comments, picture
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.tags import Label

_STREAMINFO, _VORBIS_COMMENT, _PICTURE = 0, 4, 6
_LAST_BLOCK = 0x80
_STREAMINFO_BYTES = 34


class FlacFile:
    """Writes 16-bit stereo.

    Args:
        file: Open for writing, seekable.
        frames: Frames of the programme.
        label: Tags, chapters, cover.
    """

    def __init__(self, file: BinaryIO, *, frames: int, label: Label) -> None:
        self._file = file
        self._frames = frames
        self._encoder = _flac_encoder()
        self._checksum = hashlib.md5(usedforsecurity=False)
        file.write(b"fLaC" + _block(_STREAMINFO, bytes(_STREAMINFO_BYTES)))
        pictures = [(_PICTURE, picture(label.cover))] if label.cover else []
        blocks = [(_VORBIS_COMMENT, comments(label, with_picture=False)), *pictures]
        file.write(b"".join(_block(kind, body) for kind, body in blocks[:-1]))
        kind, body = blocks[-1]
        file.write(_block(kind | _LAST_BLOCK, body))

    def write(self, packets: Sequence[bytes]) -> None:
        """Add sound as little-endian 16-bit samples."""
        import av

        for packet in packets:
            self._checksum.update(packet)
            samples = np.frombuffer(packet, "<i2").reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
            frame.sample_rate = PROGRAMME_HZ
            self._put(self._encoder.encode(frame))

    def finish(self) -> None:
        """Write the last frames, then what is known now: extremes of the frame sizes and the checksum."""
        self._put(self._encoder.encode(None))
        info = bytearray(self._encoder.extradata[:_STREAMINFO_BYTES])
        # The last 36 bits before the checksum count the samples.
        counted = int.from_bytes(info[13:18], "big") & ~((1 << 36) - 1) | self._frames
        info[13:18] = counted.to_bytes(5, "big")
        info[18:] = self._checksum.digest()
        self._file.seek(4)
        self._file.write(_block(_STREAMINFO, bytes(info)))

    def _put(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            self._file.write(bytes(packet))


def _block(kind: int, body: bytes) -> bytes:
    if len(body) >= 1 << 24:
        raise ValueError("a FLAC metadata block is limited to 16 MB")
    return struct.pack(">I", kind << 24 | len(body)) + body


def _flac_encoder() -> Any:
    import av

    context = av.CodecContext.create("flac", "w")
    context.sample_rate = PROGRAMME_HZ
    context.layout = "stereo"
    context.format = "s16"
    context.time_base = Fraction(1, PROGRAMME_HZ)
    context.options = {"flags": "+bitexact"}
    context.open()
    return context
