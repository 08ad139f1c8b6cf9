"""What a live session tells any client: OpenAI Realtime server events, as plain JSON-ready values.

Owns their names and fields. Does not know our own events (`drama_events`), and does not number or send any (`outbox`):
no `event_id` yet. Times come in as seconds and go out as milliseconds. All fit the models of `openai.types.realtime`;
where those leave room (`metadata` of a response), the role that speaks is named, so that a client that knows no
``drama.*`` event can tell the agents apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from speechagents.audio import Audio
from speechagents.live import pcm16
from speechagents.live.client_events import PushToTalk, ServerVad

ServerEvent = dict[str, Any]

ERROR_REFUSED = "invalid_request_error"
"""Type of an error that the client can avoid."""
ERROR_OURS = "server_error"
"""Type of an error that it cannot."""

AUDIO_DELTA = "response.output_audio.delta"


def error(message: str, *, code: str, kind: str = ERROR_REFUSED, param: str = "", event_id: str = "") -> ServerEvent:
    """Something could not be done; the session goes on.

    Args:
        message: What is wrong and what to do about it.
        code: For programs.
        kind: `ERROR_REFUSED` or `ERROR_OURS`.
        param: Path of the field at fault, empty for none.
        event_id: Of the client's event at fault, empty for none.
    """
    return {
        "type": "error",
        "error": {
            "type": kind,
            "code": code,
            "message": message,
            "param": param or None,
            "event_id": event_id or None,
        },
    }


# Session and input


def session_view(
    session_id: str, turn_detection: ServerVad | PushToTalk, *, model: str, instructions: str = ""
) -> dict[str, Any]:
    """A session as its client sees it.

    Args:
        session_id: Also the key for coming back after a broken connection.
        turn_detection: With all its numbers set.
        model: Name of the controller.
        instructions: What the scene is about.
    """
    audio_format = {"type": "audio/pcm", "rate": pcm16.RATE_HZ}
    return {
        "id": session_id,
        "object": "realtime.session",
        "type": "realtime",
        "model": model,
        "instructions": instructions,
        "output_modalities": ["audio"],
        "audio": {
            "input": {"format": audio_format, "turn_detection": _turn_detection(turn_detection)},
            "output": {"format": audio_format},
        },
    }


def session_created(view: Mapping[str, Any]) -> ServerEvent:
    """The first event of a session."""
    return {"type": "session.created", "session": dict(view)}


def session_updated(view: Mapping[str, Any]) -> ServerEvent:
    """The answer to ``session.update``: everything as it is now."""
    return {"type": "session.updated", "session": dict(view)}


def speech_started(item_id: str, start_s: float) -> ServerEvent:
    """The person began to speak, on the clock of the input sound."""
    return {"type": "input_audio_buffer.speech_started", "item_id": item_id, "audio_start_ms": _ms(start_s)}


def speech_stopped(item_id: str, end_s: float) -> ServerEvent:
    """The person has finished."""
    return {"type": "input_audio_buffer.speech_stopped", "item_id": item_id, "audio_end_ms": _ms(end_s)}


def audio_committed(item_id: str, *, previous_item_id: str = "") -> ServerEvent:
    """What was heard is an item now."""
    return {
        "type": "input_audio_buffer.committed",
        "item_id": item_id,
        "previous_item_id": previous_item_id or None,
    }


def audio_cleared() -> ServerEvent:
    """What was heard and not committed is forgotten."""
    return {"type": "input_audio_buffer.cleared"}


# Items of the conversation


class ItemStatus(StrEnum):
    """How far an item has come."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"


def typed_item(item_id: str, text: str) -> dict[str, Any]:
    """What the person wrote, as an item."""
    return _item(item_id, "user", ItemStatus.COMPLETED, {"type": "input_text", "text": text})


def spoken_item(item_id: str, transcript: str | None, status: ItemStatus) -> dict[str, Any]:
    """What the person spoke, as an item; None before it was understood."""
    return _item(item_id, "user", status, {"type": "input_audio", "transcript": transcript})


def agent_item(item_id: str, transcript: str, status: ItemStatus) -> dict[str, Any]:
    """An agent's line, as an item."""
    return _item(item_id, "assistant", status, {"type": "output_audio", "transcript": transcript})


def item_added(item: Mapping[str, Any], *, previous_item_id: str = "") -> ServerEvent:
    """An item is in the conversation, perhaps not complete."""
    return {
        "type": "conversation.item.added",
        "item": dict(item),
        "previous_item_id": previous_item_id or None,
    }


def item_done(item: Mapping[str, Any], *, previous_item_id: str = "") -> ServerEvent:
    """An item is complete."""
    return {
        "type": "conversation.item.done",
        "item": dict(item),
        "previous_item_id": previous_item_id or None,
    }


def item_retrieved(item: Mapping[str, Any]) -> ServerEvent:
    """The answer to ``conversation.item.retrieve``."""
    return {"type": "conversation.item.retrieved", "item": dict(item)}


def item_truncated(item_id: str, end_s: float) -> ServerEvent:
    """Of an agent's line only so much was played; that is what everybody remembers."""
    return {
        "type": "conversation.item.truncated",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": _ms(end_s),
    }


def transcription_delta(item_id: str, delta: str) -> ServerEvent:
    """More of what the person said; never taken back."""
    return {
        "type": "conversation.item.input_audio_transcription.delta",
        "item_id": item_id,
        "content_index": 0,
        "delta": delta,
    }


