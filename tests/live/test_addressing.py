"""Whom a person speaks to, and who answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from speechagents.agents.policies import Floor, make_policy
from speechagents.controllers.controller import Bid
from speechagents.drama import Deed, Message, Role, SceneBrief, Style
from speechagents.live.addressing import ANSWER_BID, WithPerson, addressees
from speechagents.scripts.scene_file import POLICIES

NAMES = ("Ella Stone", "Tom", "MR BEN", "Inspector Clay", "Zoë", "Man 1", "Man 2", "The Old Baker", "Anna", "Anna-Lena")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("Tom, what do you think?", ("Tom",)),
        ("what do you think tom", ("Tom",)),
        ("TOM WHAT DO YOU THINK", ("Tom",)),
        ("Ella Stone, come here.", ("Ella Stone",)),
        ("ella come here", ("Ella Stone",)),
        ("Good evening, Ms. Stone.", ("Ella Stone",)),
        ("and what does mister ben say", ("MR BEN",)),
        ("Mr. Ben, please!", ("MR BEN",)),
        ("ben are you there", ("MR BEN",)),
        ("I have nothing to hide, Inspector.", ("Inspector Clay",)),
        ("Hey Inspector Clay over here", ("Inspector Clay",)),
        ("zoe can you hear me", ("Zoë",)),
        ("Zoe\u0308!", ("Zoë",)),
        ("Man 2, step back.", ("Man 2",)),
        ("man, what a day", ()),
        ("baker give me some bread", ("The Old Baker",)),
        ("Anna-Lena, not you.", ("Anna-Lena",)),
        ("Anna, not you.", ("Anna",)),
        ("Tom is a liar, Ella.", ("Ella Stone",)),
        ("Ella I do not trust Tom at all", ("Ella Stone",)),
        ("I saw Tom with Zoe yesterday at the fair", ("Tom", "Zoë")),
        ("Tom! Zoe! Come down!", ("Tom", "Zoë")),
        ("well tom, what now", ("Tom",)),
        ("Look. Tom, look.", ("Tom",)),
        ("I found Tom's hat", ()),
        ("tomorrow we ask the customs", ()),
        ("Who is there?", ()),
        ("", ()),
        ("...", ()),
    ],
)
def test_names_are_found_as_people_call_each_other(text: str, meant: tuple[str, ...]) -> None:
    assert addressees(text, NAMES) == meant


def test_a_name_of_no_letters_calls_nobody() -> None:
    assert addressees("What is this?", ("???", "Tom")) == ()


def floor(*, said: Sequence[tuple[str, tuple[str, ...]]], policy: str = "round-robin", bids: object = None) -> Floor:
    scene = SceneBrief("Kitchen", (Role("Ella"), Role("Tom"), Role("Sophia"), Role("Leo")), policy=policy)
    messages = tuple(
        Message(n, who, "Something.", Deed.SPEAK, Style(), to, (), 0.0, 0.0, "") for n, (who, to) in enumerate(said, 1)
    )
    return Floor(
        scene=scene,
        present=tuple(role.name for role in scene.roles),
        turns=tuple(who for who, _ in said),
        recent=messages,
        step=len(said),
        seed=1,
        directed="Leo",
        bids=bids,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", POLICIES)
def test_whoever_the_person_spoke_to_answers_under_every_policy(name: str) -> None:
    choice = WithPerson(make_policy(name), "Ella").next_speaker(floor(said=[("Ella", ("Sophia",))], policy=name))
    assert choice is not None
    assert (choice.role, choice.reason) == ("Sophia", "Ella spoke to them")


def test_of_several_the_one_answers_who_has_waited_longest() -> None:
    policy = WithPerson(make_policy("round-robin"), "Ella")
    said = [("Leo", ()), ("Tom", ()), ("Ella", ("Tom", "Leo"))]
    choice = policy.next_speaker(floor(said=said))
    assert choice is not None
    assert choice.role == "Leo"


def test_when_they_have_answered_or_are_gone_the_policy_goes_on_as_usual() -> None:
    policy = WithPerson(make_policy("round-robin"), "Ella")
    answered = policy.next_speaker(floor(said=[("Ella", ("Sophia",)), ("Sophia", ())]))
    assert answered is not None
    assert answered.role == "Leo"
    gone = policy.next_speaker(floor(said=[("Ella", ("Somebody else",))]))
    assert gone is not None
    assert gone.role == "Tom"


def test_nobody_bids_for_the_person_but_who_was_spoken_to_wants_to_answer() -> None:
    asked: list[Sequence[str]] = []

    def bids(names: Sequence[str]) -> Sequence[Bid]:
        asked.append(names)
        return [Bid(name, 0.5) for name in names]

    policy = WithPerson(make_policy("bidding"), "Ella")
    spoken_to = policy.next_speaker(floor(said=[("Tom", ("Ella",))], bids=bids))
    assert spoken_to is not None
    assert spoken_to.role == "Ella"
    assert f"{ANSWER_BID:.2f}" in spoken_to.reason
    others = policy.next_speaker(floor(said=[("Tom", ("Leo",))], bids=bids))
    assert others is not None
    assert others.role != "Ella"
    assert all("Ella" not in names for names in asked)
    assert len(asked) == 2
