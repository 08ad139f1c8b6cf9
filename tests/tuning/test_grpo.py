"""Group relative policy optimisation, and a tiny policy that learns by it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from speechagents.benchmark.metrics.words import tokens
from speechagents.tuning.checkpoints import copied, put_weights
from speechagents.tuning.grpo import advantages, divergence, lessons, objective
from speechagents.tuning.guards import Guard
from speechagents.tuning.learner import Learner, Round, round_scenes
from speechagents.tuning.policy import ModelPolicy
from speechagents.tuning.recipe import Schedule, Training
from speechagents.tuning.rewards import BenchmarkReward, Reward, Rewarded
from speechagents.tuning.rl_recipe import GuardLimits
from speechagents.tuning.rollouts import Episode
from tests.tuning.word_acts import END, MOST_WORDS, SIZE, START, WordActs, episode, rl, staged, word_model

# So many steps that the learning rate hardly falls in the first twenty.
TRAINING = Training(steps=1_000, batch=64, learning_rate=3e-2, schedule=Schedule.LINEAR, seed=3)
TURNS = 3
FORMED = BenchmarkReward({"formed": 1.0}, {})


class PaysForTalk:
    """A reward that can be gamed: the longer lines are, the better."""

    def of(self, episode: Episode) -> Rewarded:
        lengths = [len(tokens(message.text)) for message in episode.messages]
        worth = math.fsum(lengths) / (MOST_WORDS * episode.staged.scene.turns)
        return Rewarded(worth, {"length": worth})


def worth(*values: float) -> list[Rewarded]:
    return [Rewarded(one, {}) for one in values]


def learner(
    reward: Reward = FORMED, training: Training = TRAINING, ends: Sequence[int] = (END,), **how: Any
) -> Learner:
    values: dict[str, Any] = {"turns": TURNS, "episodes": 8, **how}
    return Learner(word_model(), WordActs(), reward, [staged(turns=TURNS)], rl(**values), training, ends=ends)


def rounds(one: Learner, count: int, first: int = 0) -> list[Round]:
    found = []
    for number in range(first, first + count):
        found.append(one.play(number))
        one.learn(found[-1], number)
    return found


def random_numbers(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def test_an_episode_is_better_by_what_it_is_worth_beyond_the_mean_of_its_group() -> None:
    assert advantages([0.2, 0.4, 0.6], standardise=False) == pytest.approx([-0.2, 0.0, 0.2])
    assert advantages([0.2, 0.4, 0.6], standardise=True) == pytest.approx([-1.0, 0.0, 1.0])
    assert advantages([0.3, 0.3, 0.3], standardise=True) == [0.0, 0.0, 0.0]


def test_groups_are_episodes_of_one_scene_and_every_turn_carries_its_teams_advantage() -> None:
    here = [episode("no.", turns=2), episode("yes.", turns=2)]
    there = [replace(one, staged=replace(one.staged, scene_id="there")) for one in here]
    found = lessons([*here, *there], worth(0.0, 1.0, 5.0, 7.0), standardise=False)
    assert [one.advantage for one in found] == [-0.5, -0.5, 0.5, 0.5, -1.0, -1.0, 1.0, 1.0]
    assert [one.action.role for one in found][:2] == ["Ann", "Ben"]


def test_with_a_share_of_its_own_a_turn_is_compared_with_all_turns_of_its_role_in_the_scene() -> None:
    both = [episode("no.", turns=4), episode("yes.", turns=4)]
    # Ann, Ben, Cleo, Ann; whatever Ben does is worth little.
    rewarded = [Rewarded(0.0, {}, (0.9, 0.1, 0.5, 0.5)), Rewarded(1.0, {}, (0.7, 0.3, 0.5, 0.3))]
    alone = lessons(both, rewarded, standardise=False, own_share=1.0)
    assert [one.advantage for one in alone] == pytest.approx([0.3, -0.1, 0.0, -0.1, 0.1, 0.1, 0.0, -0.3])
    half = lessons(both, rewarded, standardise=False, own_share=0.5)
    assert [one.advantage for one in half] == pytest.approx([-0.1, -0.3, -0.25, -0.3, 0.3, 0.3, 0.25, 0.1])
    # Other scenes are other groups.
    there = [replace(one, staged=replace(one.staged, scene_id="there")) for one in both]
    assert lessons([*both, *there], [*rewarded, *rewarded], standardise=False, own_share=1.0)[8:] == [
        replace(one, action=action)
        for one, action in zip(alone, [it for both_there in there for it in both_there.actions], strict=True)
    ]


def test_a_turn_has_no_share_of_its_own_where_the_reward_is_for_whole_episodes_alone() -> None:
    both = [episode("no.", turns=2), episode("yes.", turns=2)]
    with pytest.raises(ValueError, match="does not say what each turn is worth"):
        lessons(both, worth(0.0, 1.0), standardise=False, own_share=0.5)


def test_the_divergence_is_never_negative_and_estimates_what_it_is_of() -> None:
    torch.manual_seed(0)
    now, start = torch.log_softmax(torch.randn(7), 0), torch.log_softmax(torch.randn(7), 0)
    exact = float((now.exp() * (now - start)).sum())
    drawn = torch.multinomial(now.exp(), 200_000, replacement=True)
    estimates = divergence(now[drawn], start[drawn])
    assert float(estimates.min()) >= 0.0
    assert float(estimates.mean()) == pytest.approx(exact, rel=0.02)
    assert divergence(now, now).tolist() == pytest.approx([0.0] * 7, abs=1e-6)


def test_the_objective_is_that_of_the_paper() -> None:
    now, drawn, start = random_numbers(2, 3).log(), torch.full((2, 3), 0.5).log(), torch.full((2, 3), 0.4).log()
    mask = torch.tensor([[True, True, False], [True, True, True]])
    loss, told = objective(now, drawn, start, mask, torch.tensor([1.0, -2.0]), ratio_clip=0.2, kl=0.1)
    expected, stopped = 0.0, 0
    for row, better in enumerate((1.0, -2.0)):
        for at in range(3):
            if mask[row, at]:
                ratio = float(now[row, at].exp()) / 0.5
                gain = min(ratio * better, min(max(ratio, 0.8), 1.2) * better)
                apart = math.log(0.4) - float(now[row, at])
                expected += 0.1 * (math.exp(apart) - apart - 1.0) - gain
                stopped += ratio > 1.2 if better > 0 else ratio < 0.8
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert (told.tokens, told.clipped) == (5, stopped)


def test_a_token_that_has_gone_far_enough_pulls_no_longer_unless_it_went_the_wrong_way() -> None:
    now = torch.tensor([[0.9, 0.1]]).log().requires_grad_()
    drawn = torch.tensor([[0.5, 0.5]]).log()
    mask = torch.ones(1, 2, dtype=torch.bool)

    def gradients(better: float) -> list[bool]:
        loss, _ = objective(now, drawn, drawn, mask, torch.tensor([better]), ratio_clip=0.2, kl=0.0)
        (found,) = torch.autograd.grad(loss, now)
        return [bool(one) for one in found[0].abs() > 0.0]

    assert gradients(1.0) == [False, True]
    assert gradients(-1.0) == [True, False]


def test_what_is_drawn_has_the_probabilities_that_are_learnt_with_whoever_else_is_asked() -> None:
    model = word_model()
    policy = ModelPolicy(model, ends=[END], temperature=0.7, answer_tokens=6, rows=3)
    prompts = [[START], [START, START + 1], [3, 4, 5, START], [START + 2]]
    found = policy.draw(prompts, [1, 2, 3, 4])
    alone = [policy.draw([prompt], [seed])[0] for prompt, seed in zip(prompts, [1, 2, 3, 4], strict=True)]
    assert [one.ids for one in found] == [one.ids for one in alone]
    with torch.no_grad():
        forced = policy.log_probs(prompts, [one.ids for one in found])
    for row, one in enumerate(found):
        assert forced[row, : len(one.ids)].tolist() == pytest.approx(one.log_probs, abs=1e-5)
        assert forced[row, len(one.ids) :].tolist() == [0.0] * (forced.shape[1] - len(one.ids))


def test_draws_are_distributed_as_the_softmax_at_the_temperature() -> None:
    model = word_model(seed=2)
    for one in model.parameters():
        one.data *= 20.0
    policy = ModelPolicy(model, ends=[END], temperature=2.0, answer_tokens=1, rows=5_000)
    drawn = policy.draw([[START]] * 5_000, range(5_000))
    counts = torch.bincount(torch.tensor([one.ids[0] for one in drawn]), minlength=SIZE) / 5_000
    with torch.no_grad():
        exact = torch.softmax(model(torch.tensor([[START]])).logits[0, -1] / 2.0, 0)
    assert float((counts - exact).abs().max()) < 0.025


def test_the_frozen_start_stays_what_it_was() -> None:
    one = learner()
    first = one.play(0)
    assert first.kl == pytest.approx(0.0, abs=1e-6)
    before = copied(one.model)
    rounds(one, 3)
    assert any(not torch.equal(before[name], now) for name, now in copied(one.model).items())
    kept = copied(one.model)
    assert one.play(3).kl > 1e-4
    assert all(torch.equal(kept[name], now) for name, now in copied(one.model).items())


def test_a_tiny_policy_learns_to_give_turns_their_form() -> None:
    """The reward is the share of well-formed turns, and nothing else is told to a random model."""
    found = rounds(learner(episodes=16), 18)
    first = [one.team for part in found[:3] for one in part.rewarded]
    last = [one.team for part in found[-3:] for one in part.rewarded]
    # Welch's t of two times 48 episodes: 5 is far beyond chance (p < 1e-5).
    error = math.sqrt(stdev(first) ** 2 / len(first) + stdev(last) ** 2 / len(last))
    assert (fmean(last) - fmean(first)) / error > 5.0
    assert fmean(first) < 0.4 < 0.8 < fmean(last)


def test_a_policy_that_games_its_reward_is_stopped_and_the_last_good_one_is_kept() -> None:
    """Whoever is paid for length talks without end; what is kept are the weights from before that showed."""
    training = replace(TRAINING, learning_rate=1e-2)
    one = learner(PaysForTalk(), training, range(END, SIZE), answer_tokens=25, episodes=16)
    guard, good, lengths = Guard(GuardLimits(kl=50.0, patience=2)), (0, one.play(0), copied(one.model)), []
    for number in range(20):
        played = one.play(number)
        verdict = guard.look(played.episodes, kl=played.kl)
        lengths.append(verdict.vitals.line_words or 0.0)
        if verdict.ends:
            break
        if not verdict.complaint:
            good = (number, played, copied(one.model))
        one.learn(played, number)
    assert verdict.ends
    assert re.match(r"lines are [\d.]+ times as long as in the first round", verdict.complaint)
    assert lengths[-1] > 2.0 * lengths[0]
    kept, then, weights = good
    assert kept <= number - 2
    put_weights(one.model, weights, source="the last good ones")
    assert one.play(kept).episodes == then.episodes


def test_a_heavy_divergence_term_holds_the_policy_at_its_start() -> None:
    free, held = rounds(learner(kl=0.0), 6), rounds(learner(kl=10.0), 6)
    assert held[-1].kl < 0.2 * free[-1].kl


def test_several_passes_over_a_round_clip_what_has_gone_far() -> None:
    one = learner(passes=1, ratio_clip=0.05)
    again = learner(passes=4, ratio_clip=0.05)
    once, often = one.learn(one.play(0), 0), again.learn(again.play(0), 0)
    assert once.told.clipped == 0
    assert often.told.clipped > 0
    assert often.told.tokens == 4 * once.told.tokens


def test_how_many_turns_go_through_the_model_at_once_changes_nothing_but_rounding() -> None:
    few = learner(training=replace(TRAINING, batch=5))
    many = learner()
    for one in (few, many):
        one.learn(one.play(0), 0)
    for name, weights in copied(few.model).items():
        assert torch.allclose(weights, copied(many.model)[name], atol=2e-3), name


def test_the_same_seed_gives_the_same_weights_to_the_bit() -> None:
    def weights(seed: int) -> dict[str, torch.Tensor]:
        one = learner(training=replace(TRAINING, seed=seed), passes=2)
        rounds(one, 2)
        return copied(one.model)

    first, again, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_gradient_that_is_no_number_changes_nothing() -> None:
    one = learner()
    played, before = one.play(0), copied(one.model)
    spoilt = replace(played, rewarded=[replace(it, team=math.nan) for it in played.rewarded])
    learnt = one.learn(spoilt, 0)
    assert not math.isfinite(learnt.gradient)
    assert all(torch.equal(before[name], now) for name, now in copied(one.model).items())


def test_rounds_go_through_all_scenes_before_one_comes_again_each_time_with_another_chance() -> None:
    scenes = [replace(staged(), scene_id=name) for name in "abcde"]
    found = [round_scenes(scenes, 2, number, seed=1) for number in range(5)]
    names = [[one.scene_id.split("#")[0] for one in some] for some in found]
    assert sorted([*names[0], *names[1], names[2][0]]) == list("abcde")
    flat = [one for some in found for one in some]
    assert len({one.scene_id for one in flat}) == 10
    assert len({one.scene.seed for one in flat}) == 10
    assert names != [[one.scene_id.split("#")[0] for one in round_scenes(scenes, 2, at, seed=2)] for at in range(5)]
