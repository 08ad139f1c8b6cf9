"""What a live session tells a client that knows the stage: our own ``drama.*`` events, as plain JSON-ready values.

Owns their names and fields. Does not number or send them (`outbox`). Times come in as seconds and go out as
milliseconds. Nothing here can carry thoughts, goals or secrets of an agent: the person on stage must not see them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from speechagents.live.server_events import Answer, ServerEvent

PARTIAL = "drama.transcript.partial"
QUEUE = "drama.queue"


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role as the person on stage may see it: neither goals nor secrets.

    Attributes:
        name: As shown.
        profile: What everybody can see of it.
        voice: Id of its voice, empty for the person.
        person: It is the person's.
    """

    name: str
    profile: str
    voice: str
    person: bool


@dataclass(frozen=True, slots=True)
class SceneView:
    """A scene as the person on stage may see it.

    Attributes:
        title: Of the scene.
        setting: The slug line.
        background: What everybody in the scene knows.
        language: BCP 47 tag.
        role: Name of the person's role.
        roles: Everybody.
        controller: Who acts for the agents.
        listener: Who understands the person.
        production: Id of the production that it becomes.
    """

    title: str
    setting: str
    background: str
    language: str
    role: str
    roles: tuple[RoleView, ...]
    controller: str
    listener: str
    production: str


def scene_opened(view: SceneView) -> ServerEvent:
    """The curtain rises."""
    return {
        "type": "drama.scene.opened",
        "title": view.title,
        "setting": view.setting,
        "background": view.background,
        "language": view.language,
        "role": view.role,
        "roles": [
            {"name": role.name, "profile": role.profile, "voice": role.voice, "person": role.person}
            for role in view.roles
        ],
        "controller": view.controller,
        "listener": view.listener,
        "production": view.production,
    }


def scene_paused() -> ServerEvent:
    """Nobody begins to speak."""
    return {"type": "drama.scene.paused"}


def scene_playing() -> ServerEvent:
    """It goes on."""
    return {"type": "drama.scene.playing"}


def scene_over(reason: str) -> ServerEvent:
    """The curtain falls."""
    return {"type": "drama.scene.over", "reason": reason}


def turn(
    role: str,
    *,
    deed: str,
    style: str,
    reason: str,
    addresses: Sequence[str] = (),
    private: bool = False,
    answer: Answer | None = None,
    text: str = "",
) -> ServerEvent:
    """A role has the floor.

    Args:
        role: Who.
        deed: What it does, a value of `drama.Deed`.
        style: Tag of the style.
        reason: Why it has the floor.
        addresses: Names of those it is meant for; none means everybody.
        private: Only those addressed hear it; sent to the person only if its role is one of them.
        answer: The response that speaks it; None for what makes no sound.
        text: What is done, for what makes no sound; words that are spoken come with their sound.
    """
    return {
        "type": "drama.turn",
        "response_id": answer.response_id if answer else None,
        "item_id": answer.item_id if answer else None,
        "role": role,
        "deed": deed,
        "style": style,
        "addresses": list(addresses),
        "reason": reason,
        "private": private,
        "text": text or None,
    }


def queue(*, speaking: str = "", following: str = "", waits_for_person: bool = False) -> ServerEvent:
    """Who speaks and who is next, empty for nobody; a newer one replaces an older one that is not sent yet."""
    return {
        "type": QUEUE,
        "speaking": speaking or None,
        "next": following or None,
        "waits_for_person": waits_for_person,
    }


def duck(item_id: str, gain: float) -> ServerEvent:
    """Play an item at this gain from now on; 1 is as before."""
    return {"type": "drama.duck", "item_id": item_id, "gain": round(gain, 3)}


def transcript_partial(item_id: str, text: str) -> ServerEvent:
    """The whole of what was understood so far; may be revised, and a stale one may never arrive."""
    return {"type": PARTIAL, "item_id": item_id, "text": text}


def message(entry: Mapping[str, Any]) -> ServerEvent:
    """A message as it stands in ``stream.jsonl``."""
    return {"type": "drama.message", "message": dict(entry)}


@dataclass(frozen=True, slots=True)
class Latencies:
    """How long an answer took, in seconds from the end of the person's speech; None for what did not happen."""

    end_of_utterance_s: float | None = None
    recognition_s: float | None = None
    first_token_s: float | None = None
    first_audio_s: float | None = None
    voice_to_voice_s: float | None = None


def metrics(item_id: str, latencies: Latencies) -> ServerEvent:
    """How long an answer took."""
    return {
        "type": "drama.metrics",
        "item_id": item_id,
        "end_of_utterance_ms": _ms(latencies.end_of_utterance_s),
        "recognition_ms": _ms(latencies.recognition_s),
        "first_token_ms": _ms(latencies.first_token_s),
        "first_audio_ms": _ms(latencies.first_audio_s),
        "voice_to_voice_ms": _ms(latencies.voice_to_voice_s),
    }


def session_resumed(session_id: str, missed: int) -> ServerEvent:
    """A connection belongs to an older session again; its events since follow.

    Args:
        session_id: Of that session.
        missed: How many events were too old to be sent again.
    """
    return {"type": "drama.session.resumed", "session_id": session_id, "missed": missed}


def pong(client_event_id: str) -> ServerEvent:
    """The answer to ``drama.ping``."""
    return {"type": "drama.pong", "client_event_id": client_event_id}


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else max(0, round(seconds * 1000))
