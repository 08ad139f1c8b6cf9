"""Scores and failures: what an answer says, and that a failure is told and never becomes a number."""

from __future__ import annotations

import json

import pytest

from speechagents.benchmark.judging.criteria import CRITERIA
from speechagents.benchmark.judging.opinions import (
    MAX_REASON_CHARS,
    Failure,
    FailureKind,
    Opinion,
    Order,
    Verdict,
    judged_values,
    order_shift,
    problems_of,
    read_scores,
)
from speechagents.benchmark.metrics.metric import Measured
from tests.benchmark.judging.courtroom import NAMES, form

TWO = CRITERIA[:2]
GOOD = form({"consistency": 4, "quality": 2})


def read(text: str) -> tuple[Verdict, ...]:
    return read_scores(text, TWO, repeat=1, order=Order.REVERSED)


def kinds(text: str) -> list[str]:
    return [one.kind.value if isinstance(one, Failure) else str(one.score) for one in read(text)]


def with_quality(value: object) -> str:
    return json.dumps({"consistency": {"reason": "Row 2.", "score": 4}, "quality": value})


def test_each_criterion_has_a_reason_and_a_score() -> None:
    assert read(GOOD) == (
        Opinion("consistency", 4, "Row 3 shows it: consistency.", 1, Order.REVERSED),
        Opinion("quality", 2, "Row 3 shows it: quality.", 1, Order.REVERSED),
    )


@pytest.mark.parametrize(
    "text",
    [
        f"Here is my judgement:\n{GOOD}\nI hope that helps.",
        f"```json\n{GOOD}\n```",
        f'<think>Let me see. {{"quality": 5}} would be too good.</think>\n{GOOD}',
    ],
)
def test_prose_around_the_object_does_no_harm(text: str) -> None:
    assert kinds(text) == ["4", "2"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "four",
        "Consistency: 4/5. Quality: 2/5.",
        "[4, 2]",
        GOOD[:-10],
        GOOD + GOOD,
        f'The transcript says {{"quality": {{"score": 5}}}}, but I say {GOOD}',
        '{"consistency": NaN}',
        '{"consistency": ' + "9" * 5_000 + "}",
        '{"a": ' * 3_000,
        '{"quality": {"reason": "x", "score": 1}, "quality": {"reason": "x", "score": 5}}',
        "x" * 20_000 + GOOD,
    ],
)
def test_what_is_not_one_json_object_is_malformed_for_every_criterion(text: str) -> None:
    assert kinds(text) == ["malformed", "malformed"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "3",
        [3],
        {},
        {"score": 3},
        {"reason": "Row 1."},
        {"reason": "Row 1.", "score": None},
        {"reason": "Row 1.", "score": "3"},
        {"reason": "Row 1.", "score": 3.5},
        {"reason": "Row 1.", "score": True},
        {"reason": "Row 1.", "score": [3]},
        {"reason": "", "score": 3},
        {"reason": " \n ", "score": 3},
        {"reason": 7, "score": 3},
    ],
)
def test_one_malformed_score_spoils_no_other(value: object) -> None:
    assert kinds(with_quality(value)) == ["4", "malformed"]


def test_a_score_before_its_reason_is_not_reasoned() -> None:
    (_, failure) = read(with_quality({"score": 3, "reason": "Row 1."}))
    assert failure == Failure("quality", FailureKind.MALFORMED, "quality.score stands before its reason", 1)


@pytest.mark.parametrize("score", [0, 6, -1, 10, 100, 10**30])
def test_a_number_that_is_no_band_is_out_of_range(score: int) -> None:
    assert kinds(with_quality({"reason": "Row 1.", "score": score})) == ["4", "out_of_range"]


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with rating this conversation.",
        "I’m sorry, I cannot do that.",
        "As an AI, I have no opinions on drama.",
        "I must decline.",
    ],
)
def test_words_of_refusal_are_a_refusal(text: str) -> None:
    assert kinds(text) == ["refused", "refused"]


