"""ID3 version 2.4 tags, as in MP3 and WAV files.

Owns the frames. Knows nothing of sound. Source: id3.org, "ID3 tag version 2.4.0" (structure, native frames) and
"ID3v2 Chapter Frame Addendum 1.0".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from speechagents.production.tags import GENRE, SOFTWARE, SYNTHETIC_FIELD, Chapter, Label, cast_lines

_UTF8 = b"\x03"
_FRONT_COVER = b"\x03"
_NO_OFFSET = 0xFFFFFFFF
_TOP_LEVEL, _ORDERED = 2, 1
_MAX_CHILDREN = 255


def id3_tag(label: Label) -> bytes:
    """A whole tag.

    Chapters become ``CHAP`` frames under a table of contents (``CTOC``), which the standard limits to 255 entries:
    longer lists become a table of tables.
    """
    tags = label.tags
    frames = [_text("TIT2", tags.title), _text("TALB", tags.whole), _text("TCON", GENRE), _text("TSSE", SOFTWARE)]
    if tags.author:
        frames += [_text("TPE1", tags.author), _text("TPE2", tags.author)]
    if tags.narrator or tags.author:
        # Players of audiobooks show the composer as the narrator.
        frames.append(_text("TCOM", tags.narrator or tags.author))
    if tags.track:
        frames.append(_text("TRCK", f"{tags.track}/{tags.tracks}" if tags.tracks else str(tags.track)))
    if tags.date:
        frames.append(_text("TDRC", tags.date))
    frames.append(_text("TLAN", tags.language_code))
    if tags.full_comment:
        language = tags.language_code.encode("ascii")
        frames.append(_frame("COMM", _UTF8 + language + b"\x00" + _bytes(tags.full_comment)))
    if tags.synthetic:
        frames.append(_own_text(SYNTHETIC_FIELD, tags.synthetic))
    if tags.narrator:
        frames.append(_own_text("NARRATOR", tags.narrator))
    if tags.cast:
        frames.append(_own_text("CAST", cast_lines(tags.cast)))
        # Credits are a list of parts and people, each after a zero.
        frames.append(_frame("TMCL", _UTF8 + b"\x00".join(_bytes(text) for pair in tags.cast for text in pair)))
    frames += _chapters(label.chapters)
    if label.cover:
        frames.append(_frame("APIC", _UTF8 + b"image/jpeg\x00" + _FRONT_COVER + b"\x00" + label.cover))
    body = b"".join(frames)
    return b"ID3\x04\x00\x00" + _syncsafe(len(body)) + body


def _chapters(chapters: tuple[Chapter, ...]) -> Iterator[bytes]:
    names = [f"ch{number}" for number in range(len(chapters))]
    if len(names) <= _MAX_CHILDREN:
        if names:
            yield _contents("toc", names, _TOP_LEVEL | _ORDERED)
    else:
        groups = [names[at : at + _MAX_CHILDREN] for at in range(0, len(names), _MAX_CHILDREN)][:_MAX_CHILDREN]
        tables = [f"toc{number}" for number in range(len(groups))]
        yield _contents("toc", tables, _TOP_LEVEL | _ORDERED)
        for table, group in zip(tables, groups, strict=True):
            yield _contents(table, group, _ORDERED)
    for name, chapter in zip(names, chapters, strict=True):
        start, end = (min(_NO_OFFSET - 1, round(time * 1000)) for time in (chapter.start_s, chapter.end_s))
        times = struct.pack(">4I", start, end, _NO_OFFSET, _NO_OFFSET)
        yield _frame("CHAP", name.encode("ascii") + b"\x00" + times + _text("TIT2", chapter.title))


def _contents(name: str, children: list[str], flags: int) -> bytes:
    body = name.encode("ascii") + b"\x00" + bytes([flags, len(children)])
    return _frame("CTOC", body + b"".join(child.encode("ascii") + b"\x00" for child in children))


def _text(name: str, text: str) -> bytes:
    return _frame(name, _UTF8 + _bytes(text))


def _own_text(field: str, text: str) -> bytes:
    return _frame("TXXX", _UTF8 + field.encode("ascii") + b"\x00" + _bytes(text))


def _frame(name: str, body: bytes) -> bytes:
    return name.encode("ascii") + _syncsafe(len(body)) + b"\x00\x00" + body


def _bytes(text: str) -> bytes:
    """UTF-8 without the terminator that would end a field early."""
    return text.replace("\x00", "").encode("utf-8", "replace")


def _syncsafe(number: int) -> bytes:
    """28 bits in four bytes whose top bits are 0."""
    if number >= 1 << 28:
        raise ValueError("an ID3 tag is limited to 256 MB")
    return bytes((number >> shift) & 0x7F for shift in (21, 14, 7, 0))
