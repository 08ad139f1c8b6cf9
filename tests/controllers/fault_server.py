"""A chat completions server on loopback that misbehaves as it is told: real sockets, so that real clients meet it.

An *answer* is a function that is given the `Line` to one client and writes to it what it likes. Nothing here sleeps:
what hangs, hangs until the client hangs up or the server closes.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

PATIENCE_S = 20.0
"""Longest wait for something that happens at once unless a test fails."""


@dataclass(frozen=True)
class Received:
    """A request; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def asked(self) -> str:
        """Text of the last message, sound left out."""
        content = self.json["messages"][-1]["content"]
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)

    @property
    def sounds(self) -> list[str]:
        """Base64 of all sounds."""
        contents = [message["content"] for message in self.json["messages"]]
        parts = [part for content in contents if isinstance(content, list) for part in content]
        return [part["input_audio"]["data"] for part in parts if part["type"] == "input_audio"]


class Line:
    """A connection, with the request that came over it."""

    def __init__(self, received: Received, connection: socket.socket, closing: threading.Event) -> None:
        self.received = received
        self.closing = closing
        self.stays_open = True
        self._connection = connection

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def wait_until_hung_up(self) -> None:
        self.stays_open = False
        while self._connection.recv(1024):
            pass

    def hang_up(self) -> None:
        self.stays_open = False


Answer = Callable[[Line], None]


def no_rule(received: Received) -> Answer | None:
    """Leaves it to the answers."""
    return None


class FaultServer:
    """Gives its `answers` one after the other, then `otherwise`; or what `rule` makes of a request.

    Args:
        answers: Its first ones.
        port: Where it listens; 0 for any that is free.

    Attributes:
        models: Answer to the list of models.
        received: All requests for completions, in order of arrival.
        listed: All requests for the list of models.
        connections: How many were opened.
        most_at_once: Most requests for completions that were under way together.
        hung_up: Counts up whenever an answer ended because the client went away.
    """

    def __init__(self, *answers: Answer, port: int = 0) -> None:
        self.answers = deque(answers)
        self.otherwise: Answer = says("fine")
        self.rule: Callable[[Received], Answer | None] = no_rule
        self.models: Answer = sends({"data": [{"id": "tiny"}, {"id": "large"}]})
        self.received: list[Received] = []
        self.listed: list[Received] = []
        self.connections = 0
        self.most_at_once = 0
        self.hung_up = threading.Semaphore(0)
        self._at_once = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler(), bind_and_activate=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client may have gone
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def wait_for_hang_ups(self, count: int) -> bool:
        """Whether so many clients went away."""
        return all(self.hung_up.acquire(timeout=PATIENCE_S) for _ in range(count))

    def _choose(self, received: Received) -> Answer:
        if received.path.endswith("/models"):
            self.listed.append(received)
            return self.models
        self.received.append(received)
        return self.rule(received) or (self.answers.popleft() if self.answers else self.otherwise)

    def _serve(self, received: Received, connection: socket.socket) -> bool:
        line = Line(received, connection, self._closing)
        completes = received.path.endswith("/chat/completions")
        with self._lock:
            answer = self._choose(received)
            self._at_once += completes
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            answer(line)
        except OSError:  # the client is gone
            line.hang_up()
            self.hung_up.release()
        finally:
            with self._lock:
                self._at_once -= completes
        return line.stays_open

    def _opened(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self._open.add(connection)

    def _closed(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        faults = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                faults._opened(self.request)
                super().setup()

            def finish(self) -> None:
                super().finish()
                faults._closed(self.request)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                received = Received(self.command, self.path, headers, body)
                self.close_connection = not faults._serve(received, self.connection)

            do_GET = do_POST  # noqa: N815 - the names that http.server looks for

            def handle(self) -> None:
                try:
                    super().handle()
                except OSError:
                    self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - overridden
                pass

        return Handler


def completion(content: object, *, tokens: tuple[int, int] = (12, 5), **message: object) -> dict[str, Any]:
    """A completion as servers send it."""
    return {
        "object": "chat.completion",
        "choices": [{"message": {"role": "assistant", "content": content, **message}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
    }


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def sends(
    value: object, *, status: int = 200, kind: str = "application/json", headers: Mapping[str, str] | None = None
) -> Answer:
    """Bytes as they are, anything else as JSON."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    all_headers = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
    return lambda line: line.send(head(status, all_headers) + body)


def says(text: str, *, tokens: tuple[int, int] = (12, 5)) -> Answer:
    """A good answer."""
    return sends(completion(text, tokens=tokens))


def complains(status: int, message: str = "", *, headers: Mapping[str, str] | None = None) -> Answer:
    """An error the way OpenAI words it."""
    return sends({"error": {"message": message, "type": "whatever", "param": None}}, status=status, headers=headers)


def hangs(server: FaultServer) -> Answer:
    """Never answers."""

    def answer(line: Line) -> None:
        line.wait_until_hung_up()
        server.hung_up.release()

    return answer


def drops_midway(line: Line) -> None:
    """Half an answer, then the end of the connection."""
    body = json.dumps(completion("half")).encode()
    line.send(head(200, {"Content-Type": "application/json", "Content-Length": str(len(body))}) + body[:20])
    line.hang_up()


def drops_at_once(line: Line) -> None:
    """The end of the connection instead of an answer."""
    line.hang_up()


def drips(first: bytes) -> Answer:
    """Some bytes, then one blank after the other for as long as anybody listens."""

    def answer(line: Line) -> None:
        line.send(first)
        while not line.closing.wait(0.005):
            line.send(b" ")
        line.hang_up()

    return answer


def never_ends(line: Line) -> None:
    """An answer without end, as fast as it is taken."""
    line.send(head(200, {"Content-Type": "application/json"}) + b'{"choices": "')
    while not line.closing.is_set():
        line.send(b"a" * 65_536)
    line.hang_up()


def in_turn(*answers: Answer) -> Callable[[Received], Answer | None]:
    """A rule for prompts that are numbers: each gets the answer of that number."""
    return lambda received: answers[int(received.asked)]


def free_ports(count: int) -> Sequence[int]:
    """Ports on loopback where nobody listens."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
