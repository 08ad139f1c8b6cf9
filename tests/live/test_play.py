"""A scene being played live: what happens, when, what the client is told, and what is recorded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from speechagents.audio import Audio
from speechagents.errors import ControllerError, SynthesisError
from speechagents.listeners.listener import Transcript
from speechagents.live.clauses import Clause
from speechagents.live.conversation import Conversation
from speechagents.live.ear import Began, Ended, Understood, Voiced
from speechagents.live.outbox import Outbox
from speechagents.live.pcm16 import RATE_HZ
from speechagents.live.play import DUCKED_GAIN, Play, Threads
from speechagents.live.scene import Decision, Speaks
from tests.live.stage_fakes import AtOnce, FakeClock, Reader, ScriptedScene, acts, awaits, settle, speaks

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Stage:
    """A play with everything around it."""

    def __init__(self, *script: Decision | Exception) -> None:
        self.scene = ScriptedScene(list(script))
        self.clock = FakeClock()
        self.outbox = Outbox()
        self.client = Reader(self.outbox)
        threads = Threads(AtOnce(), AtOnce())
        self.play = Play(self.scene.as_scene(), self.outbox, Conversation(), self.clock, threads)

    async def run(self, seconds: float) -> None:
        await self.clock.run(seconds)

    async def person_speaks(self, text: str, *, voiced_s: float = 1.0, partial: str = "") -> None:
        """From begin to text, in `voiced_s` and 0.4 s more."""
        start_s = self.clock.now_s() - self.play.zero_s
        self.play.hear(Began(start_s))
        await self.run(voiced_s / 2)
        self.play.hear(Voiced(voiced_s / 2, partial))
        await self.run(voiced_s / 2)
        self.play.hear(Voiced(voiced_s, partial))
        await self.run(0.35)
        self.play.hear(Ended(start_s, start_s + voiced_s))
        await self.run(0.05)
        sound = Audio.silence(voiced_s, RATE_HZ)
        self.play.hear(Understood(Transcript(text), sound, start_s, start_s + voiced_s))
        await settle()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """Anna has two clauses to say, then Cleo one."""
    made = Stage(speaks("Anna", "Good morning, is there tea?"), speaks("Cleo", "There is not."))
    made.play.go_on()
    yield made
    await made.play.close()


async def test_an_agent_speaks_first_and_the_next_one_after_a_gap(stage: Stage) -> None:
    await stage.run(2.1)
    assert stage.scene.log == [
        "decide among everybody",
        "decide among everybody after 'Good morning, is there tea?'",
        "keep 'Good morning, is there tea?' whole, 0.00-2.00",
    ]
    await stage.run(1.0)
    await stage.client.read()
    begins = [event["role"] for event in stage.client.of("drama.turn")]
    assert begins == ["Anna", "Cleo"]


async def test_the_client_hears_of_a_line_in_the_order_of_the_standard(stage: Stage) -> None:
    await stage.run(2.1)
    assert [kind for kind in await stage.client.types() if kind.startswith(("response", "conversation"))] == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    assert stage.client.of("response.done")[0]["response"]["status"] == "completed"


async def test_sound_is_sent_only_a_little_ahead_of_the_ear(stage: Stage) -> None:
    await stage.run(0.0)
    await stage.client.read()
    assert sound_s(stage.client) == pytest.approx(0.4)
    await stage.run(1.0)
    await stage.client.read()
    assert sound_s(stage.client) == pytest.approx(1.4, abs=0.041)


async def test_real_words_cut_the_line_and_what_was_heard_of_it_is_what_is_kept(stage: Stage) -> None:
    await stage.run(0.5)
    await stage.person_speaks("no there is not", partial="no there")
    log = stage.scene.log
    # Begun at 0.5 s, words understood at 1.0 s: cut there, 1 s of the line was heard.
    assert "keep 'Good morning, is there tea?' 1.00 s, 0.00-1.00" in log
    assert log.index("keep 'Good morning, is there tea?' 1.00 s, 0.00-1.00") < log.index(
        "person 'no there is not' spoken, 0.50-1.50"
    )
    assert log[-1] == "decide among everybody", "what was thought ahead is thought anew"
    await stage.client.read()
    (done,) = stage.client.of("response.done")
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}


async def test_a_cut_line_is_never_heard_again(stage: Stage) -> None:
    await stage.run(0.5)
    await stage.person_speaks("no there is not", partial="no there")
    await stage.run(5.0)
    await stage.client.read()
    (cleared,) = [event for event in stage.client.events if event["type"] == "output_audio_buffer.cleared"]
    after = stage.client.events[stage.client.events.index(cleared) :]
    late = [event for event in after if event.get("delta") and event.get("response_id") == cleared["response_id"]]
    assert late == []


async def test_a_cough_turns_the_agent_down_and_up_and_changes_nothing_else(stage: Stage) -> None:
    await stage.run(0.5)
    await stage.person_speaks("", voiced_s=0.2)
    await stage.run(3.0)
    await stage.client.read()
    assert [event["gain"] for event in stage.client.of("drama.duck")] == [DUCKED_GAIN, 1.0]
    assert stage.scene.log[2] == "keep 'Good morning, is there tea?' whole, 0.00-2.00"
    assert not any(entry.startswith("person") for entry in stage.scene.log)


async def test_a_sign_of_listening_enters_no_record(stage: Stage) -> None:
    await stage.run(0.5)
    await stage.person_speaks("mm-hm", voiced_s=0.3, partial="mm-hm")
    await stage.run(3.0)
    assert not any(entry.startswith("person") for entry in stage.scene.log)


async def test_interrupting_can_be_switched_off(stage: Stage) -> None:
    stage.play.turn_taking(answers=True, interrupts=False)
    await stage.run(0.5)
    stage.play.hear(Began(0.5))
    stage.play.hear(Voiced(0.7, "stop talking"))
    await stage.run(2.0)
    await stage.client.read()
    assert stage.client.of("drama.duck") == []
    assert stage.client.of("response.done")[0]["response"]["status"] == "completed"


async def test_answers_can_be_left_to_the_client() -> None:
    stage = Stage(awaits(), speaks("Anna", "Yes."))
    stage.play.turn_taking(answers=False, interrupts=True)
    stage.play.go_on()
    await stage.person_speaks("is there tea")
    await stage.run(2.0)
    assert not await spoken(stage)
    stage.play.urge()
    await stage.run(0.1)
    assert await spoken(stage) == ["Anna"]
    await stage.play.close()


async def test_the_time_to_the_answer_is_told() -> None:
    stage = Stage(awaits(), speaks("Anna", "Yes."))
    stage.play.go_on()
    await stage.run(1.0)
    await stage.person_speaks("is there tea")
    await stage.run(0.1)
    await stage.client.read()
    (metrics,) = stage.client.of("drama.metrics")
    assert (metrics["end_of_utterance_ms"], metrics["recognition_ms"]) == (350, 50)
    assert metrics["voice_to_voice_ms"] == 400
    await stage.play.close()


async def test_typed_words_are_words(stage: Stage) -> None:
    await stage.run(0.5)
    stage.play.type("There is no tea.", "item_x")
    await settle()
    assert stage.scene.log[2:4] == [
        "keep 'Good morning, is there tea?' 0.50 s, 0.00-0.50",
        "person 'There is no tea.' typed, 0.50-0.50",
    ]


async def test_agents_go_on_when_the_person_keeps_quiet() -> None:
    stage = Stage(awaits(), speaks("Cleo", "Well then."))
    stage.play.go_on()
    await stage.run(7.9)
    assert stage.scene.log == ["decide among everybody"]
    await stage.client.read()
    assert stage.client.of("drama.queue")[-1]["waits_for_person"]
    await stage.run(0.2)
    assert stage.scene.log[1] == "decide among agents"
    assert await spoken(stage) == ["Cleo"]
    await stage.play.close()


async def test_a_whisper_to_somebody_else_is_recorded_and_never_told_to_the_person() -> None:
    stage = Stage(speaks("Anna", "He knows.", audience=("Cleo",)), awaits())
    stage.play.go_on()
    await stage.run(1.0)
    assert "keep 'He knows.' whole, 0.00-0.00" in stage.scene.log
    told = " ".join(str(event) for event in await stage.client.read())
    assert "He knows" not in told
    assert "Anna" not in told
    await stage.play.close()


async def test_what_makes_no_sound_is_shown_and_recorded() -> None:
    stage = Stage(acts("Cleo", "opens the window"), awaits())
    stage.play.go_on()
    await stage.run(0.1)
    await stage.client.read()
    (turn,) = stage.client.of("drama.turn")
    assert (turn["role"], turn["deed"], turn["text"], turn["item_id"]) == ("Cleo", "act", "opens the window", None)
    assert stage.client.of("drama.message")[0]["message"]["text"] == "opens the window"
    await stage.play.close()


async def test_a_pause_stops_in_the_middle_of_a_line_and_goes_on_there(stage: Stage) -> None:
    await stage.run(0.5)
    stage.play.pause()
    await stage.client.read()
    before_s = sound_s(stage.client)
    await stage.run(60.0)
    await stage.client.read()
    assert sound_s(stage.client) == before_s
    stage.play.go_on()
    await stage.run(2.0)
    assert any(entry.startswith("keep 'Good morning, is there tea?' whole") for entry in stage.scene.log)


async def test_a_client_that_plays_late_is_cut_where_it_was(stage: Stage) -> None:
    await stage.run(1.0)
    await stage.client.read()
    item_id = stage.client.of("response.output_item.added")[0]["item"]["id"]
    stage.play.played(item_id, 0.3)
    assert stage.play.cancel()
    await settle()
    assert stage.scene.log[-1] == "keep 'Good morning, is there tea?' 0.30 s, 0.00-1.00"


async def test_a_cancel_for_another_response_is_refused(stage: Stage) -> None:
    await stage.run(0.5)
    assert not stage.play.cancel("resp_of_yesterday")
    assert stage.play.cancel()
    assert not stage.play.cancel(), "it is cut once"


async def test_a_late_clause_of_a_cut_line_is_never_sent(stage: Stage) -> None:
    held: list[Clause] = []

    def slow(decided: Speaks) -> Iterator[Clause]:
        yield Clause("Good morning", 0.0, Audio.silence(1.0, RATE_HZ), ())
        held.append(Clause("is there tea?", 1.0, Audio.silence(1.0, RATE_HZ), ()))

    stage.scene.voice = slow
    await stage.run(0.5)
    stage.play.cancel()
    await stage.run(9.0)
    await stage.client.read()
    assert sound_s(stage.client) <= 0.95


async def test_a_voice_that_fails_ends_its_line_and_the_scene_goes_on() -> None:
    stage = Stage(speaks("Anna", "Good morning."), speaks("Cleo", "Morning."), awaits())

    def broken(decided: Speaks) -> Iterator[Clause]:
        if decided.message.speaker == "Anna":
            raise SynthesisError("the voice broke")
        yield Clause(decided.message.text, 0.0, Audio.silence(1.0, RATE_HZ), ())

    stage.scene.voice = broken
    stage.play.go_on()
    await stage.run(2.0)
    assert await spoken(stage) == ["Anna", "Cleo"]
    (failed, _) = stage.client.of("response.done")
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["status_details"]["error"]["message"] == "the voice broke"
    await stage.play.close()


async def test_a_controller_that_fails_pauses_the_scene_and_says_why() -> None:
    stage = Stage(ControllerError("the server is gone; start it again"), speaks("Anna", "Morning."))
    stage.play.go_on()
    await stage.run(0.1)
    await stage.client.read()
    assert stage.client.of("error")[0]["error"]["message"] == "the server is gone; start it again"
    stage.play.go_on()
    await stage.run(0.1)
    assert await spoken(stage) == ["Anna"]
    await stage.play.close()


async def test_the_end_of_a_scene_is_told(stage: Stage) -> None:
    await stage.run(10.0)
    await stage.client.read()
    assert stage.client.of("drama.scene.over")[0]["reason"] == "the script is at its end"
    assert stage.play.is_over


async def test_whoever_leaves_in_the_middle_keeps_what_was_heard(stage: Stage) -> None:
    await stage.run(0.7)
    await stage.play.close()
    assert stage.scene.log[-1] == "keep 'Good morning, is there tea?' 0.70 s, 0.00-0.70"


async def test_a_controller_that_needs_the_sound_thinks_after_the_line() -> None:
    stage = Stage(speaks("Anna", "Good morning."), speaks("Cleo", "Morning."))
    stage.scene.thinks_ahead = False
    stage.play.go_on()
    await stage.run(1.1)
    assert stage.scene.log == [
        "decide among everybody",
        "keep 'Good morning.' whole, 0.00-1.00",
        "decide among everybody",
    ]
    await stage.play.close()


async def spoken(stage: Stage) -> list[str]:
    """Who has spoken so far."""
    await stage.client.read()
    return [event["role"] for event in stage.client.of("drama.turn")]


def sound_s(client: Reader) -> float:
    """Seconds of sound that the client was sent."""
    return sum(len(event["delta"]) * 3 / 4 / 2 / RATE_HZ for event in client.of("response.output_audio.delta"))
