"""Findings and choices on disk: what is damaged is forgotten, what is there is found, by however many threads."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from speechagents.errors import StorageError
from speechagents.production.proofing.finding import Fault, FaultKind, Finding
from speechagents.production.proofing.record import ProofRecord


def address(number: int) -> str:
    return f"{number:064x}"


def finding(number: int, *, heard: str = "…") -> Finding:
    fault = Fault(FaultKind.DROPPED, f"'word {number}' is not heard", 1.23456)
    return Finding(address(number), "ears 1", 0.98765, (fault,), heard, "", 0.21)


def test_what_is_noted_is_found_now_and_by_the_next_run(tmp_path: Path) -> None:
    record = ProofRecord(tmp_path)
    record.note([finding(1), finding(2)])
    record.choose(address(2), attempt=1, retakes=2)
    for one in (record, ProofRecord(tmp_path)):
        assert one.finding(address(1), "ears 1") == finding(1)
        assert one.finding(address(1), "ears 2") is None
        assert one.finding(address(3), "ears 1") is None
        assert [(one.attempt(address(n)), one.retakes(address(n))) for n in (1, 2)] == [(0, 0), (1, 2)]


def test_what_comes_later_is_in_force(tmp_path: Path) -> None:
    record = ProofRecord(tmp_path)
    record.note([finding(1, heard="first")])
    record.note([finding(1, heard="second")])
    record.choose(address(1), attempt=2, retakes=2)
    record.choose(address(1), attempt=0, retakes=2)
    for one in (record, ProofRecord(tmp_path)):
        found = one.finding(address(1), "ears 1")
        assert found is not None
        assert found.heard == "second"
        assert one.attempt(address(1)) == 0


def test_a_choice_that_changes_nothing_is_not_written(tmp_path: Path) -> None:
    record = ProofRecord(tmp_path)
    record.choose(address(1), attempt=0, retakes=0)
    assert not record.path.exists()


@pytest.mark.parametrize(
    "rubbish", [b"{", b"\xff\xfe\n", b"[]\n", b"{}\n", b'{"line": 3}\n', b"x" * 300_000, b"9" * 5000 + b"\n"]
)
def test_rubbish_in_the_file_is_passed_over_and_written_over(tmp_path: Path, rubbish: bytes) -> None:
    ProofRecord(tmp_path).note([finding(1)])
    path = tmp_path / "proof.jsonl"
    path.write_bytes(path.read_bytes() + rubbish)
    record = ProofRecord(tmp_path)
    assert record.finding(address(1), "ears 1") == finding(1)
    record.note([finding(2)])
    for one in (record, ProofRecord(tmp_path)):
        assert one.finding(address(1), "ears 1") == finding(1)
        assert one.finding(address(2), "ears 1") == finding(2)


def test_a_finding_that_was_changed_on_disk_counts_as_missing(tmp_path: Path) -> None:
    record = ProofRecord(tmp_path)
    record.note([finding(1)])
    data = record.path.read_bytes()
    record.path.write_bytes(data.replace(b'"score":0.9877', b'"score":7.9877'))
    assert ProofRecord(tmp_path).finding(address(1), "ears 1") is None


def test_threads_write_side_by_side(tmp_path: Path) -> None:
    record = ProofRecord(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: record.note([finding(n), finding(n + 1000)]), range(200)))
    again = ProofRecord(tmp_path)
    for number in (*range(200), *range(1000, 1200)):
        assert record.finding(address(number), "ears 1") == finding(number)
        assert again.finding(address(number), "ears 1") == finding(number)


def test_a_record_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    with pytest.raises(StorageError, match=r"proof\.jsonl"):
        ProofRecord(tmp_path / "folder").note([finding(1)])


def test_memory_holds_where_findings_stand_and_not_what_they_say(tmp_path: Path) -> None:
    ProofRecord(tmp_path).note(finding(number, heard="word " * 60) for number in range(10_000))
    assert (tmp_path / "proof.jsonl").stat().st_size > 5_000_000
    tracemalloc.start()
    record = ProofRecord(tmp_path)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert record.finding(address(9_999), "ears 1") is not None
    assert kept < 200 * 10_000
