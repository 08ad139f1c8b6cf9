"""Pairs: a preference counts only where it survives the transcripts changing places."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from speechagents.benchmark.judging.criteria import CRITERIA
from speechagents.benchmark.judging.judge import Judge
from speechagents.benchmark.judging.opinions import Failure, FailureKind, Order
from speechagents.benchmark.judging.pairwise import Preference, preferred, read_preferences
from tests.benchmark.judging.courtroom import NAMES, MakeJudge, asked_about, cell_of, ferry, message
from tests.controllers.fault_server import Answer, FaultServer, Received, says

ONE = CRITERIA[:1]


def answer(better: object) -> str:
    return json.dumps({name: {"reason": "Row 2 of A.", "better": better} for name in NAMES})


def read(better: object, order: Order = Order.FORWARD) -> Preference | Failure:
    (found,) = read_preferences(answer(better), ONE, repeat=0, order=order)
    return found


@pytest.mark.parametrize(("named", "forward", "backward"), [("A", 1, -1), ("B", -1, 1), ("neither", 0, 0)])
def test_letters_mean_what_stood_there(named: str, forward: int, backward: int) -> None:
    for order, better in ((Order.FORWARD, forward), (Order.REVERSED, backward)):
        assert read(named, order) == Preference("consistency", better, "Row 2 of A.", 0, order)


@pytest.mark.parametrize(
    ("named", "kind"), [("C", "out_of_range"), ("a tie", "out_of_range"), (1, "malformed"), (None, "malformed")]
)
def test_other_answers_are_failures(named: object, kind: str) -> None:
    found = read(named)
    assert isinstance(found, Failure)
    assert found.kind == kind


def test_a_refusal_is_a_failure_for_each_criterion() -> None:
    found = read_preferences("I'm sorry, I cannot.", CRITERIA, repeat=0, order=Order.FORWARD)
    assert [one.kind for one in found if isinstance(one, Failure)] == [FailureKind.REFUSED] * 6


def prefers(better: int, repeat: int) -> Preference:
    return Preference("quality", better, "why", repeat, Order.of(repeat))


@pytest.mark.parametrize(
    ("betters", "result"),
    [((1, 1), 1), ((-1, -1), -1), ((1, -1), 0), ((1, 0), 0), ((0, 0), 0), ((1, 1, 1, -1), 0), ((1, 1, 0, 1), 1)],
)
def test_what_is_preferred_in_both_orders_is_better(betters: tuple[int, ...], result: int) -> None:
    assert preferred([prefers(better, repeat) for repeat, better in enumerate(betters)]) == {"quality": result}


def test_one_order_alone_says_nothing() -> None:
    assert preferred([prefers(1, 0), prefers(1, 2), Failure("quality", FailureKind.TIMED_OUT, "why", 1)]) == {}


# Through a server


def chooses(always: str = "") -> Callable[[Received], Answer]:
    """Of a judge that always takes one letter, or that of the better transcript."""

    def rule(received: Received) -> Answer:
        above = received.asked.split("Transcript B:")[0]
        letter = always or ("A" if "Better." in above else "B")
        return says(json.dumps({name: {"reason": "Row 1.", "better": letter} for name in asked_about(received)}))

    return rule


WORSE, BETTER = [message(1, "Eleni", "Worse.")], [message(1, "Eleni", "Better.")]


def test_a_judge_who_reads_both_finds_the_better_one_wherever_it_stands(server: FaultServer, judge: Judge) -> None:
    server.rule = chooses()
    assert preferred(judge.compare(cell_of(WORSE), cell_of(BETTER), seed=1)) == dict.fromkeys(NAMES, -1)
    assert preferred(judge.compare(cell_of(BETTER), cell_of(WORSE), seed=1)) == dict.fromkeys(NAMES, 1)


def test_a_judge_who_always_takes_the_first_decides_nothing(server: FaultServer, judge: Judge) -> None:
    server.rule = chooses("A")
    verdicts = list(judge.compare(cell_of(WORSE), cell_of(BETTER), seed=1))
    assert {one.better for one in verdicts if isinstance(one, Preference)} == {1, -1}
    assert preferred(verdicts) == dict.fromkeys(NAMES, 0)


def test_pairs_are_kept_too(server: FaultServer, make: MakeJudge, tmp_path: Path) -> None:
    server.rule = chooses()
    for _ in range(2):
        verdicts = list(make().compare(cell_of(BETTER, folder=tmp_path), cell_of(WORSE), seed=1))
        assert preferred(verdicts) == dict.fromkeys(NAMES, 1)
    assert len(server.received) == 2


def test_cells_of_different_scenes_are_not_compared(judge: Judge) -> None:
    with pytest.raises(ValueError, match="same scene"):
        list(judge.compare(ferry(roles=2), ferry(roles=10), seed=1))
