"""Vorbis comments, as in Ogg Opus and FLAC files.

Owns the fields. Knows nothing of pages or blocks. Source: xiph.org, "Ogg Vorbis I format specification: comment
field and header specification"; "Chapter extension" (CHAPTERxxx); RFC 9639 section 8.8 (pictures).
"""

from __future__ import annotations

import base64
import struct

from speechagents.production.tags import GENRE, SOFTWARE, SYNTHETIC_FIELD, Label, clock

_MAX_CHAPTERS = 999
_FRONT_COVER = 3


def comments(label: Label, *, with_picture: bool) -> bytes:
    """The comment block: vendor and fields, without any framing.

    The chapter fields count with three digits: chapters past the 999th are not listed.

    Args:
        label: What to say.
        with_picture: Hold the cover too (Ogg); FLAC has a block of its own for it.
    """
    tags = label.tags
    fields = [("TITLE", tags.title), ("ALBUM", tags.whole), ("GENRE", GENRE), ("LANGUAGE", tags.language)]
    fields += [
        (name, value)
        for name, value in (
            ("ARTIST", tags.author),
            ("DATE", tags.date),
            ("COMMENT", tags.full_comment),
            ("DESCRIPTION", tags.full_comment),
            (SYNTHETIC_FIELD, tags.synthetic),
            ("NARRATOR", tags.narrator),
            ("COMPOSER", tags.narrator),
            ("TRACKNUMBER", str(tags.track or "")),
            ("TRACKTOTAL", str(tags.tracks or "")),
        )
        if value
    ]
    fields += [("PERFORMER", f"{voice} ({role})") for role, voice in tags.cast]
    for number, chapter in enumerate(label.chapters[:_MAX_CHAPTERS], 1):
        fields += [(f"CHAPTER{number:03d}", clock(chapter.start_s)), (f"CHAPTER{number:03d}NAME", chapter.title)]
    if with_picture and label.cover:
        fields.append(("METADATA_BLOCK_PICTURE", base64.b64encode(picture(label.cover)).decode("ascii")))
    block = _counted(SOFTWARE) + struct.pack("<I", len(fields))
    return block + b"".join(_counted(f"{name}={value}") for name, value in fields)


def picture(jpeg: bytes) -> bytes:
    """The body of a FLAC picture block. Size and depth are 0, which means: see the picture."""
    mime = b"image/jpeg"
    return struct.pack(">2I", _FRONT_COVER, len(mime)) + mime + struct.pack(">6I", 0, 0, 0, 0, 0, len(jpeg)) + jpeg


def _counted(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return struct.pack("<I", len(data)) + data
