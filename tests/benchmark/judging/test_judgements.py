"""Answers on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from speechagents.benchmark.judging.judge_server import Answer
from speechagents.benchmark.judging.judgements import JUDGEMENTS_FILE, AnswerKey, Judgements
from speechagents.benchmark.judging.opinions import FailureKind, Order
from speechagents.controllers.controller import Usage
from speechagents.errors import ProductionError

KEY = AnswerKey("judge X", ("quality", "emotion"), 1, Order.REVERSED, "0" * 64)
GOOD = Answer('{"quality": 1}\ud83d "“…', usage=Usage(10, 2), final=True)
REFUSED = Answer(kind=FailureKind.REFUSED, reason="the model refuses: no", usage=Usage(10, 0), final=True)


@pytest.mark.parametrize("answer", [GOOD, REFUSED])
def test_what_is_kept_is_found_again(tmp_path: Path, answer: Answer) -> None:
    with Judgements(tmp_path) as judgements:
        assert judgements.find(KEY) is None
        judgements.keep(KEY, answer)
        assert judgements.find(KEY) == answer
    with Judgements(tmp_path) as judgements:
        assert judgements.all == {KEY: answer}


@pytest.mark.parametrize(
    "field",
    [
        {"judge": "judge Y"},
        {"criteria": ("quality",)},
        {"repeat": 2},
        {"order": Order.FORWARD},
        {"shown": "1" * 64},
        {"pair": True},
    ],
)
def test_another_question_has_another_answer(tmp_path: Path, field: dict[str, object]) -> None:
    with Judgements(tmp_path) as judgements:
        judgements.keep(KEY, GOOD)
        assert judgements.find(replace(KEY, **field)) is None  # type: ignore[arg-type]


def test_without_a_folder_answers_are_kept_in_memory() -> None:
    with Judgements(None) as judgements:
        judgements.keep(KEY, GOOD)
        assert judgements.find(KEY) == GOOD


def test_a_line_that_a_killed_run_left_is_cut_off(tmp_path: Path) -> None:
    with Judgements(tmp_path) as judgements:
        judgements.keep(KEY, GOOD)
    path = tmp_path / JUDGEMENTS_FILE
    path.write_bytes(path.read_bytes() + b'{"judge": "judge X", "crit')
    with Judgements(tmp_path) as judgements:
        assert judgements.all == {KEY: GOOD}


def test_a_line_that_is_no_json_is_told(tmp_path: Path) -> None:
    (tmp_path / JUDGEMENTS_FILE).write_text("what?\n")
    with pytest.raises(ProductionError, match=f"{JUDGEMENTS_FILE}:1"):
        Judgements(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"repeat": -1},
        {"repeat": "0"},
        {"order": "sideways"},
        {"failure": "sulking"},
        {"tokens": [1]},
        {"text": None},
        {"criteria": 3},
    ],
)
def test_an_entry_that_means_nothing_counts_as_not_there(tmp_path: Path, change: dict[str, object]) -> None:
    with Judgements(tmp_path) as judgements:
        judgements.keep(KEY, GOOD)
    path = tmp_path / JUDGEMENTS_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}) + "\n")
    with Judgements(tmp_path) as judgements:
        assert judgements.all == {}


def test_an_endless_answer_fits_and_stays_too_long(tmp_path: Path) -> None:
    with Judgements(tmp_path) as judgements:
        judgements.keep(KEY, Answer("“" * 900_000, final=True))
    with Judgements(tmp_path) as judgements:
        assert 16_000 < len(judgements.all[KEY].text) < 20_000
