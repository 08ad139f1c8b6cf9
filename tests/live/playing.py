"""A session without a stage behind it: it says what it was told, and answers as a session would."""

from __future__ import annotations

import numpy as np

from speechagents.audio import Audio
from speechagents.errors import SceneError
from speechagents.live import server_events
from speechagents.live.client_events import (
    AppendAudio,
    CancelResponse,
    CommitAudio,
    CreateItem,
    CreateResponse,
    OpenScene,
    PlayScene,
    PushToTalk,
    RetrieveItem,
    ServerVad,
    UpdateSession,
)
from speechagents.live.outbox import Outbox
from speechagents.live.server_events import Answer, Ending, ItemStatus
from speechagents.live.sessions import SessionInput, Ticket
from speechagents.live.wire import WireError


class Puppet:
    """A live session that does what tests need.

    Attributes:
        received: All inputs in order.
        heard_s: Sound that came in, in seconds.
        closed: Why it was closed, empty while it is not.
    """

    def __init__(self, ticket: Ticket, outbox: Outbox) -> None:
        self.ticket = ticket
        self.outbox = outbox
        self.received: list[SessionInput] = []
        self.heard_s = 0.0
        self.closed = ""
        self._turn_detection: ServerVad | PushToTalk = ServerVad(0.5, 300, 350)
        outbox.put(server_events.session_created(self.view()))

    def view(self) -> dict[str, object]:
        return server_events.session_view(self.ticket.session_id, self._turn_detection, model="puppet")

    async def receive(self, event: SessionInput) -> None:
        assert not self.closed
        self.received.append(event)
        match event:
            case UpdateSession(turn_detection=chosen):
                self._turn_detection = chosen or self._turn_detection
                self.outbox.put(server_events.session_updated(self.view()))
            case AppendAudio(audio=audio):
                self.heard_s += audio.duration_s
            case CommitAudio():
                self.outbox.put(server_events.audio_committed("item_sound"))
                self.outbox.put(server_events.transcription_completed("item_sound", "hello", duration_s=self.heard_s))
            case CreateItem(text=text, item_id=item_id):
                item = server_events.typed_item(item_id or "item_text", text)
                self.outbox.put(server_events.item_added(item))
                self.outbox.put(server_events.item_done(item))
            case CreateResponse(role=role):
                speak(self.outbox, Answer("resp_1", "item_1", role or "Ella"), 0.1)
            case CancelResponse():
                raise WireError("nobody is speaking", code="response_cancel_not_active")
            case OpenScene(example=name):
                raise SceneError(f"there is no example {name!r}")
            case PlayScene():
                raise ZeroDivisionError("a bug")
            case RetrieveItem():
                self.outbox.put(server_events.item_retrieved(server_events.typed_item("item_text", "x" * 50_000)))

    async def close(self, reason: str) -> None:
        assert not self.closed
        self.closed = reason


def speak(outbox: Outbox, answer: Answer, duration_s: float) -> None:
    """All events of a response, its sound in pieces of 40 ms."""
    outbox.put(answer.created())
    outbox.put(answer.item_added())
    outbox.put(server_events.item_added(server_events.agent_item(answer.item_id, "", ItemStatus.IN_PROGRESS)))
    outbox.put(answer.part_added())
    outbox.put(answer.transcript_delta("Hello there."))
    for _ in range(round(duration_s / 0.04)):
        outbox.put(answer.audio_delta(Audio(np.full(960, 0.25, np.float32), 24_000)))
    outbox.put(answer.audio_done())
    outbox.put(answer.transcript_done("Hello there."))
    outbox.put(answer.part_done("Hello there."))
    outbox.put(answer.item_done("Hello there.", Ending.COMPLETED))
    outbox.put(answer.done("Hello there.", Ending.COMPLETED))


class Company:
    """Makes puppets, and keeps them by session."""

    def __init__(self) -> None:
        self.puppets: dict[str, Puppet] = {}

    async def make(self, ticket: Ticket, outbox: Outbox) -> Puppet:
        puppet = Puppet(ticket, outbox)
        self.puppets[ticket.session_id] = puppet
        return puppet

    @property
    def only(self) -> Puppet:
        (puppet,) = self.puppets.values()
        return puppet
