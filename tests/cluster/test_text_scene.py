"""A scene played as text is the scene that would be improvised, without its sound."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.cluster.budget import BrokenOffError
from speechagents.cluster.text_scene import PlayedText, play_text
from speechagents.controllers.controller import AgentInput, Answer, Controller, MalformedTurn, Usage
from speechagents.controllers.prompted import PromptedController
from speechagents.controllers.rehearsal import RehearsalController
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, SceneBrief, Turn
from speechagents.errors import ControllerError
from speechagents.events import SceneOver
from speechagents.resources import resource
from speechagents.scripts.scene_file import read_scene
from speechagents.settings import ImproviseSettings
from speechagents.stream import message_to_json, read_stream
from tests.controllers.playing import SCENE, TellingModel, ledger, turn

PICNIC = read_scene(resource("assets", "examples", "scenes", "city-park-picnic.yaml"))


def played(scene: SceneBrief, controller: Controller, understudy: Controller | None = None) -> PlayedText:
    return play_text(
        scene,
        controller,
        understudy or RehearsalController(),
        before_turn=lambda: None,
        after_turn=lambda _: None,
    )


@pytest.mark.parametrize("policy", ["addressed", "bidding", "director", "random"])
def test_its_words_are_those_of_the_improvised_scene(studio: Studio, tmp_path: Path, policy: str) -> None:
    scene = replace(PICNIC, turns=24, policy=policy, seed=5)
    text = played(scene, RehearsalController())
    events = list(
        studio.improvise(
            scene,
            actors=Actors(RehearsalController(), RehearsalController()),
            out=tmp_path / "out",
            settings=ImproviseSettings(formats=("vtt",)),
        )
    )
    (over,) = [event for event in events if isinstance(event, SceneOver)]
    assert (text.ending, text.turns, text.fallbacks) == (over.reason, over.turns, over.fallback_turns)
    heard = [message_to_json(message) for message in read_stream(tmp_path / "out" / "stream.jsonl")]
    assert len(text.messages) == len(heard)
    for told, message in zip(text.messages, heard, strict=True):
        assert {name: value for name, value in told.items() if name != "thoughts"} == {
            name: value for name, value in message.items() if name not in ("start_s", "end_s", "take")
        }


def test_signs_of_listening_are_part_of_it_and_nobodys_thoughts() -> None:
    model = TellingModel(lambda _, number: turn("and so on " * 6 + f"for {number} days."))
    text = played(replace(SCENE, turns=20), PromptedController(model))
    murmurs = [told for told in text.messages if told["deed"] == "back_channel"]
    assert murmurs
    assert not any("thoughts" in told for told in murmurs)
    assert [told["id"] for told in text.messages] == list(range(1, 21 + len(murmurs)))


def test_thoughts_stand_with_the_message_they_led_to() -> None:
    model = TellingModel(lambda _, number: turn(f"Remark {number}.", thoughts=f"Thought {number}."))
    text = played(replace(SCENE, turns=3), PromptedController(model))
    assert [(told["text"], told["thoughts"]) for told in text.messages] == [
        (f"Remark {number}.", f"Thought {number}.") for number in range(3)
    ]
    assert json.loads(json.dumps(text.messages)) == list(text.messages)


def test_a_turn_that_cannot_be_used_is_the_understudys_with_the_reason() -> None:
    controller = ScriptedController([Turn("Ella", text="One."), MalformedTurn("Tom", "it was no JSON")])
    understudy = ScriptedController([Turn("Tom", text="Let me think.")])
    text = played(replace(SCENE, turns=2, policy="round-robin"), controller, understudy)
    assert [(told["text"], told["fallback"]) for told in text.messages] == [
        ("One.", ""),
        ("Let me think.", "it was no JSON"),
    ]
    assert (text.fallbacks, text.fault) == (1, "it was no JSON")


def test_silence_ends_it_early() -> None:
    text = played(replace(SCENE, turns=20), ScriptedController([Turn("Ella", Deed.SILENT)]))
    assert "silence" in text.ending
    assert text.messages == ()
    assert text.turns < 20


def test_it_can_be_broken_off_between_turns_and_is_told_what_each_has_cost() -> None:
    costs: list[Usage] = []

    def enough() -> None:
        if len(costs) == 2:
            raise BrokenOffError("enough")

    model = TellingModel(lambda prompt, _: turn() if "It is your turn" in str(prompt) else ledger(next_role=""))
    controller = PromptedController(model)
    with pytest.raises(BrokenOffError, match="enough"):
        play_text(
            replace(SCENE, policy="director"), controller, controller, before_turn=enough, after_turn=costs.append
        )
    assert costs == [Usage(20, 6)] * 2, "a look of the director's, and the turn"


def test_a_controller_that_cannot_be_used_from_the_start_is_an_error() -> None:
    class Absent(ScriptedController):
        def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
            raise ControllerError("is the server running?")

    with pytest.raises(ControllerError, match="running"):
        played(SCENE, Absent())
