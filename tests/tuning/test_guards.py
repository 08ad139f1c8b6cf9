"""What ends reinforcement learning before it does harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from speechagents.controllers.controller import AgentInput
from speechagents.drama import Deed, Turn
from speechagents.tuning.guards import Guard, Vitals, vitals_of
from speechagents.tuning.rl_recipe import GuardLimits
from speechagents.tuning.rollouts import Episode, play
from tests.tuning.word_acts import WORDS, ScriptedPolicy, WordActs, episode, staged

LIMITS = GuardLimits(distinct=0.6, line_length=2.0, formed=0.6, kl=0.5, patience=2)
FINE = Vitals(
    formed=0.9,
    formed_error=0.01,
    spoken=0.8,
    spoken_error=0.01,
    line_words=8.0,
    line_words_error=0.1,
    distinct=0.8,
    sample=50,
    kl=0.0,
)


def varied(length: int = 5, *, count: int = 8) -> Sequence[Episode]:
    """Episodes whose lines have nothing to do with each other."""
    chance = np.random.default_rng(0)
    lines = [" ".join(WORDS[at] for at in chance.permutation(len(WORDS))[:length]) + "." for _ in range(6 * count)]
    return [episode(*lines[6 * at : 6 * at + 6]) for at in range(count)]


def alike() -> Sequence[Episode]:
    """As many episodes that are all the same one, though no line comes twice in it."""
    return [varied()[0]] * 8


def complaint(now: Vitals, first: Vitals = FINE, limits: GuardLimits = LIMITS) -> str:
    guard = Guard(limits, first)
    return guard.judge(now).complaint


def test_the_first_round_is_what_all_others_are_compared_with() -> None:
    guard = Guard(LIMITS)
    verdict = guard.look(varied(), kl=0.0)
    assert (verdict.complaint, verdict.ends) == ("", False)
    assert guard.first == verdict.vitals
    assert verdict.vitals.line_words == 5.0
    assert (verdict.vitals.formed, verdict.vitals.spoken) == (1.0, 1.0)
    assert guard.look(varied(), kl=0.1).complaint == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"line_words": 17.0}, "lines are 2.1 times as long as in the first round; 2 is the limit"),
        ({"line_words": 3.0}, "lines are 2.7 times as short as in the first round; 2 is the limit"),
        ({"formed": 0.5}, "50 % of the turns are well-formed, in the first round 90 % were"),
        ({"spoken": 0.3}, "in 30 % of the turns something is said, in the first round in 80 %; 0.6 times as many"),
        ({"distinct": 0.4}, "40 % of 50 word pairs are distinct, in the first round 80 % were"),
        ({"kl": 0.6}, "the policy is 0.6 nats a token away from its start; 0.5 is the limit"),
        ({"kl": float("nan")}, "the policy is nan nats a token away from its start"),
    ],
)
def test_it_complains_of_what_is_beyond_a_limit_and_says_by_how_much(change: dict[str, Any], said: str) -> None:
    assert complaint(replace(FINE, **change)).startswith(said)


@pytest.mark.parametrize(
    "change",
    [
        {"formed": 0.3, "formed_error": 0.15},
        {"spoken": 0.3, "spoken_error": 0.15},
        {"line_words": 19.0, "line_words_error": 2.0},
        {"line_words": 3.0, "line_words_error": 0.6},
    ],
)
def test_what_chance_explains_is_not_complained_of(change: dict[str, Any]) -> None:
    sure: dict[str, Any] = {name: 0.0 if name.endswith("_error") else value for name, value in change.items()}
    assert complaint(replace(FINE, **change)) == ""
    assert complaint(replace(FINE, **sure)) != ""


@pytest.mark.parametrize(
    "change",
    [{"line_words": 15.9}, {"line_words": 4.1}, {"formed": 0.55}, {"spoken": 0.49}, {"distinct": 0.49}, {"kl": 0.49}],
)
def test_what_is_within_the_limits_is_let_be(change: dict[str, Any]) -> None:
    assert complaint(replace(FINE, **change)) == ""


def test_the_same_scene_over_and_over_is_no_variety() -> None:
    guard = Guard(LIMITS)
    first = guard.look(varied(), kl=0.0).vitals.distinct
    verdict = guard.look(alike(), kl=0.0)
    assert first is not None
    assert verdict.vitals.distinct is not None
    assert verdict.vitals.distinct < 0.6 * first
    assert "word pairs are distinct" in verdict.complaint


def test_talking_less_is_not_taken_for_variety() -> None:
    guard = Guard(LIMITS)
    whole = guard.look(varied(), kl=0.0).vitals
    half = guard.look(varied()[:4], kl=0.0).vitals
    assert whole.sample == half.sample == 96
    assert whole.distinct == pytest.approx(half.distinct, abs=0.05)


def test_a_single_round_beyond_a_limit_does_not_end_a_run_and_as_many_in_a_row_as_it_has_patience_for_do() -> None:
    guard = Guard(LIMITS, FINE)
    bad = replace(FINE, kl=0.7)
    assert [guard.judge(one).ends for one in (bad, FINE, bad, FINE, bad)] == [False] * 5
    assert guard.judge(bad).ends


def test_a_policy_that_says_nothing_at_first_is_compared_with_what_it_says_when_it_does() -> None:
    silent = [episode("bread")]
    guard = Guard(LIMITS)
    vitals = guard.look(silent, kl=0.0).vitals
    assert (vitals.formed, vitals.line_words, vitals.distinct) == (0.0, None, None)
    first = guard.look(varied(), kl=0.0).vitals
    assert "word pairs" in guard.look(alike(), kl=0.0).complaint
    assert guard.first is not None
    assert (guard.first.distinct, guard.first.formed) == (first.distinct, 0.0)


def test_a_policy_that_acts_without_a_word_has_found_something_else_than_acting() -> None:
    class Mime(WordActs):
        __slots__ = ()

        def turn(self, ask: AgentInput, ids: Sequence[int]) -> Turn | None:
            return Turn(ask.role.name, Deed.ACT, "waits")

    guard = Guard(LIMITS)
    guard.look(varied(), kl=0.0)
    mute = play([staged()], Mime(), ScriptedPolicy.saying("no."), episodes=8, seed=0)
    verdict = guard.look(mute, kl=0.0)
    assert (verdict.vitals.formed, verdict.vitals.spoken) == (1.0, 0.0)
    assert verdict.complaint.startswith("in 0 % of the turns something is said, in the first round in 100 %")


def test_length_is_watched_from_the_first_line_on_though_there_is_too_little_for_variety() -> None:
    guard = Guard(LIMITS)
    guard.look([episode("bread")], kl=0.0)
    few = guard.look([episode("no bread.", "bread")], kl=0.0).vitals
    assert (few.line_words, few.distinct) == (2.0, None)
    assert guard.look(varied(), kl=0.0).complaint.startswith("lines are 2.5 times as long")


def test_a_guard_that_judges_a_log_again_is_where_it_was() -> None:
    rounds = [varied(), varied(6), alike(), alike()]
    guard, again = Guard(LIMITS), Guard(LIMITS)
    verdicts = [guard.look(one, kl=0.01 * at) for at, one in enumerate(rounds)]
    replayed = [again.judge(one.vitals) for one in verdicts]
    assert replayed == verdicts
    assert again == guard
    assert verdicts[-1].ends


def test_few_words_say_nothing_of_variety() -> None:
    assert vitals_of([episode("no.", "yes.")], kl=0.0).distinct is None
