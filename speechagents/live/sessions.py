"""Who is on the live stage: admission, ownership, coming back, expiry.

Owns the seats: how many there are, whose they are, which connection sits on each, and how long one is kept for a
client that lost its connection. Nothing is allocated for whoever is not admitted. Does not know sockets or what a
session does. Everything happens on one loop; the clock is given.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from speechagents.errors import InputError, SpeechAgentsError
from speechagents.live import server_events
from speechagents.live.client_events import ClientEvent
from speechagents.live.close_codes import CloseCode
from speechagents.live.fields import WireError
from speechagents.live.outbox import Feed, Outbox, OutboxLimits

_log = logging.getLogger(__name__)

_LONGEST_NAP_S = 5.0
"""Seats are looked at this often; whoever comes back is judged by the clock, not by this."""

Clock = Callable[[], float]
"""Seconds; never goes back."""
Sleep = Callable[[float], Awaitable[object]]
"""Waits for so many seconds."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A connection is there: the first one, or after `Detached`, or instead of the one before.

    Attributes:
        missed: How many events its client does not have and will not get; whatever it needs must be told anew.
    """

    missed: int


@dataclass(frozen=True, slots=True)
class Detached:
    """The connection is gone; another may come."""


SessionInput = ClientEvent | Attached | Detached


class LiveSession(Protocol):
    """One person and the agents that play with it."""

    async def receive(self, event: SessionInput) -> None:
        """Take the next event; never called twice at once.

        Raises:
            WireError: The client cannot have what it asks for; it is told so, and the session goes on.
        """

    async def close(self, reason: str) -> None:
        """End; called once, after the last `receive`."""


class Connection(Protocol):
    """What sits on a seat."""

    def hang_up(self, code: CloseCode, reason: str) -> None:
        """Close soon; may be called twice, the first counts."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Admission of one session.

    Attributes:
        session_id: Not to be guessed.
        visitor: Whose session it is.
        scene: Name of the example that was asked for with the connection, empty for none.
        role: Name of the role that was asked for with it, empty for none.
    """

    session_id: str
    visitor: str
    scene: str = ""
    role: str = ""


SessionFactory = Callable[[Ticket, Outbox], Awaitable[LiveSession]]
"""Makes the session of a ticket; it puts ``session.created`` into the outbox, before anything else."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How many sessions, and how long.

    Attributes:
        total: Most sessions at once, those that wait for their client included.
        per_visitor: Most sessions of one visitor.
        resume_s: How long a session waits for a client that lost its connection.
        idle_s: How long a connected client may say nothing at all.
    """

    total: int = 25
    per_visitor: int = 2
    resume_s: float = 30.0
    idle_s: float = 900.0

    def __post_init__(self) -> None:
        if self.total < 1 or self.per_visitor < 1:
            raise ValueError(f"{self.total} sessions, {self.per_visitor} of one visitor, are too few")
        if self.resume_s <= 0.0 or self.idle_s <= 0.0:
            raise ValueError(f"waiting {self.resume_s} s and {self.idle_s} s is no waiting")


class SessionLimitReached(Exception):  # noqa: N818 - reads as a state
    """There is no room; the message says for whom."""


class SessionGone(Exception):  # noqa: N818 - reads as a state
    """The session is over, belongs to somebody else or never was: which one, nobody is told."""


class Seat:
    """The place of one session; made by `Sessions.open`.

    Attributes:
        ticket: Whose it is.
    """

    def __init__(self, ticket: Ticket, outbox: Outbox, session: LiveSession, now: Clock) -> None:
        self.ticket = ticket
        self._outbox = outbox
        self._session = session
        self._now = now
        self._connection: Connection | None = None
        self._feed: Feed | None = None
        self._in_turn = asyncio.Lock()
        self._ended = False
        self._quiet_since_s = now()

    @property
    def is_taken(self) -> bool:
        """A connection sits on it."""
        return self._connection is not None

    @property
    def is_ended(self) -> bool:
        """The session is over, or about to be."""
        return self._ended

    @property
    def quiet_s(self) -> float:
        """Time since the last event came in, or since the connection went."""
        return self._now() - self._quiet_since_s

    async def attach(self, connection: Connection, *, after: int) -> Feed:
        """Put a connection on the seat; one that sits there is sent away.

        Args:
            connection: The new one.
            after: Number of the last event that its client has, 0 for none.

        Raises:
            SessionGone: The session has ended meanwhile.
        """
        if self._ended:
            raise SessionGone
        if self._connection is not connection:
            self.send_away(CloseCode.TAKEN_OVER, "the session goes on in another connection")
        self._connection = connection
        self._quiet_since_s = self._now()
        feed = self._outbox.attach(after, slow=lambda: connection.hang_up(CloseCode.POLICY, "reads too slowly"))
        self._feed = feed
        await self._tell(Attached(feed.missed))
        return feed

    async def detach(self, connection: Connection) -> None:
        """Leave the seat free for a client that comes back; nothing happens if another sits there already."""
        if self._connection is not connection or self._feed is None:
            return
        self._outbox.detach(self._feed)
        self._connection = self._feed = None
        self._quiet_since_s = self._now()
        await self._tell(Detached())

    async def deliver(self, event: ClientEvent) -> None:
        """Hand an event to the session; what goes wrong with it becomes an ``error`` event."""
        self._quiet_since_s = self._now()
        await self._tell(event)

    def report(self, fault: WireError, *, event_id: str = "") -> None:
        """Tell the client what it did wrong."""
        self._outbox.put(
            server_events.error(str(fault), code=fault.code, param=fault.param, event_id=fault.event_id or event_id)
        )

    def send_away(self, code: CloseCode, reason: str) -> None:
        """Close the connection that sits here, if one does."""
        if self._connection is not None:
            self._connection.hang_up(code, reason)

    async def end(self, reason: str) -> None:
        """End the session, after what it is doing now."""
        if self._ended:
            return
        self._ended = True
        self.send_away(CloseCode.GONE, reason)
        async with self._in_turn:
            try:
                await self._session.close(reason)
            except Exception:  # noqa: BLE001 - whatever it is, the place must become free
                _log.exception("a live session could not be closed")

    async def _tell(self, event: SessionInput) -> None:
        event_id = "" if isinstance(event, Attached | Detached) else event.event_id
        async with self._in_turn:
            if self._ended:
                return
            try:
                await self._session.receive(event)
            except WireError as fault:
                self.report(fault, event_id=event_id)
            except InputError as fault:
                self.report(WireError(str(fault), event_id=event_id))
            except SpeechAgentsError as fault:
                self._apologise(str(fault), "failed", event_id)
            except Exception:  # noqa: BLE001 - a fault with one event must not end what a person is playing
                _log.exception("a live session failed at %s", type(event).__name__)
                self._apologise("something went wrong here; the session goes on", "internal_error", event_id)

    def _apologise(self, message: str, code: str, event_id: str) -> None:
        self._outbox.put(server_events.error(message, code=code, kind=server_events.ERROR_OURS, event_id=event_id))


class Sessions:
    """All seats.

    Args:
        make: Makes a session.
        limits: How many and how long.
        outbox_limits: Bounds of each session's outbox.
        now: The clock.
        sleep: Waits on the same clock.
    """

    def __init__(
        self,
        make: SessionFactory,
        limits: SessionLimits | None = None,
        *,
        outbox_limits: OutboxLimits | None = None,
        now: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._make = make
        self._limits = limits or SessionLimits()
        self._outbox_limits = outbox_limits or OutboxLimits()
        self._now = now
        self._sleep = sleep
        self._admitted: dict[str, Ticket] = {}
        self._seats: dict[str, Seat] = {}
        self._watch: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """Sessions that are there, those about to begin or to end included."""
        return len(self._admitted)

    def admit(self, visitor: str, *, scene: str = "", role: str = "") -> Ticket:
        """Keep a place for a session.

        Raises:
            SessionLimitReached: There is none.
        """
        if len(self._admitted) >= self._limits.total:
            raise SessionLimitReached(f"all {self._limits.total} places on the stage are taken; try again later")
        if sum(ticket.visitor == visitor for ticket in self._admitted.values()) >= self._limits.per_visitor:
            raise SessionLimitReached(
                f"you have {self._limits.per_visitor} sessions on the stage already; end one of them first"
            )
        ticket = Ticket(f"sess_{secrets.token_hex(16)}", visitor, scene, role)
        self._admitted[ticket.session_id] = ticket
        return ticket

    async def open(self, ticket: Ticket) -> Seat:
        """Make the session of a ticket; if that fails, the ticket is void."""
        try:
            outbox = Outbox(self._outbox_limits)
            seat = Seat(ticket, outbox, await self._make(ticket, outbox), self._now)
        except BaseException:
            del self._admitted[ticket.session_id]
            raise
        self._seats[ticket.session_id] = seat
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._keep_watch())
        return seat

    def is_awaited(self, visitor: str) -> bool:
        """Whether the visitor has a session that another connection could resume."""
        return any(seat.ticket.visitor == visitor and not seat.is_ended for seat in self._seats.values())

    async def resume(self, session_id: str, visitor: str) -> Seat:
        """The seat of a session whose client comes back.

        Raises:
            SessionGone: The client cannot have it.
        """
        seat = self._seats.get(session_id)
        if seat is None or seat.ticket.visitor != visitor or seat.is_ended:
            raise SessionGone
        if self._is_over(seat):
            await self.end(seat, "expired")
            raise SessionGone
        return seat

    async def make_room(self, visitor: str) -> None:
        """End the session of the visitor that has waited longest for its client, if one waits."""
        waiting = [
            seat
            for seat in self._seats.values()
            if seat.ticket.visitor == visitor and not seat.is_taken and not seat.is_ended
        ]
        if waiting:
            await self.end(max(waiting, key=lambda seat: seat.quiet_s), "replaced")

    async def end(self, seat: Seat, reason: str) -> None:
        """End a session; its place is free when that is done."""
        await seat.end(reason)
        self._seats.pop(seat.ticket.session_id, None)
        self._admitted.pop(seat.ticket.session_id, None)

    async def sweep(self) -> None:
        """End sessions whose client did not come back in time, and those whose client says nothing for long."""
        over = [seat for seat in self._seats.values() if self._is_over(seat) and not seat.is_ended]
        await asyncio.gather(*(self._end_quiet(seat) for seat in over))

    async def shut_down(self) -> None:
        """End all sessions."""
        if self._watch is not None:
            self._watch.cancel()
        await asyncio.gather(*(self.end(seat, "the server stops") for seat in list(self._seats.values())))

    async def _end_quiet(self, seat: Seat) -> None:
        seat.send_away(CloseCode.IDLE, "nothing was heard for long")
        await self.end(seat, "expired")

    def _is_over(self, seat: Seat) -> bool:
        return seat.quiet_s > (self._limits.idle_s if seat.is_taken else self._limits.resume_s)

    async def _keep_watch(self) -> None:
        while self._seats:
            await self._sleep(min(_LONGEST_NAP_S, self._limits.resume_s, self._limits.idle_s))
            await self.sweep()
