"""The director leads from beat to beat, and an answer that cannot be used never ends a scene."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speechagents.agents.director import REPLAN_AFTER, Director, ending
from speechagents.controllers.controller import DirectorInput, Heard, Judgement, Ledger, MalformedTurn, Usage
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Role, SceneBrief, Style

SCENE = SceneBrief(
    "Picnic", (Role("Ella"), Role("Tom")), beats=("They arrive.", "The cake is cut.", "It comes out."), turns=9
)
YES, NO = Judgement(True, "yes"), Judgement(False, "no")
LEDGER = Ledger(("Ella: leaves",), "Bring on the cake.", 0, YES, NO, NO, "Tom", "he is quiet", "Cut the cake.")


def ask(step: int = 1, *texts: str, beat: int = 0, stalls: int = 0) -> DirectorInput:
    heard = tuple(Heard(n, "Ella", text, Deed.SPEAK, Style()) for n, text in enumerate(texts, 1))
    return DirectorInput(SCENE, ("Ella", "Tom"), (), heard, beat=beat, stalls=stalls, step=step)


def directed(*ledgers: Ledger | MalformedTurn) -> Director:
    controller = ScriptedController()
    controller.enqueue_ledgers(*ledgers)
    return Director(SCENE, controller=controller, seed=1)


def test_without_a_controller_beats_follow_the_turns_and_never_go_back() -> None:
    director = Director(SCENE, controller=None, seed=1)
    assert [director.take_stock(ask(step)).ledger.beat for step in (0, 2, 3, 5, 6, 8)] == [0, 0, 1, 1, 2, 2]
    assert director.take_stock(ask(1, beat=2)).ledger.beat == 2
    assert director.take_stock(ask(4)).ledger.plan == SCENE.beats[1]


def test_what_was_done_is_a_fact_unless_it_was_done_in_private() -> None:
    director = Director(SCENE, controller=None, seed=1)
    left = Heard(1, "Tom", "walks off", Deed.LEAVE, Style())
    assert director.take_stock(replace(ask(), heard=(left,))).ledger.facts == ("Tom: walks off",)
    assert director.take_stock(replace(ask(), heard=(replace(left, private=True),))).ledger.facts == ()
    assert director.take_stock(ask(1, "I am off.")).ledger.facts == ()


def test_repetition_is_a_stall_and_three_of_them_make_a_new_plan() -> None:
    director = Director(SCENE, controller=None, seed=1)
    stalls, plans = 0, []
    for _ in range(REPLAN_AFTER):
        stock = director.take_stock(ask(2, "The same again.", "The same again.", stalls=stalls))
        stalls = stock.stalls
        plans.append((stock.replanned, stock.ledger.beat))
    assert plans == [(False, 0)] * (REPLAN_AFTER - 1) + [(True, 1)]
    assert stalls == 0
    assert director.take_stock(ask(2, "Quite another thing.", stalls=2)).stalls == 0


def test_a_good_ledger_is_taken_cleaned() -> None:
    stock = directed(replace(LEDGER, note="Cut\x1b[31m it.", facts=("x" * 900,) * 9)).take_stock(ask())
    assert (stock.source, stock.problem) == ("controller", "")
    assert stock.ledger.note == "Cut [31m it."
    assert len(stock.ledger.facts) == 6
    assert max(map(len, stock.ledger.facts)) == 500


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (MalformedTurn("", "no JSON at all", Usage(5, 1)), "no JSON at all"),
        (replace(LEDGER, next_role="Nobody"), "Nobody is not here"),
        (replace(LEDGER, beat=7), "no beat 7"),
        (replace(LEDGER, beat=-1), "no beat -1"),
    ],
)
def test_an_unusable_ledger_is_replaced_and_says_why(answer: Ledger | MalformedTurn, problem: str) -> None:
    stock = directed(answer).take_stock(ask())
    assert stock.source == "rules"
    assert problem in stock.problem
    assert not stock.ledger.done.holds


def test_why_a_scene_ends() -> None:
    assert ending(SCENE, turns=3, silent_in_a_row=0, active=2, done=False) == ""
    assert "fewer than two" in ending(SCENE, turns=3, silent_in_a_row=0, active=1, done=False)
    assert "turns" in ending(SCENE, turns=9, silent_in_a_row=0, active=2, done=False)
    assert "silence" in ending(SCENE, turns=3, silent_in_a_row=2, active=2, done=False)
    assert "silence" in ending(SCENE, turns=8, silent_in_a_row=4, active=25, done=False)
    assert "beat" in ending(SCENE, turns=3, silent_in_a_row=0, active=2, done=True)
