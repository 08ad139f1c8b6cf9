"""Our own server events."""

import json

import pytest

from speechagents.live import drama_events
from speechagents.live.drama_events import Latencies, RoleView, SceneView
from speechagents.live.server_events import Answer, ServerEvent

SCENE = SceneView(
    title="Picnic",
    setting="EXT. PARK - DAY",
    background="Friends meet.",
    language="en",
    role="Sophia",
    roles=(RoleView("Ella", "25, writer", "en-1", person=False), RoleView("Sophia", "27, nurse", "", person=True)),
    controller="rehearsal",
    listener="pocketsphinx",
    production="p1",
)

EVENTS: list[ServerEvent] = [
    drama_events.scene_opened(SCENE),
    drama_events.scene_paused(),
    drama_events.scene_playing(),
    drama_events.scene_over("all turns are played"),
    drama_events.turn(
        "Ella", deed="speak", style="happy", reason="addressed", answer=Answer("resp_1", "item_1", "Ella")
    ),
    drama_events.turn("Ella", deed="act", style="default", reason="next", text="sits down"),
    drama_events.queue(speaking="Ella", following="Sophia"),
    drama_events.duck("item_1", 0.25),
    drama_events.transcript_partial("item_1", "hello th"),
    drama_events.message({"id": 1, "speaker": "Ella"}),
    drama_events.metrics("item_1", Latencies(end_of_utterance_s=0.35, first_audio_s=0.5123)),
    drama_events.session_resumed("sess_1", 3),
    drama_events.pong("mine"),
]


@pytest.mark.parametrize("event", EVENTS, ids=[event["type"] for event in EVENTS])
def test_an_event_is_in_our_name_space_and_plain_json(event: ServerEvent) -> None:
    assert event["type"].startswith("drama.")
    assert json.loads(json.dumps(event, allow_nan=False)) == event


def test_a_turn_names_the_response_that_speaks_it() -> None:
    spoken, acted = EVENTS[4], EVENTS[5]
    assert (spoken["response_id"], spoken["item_id"]) == ("resp_1", "item_1")
    assert (acted["response_id"], acted["item_id"], acted["text"]) == (None, None, "sits down")


def test_nobody_is_null() -> None:
    assert drama_events.queue(waits_for_person=True) == {
        "type": "drama.queue",
        "speaking": None,
        "next": None,
        "waits_for_person": True,
    }


def test_latencies_are_milliseconds_and_null_where_nothing_happened() -> None:
    event = drama_events.metrics("item_1", Latencies(end_of_utterance_s=0.35, first_audio_s=0.5123))
    assert event["end_of_utterance_ms"] == 350
    assert event["first_audio_ms"] == 512
    assert event["recognition_ms"] is None
