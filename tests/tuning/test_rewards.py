"""What episodes are worth, and where the scale comes from."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from speechagents.benchmark.generated_scripts import read_generated_scripts
from speechagents.benchmark.metrics.metric import Better, Looked, Measured
from speechagents.benchmark.scene_set import Split, shipped_scene_set
from speechagents.drama import Deed, Message, Style
from speechagents.errors import TuningError
from speechagents.resources import resource
from speechagents.tuning.reward_scale import LEAST_WINDOWS, MAX_WINDOWS, Scale, Window, derive_scales
from speechagents.tuning.rewards import BenchmarkReward, benchmark_reward, scale_rows
from speechagents.tuning.rl_recipe import rewardable
from speechagents.tuning.rollouts import Episode
from tests.tuning.word_acts import acted, episode, rl, staged

TURNS = 8
HALF = Scale(zero=0.5, one=0.0, good=0.0, spoilt=0.4, baseline="repeating", windows=40)
"""Of repeated lines: half of them is worth nothing."""


@functools.cache
def windows(turns: int = TURNS, roles: int = 2) -> Sequence[Window]:
    """Stretches of the shipped scripts of the train split."""
    scenes = shipped_scene_set()
    briefs = {scene.id: scene.brief for scene in scenes.scenes.values()}
    generated = read_generated_scripts(resource("assets", "hcs", "v1") / "generated", briefs)
    found = []
    for (scene_id, count), script in sorted(generated.items()):
        scene = scenes.scenes[scene_id]
        if scene.split is Split.TRAIN and count == roles:
            brief = scene.brief.with_first_roles(roles)
            found += [
                Window(scene_id, brief, scene.facts, script.lines[at : at + turns])
                for at in range(0, len(script.lines) - turns + 1, turns)
            ]
    return found[::2]


def scale(name: str, turns: int = TURNS, roles: int = 2) -> Scale:
    return derive_scales(windows(turns, roles), [rewardable()[name]])[name]


def spoken(*lines: tuple[str, str], **more: object) -> Episode:
    """An episode in which this was said, every turn well-formed."""
    messages = [
        Message(number, role, text, Deed.SPEAK, Style(), (), (), 0.0, 0.0, "")
        for number, (role, text) in enumerate(lines, 1)
    ]
    actions = tuple(acted(role, "bread.") for role, _ in lines)
    return Episode(staged(turns=len(lines)), 0, actions, tuple(messages), "over")


@pytest.mark.parametrize(
    ("name", "baseline"),
    [
        ("repeated_lines", "repeating"),
        ("repeated_4_grams", "repeating"),
        ("uptake", "shuffled"),
        ("order_coherence", "shuffled"),
        ("identity_slips", "wrong-roles"),
    ],
)
def test_the_ends_are_what_spoilt_scenes_fall_short_of_and_what_good_ones_reach(name: str, baseline: str) -> None:
    found = scale(name)
    better = 1.0 if found.one > found.zero else -1.0
    assert found.baseline == baseline
    assert better * found.spoilt < better * found.good
    assert better * found.zero < better * found.good
    assert found.worth(found.good) > found.worth(found.spoilt)
    assert (found.worth(found.zero), found.worth(found.one)) == (0.0, 1.0)


def test_nothing_is_gained_beyond_what_good_scenes_have() -> None:
    found = scale("uptake")
    assert found.worth(found.one + 1.0) == 1.0
    assert found.worth(found.zero - 1.0) == 0.0


def test_where_less_is_better_the_scale_falls() -> None:
    assert HALF.worth(0.25) == pytest.approx(0.5)
    assert (HALF.worth(0.0), HALF.worth(0.9)) == (1.0, 0.0)


def test_a_metric_that_tells_no_good_scene_from_a_spoilt_one_is_refused() -> None:
    with pytest.raises(TuningError, match=r"rl\.reward\.silent_roles: silent_roles does not tell good scenes from"):
        scale("silent_roles")


def test_a_metric_with_nothing_to_measure_in_such_short_scenes_is_refused() -> None:
    with pytest.raises(TuningError, match=r"self_bleu finds something to measure in 0 of .* play more turns, or leave"):
        scale("self_bleu")


def test_too_few_good_scenes_give_no_scale() -> None:
    with pytest.raises(TuningError, match=f"rl.turns: the data hold 3 stretches .* {LEAST_WINDOWS} are needed"):
        derive_scales(windows()[:3], [rewardable()["uptake"]])


def test_a_metric_that_is_nearly_always_the_same_is_refused() -> None:
    """It is sure of the difference, and would give nearly all episodes the same worth."""
    chosen = [*windows(), *windows(roles=3)][:MAX_WINDOWS]
    texts = [tuple(line.text for line in one.lines) for one in chosen]
    good, bad = set(texts[:11]), {frozenset(one) for one in texts[11:22]}

    def measure(looked: Looked) -> Measured:
        now = tuple(line.text for line in looked.played.lines)
        return Measured(1.0 if now in good else 0.0 if frozenset(now) in bad and now not in texts else 0.5)

    rare = replace(rewardable()["repeated_lines"], name="rare", better=Better.HIGHER, measure=measure)
    with pytest.raises(TuningError, match=r"rl\.reward\.rare: rare is the same in nearly all good and spoilt scenes"):
        derive_scales(chosen, [rare])


@pytest.mark.parametrize(("zero", "one"), [(0.5, 0.5), (0.0, math.inf), (math.nan, 1.0)])
def test_a_scale_has_two_ends(zero: float, one: float) -> None:
    with pytest.raises(ValueError, match="are no two ends"):
        replace(HALF, zero=zero, one=one)


def test_the_same_windows_give_the_same_scale() -> None:
    assert scale("repeated_lines") == scale("repeated_lines")


def test_a_reward_is_the_weighted_mean_of_its_parts() -> None:
    reward = BenchmarkReward({"formed": 3.0, "repeated_lines": 1.0}, {"repeated_lines": HALF})
    one = spoken(("Ann", "Give me the bread."), ("Ben", "Give me the bread."))
    found = reward.of(one)
    assert found.parts == {"formed": 1.0, "repeated_lines": 0.0}
    assert found.team == pytest.approx(0.75)
    other = spoken(("Ann", "Give me the bread."), ("Ben", "There is none left."))
    assert reward.of(other).team == pytest.approx(1.0)


def test_a_part_of_no_weight_is_shown_and_earns_nothing() -> None:
    reward = BenchmarkReward({"formed": 1.0, "repeated_lines": 0.0}, {"repeated_lines": HALF})
    found = reward.of(spoken(("Ann", "Give me the bread."), ("Ben", "Give me the bread.")))
    assert (found.team, found.parts["repeated_lines"]) == (1.0, 0.0)


def test_what_cannot_be_measured_earns_nothing() -> None:
    """Otherwise whoever says nothing would break no rule."""
    reward = BenchmarkReward({"repeated_lines": 1.0}, {"repeated_lines": HALF})
    assert reward.of(episode("bread", turns=4)).team == 0.0
    assert reward.of(episode("no.", turns=4)).team == 0.0  # lines of a word may come again


def test_what_stood_in_for_a_turn_and_signs_of_listening_are_not_the_policys() -> None:
    reward = BenchmarkReward({"repeated_lines": 1.0}, {"repeated_lines": HALF})
    one = spoken(("Ann", "Give me the bread."), ("Ben", "There is none left."))
    again = Message(3, "Ann", "Give me the bread.", Deed.SPEAK, Style(), (), (), 0.0, 0.0, "", fallback="no turn")
    murmur = Message(4, "Ben", "Give me the bread.", Deed.BACK_CHANNEL, Style(), ("Ann",), (), 0.0, 0.0, "")
    assert reward.of(replace(one, messages=(*one.messages, again, murmur))) == reward.of(one)


def test_a_scene_that_was_left_to_die_is_worth_little() -> None:
    reward = BenchmarkReward({"formed": 1.0}, {})
    assert reward.of(episode("bread.", "bread", "bread", "bread", turns=10)).team == pytest.approx(0.1)


def test_a_turn_has_a_worth_of_its_own_as_far_as_metrics_tell_lines_apart() -> None:
    one = spoken(
        ("Ann", "Give me the bread."),
        ("Ben", "There is none left."),
        ("Ann", "Give me the bread."),
        ("Ben", "No."),
    )
    found = BenchmarkReward({"repeated_lines": 1.0}, {"repeated_lines": HALF}).of(one)
    # A third of the lines that count was said before; a line of a word does not count, and has the team's worth.
    assert found.team == pytest.approx(1.0 / 3.0)
    assert found.by_turn == pytest.approx([1.0, 1.0, 0.0, 1.0 / 3.0])


def test_a_turn_that_failed_is_worth_nothing_by_itself_and_moves_no_line() -> None:
    one = episode("bread water ring.", "bread", "lamp lamp lamp.", "bread water ring.", turns=4)
    reward = BenchmarkReward({"formed": 1.0, "repeated_lines": 1.0}, {"repeated_lines": HALF})
    assert reward.of(one).by_turn == pytest.approx([1.0, 0.0, 1.0, 0.5])


def test_equal_episodes_have_equal_rewards() -> None:
    reward, scales = benchmark_reward(
        rl(reward={"formed": 1.0, "uptake": 1.0}, roles=2, turns=TURNS), windows(), seed=1
    )
    one = spoken(*[("Ann" if at % 2 else "Ben", f"The harbour is closed and number {at} waits.") for at in range(8)])
    assert reward.of(one) == reward.of(one)
    assert list(scales) == ["uptake"]


def test_a_reward_of_form_alone_needs_no_scenes_to_be_scaled() -> None:
    reward, scales = benchmark_reward(rl(reward={"formed": 1.0}), [], seed=1)
    assert scales == {}
    assert reward.of(episode("bread.", turns=3)).team == 1.0


def test_people_can_see_where_a_scale_comes_from() -> None:
    row = scale_rows({"repeated_lines": HALF})["repeated_lines"]
    assert row == {
        "better": "lower",
        "worth 0 at": 0.5,
        "worth 1 at": 0.0,
        "good scenes": 0.0,
        "spoilt scenes": 0.4,
        "spoilt by": "repeating",
        "stretches": 40,
    }
