"""One connection to the live stage: it finds its seat, reads, writes, and hangs up.

Owns the life of the connection and the pace at which a client is read. Does not know who may connect (`socket`), what
events mean (`wire`) or how many sessions there are (`sessions`). One task reads and one writes; whatever does not get
through waits in the outbox, which is bounded, and in the socket, which is.

A client that sends faster than it may is read slower, so that nothing of its sound is lost. A frame that is wrong
becomes an ``error`` event; too many in a row, and the line is closed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Receive
from starlette.websockets import WebSocket, WebSocketDisconnect

from speechagents.drama import MAX_NAME_CHARS, clean_name
from speechagents.errors import SpeechAgentsError
from speechagents.live import drama_events, server_events
from speechagents.live.bucket import Bucket
from speechagents.live.client_events import AppendAudio, ClientEvent, Ping, ResumeSession
from speechagents.live.close_codes import CloseCode
from speechagents.live.event_ids import event_id, event_number
from speechagents.live.outbox import Feed, FeedEnded
from speechagents.live.server_events import ServerEvent
from speechagents.live.server_reach import drop
from speechagents.live.sessions import Clock, Seat, SessionGone, SessionLimitReached, Sessions, Sleep, Ticket
from speechagents.live.wire import MAX_FRAME_BYTES, WireError, parse

_log = logging.getLogger(__name__)

_COMPLAINT_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class LineLimits:
    """What one connection may do.

    Attributes:
        frame_bytes: Largest frame.
        frames_per_s: Frames that are read each second.
        frames_at_once: Frames that are read as fast as they come, after a while without any.
        audio_per_s: Seconds of sound that are read each second.
        audio_at_once_s: Seconds of sound that are read as fast as they come.
        faults_in_a_row: Wrong frames after which the line is closed.
        resume_wait_s: How long a client without a place may take to say that it comes back.
        close_s: How long saying goodbye may take.
        linger_s: How long the client may take to hear it.
    """

    frame_bytes: int = MAX_FRAME_BYTES
    frames_per_s: float = 100.0
    frames_at_once: float = 200.0
    audio_per_s: float = 4.0
    audio_at_once_s: float = 8.0
    faults_in_a_row: int = 20
    resume_wait_s: float = 2.0
    close_s: float = 1.0
    linger_s: float = 10.0


@dataclass(frozen=True, slots=True)
class _Goodbye:
    code: CloseCode
    reason: str


class _Refused(Exception):  # noqa: N818 - ends the search for a seat
    def __init__(self, code: CloseCode, error: ServerEvent) -> None:
        super().__init__(error["error"]["message"])
        self.code = code
        self.error = error


class Line:
    """A connection that was let in, its socket accepted.

    Args:
        socket: To the client.
        receive: The ASGI callable of the socket.
        sessions: Where its seat is.
        visitor: Who it is.
        limits: What it may do.
        now: The clock.
        sleep: Waits on the same clock.
    """

    def __init__(
        self,
        socket: WebSocket,
        receive: Receive,
        sessions: Sessions,
        visitor: str,
        *,
        limits: LineLimits,
        now: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._socket = socket
        self._receive = receive
        self._sessions = sessions
        self._visitor = visitor
        self._limits = limits
        self._now = now
        self._sleep = sleep
        self._frames = Bucket(limits.frames_per_s, limits.frames_at_once, now)
        self._audio = Bucket(limits.audio_per_s, limits.audio_at_once_s, now)
        self._goodbye: _Goodbye | None = None
        self._hung_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._busy = False
        self._at_rest = asyncio.Event()
        self._seat: Seat | None = None
        self._writer: asyncio.Task[None] | None = None
        self._is_first = True
        self._faults = 0
        self._complained_s: float | None = None

    def hang_up(self, code: CloseCode, reason: str) -> None:
        """Close soon; the first call counts."""
        if not self._goodbye:
            self._goodbye = _Goodbye(code, reason)
            self._hung_up.set_result(None)

    async def run(self) -> None:
        """Serve the client until one side hangs up; its session then waits for it, or ends if it took its leave."""
        reader = asyncio.create_task(self._read())
        left = False
        try:
            await asyncio.wait((reader, self._hung_up), return_when=asyncio.FIRST_COMPLETED)
            left = not self._goodbye and reader.result() == CloseCode.LEFT
        finally:
            # What a session has begun to do with an event it also finishes.
            while self._busy:
                await self._at_rest.wait()
            for task in (reader, self._writer):
                await _stop(task)
            if self._seat is not None:
                await self._seat.detach(self)
                if left:
                    await self._sessions.end(self._seat, "the client left")
        if self._goodbye:
            await self._say(self._goodbye)

    async def _read(self) -> int:
        """Take a seat and read; the code with which the client closed."""
        try:
            await self._sit_down()
            while not self._goodbye:
                await self._take(await self._frame())
        except WebSocketDisconnect as gone:
            return gone.code
        except _Refused as refusal:
            await self._turn_away(refusal.code, refusal.error)
        except SpeechAgentsError as fault:
            error = server_events.error(str(fault), code="failed", kind=server_events.ERROR_OURS)
            await self._turn_away(CloseCode.INTERNAL, error)
        except Exception:  # noqa: BLE001 - whatever it is, the client is told and the place becomes free
            _log.exception("a live connection failed")
            self.hang_up(CloseCode.INTERNAL, "something went wrong here")
        return CloseCode.INTERNAL

    async def _turn_away(self, code: CloseCode, error: ServerEvent) -> None:
        try:
            await self._send({**error, "event_id": event_id(0)})
        except WebSocketDisconnect:
            return
        self.hang_up(code, str(error["error"]["code"]))

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Hanging up waits for what is done here."""
        self._busy = True
        try:
            yield
        finally:
            self._busy = False
            self._at_rest.set()
            self._at_rest.clear()

    # Finding a seat

    async def _sit_down(self) -> None:
        query = self._socket.query_params
        if session_id := query.get("session_id", ""):
            await self._resume(session_id, event_number(query.get("after_event_id", "")) or 0)
            return
        try:
            ticket, first = self._admit(), None
        except SessionLimitReached as full:
            # One of the places may be its own: then it is given the time to say that it comes back.
            if not self._sessions.is_awaited(self._visitor):
                raise _limit_reached(full) from full
            first = await self._frame_soon()
            if first is not None and isinstance(event := _parsed(first), ResumeSession):
                await self._resume(event.session_id, event.after)
                return
            await self._sessions.make_room(self._visitor)
            try:
                ticket = self._admit()
            except SessionLimitReached as still_full:
                raise _limit_reached(still_full) from still_full
        seat = await self._sessions.open(ticket)
        self._writer = asyncio.create_task(self._write(await self._sit(seat, after=0)))
        if first is not None:
            await self._take(first)

    def _admit(self) -> Ticket:
        query = self._socket.query_params
        scene, role = (clean_name(query.get(name, "")[:MAX_NAME_CHARS]) for name in ("scene", "role"))
        return self._sessions.admit(self._visitor, scene=scene, role=role)

    async def _resume(self, session_id: str, after: int) -> None:
        unused = self._seat
        try:
            seat = await self._sessions.resume(session_id, self._visitor)
            await _stop(self._writer)
            feed = await self._sit(seat, after=after)
        except SessionGone as gone:
            message = "this session is over, or is not yours; connect again without it to begin a new one"
            raise _Refused(CloseCode.GONE, server_events.error(message, code="session_expired")) from gone
        self._is_first = False
        if unused is not None and unused is not seat:
            with self._undisturbed():
                await unused.detach(self)
                await self._sessions.end(unused, "unused")
        # The event's id is that of the last event the client has, so that a client that remembers the newest id it saw
        # is right also if the line breaks now.
        event = drama_events.session_resumed(seat.ticket.session_id, feed.missed)
        await self._send({**event, "event_id": event_id(after)})
        self._writer = asyncio.create_task(self._write(feed))

    async def _sit(self, seat: Seat, *, after: int) -> Feed:
        with self._undisturbed():
            feed = await seat.attach(self, after=after)
            self._seat = seat
        return feed

    async def _frame_soon(self) -> str | bytes | None:
        try:
            async with asyncio.timeout(self._limits.resume_wait_s):
                return await self._frame()
        except TimeoutError:
            return None

    # Reading

    async def _frame(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005), message.get("reason"))
        text = message.get("text")
        frame: str | bytes = message.get("bytes", b"") if text is None else text
        if len(frame) > self._limits.frame_bytes:
            remedy = f"a frame has at most {self._limits.frame_bytes} bytes; send sound in shorter pieces"
            raise _Refused(CloseCode.TOO_BIG, server_events.error(remedy, code="frame_too_large"))
        await self._keep_pace(self._frames.take(1.0), f"{self._limits.frames_per_s:g} frames")
        return frame

    async def _take(self, frame: str | bytes) -> None:
        seat = self._seat
        if seat is None:  # pragma: no cover - nothing is read before there is a seat
            return
        try:
            event = parse(frame)
            if isinstance(event, ResumeSession) and not self._is_first:
                raise WireError(
                    "a session is resumed with the first event of a connection; connect again",
                    code="out_of_order",
                    param="type",
                    event_id=event.event_id,
                )
        except WireError as fault:
            seat.report(fault)
            self._faults += 1
            if self._faults >= self._limits.faults_in_a_row:
                self.hang_up(CloseCode.POLICY, f"{self._faults} wrong frames in a row")
            return
        self._faults = 0
        await self._obey(seat, event)

    async def _obey(self, seat: Seat, event: ClientEvent) -> None:
        match event:
            case Ping():
                await self._send(drama_events.pong(event.event_id))
            case ResumeSession():
                await self._resume(event.session_id, event.after)
            case AppendAudio():
                self._is_first = False
                wait_s = self._audio.take(event.audio.duration_s)
                with self._undisturbed():
                    await seat.deliver(event)
                await self._keep_pace(wait_s, f"{self._limits.audio_per_s:g} s of sound")
            case _:
                self._is_first = False
                with self._undisturbed():
                    await seat.deliver(event)

    async def _keep_pace(self, wait_s: float, allowed: str) -> None:
        if wait_s <= 0.0:
            return
        now_s = self._now()
        recently = self._complained_s is not None and now_s - self._complained_s < _COMPLAINT_EVERY_S
        if self._seat is not None and not recently:
            self._complained_s = now_s
            self._seat.report(
                WireError(f"more than {allowed} a second; you are read slower now", code="rate_limit_exceeded")
            )
        await self._sleep(wait_s)

    # Writing

    async def _write(self, feed: Feed) -> None:
        try:
            while True:
                await self._socket.send_text(await feed.next())
        except (FeedEnded, WebSocketDisconnect):
            return  # the reader, or who took the seat, knows already

    async def _send(self, event: ServerEvent) -> None:
        """Send what belongs to this connection and not to the session."""
        await self._socket.send_text(json.dumps(event, separators=(",", ":")))

    async def _say(self, goodbye: _Goodbye) -> None:
        try:
            async with asyncio.timeout(self._limits.close_s):
                await self._socket.close(goodbye.code, goodbye.reason)
        except TimeoutError:
            drop(self._receive)
        except (RuntimeError, OSError, WebSocketDisconnect):
            return  # the client is gone
        asyncio.get_running_loop().call_later(self._limits.linger_s, drop, self._receive)


async def _stop(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait((task,))


def _parsed(frame: str | bytes) -> ClientEvent | None:
    try:
        return parse(frame)
    except WireError:
        return None


def _limit_reached(full: SessionLimitReached) -> _Refused:
    return _Refused(CloseCode.TRY_LATER, server_events.error(str(full), code="session_limit_reached"))
