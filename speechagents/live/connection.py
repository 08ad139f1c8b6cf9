"""A client's way to the live stage: a token, a WebSocket, and coming back when it breaks.

Owns the address, logging in, and one session over as many connections as the network makes of it. Does not know sound
or what is said: events are plain values, as `live.server_events` and `live.drama_events` describe them.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.typing import Subprotocol

from speechagents.errors import SettingsError, StageError
from speechagents.live.close_codes import CloseCode
from speechagents.live.event_ids import event_id, event_number
from speechagents.live.socket import REALTIME_PATH, SECRETS_PATH

_WINDOW_S: Final = 30.0
"""So long the server keeps a session whose connection is gone."""
_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 8.0
_TIMEOUT_S: Final = 10.0
_MAX_FRAME_BYTES: Final = 4_000_000

_ENDINGS: Final[Mapping[int, str]] = {
    CloseCode.TRY_LATER: "all places on stage are taken; try again in a few minutes",
    CloseCode.TAKEN_OVER: "the session goes on over another connection",
    CloseCode.GONE: "the session has ended",
    CloseCode.IDLE: "nothing was heard from here for long, so the session has ended",
}

Event = dict[str, Any]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Server:
    """Where the live stage is, and who wants to come in.

    Attributes:
        url: Of the web app, such as ``http://127.0.0.1:7860``.
        user: Name to log in with; empty for a server without a login.
        password: Of that user.
    """

    url: str
    user: str = ""
    password: str = ""

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise SettingsError(f"{self.url!r} is no server; write it like http://127.0.0.1:7860")
        if parts.username or parts.password:
            raise SettingsError("no passwords in addresses; name the user with --user")

    def __repr__(self) -> str:
        return f"Server(url={self.url!r}, user={self.user!r})"

    @property
    def is_here(self) -> bool:
        """It runs on this machine: no proxy stands between."""
        return urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")

    @property
    def secrets_url(self) -> str:
        """Where tokens are given."""
        return self.url.rstrip("/") + SECRETS_PATH

    @property
    def socket_url(self) -> str:
        """The WebSocket."""
        return "ws" + self.url.rstrip("/").removeprefix("http") + REALTIME_PATH


class Connection:
    """One session with a live stage; use it as an asynchronous context manager.

    Leaving it tells the server that the session is over. A connection that breaks is made again for half a minute, and
    what was missed is received; then, or when the server ends the session, `events` raises.

    Args:
        server: Where it is.
        sleep: Waits between tries.
        now: The clock, in seconds.
    """

    def __init__(
        self, server: Server, *, sleep: Sleep = asyncio.sleep, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._server = server
        self._sleep = sleep
        self._now = now
        # Keeps the visitor's cookie: a token of another visitor would not open the same session.
        auth = httpx.BasicAuth(server.user, server.password) if server.user else None
        self._http = httpx.AsyncClient(auth=auth, timeout=_TIMEOUT_S, trust_env=not server.is_here)
        self._socket: ClientConnection | None = None
        self._open = asyncio.Event()
        self._received = 0
        self.session_id = ""

    async def __aenter__(self) -> Self:
        try:
            await self._connect()
        except BaseException:
            await self._http.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.clear()
        if self._socket is not None:
            await self._socket.close(CloseCode.LEFT)
        await self._http.aclose()

    @property
    def is_open(self) -> bool:
        """Events go out now."""
        return self._open.is_set()

    async def send(self, event: Mapping[str, Any]) -> None:
        """Send an event, now or when the connection is back."""
        while True:
            await self._open.wait()
            if await self.send_now(event):
                return

    async def send_now(self, event: Mapping[str, Any]) -> bool:
        """Send what is worthless later; false if there is no connection now."""
        if self._socket is None or not self._open.is_set():
            return False
        try:
            await self._socket.send(json.dumps(event))
        except ConnectionClosed:
            self._open.clear()  # whoever reads the events makes another
            return False
        return True

    async def events(self) -> AsyncIterator[Event]:
        """All events of the server, each once.

        Raises:
            StageError: The session is over, or the connection did not come back.
        """
        while True:
            assert self._socket is not None  # noqa: S101 - there is one inside the context
            try:
                async for frame in self._socket:
                    event = self._take(frame)
                    if event is not None:
                        yield event
            except ConnectionClosed:
                pass  # how it was closed is looked at below
            self._open.clear()
            code = self._socket.close_code
            if code is not None and code in _ENDINGS:
                raise StageError(f"{self._server.url}: {_ENDINGS[code]}")
            await self._come_back()

    def _take(self, frame: str | bytes) -> Event | None:
        try:
            event = json.loads(frame)
        except ValueError:
            return None
        if not isinstance(event, dict) or not isinstance(event.get("type"), str):
            return None
        number = event_number(str(event.get("event_id") or "")) or 0
        if event["type"] == "session.created":
            self.session_id = str((event.get("session") or {}).get("id", ""))
        if event["type"] == "drama.session.resumed":
            self._open.set()
            return event
        if number and number <= self._received:
            return None
        self._received = max(self._received, number)
        return event

    async def _come_back(self) -> None:
        lost_s = self._now()
        wait_s = _FIRST_WAIT_S
        while True:
            left_s = _WINDOW_S - (self._now() - lost_s)
            if left_s <= 0 or not self.session_id:
                raise StageError(f"{self._server.url}: the connection broke and did not come back within half a minute")
            # Jitter, so that all clients of a server that was restarted do not come at once.
            await self._sleep(min(left_s, wait_s * random.uniform(0.8, 1.2)))  # noqa: S311 - no secret
            try:
                await self._connect()
            except StageError:
                wait_s = min(_LONGEST_WAIT_S, wait_s * 2)
            else:
                return

    async def _connect(self) -> None:
        token = await self._token()
        query = {"session_id": self.session_id} if self.session_id else {}
        if query and self._received:
            query["after_event_id"] = event_id(self._received)
        try:
            self._socket = await connect(
                f"{self._server.socket_url}{'?' if query else ''}{urlencode(query)}",
                additional_headers={"Authorization": f"Bearer {token}"},
                subprotocols=[Subprotocol("realtime")],
                open_timeout=_TIMEOUT_S,
                max_size=_MAX_FRAME_BYTES,
                compression=None,
                user_agent_header="speechagents",
                proxy=None if self._server.is_here else True,
            )
        except (OSError, InvalidHandshake, InvalidMessage, TimeoutError, EOFError) as error:
            raise StageError(f"{self._server.url}: the live stage cannot be reached ({error})") from error
        if not self.session_id:
            self._open.set()  # else the server says first whether the session is still there

    async def _token(self) -> str:
        try:
            answer = await self._http.post(self._server.secrets_url, json={})
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise StageError(
                f"no server answers at {self._server.url}; start one with: speechagents serve, "
                "or name another with --server URL"
            ) from error
        except httpx.HTTPError as error:
            raise StageError(f"{self._server.url}: no answer ({str(error) or type(error).__name__})") from error
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            if self._server.user:
                raise SettingsError(f"{self._server.url} does not know {self._server.user} with this password")
            raise SettingsError(f"{self._server.url} wants a login; name the user with --user NAME")
        try:
            token = answer.json()["value"]
        except (ValueError, KeyError, TypeError):
            token = None
        if answer.status_code != httpx.codes.OK or not isinstance(token, str):
            raise StageError(
                f"{self._server.url} gives no token for a live stage (status {answer.status_code}); "
                "is it a SpeechAgents server?"
            )
        return token
