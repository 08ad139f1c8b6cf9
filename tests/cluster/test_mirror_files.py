"""Which names are mirrored, and the list of digests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.cluster.mirror_files import (
    FOLDERS,
    Kind,
    Known,
    begins_with,
    kind_of,
    known_of,
    local_files,
    manifest_bytes,
    manifest_of,
)

TAKE = f"takes/{'a' * 64}.flac"
CHAPTER = f"chapters/{'b' * 40}"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (TAKE, Kind.TAKE),
        (f"{CHAPTER}.mp3", Kind.SOUND),
        (f"{CHAPTER}.24.wav", Kind.SOUND),
        (f"{CHAPTER}.json", Kind.NOTE),
        (f"{CHAPTER}.mp3.json", Kind.NOTE),
        (f"{CHAPTER}.24.wav.json", Kind.NOTE),
        ("production.json", Kind.FILE),
        ("stream.jsonl", Kind.FILE),
        ("cast.yaml", Kind.FILE),
        ("characters.csv", Kind.FILE),
        ("lexicon.pls", Kind.FILE),
        ("cover", Kind.FILE),
        ("exports/programme.24.wav", Kind.EXPORT),
        ("exports/stems/stem-001.flac", Kind.EXPORT),
    ],
)
def test_files_of_a_production_are_known_by_their_names(name: str, kind: Kind) -> None:
    assert kind_of(name) is kind


@pytest.mark.parametrize(
    "name",
    [
        "mirror.json",
        "mirror.lock",
        ".lock",
        "notes.txt",
        "work/chapter-00001.f32",
        "exports/.programme.mp3.123-1-0.part",
        "exports/programme.part",
        f"takes/.{'a' * 64}.flac.1-2-3.part",
        f"takes/{'A' * 64}.flac",
        f"takes/{'a' * 63}.flac",
        f"takes/x/{'a' * 64}.flac",
        f"{CHAPTER}",
        f"{CHAPTER}.mp3.json.exe.json.x",
        "exports/../production.json",
        "exports/a/../../cast.yaml",
        "../cast.yaml",
        "/etc/cast.yaml",
        "cast.yaml/",
        "exports//programme.mp3",
        "exports\\..\\cast.yaml",
        "exports/a/b/c/d.mp3",
        "exports/con:trol",
        "exports/new\nline",
        "cast.yaml\n",
        "exports/" + "a" * 300,
        "",
    ],
)
def test_nothing_else_is_mirrored(name: str) -> None:
    assert kind_of(name) is None


@given(st.one_of(st.text(max_size=40), st.from_regex(r"(takes|chapters|exports|work)/[./\\a-z~]{0,20}\Z")))
def test_no_name_that_is_mirrored_leads_out_of_the_folder(name: str) -> None:
    if kind_of(name) is None:
        return
    path = PurePosixPath(name)
    assert not path.is_absolute()
    assert not any(part in ("..", ".") or part.startswith(".") for part in path.parts)
    assert name.isascii()
    assert "\\" not in name
    assert path.parts[0] in FOLDERS or len(path.parts) == 1


def test_local_files_are_listed_without_work_parts_locks_and_links(tmp_path: Path) -> None:
    mirrored = {TAKE, "cast.yaml", "production.json", "exports/programme.mp3", "exports/stems/stem-001.flac"}
    mirrored |= {f"{CHAPTER}.mp3", f"{CHAPTER}.json"}
    others = {".lock", "work/scene.f32", "exports/.programme.mp3.1-2-3.part", "takes/.x.flac.part", "notes.txt"}
    for name in mirrored | others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "takes" / f"{'c' * 64}.flac").symlink_to("/etc/passwd")
    (tmp_path / "book.json").symlink_to("/etc/passwd")
    (tmp_path / "exports" / "elsewhere").symlink_to("/etc")
    listed = {name for folder in ("", *FOLDERS) for name, _ in local_files(tmp_path, folder)}
    assert listed == mirrored
    assert list(local_files(tmp_path / "nowhere")) == []


def test_a_list_of_digests_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "cast.yaml").write_bytes(b"roles: []\n")
    known = known_of(tmp_path / "cast.yaml")
    assert known == Known(10, hashlib.sha256(b"roles: []\n").hexdigest())
    files = {"exports/programme.mp3": Known(0, "0" * 64), "cast.yaml": known}
    assert manifest_of(manifest_bytes(files)) == files
    assert manifest_bytes(files) == manifest_bytes(dict(reversed(files.items())))


def test_what_is_damaged_in_a_list_is_left_out() -> None:
    good = {"cast.yaml": [1, "0" * 64]}
    bad = {
        "../cast.yaml": [1, "0" * 64],
        TAKE: [1, "0" * 64],
        "a.json": [1],
        "b.json": [-1, "0" * 64],
        "c.json": [1, "0" * 63],
        "d.json": None,
        "e.json": ["x", "0" * 64],
    }
    assert set(manifest_of(json.dumps({"format": 1, "files": good | bad}).encode())) == {"cast.yaml"}


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'{"format": 2, "files": {}}', b'{"format": 1}', b"\xff", b"[" * 9_999]
)
def test_a_list_that_cannot_be_read_is_an_empty_one(data: bytes) -> None:
    assert manifest_of(data) == {}


def test_the_beginning_of_a_file_is_told_from_another_one(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"abcdef")
    for beginning, is_one in ((b"", True), (b"abc", True), (b"abcdef", True), (b"abd", False), (b"abcdefg", False)):
        two.write_bytes(beginning)
        assert begins_with(one, two) is is_one
