"""A scene with a person in it, as a sequence of events: scripted agents, the real voices, real files."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.audio import Audio
from speechagents.controllers.controller import AgentInput, Answer, Bid, MalformedTurn
from speechagents.controllers.rehearsal import make_rehearsal
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Message, Role, SceneBrief, Style, Turn
from speechagents.errors import ControllerError, ProductionBusy, ProductionError, SettingsError
from speechagents.listeners.listener import Transcript
from speechagents.live.scene import Among, Awaits, Decision, LiveScene, Over, Silent, Speaks
from speechagents.settings import ImproviseSettings
from speechagents.stream import MessageStream, read_stream

SCENE = SceneBrief(
    title="Two Cups",
    setting="INT. KITCHEN - NIGHT",
    roles=(Role("Ella", "25, writer"), Role("Tom", "60, a baker"), Role("Sophia", "28, a nurse")),
    policy="round-robin",
    turns=8,
    seed=2,
)
LONG = "I have told you a hundred times, Ella, that nobody is allowed to touch the oven after midnight, not even you."


def said(role: str, text: str, **more: object) -> Turn:
    return Turn(role, text=text, **more)  # type: ignore[arg-type]


def speech_like(seconds: float = 1.2) -> Audio:
    """Something that a microphone may have picked up."""
    at = np.arange(round(24_000 * seconds)) / 24_000
    tone = np.sin(2 * np.pi * 150 * at) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * at))
    return Audio((0.05 * tone).astype(np.float32), 24_000)


Open = Callable[..., LiveScene]


@pytest.fixture
def open_scene(studio: Studio, tmp_path: Path) -> Open:
    """Open a scene in the folder ``out``; the person is Sophia."""

    def opened(
        controller: object,
        *,
        scene: SceneBrief = SCENE,
        person: str = "Sophia",
        out: Path = tmp_path / "out",
        listener: object = None,
        **options: object,
    ) -> LiveScene:
        actors = Actors(controller, ScriptedController(), listener=listener)  # type: ignore[arg-type]
        settings = ImproviseSettings(**options)  # type: ignore[arg-type]
        return studio.live(scene, person=person, out=out, actors=actors, settings=settings)

    return opened


def speaks(decided: Decision) -> Speaks:
    assert isinstance(decided, Speaks), decided
    return decided


def length_s(live: LiveScene, decided: Speaks) -> float:
    return sum(clause.audio.duration_s for clause in live.speech(decided))


def play(live: LiveScene, decided: Speaks, at_s: float = 0.0, *, heard_s: float | None = None) -> tuple[Message, ...]:
    whole_s = length_s(live, decided)
    return live.keep(decided, start_s=at_s, end_s=at_s + (whole_s if heard_s is None else heard_s), heard_s=heard_s)


def test_agents_begin_and_hand_on_and_the_person_is_awaited(open_scene: Open) -> None:
    with open_scene(ScriptedController([said("Ella", "Still awake?"), said("Tom", "I am always awake.")])) as live:
        (first,) = play(live, speaks(live.decide()))
        (second,) = play(live, speaks(live.decide()), 3.0)
        awaited = live.decide()
        assert (first.speaker, second.speaker) == ("Ella", "Tom")
        assert awaited == Awaits("Sophia", "it is its turn")
        mine = live.person_said("So am I.", speech_like(), start_s=6.0, end_s=7.2)
        assert [message.id for message in live.messages()] == [1, 2, 3]
        assert (mine.speaker, mine.start_s, mine.end_s) == ("Sophia", 6.0, 7.2)
        assert live.position_s == 7.2
        after = live.decide()
        assert isinstance(after, Silent)  # nothing was written for her any more
        assert after.role == "Ella"


def test_nobody_ever_acts_for_the_person(open_scene: Open) -> None:
    controller = ScriptedController([said("Ella", f"Well, {n}.") for n in range(4)] + [said("Tom", "Hm.")] * 4)
    with open_scene(controller) as live:
        for number in range(8):
            decided = live.decide(Among.AGENTS)
            assert isinstance(decided, Speaks)
            live.keep(decided, start_s=float(number), end_s=number + 1.0)
        assert [message.speaker for message in live.messages()] == ["Ella", "Tom"] * 4
    assert {ask.role.name for ask in controller.asked} == {"Ella", "Tom"}


def test_a_person_who_keeps_quiet_passes_only_their_own_turns(open_scene: Open) -> None:
    with open_scene(ScriptedController([said("Ella", "Well?"), said("Tom", "Well.")])) as live:
        first = speaks(live.decide(Among.AGENTS))
        assert not first.passed
        play(live, first)
        second = speaks(live.decide(Among.AGENTS))
        assert (second.message.speaker, second.passed) == ("Tom", False)


def test_a_person_who_keeps_quiet_is_passed_over_and_it_is_recorded(open_scene: Open, tmp_path: Path) -> None:
    with open_scene(ScriptedController([said("Ella", "Well?"), said("Tom", "Well."), said("Ella", "Well!")])) as live:
        play(live, speaks(live.decide()))
        play(live, speaks(live.decide()), 2.0)
        assert isinstance(live.decide(), Awaits)
        goes_on = speaks(live.decide(Among.AGENTS))
        assert goes_on.passed
        (third,) = play(live, goes_on, 9.0)
        assert third.text == "Well!"
    steps = [json.loads(line) for line in (tmp_path / "out" / "steps.jsonl").read_text("utf-8").splitlines()]
    assert [(step["step"], step["role"], step["turn"]["deed"]) for step in steps] == [
        (0, "Ella", "speak"),
        (1, "Tom", "speak"),
        (2, "Sophia", "silent"),
        (3, "Ella", "speak"),
    ]


def test_one_agent_and_a_quiet_person_do_not_end_the_scene(open_scene: Open) -> None:
    scene = replace(SCENE, roles=SCENE.roles[1:])
    with open_scene(ScriptedController([said("Tom", "Hello?"), said("Tom", "Anybody?")]), scene=scene) as live:
        play(live, speaks(live.decide()))
        assert isinstance(live.decide(), Awaits)
        (again,) = play(live, speaks(live.decide(Among.AGENTS)), 8.0)
        assert again.text == "Anybody?"


@pytest.mark.parametrize("policy", ["scripted", "round-robin", "random", "addressed", "bidding", "director"])
def test_whom_the_person_calls_by_name_answers(open_scene: Open, policy: str) -> None:
    scene = replace(SCENE, policy=policy, roles=(*SCENE.roles, Role("Mr Ben"), Role("Leo"), Role("Maya")))
    controller = ScriptedController([said("Mr Ben", "I was asleep.")])
    with open_scene(controller, scene=scene) as live:
        mine = live.person_said("what do you say mister ben", speech_like(), start_s=0.0, end_s=1.0)
        assert mine.addresses == ("Mr Ben",)
        answer = speaks(live.decide())
        assert (answer.message.text, answer.why) == ("I was asleep.", "Sophia spoke to them")


def test_whoever_is_called_for_from_outside_is_next(open_scene: Open) -> None:
    with open_scene(make_rehearsal()) as scene:
        for name in ("Tom", "Ella", "Tom"):
            decided = scene.decide(called=name)
            assert isinstance(decided, Speaks)
            assert (decided.message.speaker, decided.why) == (name, "called for")


def test_an_answer_without_a_name_is_for_whoever_asked(open_scene: Open) -> None:
    scene = replace(SCENE, policy="addressed")
    turns = [said(name, "And you?", addresses=("Sophia",)) for name in ("Ella", "Tom")]
    with open_scene(ScriptedController(turns), scene=scene) as live:
        (asked,) = play(live, speaks(live.decide(Among.AGENTS)))
        assert live.decide() == Awaits("Sophia", f"{asked.speaker} spoke to them")
        assert live.person_said("not bad", speech_like(), start_s=3.0, end_s=4.0).addresses == (asked.speaker,)


def test_what_agents_remember_of_a_cut_line_is_what_was_played(open_scene: Open, tmp_path: Path) -> None:
    controller = ScriptedController([said("Ella", LONG), said("Tom", "Let her speak.")])
    with open_scene(controller) as live:
        decided = speaks(live.decide())
        words = [word for clause in live.speech(decided) for word in clause.words]
        heard_s = words[6].end_s + 0.01
        (cut,) = play(live, decided, heard_s=heard_s)
        assert cut.text == "I have told you a hundred times --"
        assert cut.cut
        mine = live.person_said("Not me.", speech_like(), start_s=heard_s, end_s=heard_s + 1)
        assert mine.addresses == ("Ella",)  # whoever was broken in on answers
        live.decide()
        told = controller.asked[-1]
        assert [one.text for one in told.heard] == [cut.text, "Not me."]
        assert "midnight" not in repr(told)
        take = Audio.read(tmp_path / "out" / "takes" / f"{cut.take}.flac")
        assert take.duration_s == pytest.approx(heard_s, abs=1e-3)
        assert cut.end_s - cut.start_s == pytest.approx(heard_s, abs=1e-3)
    stream = read_stream(tmp_path / "out" / "stream.jsonl")
    assert stream[0] == cut
    assert "midnight" not in (tmp_path / "out" / "stream.jsonl").read_text("utf-8")


def test_speech_units_stay_with_a_line_that_was_heard_whole(open_scene: Open) -> None:
    turns = [said(name, LONG, units=(3, 1, 4)) for name in ("Ella", "Tom")]
    with open_scene(ScriptedController(turns)) as live:
        (whole,) = play(live, speaks(live.decide()))
        decided = speaks(live.decide())
        (cut,) = play(live, decided, whole.end_s, heard_s=length_s(live, decided) / 2)
        assert (whole.text, whole.units) == (LONG, (3, 1, 4))
        assert cut.cut
        assert cut.units == ()


def test_a_line_of_which_no_word_was_heard_never_happened(open_scene: Open) -> None:
    controller = ScriptedController([said("Ella", LONG), said("Ella", "Where was I?"), said("Tom", "Go on.")])
    with open_scene(controller) as live:
        decided = speaks(live.decide())
        assert play(live, decided, heard_s=0.02) == ()
        live.person_said("Ella, wait.", speech_like(), start_s=0.1, end_s=1.0)
        (answer,) = play(live, speaks(live.decide()), 2.0)
        assert answer.text == "Where was I?"
        assert [one.text for one in controller.asked[-1].heard] == ["Ella, wait."]


def test_all_of_the_words_are_all_of_the_line(open_scene: Open) -> None:
    with open_scene(ScriptedController([said("Ella", "Are you there?")])) as live:
        decided = speaks(live.decide())
        (message,) = play(live, decided, heard_s=length_s(live, decided) - 0.01)
        assert (message.text, message.cut) == ("Are you there?", False)


def test_deciding_changes_nothing(open_scene: Open, tmp_path: Path) -> None:
    with open_scene(make_rehearsal(), scene=replace(SCENE, policy="addressed")) as live:
        before = (tmp_path / "out" / "steps.jsonl").read_bytes()
        one, other = speaks(live.decide(Among.AGENTS)), speaks(live.decide(Among.AGENTS))
        assert one.step == other.step
        assert (tmp_path / "out" / "steps.jsonl").read_bytes() == before
        assert live.messages() == ()


def test_thinking_ahead_gives_what_would_have_been_decided_afterwards(open_scene: Open) -> None:
    scene = replace(SCENE, policy="addressed")
    with open_scene(make_rehearsal(), scene=scene) as live:
        for number in range(5):
            decided = live.decide(Among.AGENTS)
            assert isinstance(decided, Speaks)
            ahead = live.decide(Among.AGENTS, assuming=decided)
            assert not live.holds(ahead)  # type: ignore[arg-type]
            play(live, decided, 5.0 * number)
            assert live.holds(ahead)  # type: ignore[arg-type]
            afterwards = live.decide(Among.AGENTS)
            assert isinstance(ahead, Speaks)
            assert isinstance(afterwards, Speaks)
            assert (ahead.step, ahead.basis, ahead.passed) == (afterwards.step, afterwards.basis, afterwards.passed)


def test_what_was_thought_ahead_is_worth_nothing_after_a_cut(open_scene: Open) -> None:
    controller = ScriptedController([said("Ella", LONG), said("Tom", "Not even you!"), said("Tom", "What?")])
    with open_scene(controller) as live:
        decided = speaks(live.decide())
        ahead = speaks(live.decide(assuming=decided))
        play(live, decided, heard_s=1.0)
        assert not live.holds(ahead)
        with pytest.raises(ValueError, match="decide again"):
            live.keep(ahead, start_s=2.0, end_s=3.0)
        (message,) = play(live, speaks(live.decide()), 2.0)
        assert message.text == "What?"


def test_what_was_thought_ahead_is_worth_nothing_once_the_person_has_spoken(open_scene: Open) -> None:
    with open_scene(ScriptedController([said("Ella", "Well?"), said("Tom", "Well.")])) as live:
        decided = speaks(live.decide())
        ahead = speaks(live.decide(assuming=decided))
        play(live, decided)
        live.person_said("Wait.", speech_like(), start_s=2.0, end_s=3.0)
        assert not live.holds(ahead)


def test_a_decision_is_kept_once(open_scene: Open) -> None:
    with open_scene(ScriptedController([said("Ella", "Well?")])) as live:
        decided = speaks(live.decide())
        play(live, decided)
        with pytest.raises(ValueError, match="decide again"):
            play(live, decided)
        with pytest.raises(ValueError, match="decide again"):
            live.decide(assuming=decided)
        assert len(live.messages()) == 1


def test_a_word_thrown_in_does_not_undo_the_line_that_is_being_played(open_scene: Open) -> None:
    with open_scene(ScriptedController([said("Ella", LONG)])) as live:
        decided = speaks(live.decide())
        thrown_in = live.person_said("Mm.", speech_like(0.4), start_s=2.0, end_s=2.4)
        (line,) = play(live, decided)
        assert (thrown_in.id, line.id) == (1, 2)
        assert line.text == LONG


def test_the_person_may_be_heard_while_somebody_is_still_thinking(open_scene: Open) -> None:
    asked, answer = threading.Event(), threading.Event()

    class Slow:
        identity = "slow"
        hears = False

        def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
            asked.set()
            assert answer.wait(30)
            for ask in asks:
                yield Answer(said(ask.role.name, "Let me think."))

    with open_scene(Slow()) as live:
        found: list[Decision] = []
        thinking = threading.Thread(target=lambda: found.append(live.decide()))
        thinking.start()
        assert asked.wait(30)
        live.person_said("Never mind.", speech_like(), start_s=0.0, end_s=1.0)
        answer.set()
        thinking.join(30)
        assert not live.holds(speaks(found[0]))
        assert live.messages()[0].text == "Never mind."


def test_acts_and_silence_make_no_sound(open_scene: Open) -> None:
    turns = [Turn("Ella", Deed.ACT, "puts the kettle on"), Turn("Tom", Deed.LEAVE, "walks out")]
    with open_scene(ScriptedController(turns)) as live:
        act = live.decide()
        assert isinstance(act, Silent)
        (shown,) = live.keep(act, start_s=1.0, end_s=4.0)
        assert (shown.text, shown.deed, shown.start_s, shown.end_s, shown.take) == (
            "puts the kettle on", Deed.ACT, 1.0, 1.0, ""
        )  # fmt: skip
        gone = live.decide()
        assert isinstance(gone, Silent)
        live.keep(gone, start_s=2.0, end_s=2.0)
        assert live.present == ("Ella", "Sophia")
        still = live.decide(Among.AGENTS)
        assert isinstance(still, Silent)
        assert live.keep(still, start_s=3.0, end_s=3.0) == ()


def test_when_agents_fall_silent_they_wait_for_the_person_and_turns_end_the_scene(open_scene: Open) -> None:
    with open_scene(ScriptedController(), scene=replace(SCENE, policy="random", turns=6)) as live:
        seen = []
        for number in range(40):
            decided = live.decide()
            if isinstance(decided, Awaits):
                seen.append(decided.reason)
                decided = live.decide(Among.AGENTS)
            if isinstance(decided, Over):
                break
            assert isinstance(decided, Silent)
            live.keep(decided, start_s=float(number), end_s=float(number))
        assert decided == Over("all 6 turns are played")
        assert "nobody else has anything to say" in seen


def test_silent_agents_wait_for_the_person(open_scene: Open) -> None:
    scene = replace(SCENE, roles=(*SCENE.roles[:2], Role("Leo"), Role("Maya"), Role("Ada"), SCENE.roles[2]))
    with open_scene(ScriptedController(), scene=scene) as live:
        for number in range(4):
            decided = live.decide()
            assert isinstance(decided, Silent)
            live.keep(decided, start_s=float(number), end_s=float(number))
        assert live.decide() == Awaits("Sophia", "nobody else has anything to say")
        assert isinstance(live.decide(Among.AGENTS), Silent)


def test_what_the_person_says_does_not_count_against_the_turns(open_scene: Open) -> None:
    turns = [said("Ella", "Yes?"), said("Ella", "And?")]
    with open_scene(ScriptedController(turns), scene=replace(SCENE, turns=2)) as live:
        for number in range(5):
            live.person_said(f"Ella, number {number}.", None, start_s=float(number), end_s=float(number))
        play(live, speaks(live.decide()), 6.0)
        live.person_said("Ella?", None, start_s=8.0, end_s=8.0)
        play(live, speaks(live.decide()), 9.0)
        assert live.decide() == Over("all 2 turns are played")


def test_a_person_who_was_spoken_to_is_awaited_where_agents_bid(open_scene: Open) -> None:
    controller = ScriptedController([said("Ella", "And you, Sophia?", addresses=("Sophia",))])
    controller.enqueue_bids(Bid("Ella", 1.0), Bid("Tom", 0.1), Bid("Tom", 0.5), Bid("Ella", 0.5))
    with open_scene(controller, scene=replace(SCENE, policy="bidding")) as live:
        play(live, speaks(live.decide()))
        awaited = live.decide()
        assert isinstance(awaited, Awaits)
        assert "Ella spoke to them" in awaited.reason


def test_a_folder_goes_on_where_its_record_stopped(open_scene: Open, tmp_path: Path) -> None:
    turns = [said("Ella", "One."), said("Tom", "Two, and then some more."), said("Ella", "Three.")]
    with open_scene(ScriptedController(turns[:2])) as live:
        play(live, speaks(live.decide()))
        play(live, speaks(live.decide()), 2.0, heard_s=0.8)
        live.person_said("Ella, what now?", speech_like(), start_s=3.0, end_s=4.0)
        before = live.messages()
        live.decide()  # never kept, so it never happened
    controller = ScriptedController(turns[2:])
    with open_scene(controller, person="sophia") as again:
        assert again.messages() == before
        assert again.position_s == 4.0
        answer = speaks(again.decide())
        assert (answer.message.id, answer.message.text) == (4, "Three.")
        assert [one.text for one in controller.asked[0].heard] == [message.text for message in before]
        play(again, answer, 5.0)
    assert [message.id for message in read_stream(tmp_path / "out" / "stream.jsonl")] == [1, 2, 3, 4]


def test_killed_at_any_moment_the_record_is_whole(open_scene: Open, tmp_path: Path) -> None:
    with open_scene(make_rehearsal(), scene=replace(SCENE, policy="addressed")) as live:
        for number in range(4):
            decided = live.decide(Among.AGENTS)
            assert isinstance(decided, Speaks)
            play(live, decided, 5.0 * number)
            live.person_said(f"Number {number}.", None, start_s=5.0 * number + 4, end_s=5.0 * number + 4)
        whole = live.messages()
        following = live.decide()
    steps = (tmp_path / "out" / "steps.jsonl").read_bytes()
    # Between the record and the stream: the message is brought into the stream.
    with MessageStream(tmp_path / "out" / "stream.jsonl") as stream:
        stream.cut(len(stream) - 1)
    with open_scene(make_rehearsal(), scene=replace(SCENE, policy="addressed")) as live:
        assert live.messages() == whole
        again = live.decide()
        assert isinstance(following, Speaks)
        assert isinstance(again, Speaks)
        assert again.step == following.step
    assert read_stream(tmp_path / "out" / "stream.jsonl") == whole
    # In the middle of a record: it never happened, and neither did its message.
    (tmp_path / "out" / "steps.jsonl").write_bytes(steps[:-20])
    with open_scene(make_rehearsal(), scene=replace(SCENE, policy="addressed")) as live:
        assert live.messages() == whole[:-1]
    assert read_stream(tmp_path / "out" / "stream.jsonl") == whole[:-1]


def test_a_folder_belongs_to_one_scene_one_person_and_one_run(open_scene: Open, studio: Studio, tmp_path: Path) -> None:
    with open_scene(ScriptedController()), pytest.raises(ProductionBusy), open_scene(ScriptedController()):
        pass
    with pytest.raises(ProductionError, match="as Sophia"):
        open_scene(ScriptedController(), person="Tom")
    with pytest.raises(ProductionError, match="another scene"):
        open_scene(ScriptedController(), scene=replace(SCENE, title="Three Cups"))
    with pytest.raises(ProductionError, match="with a person in it"):
        list(studio.resume_scene(tmp_path / "out"))
    alone = tmp_path / "alone"
    settings = ImproviseSettings(formats=("vtt",))
    list(
        studio.improvise(SCENE, out=alone, actors=Actors(ScriptedController(), ScriptedController()), settings=settings)
    )
    with pytest.raises(ProductionError, match="alone"):
        open_scene(ScriptedController(), out=alone)
    with pytest.raises(ProductionError, match="no scene with a person"):
        studio.resume_live(alone)


def test_a_scene_is_opened_again_by_its_folder_alone(studio: Studio, tmp_path: Path) -> None:
    with studio.live(SCENE, person="Sophia", out=tmp_path / "out") as live:
        play(live, speaks(live.decide()))
        before = live.messages()
    with studio.resume_live(tmp_path / "out") as again:
        assert (again.person, again.scene, again.messages()) == ("Sophia", SCENE, before)


def test_nobody_plays_a_role_that_is_not_there(open_scene: Open, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Ella, Tom, Sophia"):
        open_scene(ScriptedController(), person="Hamlet")
    assert not (tmp_path / "out").exists()


def test_saying_nothing_is_refused(open_scene: Open) -> None:
    with open_scene(ScriptedController()) as live, pytest.raises(ValueError, match="nothing"):
        live.person_said(" \n\x07", speech_like(), start_s=0.0, end_s=1.0)


def test_what_the_person_says_is_bounded_and_clean(open_scene: Open) -> None:
    with open_scene(ScriptedController()) as live:
        mine = live.person_said("na\x1b[31m " * 3_000, None, start_s=0.0, end_s=0.0)
        assert len(mine.text) <= 2_000
        assert "\x1b" not in mine.text


def test_a_line_that_no_voice_can_speak_is_in_the_stream_without_sound(open_scene: Open) -> None:
    with open_scene(ScriptedController([said("Ella", "Hello.", style=Style("mumbling"))])) as live:
        decided = speaks(live.decide())
        assert list(live.speech(decided)) == []
        (message,) = live.keep(decided, start_s=1.0, end_s=2.0)
        assert message.text == "Hello."
        assert message.fallback.startswith("could not be spoken")
        assert (message.take, message.end_s) == ("", 1.0)


def test_a_controller_that_is_not_there_says_so_at_once(open_scene: Open) -> None:
    class Gone:
        identity = "gone"
        hears = False

        def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
            raise ControllerError("the server is gone; start it again")
            yield

    with open_scene(Gone()) as live:
        with pytest.raises(ControllerError, match="start it again"):
            live.decide()
        live.person_said("Is anybody there?", None, start_s=0.0, end_s=0.0)
        assert isinstance(live.decide(), Silent)  # by now the scene is worth more: the understudy's turn


def test_agents_who_hear_are_given_the_persons_own_voice(open_scene: Open) -> None:
    controller = ScriptedController([said("Tom", "I hear you."), said("Ella", "Me too.")], hears=True)
    with open_scene(controller, hearing="audio") as live:
        assert not live.thinks_ahead
        live.person_said("Tom, listen.", speech_like(1.2), start_s=0.0, end_s=1.2)
        first = speaks(live.decide())
        with pytest.raises(ValueError, match="hear"):
            live.decide(assuming=first)
        play(live, first, 2.0)
        live.decide(Among.AGENTS)
        mine, answer = controller.asked[-1].heard
        assert mine.audio is not None
        assert mine.audio.duration_s == pytest.approx(1.2, abs=0.2)
        assert answer.audio is not None


def test_agents_who_are_given_transcripts_understand_what_the_listener_did(open_scene: Open) -> None:
    class Dull:
        identity = "dull"

        def transcribe(
            self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
        ) -> Iterator[Transcript]:
            for _ in clips:
                yield Transcript("something about bread")

    controller = ScriptedController([said("Tom", "There is no bread."), said("Ella", "No bread?")])
    with open_scene(controller, hearing="audio", listener=Dull()) as live:
        live.person_said("Tom, is there bread?", speech_like(), start_s=0.0, end_s=1.2)
        play(live, speaks(live.decide()), 2.0)
        live.decide(Among.AGENTS)
        assert [one.text for one in controller.asked[-1].heard] == ["Tom, is there bread?", "something about bread"]


def test_twenty_four_agents_and_a_person(open_scene: Open, tmp_path: Path) -> None:
    names = (
        "Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ivo", "Jana", "Kim", "Lars", "Mia", "Nils", "Olga",
        "Paul", "Quin", "Rosa", "Sven", "Tara", "Uma", "Vito", "Wanda", "Xenia", "Yves",
    )  # fmt: skip
    scene = SceneBrief("Choir", tuple(Role(name) for name in names), policy="addressed", turns=40, seed=5)
    with open_scene(make_rehearsal(), scene=scene, person="Quin") as live:
        at_s = 0.0
        for name in (name for name in names if name != "Quin"):
            live.person_said(f"{name.lower()} what is your name", speech_like(0.5), start_s=at_s, end_s=at_s + 0.5)
            answer = live.decide()
            if isinstance(answer, Speaks):
                (message,) = play(live, answer, at_s + 1.0)
            else:  # some answer with a deed
                assert isinstance(answer, Silent)
                (message,) = live.keep(answer, start_s=at_s + 1.0, end_s=at_s + 1.0)
            assert message.speaker == name
            at_s = message.end_s + 0.2
        assert len({casting.voice.id for casting in live.cast}) == 26  # the narrator's too
    found = read_stream(tmp_path / "out" / "stream.jsonl")
    assert len(found) == 48
    for before, after in itertools.pairwise(found):
        assert before.end_s <= after.start_s
