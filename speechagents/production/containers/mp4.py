"""M4B files: AAC with chapters for every kind of player, a cover and tags.

Owns the boxes. Knows nothing of encoding. The index is written before the sound: its size follows from the
number of packets, so room is left and filled in at the end, and nothing is ever moved ("fast start" at no
cost).

Source: ISO/IEC 14496-12 (boxes), 14496-14 (esds), Apple "QuickTime File Format" (text track, chapter reference,
metadata). Nero's ``chpl`` box and the freeform tags are known from players alone.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np

from speechagents.production.codecs import AAC
from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.tags import (
    GENRE,
    SOFTWARE,
    SYNTHETIC_FIELD,
    Chapter,
    Label,
    cast_lines,
    cut_utf8,
)

_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_PACKETS_PER_CHUNK = 64
_CHUNKS_AT_ONCE = 512
_MAX_NERO_CHAPTERS = 255
_AUDIO_TRACK, _TEXT_TRACK = 1, 2
_ENABLED, _IN_MOVIE, _IN_PREVIEW = 1, 2, 4
_BINARY, _UTF8, _JPEG, _INTEGER = 0, 1, 13, 21
_AUDIOBOOK = 2
_LARGE = 1 << 32


class M4bFile:
    """Writes AAC packets at `codecs.AAC`'s settings.

    Args:
        file: Open for writing, seekable.
        frames: Samples of the programme.
        label: Tags, chapters, cover.
    """

    def __init__(self, file: BinaryIO, *, frames: int, label: Label) -> None:
        self._file = file
        self._frames = frames
        self._label = label
        self._packets = AAC.packets_of(frames)
        self._config = bytes(AAC.opened().extradata[:2])
        self._sizes = array("H")
        self._chapter_samples = [_chapter_sample(chapter) for chapter in label.chapters]
        text = b"".join(self._chapter_samples)
        # The sizes are not known yet, but a bound is, and it decides the width of offsets.
        self._wide = len(text) + self._packets * AAC.max_packet >= _LARGE - (1 << 26)
        file.write(_box(b"ftyp", b"M4B " + bytes(4) + b"M4B M4A mp42isom"))
        self._index_at = file.tell()
        self._index_bytes = len(self._index(0))
        self._data_at = file.seek(self._index_at + self._index_bytes)
        file.write(self._data_header(0) + text)

    def write(self, packets: Sequence[bytes]) -> None:
        """Add packets."""
        self._file.write(b"".join(packets))
        self._sizes.extend(map(len, packets))

    def finish(self) -> None:
        """Fill in the index and the size of the data."""
        end = self._file.tell()
        self._file.seek(self._data_at)
        self._file.write(self._data_header(end - self._data_at))
        index = self._index(self._data_at + len(self._data_header(0)))
        if len(index) != self._index_bytes or len(self._sizes) != self._packets:
            raise AssertionError("the index has another size than was left room for")
        self._file.seek(self._index_at)
        for piece in index.pieces():
            self._file.write(piece)

    def _data_header(self, size: int) -> bytes:
        if self._wide:
            return struct.pack(">I4sQ", 1, b"mdat", size)
        return struct.pack(">I4s", size, b"mdat")

    def _index(self, first_offset: int) -> _Boxes:
        text_bytes = sum(map(len, self._chapter_samples))
        last_track = _TEXT_TRACK if self._chapter_samples else _AUDIO_TRACK
        rate_and_volume = struct.pack(">IH", 0x10000, 0x100) + bytes(10)
        header = _times(self._frames, PROGRAMME_HZ) + rate_and_volume + _UNITY + bytes(24)
        return _Boxes(
            b"moov",
            _full_box(b"mvhd", header + struct.pack(">I", last_track + 1), version=1),
            self._audio_track(first_offset + text_bytes),
            self._text_track(first_offset) if self._chapter_samples else b"",
            _box(b"udta", _metadata(self._label, self._gapless()), _nero_chapters(self._label.chapters)),
        )

    def _gapless(self) -> str:
        """The note by which Apple's players drop priming and padding."""
        padding = self._packets * AAC.frame - AAC.delay - self._frames
        return f" 00000000 {AAC.delay:08X} {padding:08X} {self._frames:016X}" + " 00000000" * 8

    def _audio_track(self, first_offset: int) -> _Boxes:
        # The last packet is said to be shorter, for players that do not look at the edit's length.
        coded = AAC.delay + self._frames
        durations = [(self._packets - 1, AAC.frame)] if self._packets > 1 else []
        durations.append((1, coded - (self._packets - 1) * AAC.frame))
        # Play from behind the priming, as long as the programme is: exact to the sample.
        edit = struct.pack(">IQqHH", 1, self._frames, AAC.delay, 1, 0)
        sums = self._chunk_sums()
        starts = np.cumsum(sums) - sums + first_offset
        rest = self._packets % _PACKETS_PER_CHUNK
        runs = [(1, _PACKETS_PER_CHUNK)] if self._packets >= _PACKETS_PER_CHUNK else []
        runs += [(self._packets // _PACKETS_PER_CHUNK + 1, rest)] if rest else []
        largest = max(self._sizes, default=0)
        average = int(sums.sum()) * 8 * PROGRAMME_HZ // coded
        table = _Boxes(
            b"stbl",
            _full_box(b"stsd", struct.pack(">I", 1), _aac_entry(self._config, largest, average)),
            _full_box(b"stts", struct.pack(">I", len(durations)), *(struct.pack(">2I", *d) for d in durations)),
            _full_box(b"stsc", struct.pack(">I", len(runs)), *(struct.pack(">3I", *run, 1) for run in runs)),
            _Boxes(b"stsz", struct.pack(">3I", 0, 0, self._packets), _Sizes(self._sizes, self._packets)),
            self._offsets(starts),
        )
        return _Boxes(
            b"trak",
            _track_header(_AUDIO_TRACK, self._frames, flags=_ENABLED | _IN_MOVIE | _IN_PREVIEW, group=0, volume=0x100),
            _box(b"edts", _full_box(b"elst", edit, version=1)),
            _box(b"tref", _box(b"chap", struct.pack(">I", _TEXT_TRACK))) if self._chapter_samples else b"",
            _Boxes(
                b"mdia",
                _media_header(coded, self._label.tags.language_code),
                _handler(b"soun", "Sound"),
                _Boxes(b"minf", _full_box(b"smhd", bytes(4)), _data_reference(), table),
            ),
        )

    def _chunk_sums(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Bytes of each chunk of the sound; zeros as long as its packets are not there."""
        sums = np.zeros(-(-self._packets // _PACKETS_PER_CHUNK), np.int64)
        step = _PACKETS_PER_CHUNK * _CHUNKS_AT_ONCE
        for first in range(0, len(self._sizes), step):
            some = np.array(self._sizes[first : first + step], np.int64)
            found = np.add.reduceat(some, np.arange(0, len(some), _PACKETS_PER_CHUNK))
            sums[first // _PACKETS_PER_CHUNK :][: len(found)] = found
        return sums

    def _text_track(self, first_offset: int) -> bytes:
        """Chapter titles as a text track, which the audio track refers to."""
        starts = [min(self._frames, round(chapter.start_s * PROGRAMME_HZ)) for chapter in self._label.chapters]
        ends = [*starts[1:], self._frames]
        lengths = [max(1, end - start) for start, end in zip(starts, ends, strict=True)]
        sizes = [len(sample) for sample in self._chapter_samples]
        count = len(sizes)
        table = _box(
            b"stbl",
            _full_box(b"stsd", struct.pack(">I", 1), _text_entry()),
            _full_box(b"stts", struct.pack(">I", count), *(struct.pack(">2I", 1, length) for length in lengths)),
            _full_box(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
            _full_box(b"stsz", struct.pack(f">2I{count}I", 0, count, *sizes)),
            self._offsets(np.array([first_offset])),
        )
        base = _full_box(b"gmin", struct.pack(">H3HhH", 0x40, 0x8000, 0x8000, 0x8000, 0, 0))
        return _box(
            b"trak",
            # In the movie but not enabled: a source of titles, not something to show.
            _track_header(_TEXT_TRACK, sum(lengths), flags=_IN_MOVIE, group=0, volume=0),
            _box(
                b"mdia",
                _media_header(sum(lengths), self._label.tags.language_code),
                _handler(b"text", "Chapters"),
                _box(b"minf", _box(b"gmhd", base, _box(b"text", _UNITY)), _data_reference(), table),
            ),
        )

    def _offsets(self, offsets: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bytes:
        count = struct.pack(">I", len(offsets))
        if self._wide:
            return _full_box(b"co64", count, offsets.astype(">u8").tobytes())
        return _full_box(b"stco", count, offsets.astype(">u4").tobytes())


class _Sizes:
    """Sizes of packets as a table of 32-bit numbers, made piece by piece: a day of sound has four million.

    Args:
        sizes: In order.
        count: How many there will be.
    """

    def __init__(self, sizes: array[int], count: int) -> None:
        self._sizes = sizes
        self._count = count

    def __len__(self) -> int:
        return 4 * self._count

    def pieces(self) -> Iterator[bytes]:
        step = _PACKETS_PER_CHUNK * _CHUNKS_AT_ONCE
        for first in range(0, self._count, step):
            yield np.array(self._sizes[first : first + step], ">u4").tobytes()


class _Boxes:
    """A box that is never held in one piece."""

    def __init__(self, kind: bytes, *parts: bytes | _Boxes | _Sizes) -> None:
        self._kind = kind
        self._parts = parts

    def __len__(self) -> int:
        return 8 + sum(map(len, self._parts))

    def pieces(self) -> Iterator[bytes]:
        yield struct.pack(">I4s", len(self), self._kind)
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                yield from part.pieces()


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)


def _full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _times(duration: int, timescale: int) -> bytes:
    """Creation and change at no date, time scale and duration, of version 1 boxes."""
    return struct.pack(">QQIQ", 0, 0, timescale, duration)


def _track_header(number: int, duration: int, *, flags: int, group: int, volume: int) -> bytes:
    body = struct.pack(">QQIIQ", 0, 0, number, 0, duration) + bytes(8)
    body += struct.pack(">hHHH", 0, group, volume, 0) + _UNITY + bytes(8)
    return _full_box(b"tkhd", body, version=1, flags=flags)


def _media_header(duration: int, language: str) -> bytes:
    packed = 0
    for letter in language:
        packed = packed << 5 | (ord(letter) - 0x60)
    return _full_box(b"mdhd", _times(duration, PROGRAMME_HZ) + struct.pack(">HH", packed, 0), version=1)


def _handler(kind: bytes, name: str) -> bytes:
    return _full_box(b"hdlr", bytes(4) + kind + bytes(12) + name.encode("ascii") + b"\x00")


def _data_reference() -> bytes:
    """The data is in this file."""
    return _box(b"dinf", _full_box(b"dref", struct.pack(">I", 1), _full_box(b"url ", flags=1)))


def _aac_entry(config: bytes, largest: int, average: int) -> bytes:
    def descriptor(tag: int, body: bytes) -> bytes:
        return bytes([tag, len(body)]) + body

    decoder = struct.pack(">BB", 0x40, 0x15) + largest.to_bytes(3, "big")
    decoder += struct.pack(">II", AAC.max_packet * 8 * PROGRAMME_HZ // AAC.frame, average) + descriptor(5, config)
    stream = struct.pack(">HB", 0, 0) + descriptor(4, decoder) + descriptor(6, b"\x02")
    sound = bytes(8) + struct.pack(">HHHHI", 2, 16, 0, 0, PROGRAMME_HZ << 16)
    return _box(b"mp4a", bytes(6) + struct.pack(">H", 1) + sound, _full_box(b"esds", descriptor(3, stream)))


def _text_entry() -> bytes:
    """QuickTime's text sample description with everything at its default."""
    flags_and_place, colours_and_box, font = bytes(8), bytes(14), bytes(22)
    return _box(b"text", bytes(6) + struct.pack(">H", 1) + flags_and_place + colours_and_box + font)


def _chapter_sample(chapter: Chapter) -> bytes:
    title = cut_utf8(chapter.title, 0xFFFF)
    return struct.pack(">H", len(title)) + title + _box(b"encd", struct.pack(">I", 0x100))


def _nero_chapters(chapters: Sequence[Chapter]) -> bytes:
    """The box that older players read: at most 255 chapters, titles of at most 255 bytes."""
    if not chapters:
        return b""
    listed = chapters[:_MAX_NERO_CHAPTERS]
    body = bytes(4) + bytes([len(listed)])
    for chapter in listed:
        title = cut_utf8(chapter.title, 255)
        body += struct.pack(">QB", round(chapter.start_s * 10_000_000), len(title)) + title
    return _full_box(b"chpl", body, version=1)


def _metadata(label: Label, gapless: str) -> bytes:
    tags = label.tags
    texts = (
        (b"\xa9nam", tags.title),
        (b"\xa9alb", tags.whole),
        (b"\xa9ART", tags.author),
        (b"aART", tags.author),
        # Players of audiobooks show the composer as the narrator; some know an atom for it.
        (b"\xa9wrt", tags.narrator or tags.author),
        (b"\xa9nrt", tags.narrator),
        (b"\xa9gen", GENRE),
        (b"\xa9day", tags.date),
        (b"\xa9cmt", tags.full_comment),
        (b"\xa9too", SOFTWARE),
    )
    own = (
        (SYNTHETIC_FIELD, tags.synthetic),
        ("CAST", cast_lines(tags.cast)),
        ("LANGUAGE", tags.language),
        ("iTunSMPB", gapless),
    )
    items = [_box(name, _value(_UTF8, text.encode("utf-8", "replace"))) for name, text in texts if text]
    items += [_box(b"stik", _value(_INTEGER, bytes([_AUDIOBOOK]))), _box(b"pgap", _value(_INTEGER, b"\x01"))]
    if tags.track:
        items.append(
            _box(b"trkn", _value(_BINARY, struct.pack(">4H", 0, min(tags.track, 0xFFFF), min(tags.tracks, 0xFFFF), 0)))
        )
    if label.cover:
        items.append(_box(b"covr", _value(_JPEG, label.cover)))
    for name, text in own:
        if text:
            mean = _full_box(b"mean", b"com.apple.iTunes")
            title = _full_box(b"name", name.encode("ascii"))
            items.append(_box(b"----", mean, title, _value(_UTF8, text.encode("utf-8", "replace"))))
    handler = _full_box(b"hdlr", bytes(4) + b"mdirappl" + bytes(9))
    return _full_box(b"meta", handler, _box(b"ilst", *items))


def _value(kind: int, data: bytes) -> bytes:
    return _box(b"data", struct.pack(">II", kind, 0) + data)
