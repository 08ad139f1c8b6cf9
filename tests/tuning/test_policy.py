"""A model as a policy, where an adapter is what learns, as in most recipes."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch

from speechagents.tuning.adapters import fitted
from speechagents.tuning.checkpoints import copied, learnt
from speechagents.tuning.policy import ModelPolicy
from speechagents.tuning.recipe import Adapter
from tests.tuning.word_acts import END, START, word_model

# PEFT asks Transformers something by its old name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

PROMPTS = [[START], [START, START + 1], [3, 4, 5, START], [START + 2]]
SEEDS = [1, 2, 3, 4]


def adapted() -> Any:
    """Random words with an adapter that does nothing yet, and would drop something out while it is trained."""
    return fitted(word_model(), Adapter(rank=4, alpha=8, dropout=0.5, targets=("q_proj", "v_proj")), seed=1)


def policy(model: Any) -> ModelPolicy:
    return ModelPolicy(model, ends=[END], temperature=0.7, answer_tokens=6, rows=3)


def moved(model: Any) -> None:
    """As if it had learnt something."""
    chance = torch.Generator().manual_seed(1)
    for one in learnt(model).values():
        one.data += 0.5 * torch.randn(one.shape, generator=chance)


def test_answers_are_as_long_as_the_recipe_says_and_as_likely_as_they_are_learnt() -> None:
    model = adapted()
    own = policy(model)
    moved(model)
    found = own.draw(PROMPTS, SEEDS)
    assert all(len(one.ids) == 6 or one.ids[-1] == END for one in found)
    with torch.no_grad():
        forced = own.log_probs(PROMPTS, [one.ids for one in found])
    for row, one in enumerate(found):
        assert forced[row, : len(one.ids)].tolist() == pytest.approx(one.log_probs, abs=1e-5)


def test_the_start_is_the_model_as_it_was_and_what_was_learnt_comes_back() -> None:
    model = adapted()
    own = policy(model)
    answers = [one.ids for one in own.draw(PROMPTS, SEEDS)]
    with torch.no_grad():
        before = own.log_probs(PROMPTS, answers)
    moved(model)
    weights = copied(model)
    with torch.no_grad():
        now = own.log_probs(PROMPTS, answers)
        with own.as_it_began():
            start = own.log_probs(PROMPTS, answers)
        again = own.log_probs(PROMPTS, answers)
    assert torch.equal(start, before)
    assert torch.equal(again, now)
    assert float((now - before).abs().max()) > 0.01
    assert all(torch.equal(weights[name], one) for name, one in copied(model).items())


def test_the_models_own_settings_for_sampling_are_not_the_policys_and_stay_what_they_were() -> None:
    model = adapted()
    plain = policy(model).draw(PROMPTS, SEEDS)
    settings = model.generation_config
    settings.update(do_sample=True, temperature=0.01, top_k=1, max_new_tokens=2)
    assert policy(model).draw(PROMPTS, SEEDS) == plain
    assert model.generation_config is settings
    assert settings.max_new_tokens == 2
