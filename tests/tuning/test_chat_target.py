"""Answers as chat models should write them: what is read of them is what was done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from speechagents.controllers.grammar import TURN_SCHEMA, parse_turn
from speechagents.drama import Deed, Role, Style, Turn
from speechagents.styles import STYLES
from speechagents.tuning.chat_target import turn_pieces
from speechagents.tuning.family import Part
from tests.tuning.chat_samples import turn_sample

ASK = turn_sample(3).ask
TURNS = {
    "plain": Turn("Ann", text="Who took it?", thoughts="Heard Bo. I should ask on."),
    "without thoughts": Turn("Ann", text="Who took it?"),
    "with quotes and strokes": Turn("Ann", text=r'He said "no" - and C:\keys, {1, 2}.', thoughts='He said "no".'),
    "of another alphabet": Turn("Ann", text="Où est la clé? Де ключ? 鑰匙在哪裡?", thoughts="…"),
    "styled": Turn("Ann", text="Out!", style=Style("shouting", 1.5)),
    "to somebody": Turn("Ann", text="You there.", addresses=("Bo", "Anna")),
    "whispered": Turn("Ann", text="Is it you?", addresses=("Bo",), private=True),
    "done": Turn("Ann", deed=Deed.ACT, text="rattles the gate"),
    "left": Turn("Ann", deed=Deed.LEAVE, text="climbs over the wall"),
    "silent": Turn("Ann", deed=Deed.SILENT, thoughts="I say nothing."),
}


def joined(turn: Turn) -> str:
    return "".join(piece.text for piece in turn_pieces(turn, ASK))


@pytest.mark.parametrize("name", TURNS)
def test_what_is_read_of_an_answer_is_the_turn(name: str) -> None:
    assert parse_turn(joined(TURNS[name]), ASK) == TURNS[name]


def test_keys_stand_in_the_order_of_the_schema() -> None:
    assert list(json.loads(joined(TURNS["plain"]))) == list(TURN_SCHEMA["properties"])


def test_texts_are_parts_of_their_own_and_all_else_is_form() -> None:
    turn = Turn("Ann", text='A "key".', style=Style("cold"), thoughts="I ask.")
    pieces = turn_pieces(turn, ASK)
    assert [(one.part, one.text) for one in pieces if one.part is not Part.FORM] == [
        (Part.THOUGHTS, "I ask."),
        (Part.STYLE, "cold"),
        (Part.LINE, 'A \\"key\\".'),
    ]
    assert [one.part is Part.FORM for one in pieces] == [True, False, True, False, True, False, True]


def test_a_text_that_is_empty_is_no_part() -> None:
    parts = [one.part for one in turn_pieces(TURNS["silent"], ASK)]
    assert parts == [Part.FORM, Part.THOUGHTS, Part.FORM, Part.STYLE, Part.FORM]


def test_no_style_begins_like_another_one() -> None:
    """Else the likelihood of the one would hold that of the other."""
    assert not [(a, b) for a in STYLES for b in STYLES if a != b and b.startswith(a)]


@pytest.mark.parametrize(
    ("written", "taught"),
    [("(sighs) No.", "No."), ("Ann: No.", "No."), ("*slams the gate* No.", "No."), ("I did *not*.", "I did not.")],
)
def test_what_nobody_would_hear_is_not_taught(written: str, taught: str) -> None:
    assert json.loads(joined(Turn("Ann", text=written)))["speech"] == taught


def test_names_are_written_as_prompts_show_them() -> None:
    long = "The Honourable Bartholomew Featherstonehaugh-Smythe of Lower Slaughter"
    scene = replace(ASK.scene, roles=(*ASK.scene.roles, Role(long)))
    ask = replace(ASK, scene=scene, present=(*ASK.present, long))
    text = "".join(piece.text for piece in turn_pieces(Turn("Ann", text="You!", addresses=(long,)), ask))
    (written,) = json.loads(text)["addresses"]
    assert len(written) <= 40
    assert parse_turn(text, ask).addresses == (long,)


def test_thoughts_are_cut_where_they_would_be_cut_when_read() -> None:
    turn = Turn("Ann", text="So.", thoughts="word " * 400)
    assert parse_turn(joined(turn), ASK).thoughts == json.loads(joined(turn))["thoughts"]
