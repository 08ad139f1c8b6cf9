"""A critic sees drafts first: weak ones are asked for again, the best one is played, and none is ever lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.agents.critic import Criticised
from speechagents.controllers.controller import (
    AgentInput,
    Answer,
    Bid,
    Bids,
    Controller,
    Criticises,
    Critique,
    Directs,
    MalformedTurn,
    Proposes,
    Usage,
)
from speechagents.controllers.language_model import Prompt
from speechagents.controllers.prompted import PromptedController
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Turn
from speechagents.errors import ControllerError, SettingsError
from speechagents.events import MessageSpoken
from speechagents.settings import ImproviseSettings
from tests.controllers.playing import SCENE, TellingModel, ask, text_of, turn


class Drafts:
    """Answers with its drafts, one after the other, and can nothing else."""

    identity = "drafts"
    hears = True

    def __init__(self, *drafts: str | MalformedTurn | ControllerError) -> None:
        self._drafts = list(drafts)
        self.notes: list[list[str]] = []
        self.seeds: list[int] = []

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        self.notes.append([one.note for one in asks])
        self.seeds.append(seed)
        for one in asks:
            draft = self._drafts.pop(0)
            if isinstance(draft, ControllerError):
                raise draft
            if isinstance(draft, MalformedTurn):
                yield draft
            else:
                deed = Deed.SPEAK if draft else Deed.SILENT
                yield Answer(Turn(one.role.name, deed, draft), Usage(10, 1))


class Critic:
    """Scores drafts by their text; what it has no score for it cannot judge."""

    def __init__(self, **scores: float) -> None:
        self._scores = scores
        self.judged: list[str] = []

    def criticise(self, ask: AgentInput, draft: Turn, *, seed: int) -> Critique | MalformedTurn:
        self.judged.append(draft.text)
        if draft.text == "breaks":
            raise ControllerError("the critic is gone")
        if draft.text not in self._scores:
            return MalformedTurn(draft.role, "no score", Usage(5, 5))
        return Critique(self._scores[draft.text], f"better than {draft.text}")


def played(
    drafts: Drafts, critic: Critic, *, passes: int = 2, note: str = "", **options: Any
) -> Answer | MalformedTurn:
    (answer,) = Criticised(drafts, critic, passes=passes, **options).respond([ask("Ella", note=note)], seed=7)
    return answer


def words(answer: Answer | MalformedTurn) -> str:
    assert isinstance(answer, Answer)
    return answer.turn.text


def test_a_good_draft_is_played_as_it_is() -> None:
    drafts, critic = Drafts("good"), Critic(good=0.6)
    assert played(drafts, critic) == Answer(Turn("Ella", text="good"), Usage(10, 1))
    assert drafts.notes == [[""]]


def test_a_weak_draft_is_asked_for_again_with_the_advice_behind_the_directors_note() -> None:
    drafts = Drafts("weak", "good")
    answer = played(drafts, Critic(weak=0.1, good=0.9), note="Be quick.")
    assert words(answer) == "good"
    assert answer.usage == Usage(20, 2)
    assert drafts.notes == [["Be quick."], ["Be quick. better than weak"]]
    assert len(set(drafts.seeds)) == 2


@pytest.mark.parametrize(("passes", "asked"), [(1, 2), (2, 3)])
def test_there_are_no_more_passes_than_wanted(passes: int, asked: int) -> None:
    drafts = Drafts("a", "b", "c", "d")
    assert words(played(drafts, Critic(a=0.1, b=0.2, c=0.3, d=0.9), passes=passes)) == "abc"[passes]
    assert len(drafts.notes) == asked


def test_the_best_draft_is_kept_the_first_of_equals() -> None:
    assert words(played(Drafts("a", "b", "c"), Critic(a=0.3, b=0.2, c=0.1))) == "a"
    assert words(played(Drafts("a", "b", "c"), Critic(a=0.3, b=0.5, c=0.3))) == "b"
    assert words(played(Drafts("a", "b", "c"), Critic(a=0.3, b=0.3, c=0.3))) == "a"


def test_only_weak_drafts_of_a_batch_are_asked_for_again() -> None:
    drafts = Drafts("good", "weak", "better")
    asks = [ask("Ella"), ask("Tom")]
    answers = list(Criticised(drafts, Critic(good=0.9, weak=0.1, better=0.8), passes=2).respond(asks, seed=7))
    assert [(one.turn.role, words(one)) for one in answers if isinstance(one, Answer)] == [
        ("Ella", "good"),
        ("Tom", "better"),
    ]
    assert drafts.notes == [["", ""], ["better than weak"]]


def test_without_a_usable_judgement_the_draft_is_played() -> None:
    unjudged = played(Drafts("x"), Critic())
    assert (words(unjudged), unjudged.usage) == ("x", Usage(15, 6))
    assert words(played(Drafts("breaks"), Critic())) == "breaks"


def test_a_redraft_that_nobody_could_judge_is_not_preferred() -> None:
    answer = played(Drafts("weak", "x", "y"), Critic(weak=0.1))
    assert words(answer) == "weak"
    assert answer.usage == Usage(10 + 15 + 15, 1 + 6 + 6)


def test_what_fails_in_a_second_pass_leaves_the_first_draft() -> None:
    malformed = MalformedTurn("Ella", "no JSON", Usage(3, 3))
    answer = played(Drafts("weak", malformed, malformed), Critic(weak=0.1))
    assert (words(answer), answer.usage) == ("weak", Usage(16, 7))
    gone = ControllerError("gone")
    assert words(played(Drafts("weak", gone, gone), Critic(weak=0.1))) == "weak"


def test_a_malformed_turn_is_passed_on_and_a_silent_one_is_not_judged() -> None:
    malformed = MalformedTurn("Ella", "no JSON")
    critic = Critic()
    assert played(Drafts(malformed), critic) == malformed
    silent = played(Drafts(""), critic)
    assert isinstance(silent, Answer)
    assert silent.turn.deed is Deed.SILENT
    assert critic.judged == []


def test_a_controller_that_cannot_be_used_at_all_raises() -> None:
    with pytest.raises(ControllerError):
        played(Drafts(ControllerError("gone")), Critic())


def test_it_can_what_the_controller_can_and_no_more() -> None:
    scripted = ScriptedController([Turn("Ella", text="Well.")])
    scripted.enqueue_bids(Bid("Ella", 0.7))
    able = Criticised(scripted, Critic(), passes=1)
    assert isinstance(able, Controller)
    assert isinstance(able, Bids)
    assert isinstance(able, Directs)
    assert list(able.bid([ask("Ella")], seed=1)) == [Bid("Ella", 0.7)]
    plain = Criticised(Drafts(), Critic(), passes=1)
    assert isinstance(plain, Controller)
    assert plain.hears
    for can in (Bids, Directs, Proposes, Criticises):
        assert not isinstance(plain, can)


def test_its_identity_says_who_judges_and_how() -> None:
    class Both(Drafts, Critic):
        identity = "both"

    assert Criticised(Drafts(), Critic(), passes=1).identity == "drafts, criticised, 1 passes from 0.6"
    assert Criticised(Drafts(), Both(), passes=2).identity == "drafts, criticised by both, 2 passes from 0.6"


def test_a_scene_is_played_with_a_critic(studio: Studio, tmp_path: Path) -> None:
    def says(prompt: Prompt, number: int) -> str:
        text = text_of(prompt)
        if "you judge a draft" in text:
            return json.dumps(
                {"advice": "Say what you want.", "score": 0.9 if "I want" in text.split("Draft")[1] else 0}
            )
        return turn(f"I want cake number {number}." if "Say what you want." in text else f"Well, {number}.")

    controller = PromptedController(TellingModel(says))
    actors = Actors(controller, ScriptedController(), critic=Criticised(controller, controller, passes=1))
    settings = ImproviseSettings(formats=("vtt",), turns=3)
    events = list(studio.improvise(SCENE, actors=actors, out=tmp_path / "out", settings=settings))
    said = [event.message for event in events if isinstance(event, MessageSpoken)]
    assert len(said) == 3
    assert all(message.text.startswith("I want cake") and not message.fallback for message in said)


@pytest.mark.parametrize("options", [{"passes": 0}, {"passes": 3}, {"passes": 1, "good_enough": 1.5}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        Criticised(Drafts(), Critic(), **options)
