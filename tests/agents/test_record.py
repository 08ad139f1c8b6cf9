"""Reading a scene's record beside whoever writes it: whole records only, and not a byte of the file changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from speechagents.agents.director import Stock
from speechagents.agents.policies import Choice
from speechagents.agents.record import recorded
from speechagents.agents.steps import Ending, Step, StepLog
from speechagents.controllers.controller import Judgement, Ledger
from speechagents.drama import Deed, Turn
from speechagents.errors import ProductionError

CALM = Judgement(holds=False, reason="")
STOCK = Stock(Ledger((), "", 0, progress=CALM, in_loop=CALM, done=CALM), "rules")


def step(number: int) -> Step:
    return Step(number, STOCK, Choice("Ella", "it is its turn"), Turn("Ella", Deed.SILENT))


def test_records_are_read_while_they_are_written(tmp_path: Path) -> None:
    with StepLog(tmp_path / "steps.jsonl") as log:
        log.append(step(0))
        (first,) = recorded(tmp_path)
        log.append(step(1))
        log.append(Ending("all turns are played"))
        assert [one.entry for one in recorded(tmp_path, after=first.end)] == [step(1), Ending("all turns are played")]
    assert b"".join(one.line for one in recorded(tmp_path)) == (tmp_path / "steps.jsonl").read_bytes()


def test_speech_units_of_a_turn_are_on_the_record_if_there_are_any(tmp_path: Path) -> None:
    spoken = replace(step(0), turn=Turn("Ella", text="Yes.", units=(4, 2)))
    with StepLog(tmp_path / "steps.jsonl") as log:
        log.append(spoken)
        log.append(step(1))
        assert list(log) == [spoken, step(1)]
    first, second = (json.loads(line) for line in (tmp_path / "steps.jsonl").read_text("utf-8").splitlines())
    assert first["turn"]["units"] == [4, 2]
    assert "units" not in second["turn"]


def test_half_a_record_is_left_alone_until_it_is_whole(tmp_path: Path) -> None:
    with StepLog(tmp_path / "steps.jsonl") as log:
        log.append(step(0))
    path = tmp_path / "steps.jsonl"
    before = path.read_bytes() + b'{"step": 1, "role"'
    path.write_bytes(before)
    assert len(recorded(tmp_path)) == 1
    assert path.read_bytes() == before


def test_nothing_was_played_where_there_is_no_record(tmp_path: Path) -> None:
    assert recorded(tmp_path) == ()


@pytest.mark.parametrize(
    "line", [b"{}\n", b"[1]\n", b"\xff\n", b'{"step": 0}\n', b"[" * 100_000 + b"\n", b"x" * 256_001]
)
def test_damage_is_told_with_its_place(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "steps.jsonl").write_bytes(line)
    with pytest.raises(ProductionError, match=r"steps\.jsonl: the record at byte 0"):
        recorded(tmp_path)
