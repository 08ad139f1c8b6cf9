"""Model servers that have their answer ready: what a simulation costs its driver, and nothing else, is left.

    python -m benchmarks.fast_server 3

Speaks as much of HTTP as our own client does, on ports of this machine, which are printed as a line of JSON. Every
request gets the same turn. Ends when its input does, and prints what was asked of it in all. Knows nothing of scenes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

TURN: Final = json.dumps(
    {
        "thoughts": "I am hungry and it is late.",
        "action": "speak",
        "addresses": [],
        "whisper": False,
        "style": "happy",
        "strength": 1.0,
        "speech": "Is there any cake left, or have the birds had all of it?",
    }
)
"""A turn as `controllers.grammar` reads it."""
_COMPLETION: Final = {
    "object": "chat.completion",
    "choices": [{"message": {"role": "assistant", "content": TURN}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}


@dataclass(slots=True)
class Asked:
    """What servers were asked so far.

    Attributes:
        requests: How often.
        prompt_chars: Of all messages in these requests.
    """

    requests: int = 0
    prompt_chars: int = 0


class FastServers:
    """Some servers in a process of their own, while they are used.

    Attributes:
        urls: Base addresses.
        asked: What was asked; complete when they are closed.
    """

    def __init__(self, process: subprocess.Popen[str], urls: tuple[str, ...]) -> None:
        self._process = process
        self.urls = urls
        self.asked = Asked()

    def close(self) -> None:
        """End them, and learn what was asked."""
        said, _ = self._process.communicate()
        self.asked = Asked(**json.loads(said))


@contextlib.contextmanager
def fast_servers(count: int) -> Iterator[FastServers]:
    """Start some servers; they are gone when the block ends."""
    command = [sys.executable, "-m", "benchmarks.fast_server", str(count)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports = json.loads(process.stdout.readline())
        servers = FastServers(process, tuple(f"http://127.0.0.1:{port}/v1" for port in ports))
        try:
            yield servers
        finally:
            servers.close()


class _Connection(asyncio.Protocol):
    """Answers whatever is asked, as soon as all of it is there."""

    def __init__(self, asked: Asked, response: bytes) -> None:
        self._asked = asked
        self._response = response
        self._transport: Any = None
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while True:
            head, blank, rest = self._held.partition(b"\r\n\r\n")
            length = _length(head)
            if not blank or len(rest) < length:
                return
            body, self._held = rest[:length], rest[length:]
            self._asked.requests += 1
            self._asked.prompt_chars += sum(len(_text(message)) for message in json.loads(body)["messages"])
            self._transport.write(self._response)


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


def _text(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


async def _serve(count: int) -> None:
    body = json.dumps(_COMPLETION).encode()
    response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    asked, loop = Asked(), asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: _Connection(asked, response), "127.0.0.1", 0) for _ in range(count)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for server in servers:
        server.close()
    print(json.dumps(asdict(asked)), flush=True)


def main() -> None:
    """Serve until there is no more input."""
    asyncio.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
