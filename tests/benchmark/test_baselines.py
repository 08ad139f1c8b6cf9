"""Scripts spoilt on purpose: what is changed, and that nothing else is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from speechagents.benchmark.baselines import BASELINES
from speechagents.benchmark.facts import Verdict
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.benchmark.script_file import SceneScript

SET = shipped_scene_set()
SCRIPTS = list(SET.scripts.values())


def spoilt(name: str, script: SceneScript, seed: int = 1) -> SceneScript:
    facts = SET.scenes[script.scene_id].facts
    return BASELINES[name].spoil(script, facts, np.random.default_rng(seed))


@pytest.mark.parametrize("name", BASELINES)
def test_the_same_seed_spoils_the_same_way(name: str) -> None:
    for script in SCRIPTS[:5]:
        assert spoilt(name, script) == spoilt(name, script)


def test_shuffled_lines_are_the_same_lines_by_the_same_people() -> None:
    for script in SCRIPTS:
        other = spoilt("shuffled", script)
        assert Counter(other.lines) == Counter(script.lines)
        moved = sum(one != two for one, two in zip(script.lines, other.lines, strict=True))
        assert moved > len(script.lines) / 2


def test_wrong_roles_leave_nobody_the_own_lines() -> None:
    for script in SCRIPTS:
        other = spoilt("wrong-roles", script)
        assert all(one.role != two.role for one, two in zip(script.lines, other.lines, strict=True))
        assert [line.text for line in other.lines] == [line.text for line in script.lines]
        assert sorted(Counter(line.role for line in other.lines).values()) == sorted(
            Counter(line.role for line in script.lines).values()
        )


def test_wrong_facts_break_what_was_said() -> None:
    says = breaks = 0
    for script in SCRIPTS:
        facts = SET.scenes[script.scene_id].facts
        for one, two in zip(script.lines, spoilt("wrong-facts", script).lines, strict=True):
            told = [fact for fact in facts if fact.verdict(one.text) is Verdict.SAYS]
            says += len(told)
            breaks += sum(fact.verdict(two.text) is Verdict.BREAKS for fact in told)
            assert told or one.text == two.text
    assert says > 150
    assert breaks > 0.9 * says


def test_what_is_taken_back_is_said_both_ways_by_the_same_person() -> None:
    for script in SCRIPTS:
        facts = SET.scenes[script.scene_id].facts
        other = spoilt("taken-back", script)
        added = len(other.lines) - len(script.lines)
        told = [line for line in script.lines if any(fact.verdict(line.text) is Verdict.SAYS for fact in facts)]
        assert added == len(told)
        assert Counter(line.role for line in other.lines) == Counter(line.role for line in [*script.lines, *told])


def test_repeating_people_say_what_they_said_before() -> None:
    for script in SCRIPTS:
        other = spoilt("repeating", script)
        assert [line.role for line in other.lines] == [line.role for line in script.lines]
        again = 0
        for at, (one, two) in enumerate(zip(script.lines, other.lines, strict=True)):
            if one.text != two.text:
                again += 1
                assert any(line.role == two.role and line.text == two.text for line in other.lines[:at])
        assert again >= len(script.lines) / 8


@pytest.mark.parametrize(
    ("name", "plain_from", "one_voice"),
    [("reference", 1.0, False), ("monotone", 0.0, False), ("fading", 0.5, False), ("one-voice", 1.0, True)],
)
def test_what_is_spoilt_in_the_sound_alone_keeps_the_words(name: str, plain_from: float, one_voice: bool) -> None:
    assert spoilt(name, SCRIPTS[0]) == SCRIPTS[0]
    assert (BASELINES[name].plain_from, BASELINES[name].one_voice) == (plain_from, one_voice)
