"""The stock ``openai`` client drives a session: it connects, speaks, asks for an answer and gets it, typed."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import openai
import pytest
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from openai.types.realtime import (
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompletedEvent,
    RealtimeErrorEvent,
    RealtimeServerEvent,
    ResponseAudioDeltaEvent,
    ResponseCreatedEvent,
    ResponseDoneEvent,
    SessionCreatedEvent,
    SessionUpdatedEvent,
)
from websockets.exceptions import InvalidStatus

from speechagents.live.client_events import PushToTalk, UpdateSession
from tests.live.loopback import PATIENCE_S, Theatre, theatre

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@asynccontextmanager
async def stock_client(house: Theatre, token: str) -> AsyncIterator[AsyncRealtimeConnection]:
    async with (
        openai.AsyncOpenAI(api_key=token, base_url=f"{house.http}/v1") as client,
        client.realtime.connect(model="any", extra_query={"scene": "picnic"}) as connection,
    ):
        yield connection


async def receive(connection: AsyncRealtimeConnection) -> RealtimeServerEvent:
    async with asyncio.timeout(PATIENCE_S):
        return await connection.recv()


async def receive_until(connection: AsyncRealtimeConnection, last: str) -> list[RealtimeServerEvent]:
    events = [await receive(connection)]
    while events[-1].type != last:
        events.append(await receive(connection))
    return events


async def test_a_whole_conversation() -> None:
    async with theatre() as house, stock_client(house, "token-anna") as connection:
        created = await receive(connection)
        assert isinstance(created, SessionCreatedEvent)
        assert house.company.only.ticket.scene == "picnic"

        await connection.session.update(
            session={
                "type": "realtime",
                "instructions": "Speak like a pirate.",
                "output_modalities": ["audio"],
                "audio": {
                    "input": {"format": {"type": "audio/pcm", "rate": 24_000}, "turn_detection": None},
                    "output": {"voice": "alloy"},
                },
            }
        )
        updated = await receive(connection)
        assert isinstance(updated, SessionUpdatedEvent)
        assert UpdateSession("", PushToTalk()) in house.company.only.received

        sound = base64.b64encode(np.zeros(4_800, "<i2").tobytes()).decode()
        for _ in range(5):
            await connection.input_audio_buffer.append(audio=sound)
        await connection.input_audio_buffer.commit()
        heard = (await receive_until(connection, "conversation.item.input_audio_transcription.completed"))[-1]
        assert isinstance(heard, ConversationItemInputAudioTranscriptionCompletedEvent)
        assert heard.usage.type == "duration"
        assert heard.usage.seconds == pytest.approx(1.0)

        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Ella?"}]}
        )
        written = (await receive_until(connection, "conversation.item.done"))[-1]
        assert isinstance(written, ConversationItemDone)
        assert written.item.type == "message"

        await connection.response.create(response={"metadata": {"role": "Sophia"}})
        answer = await receive_until(connection, "response.done")
        began, ended = answer[0], answer[-1]
        assert isinstance(began, ResponseCreatedEvent)
        assert began.response.metadata == {"role": "Sophia"}
        pieces = [event.delta for event in answer if isinstance(event, ResponseAudioDeltaEvent)]
        samples = np.frombuffer(b"".join(base64.b64decode(piece) for piece in pieces), "<i2")
        assert samples.tolist() == [8_192] * 1_920
        assert isinstance(ended, ResponseDoneEvent)
        assert ended.response.status == "completed"


async def test_what_is_refused_is_a_typed_error_that_names_the_event() -> None:
    async with theatre() as house, stock_client(house, "token-anna") as connection:
        await receive(connection)
        await connection.conversation.item.delete(item_id="item_1", event_id="mine")
        refused = await receive(connection)
        assert isinstance(refused, RealtimeErrorEvent)
        assert (refused.error.code, refused.error.event_id) == ("unsupported", "mine")
        await connection.output_audio_buffer.clear()
        await connection.response.cancel(event_id="again")
        refused = await receive(connection)
        assert isinstance(refused, RealtimeErrorEvent)
        assert refused.error.event_id == "again"


async def test_a_wrong_key_is_refused() -> None:
    async with theatre() as house:
        with pytest.raises(InvalidStatus) as refused:
            async with stock_client(house, "sk-something"):
                pass
        assert refused.value.response.status_code == 401


async def test_the_client_asks_for_its_key_the_way_it_knows() -> None:
    async with theatre() as house:
        async with openai.AsyncOpenAI(api_key="none", base_url=f"{house.http}/v1") as client:
            secret = await client.realtime.client_secrets.create(extra_headers={"x-visitor": "anna"})
        async with stock_client(house, secret.value) as connection:
            assert isinstance(await receive(connection), SessionCreatedEvent)
