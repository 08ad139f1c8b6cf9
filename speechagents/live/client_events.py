"""What a client asks of a live session, as values: the parsed form of OpenAI Realtime client events and of our own.

Owns the values. Does not know their spelling on the wire (`wire`) nor what a session does with them. All were checked
when they were parsed; each carries the `event_id` that its client gave it, empty if it gave none, so that an error
can name it.
"""

from __future__ import annotations

from dataclasses import dataclass

from speechagents.audio import Audio


@dataclass(frozen=True, slots=True)
class ServerVad:
    """The server finds out when the person speaks.

    Attributes:
        threshold: Least probability of speech, from 0 to 1; None leaves it as it is.
        prefix_padding_ms: How much sound before the start of speech belongs to it; None leaves it as it is.
        silence_ms: How long a silence ends the turn; None leaves it as it is.
        answers: The end of the person's turn lets somebody answer.
        interrupts: Speech of the person breaks off the agent who is speaking.
    """

    threshold: float | None = None
    prefix_padding_ms: int | None = None
    silence_ms: int | None = None
    answers: bool = True
    interrupts: bool = True


@dataclass(frozen=True, slots=True)
class PushToTalk:
    """The client says when the person has spoken: it commits the sound."""


@dataclass(frozen=True, slots=True)
class UpdateSession:
    """``session.update``.

    Attributes:
        event_id: As the client named it.
        turn_detection: None leaves it as it is.
    """

    event_id: str
    turn_detection: ServerVad | PushToTalk | None = None


@dataclass(frozen=True, slots=True)
class AppendAudio:
    """``input_audio_buffer.append``: sound of the person, mono at 24 kHz, perhaps none."""

    event_id: str
    audio: Audio


@dataclass(frozen=True, slots=True)
class CommitAudio:
    """``input_audio_buffer.commit``: the person has spoken."""

    event_id: str


@dataclass(frozen=True, slots=True)
class ClearAudio:
    """``input_audio_buffer.clear``: forget what the person said and is not committed."""

    event_id: str


@dataclass(frozen=True, slots=True)
class CreateItem:
    """``conversation.item.create``: the person says something in writing.

    Attributes:
        event_id: As the client named it.
        text: What is said: one line of visible characters, never empty.
        item_id: Id that the client wants it to have, empty for any.
    """

    event_id: str
    text: str
    item_id: str = ""


@dataclass(frozen=True, slots=True)
class TruncateItem:
    """``conversation.item.truncate``: the client played only so much of an agent's line."""

    event_id: str
    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class RetrieveItem:
    """``conversation.item.retrieve``: show an item once more."""

    event_id: str
    item_id: str


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """``response.create``: let somebody speak now.

    Attributes:
        event_id: As the client named it.
        role: Name of who should, from ``response.metadata.role``; empty leaves it to the turn policy.
    """

    event_id: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """``response.cancel``: break off whoever is speaking; an empty `response_id` means whichever it is."""

    event_id: str
    response_id: str = ""


@dataclass(frozen=True, slots=True)
class ClearOutput:
    """``output_audio_buffer.clear``: break off and play nothing more of what was sent."""

    event_id: str


@dataclass(frozen=True, slots=True)
class OpenScene:
    """``drama.scene.open``; exactly one of `yaml` and `example` is not empty.

    Attributes:
        event_id: As the client named it.
        yaml: Text of a scene file; untrusted, to be read with `scripts.scene_file`.
        example: Name of a scene that comes with the package.
        role: Name of the role that the person takes; empty takes the first.
        policy: Name of the turn policy; empty keeps the scene's.
        turns: Most turns to play; None keeps the scene's.
        seed: None keeps the scene's.
    """

    event_id: str
    yaml: str = ""
    example: str = ""
    role: str = ""
    policy: str = ""
    turns: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class PauseScene:
    """``drama.scene.pause``: nobody begins to speak."""

    event_id: str


@dataclass(frozen=True, slots=True)
class PlayScene:
    """``drama.scene.play``: go on."""

    event_id: str


@dataclass(frozen=True, slots=True)
class Playback:
    """``drama.playback``: how much of an item the client has played by now."""

    event_id: str
    item_id: str
    played_ms: int


@dataclass(frozen=True, slots=True)
class ResumeSession:
    """``drama.session.resume``: the connection belongs to a session that lost its own. Sessions never see it.

    Attributes:
        event_id: As the client named it.
        session_id: Of that session.
        after: Number of the last server event that the client has, 0 for none.
    """

    event_id: str
    session_id: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class Ping:
    """``drama.ping``: browsers cannot measure the way there and back otherwise. Sessions never see it."""

    event_id: str


ClientEvent = (
    UpdateSession
    | AppendAudio
    | CommitAudio
    | ClearAudio
    | CreateItem
    | TruncateItem
    | RetrieveItem
    | CreateResponse
    | CancelResponse
    | ClearOutput
    | OpenScene
    | PauseScene
    | PlayScene
    | Playback
    | ResumeSession
    | Ping
)
