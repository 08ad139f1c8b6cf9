"""Frames of the live socket, in: JSON text becomes a checked client event, or an error that says what is wrong.

Owns the spelling of client events, those of OpenAI Realtime and our own, and their limits. Trusts nothing, so that
nobody further in has to check again; how untrusted JSON is read is in `fields`. Does not know sockets, sessions or what
an event does.

Fields that mean nothing on a stage (tools, voices, instructions to one model) are read over, so that stock clients
work; what a client would wrongly believe to have got, such as another sound format, is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

from speechagents.drama import MAX_LINE_CHARS, MAX_TURNS, clean_name
from speechagents.live import pcm16
from speechagents.live.client_events import (
    AppendAudio,
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
from speechagents.live.event_ids import event_number
from speechagents.live.fields import Fields, WireError, json_object
from speechagents.scripts.scene_file import MAX_SEED, POLICIES

__all__ = ["MAX_APPEND_S", "MAX_FRAME_BYTES", "MAX_YAML_CHARS", "WireError", "parse"]

MAX_FRAME_BYTES: Final = 256 * 1024
"""Largest frame; nearly four seconds of sound."""
MAX_APPEND_S: Final = 3.0
"""Longest sound of one event."""
MAX_YAML_CHARS: Final = 128_000
"""Longest scene."""
MAX_PLAYED_MS: Final = 3_600_000

_MAX_EVENT_ID_CHARS: Final = 128
_MAX_CONTENT_PARTS: Final = 32


def parse(frame: str | bytes) -> ClientEvent:
    """The event in a frame.

    Raises:
        WireError: There is none, or it breaks a limit.
    """
    if isinstance(frame, bytes):
        raise WireError("send events as JSON text, sound in base64; there are no binary frames", code="binary_frame")
    if len(frame) > MAX_FRAME_BYTES:
        raise WireError(f"a frame has at most {MAX_FRAME_BYTES} bytes", code="frame_too_large")
    fields = Fields(json_object(frame))
    event_id = fields.text("event_id", most=_MAX_EVENT_ID_CHARS)
    try:
        name = fields.needed_text("type", most=64)
        read = _READERS.get(name)
        if read is None:
            raise WireError(f"there is no event {name!r}", code="unknown_event", param="type")
        return read(event_id, fields)
    except WireError as fault:
        fault.event_id = event_id
        raise


# Each reader makes one event.


def _update_session(event_id: str, fields: Fields) -> UpdateSession:
    session = fields.needed_fields("session")
    session.one_of("type", ("realtime",))
    audio = session.fields("audio")
    inward, outward = audio.fields("input"), audio.fields("output")
    for direction in (inward, outward):
        sound = direction.fields("format")
        sound.one_of("type", ("audio/pcm",))
        sound.number("rate", least=pcm16.RATE_HZ, most=pcm16.RATE_HZ)
    if inward.says_null("turn_detection"):
        return UpdateSession(event_id, PushToTalk())
    return UpdateSession(
        event_id, _server_vad(inward.fields("turn_detection")) if inward.has("turn_detection") else None
    )


_EAGERNESS_SILENCE_MS: Final = {"": None, "auto": None, "low": 700, "medium": 450, "high": 250}


def _server_vad(fields: Fields) -> ServerVad:
    kind = fields.one_of("type", ("server_vad", "semantic_vad"))
    silence_ms = fields.whole("silence_duration_ms", most=10_000)
    if kind == "semantic_vad":
        silence_ms = _EAGERNESS_SILENCE_MS[fields.one_of("eagerness", ("auto", "low", "medium", "high"))]
    return ServerVad(
        threshold=fields.number("threshold", least=0.0, most=1.0),
        prefix_padding_ms=fields.whole("prefix_padding_ms", most=5_000),
        silence_ms=silence_ms,
        answers=fields.flag("create_response", otherwise=True),
        interrupts=fields.flag("interrupt_response", otherwise=True),
    )


def _append_audio(event_id: str, fields: Fields) -> AppendAudio:
    text = fields.text("audio", most=MAX_FRAME_BYTES)
    if not text and not fields.has("audio"):
        fields.fault("audio", "is missing", code="missing_field")
    try:
        audio = pcm16.decode(text)
    except ValueError as error:
        fields.fault("audio", str(error), code="invalid_audio")
    if audio.duration_s > MAX_APPEND_S:
        fields.fault("audio", f"is longer than {MAX_APPEND_S:g} s; send it in pieces", code="too_long")
    return AppendAudio(event_id, audio)


def _create_item(event_id: str, fields: Fields) -> CreateItem:
    item = fields.needed_fields("item")
    if item.one_of("type", ("message",)) == "" or item.needed_text("role", most=64) != "user":
        raise WireError(
            "only what the person says can be created here: an item of type message and role user",
            code="unsupported",
            param="item.role",
        )
    texts = []
    for part in item.several("content", most=_MAX_CONTENT_PARTS):
        if part.needed_text("type", most=64) != "input_text":
            part.fault("type", "is not input_text; append sound with input_audio_buffer.append", code="unsupported")
        texts.append(part.text("text", most=MAX_LINE_CHARS))
    text = clean_name(" ".join(texts))
    if not text:
        item.fault("content", "says nothing")
    if len(text) > MAX_LINE_CHARS:
        item.fault("content", f"has more than {MAX_LINE_CHARS} characters", code="too_long")
    return CreateItem(event_id, text, item.id("id"))


def _truncate_item(event_id: str, fields: Fields) -> TruncateItem:
    return TruncateItem(event_id, fields.needed_id("item_id"), fields.needed_whole("audio_end_ms", most=MAX_PLAYED_MS))


def _delete_item(_event_id: str, fields: Fields) -> NoReturn:
    fields.fault("type", "cannot be had: what was said on a stage cannot be unsaid", code="unsupported")


def _create_response(event_id: str, fields: Fields) -> CreateResponse:
    return CreateResponse(event_id, fields.fields("response").fields("metadata").name("role"))


def _open_scene(event_id: str, fields: Fields) -> OpenScene:
    scene = fields.needed_fields("scene")
    yaml, example = scene.text("yaml", most=MAX_YAML_CHARS), scene.name("example")
    if bool(yaml.strip()) == bool(example):
        fields.fault("scene", 'needs either "yaml" with the text of a scene file or "example" with a name')
    return OpenScene(
        event_id,
        yaml=yaml,
        example=example,
        role=fields.name("role"),
        policy=fields.one_of("policy", POLICIES),
        turns=_turns(fields),
        seed=fields.whole("seed", most=MAX_SEED),
    )


def _turns(fields: Fields) -> int | None:
    turns = fields.whole("turns", most=MAX_TURNS)
    return fields.fault("turns", f"is not between 1 and {MAX_TURNS}") if turns == 0 else turns


def _playback(event_id: str, fields: Fields) -> Playback:
    return Playback(event_id, fields.needed_id("item_id"), fields.needed_whole("played_ms", most=MAX_PLAYED_MS))


def _resume_session(event_id: str, fields: Fields) -> ResumeSession:
    after = event_number(fields.text("after_event_id", most=64))
    if after is None:
        fields.fault("after_event_id", "is no id of a server event; leave it empty to get all there is")
    return ResumeSession(event_id, fields.needed_id("session_id"), after)


_Reader = Callable[[str, Fields], ClientEvent]

_READERS: Final[dict[str, _Reader]] = {
    "session.update": _update_session,
    "input_audio_buffer.append": _append_audio,
    "input_audio_buffer.commit": lambda event_id, _: CommitAudio(event_id),
    "input_audio_buffer.clear": lambda event_id, _: ClearAudio(event_id),
    "conversation.item.create": _create_item,
    "conversation.item.truncate": _truncate_item,
    "conversation.item.retrieve": lambda event_id, fields: RetrieveItem(event_id, fields.needed_id("item_id")),
    "conversation.item.delete": _delete_item,
    "response.create": _create_response,
    "response.cancel": lambda event_id, fields: CancelResponse(event_id, fields.id("response_id")),
    "output_audio_buffer.clear": lambda event_id, _: ClearOutput(event_id),
    "drama.scene.open": _open_scene,
    "drama.scene.pause": lambda event_id, _: PauseScene(event_id),
    "drama.scene.play": lambda event_id, _: PlayScene(event_id),
    "drama.playback": _playback,
    "drama.session.resume": _resume_session,
    "drama.ping": lambda event_id, _: Ping(event_id),
}
