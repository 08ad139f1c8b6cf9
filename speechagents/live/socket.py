"""The doors of the live stage: the WebSocket ``/v1/realtime``, and the token that opens it.

Owns the handshake: where a connection comes from, whose token it carries and which subprotocol it speaks. Does not
know how tokens are made (`Gate`) or what happens behind the door (`line`). The routes carry their own guards, so that
they may be put into any Starlette or FastAPI application, before its own routes.

A stock ``openai`` client sends the token as its API key; a browser, which cannot set headers, as a subprotocol. It
is never part of the URL: URLs are logged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from speechagents.live.line import Line, LineLimits
from speechagents.live.server_reach import limit_frames, refuse_compression
from speechagents.live.sessions import Clock, Sessions, Sleep

REALTIME_PATH: Final = "/v1/realtime"
SECRETS_PATH: Final = "/v1/realtime/client_secrets"

_SUBPROTOCOL: Final = "realtime"
_KEY_SUBPROTOCOL: Final = "openai-insecure-api-key."
_MAX_TOKEN_CHARS: Final = 2_000


class Gate(Protocol):
    """Who may come in."""

    def visitor_of_token(self, token: str) -> str | None:
        """The visitor a token was made for; None if it was not made here, or is too old."""

    def origin_allowed(self, headers: Headers) -> bool:
        """Whether a page of that origin may connect; what is no browser names none."""

    def issue_token(self, visitor: str) -> tuple[str, float]:
        """A new token, and when it ends in seconds of Unix time."""


def live_routes(
    sessions: Sessions,
    gate: Gate,
    *,
    limits: LineLimits | None = None,
    visitor_of: Callable[[HTTPConnection], str | None] | None = None,
    now: Clock = time.monotonic,
    sleep: Sleep = asyncio.sleep,
) -> list[BaseRoute]:
    """The routes of the live stage.

    Args:
        sessions: All sessions.
        gate: Who may come in.
        limits: What one connection may do.
        visitor_of: Who asks for a token; None takes ``scope["state"]["visitor"].id``.
        now: The clock.
        sleep: Waits on the same clock.
    """
    return [
        WebSocketRoute(REALTIME_PATH, _Realtime(sessions, gate, limits or LineLimits(), now, sleep)),
        Route(SECRETS_PATH, _client_secrets(gate, visitor_of or _visitor_in_state), methods=["POST"]),
    ]


class _Realtime:
    """The ASGI application behind `REALTIME_PATH`."""

    def __init__(self, sessions: Sessions, gate: Gate, limits: LineLimits, now: Clock, sleep: Sleep) -> None:
        self._sessions = sessions
        self._gate = gate
        self._limits = limits
        self._now = now
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit_frames(receive, self._limits.frame_bytes)
        refuse_compression(receive)
        socket = WebSocket(scope, receive, send)
        if not self._gate.origin_allowed(socket.headers):
            await _deny(socket, 403, "origin_not_allowed", "pages of this origin may not connect here")
            return
        token = _token(socket)
        visitor = self._gate.visitor_of_token(token) if token else None
        if visitor is None:
            await _deny(socket, 401, "invalid_token", f"get a token with POST {SECRETS_PATH}, and send it as API key")
            return
        await socket.accept(_SUBPROTOCOL if _SUBPROTOCOL in _subprotocols(socket) else None)
        line = Line(socket, receive, self._sessions, visitor, limits=self._limits, now=self._now, sleep=self._sleep)
        await line.run()


def _token(socket: WebSocket) -> str:
    """The token a connection carries, empty for none."""
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.casefold() != "bearer":
        offered = [name for name in _subprotocols(socket) if name.startswith(_KEY_SUBPROTOCOL)]
        token = offered[0].removeprefix(_KEY_SUBPROTOCOL) if offered else ""
    token = token.strip()
    return token if len(token) <= _MAX_TOKEN_CHARS else ""


def _subprotocols(socket: WebSocket) -> list[str]:
    return list(socket.scope.get("subprotocols", ()))


async def _deny(socket: WebSocket, status: int, code: str, message: str) -> None:
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(_error(status, code, message))
    else:
        await socket.close()


def _client_secrets(gate: Gate, visitor_of: Callable[[HTTPConnection], str | None]) -> Callable[[Request], Response]:
    def client_secrets(request: Request) -> Response:
        if not gate.origin_allowed(request.headers):
            return _error(403, "origin_not_allowed", "pages of this origin may not connect here")
        visitor = visitor_of(request)
        if visitor is None:
            return _error(401, "unknown_visitor", "log in, or let the cookie of this site be set, and ask again")
        token, ends_at = gate.issue_token(visitor)
        session = {"id": "", "object": "realtime.session", "type": "realtime"}
        return _private(JSONResponse({"value": token, "expires_at": int(ends_at), "session": session}))

    return client_secrets


def _visitor_in_state(connection: HTTPConnection) -> str | None:
    visitor = getattr(connection.state, "visitor", None)
    return None if visitor is None else str(visitor.id)


def _error(status: int, code: str, message: str) -> Response:
    body = {"error": {"type": "invalid_request_error", "code": code, "message": message, "param": None}}
    response = _private(JSONResponse(body, status))
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
