"""The learning rate rises, falls and goes on; matrices decay, scales do not."""

from __future__ import annotations

import itertools

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from speechagents.tuning.optimisation import make_optimizer, make_schedule, rate
from speechagents.tuning.recipe import Schedule, Training
from tests.tuning.letter_family import llama


@pytest.mark.parametrize("schedule", list(Schedule))
def test_it_rises_to_the_highest_and_falls_to_nothing(schedule: Schedule) -> None:
    rates = [rate(Training(steps=20, warmup=4, schedule=schedule), step) for step in range(21)]
    assert rates[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert all(one > other for one, other in itertools.pairwise(rates[4:]))
    assert rates[12] == pytest.approx(0.5)
    assert rates[20] == pytest.approx(0.0)
    assert rates[19] > 0.0, "no step learns nothing"


def test_without_a_warm_up_the_first_step_is_the_highest() -> None:
    assert rate(Training(steps=3), 0) == 1.0
    assert rate(Training(steps=4, warmup=4), 3) == 1.0


def test_going_on_takes_up_where_it_was() -> None:
    training = Training(steps=10, warmup=3, learning_rate=0.5)

    def rates(done: int) -> list[float]:
        weights = torch.nn.Parameter(torch.ones(2, 2))
        optimizer = torch.optim.AdamW([weights], lr=training.learning_rate)
        schedule = make_schedule(optimizer, training, done=done)
        found = []
        for _ in range(done, training.steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return found

    assert rates(0)[4:] == rates(4)


def test_what_is_learnt_is_in_it_once_and_only_matrices_decay() -> None:
    model = llama(seed=0)
    model.lm_head.requires_grad_(requires_grad=False)
    decaying, others = make_optimizer(model, Training(steps=1, weight_decay=0.1)).param_groups
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    assert {one.ndim for one in decaying["params"]} == {2}
    assert {one.ndim for one in others["params"]} == {1}
    own = {id(one) for one in (*decaying["params"], *others["params"])}
    assert own == {id(one) for one in model.parameters() if one.requires_grad}
