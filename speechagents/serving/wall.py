"""The wall: what every request and every socket passes before anything else sees it.

Owns the order of the checks and the refusals. Does not know what is behind it: what a check is about is owned by
`gate`, `cookies`, `accounts`, `doors`, `rates` and `protection`. What comes through has its visitor in
``scope["state"]["visitor"]``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from speechagents.serving.accounts import Accounts
from speechagents.serving.answering import Answering, BodyLimit
from speechagents.serving.cookies import Cookies, read_cookies
from speechagents.serving.doors import STARTUP, UPLOAD, Doors, is_furniture
from speechagents.serving.gate import Gate
from speechagents.serving.rates import Buckets, Rate
from speechagents.serving.settings import ServeSettings
from speechagents.serving.tokens import Signer
from speechagents.serving.visitors import Visitor

HEALTH = "/healthz"
LOGIN = "/login"
LOGOUT = "/logout"
LIVE = "/v1/realtime"
_OURS = ("/productions/", "/voices/", "/studio/", f"{LIVE}/")
_WITHOUT_LOGIN = frozenset({HEALTH, LOGIN, LOGOUT, STARTUP, "/favicon.ico", "/robots.txt"})

_VISITOR_RATE = Rate(per_s=40.0, burst=400.0)
_ADDRESS_RATE = Rate(per_s=60.0, burst=600.0)
_PASSWORD_RATE = Rate(per_s=0.2, burst=10.0)

_BODY_BYTES = 8_000_000
_SMALL_BODY_BYTES = 64_000
_FORM_BYTES = 100_000
_BASIC_KEPT = 256
_BASIC_KEPT_S = 300.0


@dataclass(frozen=True, slots=True)
class Guards:
    """What the wall asks.

    Attributes:
        settings: Options of the server.
        signer: Signs what visitors keep.
        gate: Which origins and hosts may come.
        accounts: Who may come; None lets everybody in.
        doors: What may be asked for.
        head: Hashes of the scripts that pages write into their own head.
    """

    settings: ServeSettings
    signer: Signer
    gate: Gate
    accounts: Accounts | None
    doors: Doors
    head: frozenset[str] = frozenset()


class Wall:
    """ASGI middleware around the whole server.

    Args:
        app: What is behind it.
        guards: What it asks.
    """

    def __init__(self, app: ASGIApp, guards: Guards) -> None:
        self._app = app
        self._guards = guards
        self._cookies = Cookies(guards.signer, framed=guards.settings.on_space)
        self._by_visitor = Buckets(_VISITOR_RATE)
        self._by_address = Buckets(_ADDRESS_RATE)
        self._passwords = Buckets(_PASSWORD_RATE)
        self._basic: OrderedDict[str, tuple[str, str, float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request or socket through, or refuse it."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        headers = Headers(scope=scope)
        answering = Answering(send, path=path, query=scope.get("query_string", b""), head=self._guards.head)
        if path == HEALTH:
            await self._app(scope, receive, answering.send)
            return
        refusal = self._stranger_refused(headers)
        visitor, new = None, False
        if refusal is None:
            visitor, new, refusal = await self._who(scope, headers)
        if refusal is None and not self._leads_somewhere(path):
            refusal = _refuse(HTTPStatus.NOT_FOUND, "there is nothing here")
        if refusal is None and visitor is None and path not in _WITHOUT_LOGIN:
            refusal = _login_first(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, answering.send)
            return
        if visitor is not None:
            scope.setdefault("state", {})["visitor"] = visitor
        if new and visitor is not None and not is_furniture(path):
            answering.cookie = self._cookies.for_stranger(visitor, secure=is_secure(scope, headers))
        limit = BodyLimit(receive, answering, self._most_bytes(path))
        if limit.announced_too_much(headers):
            await _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, limit.message)(scope, receive, answering.send)
            return
        await limit.run(self._app, scope)
        if path == LOGIN and scope["method"] == "POST" and answering.status < HTTPStatus.BAD_REQUEST:
            self._passwords.forgive(_address(scope))

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refusal = self._stranger_refused(headers)
        visitor = None
        if refusal is None:
            visitor, _, refusal = await self._who(scope, headers)
        if refusal is None and scope["path"] != LIVE:
            refusal = _refuse(HTTPStatus.NOT_FOUND, "there is no socket here")
        if refusal is None and visitor is None and not self._shows_token(headers):
            refusal = _refuse(HTTPStatus.UNAUTHORIZED, "log in first")
        if refusal is None:
            if visitor is not None:
                scope.setdefault("state", {})["visitor"] = visitor
            await self._app(scope, receive, send)
        elif "websocket.http.response" in scope.get("extensions", {}):
            await receive()  # websocket.connect
            await refusal(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    def _leads_somewhere(self, path: str) -> bool:
        return path in (LOGIN, LOGOUT) or path.startswith(_OURS) or self._guards.doors.is_open(path)

    def _stranger_refused(self, headers: Headers) -> Response | None:
        """What can be told without knowing who it is."""
        if not self._guards.gate.host_allowed(headers):
            return _refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server is only for the machine it runs on")
        if not self._guards.gate.origin_allowed(headers):
            return _refuse(HTTPStatus.FORBIDDEN, "pages of other sites may not use this server")
        return None

    async def _who(self, scope: Scope, headers: Headers) -> tuple[Visitor | None, bool, Response | None]:
        """Who it is, whether they are new, and why they have to wait, if they do."""
        accounts = self._guards.accounts
        cookies = read_cookies(headers.get("cookie", ""))
        path: str = scope["path"]
        address = _address(scope)
        if accounts is None:
            visitor = self._cookies.stranger(cookies)
        else:
            visitor = self._cookies.known(cookies, accounts)
            if visitor is None and headers.get("authorization", "").lower().startswith("basic "):
                wait_s, visitor = await self._basic_login(headers["authorization"], address, accounts)
                if wait_s > 0:
                    return None, False, _slow_down(wait_s)
        new = visitor is None and accounts is None
        if path == LOGIN and scope["type"] == "http" and scope["method"] == "POST" and accounts is not None:
            wait_s = self._passwords.wait_s(address)
        elif is_furniture(path):
            wait_s = 0.0
        elif visitor is not None:
            wait_s = self._by_visitor.wait_s(visitor.id)
        else:
            wait_s = self._by_address.wait_s(address)
        if wait_s > 0:
            return None, False, _slow_down(wait_s)
        return (Visitor.stranger() if new else visitor), new, None

    async def _basic_login(self, header: str, address: str, accounts: Accounts) -> tuple[float, Visitor | None]:
        """Somebody who sends name and password with every request. They are checked in earnest now and then only."""
        key = hashlib.sha256(header.encode("utf-8", "replace")).hexdigest()
        now = time.monotonic()
        name, mark, until = self._basic.get(key, ("", "", 0.0))
        if until > now and accounts.mark(name) == mark:
            return 0.0, Visitor.named(name, self._guards.signer)
        wait_s = self._passwords.wait_s(address)
        if wait_s > 0:
            return wait_s, None
        try:
            name, _, password = base64.b64decode(header[6:].strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return 0.0, None
        if not await anyio.to_thread.run_sync(accounts.admits, name, password):
            return 0.0, None
        self._passwords.forgive(address)
        self._basic[key] = (name, accounts.mark(name) or "", now + _BASIC_KEPT_S)
        while len(self._basic) > _BASIC_KEPT:
            self._basic.popitem(last=False)
        return 0.0, Visitor.named(name, self._guards.signer)

    def _shows_token(self, headers: Headers) -> bool:
        """Whether a socket comes with a token that somebody got who had logged in."""
        tokens = [headers.get("authorization", "").removeprefix("Bearer ")]
        prefix = "openai-insecure-api-key."
        offered = [one.strip() for one in headers.get("sec-websocket-protocol", "").split(",")]
        tokens += [one.removeprefix(prefix) for one in offered if one.startswith(prefix)]
        return any(self._guards.gate.visitor_of_token(token) is not None for token in tokens)

    def _most_bytes(self, path: str) -> int:
        if path.rstrip("/") == UPLOAD:
            return self._guards.settings.allowance.upload_bytes + _FORM_BYTES
        return _SMALL_BODY_BYTES if path in (LOGIN, LOGOUT) or path.startswith(_OURS) else _BODY_BYTES


def _address(scope: Scope) -> str:
    return str(scope["client"][0]) if scope.get("client") else "?"


def is_secure(scope: Scope, headers: Headers) -> bool:
    """Whether the visitor came by TLS, to us or to the proxy before us."""
    return scope.get("scheme") == "https" or headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"


def _refuse(status: HTTPStatus, message: str) -> Response:
    return JSONResponse({"error": message, "detail": message}, status)


def _slow_down(wait_s: float) -> Response:
    response = _refuse(HTTPStatus.TOO_MANY_REQUESTS, f"too many requests; try again in {math.ceil(wait_s)} s")
    response.headers["retry-after"] = str(math.ceil(wait_s))
    return response


def _login_first(scope: Scope, headers: Headers) -> Response:
    """People are shown the way, programs are told."""
    if scope["method"] in ("GET", "HEAD") and "text/html" in headers.get("accept", ""):
        return RedirectResponse(f"{LOGIN}?next={quote(scope['path'])}", HTTPStatus.SEE_OTHER)
    response = _refuse(HTTPStatus.UNAUTHORIZED, "log in first")
    response.headers["www-authenticate"] = 'Basic realm="SpeechAgents", charset="UTF-8"'
    return response
