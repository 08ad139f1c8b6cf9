"""A real uvicorn on loopback with the routes of the live stage, in the loop of the test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

from speechagents.live.line import LineLimits
from speechagents.live.outbox import OutboxLimits
from speechagents.live.sessions import SessionLimits, Sessions
from speechagents.live.socket import live_routes
from tests.live.fake_clock import FakeClock
from tests.live.playing import Company

PATIENCE_S = 20.0
"""Longest wait for something that happens at once unless a test fails."""


class Doorman:
    """A gate whose tokens are ``token-NAME``, open to what is no page and to one origin."""

    def visitor_of_token(self, token: str) -> str | None:
        return token.removeprefix("token-") if token.startswith("token-") else None

    def origin_allowed(self, headers: Headers) -> bool:
        return headers.get("origin", "https://ours.example") == "https://ours.example"

    def issue_token(self, visitor: str) -> tuple[str, float]:
        return f"token-{visitor}", 1_900_000_000.75


def visitor_in_header(connection: HTTPConnection) -> str | None:
    return connection.headers.get("x-visitor")


class Theatre:
    """What a test of the socket needs.

    Attributes:
        port: Where it listens.
        clock: Stands still.
        company: All puppets.
        sessions: All sessions.
    """

    def __init__(self, limits: SessionLimits, outbox_limits: OutboxLimits, line_limits: LineLimits) -> None:
        self.port = 0
        self.clock = FakeClock()
        self.company = Company()
        self.sessions = Sessions(
            self.company.make, limits, outbox_limits=outbox_limits, now=self.clock.now, sleep=self.clock.sleep
        )
        self.routes = live_routes(
            self.sessions,
            Doorman(),
            limits=line_limits,
            visitor_of=visitor_in_header,
            now=self.clock.now,
            sleep=self.clock.sleep,
        )

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/realtime"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def theatre(
    *,
    limits: SessionLimits | None = None,
    outbox_limits: OutboxLimits | None = None,
    line_limits: LineLimits | None = None,
    uvicorn_options: Mapping[str, Any] | None = None,
) -> AsyncIterator[Theatre]:
    """Serve until the block is left."""
    house = Theatre(limits or SessionLimits(), outbox_limits or OutboxLimits(), line_limits or LineLimits())
    app = Starlette(routes=house.routes)
    config = uvicorn.Config(app, lifespan="off", log_level="critical", **(uvicorn_options or {}))
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        house.port = listening.getsockname()[1]
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not server.started:
                    await asyncio.sleep(0.005)
            yield house
        finally:
            await house.sessions.shut_down()
            server.should_exit = True
            server.force_exit = True
            await serving
