"""What a turn costs, as the record tells it."""

from __future__ import annotations

import dataclasses

import pytest

from speechagents.benchmark.metrics.cost import METRICS
from speechagents.benchmark.metrics.metric import Looked
from speechagents.benchmark.played import CellRecord, Played
from speechagents.drama import Deed, Message, Style
from tests.benchmark.metrics.spoken_scenes import played_of

BY_NAME = {metric.name: metric for metric in METRICS}
RECORD = CellRecord("001-a-scene", 2, 0, 0, "done", 20.0, turns=10, fallbacks=2, tokens_in=5_000, tokens_out=400)


def message(id: int, *, take: str) -> Message:  # noqa: A002 - as messages call it
    return Message(id, "Anna", "So late?", Deed.SPEAK, Style(), (), (), 3.0 * id, 3.0 * id + 2.5, take)


@pytest.fixture
def played() -> Played:
    return played_of([message(1, take="0" * 64), message(2, take="1" * 64), message(3, take="")], record=RECORD)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds_per_turn", 2.0),
        ("tokens_in_per_turn", 500.0),
        ("tokens_out_per_turn", 40.0),
        ("fallback_turns", 0.2),
        ("speech_per_second", 0.25),
    ],
)
def test_costs_are_divided_by_what_they_bought(name: str, value: float, played: Played) -> None:
    assert BY_NAME[name].measure(Looked(played)).value == pytest.approx(value)


def test_no_turn_costs_nothing_that_could_be_told(played: Played) -> None:
    empty = dataclasses.replace(played, record=dataclasses.replace(RECORD, turns=0, seconds=0.0))
    assert all(metric.measure(Looked(empty)).value is None for metric in METRICS)


def test_without_takes_no_speed_is_told(played: Played) -> None:
    silent = dataclasses.replace(played, messages=(message(1, take=""),))
    assert BY_NAME["speech_per_second"].measure(Looked(silent)).value is None
