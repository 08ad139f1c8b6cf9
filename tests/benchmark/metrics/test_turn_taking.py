"""Who speaks how much, who speaks next, and when."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from speechagents.benchmark.metrics.turn_taking import HUMAN_OFFSETS_S, METRICS, distance_s
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.drama import Deed
from tests.benchmark.playing_scenes import (
    GAP_S,
    Said,
    measured,
    messages_of,
    paired,
    played,
    played_script,
    reference_scripts,
    scene_of,
    shuffled,
    value,
)

NAMES = [metric.name for metric in METRICS]
TIMED = ["offset_distance", "median_offset", "overlap_share", "overlap_time"]
SCENE = scene_of("Ana", "Ben", "Cleo")


def spoken_by(speakers: str, text: str = "one two three four") -> list[Said]:
    names = {"A": "Ana", "B": "Ben", "C": "Cleo"}
    return [(names[letter], text) for letter in speakers]


def test_the_human_distribution_is_what_its_five_figures_give() -> None:
    overlaps, early, early_s, mean_s = 0.35, 0.53, 0.2, 0.208
    overlap_median_s, overlap_mean_s = 0.205, 0.275
    overlap_spread = math.sqrt(2.0 * math.log(overlap_mean_s / overlap_median_s))
    gap_mean_s = (mean_s + overlaps * overlap_mean_s) / (1.0 - overlaps)
    normal = NormalDist()
    z = normal.inv_cdf((early - overlaps) / (1.0 - overlaps))
    spread = z + math.sqrt(z * z + 2.0 * math.log(gap_mean_s / early_s))
    middle = math.log(early_s) - z * spread

    def quantile_s(part: float) -> float:
        if part < overlaps:
            return -overlap_median_s * math.exp(overlap_spread * normal.inv_cdf(1.0 - part / overlaps))
        return math.exp(middle + spread * normal.inv_cdf((part - overlaps) / (1.0 - overlaps)))

    assert [quantile_s((part + 0.5) / 20) for part in range(20)] == pytest.approx(HUMAN_OFFSETS_S, abs=0.0051)
    assert 0.264 < math.exp(middle) < 0.347


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("number", [20, 40, 100])
def test_the_distance_is_that_of_wasserstein(seed: int, number: int) -> None:
    offsets_s = np.random.default_rng(seed).normal(0.4, 0.5, number)
    expected_s = stats.wasserstein_distance(offsets_s, HUMAN_OFFSETS_S)
    assert distance_s(list(offsets_s), HUMAN_OFFSETS_S) == pytest.approx(
        expected_s, abs=1e-12 if number == 20 else 0.05
    )


def test_offsets_as_people_have_them_are_no_distance_away() -> None:
    order = np.random.default_rng(1).permutation(HUMAN_OFFSETS_S)
    people = played(SCENE, messages_of(spoken_by("ABCBCACBABCABCABCABCA"), gaps_s=list(order)))
    assert value(METRICS, "offset_distance", people) == pytest.approx(0.0, abs=1e-6)
    assert value(METRICS, "overlap_share", people) == pytest.approx(0.35)
    assert value(METRICS, "median_offset", people) == pytest.approx(0.18, abs=0.005)


# What a slow pipeline and a robot do: a second of silence before each turn, or always the same gap.
@pytest.mark.parametrize(("gap_s", "least_s"), [(1.2, 0.9), (0.2, 0.25), (-0.8, 0.8)])
def test_gaps_that_people_do_not_make_are_far_away(gap_s: float, least_s: float) -> None:
    cell = played(SCENE, messages_of(spoken_by("ABC" * 7), gaps_s=[gap_s] * 20))
    assert value(METRICS, "offset_distance", cell) > least_s


def test_only_changes_of_the_speaker_count_and_only_between_what_sounds() -> None:
    messages = messages_of(spoken_by("AABCB"), gaps_s=[5.0, -0.3, 0.1, 0.4], deeds={3: Deed.ACT})
    found = measured(METRICS, "median_offset", played(SCENE, messages))
    assert found.by_turn == ((2, -0.3),)


def test_without_times_there_is_nothing_to_measure_of_them() -> None:
    silent = messages_of(spoken_by("ABCABC"), deeds=dict.fromkeys(range(6), Deed.ACT))
    for name in TIMED:
        assert measured(METRICS, name, played(SCENE, silent)).value is None


def test_time_of_several_voices_counts_signs_of_listening_too() -> None:
    lines = [("Ana", "a b c d e f g h i j"), ("Ben", "mm hm"), ("Cleo", "a b c d e f g h i j")]
    messages = messages_of(lines, gaps_s=[-2.0, 1.3], deeds={1: Deed.BACK_CHANNEL})
    cell = played(SCENE, messages)
    assert value(METRICS, "overlap_time", cell) == pytest.approx(0.7 / 7.0)
    assert value(METRICS, "back_channel_share", cell) == pytest.approx(1 / 3)


def test_balance_goes_from_one_voice_to_equal_shares() -> None:
    alone, uneven, equal = (played(SCENE, spoken_by(speakers)) for speakers in ("AAAAAA", "AAAABC", "ABCABC"))
    for name in ("talk_balance", "turn_balance"):
        values = [value(METRICS, name, cell) for cell in (alone, uneven, equal)]
        assert values == sorted(values)
        assert values[0] == pytest.approx(0.0)
        assert values[2] == pytest.approx(1.0)


def test_balance_of_talk_goes_by_words() -> None:
    lines = [("Ana", "one two three four five six seven eight"), ("Ben", "one"), ("Cleo", "one")]
    cell = played(SCENE, lines)
    assert value(METRICS, "turn_balance", cell) == pytest.approx(1.0)
    assert value(METRICS, "talk_balance", cell) == pytest.approx(stats.entropy([0.8, 0.1, 0.1]) / math.log(3))


def test_roles_without_a_line_are_missed() -> None:
    cell = played(SCENE, spoken_by("ABABAB"))
    assert value(METRICS, "silent_roles", cell) == pytest.approx(1 / 3)
    assert value(METRICS, "longest_absence", cell) == pytest.approx(6 / 3)
    assert value(METRICS, "longest_absence", played(SCENE, spoken_by("ABCAABABC"))) == pytest.approx(5 / 3)


def test_round_robin_never_goes_back_and_talk_in_pairs_does() -> None:
    robin, pairs = (played(SCENE, spoken_by(speakers)) for speakers in ("ABC" * 6, "ABABABCBCBCBCACACA"))
    assert value(METRICS, "speaker_returns", robin) == pytest.approx(-5 / 11)
    assert value(METRICS, "speaker_returns", pairs) > 0.3
    assert measured(METRICS, "speaker_returns", played(SCENE, spoken_by("ABAB"))).value is None


def test_hand_written_scripts_go_back_more_often_than_their_lines_shuffled() -> None:
    written, changed = np.array(list(paired(METRICS, "speaker_returns", shuffled, seeds=1))).T
    assert np.mean(written > changed) > 0.75
    assert abs(np.mean(changed)) < 4.0 * np.std(changed) / math.sqrt(len(changed))


def test_scripts_with_one_gap_throughout_are_measured_exactly() -> None:
    cell = played_script(shipped_scene_set(), reference_scripts()[0])
    assert value(METRICS, "median_offset", cell) == GAP_S


@pytest.mark.parametrize("name", [name for name in NAMES if name != "silent_roles"])
def test_nothing_to_measure_is_not_zero(name: str) -> None:
    assert measured(METRICS, name, played(SCENE, [])).value is None
