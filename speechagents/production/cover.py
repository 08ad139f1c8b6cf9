"""The picture of a programme: the user's, made safe, or one drawn from the title.

Owns limits, decoding and drawing. Does not know where the picture goes.
"""

from __future__ import annotations

import hashlib
import io
import unicodedata
import warnings
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from speechagents.errors import SoundError

if TYPE_CHECKING:
    from PIL import Image as PilImage
    from PIL import ImageFont

SIDE = 1400
"""Pixels: the least that podcast directories and audiobook shops accept."""

MAX_FILE_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
MIN_SIDE = 64
_MAX_SIDE = 3000
_QUALITY = 88
_LEAST_SIZE = 36
_PLAIN = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "ß": "ss", "ø": "o", "Ø": "O"}
    | {"æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "þ": "th"}
    | {"ı": "i", "¿": "", "¡": ""}
)
"""What letters and marks become that do not decompose by themselves, for a font that lacks them."""

_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")


def read_cover(path: Path) -> bytes:
    """The user's picture as a plain JPEG: upright, in RGB, at most 3000 pixels wide, without any metadata.

    Raises:
        SoundError: It is missing, no picture, too large or too small.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_FILE_BYTES else b""
    except OSError as error:
        raise SoundError(f"{path}: cannot be read as a picture ({error}); use JPEG or PNG") from error
    if size > MAX_FILE_BYTES:
        raise SoundError(f"{path}: larger than {MAX_FILE_BYTES // 1_000_000} MB; make the picture smaller")
    return plain_cover(data, str(path))


def plain_cover(data: bytes, name: str) -> bytes:
    """The same for a picture that is no file of its own, such as the one inside a book.

    Args:
        data: The picture.
        name: What it is called in messages.

    Raises:
        SoundError: It is no picture, too large or too small.
    """
    from PIL import Image, ImageOps

    if len(data) > MAX_FILE_BYTES:
        raise SoundError(f"{name}: larger than {MAX_FILE_BYTES // 1_000_000} MB; make the picture smaller")
    try:
        with warnings.catch_warnings():
            # Pillow warns of decompression bombs; the limit below is stricter and looked at before decoding.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                if picture.width * picture.height > MAX_PIXELS or min(picture.size) < MIN_SIDE:
                    raise SoundError(
                        f"{name}: {picture.width} × {picture.height} pixels; use a picture of at least {MIN_SIDE} "
                        f"pixels a side and at most {MAX_PIXELS // 1_000_000} million in all, best {SIDE} × {SIDE}"
                    )
                upright = ImageOps.exif_transpose(picture)
                opaque = _on_white(upright)
    except SoundError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SoundError(f"{name}: cannot be read as a picture ({error}); use JPEG or PNG") from error
    opaque.thumbnail((_MAX_SIDE, _MAX_SIDE))
    return _jpeg(opaque)


def make_cover(title: str, author: str) -> bytes:
    """A picture of `SIDE` × `SIDE` pixels drawn from title and author alone: the same for ever.

    Sound waves run across a gradient whose colours and curves follow from the title; the title stands above them.
    The built-in font knows plain Latin letters: accents are dropped, and a title in another script is left out,
    for fonts differ from machine to machine.
    """
    from PIL import Image, ImageDraw

    digest = hashlib.sha256(title.encode("utf-8", "replace")).digest()
    canvas = Image.fromarray(_waves(digest))
    draw = ImageDraw.Draw(canvas)
    margin = SIDE // 10
    top = margin
    rows, font = _fitted(title, size=150, width=SIDE - 2 * margin, height=SIDE // 2 - margin)
    for row in rows:
        draw.text((margin, top), row, font=font, fill=(255, 255, 255))
        top += round(font.size * 1.2)
    if rows:
        draw.rectangle((margin, top + 24, margin + SIDE // 6, top + 32), fill=(255, 255, 255))
    names, small = _fitted(author, size=64, width=SIDE - 2 * margin, height=80)
    for row in names[:1]:
        draw.text((margin, SIDE - margin - 64), row, font=small, fill=(255, 255, 255))
    return _jpeg(canvas)


def _waves(digest: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A dark gradient with bands of sine waves, shape ``(SIDE, SIDE, 3)``."""
    hue = digest[0] / 256.0
    x, y = np.linspace(0.0, 1.0, SIDE, dtype=np.float32), np.linspace(0.0, 1.0, SIDE, dtype=np.float32)[:, None]
    columns = _colour(hue, 0.16) * (1.0 - y) + _colour(hue + 0.08, 0.34) * y
    picture = np.repeat(columns[:, None, :].astype(np.float32), SIDE, axis=1)
    lit = slice(SIDE // 2, SIDE * 9 // 10)
    for band in range(5):
        frequency = 1.0 + digest[1 + band] / 64.0
        phase = digest[6 + band] / 256.0
        # Each wave swells and fades across the picture like a spoken phrase.
        swell = np.sin(np.pi * x) ** 2 * (0.03 + digest[11 + band] / 2560.0)
        curve = 0.70 + 0.03 * (band - 2) + swell * np.sin(2.0 * np.pi * (frequency * x + phase))
        near = (y[lit] - curve.astype(np.float32)) ** 2
        light = np.exp(near * np.float32(-(0.0035**-2))) + 0.25 * np.exp(near * np.float32(-(0.02**-2)))
        for channel, strength in enumerate(_colour(hue + 0.45 + 0.05 * band, 0.75)):
            picture[lit, :, channel] += light * np.float32(strength)
    return np.asarray(np.clip(picture * 255.0, 0.0, 255.0), np.uint8)


def _colour(hue: float, value: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A muted colour of a hue (0 to 1) and brightness."""
    import colorsys

    return np.array(colorsys.hsv_to_rgb(hue % 1.0, 0.62, value))


def _fitted(text: str, *, size: int, width: int, height: int) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """Rows of a text and the largest font, up to a size, in which they fit."""
    drawn = _drawable(text, _font(size))
    while True:
        font = _font(size)
        rows = _wrapped(drawn, font, width)
        if size <= _LEAST_SIZE:
            return rows[: max(1, height // round(size * 1.2))], font
        if len(rows) * size * 1.2 <= height and all(font.getlength(row) <= width for row in rows):
            return rows, font
        size = max(_LEAST_SIZE, size * 5 // 6)


def _font(size: int) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # noqa: S101 - Pillow's wheels have FreeType
    return font


def _drawable(text: str, font: ImageFont.FreeTypeFont) -> str:
    """Text in letters that the font has: accents are dropped, other scripts give nothing rather than a part."""
    missing = bytes(font.getmask("\U0010fffd"))

    def has(character: str) -> bool:
        return character.isspace() or bytes(font.getmask(character)) != missing

    drawn = ""
    for character in text:
        plain = unicodedata.normalize("NFKD", character.translate(_PLAIN))
        kept = character if has(character) else "".join(c for c in plain if not unicodedata.combining(c) and has(c))
        if not kept and character.isalpha():
            return ""
        drawn += kept
    return " ".join(drawn.split())


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    rows: list[str] = []
    for word in text.split():
        joined = f"{rows[-1]} {word}" if rows else word
        if rows and font.getlength(joined) <= width:
            rows[-1] = joined
            continue
        while font.getlength(word) > width and len(word) > 1:
            # A word wider than the picture is broken where it reaches the edge.
            fits = max(1, bisect_right(range(len(word)), width, key=lambda n: round(font.getlength(word[:n]))) - 1)
            rows.append(word[:fits])
            word = word[fits:]
        rows.append(word)
    return rows


def _on_white(picture: PilImage.Image) -> PilImage.Image:
    """A picture in RGB, what was transparent on white."""
    from PIL import Image

    layered = picture.convert("RGBA")
    canvas = Image.new("RGBA", layered.size, (255, 255, 255, 255))
    return Image.alpha_composite(canvas, layered).convert("RGB")


def _jpeg(picture: PilImage.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=_QUALITY)
    return data.getvalue()
