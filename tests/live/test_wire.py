"""Client events: what is read out of a frame, and what is refused."""

import base64
import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeClientEvent

from speechagents.live.client_events import (
    CancelResponse,
    ClearAudio,
    ClearOutput,
    ClientEvent,
    CommitAudio,
    CreateItem,
    CreateResponse,
    OpenScene,
    PauseScene,
    Ping,
    Playback,
    PlayScene,
    PushToTalk,
    ResumeSession,
    RetrieveItem,
    ServerVad,
    TruncateItem,
    UpdateSession,
)
from speechagents.live.wire import MAX_FRAME_BYTES, WireError, parse


def frame(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "event_id": "mine", **fields})


def vad(**fields: Any) -> str:
    return frame("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": fields}}})


def says(*parts: dict[str, Any], **item: Any) -> str:
    return frame("conversation.item.create", item={"type": "message", "role": "user", "content": parts, **item})


def text(value: str) -> dict[str, Any]:
    return {"type": "input_text", "text": value}


def refusal(content: str | bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        parse(content)
    return caught.value


def outcome(content: str | bytes) -> ClientEvent | WireError:
    try:
        return parse(content)
    except WireError as fault:
        return fault


GOOD: list[tuple[str, ClientEvent]] = [
    (frame("session.update", session={"type": "realtime", "voice": "alloy"}), UpdateSession("mine")),
    (
        vad(type="server_vad", threshold=0.3, prefix_padding_ms=200, silence_duration_ms=500, create_response=False),
        UpdateSession("mine", ServerVad(0.3, 200, 500, answers=False)),
    ),
    (vad(type="semantic_vad", eagerness="high"), UpdateSession("mine", ServerVad(silence_ms=250))),
    (
        frame("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}}),
        UpdateSession("mine", PushToTalk()),
    ),
    (frame("input_audio_buffer.commit"), CommitAudio("mine")),
    (frame("input_audio_buffer.clear"), ClearAudio("mine")),
    (says(text("Hello,"), text("Ella!\n\x07"), id="item_a"), CreateItem("mine", "Hello, Ella!", "item_a")),
    (
        frame("conversation.item.truncate", item_id="item_1", content_index=0, audio_end_ms=1200),
        TruncateItem("mine", "item_1", 1200),
    ),
    (frame("conversation.item.retrieve", item_id="item_1"), RetrieveItem("mine", "item_1")),
    (frame("response.create"), CreateResponse("mine")),
    (frame("response.create", response={"metadata": {"role": " Ella "}}), CreateResponse("mine", "Ella")),
    (frame("response.cancel"), CancelResponse("mine")),
    (frame("response.cancel", response_id="resp_1"), CancelResponse("mine", "resp_1")),
    (frame("output_audio_buffer.clear"), ClearOutput("mine")),
    (
        frame("drama.scene.open", scene={"yaml": "title: A"}, role="Ella", policy="bidding", turns=9, seed=2**63 - 1),
        OpenScene("mine", yaml="title: A", role="Ella", policy="bidding", turns=9, seed=2**63 - 1),
    ),
    (frame("drama.scene.open", scene={"example": "picnic"}), OpenScene("mine", example="picnic")),
    (frame("drama.scene.pause"), PauseScene("mine")),
    (frame("drama.scene.play"), PlayScene("mine")),
    (frame("drama.playback", item_id="item_1", played_ms=200.4), Playback("mine", "item_1", 200)),
    (
        frame("drama.session.resume", session_id="sess_1", after_event_id="event_00000042"),
        ResumeSession("mine", "sess_1", 42),
    ),
    (frame("drama.session.resume", session_id="sess_1", after_event_id=""), ResumeSession("mine", "sess_1", 0)),
    (frame("drama.ping"), Ping("mine")),
]


@pytest.mark.parametrize(("content", "event"), GOOD, ids=lambda value: type(value).__name__)
def test_an_event_becomes_a_value(content: str, event: ClientEvent) -> None:
    assert parse(content) == event


def test_sound_becomes_audio() -> None:
    sound = base64.b64encode(bytes(960)).decode()
    event = parse(frame("input_audio_buffer.append", audio=sound))
    assert event.audio.frames == 480  # type: ignore[union-attr]
    assert event.audio.rate_hz == 24_000  # type: ignore[union-attr]


def test_an_event_needs_no_id() -> None:
    assert parse('{"type": "drama.ping"}') == Ping("")


def test_every_client_event_of_the_stock_client_is_known() -> None:
    models = get_args(get_args(RealtimeClientEvent)[0])
    names = {get_args(model.model_fields["type"].annotation)[0] for model in models}
    assert len(names) >= 11
    for name in names:
        assert getattr(outcome(json.dumps({"type": name})), "code", "") != "unknown_event", name


@pytest.mark.parametrize(
    ("content", "code", "param"),
    [
        (b"\x00\x01", "binary_frame", ""),
        ("", "invalid_json", ""),
        ("no json", "invalid_json", ""),
        ("[]", "invalid_json", ""),
        ('"drama.ping"', "invalid_json", ""),
        ('{"type": "drama.ping", "type": "drama.ping"}', "invalid_json", ""),
        ('{"type": "drama.ping"} {}', "invalid_json", ""),
        ('{"a": NaN}', "invalid_json", ""),
        ('{"a": Infinity}', "invalid_json", ""),
        ('{"a": 1e999}', "invalid_json", ""),
        ('{"a": ' + "9" * 5_000 + "}", "invalid_json", ""),
        ("[" * 100_000, "invalid_json", ""),
        ('{"a": ' + "[" * 13 + "]" * 13 + "}", "invalid_json", ""),
        (" " * (MAX_FRAME_BYTES + 1), "frame_too_large", ""),
        ("{}", "missing_field", "type"),
        ('{"type": ""}', "invalid_value", "type"),
        ('{"type": 7}', "invalid_value", "type"),
        ('{"type": "session.delete"}', "unknown_event", "type"),
        ('{"type": "drama.ping", "event_id": {}}', "invalid_value", "event_id"),
        (json.dumps({"type": "drama.ping", "event_id": "x" * 129}), "too_long", "event_id"),
        ('{"type": "input_audio_buffer.append"}', "missing_field", "audio"),
        (frame("input_audio_buffer.append", audio="!!!!"), "invalid_audio", "audio"),
        (frame("input_audio_buffer.append", audio="AAAA"), "invalid_audio", "audio"),
        (frame("input_audio_buffer.append", audio=["AAAA"]), "invalid_value", "audio"),
        (frame("input_audio_buffer.append", audio="\ud800"), "invalid_value", "audio"),
        (
            frame("input_audio_buffer.append", audio=base64.b64encode(bytes(2 * 72_001)).decode()),
            "too_long",
            "audio",
        ),
        (frame("session.update"), "missing_field", "session"),
        (frame("session.update", session=[]), "invalid_value", "session"),
        (frame("session.update", session={"type": "transcription"}), "invalid_value", "session.type"),
        (
            frame("session.update", session={"audio": {"output": {"format": {"type": "audio/pcmu"}}}}),
            "invalid_value",
            "session.audio.output.format.type",
        ),
        (
            frame("session.update", session={"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}}}),
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (vad(type="server_vad", threshold=2), "invalid_value", "session.audio.input.turn_detection.threshold"),
        (vad(type="server_vad", threshold=True), "invalid_value", "session.audio.input.turn_detection.threshold"),
        (
            vad(type="server_vad", create_response="no"),
            "invalid_value",
            "session.audio.input.turn_detection.create_response",
        ),
        (says(), "invalid_value", "item.content"),
        (says(text(" \x00 ")), "invalid_value", "item.content"),
        (says(text("\ud800 ")), "invalid_value", "item.content[0].text"),
        (says(text("x" * 2_001)), "too_long", "item.content[0].text"),
        (says(*[text("x" * 200)] * 11), "too_long", "item.content"),
        (says(*[text("x")] * 33), "too_long", "item.content"),
        (says({"type": "input_audio", "audio": "AAAA"}), "unsupported", "item.content[0].type"),
        (says(text("hi"), role="system"), "unsupported", "item.role"),
        (says(text("hi"), id="../etc"), "invalid_value", "item.id"),
        (frame("conversation.item.create", item={"type": "function_call_output"}), "invalid_value", "item.type"),
        (frame("conversation.item.delete", item_id="item_1"), "unsupported", "type"),
        (frame("conversation.item.truncate", item_id="item_1"), "missing_field", "audio_end_ms"),
        (frame("drama.scene.open"), "missing_field", "scene"),
        (frame("drama.scene.open", scene={}), "invalid_value", "scene"),
        (frame("drama.scene.open", scene={"yaml": "a", "example": "b"}), "invalid_value", "scene"),
        (frame("drama.scene.open", scene={"yaml": "x" * 128_001}), "too_long", "scene.yaml"),
        (frame("drama.scene.open", scene={"example": "a"}, policy="anarchy"), "invalid_value", "policy"),
        (frame("drama.scene.open", scene={"example": "a"}, turns=0), "invalid_value", "turns"),
        (frame("drama.scene.open", scene={"example": "a"}, turns=10**18), "invalid_value", "turns"),
        (frame("drama.playback", item_id="a", played_ms=-1), "invalid_value", "played_ms"),
        (frame("drama.playback", item_id="a b", played_ms=1), "invalid_value", "item_id"),
        (frame("drama.session.resume", session_id=""), "invalid_value", "session_id"),
        (frame("drama.session.resume", session_id="a", after_event_id="event_x"), "invalid_value", "after_event_id"),
    ],
)
def test_what_is_wrong_is_named(content: str | bytes, code: str, param: str) -> None:
    fault = refusal(content)
    assert (fault.code, fault.param) == (code, param)
    assert str(fault)


def test_a_fault_names_the_event_it_is_in() -> None:
    assert refusal(frame("drama.playback", item_id="a", played_ms=-1)).event_id == "mine"
    assert refusal(frame("nonsense")).event_id == "mine"


def test_brackets_in_a_text_are_no_depth() -> None:
    event = parse(frame("drama.scene.open", scene={"yaml": "[" * 500}))
    assert isinstance(event, OpenScene)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "AAAA"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
NAMES = sorted({json.loads(content)["type"] for content, _ in GOOD} | {"input_audio_buffer.append"})
FIELDS = ["session", "audio", "item", "item_id", "response", "scene", "role", "turns", "seed", "played_ms", "event_id"]


@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_whatever_stands_in_the_fields_there_is_an_event_or_a_fault(name: str, fields: dict[str, Any]) -> None:
    result = outcome(json.dumps({"type": name, **fields}))
    if isinstance(result, WireError):
        assert str(result)
    else:
        assert result.event_id == (fields.get("event_id") or "")


@given(st.text() | st.binary())
def test_whatever_is_in_a_frame_there_is_an_event_or_a_fault(content: str | bytes) -> None:
    assert isinstance(outcome(content), WireError)
