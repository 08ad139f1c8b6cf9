"""Which addresses a production can be kept at, and that a password is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.cluster.store_address import folder_here, is_store, parse_address
from speechagents.errors import SettingsError


@pytest.mark.parametrize(
    "out",
    [
        "s3://bucket/plays/mine",
        "gs://bucket/plays/mine/",
        "az://container/plays",
        "abfs://container@account.dfs.core.windows.net/plays",
        "sftp://me@host:2222/home/me/plays",
        "memory://plays/mine",
        "file:///tmp/plays",
        "https://example.org/plays",
    ],
)
def test_an_address_is_no_path(out: str) -> None:
    assert is_store(out)


@pytest.mark.parametrize("out", ["plays/mine", "/srv/plays", "C:/plays", "C:\\plays", "/s3:/bucket", "a:b", "", "://x"])
def test_a_path_is_no_address(out: str) -> None:
    assert not is_store(out)
    assert not is_store(Path(out))
    assert folder_here(out, instead="") == Path(out)


@pytest.mark.parametrize(
    "out", ["s3:/bucket/plays", Path("s3:/bucket/plays"), Path("s3://bucket/plays"), Path("S3:///bucket")], ids=repr
)
def test_what_was_an_address_once_is_no_folder_that_somebody_could_find(out: str | Path) -> None:
    with pytest.raises(SettingsError, match=r"(?i)s3://… is one in a store, as a string and not as a Path") as told:
        is_store(out)
    assert "bucket" not in str(told.value), "it may hold a password"


@pytest.mark.parametrize("out", ["s3://bucket/runs", Path("s3://bucket/runs"), "sftp://me:secret@host/runs"], ids=repr)
def test_what_is_done_on_this_machine_alone_refuses_addresses_with_the_remedy(out: str | Path) -> None:
    with pytest.raises(SettingsError, match=r"^s(3|ftp)://… is an address in a store, .*; copy it there$") as told:
        folder_here(out, instead="copy it there")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("out", "shown"),
    [
        ("s3://bucket/plays/mine/", "s3://bucket/plays/mine"),
        ("S3://bucket/plays", "s3://bucket/plays"),
        ("memory://plays", "memory://plays"),
        ("sftp://me:secret@host:22/plays", "sftp://me@host:22/plays"),
        ("ftp://:secret@host/plays", "ftp://host/plays"),
        ("ftp://me:s%40cret@host/plays", "ftp://me@host/plays"),
    ],
)
def test_it_is_shown_without_its_password(out: str, shown: str) -> None:
    address = parse_address(out)
    assert address.shown == shown
    assert "secret" not in repr(address)
    assert "cret" not in repr(address)


def test_a_password_is_hidden_as_it_is_written_and_as_it_is_meant() -> None:
    assert parse_address("ftp://me:s%40cret@host/plays").hidden == ("s%40cret", "s@cret")


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("http://example.org/plays", "can only be read"),
        ("https://me:secret@example.org/plays", "can only be read"),
        ("zip://plays.zip/mine", "no store that productions"),
        ("simplecache://s3/mine", "no store that productions"),
        ("filecache::s3://bucket/plays", "no address"),
        ("hf://datasets/me/plays/mine", "no store that productions"),
        ("s3://bucket/plays::zip", "no store that productions"),
        ("s3://bucket", "a whole bucket"),
        ("s3://bucket/", "a whole bucket"),
        ("s3://key:secret@bucket/plays", "no credentials"),
        ("sftp://host", "names no folder"),
        ("file://", "no address"),
        ("memory:///", "no address"),
        ("s3://bucket/plays/../mine", "names no folder"),
        ("s3://bucket//mine", "names no folder"),
        ("file:///tmp/./plays", "names no folder"),
        ("s3://bucket/plays?versionId=1", "take for something else"),
        ("s3://bucket/plays*", "take for something else"),
        ("s3://bucket/pl\nays", "take for something else"),
        ("sftp://me:sec/ret@host/plays", "write it as %2F"),
        ("s3://bucket/" + "a" * 2_000, "no address"),
    ],
)
def test_what_no_production_can_be_kept_at_is_refused(out: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        parse_address(out)
    assert "secret" not in str(caught.value)
    assert "sec/ret" not in str(caught.value)
