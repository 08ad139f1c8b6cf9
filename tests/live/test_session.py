"""One person's session: what its client asks for, and what is done about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from speechagents.audio import Audio
from speechagents.errors import ListenerError, SceneError
from speechagents.listeners.vad import SileroVad
from speechagents.live.client_events import (
    AppendAudio,
    CancelResponse,
    ClearAudio,
    CreateItem,
    CreateResponse,
    OpenScene,
    PauseScene,
    Playback,
    PlayScene,
    PushToTalk,
    RetrieveItem,
    ServerVad,
    TruncateItem,
    UpdateSession,
)
from speechagents.live.fields import WireError
from speechagents.live.outbox import Outbox
from speechagents.live.pcm16 import RATE_HZ
from speechagents.live.play import Threads
from speechagents.live.session import Hearing, Opened, StageSession
from speechagents.live.sessions import Attached, Detached
from tests.live.stage_fakes import AtOnce, FakeClock, Reader, ScriptedScene, awaits, speaks
from tests.live.test_ear import ScriptedListener

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class GermanListener(ScriptedListener):
    """Understands German alone."""

    def check_language(self, tag: str) -> None:
        if tag != "de":
            raise ListenerError("understands German alone")


@dataclass
class Voices:
    """A cast in which everybody has one voice."""

    def __getitem__(self, role: str) -> Any:
        return SimpleNamespace(voice=SimpleNamespace(id=f"voice-of-{role.lower()}"))


class Door:
    """A session with everything around it."""

    def __init__(self, listener: ScriptedListener | None = None) -> None:
        self.scene = ScriptedScene([speaks("Anna", "Good morning, is there tea?"), awaits()], cast=Voices())
        self.clock = FakeClock()
        self.outbox = Outbox()
        self.client = Reader(self.outbox)
        self.asked: list[OpenScene] = []
        self.session = StageSession(
            "sess_1",
            self.outbox,
            opens=self._open,
            default=OpenScene("", example="the-default"),
            hearing=Hearing(SileroVad(), listener, "" if listener else "nobody hears here", AtOnce()),
            threads=Threads(AtOnce(), AtOnce()),
            clock=self.clock,
        )

    def _open(self, wanted: OpenScene) -> Opened:
        self.asked.append(wanted)
        if wanted.example == "nowhere":
            raise SceneError("no example is called 'nowhere'; there are: somewhere")
        return Opened(self.scene.as_scene(), "0123456789abcdef", lambda: self.scene.log.append("afterwards"))

    async def types(self) -> list[str]:
        return list(await self.client.types())


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    made = Door(ScriptedListener("is", "there"))
    await made.session.receive(Attached(0))
    yield made
    await made.session.close("over")


async def test_a_session_says_what_it_is_first(door: Door) -> None:
    (created,) = await door.client.read()
    assert created["type"] == "session.created"
    assert created["session"]["id"] == "sess_1"
    detection = created["session"]["audio"]["input"]["turn_detection"]
    assert detection["type"] == "server_vad"
    assert detection["silence_duration_ms"] == 350


async def test_a_scene_is_opened_and_its_agents_begin(door: Door) -> None:
    await door.session.receive(OpenScene("e1", example="somewhere"))
    await door.clock.run(0.1)
    await door.client.read()
    (opened,) = door.client.of("drama.scene.opened")
    assert (opened["title"], opened["role"], opened["production"]) == ("The Kettle", "Ben", "0123456789abcdef")
    assert [(role["name"], role["voice"], role["person"]) for role in opened["roles"]] == [
        ("Anna", "voice-of-anna", False),
        ("Ben", "", True),
        ("Cleo", "voice-of-cleo", False),
    ]
    assert opened["listener"] == "scripted"
    assert door.client.of("drama.turn")[0]["role"] == "Anna"


async def test_a_scene_that_cannot_be_opened_is_refused_and_another_may_be(door: Door) -> None:
    with pytest.raises(WireError, match="there are: somewhere") as refused:
        await door.session.receive(OpenScene("e1", example="nowhere"))
    assert (refused.value.code, refused.value.event_id) == ("scene_refused", "e1")
    await door.session.receive(OpenScene("e2", example="somewhere"))
    assert "entered" in door.scene.log


async def test_a_second_scene_needs_a_second_session(door: Door) -> None:
    await door.session.receive(OpenScene("e1", example="somewhere"))
    with pytest.raises(WireError, match="open already"):
        await door.session.receive(OpenScene("e2", example="somewhere"))


@pytest.mark.parametrize(
    "event", [AppendAudio("e", Audio.silence(0.02, RATE_HZ)), CreateItem("e", "Hello."), CreateResponse("e")]
)
async def test_a_client_that_opens_nothing_gets_the_default(door: Door, event: Any) -> None:
    await door.session.receive(event)
    assert [wanted.example for wanted in door.asked] == ["the-default"]


async def test_written_words_are_an_item_and_a_message(door: Door) -> None:
    await door.session.receive(CreateItem("e", "Is there tea?", "item_mine"))
    await door.clock.run(0.1)
    await door.client.read()
    assert door.client.of("conversation.item.done")[0]["item"]["id"] == "item_mine"
    assert any(entry.startswith("person 'Is there tea?' typed") for entry in door.scene.log)
    await door.session.receive(RetrieveItem("e2", "item_mine"))
    (retrieved,) = await door.client.read()
    assert retrieved["item"]["content"][0]["text"] == "Is there tea?"


async def test_an_item_that_is_not_there_cannot_be_retrieved(door: Door) -> None:
    with pytest.raises(WireError, match="no such item"):
        await door.session.receive(RetrieveItem("e", "item_other"))


async def test_a_client_may_call_for_an_agent(door: Door) -> None:
    await door.session.receive(CreateResponse("e", role="cleo"))
    await door.clock.run(0.1)
    assert any(entry.endswith(", Cleo is called for") for entry in door.scene.log)


@pytest.mark.parametrize("role", ["Ben", "Nobody"])
async def test_nobody_but_an_agent_on_stage_can_be_called_for(door: Door, role: str) -> None:
    with pytest.raises(WireError, match="no agent"):
        await door.session.receive(CreateResponse("e", role=role))


async def test_cancelling_nobody_is_an_error_that_says_so(door: Door) -> None:
    with pytest.raises(WireError) as refused:
        await door.session.receive(CancelResponse("e9"))
    assert (refused.value.code, refused.value.event_id) == ("response_cancel_not_active", "e9")


async def test_the_person_can_pause_and_go_on(door: Door) -> None:
    await door.session.receive(OpenScene("e1", example="somewhere"))
    await door.clock.run(0.5)
    await door.session.receive(PauseScene("e2"))
    await door.clock.run(60.0)
    assert not any(entry.startswith("keep") for entry in door.scene.log)
    await door.session.receive(PlayScene("e3"))
    await door.clock.run(2.0)
    assert any("whole" in entry for entry in door.scene.log)
    kinds = await door.types()
    assert "drama.scene.paused" in kinds
    assert "drama.scene.playing" in kinds


async def test_a_scene_waits_for_a_client_that_is_away(door: Door) -> None:
    await door.session.receive(OpenScene("e1", example="somewhere"))
    await door.clock.run(0.5)
    await door.session.receive(Detached())
    await door.clock.run(25.0)
    assert not any(entry.startswith("keep") for entry in door.scene.log)
    await door.session.receive(Attached(0))
    await door.clock.run(2.0)
    assert any("whole" in entry for entry in door.scene.log)


async def test_a_client_that_comes_back_to_a_paused_scene_finds_it_paused(door: Door) -> None:
    await door.session.receive(OpenScene("e1", example="somewhere"))
    await door.session.receive(PauseScene("e2"))
    await door.session.receive(Detached())
    await door.session.receive(Attached(0))
    await door.clock.run(9.0)
    assert not any(entry.startswith("keep") for entry in door.scene.log)


async def test_a_client_that_missed_events_is_told_all_messages_again(door: Door) -> None:
    await door.session.receive(OpenScene("e1", example="somewhere"))
    await door.clock.run(2.1)
    await door.client.read()
    before = len(door.client.of("drama.message"))
    assert before == 1
    await door.session.receive(Attached(7))
    await door.client.read()
    assert len(door.client.of("drama.message")) == 2


async def test_what_was_played_counts(door: Door) -> None:
    await door.session.receive(OpenScene("e1", example="somewhere"))
    await door.clock.run(1.0)
    await door.client.read()
    item_id = door.client.of("response.output_item.added")[0]["item"]["id"]
    await door.session.receive(Playback("e2", item_id, 400))
    await door.session.receive(CancelResponse("e3"))
    await door.clock.run(0.0)
    assert any("0.40 s" in entry for entry in door.scene.log)


async def test_truncating_is_confirmed(door: Door) -> None:
    await door.client.read()
    await door.session.receive(TruncateItem("e", "item_1", 300))
    (truncated,) = await door.client.read()
    assert (truncated["type"], truncated["audio_end_ms"]) == ("conversation.item.truncated", 300)


async def test_turn_detection_is_changed_one_number_at_a_time(door: Door) -> None:
    await door.session.receive(UpdateSession("e1", ServerVad(silence_ms=600)))
    await door.session.receive(UpdateSession("e2", ServerVad(threshold=0.7)))
    await door.client.read()
    detection = door.client.of("session.updated")[-1]["session"]["audio"]["input"]["turn_detection"]
    assert (detection["silence_duration_ms"], detection["threshold"]) == (600, 0.7)


async def test_push_to_talk_is_no_turn_detection(door: Door) -> None:
    await door.session.receive(UpdateSession("e1", PushToTalk()))
    await door.client.read()
    updated = door.client.of("session.updated")[-1]["session"]
    assert updated["audio"]["input"]["turn_detection"] is None


async def test_clearing_is_confirmed_whether_or_not_anything_was_said(door: Door) -> None:
    await door.client.read()
    await door.session.receive(ClearAudio("e"))
    assert await door.types() == ["input_audio_buffer.cleared"]


async def test_a_listener_of_another_language_says_so_before_anybody_speaks() -> None:
    door = Door(GermanListener("ja"))
    await door.session.receive(Attached(0))
    await door.session.receive(OpenScene("e1", example="somewhere"))
    await door.client.read()
    assert door.client.of("drama.scene.opened")[0]["listener"] == "understands German alone"
    await door.session.close("over")


async def test_leaving_ends_the_line_leaves_the_scene_and_then_makes_the_files(door: Door) -> None:
    await door.session.receive(OpenScene("e1", example="somewhere"))
    await door.clock.run(0.7)
    await door.session.close("bye")
    assert door.scene.log[-3:] == ["keep 'Good morning, is there tea?' 0.70 s, 0.00-0.70", "left", "afterwards"]
    await door.session.close("twice")
    assert door.scene.log[-1] == "afterwards"
    assert door.scene.log.count("left") == 1
