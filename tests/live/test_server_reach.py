"""Reaching the server under a socket; that uvicorn really refuses and really hangs up is tested in `test_socket`."""

from __future__ import annotations

from typing import Any

from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import Request

from speechagents.live.server_reach import drop, limit_frames, refuse_compression


class Older:
    """Where uvicorns before the sans-IO protocol keep the limit."""

    def __init__(self) -> None:
        self.max_size = 16_777_216

    async def receive(self) -> Any:
        """Nothing comes."""


async def somebody_elses() -> Any:
    """What a middleware puts before `receive`."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Nothing runs here."""


def test_the_limit_of_one_connection_is_set_and_of_no_other() -> None:
    config = Config(app)
    config.load()
    one, other = (WebSocketsSansIOProtocol(config, ServerState(), {}, _Loop()) for _ in range(2))  # type: ignore[arg-type]
    assert limit_frames(one.receive, 1_000)
    assert one.conn.max_message_size == 1_000
    assert other.conn.max_message_size == config.ws_max_size


def test_older_servers_have_it_elsewhere() -> None:
    protocol = Older()
    assert limit_frames(protocol.receive, 1_000)
    assert protocol.max_size == 1_000


def test_agreed_compression_is_taken_back_before_it_begins() -> None:
    config = Config(app)
    config.load()
    protocol = WebSocketsSansIOProtocol(config, ServerState(), {}, _Loop())  # type: ignore[arg-type]
    assert not refuse_compression(protocol.receive), "nobody has asked for any yet"
    asked = Request(
        "/",
        Headers(
            {
                "Host": "localhost",
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Extensions": "permessage-deflate",
            }
        ),
    )
    protocol.response = protocol.conn.accept(asked)
    assert "Sec-WebSocket-Extensions" in protocol.response.headers
    assert refuse_compression(protocol.receive)
    assert "Sec-WebSocket-Extensions" not in protocol.response.headers
    assert protocol.conn.extensions == []


def test_under_an_unknown_server_nothing_is_done_and_said_so() -> None:
    assert not limit_frames(somebody_elses, 1_000)
    assert not refuse_compression(somebody_elses)
    assert not drop(somebody_elses)


class _Loop:
    """Never asked for anything before a connection is made."""
