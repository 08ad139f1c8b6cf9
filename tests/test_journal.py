"""A journal keeps what it says it keeps, whatever kills the process."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speechagents.errors import ProductionError, StorageError
from speechagents.journal import MAX_ENTRY_BYTES, Journal

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "journal.jsonl"


@given(st.lists(st.dictionaries(st.text(), PLAIN), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_what_is_appended_is_found_again_one_entry_a_line(path: Path, entries: list[dict[str, object]]) -> None:
    path.unlink(missing_ok=True)
    with Journal(path) as journal:
        for entry in entries:
            journal.append(entry)
    with Journal(path) as journal:
        assert list(journal.entries()) == entries
        assert len(journal) == len(entries)
    assert len(path.read_bytes().decode("utf-8").splitlines()) == len(entries)


def test_every_prefix_of_the_file_opens_with_the_entries_that_are_whole(path: Path) -> None:
    with Journal(path) as journal:
        for number in range(3):
            journal.append({"number": number, "text": "ein Wörtchen"})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with Journal(path) as journal:
            kept = [entry["number"] for entry in journal.entries()]
            journal.append({"number": "next"})
        assert kept == list(range(whole[:length].count(b"\n")))
        assert json.loads(path.read_bytes().splitlines()[-1]) == {"number": "next"}


def test_an_entry_is_on_disk_when_append_returns(path: Path) -> None:
    with Journal(path) as journal:
        journal.append({"heard": True})
        assert json.loads(path.read_text("utf-8")) == {"heard": True}


def test_entries_can_be_taken_back(path: Path) -> None:
    with Journal(path) as journal:
        for number in range(4):
            journal.append({"number": number})
        journal.cut(2)
        journal.append({"number": 9})
        assert [entry["number"] for entry in journal.entries()] == [0, 1, 9]


@pytest.mark.parametrize("line", [b"{", b"[1]", b"\xff\xfe", b'"text"', b"[" * 100_000])
def test_damage_in_the_middle_names_the_line(path: Path, line: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"a": 1}\n' + line + b'\n{"b": 2}\n')
    with pytest.raises(ProductionError, match=r"journal\.jsonl:2: "):
        Journal(path)


def test_an_endless_line_is_refused_unread(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"x" * (MAX_ENTRY_BYTES + 10))
    with pytest.raises(ProductionError, match="too long"):
        Journal(path)
    path.unlink()
    with Journal(path) as journal, pytest.raises(ValueError, match="longer than"):
        journal.append({"text": "x" * MAX_ENTRY_BYTES})


@contextmanager
def largest_file(limit: int) -> Iterator[None]:
    """No file can grow beyond a limit: to a writer, a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_of_the_entry(path: Path) -> None:
    with Journal(path) as journal:
        journal.append({"number": 1})
        before = path.read_bytes()
        with largest_file(len(before) + 10), pytest.raises(StorageError, match=r"journal\.jsonl"):
            journal.append({"text": "longer than ten bytes"})
        assert path.read_bytes() == before
        journal.append({"number": 2})
        assert [entry["number"] for entry in journal.entries()] == [1, 2]
