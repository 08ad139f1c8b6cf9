"""The log: a line at once, no step twice, whatever a killed run left."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.tuning.tuning_log import TuningLog, read_log


def test_a_line_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = TuningLog(path, done=0)
    log.write({"step": 1, "loss": 0.1 + 0.2})
    assert path.read_text("utf-8") == '{"step": 1, "loss": 0.30000000000000004}\n'
    assert read_log(path) == log.entries
    log.close()


def test_going_on_drops_what_lies_behind_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = TuningLog(path, done=0)
    for step in (1, 2, 2, 3, 4):
        log.write({"step": step})
    log.close()
    log = TuningLog(path, done=2)
    log.write({"step": 3})
    log.close()
    assert [entry["step"] for entry in read_log(path)] == [1, 2, 2, 3]


@pytest.mark.parametrize("rest", ['{"step": 3, "lo', "\x00\x00\x00", "[3]\n", '{"loss": 1}\n', '{"step": true}\n'])
def test_what_is_no_line_is_left_out(tmp_path: Path, rest: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f'{{"step": 1}}\n{rest}', "utf-8")
    assert read_log(path) == [{"step": 1}]
    log = TuningLog(path, done=1)
    log.write({"step": 2})
    log.close()
    assert path.read_text("utf-8") == '{"step": 1}\n{"step": 2}\n'


def test_without_a_file_there_are_no_lines(tmp_path: Path) -> None:
    assert read_log(tmp_path / "none.jsonl") == []
