"""Whether what is said takes up what was said before."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.benchmark.metrics.cohesion import Talk
from speechagents.benchmark.metrics.responsiveness import METRICS
from speechagents.benchmark.scene_set import shipped_scene_set
from tests.benchmark.playing_scenes import (
    Change,
    Said,
    measured,
    paired,
    played,
    played_script,
    recast,
    reference_scripts,
    scene_of,
    shuffled,
    value,
    wrong_roles,
)

NAMES = [metric.name for metric in METRICS]

TAKING_UP: list[Said] = [
    ("Ana", "Where did you put the kettle?"),
    ("Ben", "The kettle stands behind the stove."),
    ("Cleo", "That stove has been cold since March."),
    ("Ana", "March was when the chimney fell, Ben."),
    ("Ben", "I told them the chimney wanted a mason."),
    ("Cleo", "A mason costs money, Ana. Have you money?"),
    ("Ana", "I have a hundred in the blue drawer."),
    ("Ben", "Whose drawer is that? It sticks, Cleo."),
    ("Cleo", "Mine sticks because somebody kicked it."),
    ("Ana", "Nobody kicked anything. Bread, anyone?"),
    ("Ben", "No bread for me."),
    ("Cleo", "Bread with butter. And the butter is yours, Ana?"),
    ("Ana", "It's mine, take the butter and be quiet."),
]


def talk(lines: list[Said]) -> float:
    return value(METRICS, "uptake", played(scene_of("Ana", "Ben", "Cleo"), lines))


# Measured over all scripts: the share of pairs in which the script as written is better, ties half.
@pytest.mark.parametrize(
    ("name", "change", "wins"),
    [
        ("uptake", shuffled, 0.95),
        ("uptake", recast, 0.93),
        ("addressed_answer", shuffled, 0.75),
        ("addressed_answer", wrong_roles, 0.75),
        ("questions_answered", shuffled, 0.75),
        ("questions_answered", recast, 0.75),
        ("order_coherence", shuffled, 0.97),
        ("order_coherence", recast, 0.97),
    ],
)
def test_scripts_as_written_are_above_the_same_lines_in_another_order(name: str, change: Change, wins: float) -> None:
    pairs = np.array(list(paired(METRICS, name, change, seeds=1)))
    written, changed = pairs.T
    assert np.mean(written > changed) + 0.5 * np.mean(written == changed) >= wins


@pytest.mark.parametrize(
    ("name", "chance"),
    [("uptake", 0.0), ("addressed_answer", 0.0), ("questions_answered", 0.5), ("order_coherence", 0.5)],
)
def test_lines_in_random_order_have_what_chance_gives(name: str, chance: float) -> None:
    values = [changed for _, changed in paired(METRICS, name, shuffled, seeds=1)]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - chance) < 4.0 * error


@pytest.mark.parametrize("name", ["uptake", "questions_answered", "order_coherence"])
def test_talk_that_takes_up_what_was_said_is_responsive(name: str) -> None:
    found = measured(METRICS, name, played(scene_of("Ana", "Ben", "Cleo"), TAKING_UP))
    assert found.value is not None
    assert found.value > (0.05 if name == "uptake" else 0.6)
    assert found.count == len(found.by_turn)
    assert np.mean([one for _, one in found.by_turn]) == pytest.approx(found.value)


def test_monologues_side_by_side_take_up_nothing() -> None:
    kettle = ["The kettle sings.", "Kettle and stove.", "Stove of iron.", "Iron kettle, black stove.", "Sing, kettle."]
    garden = ["Roses need rain.", "Rain on roses.", "Thorns and roses.", "Rain, thorns, earth.", "Earth wants rain."]
    lines = [line for pair in zip(kettle, garden, strict=True) for line in (("Ana", pair[0]), ("Ben", pair[1]))]
    assert talk(lines) == pytest.approx(0.0, abs=1e-12)


def test_one_topic_alone_is_no_uptake() -> None:
    lines = [(("Ana", "Ben")[number % 2], "The ferry, the ferry, the ferry.") for number in range(20)]
    assert talk(lines) == pytest.approx(0.0, abs=1e-12)


def test_uptake_is_what_the_lines_before_share_less_what_all_lines_by_others_share() -> None:
    cell = played_script(shipped_scene_set(), reference_scripts()[0])
    found = Talk.of(cell)
    by_hand = []
    for place, line in enumerate(found.lines):
        others = [one for one in found.lines if one.speaker != line.speaker]
        before = [one for one in found.lines[max(0, place - 2) : place] if one.speaker != line.speaker]
        if before and line.weight:
            near = np.mean([found.shared(line, one) for one in before])
            by_hand.append((near - np.mean([found.shared(line, one) for one in others])) / line.weight)
    assert value(METRICS, "uptake", cell) == pytest.approx(np.mean(by_hand))


def test_who_is_called_and_answers_is_above_chance() -> None:
    pairs: list[Said] = [("Ana", "Rain again."), ("Ben", "And wind."), ("Ana", "And no bread."), ("Ben", "Hm.")]
    lines = [
        *pairs,
        ("Ana", "Cleo, have you any?"),
        ("Cleo", "None."),
        *pairs,
        ("Ana", "Nor you?"),
        ("Ben", "Ask Cleo."),
    ]
    found = measured(METRICS, "addressed_answer", played(scene_of("Ana", "Ben", "Cleo"), lines))
    assert found.count == 1
    assert found.value is not None
    assert found.value > 0.7


def test_who_is_called_and_ignored_is_below_chance() -> None:
    calls: list[Said] = [("Ana", "Cleo, where is it?"), ("Ben", "Rain again."), ("Ana", "Cleo?"), ("Ben", "And wind.")]
    scene = scene_of("Ana", "Ben", "Cleo")
    ignored = played(scene, [*calls * 3, *[("Cleo", "Here."), ("Ben", "Hm.")] * 3])
    assert value(METRICS, "addressed_answer", ignored) < -0.1


def test_with_two_speakers_it_is_no_choice_who_answers() -> None:
    cell = played(scene_of("Ana", "Ben"), [("Ana", "Ben, sit."), ("Ben", "No, Ana.")] * 6)
    assert measured(METRICS, "addressed_answer", cell).value is None


@pytest.mark.parametrize("lines", [[], [("Ana", "Hello?")], [("Ana", "…"), ("Ben", "…")]])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_measure_is_not_zero(name: str, lines: list[Said]) -> None:
    found = measured(METRICS, name, played(scene_of("Ana", "Ben"), lines))
    assert (found.value, found.count) == (None, 0)
