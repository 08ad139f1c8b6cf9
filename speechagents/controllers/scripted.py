"""A controller that plays turns it was given: for rehearsing the machinery, and for replaying what was recorded.

Owns the queue. Invents nothing: when nothing is left for a role, the role stays silent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace

from speechagents.controllers.ascribing import Ascribed, Excerpt, Unascribed
from speechagents.controllers.controller import AgentInput, Answer, Bid, DirectorInput, Ledger, MalformedTurn
from speechagents.drama import Deed, Turn, role_key


class ScriptedController:
    """Plays enqueued turns, bids, ledgers and ascriptions, and remembers what it was asked.

    Args:
        turns: Given out in order, each to its own role; a `MalformedTurn` stands for an answer that cannot be used.
        hears: Ask for sound.
    """

    def __init__(self, turns: Sequence[Turn | MalformedTurn] = (), *, hears: bool = False) -> None:
        self._turns: dict[str, deque[Turn | MalformedTurn]] = {}
        self._bids: dict[str, deque[Bid]] = {}
        self._ledgers: deque[Ledger | MalformedTurn] = deque()
        self._ascriptions: deque[Ascribed | Unascribed] = deque()
        self._hears = hears
        self.asked: list[AgentInput] = []
        self.excerpts: list[Excerpt] = []
        self.enqueue(*turns)

    @property
    def identity(self) -> str:
        """What the takes of its turns depend on: nothing but the turns."""
        return "scripted 1"

    @property
    def hears(self) -> bool:
        """As it was made."""
        return self._hears

    def enqueue(self, *turns: Turn | MalformedTurn) -> None:
        """Add turns."""
        for turn in turns:
            self._turns.setdefault(role_key(turn.role), deque()).append(turn)

    def enqueue_bids(self, *bids: Bid) -> None:
        """Add bids; a role without one bids nothing."""
        for bid in bids:
            self._bids.setdefault(role_key(bid.role), deque()).append(bid)

    def enqueue_ledgers(self, *ledgers: Ledger | MalformedTurn) -> None:
        """Add what the director will say."""
        self._ledgers.extend(ledgers)

    def enqueue_ascriptions(self, *ascriptions: Ascribed | Unascribed) -> None:
        """Add who speaks in the excerpts that will be shown."""
        self._ascriptions.extend(ascriptions)

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:  # noqa: ARG002
        """The next turn of each role asked."""
        for ask in asks:
            self.asked.append(ask)
            waiting = self._turns.get(ask.role.key)
            turn = waiting.popleft() if waiting else Turn(ask.role.name, Deed.SILENT)
            yield turn if isinstance(turn, MalformedTurn) else Answer(replace(turn, role=ask.role.name))

    def bid(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Bid | MalformedTurn]:  # noqa: ARG002
        """The next bid of each role asked."""
        for ask in asks:
            waiting = self._bids.get(ask.role.key)
            yield waiting.popleft() if waiting else Bid(ask.role.name, 0.0, reason="nothing to say")

    def direct(self, ask: DirectorInput, *, seed: int) -> Ledger | MalformedTurn:  # noqa: ARG002
        """The next ledger; malformed when none is left."""
        return self._ledgers.popleft() if self._ledgers else MalformedTurn("", "no ledger was enqueued")

    def ascribe(self, excerpts: Sequence[Excerpt], *, seed: int) -> Iterator[Ascribed | Unascribed]:  # noqa: ARG002
        """The next ascription for each excerpt; when none is left, nothing can be told."""
        for excerpt in excerpts:
            self.excerpts.append(excerpt)
            yield self._ascriptions.popleft() if self._ascriptions else Ascribed({})
