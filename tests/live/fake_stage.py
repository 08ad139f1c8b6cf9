"""A live stage on loopback that does as it is told: real sockets, so that real browsers and real clients meet it.

It speaks the protocol of ``/v1/realtime``, keeps its events for clients that come back, and notes all that clients
send. Whatever is said on it, the test says.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

RATE_HZ = 24_000
TOKEN = "a-token-of-the-test"  # noqa: S105 - opens nothing but this
SESSION = "sess_of_the_test"
WAIT_S = 20.0
"""How long a test waits for something that has to happen; nothing depends on how fast it does."""

ROLES = (
    {"name": "Ethan", "profile": "A guitarist who lost his amplifier.", "voice": "en-3", "person": False},
    {"name": "Sophia", "profile": "She organised the picnic.", "voice": "en-7", "person": False},
    {"name": "Mara", "profile": "She has just arrived.", "voice": "", "person": True},
)

Page = tuple[str, bytes]
"""Content type and content."""


class FakeStage:
    """Use it as a context manager; every method may be called from any thread.

    Args:
        pages: What is served besides the socket: path to content.
        headers: Of every page.
        refuses: A code to close each connection with, after an error of the code `error`.
    """

    def __init__(
        self,
        pages: Callable[[str], Page | None] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        refuses: int = 0,
        error: str = "session_limit_reached",
    ) -> None:
        self.received: list[dict[str, Any]] = []
        self.offers: list[tuple[str, ...]] = []
        self.closed_with: list[int | None] = []
        self.connections = 0
        self.accepts = True
        self.forgets = False
        self.answers_open = True
        self._pages = pages or (lambda _: None)
        self._headers = dict(headers or {})
        self._refuses = refuses
        self._error = error
        self._events: list[str] = []
        self._socket: ServerConnection | None = None
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fake stage", daemon=True)
        self._server: Server | None = None
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    # What happens on stage

    def tell(self, event: Mapping[str, Any]) -> None:
        """Send an event, or keep it for when the client is back."""
        self._run(self._tell(dict(event)))

    def speak(self, item: str, role: str, text: str, seconds: float = 0.4, *, end: bool = True) -> None:
        """An agent says something: all its events up to the end of its sound."""
        answer = {"response_id": f"resp_{item}", "item_id": item}
        self.tell({"type": "response.created", "response": {"id": f"resp_{item}", "status": "in_progress"}})
        how = {"style": "cheerful", "addresses": ["Mara"], "deed": "speak"}
        self.tell({**answer, "type": "drama.turn", "role": role, **how})
        self.tell({"type": "drama.queue", "speaking": role, "next": "Mara", "waits_for_person": False})
        self.tell({**answer, "type": "response.output_audio_transcript.delta", "delta": text})
        self.sound(item, seconds)
        if end:
            self.finish(item, text)

    def finish(self, item: str, text: str) -> None:
        """A line is over."""
        answer = {"response_id": f"resp_{item}", "item_id": item}
        self.tell({**answer, "type": "response.output_audio.done"})
        self.tell({**answer, "type": "response.output_audio_transcript.done", "transcript": text})
        self.tell({"type": "response.done", "response": {"id": f"resp_{item}", "status": "completed"}})
        self.tell({"type": "drama.queue", "speaking": None, "next": None, "waits_for_person": False})

    def sound(self, item: str, seconds: float) -> None:
        """More sound of a line, 40 ms an event."""
        times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        pcm = (8000 * np.sin(2 * np.pi * 330 * times)).astype("<i2")
        for first in range(0, len(pcm), 960):
            delta = base64.b64encode(pcm[first : first + 960].tobytes()).decode()
            self.tell(
                {
                    "type": "response.output_audio.delta",
                    "response_id": f"resp_{item}",
                    "item_id": item,
                    "output_index": 0,
                    "content_index": 0,
                    "delta": delta,
                }
            )

    def message(self, number: int, speaker: str, text: str, *, cut: bool = False) -> None:
        """Something is in the record."""
        entry = {"id": number, "speaker": speaker, "text": text, "deed": "speak", "style": "default", "strength": 1.0}
        more = {
            "addresses": [],
            "audience": [],
            "start_s": float(number),
            "end_s": number + 1.0,
            "take": "",
            "cut": cut,
        }
        self.tell({"type": "drama.message", "message": {**entry, **more, "fallback": ""}})

    def clear(self, item: str) -> None:
        """The line is cut: the client must be silent now."""
        answer = {"response_id": f"resp_{item}"}
        self.tell({**answer, "type": "output_audio_buffer.cleared"})
        self.tell({"type": "response.done", "response": {"id": f"resp_{item}", "status": "cancelled"}})

    def hang_up(self, code: int = 1011) -> None:
        """Break the connection."""
        self._run(self._hang_up(code))

    # What a test wants to know

    def wait_for(self, wanted: Callable[[], object], what: str = "") -> None:
        """Until something is so; fails if it never is."""
        deadline = time.monotonic() + WAIT_S
        with self._changed:
            while not wanted():
                left = deadline - time.monotonic()
                assert left > 0, f"never came: {what or wanted}; there are {sorted({e['type'] for e in self.received})}"
                self._changed.wait(min(left, 0.1))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Received events of a type."""
        with self._changed:
            return [event for event in self.received if event["type"] == kind]

    def wait_event(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Until so many events of a type have come."""
        self.wait_for(lambda: len(self.of(kind)) >= count, f"{count} {kind}")
        return self.of(kind)

    def microphone(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        """All sound that was received."""
        data = b"".join(base64.b64decode(event["audio"]) for event in self.of("input_audio_buffer.append"))
        return np.frombuffer(data, "<i2")

    # The server

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    async def _open(self) -> None:
        self._server = await serve(
            self._talk,
            "127.0.0.1",
            0,
            process_request=self._http,
            select_subprotocol=self._choose,
            max_size=1_000_000,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        if parts.path == "/v1/realtime":
            if not self.accepts:
                return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "not now\n")
            token = request.headers.get("Authorization", "") == f"Bearer {TOKEN}"
            offered = request.headers.get("Sec-WebSocket-Protocol", "")
            self.offers.append(tuple(part.strip() for part in offered.split(",") if part))
            if not token and f"openai-insecure-api-key.{TOKEN}" not in offered:
                return connection.respond(HTTPStatus.UNAUTHORIZED, "no token\n")
            return None
        page = self._pages(parts.path)
        if page is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such page\n")
        kind, content = page
        headers = Headers({"Content-Type": kind, "Content-Length": str(len(content)), "Connection": "close"})
        headers.update(self._headers)
        return Response(200, "OK", headers, content)

    @staticmethod
    def _choose(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return Subprotocol("realtime") if "realtime" in offered else None

    async def _talk(self, socket: ServerConnection) -> None:
        self.connections += 1
        if self._refuses:
            await socket.send(json.dumps({"type": "error", "error": {"code": self._error, "message": "no room"}}))
            await socket.close(self._refuses)
            return
        assert socket.request is not None
        query = parse_qs(urlsplit(socket.request.path).query)
        if "session_id" in query:
            if self.forgets or query["session_id"] != [SESSION]:
                await socket.send(
                    json.dumps({"type": "error", "error": {"code": "session_expired", "message": "gone"}})
                )
                await socket.close(4004)
                return
            after = int(query.get("after_event_id", ["event_0"])[0].removeprefix("event_"))
            resumed = {"type": "drama.session.resumed", "session_id": SESSION, "missed": 0}
            await socket.send(json.dumps({**resumed, "event_id": f"event_{after:08}"}))
            for event in self._events[after:]:
                await socket.send(event)
            self._socket = socket
        else:
            self._events.clear()
            self._socket = socket
            await self._tell({"type": "session.created", "session": {"id": SESSION, "type": "realtime"}})
        try:
            async for frame in socket:
                await self._take(json.loads(frame))
        except ConnectionClosed:
            pass
        finally:
            self.closed_with.append(socket.close_code)
            if self._socket is socket:
                self._socket = None
            with self._changed:
                self._changed.notify_all()

    async def _take(self, event: dict[str, Any]) -> None:
        with self._changed:
            self.received.append(event)
            self._changed.notify_all()
        if event["type"] == "drama.scene.open" and self.answers_open:
            roles = [{**role, "person": role["name"] == event["role"]} for role in ROLES]
            about = {"title": "City park picnic", "setting": "EXT. CITY PARK - DAY", "background": "", "language": "en"}
            more = {"controller": "rehearsal", "listener": "pocketsphinx", "production": "0123456789abcdef"}
            await self._tell({"type": "drama.scene.opened", **about, "role": event["role"], "roles": roles, **more})
        if event["type"] == "drama.ping" and self._socket is not None:
            await self._socket.send(json.dumps({"type": "drama.pong", "client_event_id": event.get("event_id")}))

    async def _tell(self, event: dict[str, Any]) -> None:
        event["event_id"] = f"event_{len(self._events) + 1:08}"
        self._events.append(json.dumps(event))
        if self._socket is not None:
            await self._socket.send(self._events[-1])

    async def _hang_up(self, code: int) -> None:
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close(code)
