"""How varied what is said is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from speechagents.benchmark.metrics.diversity import METRICS
from speechagents.benchmark.scene_set import shipped_scene_set
from tests.benchmark.playing_scenes import (
    Said,
    measured,
    messages_of,
    paired,
    played,
    played_script,
    reference_scripts,
    said_in,
    scene_of,
    shuffled,
    value,
)

NAMES = [metric.name for metric in METRICS]
SCENE = scene_of("Ana", "Ben")


def by_turns(texts: list[str]) -> list[Said]:
    return [(("Ana", "Ben")[place % 2], text) for place, text in enumerate(texts)]


def drawn(number: int, seed: int, vocabulary: int = 400) -> list[str]:
    """Lines of eight words each, from a vocabulary in which few words are common."""
    generator = np.random.default_rng(seed)
    ranks = np.minimum(generator.zipf(1.6, (number, 8)), vocabulary)
    return [" ".join(f"word{rank}" for rank in line) for line in ranks]


def test_distinct_words_are_those_expected_in_a_random_sample() -> None:
    texts = drawn(30, seed=1)
    words = np.unique([word for text in texts for word in text.split()], return_counts=True)[1]
    expected = np.sum(stats.hypergeom(240, words, 100).sf(0)) / 100
    assert value(METRICS, "distinct_1", played(SCENE, by_turns(texts))) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["distinct_1", "distinct_2", "self_bleu", "opening_variety", "style_variety"])
def test_a_longer_scene_is_not_worse_for_its_length(name: str) -> None:
    def mean(lines: int) -> float:
        tags = list(np.random.default_rng(9).choice(["calm", "angry", "sad", "default"], lines))
        cells = [played(SCENE, messages_of(by_turns(drawn(lines, seed)), styles=tags)) for seed in range(12)]
        return float(np.mean([value(METRICS, name, cell) for cell in cells]))

    assert mean(90) == pytest.approx(mean(30), rel=0.05)


@pytest.mark.parametrize("name", ["distinct_1", "distinct_2", "repeated_lines", "opening_variety", "length_variety"])
def test_the_order_of_lines_is_another_matter(name: str) -> None:
    for before, after in paired(METRICS, name, shuffled, seeds=1):
        assert after == pytest.approx(before)


# What a stuck model does: from the middle on, it says its last four lines again and again.
@pytest.mark.parametrize(
    "name", ["distinct_1", "distinct_2", "self_bleu", "repeated_lines", "repeated_4_grams", "opening_variety"]
)
def test_a_script_that_is_stuck_is_worse_than_the_script(name: str) -> None:
    sign = 1.0 if next(metric for metric in METRICS if metric.name == name).better == "higher" else -1.0
    for script in reference_scripts():
        lines = said_in(script)
        half = len(lines) // 2
        stuck = [*lines[:half], *(lines[half - 4 + place % 4] for place in range(len(lines) - half))]
        before, after = (
            value(METRICS, name, played_script(shipped_scene_set(), script, said)) for said in (lines, stuck)
        )
        assert sign * after < sign * before


def test_hand_written_scripts_hardly_repeat_themselves() -> None:
    cells = [played_script(shipped_scene_set(), script) for script in reference_scripts()]
    assert np.mean([value(METRICS, "repeated_lines", cell) for cell in cells]) < 0.002
    assert np.mean([value(METRICS, "repeated_4_grams", cell) for cell in cells]) < 0.004


def test_short_answers_may_come_twice() -> None:
    lines = by_turns(["Yes, sir.", "Yes, sir.", "Put it down there.", "No.", "Put it down, there!"])
    found = measured(METRICS, "repeated_lines", played(SCENE, lines))
    assert (found.value, found.count) == (0.5, 2)
    assert found.by_turn == ((2, 0.0), (4, 1.0))


def test_a_repeated_sequence_counts_where_it_comes_again_and_not_from_far_away() -> None:
    again = by_turns(["one two three four five", "six seven eight nine", "one two three four"])
    found = measured(METRICS, "repeated_4_grams", played(SCENE, again))
    assert found.value == pytest.approx(1 / 4)
    assert found.count == 4
    assert found.by_turn == ((0, 0.0), (1, 0.0), (2, 1.0))
    between = [" ".join(f"w{10 * line + word}" for word in range(10)) for line in range(45)]
    far = by_turns([again[0][1], *between, again[2][1]])
    assert value(METRICS, "repeated_4_grams", played(SCENE, far)) == 0.0


def test_self_bleu_is_one_for_equal_lines_and_small_for_unequal_ones() -> None:
    equal = by_turns(["the ferry sails at six tonight"] * 20)
    unequal = by_turns([" ".join(f"w{8 * line + word}" for word in range(8)) for line in range(20)])
    assert value(METRICS, "self_bleu", played(SCENE, equal)) == pytest.approx(1.0)
    assert value(METRICS, "self_bleu", played(SCENE, unequal)) == 0.0


def test_self_bleu_of_a_line_by_hand() -> None:
    others = ["a b c d"] * 13
    found = value(METRICS, "self_bleu", played(SCENE, by_turns([*others, "a b x y"])))
    one = math.exp((math.log(2 / 4) + math.log(2 / 4) + math.log(1 / 3)) / 3)
    assert found == pytest.approx((13 * 1.0 + one) / 14)


def test_one_style_throughout_has_no_variety() -> None:
    lines = by_turns(drawn(30, seed=2))
    flat, even = (messages_of(lines, styles=tags) for tags in (["default"], ["calm", "angry"] * 15))
    assert value(METRICS, "style_variety", played(SCENE, flat)) == 0.0
    assert value(METRICS, "style_variety", played(SCENE, even)) == pytest.approx(1.0)


def test_lines_of_one_length_have_no_spread() -> None:
    assert value(METRICS, "length_variety", played(SCENE, by_turns(drawn(10, seed=3)))) == 0.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lines", [[], [("Ana", "…")], [("Ana", "No.")]])
def test_nothing_to_measure_is_not_zero(name: str, lines: list[Said]) -> None:
    assert measured(METRICS, name, played(SCENE, lines)).value is None
