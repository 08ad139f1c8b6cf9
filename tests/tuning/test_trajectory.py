"""What a sample may be, and who speaks next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from speechagents.drama import Style, Turn
from speechagents.tuning.trajectory import Instruction, Split, next_speakers
from tests.tuning.made_up_scenes import heard, trajectories

SHA = "ab" * 32


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "elsewhere/1"}, "does not begin with that of its scene"),
        ({"id": "two-cups/\n1"}, "control characters"),
        ({"scene_id": " "}, "scene_id"),
        ({"heard_sounds": ()}, "2 messages were heard, with 0 sounds"),
        ({"heard_units": ((), (), ())}, "2 messages were heard"),
        ({"sound": "../../etc/passwd"}, "no SHA-256"),
        ({"heard_sounds": ("", SHA.upper())}, "no SHA-256"),
        ({"units": (1, -1)}, "units"),
        ({"heard_units": ((70_000,), ())}, "heard_units"),
        ({"turn": Turn("Tom", text="Me?")}, "Sophia is asked, but the turn is Tom's"),
        ({"turn": Turn("Sophia", text="Hm.", fallback="no answer")}, "not the agent's own"),
        ({"refinement": "x" * 2_001}, "refinement is longer"),
        ({"rationale": "x" * 20_001}, "rationale is longer"),
    ],
)
def test_what_no_trajectory_may_be(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(trajectories()[2], **change)


def test_a_trajectory_may_have_sounds_units_a_rationale_and_a_better_line() -> None:
    one = replace(
        trajectories()[1],
        heard_sounds=(SHA,),
        heard_units=((0, 65_535),),
        sound=SHA,
        units=(3, 4),
        rationale="It says why.",
        refinement="Something better.",
    )
    assert (one.heard_sounds, one.units) == ((SHA,), (3, 4))


def test_an_instruction_has_a_question_and_an_answer_in_words_or_in_units() -> None:
    assert Instruction("a", Split.TRAIN, "", "Hello.", "hear", question_units=(1, 2)).question == ""
    assert (
        Instruction("a", Split.TRAIN, "Say it.", "", "read aloud", answer_units=(1,), style=Style("sad")).answer == ""
    )
    for question, answer in (("", "Yes"), ("Is it?", " ")):
        with pytest.raises(ValueError, match="a question and an answer"):
            Instruction("a", Split.TRAIN, question, answer, "chat")


def test_who_speaks_next_follows_from_each_turn_behind_another() -> None:
    turns = trajectories()
    found = next_speakers(turns)
    assert [one.speaker for one in found] == ["Tom", "Sophia", "Ella", "Tom"]
    assert [one.id for one in found] == [f"{turn.id}/next" for turn in turns[1:]]
    assert [len(one.ask.heard) for one in found] == [1, 2, 3, 4]


def test_nothing_in_the_question_who_speaks_next_is_known_to_the_next_speaker_alone() -> None:
    turn = trajectories()[2]
    private = heard(9, "Tom", "Only you may know this.", private=True)
    ask = replace(
        turn.ask,
        heard=(*turn.ask.heard, private),
        note="Tell them about the feet.",
        recalled=(heard(1, "Tom", "Long ago."),),
    )
    mine = replace(turn, ask=ask, heard_sounds=("", SHA, SHA.replace("a", "b")), heard_units=((1,), (2,), (3,)))
    (found,) = next_speakers([mine])
    assert found.speaker == "Sophia"
    assert found.ask.heard == turn.ask.heard
    assert (found.heard_sounds, found.heard_units) == (("", SHA), ((1,), (2,)))
    assert (found.ask.note, found.ask.recalled) == ("", ())
    assert {one.ask.role.name for one in next_speakers(trajectories())} == {"Ella"}, "whoever is first, not who speaks"


def test_nobody_is_asked_who_speaks_next_when_one_is_left_or_all_was_whispered() -> None:
    turn = trajectories()[2]
    alone = replace(turn, ask=replace(turn.ask, present=("Sophia",)))
    whispered = replace(turn, ask=replace(turn.ask, heard=tuple(replace(one, private=True) for one in turn.ask.heard)))
    assert next_speakers([alone, whispered]) == []
