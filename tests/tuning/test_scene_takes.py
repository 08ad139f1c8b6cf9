"""What an agent is given of a take before each of its turns, and the thoughts of those of whom none are known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speechagents.drama import Deed
from speechagents.tuning.scene_takes import QUOTED_CHARS, Moment, derived_thoughts, drafts_of
from tests.tuning.made_up_scenes import KITCHEN, SAID, heard, message, take_of, trajectories

PRESENT = ("Ella", "Tom", "Sophia")


def test_each_spoken_turn_is_a_trajectory_with_what_came_before_it() -> None:
    found = trajectories()
    assert [one.id for one in found] == [f"two-cups/one/{at}" for at in range(5)]
    assert [one.turn.text for one in found] == [text for _, text, _ in SAID]
    assert [one.turn.style.tag for one in found] == [style for _, _, style in SAID]
    assert [[said.text for said in one.ask.heard] for one in found] == [
        [text for _, text, _ in SAID[:at]] for at in range(5)
    ]
    assert all(one.ask.scene is KITCHEN for one in found)
    assert [(one.ask.role.name, one.ask.step) for one in found] == [(who, at) for at, (who, _, _) in enumerate(SAID)]


def test_only_the_last_messages_are_given() -> None:
    assert [len(one.ask.heard) for one in trajectories(messages=2)] == [0, 1, 2, 2, 2]
    assert [said.id for said in trajectories(messages=2)[4].ask.heard] == [3, 4]


def test_a_private_message_is_given_to_those_alone_who_heard_it() -> None:
    moments = (
        Moment(
            message(1, "Tom", "She does not know.", addresses=("Ella",), audience=("Ella",)),
            "…",
            own=True,
            present=PRESENT,
            step=0,
        ),
        Moment(message(2, "Sophia", "What are you whispering?"), "What?", own=True, present=PRESENT, step=1),
        Moment(message(3, "Ella", "Nothing at all."), "Nothing.", own=True, present=PRESENT, step=2),
        Moment(message(4, "Tom", "Nothing."), "Nothing.", own=True, present=PRESENT, step=3),
    )
    take = replace(take_of(), moments=moments)
    whispered, sophia, ella, tom = (draft.trajectory for draft in drafts_of(take, messages=16))
    assert sophia.ask.heard == ()
    assert [(one.speaker, one.private) for one in ella.ask.heard] == [("Tom", True), ("Sophia", False)]
    assert [one.id for one in tom.ask.heard] == [1, 2, 3], "everybody hears themselves"
    assert (whispered.turn.private, whispered.turn.addresses) == (True, ("Ella",))


def test_what_was_understood_is_given_and_what_was_said_is_learnt() -> None:
    take = take_of()
    misheard = replace(take.moments[0], understood="You are still a lake?")
    found = [one.trajectory for one in drafts_of(replace(take, moments=(misheard, *take.moments[1:])), messages=16)]
    assert found[0].turn.text == "You are still awake at this hour?"
    assert found[1].ask.heard[0].text == "You are still a lake?"


@pytest.mark.parametrize("deed", [Deed.ACT, Deed.LEAVE, Deed.BACK_CHANNEL])
def test_what_is_not_spoken_or_not_the_agents_own_is_heard_and_not_learnt(deed: Deed) -> None:
    take = take_of()
    done = replace(take.moments[0], message=message(1, "Ella", "puts the kettle on", deed=deed))
    strange = replace(take.moments[1], own=False)
    found = [
        one.trajectory for one in drafts_of(replace(take, moments=(done, strange, *take.moments[2:])), messages=16)
    ]
    assert [one.ask.step for one in found] == [2, 3, 4]
    assert [one.deed for one in found[0].ask.heard] == [deed, Deed.SPEAK]


def test_what_is_recalled_does_not_stand_among_what_was_just_heard_as_well() -> None:
    take = take_of()
    recalled = tuple(heard(number, "Ella", "Before.") for number in (1, 3))
    moment = replace(take.moments[4], recalled=recalled, facts=("a: b",), note="Hurry.", beat=1)
    (found,) = [
        one.trajectory
        for one in drafts_of(replace(take, moments=(*take.moments[:4], moment)), messages=2)
        if one.message == 5
    ]
    assert [one.id for one in found.ask.recalled] == [1]
    assert (found.ask.facts, found.ask.note, found.ask.beat) == (("a: b",), "Hurry.", 1)


def test_thoughts_of_the_agents_own_are_kept_and_others_are_derived() -> None:
    take = take_of()
    own = replace(take.moments[1], thoughts="She has been crying.")
    drafts = list(drafts_of(replace(take, moments=(take.moments[0], own, *take.moments[2:])), messages=16))
    assert [one.thought for one in drafts] == [False, True, False, False, False]
    assert drafts[1].trajectory.turn.thoughts == "She has been crying."


@pytest.mark.parametrize(
    ("before", "addresses", "thoughts"),
    [
        ((), (), "Nobody has spoken to me yet. I should speak to everybody."),
        ((), ("Ella", "Tom"), "Nobody has spoken to me yet. I should speak to Ella and Tom."),
        ((heard(1, "Sophia", "Hm."),), (), "Nobody has spoken to me yet. I should speak to everybody."),
        ((heard(1, "Tom", 'Say "please".'),), (), "Heard Tom: \"Say 'please'.\". I should answer Tom."),
        ((heard(1, "Tom", "Who?"), heard(2, "Sophia", "Me.")), (), 'Heard Tom: "Who?". I should answer Tom.'),
        ((heard(1, "Tom", "Who?"),), ("Ella",), 'Heard Tom: "Who?". I should answer Ella.'),
        ((heard(1, "Tom", "bows", deed=Deed.ACT),), (), 'Saw Tom: "bows". I should answer Tom.'),
    ],
)  # fmt: skip
def test_derived_thoughts_say_what_was_heard_last_and_who_should_be_answered(
    before: tuple[object, ...], addresses: tuple[str, ...], thoughts: str
) -> None:
    assert derived_thoughts("SOPHIA", before, addresses) == thoughts  # type: ignore[arg-type]


def test_derived_thoughts_quote_no_more_than_they_need() -> None:
    thoughts = derived_thoughts("Ella", (heard(1, "Tom", "word " * 300),), ())
    assert len(thoughts) < QUOTED_CHARS + 80
    assert thoughts.endswith('word …". I should answer Tom.')


def test_derived_thoughts_hold_neither_style_nor_line() -> None:
    for style in ("angry", "tender"):
        said = [SAID[0], ("Tom", "Xylophones quietly unsettle badgers.", style)]
        thoughts = trajectories(said)[1].turn.thoughts.casefold()
        assert not any(word in thoughts for word in ("angry", "tender", "xylophones", "unsettle", "badgers"))
    same = {
        trajectories([SAID[0], ("Tom", text, style)])[1].turn.thoughts
        for text, style in (("One.", "sad"), ("Two?", "cold"))
    }
    assert len(same) == 1, "they follow from what was heard alone"
