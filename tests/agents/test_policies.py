"""Who speaks next, and that nobody is forgotten."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from speechagents.agents.policies import Floor, make_policy
from speechagents.controllers.controller import Bid
from speechagents.drama import Deed, Message, Role, SceneBrief, Style
from speechagents.errors import SettingsError
from speechagents.scripts.scene_file import POLICIES


def floor(*names: str, **more: object) -> Floor:
    scene = SceneBrief("Scene", tuple(Role(name) for name in names))
    return replace(Floor(scene, names, (), (), 0, 7), **more)  # type: ignore[arg-type]


def said(speaker: str, text: str, *to: str, private: bool = False) -> Message:
    return Message(1, speaker, text, Deed.SPEAK, Style(), to, to if private else (), 0.0, 0.0, "")


def played(
    policy: str, roles: int, steps: int, bids: Callable[[Sequence[str]], Sequence[Bid]] | None = None
) -> list[str]:
    names = [f"Role {n}" for n in range(roles)]
    here = floor(*names, bids=bids)
    for step in range(steps):
        choice = make_policy(policy).next_speaker(replace(here, step=step))
        assert choice is not None
        here = replace(here, turns=(*here.turns, choice.role), recent=(said(choice.role, "Well.", "Role 0", "Role 1"),))
    return list(here.turns)


@pytest.mark.parametrize("policy", POLICIES)
def test_nobody_follows_themselves_and_nobody_is_forgotten(policy: str) -> None:
    # The first two are always the ones spoken to, and always bid most.
    turns = played(policy, 25, 200, bids=lambda names: [Bid(name, 1.0 if name == names[0] else 0.5) for name in names])
    assert all(before != after for before, after in itertools.pairwise(turns))
    assert len(Counter(turns)) == 25
    assert turns == played(
        policy, 25, 200, bids=lambda names: [Bid(name, 1.0 if name == names[0] else 0.5) for name in names]
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_one_who_is_alone_does_not_talk_on(policy: str) -> None:
    here = floor("A", "B", present=("A",), turns=("B", "A"))
    assert make_policy(policy).next_speaker(here) is None


def test_who_is_addressed_answers_and_who_is_named_is_next_best() -> None:
    policy = make_policy("addressed")
    here = floor("Ann", "Bo", "Cy", "Zoë", turns=("Ann",))
    assert policy.next_speaker(replace(here, recent=(said("Ann", "You?", "Cy"),))).role == "Cy"  # type: ignore[union-attr]
    assert policy.next_speaker(replace(here, recent=(said("Ann", "What does ZOË say?"),))).role == "Zoë"  # type: ignore[union-attr]
    lots = {policy.next_speaker(replace(here, step=step, recent=(said("Ann", "Bobsled!"),))).role for step in range(40)}  # type: ignore[union-attr]
    assert lots == {"Bo", "Cy", "Zoë"}


def test_the_highest_bid_wins_and_says_whether_it_interrupts() -> None:
    bids = [
        Bid("Ann", 1.0),
        Bid("Bo", 0.2),
        Bid("Cy", 0.9, interrupts=True, reason="that is a lie"),
        Bid("Nobody", 1.0),
    ]
    choice = make_policy("bidding").next_speaker(floor("Ann", "Bo", "Cy", turns=("Ann",), bids=lambda _: bids))
    assert choice is not None
    assert (choice.role, choice.interrupts) == ("Cy", True)
    assert "that is a lie" in choice.reason


def test_without_bids_it_falls_back_and_says_so() -> None:
    here = floor("Ann", "Bo", turns=("Ann",), recent=(said("Ann", "Bo?", "Bo"),))
    choice = make_policy("bidding").next_speaker(replace(here, bids=lambda names: [Bid(name, 0.0) for name in names]))
    assert choice is not None
    assert choice.role == "Bo"
    assert choice.reason.startswith("nobody bid")


def test_the_director_is_followed_if_the_role_is_there() -> None:
    policy = make_policy("director")
    here = floor("Ann", "Bo", "Cy", turns=("Ann",), recent=(said("Ann", "Bo?", "Bo"),))
    assert policy.next_speaker(replace(here, directed="cy", directed_reason="it is time")).role == "Cy"  # type: ignore[union-attr]
    assert policy.next_speaker(replace(here, directed="Dan")).role == "Bo"  # type: ignore[union-attr]


def test_an_unknown_policy_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="round-robin"):
        make_policy("loudest")