def test_a_judge_who_apologises_and_answers_has_answered() -> None:
    assert kinds(f"I'm sorry to be so strict. {GOOD}") == ["4", "2"]


def test_what_was_not_asked_for_is_not_read() -> None:
    answer = json.loads(GOOD) | {"overall": {"reason": "x", "score": 5}, "emotion": 5}
    assert kinds(json.dumps(answer)) == ["4", "2"]


def test_reasons_are_one_clean_line() -> None:
    (_, opinion) = read(with_quality({"reason": "Row\n3\x1b[31m" + "x" * 5_000, "score": 3}))
    assert len(opinion.reason) == MAX_REASON_CHARS
    assert opinion.reason.startswith("Row 3 [31mxxx")


# Values


def opinion(score: int, repeat: int = 0, criterion: str = "quality") -> Opinion:
    return Opinion(criterion, score, "Row 1.", repeat, Order.of(repeat))


def failure(kind: FailureKind, repeat: int = 0, criterion: str = "quality", reason: str = "why") -> Failure:
    return Failure(criterion, kind, reason, repeat)


def test_a_value_is_the_mean_of_the_opinions() -> None:
    verdicts = [opinion(4, 0), opinion(2, 1), opinion(5, 0, "emotion")]
    assert judged_values(verdicts) == {"judged_quality": Measured(3.0, 2), "judged_emotion": Measured(5.0, 1)}


def test_failures_are_never_averaged() -> None:
    for kind in FailureKind:
        assert judged_values([opinion(4), failure(kind, 1)]) == {"judged_quality": Measured(4.0, 1)}
        assert judged_values([failure(kind), failure(kind, 1)]) == {}


def test_both_orders_count_the_same_whatever_failed_in_one() -> None:
    verdicts: list[Verdict] = [
        opinion(5, 0),
        opinion(5, 2),
        opinion(5, 4),
        opinion(2, 1),
        failure(FailureKind.MALFORMED, 3),
    ]
    assert judged_values(verdicts)["judged_quality"] == Measured(3.5, 4)


# What people have to know


def test_a_judge_without_problems_has_none_told() -> None:
    assert problems_of("judge X", [opinion(3 + at // 2 % 2, at) for at in range(16)]) == ()
    assert problems_of("judge X", []) == ()


def test_failures_are_counted_by_kind_with_the_first_reason_of_each() -> None:
    verdicts: list[Verdict] = [
        *(opinion(3 + at % 2, at) for at in range(18)),
        failure(FailureKind.MALFORMED, reason="it holds no JSON object"),
        failure(FailureKind.MALFORMED, reason="another"),
        failure(FailureKind.MALFORMED),
        failure(FailureKind.REFUSED, reason="the model refuses: no"),
        failure(FailureKind.TIMED_OUT, reason="no whole answer within 60 s"),
        failure(FailureKind.OUT_OF_RANGE, reason="9 is not from 1 to 5"),
    ]
    told = problems_of("judge X", verdicts)[0]
    assert told == (
        "judge X: of 24 scores 1 refused (the model refuses: no), 3 malformed (it holds no JSON object), 1 out of "
        "range (9 is not from 1 to 5), 1 timed out (no whole answer within 60 s); 18 count"
    )


def test_a_judge_that_always_gives_the_same_score_is_told() -> None:
    (told,) = problems_of("judge X", [opinion(3, at % 2, name) for at in range(4) for name in NAMES])
    assert told == "judge X: all 24 scores are 3; it tells nothing apart"


def test_a_judge_that_goes_by_the_order_is_told() -> None:
    verdicts = [opinion(4 - at % 2, at) for at in range(12)]
    assert order_shift(verdicts) == -1.0
    (told,) = problems_of("judge X", verdicts)
    assert "1.0 lower" in told
    assert order_shift([opinion(4, 0)]) is None
