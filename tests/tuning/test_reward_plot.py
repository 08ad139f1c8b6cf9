"""Pictures of how rewards rose, and what of the policy changed meanwhile."""

from __future__ import annotations

import math
from typing import Any

from speechagents.tuning.reward_plot import MOST_POINTS, reward_plot, vitals_plot


def entry(step: int, **more: Any) -> dict[str, Any]:
    return {"step": step, "reward": 0.1 * step, "formed": 0.5, "distinct": 0.8, "line_words": 6.0, "kl": 0.0, **more}


def test_rewards_of_train_and_dev_scenes_are_lines_of_their_own() -> None:
    picture = reward_plot([entry(1, dev_reward=0.2), entry(2), entry(3, dev_reward=0.4)], title="words")
    assert picture.startswith("<svg")
    assert "train scenes: 1: 0.100; 2: 0.200; 3: 0.300" in picture
    assert "dev scenes: 1: 0.200; 3: 0.400" in picture


def test_vitals_are_shown_against_the_first_round_and_the_divergence_as_it_is() -> None:
    picture = vitals_plot([entry(1), entry(2, line_words=12.0, kl=0.25)], title="words")
    assert "words of a line: 1: 1.000; 2: 2.00" in picture
    assert "nats a token from the start: 1: 0.000; 2: 0.250" in picture


def test_what_was_not_measured_is_left_out() -> None:
    picture = vitals_plot([entry(1, distinct=None), entry(2, distinct=None, kl=math.nan)], title="words")
    assert "distinct" not in picture
    assert "from the start: 1: 0.000." in picture


def test_many_rounds_are_averaged() -> None:
    picture = reward_plot([entry(step) for step in range(1, 4 * MOST_POINTS + 1)], title="words")
    assert picture.count("<title>train scenes") == MOST_POINTS


def test_nothing_is_drawn_of_nothing() -> None:
    assert (reward_plot([], title="words"), vitals_plot([], title="words")) == ("", "")
