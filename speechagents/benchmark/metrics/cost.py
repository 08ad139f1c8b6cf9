"""What a turn costs: time, tokens, and turns that somebody else had to take.

Owns these figures, which come from the record of how a cell was played. Times depend on the machine and on what else
it did: compare runs of one machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from speechagents.benchmark.metrics.metric import Better, Looked, Measured, Metric, Needs
from speechagents.benchmark.played import CellRecord


def _per_turn(amount: Callable[[CellRecord], float]) -> Callable[[Looked], Measured]:
    """A measure of what a record says, divided by the turns."""

    def measure(looked: Looked) -> Measured:
        record = looked.played.record
        return Measured(amount(record) / record.turns, record.turns) if record.turns > 0 else Measured(None)

    return measure


def _speed(looked: Looked) -> Measured:
    spoken = [message.end_s - message.start_s for message in looked.played.messages if message.take]
    if not spoken or looked.played.record.seconds <= 0.0:
        return Measured(None)
    return Measured(sum(spoken) / looked.played.record.seconds, len(spoken))


_RECORDED: Final = "The record of the cell"

METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        name="seconds_per_turn",
        title="Seconds per turn",
        about="Time that a cell took, voices included, divided by its turns; depends on the machine.",
        group="Cost",
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="s",
        source=_RECORDED,
        measure=_per_turn(lambda record: record.seconds),
    ),
    Metric(
        name="tokens_in_per_turn",
        title="Tokens read per turn",
        about="Tokens of all prompts, director and bids included, divided by the turns; 0 where no model was asked.",
        group="Cost",
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="tokens",
        source=_RECORDED,
        measure=_per_turn(lambda record: record.tokens_in),
    ),
    Metric(
        name="tokens_out_per_turn",
        title="Tokens written per turn",
        about="Tokens of all answers divided by the turns; 0 where no model was asked.",
        group="Cost",
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="tokens",
        source=_RECORDED,
        measure=_per_turn(lambda record: record.tokens_out),
    ),
    Metric(
        name="fallback_turns",
        title="Turns that fell back",
        about="Share of turns that are not the controller's own, because it gave none that could be used.",
        group="Cost",
        better=Better.LOWER,
        needs=Needs.TEXT,
        unit="",
        source=_RECORDED,
        measure=_per_turn(lambda record: record.fallbacks),
    ),
    Metric(
        name="speech_per_second",
        title="Seconds of speech per second",
        about="Length of all takes divided by the time the cell took: above 1 is faster than it is listened to.",
        group="Cost",
        better=Better.HIGHER,
        needs=Needs.TEXT,
        unit="",
        source="The inverse of the real-time factor, as speech synthesis is measured",
        measure=_speed,
    ),
)
