"""Whatever a server does to a scene that has begun, the scene is played to its end and what was missing is marked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.controllers.openai import OpenAIModel
from speechagents.controllers.prompted import PromptedController
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import SceneBrief, Turn
from speechagents.errors import ControllerError
from speechagents.events import Event, Finished, MessageSpoken, SceneOver
from speechagents.settings import ImproviseSettings
from speechagents.stream import read_stream
from tests.controllers.asking import Make
from tests.controllers.fault_server import (
    PATIENCE_S,
    Answer,
    FaultServer,
    Line,
    Received,
    complains,
    drips,
    drops_at_once,
    drops_midway,
    head,
    never_ends,
    says,
    sends,
)
from tests.controllers.playing import SCENE, ledger, turn

TURNS = 4
STAND_IN = "Let me think about that."


def never_answers(line: Line) -> None:
    line.wait_until_hung_up()


FAULTS: dict[str, tuple[Answer, str]] = {
    "hangs": (never_answers, "no whole answer within"),
    "hangs up at once": (drops_at_once, "connection"),
    "hangs up midway": (drops_midway, "connection"),
    "drips without end": (drips(head(200, {"Content-Type": "application/json"})), "no whole answer within"),
    "sends without end": (never_ends, "longer than|larger than|more than"),
    "too many requests": (complains(429, "slow down", headers={"Retry-After": "1"}), "429"),
    "breaks down": (complains(500, "out of memory"), "500"),
    "refuses": (complains(400, "no such thing"), "400"),
    "key runs out": (complains(401, "expired"), "401"),
    "no JSON from the server": (sends(b"<html>busy</html>"), ""),
    "JSON of another kind": (sends([1, 2]), "no JSON object"),
    "no text": (says(""), "empty"),
    "prose": (says("I would rather not."), "no JSON object"),
    "broken JSON": (says(turn()[:-9]), "ends within|broken"),
    "two answers": (says(turn() + turn()), "more than one"),
    "unknown speaker": (says(turn(speaker="Nobody")), "in the name of Nobody"),
    "speaks for others": (says(turn("Ella: Go. Tom: I go. Sophia: So do I.")), "speaks for"),
    "empty line": (says(turn("")), "nothing in its speech"),
    "a line of nothing": (says(turn("(sighs) ...")), "nothing in its speech"),
    "1 MB of text": (says("x" * 900_000), "longer than"),
    "1 MB of speech": (says(turn("word " * 190_000)), "longer than"),
    "more than 1 MB": (says("x" * 3_000_000), "longer than|larger than|more than"),
}


@pytest.fixture
def model(make: Make) -> OpenAIModel:
    return make(hears=False, attempts=2)


def improvised(studio: Studio, model: OpenAIModel, out: Path, *, scene: SceneBrief = SCENE) -> list[Event]:
    understudy = ScriptedController([Turn(role.name, text=STAND_IN) for role in scene.roles for _ in range(TURNS)])
    settings = ImproviseSettings(formats=("vtt",), turns=TURNS)
    return list(
        studio.improvise(scene, actors=Actors(PromptedController(model), understudy), out=out, settings=settings)
    )


def outcome(events: list[Event]) -> SceneOver:
    assert isinstance(events[-1], Finished)
    (over,) = [event for event in events if isinstance(event, SceneOver)]
    return over


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_turns_and_never_the_scene(
    studio: Studio, server: FaultServer, make: Make, tmp_path: Path, name: str
) -> None:
    fault, complaint = FAULTS[name]
    waits_in_vain = "whole answer" in complaint
    model = make(hears=False, attempts=2, timeout_s=0.4 if waits_in_vain else PATIENCE_S)
    server.answers.append(says(turn("Who has the cake?")))
    server.otherwise = fault
    over = outcome(improvised(studio, model, tmp_path / "out"))
    assert (over.reason, over.turns, over.fallback_turns) == (f"all {TURNS} turns are played", TURNS, TURNS - 1)
    first, *rest = [message for message in read_stream(tmp_path / "out" / "stream.jsonl") if message.take]
    assert (first.text, first.fallback) == ("Who has the cake?", "")
    assert {message.text for message in rest if message.fallback} == {STAND_IN}
    reasons = {message.fallback for message in rest if message.fallback}
    assert all(0 < len(reason) <= 300 and reason.isprintable() for reason in reasons)
    if complaint:
        assert all(any(one in reason for one in complaint.split("|")) for reason in reasons), reasons


def test_a_server_that_recovers_has_the_scene_back(
    studio: Studio, server: FaultServer, model: OpenAIModel, tmp_path: Path
) -> None:
    good = [says(turn(f"Remark number {number}.")) for number in range(TURNS)]
    server.answers.extend([good[0], complains(500), complains(500), *good[1:]])
    events = improvised(studio, model, tmp_path / "out")
    said = [event.message for event in events if isinstance(event, MessageSpoken)]
    assert [bool(message.fallback) for message in said] == [False, True, False, False]
    assert outcome(events).fallback_turns == 1


def test_an_answer_that_was_mended_is_no_fallback_and_both_attempts_are_counted(
    studio: Studio, server: FaultServer, model: OpenAIModel, tmp_path: Path
) -> None:
    server.rule = lambda received: says("Hm?" if len(received.json["messages"]) == 2 else turn("Well."), tokens=(10, 2))
    over = outcome(improvised(studio, model, tmp_path / "out"))
    assert (over.fallback_turns, over.usage.tokens_in, over.usage.tokens_out) == (0, 20 * TURNS, 4 * TURNS)


def test_whoever_is_not_there_from_the_start_is_told_at_once(
    studio: Studio, server: FaultServer, model: OpenAIModel, tmp_path: Path
) -> None:
    server.otherwise = complains(401, "who are you?")
    with pytest.raises(ControllerError, match="401"):
        improvised(studio, model, tmp_path / "out")


@pytest.mark.parametrize("policy", ["bidding", "director"])
def test_bids_and_ledgers_that_fail_leave_the_choice_to_the_rules(
    studio: Studio, server: FaultServer, model: OpenAIModel, tmp_path: Path, policy: str
) -> None:
    bad = iter(range(1_000))

    def rule(received: Received) -> Answer:
        if "It is your turn" in received.json["messages"][1]["content"]:
            return says(turn(f"Remark number {next(bad)}."))
        return (complains(500), says("Hm?"), says(ledger(next_role="Nobody")), says('{"want": 11}'))[next(bad) % 4]

    server.answers.append(says(json.dumps({"want": 0.5}) if policy == "bidding" else ledger()))
    server.rule = lambda received: None if server.answers else rule(received)
    over = outcome(improvised(studio, model, tmp_path / "out", scene=replace(SCENE, policy=policy)))
    assert (over.turns, over.fallback_turns) == (TURNS, 0)
