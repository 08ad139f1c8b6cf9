"""Behind a message: what its speaker thought, why it had the floor, and what the director made of the scene."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speechagents.agents.director import Stock
from speechagents.agents.policies import Choice
from speechagents.controllers.controller import Bid, Usage
from speechagents.drama import Deed, Role, Turn
from speechagents.ui.inspector import inspection, nothing_chosen
from speechagents.ui.transcript_view import Told
from tests.ui.scenes import BID, EVIL, SCENE, message, step


@pytest.fixture
def page() -> str:
    turn = Turn("Ella", text="Hello.", thoughts="He knows. I must smile.")
    choice = Choice("Ella", "bid 0.90: I must speak", interrupts=True)
    bids = (BID, Bid("Ella", 0.9, interrupts=True, reason="I must speak"))
    return inspection(
        SCENE,
        Told(
            step(2, message(3), turn=turn, choice=choice, bids=bids, note="Be kind", usage=Usage(1234, 56)), message(3)
        ),
    )


def test_it_says_that_nobody_on_stage_sees_it(page: str) -> None:
    assert "nobody in the scene sees any of this" in page
    assert "Choose the magnifying glass" in nothing_chosen()


def test_thoughts_floor_note_and_tokens_are_there(page: str) -> None:
    assert "He knows. I must smile." in page
    assert "Ella: bid 0.90: I must speak, reaching into the turn before" in page
    assert "Be kind" in page
    assert "1,234 in, 56 out" in page


def test_bids_stand_in_the_order_of_their_height(page: str) -> None:
    assert page.index("0.90</span>") < page.index("0.80</span>")
    assert page.count("sa-won") == 1
    assert "(would break in)" in page


def test_the_ledger_is_there(page: str) -> None:
    for fact in (
        "by rules",
        "1 of 2: They meet",
        "Let them meet",
        "The cake is here",
        "yes: 3 new words",
        "no: nothing is repeated",
        "no: there is more to come",
        "Sophia: she was silent",
    ):
        assert fact in page


def test_a_scene_without_a_model_costs_nothing_and_says_so() -> None:
    assert "none: no model" in inspection(SCENE, Told(step(0, message(1)), message(1)))


def test_what_was_misheard_and_who_stood_in_are_told() -> None:
    said = message(1, fallback="the server did not answer")
    page = inspection(SCENE, Told(step(0, said, understood=("Yellow.",)), said))
    assert "Yellow." in page
    assert "the server did not answer" in page


def test_a_murmur_has_no_thoughts_of_its_own() -> None:
    murmur = message(2, "Tom", "Mm-hm.", deed=Deed.BACK_CHANNEL)
    turn = Turn("Ella", text="Hello.", thoughts="He knows.")
    page = inspection(SCENE, Told(step(0, message(1), murmur, turn=turn), murmur))
    assert "A sign of listening under what Ella says" in page
    assert "He knows" not in page


def test_a_director_that_failed_says_why() -> None:
    stock = step(0).stock
    failed = Stock(replace(stock.ledger, beat=7), "rules", problem="there is no beat 7", stalls=2, replanned=True)
    page = inspection(SCENE, Told(step(0, message(1), stock=failed), message(1)))
    assert "there is no beat 7" in page
    assert "the scene stood still" in page
    assert "2 of 2: The cake" in page


def test_nothing_that_is_written_breaks_out_of_the_page() -> None:
    said = message(1, EVIL, EVIL, fallback=EVIL)
    ledger = replace(step(0).stock.ledger, facts=(EVIL,), plan=EVIL, next_role=EVIL, next_reason=EVIL)
    evil = step(
        0,
        said,
        turn=Turn(EVIL, text=EVIL, thoughts=EVIL),
        choice=Choice(EVIL, EVIL),
        note=EVIL,
        understood=(EVIL + "!",),
        bids=(Bid(EVIL, 0.5, reason=EVIL),),
        stock=Stock(ledger, EVIL, problem=EVIL),
    )
    scene = replace(SCENE, roles=(Role(EVIL), Role("Tom")), beats=(EVIL,))
    assert "<img" not in inspection(scene, Told(evil, said))
