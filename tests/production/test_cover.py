"""Covers: drawn ones are for ever the same, users' ones are made safe."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from speechagents.errors import SoundError
from speechagents.production.cover import MAX_FILE_BYTES, SIDE, make_cover, read_cover


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    "title",
    [
        "The Bridge",
        "",
        "A very long title that must be wrapped, " * 12,
        "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenfabrik" * 3,
        "橋 المسرح Мост γέφυρα 🎭",
        "\ud800 \u202e \x00",
    ],
)
def test_any_title_gives_a_square_jpeg(title: str) -> None:
    picture = opened(make_cover(title, "An author " * 30))
    assert picture.format == "JPEG"
    assert picture.size == (SIDE, SIDE)
    assert picture.mode == "RGB"


def test_the_same_title_gives_the_same_bytes_and_another_one_another_picture() -> None:
    assert make_cover("A", "B") == make_cover("A", "B")
    one, other = (np.asarray(opened(make_cover(title, "")), float) for title in ("Iceland", "Island"))
    assert np.abs(one - other).mean() > 5.0


def test_the_title_is_drawn() -> None:
    with_title, without = (np.asarray(opened(make_cover(t, a)), float) for t, a in (("Mmmm", ""), ("Mmmm", "Mmmm")))
    assert (with_title[140:300, 140:] > 240).mean() > 0.05
    assert (without[SIDE - 220 : SIDE - 120] > 240).mean() > (with_title[SIDE - 220 : SIDE - 120] > 240).mean()


def test_accents_are_dropped_and_other_scripts_left_out_whole() -> None:
    plain = make_cover("T", "Unal Astrom Strasse")
    assert make_cover("T", "Ünal Åström Straße") == plain
    assert make_cover("T", "Мост Bridge") == make_cover("T", "")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_usual_pictures_become_plain_jpegs(tmp_path: Path, form: str) -> None:
    path = tmp_path / "cover"
    Image.new("RGB", (300, 200), (200, 30, 30)).save(path, form)
    picture = opened(read_cover(path))
    assert (picture.format, picture.size, picture.mode) == ("JPEG", (300, 200), "RGB")
    assert not picture.getexif()


def test_pictures_are_turned_upright_and_made_opaque(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (300, 200)).save(path, exif=exif)
    assert opened(read_cover(path)).size == (200, 300)
    clear = tmp_path / "clear.png"
    Image.new("RGBA", (100, 100), (255, 0, 0, 0)).save(clear)
    assert min(opened(read_cover(clear)).getpixel((50, 50))) > 250  # type: ignore[arg-type]


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("RGB", (6000, 300)).save(path)
    assert opened(read_cover(path)).size == (3000, 150)


def bomb() -> bytes:
    """A PNG that claims 60 000 × 60 000 pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "cannot be read"),
        (bomb(), "60000"),
        (bytes(MAX_FILE_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_picture_or_too_much_of_one_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "cover.png"
    path.write_bytes(data)
    with pytest.raises(SoundError, match=rf"cover\.png.*{message}"):
        read_cover(path)


def test_a_cut_off_picture_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    Image.effect_noise((400, 400), 50).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(SoundError, match=r"cut\.jpg"):
        read_cover(path)
    with pytest.raises(SoundError, match="nowhere"):
        read_cover(tmp_path / "nowhere.png")
    tiny = tmp_path / "tiny.png"
    Image.new("RGB", (10, 10)).save(tiny)
    with pytest.raises(SoundError, match="10 × 10"):
        read_cover(tiny)
