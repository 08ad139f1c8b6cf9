"""What comes of asking a judge: opinions, failures, and what both add up to.

Owns the values, the strict reading of an answer, and the rule that a failure is counted and told and never becomes a
number. Does not know how judges are asked (`judge`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from speechagents.benchmark.judging.criteria import LEAST, MOST, Criterion
from speechagents.benchmark.metrics.metric import Measured
from speechagents.controllers.complaints import shown
from speechagents.controllers.controller import Usage
from speechagents.controllers.grammar import BadAnswerError, Fields, bounded, read_object

MAX_REASON_CHARS: Final = 600
"""Longest reason that is kept of an opinion."""

ORDER_SHIFT: Final = 0.5
"""Half a band: a difference of the means of both orders that reports mention."""
LEAST_OPINIONS: Final = 12
"""What is said of scores as a whole needs so many: one cell, judged twice by six criteria."""

_DECLINES: Final = re.compile(
    r"\b(i['’]?m sorry|i apologi[sz]e|i must decline|i (?:can(?:no|['’])t|won['’]t|will not|am (?:not able|unable))"
    r"|as an ai\b)",
    re.IGNORECASE,
)
_DECLINE_CHARS: Final = 400


class Order(StrEnum):
    """In which order criteria, bands and, for pairs, transcripts are shown.

    Judges lean towards what stands first or last (Zheng et al. 2023, arXiv 2306.05685, for pairs; Li et al. 2025, arXiv
    2506.22316, for bands; Xu et al. 2026, arXiv 2602.02219, for bands and criteria), so that repetitions alternate.
    """

    FORWARD = "forward"
    REVERSED = "reversed"

    @classmethod
    def of(cls, repeat: int) -> Order:
        """That of a repetition, counted from 0."""
        return cls.REVERSED if repeat % 2 else cls.FORWARD


class FailureKind(StrEnum):
    """Why there is no opinion."""

    REFUSED = "refused"
    """The model or its server does not want to answer this."""
    MALFORMED = "malformed"
    """There is an answer, but not in the form asked for."""
    OUT_OF_RANGE = "out_of_range"
    """There is a whole number that is no band."""
    TIMED_OUT = "timed_out"
    """There was no whole answer in time."""
    UNREACHABLE = "unreachable"
    """No connection, a broken one, or a server in trouble."""
    UNASKED = "unasked"
    """It was not asked: the budget is used up, the server has stopped answering, or there is nothing to hear."""

    @property
    def words(self) -> str:
        """For people, behind "scores": refused, timed out."""
        return _WORDS.get(self, self.value)


_WORDS: Final = {
    FailureKind.OUT_OF_RANGE: "out of range",
    FailureKind.TIMED_OUT: "timed out",
    FailureKind.UNASKED: "not asked for",
}


@dataclass(frozen=True, slots=True)
class Opinion:
    """One score of one criterion.

    Attributes:
        criterion: Its name.
        score: A band.
        reason: Given before the score; untrusted, in one line, cut.
        repeat: 0-based.
        order: In which everything was shown.
    """

    criterion: str
    score: int
    reason: str
    repeat: int
    order: Order


@dataclass(frozen=True, slots=True)
class Failure:
    """One score that there is not.

    Attributes:
        criterion: Its name.
        kind: Of failure.
        reason: For people; what comes from a server is untrusted, in one line, cut.
        repeat: 0-based.
    """

    criterion: str
    kind: FailureKind
    reason: str
    repeat: int


Verdict = Opinion | Failure


@dataclass(frozen=True, slots=True)
class Judged:
    """All that a judge had to say of a cell.

    Attributes:
        cell: Its name.
        verdicts: One for each criterion and repetition, in the order in which they came.
        usage: Tokens of answers that came now; those of earlier runs cost nothing again.
    """

    cell: str
    verdicts: tuple[Verdict, ...]
    usage: Usage = field(default_factory=Usage)


def read_scores(text: str, criteria: Sequence[Criterion], *, repeat: int, order: Order) -> tuple[Verdict, ...]:
    """What an answer says of each criterion: one that is malformed spoils no other.

    Args:
        text: Untrusted. Prose around its one JSON object is not read.
        criteria: That were asked about.
        repeat: 0-based.
        order: In which everything was shown.
    """
    try:
        answer = read_object(text)
    except BadAnswerError as error:
        kind, reason = unreadable(text, error)
        return failures(criteria, kind, reason, repeat)
    found: list[Verdict] = []
    for criterion in criteria:
        try:
            fields, reason = reasoned(answer, criterion.name, "score")
            score = fields.whole("score", default=LEAST)
        except BadAnswerError as error:
            found.append(Failure(criterion.name, FailureKind.MALFORMED, shown(str(error)), repeat))
            continue
        if LEAST <= score <= MOST:
            found.append(Opinion(criterion.name, score, reason, repeat, order))
        else:
            told = f"{shown(str(score))} is not from {LEAST} to {MOST}"
            found.append(Failure(criterion.name, FailureKind.OUT_OF_RANGE, told, repeat))
    return tuple(found)


def reasoned(answer: Mapping[str, object], name: str, verdict: str) -> tuple[Fields, str]:
    """The fields that an answer has for a criterion, and its reason, which comes before the verdict.

    A reason that is made up for a verdict that stands already is none.

    Raises:
        BadAnswerError: Something is missing, empty, or in another order.
    """
    fields = Fields(answer).inner(name)
    given = answer[name]
    keys = [key for key, value in given.items() if value is not None] if isinstance(given, dict) else []
    reason = bounded(fields.raw_text("reason"), MAX_REASON_CHARS)
    if not reason:
        raise BadAnswerError(f"{name}.reason is missing")
    if verdict not in keys:
        raise BadAnswerError(f"{name}.{verdict} is missing")
    if keys.index(verdict) < keys.index("reason"):
        raise BadAnswerError(f"{name}.{verdict} stands before its reason")
    return fields, reason


def unreadable(text: str, error: BadAnswerError) -> tuple[FailureKind, str]:
    """What an answer without a usable JSON object is: words of refusal, or a malformed one."""
    if "{" not in text and _DECLINES.search(text[:_DECLINE_CHARS]):
        return FailureKind.REFUSED, f"the model refuses: {shown(text)}"
    return FailureKind.MALFORMED, shown(str(error))


def failures(criteria: Iterable[Criterion], kind: FailureKind, reason: str, repeat: int) -> tuple[Failure, ...]:
    """The same failure for each of several criteria."""
    return tuple(Failure(criterion.name, kind, reason, repeat) for criterion in criteria)


def judged_values(verdicts: Iterable[Verdict]) -> Mapping[str, Measured]:
    """Scores of one cell as metrics, named like ``judged_quality``; a criterion without any opinion is not there.

    A value is the mean of the means of both orders, so that a failure in one order does not let the other one count
    more. From `LEAST` to `MOST`; more is better.
    """
    found: defaultdict[str, defaultdict[Order, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one in verdicts:
        if isinstance(one, Opinion):
            found[one.criterion][one.order].append(one.score)
    return {
        f"judged_{name}": Measured(_mean([_mean(scores) for scores in orders.values()]), sum(map(len, orders.values())))
        for name, orders in found.items()
    }


def problems_of(identity: str, verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    """What people have to know about a judge's scores: how many there are not, and why; and whether they mean anything.

    Args:
        identity: Of the judge.
        verdicts: Of all cells.
    """
    every = list(verdicts)
    opinions = [one for one in every if isinstance(one, Opinion)]
    missing = [one for one in every if isinstance(one, Failure)]
    told: list[str] = []
    if missing:
        counts = Counter(one.kind for one in missing)
        reasons = {one.kind: one.reason for one in reversed(missing)}
        listed = ", ".join(f"{counts[kind]} {kind.words} ({reasons[kind]})" for kind in FailureKind if counts[kind])
        told.append(f"{identity}: of {len(every)} scores {listed}; {len(opinions)} count")
    if len(opinions) < LEAST_OPINIONS:
        return tuple(told)
    if len({one.score for one in opinions}) == 1:
        told.append(f"{identity}: all {len(opinions)} scores are {opinions[0].score}; it tells nothing apart")
    if (shift := order_shift(opinions)) is not None and abs(shift) > ORDER_SHIFT:
        told.append(
            f"{identity}: scores are {abs(shift):.1f} {'lower' if shift < 0 else 'higher'} with criteria and bands in "
            "reversed order; only the mean of both orders means anything"
        )
    return tuple(told)


def order_shift(opinions: Iterable[Opinion]) -> float | None:
    """How much higher scores are in reversed order, in bands; None where an order is missing."""
    by_order: defaultdict[Order, list[int]] = defaultdict(list)
    for one in opinions:
        by_order[one.order].append(one.score)
    if len(by_order) < len(Order):
        return None
    return _mean(by_order[Order.REVERSED]) - _mean(by_order[Order.FORWARD])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
