"""Archives of strangers: what would hurt is refused, and nothing is ever written."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from speechagents.books.archive import MAX_ENTRIES, Archive
from speechagents.errors import ScriptError


def packed(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_an_entry_is_found_escaped_and_in_the_wrong_case(tmp_path: Path) -> None:
    with Archive(packed(tmp_path / "a.zip", {"OEBPS/One Page.xhtml": b"x"}), "EPUB") as archive:
        for name in (
            "OEBPS/One Page.xhtml",
            "OEBPS/One%20Page.xhtml",
            "oebps/one page.XHTML",
            "OEBPS/./a/../One Page.xhtml",
        ):
            assert archive.find(name) == "OEBPS/One Page.xhtml"
        assert archive.read("OEBPS/One%20Page.xhtml") == b"x"
        assert archive.find("gone") is None
        with pytest.raises(ScriptError, match=r"“gone” is missing"):
            archive.read("gone")


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "C:/evil", "..\\evil"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScriptError, match=r"a\.zip: .*leads out of the archive"):
        Archive(packed(tmp_path / "a.zip", {name: b"x"}), "EPUB")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    with (
        Archive(packed(tmp_path / "a.zip", {"bomb": b"\0" * 300_000_000}), "EPUB") as archive,
        pytest.raises(ScriptError, match=r"unpacks to more than any book needs \(over \d+ MB from 0\.3 MB\)"),
    ):
        archive.read("bomb")


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"bomb": b"\0" * 30_000_000})
    data = path.read_bytes()
    path.write_bytes(data.replace((30_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with Archive(path, "EPUB") as archive, pytest.raises(ScriptError, match=r"damaged|unpacks to more"):
        archive.read("bomb")


def test_many_entries_together_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speechagents.books.archive.MAX_TOTAL_BYTES", 2_000)
    path = packed(tmp_path / "a.zip", {"one": b"a" * 1_500, "two": b"b" * 1_500}, zipfile.ZIP_STORED)
    with Archive(path, "EPUB") as archive:
        archive.read("one")
        with pytest.raises(ScriptError, match="unpacks to more than any book needs"):
            archive.read("two")


def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=f"at most {MAX_ENTRIES}"):
        Archive(packed(tmp_path / "a.zip", {str(n): b"" for n in range(MAX_ENTRIES + 1)}), "EPUB")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("page", "one")
        archive.writestr("page", "two")
    with pytest.raises(ScriptError, match="two files in it are called “page”"):
        Archive(tmp_path / "a.zip", "EPUB")


def test_a_password_is_named(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"page": b"x"}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + place] |= 1
    path.write_bytes(data)
    with Archive(path, "EPUB") as archive, pytest.raises(ScriptError, match="encrypted with a password"):
        archive.read("page")


def test_damage_is_named_with_its_entry(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", {"page": b"hello hello hello"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"hello hello", b"jello jello"))
    with Archive(path, "EPUB") as archive, pytest.raises(ScriptError, match=r"“page” in it is damaged .*download"):
        archive.read("page")


def test_a_method_that_books_do_not_use_is_refused(tmp_path: Path) -> None:
    with (
        Archive(packed(tmp_path / "a.zip", {"page": b"x" * 99}, zipfile.ZIP_LZMA), "EPUB") as archive,
        pytest.raises(ScriptError, match="a method that books do not use"),
    ):
        archive.read("page")


@pytest.mark.parametrize("cut", [10, 60])
def test_half_an_archive_is_refused(tmp_path: Path, cut: int) -> None:
    path = packed(tmp_path / "a.zip", {"page": b"x" * 99})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ScriptError, match=r"a\.zip: a broken EPUB .*export it again"):
        Archive(path, "EPUB")
