"""What a simulation has done so far, in figures: requests by endpoint and outcome, their times, tokens, scenes.

Owns the sums, and what one scene has cost. Does not know who looks at them (`metrics`, the summary of a run). All of it
has a fixed size, however long a run is.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from speechagents.cluster.budget import Spent
from speechagents.controllers.controller import Usage

BUCKETS_S: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, math.inf)
"""Upper ends of the classes that times of answers are sorted into, in seconds."""


class Outcome(StrEnum):
    """What a request came to."""

    ANSWERED = "answered"
    LIMITED = "limited"
    """The endpoint asked to be left alone (status 429)."""
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    """No whole answer, a broken connection, an error of the server, or something else than an answer."""
    REFUSED = "refused"
    BROKEN_OFF = "broken_off"
    """Nobody waits for the answer any more."""


class Ended(StrEnum):
    """How a scene ended for the run."""

    FINISHED = "finished"
    FAILED = "failed"
    BROKEN_OFF = "broken_off"


@dataclass(slots=True)
class EndpointFigures:
    """Of one endpoint.

    Attributes:
        outcomes: Requests by outcome.
        in_flight: Requests under way.
        answered_s: Time of all answers together, in seconds.
        classes: Answers by time, each counted in one class of `BUCKETS_S`.
        usage: Tokens, as the server counts them.
        up: It answered last time, or was not asked yet.
        why: Its latest trouble; empty while it has none.
    """

    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    in_flight: int = 0
    answered_s: float = 0.0
    classes: list[int] = field(default_factory=lambda: [0] * len(BUCKETS_S))
    usage: Usage = field(default_factory=Usage)
    up: bool = True
    why: str = ""

    @property
    def requests(self) -> int:
        """All that are over."""
        return sum(self.outcomes.values())

    def ended(self, outcome: Outcome, seconds: float) -> None:
        """A request is over."""
        self.outcomes[outcome] += 1
        if outcome is Outcome.ANSWERED:
            self.answered_s += seconds
            self.classes[bisect.bisect_left(BUCKETS_S, seconds)] += 1

    def to_json(self) -> dict[str, Any]:
        """Plain values for a summary; outcomes that never came about are left out."""
        answered = self.outcomes[Outcome.ANSWERED]
        return {
            **{outcome.value: count for outcome, count in self.outcomes.items() if count},
            "mean_s": round(self.answered_s / answered, 3) if answered else 0.0,
            "tokens_in": self.usage.tokens_in,
            "tokens_out": self.usage.tokens_out,
            **({"trouble": self.why} if self.why else {}),
        }


class RunFigures:
    """Of a run.

    Written to by the run alone; anybody may read.

    Args:
        endpoints: Their names.

    Attributes:
        endpoints: Figures of each.
        scenes: Scenes of this command by how they ended.
        under_way: Scenes that are being played.
    """

    def __init__(self, endpoints: Iterable[str] = ()) -> None:
        self.endpoints: Mapping[str, EndpointFigures] = {name: EndpointFigures() for name in endpoints}
        self.scenes: dict[Ended, int] = dict.fromkeys(Ended, 0)
        self.under_way = 0


@dataclass(slots=True, eq=False)
class Account:
    """What one scene costs.

    Attributes:
        requests: Sent, by endpoint.
        usage: Tokens of its answers, as servers count them.
        tokens: Likewise, estimated where servers do not count them.
    """

    requests: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=Usage)
    tokens: int = 0

    def spent(self, seconds: float) -> Spent:
        """All of it.

        Args:
            seconds: How long the scene took.
        """
        return Spent(self.requests.total(), self.tokens, seconds)
