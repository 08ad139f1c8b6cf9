"""What was decided at each step of a scene, on disk: who, why, thinking what, and the messages that came of it.

Owns the record and its form in ``steps.jsonl``. The record is written before the messages it holds are announced, and
the state of a scene is nothing but these records folded together: that is what makes a killed run go on as if it had
not been. Thoughts and notes stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from speechagents.agents.director import Stock
from speechagents.agents.policies import Choice
from speechagents.controllers.controller import Bid, Judgement, Ledger, Usage
from speechagents.drama import Deed, Message, Style, Turn
from speechagents.errors import ProductionError
from speechagents.journal import Journal
from speechagents.stream import message_from_json, message_to_json, units_from_json


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        number: 0-based.
        stock: What the director made of the scene before it.
        choice: Who got the floor, and why.
        turn: What came of it, thoughts included.
        note: What the director told that role.
        bids: What everybody offered, if anybody was asked.
        messages: The turn's message and a murmur under it, if any; none for a silent turn.
        understood: What was understood of each message.
        usage: What the step cost, director and bids included.
    """

    number: int
    stock: Stock
    choice: Choice
    turn: Turn
    note: str = ""
    bids: tuple[Bid, ...] = ()
    messages: tuple[Message, ...] = ()
    understood: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def __post_init__(self) -> None:
        if len(self.messages) != len(self.understood):
            raise ValueError("each message has been understood in one way")


@dataclass(frozen=True, slots=True)
class Ending:
    """The last record: why a scene is over."""

    reason: str


class StepLog:
    """The steps of a scene on disk, open for appending. Use it as a context manager.

    Args:
        path: Made if it does not exist.

    Raises:
        ProductionError: It is damaged; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()

    def append(self, record: Step | Ending) -> None:
        """Add a record; it is on disk when this returns."""
        self._journal.append({"ending": record.reason} if isinstance(record, Ending) else step_to_json(record))

    def __iter__(self) -> Iterator[Step | Ending]:
        for number, entry in enumerate(self._journal.entries()):
            try:
                yield Ending(str(entry["ending"])) if "ending" in entry else step_from_json(entry)
            except (ValueError, KeyError, TypeError) as error:
                place = f"{self._journal.path}:{number + 1}"
                raise ProductionError(
                    f"{place}: is no step ({error}); delete this line and all below it, then resume"
                ) from error


def step_to_json(step: Step) -> dict[str, Any]:
    """Plain values of a step."""
    return {
        "step": step.number,
        "role": step.choice.role,
        "reason": step.choice.reason,
        "interrupts": step.choice.interrupts,
        "turn": _turn_to_json(step.turn),
        "note": step.note,
        "messages": [message_to_json(message) for message in step.messages],
        "understood": list(step.understood),
        "stock": asdict(step.stock),
        "bids": [asdict(bid) for bid in step.bids],
        "usage": asdict(step.usage),
    }


def step_from_json(entry: Mapping[str, Any]) -> Step:
    """A step as `step_to_json` gave it.

    Raises:
        ValueError, KeyError, TypeError: Something is missing or of the wrong kind.
    """
    turn = dict(entry["turn"])
    stock = dict(entry["stock"])
    ledger = dict(stock["ledger"])
    bids = [{**bid, "usage": Usage(**bid["usage"])} for bid in entry["bids"]]
    judged = {name: Judgement(**ledger[name]) for name in ("progress", "in_loop", "done")}
    turn |= {"deed": Deed(turn["deed"]), "style": Style(**turn["style"]), "addresses": tuple(turn["addresses"])}
    turn["units"] = units_from_json(turn.get("units", []))
    stock |= {
        "ledger": Ledger(
            **{**ledger, **judged, "facts": tuple(map(str, ledger["facts"])), "usage": Usage(**ledger["usage"])}
        ),
        "usage": Usage(**stock["usage"]),
    }
    return Step(
        number=int(entry["step"]),
        stock=Stock(**stock),
        choice=Choice(str(entry["role"]), str(entry["reason"]), interrupts=entry["interrupts"] is True),
        turn=Turn(**turn),
        note=str(entry["note"]),
        bids=tuple(Bid(**bid) for bid in bids),
        messages=tuple(message_from_json(message) for message in entry["messages"]),
        understood=tuple(map(str, entry["understood"])),
        usage=Usage(**entry["usage"]),
    )


def _turn_to_json(turn: Turn) -> dict[str, Any]:
    """Plain values of a turn; speech units stand there only if it has any."""
    values = {**asdict(turn), "addresses": list(turn.addresses)}
    units = list(values.pop("units"))
    return {**values, "units": units} if units else values
