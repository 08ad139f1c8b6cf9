"""What goes through the wall in either direction: bodies that are not too large, answers with all their headers.

Owns the counting of what comes and the completing of what goes. Does not know who may come.
"""

from __future__ import annotations

from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speechagents.serving.protection import COMMON, SILENT, page_policy, script_hashes

_MOST_HTML_BYTES = 32_000_000


class Answering:
    """Sends a response and adds what every response has to have.

    Args:
        send: Where to.
        path: What was asked for.
        query: What stood behind the question mark.
        head: Hashes of the scripts that pages write into their own head.
    """

    def __init__(self, send: Send, *, path: str, query: bytes, head: frozenset[str] = frozenset()) -> None:
        self._send = send
        self._head = head
        self._path = path
        self._query = query
        self._page: tuple[Message, bytearray] | None = None
        self.started = False
        self.status = 0
        self.cookie = ""

    async def send(self, message: Message) -> None:
        """Pass a part of a response on."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in COMMON.items():
                headers.setdefault(name, value)
            if self.cookie:
                headers.append("set-cookie", self.cookie)
            self._say_what_may_be_kept(headers)
            if headers.get("content-type", "").startswith("text/html"):
                # Its policy names the scripts in it, so the page has to be seen whole first.
                self._page = (message, bytearray())
                return
            headers.setdefault("content-security-policy", SILENT)
        elif message["type"] == "http.response.body" and self._page is not None:
            start, html = self._page
            html += message.get("body", b"")
            if message.get("more_body", False) and len(html) < _MOST_HTML_BYTES:
                return
            self._page = None
            MutableHeaders(scope=start).setdefault(
                "content-security-policy", page_policy(script_hashes(html) | self._head)
            )
            await self._send(start)
            message = {**message, "body": bytes(html)}
        await self._send(message)

    def _say_what_may_be_kept(self, headers: MutableHeaders) -> None:
        if self._path.startswith("/studio/") and b"v=" in self._query:
            headers["cache-control"] = "private, max-age=31536000, immutable"
        elif not self._path.startswith(("/assets/", "/static/")):
            headers.setdefault("cache-control", "no-store")


class BodyLimit:
    """Counts the body of a request as it comes, whatever its headers say of it.

    Args:
        receive: Where it comes from.
        answering: Where the response goes.
        most_bytes: How large it may be.
    """

    def __init__(self, receive: Receive, answering: Answering, most_bytes: int) -> None:
        self._receive = receive
        self._answering = answering
        self._most = most_bytes
        self._received = 0
        self._too_much = False
        self.message = f"this is larger than {most_bytes / 1e6:.1f} MB"

    def announced_too_much(self, headers: Headers) -> bool:
        """Whether the headers say already that it is too large, or do not say it as they should."""
        length = headers.get("content-length", "0")
        return not length.isdigit() or int(length) > self._most

    async def run(self, app: ASGIApp, scope: Scope) -> None:
        """Answer the request, unless too much comes."""
        with suppress(_TooMuchError):
            await app(scope, self._counted, self._unless_too_much)
        if self._too_much and not self._answering.started:
            body = b'{"error": "' + self.message.encode("ascii") + b'"}'
            await self._answering.send(
                {
                    "type": "http.response.start",
                    "status": 413,
                    "headers": [
                        (b"content-type", b"application/json"),
                        (b"content-length", str(len(body)).encode("ascii")),
                        (b"connection", b"close"),
                    ],
                }
            )
            await self._answering.send({"type": "http.response.body", "body": body})

    async def _counted(self) -> Message:
        if self._too_much:
            raise _TooMuchError
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            if self._received > self._most:
                self._too_much = True
                raise _TooMuchError
        return message

    async def _unless_too_much(self, message: Message) -> None:
        # Whoever reads the body may have made an error of its own out of ours; ours is what is told.
        if not self._too_much or self._answering.started:
            await self._answering.send(message)


class _TooMuchError(Exception):
    """Ends the reading of a body that is too large."""
