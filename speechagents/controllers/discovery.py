"""Finds model servers: the one that the environment names, and those that run on this machine.

Owns where they usually listen. Asks each for its list of models and believes little of what it says; starts nothing
and uses no model (`openai`).
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from speechagents.controllers.server_address import ServerAddress
from speechagents.errors import SettingsError

SERVER_VARIABLE = "SPEECHAGENTS_SERVER"
"""Environment variable with the base URL of the server to use."""

LOCAL_PORTS: tuple[tuple[str, int], ...] = (
    ("Ollama", 11434),
    ("LM Studio", 1234),
    ("llama.cpp", 8080),
    ("vLLM", 8000),
)
"""Servers and the port each listens on unless told otherwise."""

_MAX_LIST_BYTES = 1_000_000
_NAMED_TIMEOUT_S = 3.0
"""Longest wait for the server that the environment names, which may be far away."""


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A server to talk to.

    Attributes:
        name: What it probably is, for people; `SERVER_VARIABLE` for the one that the environment names.
        base_url: For `OpenAIModel`.
        models: Names of its models, those that cannot chat last; empty where they could not be had.
    """

    name: str
    base_url: str
    models: tuple[str, ...]


def find_servers(*, timeout_s: float = 0.3, ports: Sequence[tuple[str, int]] = LOCAL_PORTS) -> tuple[FoundServer, ...]:
    """Servers in the order of preference; all are asked at the same time. Never raises.

    Args:
        timeout_s: Longest wait for those on this machine, in seconds.
        ports: Names and local ports to look at.

    Returns:
        The server that the environment names comes first and is listed even if it does not answer now, unless the
        variable holds no URL; it alone is shown a key. Those on this machine follow if they list models.
    """
    places = [_Place(name, f"http://127.0.0.1:{port}/v1", timeout_s, named=False) for name, port in ports]
    wanted = os.environ.get(SERVER_VARIABLE, "").strip()
    if wanted:
        places.insert(0, _Place(SERVER_VARIABLE, wanted, max(timeout_s, _NAMED_TIMEOUT_S), named=True))
    # A thread of its own, for the caller may be in an event loop already. It is not waited for at its end: looking up
    # a host's name cannot be broken off.
    found: Future[list[FoundServer]] = Future()
    threading.Thread(target=asyncio.run, args=(_ask_all(places, found),), name="discovery", daemon=True).start()
    unique: dict[str, FoundServer] = {}
    for server in found.result():
        unique.setdefault(server.base_url, server)
    return tuple(unique.values())


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    base_url: str
    timeout_s: float
    named: bool


async def _ask_all(places: Sequence[_Place], found: Future[list[FoundServer]]) -> None:
    answers = await asyncio.gather(*(_ask(place) for place in places), return_exceptions=True)
    found.set_result([answer for answer in answers if isinstance(answer, FoundServer)])


async def _ask(place: _Place) -> FoundServer | None:
    # The HTTP client takes a while to import; those who only want the names above need not wait for it.
    from speechagents.controllers.chat_format import model_names
    from speechagents.controllers.exchange import Limits, RefusedError, UnusableAnswerError, fetch, http_client
    from speechagents.controllers.retrying import TransientError

    try:
        address = ServerAddress.parse(place.base_url)
    except SettingsError:
        return None
    models: tuple[str, ...] = ()
    limits = Limits(timeout_s=place.timeout_s, answer_bytes=_MAX_LIST_BYTES, requests=1)
    try:
        key = address.key(None, os.environ) if place.named else ""
        async with http_client(address, requests=1) as client:
            models = model_names(
                await fetch(client, "GET", address.url("models"), content=None, key=key, limits=limits)
            )
    except (SettingsError, TransientError, RefusedError, UnusableAnswerError):
        models = ()
    return FoundServer(place.name, address.base_url, models) if models or place.named else None