def transcription_completed(item_id: str, transcript: str, *, duration_s: float) -> ServerEvent:
    """All of what the person said."""
    return {
        "type": "conversation.item.input_audio_transcription.completed",
        "item_id": item_id,
        "content_index": 0,
        "transcript": transcript,
        "usage": {"type": "duration", "seconds": round(duration_s, 3)},
    }


def transcription_failed(item_id: str, message: str, *, code: str) -> ServerEvent:
    """The person was not understood."""
    return {
        "type": "conversation.item.input_audio_transcription.failed",
        "item_id": item_id,
        "content_index": 0,
        "error": {"type": "transcription_error", "code": code, "message": message, "param": None},
    }


# An agent's line


class Ending(StrEnum):
    """How a response ended."""

    COMPLETED = "completed"
    TURN_DETECTED = "turn_detected"
    """The person broke in."""
    CLIENT_CANCELLED = "client_cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """The events of one response: one agent, one item, one piece of sound with its words.

    In order: `created`, `item_added`, `part_added`; then `transcript_delta` and `audio_delta` as they come; then
    `audio_done`, `transcript_done`, `part_done`, `item_done`, `done`. A response that is broken off ends the same way.

    Attributes:
        response_id: Of the response.
        item_id: Of the agent's line.
        role: Name of who speaks.
    """

    response_id: str
    item_id: str
    role: str

    def created(self) -> ServerEvent:
        """An agent begins."""
        return {"type": "response.created", "response": self._response("in_progress")}

    def item_added(self) -> ServerEvent:
        """Its line is there, still empty."""
        item = {**agent_item(self.item_id, "", ItemStatus.IN_PROGRESS), "content": []}
        return {"type": "response.output_item.added", **self._of_response(), "item": item}

    def part_added(self) -> ServerEvent:
        """Its sound is about to come."""
        return {"type": "response.content_part.added", **self._of_part(), "part": {"type": "audio", "transcript": ""}}

    def transcript_delta(self, delta: str) -> ServerEvent:
        """The words of the sound that comes next."""
        return {"type": "response.output_audio_transcript.delta", **self._of_part(), "delta": delta}

    def audio_delta(self, audio: Audio) -> ServerEvent:
        """The next stretch of sound, mono at 24 kHz."""
        return {"type": AUDIO_DELTA, **self._of_part(), "delta": pcm16.encode(audio)}

    def audio_done(self) -> ServerEvent:
        """No more sound comes."""
        return {"type": "response.output_audio.done", **self._of_part()}

    def transcript_done(self, transcript: str) -> ServerEvent:
        """All the words that were said."""
        return {"type": "response.output_audio_transcript.done", **self._of_part(), "transcript": transcript}

    def part_done(self, transcript: str) -> ServerEvent:
        """The sound is complete, or broken off."""
        part = {"type": "audio", "transcript": transcript}
        return {"type": "response.content_part.done", **self._of_part(), "part": part}

    def item_done(self, transcript: str, ending: Ending) -> ServerEvent:
        """The line is complete, or broken off."""
        item = agent_item(self.item_id, transcript, _status(ending))
        return {"type": "response.output_item.done", **self._of_response(), "item": item}

    def done(self, transcript: str, ending: Ending, *, message: str = "") -> ServerEvent:
        """The agent has finished.

        Args:
            transcript: What was said.
            ending: How it ended.
            message: Why it failed, if it did.
        """
        item = agent_item(self.item_id, transcript, _status(ending))
        if ending is Ending.COMPLETED:
            response = self._response("completed", item)
        elif ending is Ending.FAILED:
            fault = {"type": ERROR_OURS, "code": "response_failed", "message": message}
            response = self._response("failed", item)
            response["status_details"] = {"type": "failed", "error": fault}
        else:
            response = self._response("cancelled", item)
            response["status_details"] = {"type": "cancelled", "reason": ending.value}
        return {"type": "response.done", "response": response}

    def output_cleared(self) -> ServerEvent:
        """The client must drop what it has not played yet of this line."""
        return {"type": "output_audio_buffer.cleared", "response_id": self.response_id}

    def _response(self, status: str, *output: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": self.response_id,
            "object": "realtime.response",
            "status": status,
            "status_details": None,
            "output": list(output),
            "output_modalities": ["audio"],
            "audio": {"output": {"format": {"type": "audio/pcm", "rate": pcm16.RATE_HZ}}},
            "metadata": {"role": self.role},
        }

    def _of_response(self) -> dict[str, Any]:
        return {"response_id": self.response_id, "output_index": 0}

    def _of_part(self) -> dict[str, Any]:
        return {"response_id": self.response_id, "item_id": self.item_id, "output_index": 0, "content_index": 0}


def _item(item_id: str, role: str, status: ItemStatus, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "role": role,
        "status": status.value,
        "content": [content],
    }


def _turn_detection(chosen: ServerVad | PushToTalk) -> dict[str, Any] | None:
    if isinstance(chosen, PushToTalk):
        return None
    return {
        "type": "server_vad",
        "threshold": chosen.threshold,
        "prefix_padding_ms": chosen.prefix_padding_ms,
        "silence_duration_ms": chosen.silence_ms,
        "create_response": chosen.answers,
        "interrupt_response": chosen.interrupts,
    }


def _status(ending: Ending) -> ItemStatus:
    return ItemStatus.COMPLETED if ending is Ending.COMPLETED else ItemStatus.INCOMPLETE


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
