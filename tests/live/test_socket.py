"""The live socket over real connections: who comes in, what it withstands, and coming back."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from speechagents.live import drama_events
from speechagents.live.client_events import AppendAudio, CreateItem
from speechagents.live.line import LineLimits
from speechagents.live.outbox import OutboxLimits
from speechagents.live.sessions import Attached, Detached, SessionLimits
from tests.live.loopback import PATIENCE_S, Theatre, theatre

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Client:
    """A client that notes the last event it saw."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.last_id = ""
        self.session_id = ""

    async def send(self, kind: str, **fields: Any) -> None:
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def event(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            event: dict[str, Any] = json.loads(await self.connection.recv())
        self.last_id = event.get("event_id", self.last_id)
        if event["type"] == "session.created":
            self.session_id = event["session"]["id"]
        return event

    async def event_of(self, kind: str) -> dict[str, Any]:
        while (event := await self.event())["type"] != kind:
            pass
        return event

    async def error(self) -> dict[str, Any]:
        error: dict[str, Any] = (await self.event_of("error"))["error"]
        return error

    async def close_code(self) -> int:
        """The code with which the server closes; events before are read over."""
        with pytest.raises(ConnectionClosed) as closed:
            await self._read_on()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    async def _read_on(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await self.connection.recv()


@asynccontextmanager
async def visit(house: Theatre, name: str = "anna", query: str = "", **options: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer token-{name}"}
    async with connect(f"{house.url}{query}", additional_headers=headers, proxy=None, **options) as connection:
        yield Client(connection)


async def arrive(client: Client) -> str:
    """Wait for the session."""
    await client.event_of("session.created")
    return client.session_id


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.005)


def sound(duration_s: float) -> str:
    return base64.b64encode(bytes(2 * round(duration_s * 24_000))).decode()


# Who comes in


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic token-anna", "Bearer " + "token-" * 1_000])
async def test_without_a_token_the_handshake_is_refused(authorization: str) -> None:
    async with theatre() as house:
        with pytest.raises(InvalidStatus) as refused:
            await connect(house.url, additional_headers={"Authorization": authorization}, proxy=None)
        assert refused.value.response.status_code == 401
        assert json.loads(refused.value.response.body)["error"]["code"] == "invalid_token"
        assert house.sessions.count == 0


async def test_a_page_of_another_origin_is_refused_even_with_a_token() -> None:
    async with theatre() as house:
        with pytest.raises(InvalidStatus) as refused:
            async with visit(house, origin="https://theirs.example"):
                pass
        assert refused.value.response.status_code == 403
        async with visit(house, origin="https://ours.example") as client:
            await arrive(client)


async def test_a_browser_brings_its_token_as_a_subprotocol() -> None:
    async with theatre() as house:
        offered = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.token-ben")]
        async with connect(house.url, subprotocols=offered, proxy=None) as connection:
            assert connection.subprotocol == "realtime"
            await arrive(Client(connection))
        assert house.company.only.ticket.visitor == "ben"


async def test_a_scene_and_a_role_may_be_asked_for_in_the_address() -> None:
    async with theatre() as house, visit(house, query="?model=any&scene=picnic&role=El%00la%20") as client:
        await arrive(client)
        assert (house.company.only.ticket.scene, house.company.only.ticket.role) == ("picnic", "El la")


async def test_a_token_is_given_to_whom_the_site_knows() -> None:
    async with theatre() as house, httpx.AsyncClient(base_url=house.http) as http:
        path = "/v1/realtime/client_secrets"
        given = await http.post(path, headers={"x-visitor": "anna"})
        assert (given.json()["value"], given.json()["expires_at"]) == ("token-anna", 1_900_000_000)
        assert given.headers["cache-control"] == "no-store"
        assert (await http.post(path)).status_code == 401
        foreign = {"x-visitor": "anna", "origin": "https://theirs.example"}
        assert (await http.post(path, headers=foreign)).status_code == 403
        assert (await http.get(path, headers={"x-visitor": "anna"})).status_code == 405


# Room


async def test_a_full_stage_says_so_and_closes_before_a_session_is_made() -> None:
    async with theatre(limits=SessionLimits(total=1)) as house, visit(house) as first:
        await arrive(first)
        async with visit(house, "ben") as second:
            event = await second.event()
            assert (event["type"], event["error"]["code"]) == ("error", "session_limit_reached")
            assert await second.close_code() == 1013
        assert len(house.company.puppets) == 1


async def test_one_visitor_does_not_fill_the_stage() -> None:
    async with (
        theatre(limits=SessionLimits(per_visitor=1), line_limits=LineLimits(resume_wait_s=0.05)) as house,
        visit(house) as first,
    ):
        await arrive(first)
        async with visit(house) as second:
            assert (await second.error())["code"] == "session_limit_reached"
            assert await second.close_code() == 1013
        async with visit(house, "ben") as other:
            await arrive(other)


async def test_a_visitor_whose_place_is_held_for_a_lost_connection_may_come_back_to_it() -> None:
    async with theatre(limits=SessionLimits(total=1)) as house:
        async with visit(house) as first:
            session_id = await arrive(first)
            first.connection.transport.abort()
        await until(lambda: Detached() in house.company.only.received)
        async with visit(house) as second:
            await second.send("drama.session.resume", session_id=session_id, after_event_id=first.last_id)
            assert (await second.event())["type"] == "drama.session.resumed"
        assert len(house.company.puppets) == 1


async def test_a_visitor_who_begins_anew_gives_up_the_place_held_for_a_lost_connection() -> None:
    async with theatre(limits=SessionLimits(total=1)) as house:
        async with visit(house) as first:
            await arrive(first)
            first.connection.transport.abort()
        await until(lambda: Detached() in house.company.only.received)
        before = house.company.only
        async with visit(house) as second:
            await second.send("conversation.item.create", **ITEM)
            await arrive(second)
            assert (await second.event_of("conversation.item.done"))["item"]["content"][0]["text"] == "Hello."
        assert before.closed


ITEM = {"item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}}


async def test_whoever_takes_leave_frees_the_place_at_once() -> None:
    async with theatre() as house:
        async with visit(house) as client:
            await arrive(client)
        await until(lambda: house.sessions.count == 0)
        assert house.company.only.closed


# What it withstands


@pytest.mark.parametrize(
    ("frame", "code", "event_id"),
    [
        ("no json", "invalid_json", None),
        (b"\x00\x01", "binary_frame", None),
        ("[" * 50_000, "invalid_json", None),
        ('{"type": "drama.unheard", "event_id": "mine"}', "unknown_event", "mine"),
        ('{"type": "input_audio_buffer.append", "event_id": "mine", "audio": "AAAA"}', "invalid_audio", "mine"),
        ('{"type": "response.cancel", "event_id": "mine"}', "response_cancel_not_active", "mine"),
        (
            '{"type": "drama.session.resume", "event_id": "mine", "session_id": "x", "after_event_id": "y"}',
            "invalid_value",
            "mine",
        ),
    ],
)
async def test_what_is_wrong_becomes_an_error_and_the_session_goes_on(
    frame: str | bytes, code: str, event_id: str | None
) -> None:
    async with theatre() as house, visit(house) as client:
        await arrive(client)
        await client.connection.send(frame)
        error = await client.error()
        assert (error["code"], error["event_id"]) == (code, event_id)
        await client.send("conversation.item.create", **ITEM)
        await client.event_of("conversation.item.done")


async def test_nothing_but_rubbish_closes_the_line_and_the_session_can_be_resumed() -> None:
    async with theatre() as house:
        async with visit(house) as client:
            session_id = await arrive(client)
            for _ in range(20):
                await client.connection.send("rubbish")
            assert await client.close_code() == 1008
        async with visit(house, query=f"?session_id={session_id}&after_event_id=event_00000001") as back:
            assert (await back.event())["type"] == "drama.session.resumed"
            assert [(await back.event())["error"]["code"] for _ in range(20)] == ["invalid_json"] * 20


async def test_one_good_frame_forgives_the_bad_ones() -> None:
    async with theatre() as house, visit(house) as client:
        await arrive(client)
        for _ in range(3):
            for _ in range(19):
                await client.connection.send("rubbish")
            await client.send("input_audio_buffer.commit")
            await client.event_of("input_audio_buffer.committed")


async def test_a_frame_of_a_megabyte_is_refused_and_the_session_can_be_resumed() -> None:
    async with theatre() as house:
        async with visit(house) as client:
            session_id = await arrive(client)
            # The server may hang up before all of it is there.
            with suppress(ConnectionClosed):
                await client.connection.send("x" * 1_000_000)
            await until(lambda: Detached() in house.company.only.received)
        async with visit(house, query=f"?session_id={session_id}") as back:
            assert (await back.event())["type"] == "drama.session.resumed"


async def test_a_large_frame_is_refused_by_its_header_before_it_is_there() -> None:
    async with theatre() as house, by_hand(house) as (reader, writer):
        # A text frame that announces a megabyte, and not a byte of it.
        writer.write(struct.pack("!BBQ", 0x81, 0xFF, 1_000_000) + bytes(4))
        assert await close_code_of(reader) == 1009


async def test_a_large_message_in_small_frames_is_refused_too() -> None:
    async with theatre() as house, by_hand(house) as (reader, writer):
        for number in range(40):
            # Text first, continuations after; never the end.
            writer.write(struct.pack("!BBH", 0x01 if number == 0 else 0x00, 0xFE, 10_000) + bytes(4) + b"x" * 10_000)
        assert await close_code_of(reader) == 1009


async def test_nothing_is_inflated_so_a_bomb_is_no_frame_at_all() -> None:
    async with theatre() as house, by_hand(house, "permessage-deflate") as (reader, writer):
        deflate = zlib.compressobj(wbits=-12)
        bomb = (deflate.compress(bytes(10_000_000)) + deflate.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")
        assert len(bomb) < 20_000
        writer.write(struct.pack("!BBH", 0xC1, 0xFE, len(bomb)) + bytes(4) + bomb)
        assert await close_code_of(reader) == 1002


async def test_a_large_frame_is_refused_where_the_server_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speechagents.live.socket.limit_frames", lambda *_: False)
    async with theatre() as house, visit(house) as client:
        await arrive(client)
        await client.connection.send("x" * 1_000_000)
        assert (await client.error())["code"] == "frame_too_large"
        assert await client.close_code() == 1009


@asynccontextmanager
async def by_hand(
    house: Theatre, extensions: str = "", raw: socket.socket | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket connection without a library, so that it can be used wrongly."""
    connection = raw or socket.socket()
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", house.port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1_024)
    try:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /v1/realtime HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Authorization: Bearer token-anna"]
        lines += [f"Sec-WebSocket-Extensions: {extensions}"] * bool(extensions)
        writer.write("\r\n".join([*lines, "", ""]).encode())
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def close_code_of(reader: asyncio.StreamReader) -> int:
    """The code of the close frame; frames before are read over."""
    async with asyncio.timeout(PATIENCE_S):
        while (found := await frame_of(reader))[0] != 8:
            pass
    return int.from_bytes(found[1][:2])


async def frame_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Opcode and payload of the next frame from the server."""
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", await reader.readexactly(8))
    return first & 0x0F, await reader.readexactly(size)


async def test_a_client_that_sends_too_fast_is_read_slower_and_loses_nothing() -> None:
    async with theatre() as house, visit(house) as client:
        await arrive(client)
        for _ in range(6):
            await client.send("input_audio_buffer.append", audio=sound(2.0))
        error = await client.error()
        assert error["code"] == "rate_limit_exceeded"
        # Eight seconds may come at once; the fifth event is two seconds too many, and four go by in one.
        assert house.clock.asked_s[-1] == pytest.approx(0.5)
        assert house.company.only.heard_s == pytest.approx(10.0)
        await house.clock.advance(0.5)
        await until(lambda: house.company.only.heard_s == pytest.approx(12.0))


async def test_a_client_that_sends_too_many_frames_is_read_slower() -> None:
    async with theatre(line_limits=LineLimits(frames_per_s=10.0, frames_at_once=5.0)) as house, visit(house) as client:
        await arrive(client)
        for number in range(7):
            await client.send("conversation.item.create", event_id=str(number), **ITEM)
        await client.error()
        await until(lambda: 0.1 in [round(asked, 3) for asked in house.clock.asked_s])
        written = [event for event in house.company.only.received if isinstance(event, CreateItem)]
        assert len(written) == 5
        for _ in range(4):
            await house.clock.advance(0.1)
        await until(lambda: sum(isinstance(event, CreateItem) for event in house.company.only.received) == 7)


async def test_a_client_that_never_reads_is_cut_off_its_session_paused_and_nothing_lost() -> None:
    bounds = OutboxLimits(unsent_bytes=300_000, kept_bytes=30_000_000)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    async with (
        theatre(outbox_limits=bounds, line_limits=LineLimits(close_s=0.05, linger_s=0.05)) as house,
        by_hand(house, raw=raw) as (reader, _),
    ):
        await until(lambda: house.company.puppets and house.company.only.received)
        puppet = house.company.only
        # From here on the client reads nothing, and the session does not stop talking.
        made = 0
        while Detached() not in puppet.received:
            puppet.outbox.put(drama_events.message({"id": made, "text": "x" * 10_000}))
            made += 1
            assert made < 2_500
            await asyncio.sleep(0.001)
        async with visit(house, query=f"?session_id={puppet.ticket.session_id}") as back:
            assert (await back.event())["missed"] == 0
            await arrive(back)
            assert [(await back.event())["message"]["id"] for _ in range(made)] == list(range(made))
        # Not even the close frame waits for the client that does not read: the connection is gone.
        # What the network had taken before may still arrive.
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                while await reader.read(65_536):
                    pass


async def test_a_frame_from_the_way_home_measures_it() -> None:
    async with theatre() as house, visit(house) as client:
        await arrive(client)
        await client.send("drama.ping", event_id="mine")
        assert await client.event() == {"type": "drama.pong", "client_event_id": "mine"}
        assert house.company.only.received == [Attached(0)]


# Coming back


async def test_a_broken_connection_loses_nothing() -> None:
    async with theatre() as house:
        async with visit(house) as first:
            session_id = await arrive(first)
            await first.send("response.create")
            for _ in range(5):
                await first.event()
            first.connection.transport.abort()
        await until(lambda: Detached() in house.company.only.received)
        house.company.only.outbox.put(drama_events.scene_paused())
        await house.clock.advance(29.0)
        async with visit(house, query=f"?session_id={session_id}&after_event_id={first.last_id}") as back:
            resumed = await back.event()
            assert resumed == {
                "type": "drama.session.resumed",
                "session_id": session_id,
                "missed": 0,
                "event_id": first.last_id,
            }
            ids = [(await back.event())["event_id"]]
            while (event := await back.event())["type"] != "drama.scene.paused":
                ids.append(event["event_id"])
            after = int(first.last_id.removeprefix("event_"))
            assert ids == [f"event_{after + 1 + index:08d}" for index in range(len(ids))]
            await back.send("conversation.item.create", **ITEM)
            await back.event_of("conversation.item.done")


async def test_a_client_may_also_say_it_in_its_first_event() -> None:
    async with theatre() as house:
        async with visit(house) as first:
            session_id = await arrive(first)
            await first.send("conversation.item.create", **ITEM)
            await first.event_of("conversation.item.done")
            first.connection.transport.abort()
        await until(lambda: Detached() in house.company.only.received)
        async with visit(house) as back:
            await back.send("drama.ping")
            await back.send("drama.session.resume", session_id=session_id, after_event_id="event_00000002")
            assert (await back.event_of("drama.session.resumed"))["session_id"] == session_id
            assert [(await back.event())["type"]] == ["conversation.item.done"]
            await back.send("conversation.item.create", **ITEM)
            await back.event_of("conversation.item.done")
            await until(lambda: house.sessions.count == 1)
        unused = [puppet for puppet in house.company.puppets.values() if puppet.ticket.session_id != session_id]
        assert [puppet.closed for puppet in unused] == ["unused"]


async def test_later_than_first_it_is_out_of_order() -> None:
    async with theatre() as house, visit(house) as client:
        session_id = await arrive(client)
        await client.send("input_audio_buffer.append", audio=sound(0.02))
        await client.send("drama.session.resume", event_id="mine", session_id=session_id)
        error = await client.error()
        assert (error["code"], error["event_id"]) == ("out_of_order", "mine")
        await until(lambda: any(isinstance(event, AppendAudio) for event in house.company.only.received))


async def test_a_session_that_waited_too_long_is_gone() -> None:
    async with theatre() as house:
        async with visit(house) as first:
            session_id = await arrive(first)
            first.connection.transport.abort()
        await until(lambda: Detached() in house.company.only.received)
        await house.clock.advance(31.0)
        async with visit(house, query=f"?session_id={session_id}") as late:
            assert (await late.error())["code"] == "session_expired"
            assert await late.close_code() == 4004


@pytest.mark.parametrize("in_band", [False, True])
async def test_nobody_comes_back_to_the_session_of_somebody_else(in_band: bool) -> None:
    async with theatre() as house, visit(house) as client:
        session_id = await arrive(client)
        async with visit(house, "mallory", query="" if in_band else f"?session_id={session_id}") as other:
            if in_band:
                await other.send("drama.session.resume", session_id=session_id)
            assert (await other.error())["code"] == "session_expired"
            assert await other.close_code() == 4004
        await client.send("conversation.item.create", **ITEM)
        await client.event_of("conversation.item.done")


async def test_a_newer_connection_takes_the_session_from_an_older_one() -> None:
    async with theatre() as house, visit(house) as old:
        session_id = await arrive(old)
        async with visit(house, query=f"?session_id={session_id}&after_event_id={old.last_id}") as new:
            await new.event_of("drama.session.resumed")
            assert await old.close_code() == 4001
            await new.send("conversation.item.create", **ITEM)
            await new.event_of("conversation.item.done")
        assert house.company.only.received[:2] == [Attached(0), Attached(0)]


async def test_a_client_that_says_nothing_for_long_is_sent_away() -> None:
    async with theatre() as house, visit(house) as client:
        await arrive(client)
        await house.clock.advance(901.0)
        assert await client.close_code() == 4008
        await until(lambda: house.sessions.count == 0)
