"""Whatever a server does, a novel keeps the speakers that were found without it, and the asking ends."""

from __future__ import annotations

import json

import pytest

from speechagents.attribution.asking import BATCH, ask_about_unsure
from speechagents.controllers.ascribing import MAX_QUOTATIONS
from speechagents.controllers.openai import OpenAIModel
from speechagents.controllers.prompted import PromptedController
from tests.attribution.asked import EMMA, LANE, talk
from tests.controllers.asking import Make
from tests.controllers.fault_server import PATIENCE_S, FaultServer, Received, complains, says
from tests.controllers.novels import answer
from tests.controllers.test_fault_scenes import FAULTS, never_answers

NOVEL = talk(3 * MAX_QUOTATIONS)
ALL_EMMA = answer(*((number, "A") for number in range(1, MAX_QUOTATIONS + 1)))


@pytest.fixture
def model(make: Make) -> OpenAIModel:
    return make(hears=False, attempts=2)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_the_answer_and_never_the_speaker_found_before(
    server: FaultServer, make: Make, name: str
) -> None:
    fault, complaint = FAULTS[name]
    slow = fault is never_answers or "whole answer" in complaint
    model = make(hears=False, attempts=2, timeout_s=0.4 if slow else PATIENCE_S, concurrency=1)
    server.answers.append(says(ALL_EMMA))
    server.otherwise = fault
    told = ask_about_unsure(NOVEL.text, NOVEL.paragraphs, NOVEL.attribution, PromptedController(model))
    speakers = [quote.speaker for quote in told.attribution.quotes]
    assert speakers == [EMMA] * MAX_QUOTATIONS + [LANE] * 2 * MAX_QUOTATIONS
    assert told.attribution.quotes[MAX_QUOTATIONS:] == NOVEL.attribution.quotes[MAX_QUOTATIONS:]
    (warning,) = told.warnings
    assert warning.isprintable()
    assert "no usable answer to 2 questions" in warning
    assert len(warning) < 1_000


@pytest.mark.parametrize("name", FAULTS)
def test_a_server_that_never_worked_changes_nothing_and_is_not_asked_for_ever(
    server: FaultServer, make: Make, name: str
) -> None:
    fault, complaint = FAULTS[name]
    slow = fault is never_answers or "whole answer" in complaint
    model = make(hears=False, attempts=2, timeout_s=0.1 if slow else PATIENCE_S, concurrency=BATCH)
    server.otherwise = fault
    novel = talk(2 * BATCH * MAX_QUOTATIONS)
    told = ask_about_unsure(novel.text, novel.paragraphs, novel.attribution, PromptedController(model))
    assert told.attribution == novel.attribution
    assert len(told.warnings) == 1
    # Bad answers are asked for once more; faults of the server are tried again, and then the rest is left alone.
    assert len(server.received) <= 4 * BATCH


def test_a_server_that_recovers_is_used_again(server: FaultServer, make: Make) -> None:
    # One question after the other: side by side, chance would say which of them gets two faults and is given up.
    model = make(hears=False, attempts=3, concurrency=1)
    server.answers.extend([complains(500), complains(429), says("Hm?")])
    server.otherwise = says(ALL_EMMA)
    told = ask_about_unsure(NOVEL.text, NOVEL.paragraphs, NOVEL.attribution, PromptedController(model))
    assert {quote.speaker for quote in told.attribution.quotes} == {EMMA}
    assert told.warnings == ()


def test_the_server_is_held_to_those_who_are_listed(server: FaultServer, model: OpenAIModel) -> None:
    server.otherwise = says(ALL_EMMA)
    ask_about_unsure(NOVEL.text, NOVEL.paragraphs, NOVEL.attribution, PromptedController(model))
    forms = {json.dumps(received.json["response_format"], sort_keys=True) for received in server.received}
    assert len(forms) == 1
    assert not any(name in form for form in forms for name in (EMMA, LANE))
    for received in server.received:
        assert received.json["temperature"] == 0.0
        assert received.json["seed"] == 0


def test_a_server_that_knows_no_schema_is_asked_without(server: FaultServer, model: OpenAIModel) -> None:
    def rule(received: Received) -> object:
        if "response_format" in received.json:
            return complains(400, "response_format is not supported")
        return says(ALL_EMMA)

    server.rule = rule  # type: ignore[assignment]
    told = ask_about_unsure(NOVEL.text, NOVEL.paragraphs, NOVEL.attribution, PromptedController(model))
    assert told.named == 3 * MAX_QUOTATIONS
