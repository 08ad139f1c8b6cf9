"""A model hub on loopback, with the routes that real clients ask for, and the troubles that real hubs have.

It serves one model at one commit: the list of its files, their bytes in parts, and what the hub's own library asks
besides (`huggingface_hub`: the tree, and HEAD with ETag and commit). Nothing here sleeps: what hangs, hangs until the
client hangs up or the server closes.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

REPO: Final = "acme/tiny-voice"
COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"
LARGE: Final = 2_000
"""Files from this size on are stored apart from git, as the hub does with weights."""


class HubServer:
    """Serves the files of `REPO` at `COMMIT`, which ``main`` points to.

    Attributes:
        files: Bytes by path.
        listing: Changes what is said of the files, before it is sent.
        cut_after: Bytes of a body after which the connection breaks, for each of the coming downloads; None lets one
            through.
        parts: It gives parts of files.
        hangs: Path of requests that are never answered begins with this.
        status: Answers of requests whose path begins with something.
        bodies: Other bytes than were listed, by path.
        stored_at: Another server that requests for bytes are sent on to, as the hub does with large files.
        asked: Requests that came: method, path and Range.
        tokens: Values of Authorization that came.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.listing: Callable[[dict[str, Any]], None] = lambda _: None
        self.cut_after: list[int | None] = []
        self.parts = True
        self.hangs = ""
        self.status: dict[str, int] = {}
        self.bodies: dict[str, bytes] = {}
        self.stored_at = ""
        self.asked: list[tuple[str, str, str]] = []
        self.tokens: set[str] = set()
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def downloads(self) -> list[tuple[str, str]]:
        """Path and Range of each request for a file's bytes."""
        return [
            (path.partition(f"/resolve/{COMMIT}/")[2], part)
            for method, path, part in self.asked
            if method == "GET" and "/resolve/" in path
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        for connection in list(self._open):
            connection.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def about(self) -> dict[str, Any]:
        """What the hub says of the model."""
        siblings = []
        for path, data in sorted(self.files.items()):
            entry: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": git_digest(data)}
            if len(data) >= LARGE:
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
            siblings.append(entry)
        values = {"id": REPO, "modelId": REPO, "sha": COMMIT, "private": False, "gated": False, "siblings": siblings}
        self.listing(values)
        return values

    def tree(self) -> list[dict[str, Any]]:
        """The same, as the hub's library asks for it."""
        entries = []
        for one in self.about()["siblings"]:
            entry = {"type": "file", "path": one["rfilename"], "size": one["size"], "oid": one["blobId"]}
            if "lfs" in one:
                entry["lfs"] = {"oid": one["lfs"]["sha256"], "size": one["size"], "pointerSize": 134}
            entries.append(entry)
        return entries

    def etag(self, path: str) -> str:
        data = self.files[path]
        return hashlib.sha256(data).hexdigest() if len(data) >= LARGE else git_digest(data)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                hub._open.add(self.connection)

            def finish(self) -> None:
                hub._open.discard(self.connection)
                super().finish()

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

            def do_GET(self) -> None:
                hub._answer(self)

            def do_HEAD(self) -> None:
                hub._answer(self)

        return Handler

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        self.asked.append((request.command, path, request.headers.get("Range", "")))
        self.tokens.add(request.headers.get("Authorization", ""))
        if self.hangs and path.startswith(self.hangs):
            request.close_connection = True
            self._closing.wait()
            return
        for beginning, status in self.status.items():
            if path.startswith(beginning):
                _send(request, status, b"{}")
                return
        if self.stored_at and "/resolve/" in path:
            _send(request, 302, b"", {"Location": f"{self.stored_at}{path}?signature=1"})
        elif re.fullmatch(rf"/api/models/{REPO}/revision/(main|{COMMIT})", path):
            _send(request, 200, json.dumps(self.about()).encode())
        elif path == f"/api/models/{REPO}/tree/{COMMIT}":
            _send(request, 200, json.dumps(self.tree()).encode())
        elif (name := path.removeprefix(f"/{REPO}/resolve/{COMMIT}/")) in self.files:
            self._file(request, name)
        else:
            _send(request, 404, b"{}", {"X-Error-Code": "EntryNotFound"})

    def _file(self, request: BaseHTTPRequestHandler, name: str) -> None:
        data = self.bodies.get(name, self.files[name])
        part = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", "")) if self.parts else None
        start = int(part[1]) if part else 0
        headers = {"ETag": f'"{self.etag(name)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if part:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body = data[start:]
        cut = self.cut_after.pop(0) if self.cut_after and request.command == "GET" else None
        if cut is None:
            _send(request, 206 if part else 200, body, headers)
            return
        _send(request, 206 if part else 200, body, headers, only=cut)
        request.wfile.flush()
        request.close_connection = True
        request.connection.shutdown(socket.SHUT_RDWR)


def git_digest(data: bytes) -> str:
    """What git calls a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _send(
    request: BaseHTTPRequestHandler,
    status: int,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    *,
    only: int | None = None,
) -> None:
    request.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
        request.send_header(name, value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body if only is None else body[:only])
