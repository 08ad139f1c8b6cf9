"""A scene as a sequence of events: scripted agents, the real voices, real files."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from speechagents import Studio
from speechagents.agents.director import Director
from speechagents.agents.hearing import Ears, Hearing
from speechagents.agents.improvisation import Company, Improvisation, ImprovisedEvent
from speechagents.agents.policies import make_policy
from speechagents.agents.transcript import lines_of, read_through
from speechagents.audio import Audio
from speechagents.controllers.controller import AgentInput, Answer, Bid, Controller, MalformedTurn, Usage
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Message, Role, SceneBrief, Style, Turn
from speechagents.errors import ControllerError
from speechagents.events import MessageSpoken, SceneOver, TurnPassed
from speechagents.listeners.listener import Transcript
from speechagents.performance import cast_play
from speechagents.production.rhythm import HEAD_S, SceneClock
from speechagents.production.scene_stage import Stage
from speechagents.production.sounds import SoundLibrary
from speechagents.production.takes import TakeStore, take_address
from speechagents.scripts.breakdown import Breakdown
from speechagents.stream import MessageStream, read_stream
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer, Take, Voice

SCENE = SceneBrief(
    title="Picnic",
    setting="EXT. CITY PARK - DAY",
    background="Friends meet.",
    roles=(
        Role("Ella", "25, writer", secrets=("She is leaving the country.",)),
        Role("Tom", "30"),
        Role("Sophia", "28"),
    ),
    policy="round-robin",
    turns=6,
    seed=3,
)


def said(role: str, text: str, **more: object) -> Turn:
    return Turn(role, text=text, **more)  # type: ignore[arg-type]


TURNS = (
    said("Ella", "Is everybody here?", thoughts="I must tell them today."),
    said("Tom", "Nearly. Sophia is late.", addresses=("Ella",)),
    said("Sophia", "I am not late, I am behind you.", style=Style("happy", 1.0)),
    said("Ella", "I have something to say.", addresses=("Sophia",), private=True, style=Style("whispering")),
    said("Tom", "What are you two whispering about?"),
    said("Sophia", "Nothing that concerns you."),
)


@pytest.fixture
def stage(studio: Studio, tmp_path: Path) -> Stage:
    play = Breakdown(SCENE.title, "", "en", (read_through(SCENE),), SCENE.roles, ())
    cast = cast_play(studio.synthesizer, play, None, tmp_path / "cast.yaml", seed=SCENE.seed)
    return Stage(
        synthesizer=studio.synthesizer,
        cast=cast,
        takes=TakeStore(tmp_path / "takes"),
        work=tmp_path,
        sounds=SoundLibrary(None),
        seed=SCENE.seed,
        language="en",
        jobs=2,
    )


Play = Callable[..., list[ImprovisedEvent]]


@pytest.fixture
def play(stage: Stage, tmp_path: Path) -> Play:
    """Play a scene into the folder; what is there already is gone on with."""

    def run(
        controller: Controller,
        *,
        scene: SceneBrief = SCENE,
        ears: Ears | None = None,
        stop_after: int | None = None,
        folder: Path = tmp_path,
        understudy: Controller | None = None,
        synthesizer: Synthesizer | None = None,
    ) -> list[ImprovisedEvent]:
        company = Company(
            controller=controller,
            actor=controller,
            understudy=understudy or Understudy(),
            policy=make_policy(scene.policy),
            director=Director(scene, controller=None, seed=scene.seed),
            ears=ears or Ears(Hearing.TEXT, controller_hears=False, listener=None, sound_of=lambda _: None),
            waits_for_sound=ears is not None,
        )
        here = replace(stage, takes=TakeStore(folder / "takes"), synthesizer=synthesizer or stage.synthesizer)
        events = Improvisation(scene, company, here, folder).play()
        found = []
        for event in events:
            found.append(event)
            if stop_after is not None and len(found) == stop_after:
                events.close()  # type: ignore[attr-defined]
                break
        return found

    return run


class Understudy:
    """Always has a line."""

    identity = "understudy"
    hears = False

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        for ask in asks:
            yield Answer(said(ask.role.name, f"Let us go on, shall we? Number {ask.step}."))


class Planner:
    """Says something that depends on all it was told: a difference in what it is told is one in the stream."""

    identity = "planner"
    hears = False

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        for ask in asks:
            known = [len(ask.heard), sum(len(one.text) for one in ask.heard), len(ask.facts), len(ask.note), seed % 97]
            yield Answer(said(ask.role.name, f"I know {', '.join(map(str, known))}."), Usage(10, 2))


def messages(events: Sequence[ImprovisedEvent]) -> list[Message]:
    return [event.message for event in events if isinstance(event, MessageSpoken)]


def over(events: Sequence[ImprovisedEvent]) -> SceneOver:
    assert isinstance(events[-1], SceneOver)
    return events[-1]


def test_turns_become_messages_in_order_with_times_that_follow_each_other(play: Play, tmp_path: Path) -> None:
    events = play(ScriptedController(TURNS))
    found = messages(events)
    assert [(one.speaker, one.text) for one in found] == [(turn.role, turn.text) for turn in TURNS]
    assert [one.id for one in found] == [1, 2, 3, 4, 5, 6]
    assert found[0].start_s == pytest.approx(HEAD_S)
    for before, after in itertools.pairwise(found):
        assert 0.03 < after.start_s - before.end_s < 1.6
    assert over(events).reason
    assert over(events).turns == 6
    assert read_stream(tmp_path / "stream.jsonl") == tuple(found)


def test_a_message_is_on_disk_before_it_is_announced_and_its_sound_can_be_heard(play: Play, tmp_path: Path) -> None:
    announced = 0
    for stop in range(1, 7):
        folder = tmp_path / f"{stop}"
        events = play(ScriptedController(TURNS), stop_after=stop, folder=folder)
        announced = len(messages(events))
        on_disk = [json.loads(line) for line in (folder / "stream.jsonl").read_text("utf-8").splitlines()]
        assert [one["id"] for one in on_disk[:announced]] == [one.id for one in messages(events)]
        last = events[-1]
        assert isinstance(last, MessageSpoken)
        assert last.read is not None
        assert last.read().duration_s == pytest.approx(last.message.end_s - last.message.start_s, abs=1e-3)
    assert announced == 6


def test_agents_hear_what_was_said_and_whispers_only_if_they_are_addressed(play: Play) -> None:
    controller = ScriptedController(TURNS)
    play(controller)
    told = {ask.step: [one.text for one in ask.heard] for ask in controller.asked}
    assert told[0] == []
    assert told[2] == [TURNS[0].text, TURNS[1].text]
    assert TURNS[3].text not in told[4]  # Tom was not addressed
    assert TURNS[3].text in told[5]  # Sophia was
    (whisper,) = [one for one in controller.asked[5].heard if one.text == TURNS[3].text]
    assert whisper.private


def test_thoughts_are_on_disk_and_in_nobodys_input(play: Play, tmp_path: Path) -> None:
    controller = ScriptedController(TURNS)
    events = play(controller)
    assert TURNS[0].thoughts not in repr(controller.asked)
    assert TURNS[0].thoughts not in (tmp_path / "stream.jsonl").read_text("utf-8")
    assert TURNS[0].thoughts in (tmp_path / "steps.jsonl").read_text("utf-8")
    first = events[0]
    assert isinstance(first, MessageSpoken)
    assert first.thoughts == TURNS[0].thoughts


def test_a_turn_that_cannot_be_used_is_made_by_the_understudy_and_marked(play: Play) -> None:
    events = play(
        ScriptedController(
            [TURNS[0], MalformedTurn("Tom", "spoke in \x1b[31mcolours", Usage(7, 3)), said("Sophia", "?!"), *TURNS[3:]]
        )
    )
    found = messages(events)
    assert [bool(one.fallback) for one in found] == [False, True, True, False, False, False]
    assert found[1].fallback == "spoke in [31mcolours"
    assert found[1].text.startswith("Let us go on")
    assert over(events).fallback_turns == 2
    assert over(events).usage == Usage(7, 3)


@pytest.mark.parametrize(("language", "spoken"), [("fr", True), ("tlh", False)])
def test_where_the_understudy_does_not_speak_the_language_a_murmur_keeps_the_scene_alive(
    play: Play, language: str, spoken: bool
) -> None:
    class Monoglot:
        identity = "monoglot"
        hears = False

        def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
            raise ControllerError("speaks English alone")
            yield

    scene = replace(SCENE, language=language, turns=3)
    controller = ScriptedController([TURNS[0], MalformedTurn("Tom", "broken"), *TURNS[2:]])
    events = play(controller, scene=scene, understudy=Monoglot())
    made = [event.turn for event in events if isinstance(event, TurnPassed)]
    if spoken:
        assert not made
        assert messages(events)[1].fallback == "broken"
        assert messages(events)[1].text in ("Mm.", "Oui.", "D'accord.", "Ah bon.", "Voilà.", "Ouais.")
    else:
        assert [(turn.deed, turn.fallback) for turn in made] == [(Deed.SILENT, "broken")]


def test_silence_is_told_and_enough_of_it_ends_the_scene(play: Play) -> None:
    events = play(ScriptedController([TURNS[0]]))
    assert [type(event) for event in events] == [MessageSpoken, *[TurnPassed] * 3, SceneOver]
    assert "sil" in over(events).reason


def test_who_leaves_is_asked_no_more_and_one_alone_ends_the_scene(play: Play) -> None:
    turns = [
        TURNS[0],
        Turn("Tom", Deed.LEAVE, "walks off across the grass"),
        said("Sophia", "There he goes."),
        Turn("Ella", Deed.LEAVE, "follows him"),
    ]
    controller = ScriptedController(turns)
    events = play(controller)
    assert [ask.role.name for ask in controller.asked] == ["Ella", "Tom", "Sophia", "Ella"]
    assert controller.asked[2].present == ("Ella", "Sophia")
    gone = messages(events)[1]
    assert (gone.deed, gone.take) == (Deed.LEAVE, "")
    assert gone.start_s == gone.end_s


def test_a_controller_that_is_not_there_says_so_at_once_but_not_in_the_middle(play: Play, tmp_path: Path) -> None:
    class Failing:
        identity = "failing"
        hears = False

        def __init__(self, works: int) -> None:
            self.works = works

        def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
            self.works -= 1
            if self.works < 0:
                raise ControllerError("the server is gone; start it again")
            yield from Planner().respond(asks, seed=seed)

    with pytest.raises(ControllerError, match="start it again"):
        play(Failing(0), folder=tmp_path / "never")
    found = messages(play(Failing(2), folder=tmp_path / "middle"))
    assert [one.fallback for one in found] == ["", ""] + ["the server is gone; start it again"] * 4


@pytest.mark.parametrize("hearing", ["text", "audio"])
def test_a_scene_that_was_killed_goes_on_to_the_same_bytes(play: Play, tmp_path: Path, hearing: str) -> None:
    def ears(folder: Path) -> Ears | None:
        if hearing == "text":
            return None
        sounds = TakeStore(folder / "takes")

        def sound_of(message: Message) -> Audio | None:
            return Audio.read(sounds.path(message.take)) if message.take else None

        return Ears(Hearing.AUDIO, controller_hears=False, listener=Dull(), sound_of=sound_of)

    scene = replace(SCENE, turns=14)
    whole = tmp_path / "whole"
    play(Planner(), scene=scene, folder=whole, ears=ears(whole))
    again = tmp_path / "again"
    for stop in range(1, 14, 3):
        play(Planner(), scene=scene, folder=again, ears=ears(again), stop_after=stop)
        # A kill can also fall between the record and the stream.
        with MessageStream(again / "stream.jsonl") as stream:
            stream.cut(max(0, len(stream) - 1))
    events = play(Planner(), scene=scene, folder=again, ears=ears(again))
    for name in ("stream.jsonl", "steps.jsonl"):
        assert (again / name).read_bytes() == (whole / name).read_bytes()
    assert over(events) == over(play(Planner(), scene=scene, folder=whole, ears=ears(whole)))
    assert any(event.reused for event in events if isinstance(event, MessageSpoken))


class Dull:
    """A listener that always understands the same, and keeps what it was given."""

    identity = "dull"

    def __init__(self) -> None:
        self.heard: list[Audio] = []

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        for clip in clips:
            self.heard.append(clip)
            yield Transcript(f"something of {clip.duration_s:.1f} seconds")


def test_hearing_is_real_mishearings_included(play: Play, tmp_path: Path) -> None:
    takes = TakeStore(tmp_path / "takes")
    listener = Dull()
    ears = Ears(
        Hearing.AUDIO,
        controller_hears=False,
        listener=listener,
        sound_of=lambda message: Audio.read(takes.path(message.take)) if message.take else None,
    )
    controller = ScriptedController(TURNS)
    found = messages(play(controller, ears=ears))
    assert [one.text for one in controller.asked[2].heard] == [
        f"something of {one.end_s - one.start_s:.1f} seconds" for one in found[:2]
    ]
    assert len(listener.heard) == 6


def test_a_controller_that_hears_gets_the_sound(play: Play, tmp_path: Path) -> None:
    takes = TakeStore(tmp_path / "takes")
    ears = Ears(
        Hearing.AUDIO,
        controller_hears=True,
        listener=None,
        sound_of=lambda message: Audio.read(takes.path(message.take)) if message.take else None,
    )
    controller = ScriptedController(TURNS, hears=True)
    found = messages(play(controller, ears=ears))
    heard = controller.asked[2].heard
    assert [one.audio is not None for one in heard] == [True, True]
    for one, message in zip(heard, found, strict=False):
        assert one.audio is not None
        assert one.audio.duration_s == pytest.approx(message.end_s - message.start_s, abs=0.01)


def test_heated_turns_are_cut_off_and_overlapped_and_long_ones_murmured_under(play: Play) -> None:
    text = (
        "You said that you would be here at nine, all of you, and I waited, and waited, and nobody called me, not once."
    )
    scene = replace(SCENE, turns=30)
    turns = [
        said(scene.roles[n % 3].name, f"{n}, {text}", style=Style("angry" if n % 2 else "default")) for n in range(30)
    ]
    found = messages(play(ScriptedController(turns), scene=scene))
    spoken = [one for one in found if one.deed is Deed.SPEAK]
    cut = [(one, after) for one, after in itertools.pairwise(spoken) if one.cut]
    assert len(cut) >= 2
    for one, after in cut:
        assert one.text.endswith("--")
        assert one.start_s < after.start_s < one.end_s
    murmurs = [one for one in found if one.deed is Deed.BACK_CHANNEL]
    assert len(murmurs) >= 3
    by_id = {one.id: one for one in found}
    for one in murmurs:
        under = by_id[one.id - 1]
        assert one.speaker != under.speaker
        assert under.start_s < one.start_s < under.end_s


def test_an_eager_bidder_reaches_into_the_end_of_the_turn_before(play: Play) -> None:
    scene = replace(SCENE, policy="bidding", turns=2)
    controller = ScriptedController(
        [said("Ella", "This is a sentence of some length, I should say."), said("Tom", "No!")]
    )
    controller.enqueue_bids(Bid("Ella", 1.0), Bid("Tom", 0.1), Bid("Sophia", 0.1))
    controller.enqueue_bids(Bid("Tom", 1.0, interrupts=True), Bid("Sophia", 0.1))
    first, second = messages(play(controller, scene=scene))
    assert second.speaker == "Tom"
    assert second.start_s == pytest.approx(first.end_s - 0.25, abs=0.011)


class Voicing:
    """The real voices, and what they were asked to speak."""

    def __init__(self, voices: Synthesizer) -> None:
        self._inner = voices
        self.lines: list[SpokenLine] = []

    @property
    def identity(self) -> str:
        return self._inner.identity

    @property
    def voices(self) -> Sequence[Voice]:
        return self._inner.voices

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        self.lines += lines
        return self._inner.speak(lines)


def test_units_that_a_controller_wrote_reach_the_voice_and_every_later_reader(
    play: Play, stage: Stage, tmp_path: Path
) -> None:
    long = "You said that you would be here at nine, all of you, and I waited, and waited, and nobody called me."
    turns = [
        said("Ella", "Is everybody here?", units=(3, 1, 4)),
        said("Tom", "Nearly."),
        *(said(SCENE.roles[n % 3].name, f"{n}, {long}", style=Style("angry"), units=(n,)) for n in range(2, 14)),
    ]
    scene = replace(SCENE, turns=14)
    voicing = Voicing(stage.synthesizer)
    found = messages(play(ScriptedController(turns), scene=scene, synthesizer=voicing))
    asked = {line.text: line.units for line in voicing.lines}
    whole = {turn.text: turn.units for turn in turns}
    assert {asked[text] for text in asked if text not in whole} == {()}  # murmurs, and what was broken off
    assert any(one.cut for one in found)
    assert all(asked[text] == units for text, units in whole.items() if text in asked)
    assert {asked[one.text] for one in found if one.text in whole} > {(3, 1, 4), ()}
    assert read_stream(tmp_path / "stream.jsonl") == tuple(found)
    for line, message in zip(lines_of(found, language="en"), found, strict=True):
        assert take_address(voicing.identity, stage.spoken_line(line)) == message.take
    before = len(voicing.lines)
    assert messages(play(ScriptedController([]), scene=scene, synthesizer=voicing)) == found
    assert len(voicing.lines) == before


def test_lines_made_of_the_stream_fall_on_the_very_same_times(play: Play, stage: Stage) -> None:
    text = (
        "You said that you would be here at nine, all of you, and I waited, and waited, and nobody called me, not once."
    )
    scene = replace(SCENE, turns=25)
    turns = [
        said(scene.roles[n % 3].name, f"{n}, {text}", style=Style("angry" if n % 2 else "default")) for n in range(25)
    ]
    found = messages(play(ScriptedController(turns), scene=scene))
    clock = SceneClock(scene.setting, None, seed=scene.seed, last=True)
    times = {one.id: one.start_s for one in found}
    for line in lines_of(found, language="en"):
        message = found[line.number - 1]
        take = stage.takes.load(message.take, stage.spoken_line(line))
        assert take is not None
        assert clock.place(line, take.audio.duration_s, take.words) == pytest.approx(times[line.number], abs=1e-6)
