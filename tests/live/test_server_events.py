"""Server events, held against the models of the stock client: names, fields and values."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel

from speechagents.audio import Audio
from speechagents.live import server_events
from speechagents.live.client_events import PushToTalk, ServerVad
from speechagents.live.server_events import Answer, Ending, ItemStatus, ServerEvent

MODELS: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(get_args(RealtimeServerEvent)[0])
}

VIEW = server_events.session_view("sess_1", ServerVad(0.5, 300, 350), model="rehearsal", instructions="A picnic.")
ANSWER = Answer("resp_1", "item_1", "Ella")
SOUND = Audio(np.linspace(-1.0, 1.0, 960, dtype=np.float32), 24_000)

EVENTS: list[ServerEvent] = [
    server_events.error("no", code="invalid_value", param="item.id", event_id="mine"),
    server_events.error("no", code="failed", kind=server_events.ERROR_OURS),
    server_events.session_created(VIEW),
    server_events.session_updated(server_events.session_view("sess_1", PushToTalk(), model="rehearsal")),
    server_events.speech_started("item_1", 1.5),
    server_events.speech_stopped("item_1", 2.25),
    server_events.audio_committed("item_1", previous_item_id="item_0"),
    server_events.audio_cleared(),
    server_events.item_added(server_events.spoken_item("item_1", None, ItemStatus.IN_PROGRESS)),
    server_events.item_done(server_events.spoken_item("item_1", "Hello.", ItemStatus.COMPLETED)),
    server_events.item_done(server_events.typed_item("item_1", "Hello.")),
    server_events.item_retrieved(server_events.agent_item("item_1", "Hello.", ItemStatus.INCOMPLETE)),
    server_events.item_truncated("item_1", 0.75),
    server_events.transcription_delta("item_1", "Hello."),
    server_events.transcription_completed("item_1", "Hello.", duration_s=1.2345),
    server_events.transcription_failed("item_1", "nothing was understood", code="inaudible"),
    ANSWER.created(),
    ANSWER.item_added(),
    ANSWER.part_added(),
    ANSWER.transcript_delta("Hello."),
    ANSWER.audio_delta(SOUND),
    ANSWER.audio_done(),
    ANSWER.transcript_done("Hello."),
    ANSWER.part_done("Hello."),
    *(ANSWER.item_done("Hello.", ending) for ending in Ending),
    *(ANSWER.done("Hello.", ending, message="why") for ending in Ending),
    ANSWER.output_cleared(),
]


def unknown_fields(model: BaseModel, path: str = "") -> Iterator[str]:
    """Paths of all fields that the models do not know."""
    yield from (f"{path}.{name}" for name in model.model_extra or {})
    for name in type(model).model_fields:
        value = getattr(model, name)
        for index, inner in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(inner, BaseModel):
                yield from unknown_fields(inner, f"{path}.{name}[{index}]")


@pytest.mark.parametrize("event", EVENTS, ids=[event["type"] for event in EVENTS])
def test_an_event_fits_the_model_of_the_stock_client(event: ServerEvent) -> None:
    sent = json.loads(json.dumps({**event, "event_id": "event_00000001"}, allow_nan=False))
    model = MODELS[event["type"]].model_validate(sent)
    # A session has its id and kind in the answer to client_secrets, where the models have them too.
    assert set(unknown_fields(model)) <= {".session[0].id", ".session[0].object"}


def test_times_are_whole_milliseconds() -> None:
    assert server_events.speech_started("item_1", 1.5004)["audio_start_ms"] == 1500
    assert server_events.item_truncated("item_1", 0.75)["audio_end_ms"] == 750


def test_sound_is_16_bit_little_endian() -> None:
    samples = np.frombuffer(base64.b64decode(ANSWER.audio_delta(SOUND)["delta"]), "<i2")
    assert samples[0] == -32_768
    assert samples[-1] == 32_767


@pytest.mark.parametrize(
    ("ending", "status", "reason"),
    [
        (Ending.COMPLETED, "completed", None),
        (Ending.TURN_DETECTED, "cancelled", "turn_detected"),
        (Ending.CLIENT_CANCELLED, "cancelled", "client_cancelled"),
        (Ending.FAILED, "failed", None),
    ],
)
def test_a_response_says_how_it_ended(ending: Ending, status: str, reason: str | None) -> None:
    response: dict[str, Any] = ANSWER.done("Hello.", ending)["response"]
    assert response["status"] == status
    assert (response["status_details"] or {}).get("reason") == reason


def test_a_client_that_knows_no_events_of_ours_can_tell_the_agents_apart() -> None:
    assert ANSWER.created()["response"]["metadata"] == {"role": "Ella"}


def test_push_to_talk_is_no_turn_detection() -> None:
    view = server_events.session_view("sess_1", PushToTalk(), model="rehearsal")
    assert view["audio"]["input"]["turn_detection"] is None
