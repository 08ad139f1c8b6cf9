"""Three things that a live socket needs from the server under it and ASGI has no words for.

Owns where uvicorn keeps them: the size from which a frame is refused before it is read into memory, doing without
compression, and hanging up on a client that does not read even the close frame. Works on the one connection, whoever
started the server and whatever it allows others. Under another server, or behind a middleware that puts a function of
its own before `receive`, they say that they did nothing; then the server's own limits hold, and `line` refuses large
frames once they are there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_EXTENSIONS = "Sec-WebSocket-Extensions"

Receive = Callable[[], Any]
"""The ASGI callable that gives the messages of a connection."""


def limit_frames(receive: Receive, most_bytes: int) -> bool:
    """Refuse larger frames of this connection by their header, with close code 1009.

    Returns:
        Whether the server does so now.
    """
    protocol = getattr(receive, "__self__", None)
    # The sans-IO connection of `websockets`, whose limit changed its name; or the protocol that older uvicorns use.
    for holder, name in (
        (getattr(protocol, "conn", None), "max_message_size"),
        (getattr(protocol, "conn", None), "max_size"),
        (protocol, "max_size"),
    ):
        if isinstance(getattr(holder, name, None), int):
            setattr(holder, name, most_bytes)
            return True
    return False


def refuse_compression(receive: Receive) -> bool:
    """Send and take frames as they are; to be called before the connection is accepted.

    Sound in base64 becomes 28 % smaller at 66 µs an event, a third of what 25 listeners cost the event loop.

    Returns:
        Whether the server had agreed to compress, and does not now.
    """
    protocol = getattr(receive, "__self__", None)
    headers = getattr(getattr(protocol, "response", None), "headers", None)
    connection = getattr(protocol, "conn", None)
    if connection is None or headers is None or _EXTENSIONS not in headers:
        return False
    del headers[_EXTENSIONS]
    connection.extensions = []
    return True


def drop(receive: Receive) -> bool:
    """Cut the connection without a word, what waits to be sent included.

    Returns:
        Whether there was something to cut.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None or not hasattr(transport, "abort"):
        return False
    transport.abort()
    return True
