"""Which of two transcripts of one scene is better: what a judge answers, and what both orders together say.

Owns the values, the strict reading of an answer, and the rule that a preference counts only where it survives the
transcripts changing places (Zheng et al. 2023, arXiv 2306.05685, section 3.4). Does not know how judges are asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.benchmark.judging.criteria import Criterion
from speechagents.benchmark.judging.judge_prompt import FIRST, NEITHER, SECOND
from speechagents.benchmark.judging.opinions import (
    Failure,
    FailureKind,
    Order,
    failures,
    reasoned,
    unreadable,
)
from speechagents.controllers.complaints import shown
from speechagents.controllers.grammar import BadAnswerError, read_object

_SIDES: Final = {FIRST: 1, NEITHER: 0, SECOND: -1}


@dataclass(frozen=True, slots=True)
class Preference:
    """What a judge prefers by one criterion.

    Attributes:
        criterion: Its name.
        better: 1 for the first cell, -1 for the second, 0 for neither; wherever they were shown.
        reason: Given before; untrusted, in one line, cut.
        repeat: 0-based.
        order: In which both were shown.
    """

    criterion: str
    better: int
    reason: str
    repeat: int
    order: Order


def read_preferences(
    text: str, criteria: Sequence[Criterion], *, repeat: int, order: Order
) -> tuple[Preference | Failure, ...]:
    """What an answer says of each criterion: one that is malformed spoils no other.

    Args:
        text: Untrusted. Prose around its one JSON object is not read.
        criteria: That were asked about.
        repeat: 0-based.
        order: In which both cells were shown.
    """
    try:
        answer = read_object(text)
    except BadAnswerError as error:
        kind, reason = unreadable(text, error)
        return failures(criteria, kind, reason, repeat)
    found: list[Preference | Failure] = []
    for criterion in criteria:
        try:
            fields, reason = reasoned(answer, criterion.name, "better")
            named = fields.raw_text("better").strip()
        except BadAnswerError as error:
            found.append(Failure(criterion.name, FailureKind.MALFORMED, shown(str(error)), repeat))
            continue
        if named not in _SIDES:
            told = f"{shown(named)!r} is none of {', '.join(_SIDES)}"
            found.append(Failure(criterion.name, FailureKind.OUT_OF_RANGE, told, repeat))
            continue
        better = -_SIDES[named] if order is Order.REVERSED else _SIDES[named]
        found.append(Preference(criterion.name, better, reason, repeat, order))
    return tuple(found)


def preferred(verdicts: Iterable[Preference | Failure]) -> Mapping[str, int]:
    """Which of two cells is better by each criterion: 1 for the first, -1 for the second, 0 for neither.

    One that is preferred in one order only, or not in most repetitions of each order, is not better. A criterion that
    was not answered in both orders is not there.
    """
    found: defaultdict[str, defaultdict[Order, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one in verdicts:
        if isinstance(one, Preference):
            found[one.criterion][one.order].append(one.better)
    result: dict[str, int] = {}
    for name, orders in found.items():
        if len(orders) == len(Order):
            forward, backward = (_sign(sum(orders[order])) for order in Order)
            result[name] = forward if forward == backward else 0
    return result


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)
