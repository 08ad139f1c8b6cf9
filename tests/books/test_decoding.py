"""Encodings: told where they can be, guessed with a warning where not, never silently wrong."""

from __future__ import annotations

import codecs

import pytest

from speechagents.books.decoding import decode
from speechagents.errors import ScriptError

FRENCH = "« Où est l’été ? » demanda Zoé, à l’hôtel — déjà vu… Elle était là, près du café, et ça l’amusait."
ENGLISH = "“It’s a naïve façade,” she said — “isn’t it?” He didn’t think so; “No,” he said, “it’s a café.”"
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему."


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE])
def test_marked_texts_are_read_and_keep_their_mark(mark: bytes) -> None:
    encoding = {2: "utf-16", 4: "utf-32"}[len(mark)] + ("-le" if mark[0] == 0xFF else "-be")
    assert decode(mark + FRENCH.encode(encoding), "a.txt") == ("\ufeff" + FRENCH, "")


def test_utf_8_needs_no_mark_and_keeps_one() -> None:
    assert decode(FRENCH.encode(), "a.txt") == (FRENCH, "")
    assert decode(b"\xef\xbb\xbf" + FRENCH.encode(), "a.txt") == ("\ufeff" + FRENCH, "")


@pytest.mark.parametrize(
    ("text", "encoding", "name"),
    [
        (FRENCH, "cp1252", "WINDOWS-1252"),
        (ENGLISH, "cp1252", "WINDOWS-1252"),
        (ENGLISH, "mac-roman", "MAC-ROMAN"),
        (RUSSIAN, "cp1251", "WINDOWS-1251"),
        (RUSSIAN, "koi8-r", "KOI8-R"),
    ],
)
def test_a_guess_is_right_and_said(text: str, encoding: str, name: str) -> None:
    decoded, warning = decode(b"\n" + text.encode(encoding), "a.txt")
    assert decoded == "\n" + text
    assert f"not UTF-8 (line 2): read as {name}" in warning


def test_what_a_document_declares_counts() -> None:
    page = '<?xml version="1.0" encoding="ISO-8859-2"?><p>Zażółć</p>'
    assert decode(page.encode("iso-8859-2"), "a")[0] == page
    html = '<meta charset="windows-1251"><p>Все</p>'
    assert decode(html.encode("cp1251"), "a")[0] == html


def test_a_wrong_declaration_does_not_spoil_a_text() -> None:
    page = '<?xml version="1.0" encoding="iso-8859-1"?><p>Zoë</p>'
    assert decode(page.encode(), "a")[0] == page
    assert decode(b'<meta charset="hex"><p>Zo\xc3\xab</p>', "a")[0].endswith("Zoë</p>")


def test_utf_16_without_its_mark_is_told() -> None:
    decoded, warning = decode(
        ENGLISH.replace("“", '"').replace("”", '"').replace("’", "'").replace("—", "-").encode("utf-16-le"), "a"
    )
    assert decoded.startswith("\"It's")
    assert "byte order mark is missing" in warning


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (bytes(range(256)) * 4, "binary data"),
        (b"\xff\xfeab\x00\xd8", "broken UTF-16"),
        (
            b"Once upon a time there was " + bytes(range(0x81, 0xA0)) * 3 + b" and they lived happily ever after.",
            "cannot be told",
        ),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        decode(data, "a.txt")
