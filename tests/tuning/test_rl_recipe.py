"""The part of a recipe that is about reinforcement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from speechagents.errors import TuningError
from speechagents.tuning.recipe import Method, Training
from speechagents.tuning.recipe_file import find_recipe, read_recipe, write_recipe
from speechagents.tuning.rl_recipe import GuardLimits, Reinforcement, rewardable

HEAD = """\
name: scenes
about: For tests.
family: chat
base: {random: qwen2}
adapter: {kind: full}
data: {agent: 1.0}
training: {steps: 3}
method: grpo
"""
RL = "rl:\n  reward: {formed: 1.0, uptake: 0.5}\n"


def read(tmp_path: Path, text: str) -> Reinforcement:
    path = tmp_path / "scenes.yaml"
    path.write_text(text, "utf-8")
    rl = read_recipe(path).rl
    assert rl is not None
    return rl


def test_all_but_the_reward_has_a_default(tmp_path: Path) -> None:
    assert read(tmp_path, HEAD + RL) == Reinforcement(reward={"formed": 1.0, "uptake": 0.5})


def test_everything_that_is_written_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        HEAD
        + RL
        + "  roles: 5\n  turns: 20\n  policy: random\n  scenes: 3\n  episodes: 4\n  dev_scenes: 0\n  temperature: 0.9\n"
        "  answer_tokens: 99\n  passes: 2\n  ratio_clip: 0.3\n  kl: 0.1\n  standardise: no\n  own_share: 0.25\n"
        "  rows: 7\n"
        "  guard: {distinct: 0.5, line_length: 3, formed: 0.4, kl: 2.0, patience: 3}\n"
        "  cold_start: {steps: 9, learning_rate: 1.0e-3}\n",
    )
    assert found == Reinforcement(
        reward={"formed": 1.0, "uptake": 0.5},
        roles=5,
        turns=20,
        policy="random",
        scenes=3,
        episodes=4,
        dev_scenes=0,
        temperature=0.9,
        answer_tokens=99,
        passes=2,
        ratio_clip=0.3,
        kl=0.1,
        standardise=False,
        own_share=0.25,
        rows=7,
        guard=GuardLimits(distinct=0.5, line_length=3.0, formed=0.4, kl=2.0, patience=3),
        cold_start=Training(steps=9, learning_rate=1e-3),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rl: {roles: 3}\n", "rl: reward is missing"),
        ("rl: {reward: [formed]}\n", "rl.reward: no mapping; write what is rewarded and its weight"),
        ("rl: {reward: {formd: 1}}\n", 'rl.reward.formd: unknown key "formd"; did you mean formed?'),
        ("rl: {reward: {voice_distance: 1}}\n", 'rl.reward.voice_distance: unknown key "voice_distance"'),
        ("rl: {reward: {formed: -1}}\n", 'rl.reward.formed: "-1" is no number from 0 to 1000'),
        ("rl: {reward: {formed: 0}}\n", "rl.reward: nothing is rewarded; give something a weight"),
        ("rl: {reward: {formed: 1}, episodes: 1}\n", 'rl.episodes: "1" is no whole number from 2 to 1000'),
        ("rl: {reward: {formed: 1}, policy: chaos}\n", 'rl.policy: "chaos" is unknown here'),
        ("rl: {reward: {formed: 1}, guard: {kl: 0}}\n", 'rl.guard.kl: "0" is no number from 1e-06'),
        ("rl: {reward: {formed: 1}, scenes: 100, episodes: 100}\n", "rl.episodes: 10000 episodes in a round; 4096"),
        ("rl: {reward: {formed: 1}, cold_start: {batch: 2}}\n", "rl.cold_start: steps is missing"),
    ],
)
def test_a_fault_names_file_line_field_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TuningError) as error:
        read(tmp_path, HEAD + text)
    assert str(error.value).startswith("scenes.yaml:9: ")
    assert said in str(error.value)


def test_what_is_written_down_is_read_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "scenes.yaml"
    path.write_text(HEAD + RL + "  cold_start: {steps: 9}\n  guard: {kl: 2.0}\n", "utf-8")
    recipe = read_recipe(path)
    again = tmp_path / "again.yaml"
    again.write_text(write_recipe(recipe), "utf-8")
    assert read_recipe(again) == recipe
    assert read_recipe(again).digest == recipe.digest


def test_another_reward_is_another_recipe(tmp_path: Path) -> None:
    path = tmp_path / "scenes.yaml"
    path.write_text(HEAD + RL, "utf-8")
    recipe = read_recipe(path)
    assert recipe.rl is not None
    assert recipe.method is Method.GRPO
    assert replace(recipe, rl=replace(recipe.rl, kl=0.5)).digest != recipe.digest


def test_only_what_words_show_and_is_better_or_worse_can_be_rewarded() -> None:
    found = set(rewardable())
    assert {"uptake", "order_coherence", "distinct_2", "repeated_lines", "facts_kept", "style_variety"} <= found
    # Of sound; which only describes; of a clock.
    assert not found & {"style_adherence", "length_variety", "seconds_per_turn", "tokens_in_per_turn", "fallback_turns"}


def test_values_made_by_programs_have_the_same_limits() -> None:
    with pytest.raises(TuningError, match=r"rl\.kl: -1 is not between 0 and 100"):
        Reinforcement(reward={"formed": 1.0}, kl=-1)
    with pytest.raises(TuningError, match=r"rl\.guard\.patience: 0 is not between 1 and 1000"):
        GuardLimits(patience=0)
    with pytest.raises(TuningError, match=r"rl\.reward: 'charm' is none of formed, facts_kept"):
        Reinforcement(reward={"charm": 1.0})


def test_weights_cannot_be_changed_from_outside() -> None:
    weights = {"formed": 1.0}
    rl = Reinforcement(reward=weights)
    weights["formed"] = 5.0
    assert rl.reward["formed"] == 1.0
    with pytest.raises(TypeError):
        rl.reward["formed"] = 2.0  # type: ignore[index]


def test_the_shipped_recipe_is_for_a_laptop() -> None:
    recipe = read_recipe(find_recipe("tiny-grpo"))
    assert recipe.base.random
    assert recipe.rl is not None
    assert recipe.rl.cold_start is not None
