"""What judging may cost."""

from __future__ import annotations

import numpy as np

from speechagents.audio import Audio
from speechagents.benchmark.judging.purse import Cost, Purse
from speechagents.controllers.controller import Usage
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Speaker


def test_what_is_set_aside_cannot_be_spent_twice() -> None:
    purse = Purse(100)
    assert purse.set_aside(60)
    assert not purse.set_aside(60)
    purse.settle(60, 30)
    assert purse.spent == 30
    assert purse.set_aside(70)
    assert not purse.set_aside(1)


def test_without_a_limit_everything_fits() -> None:
    purse = Purse(0)
    assert all(purse.set_aside(10**9) for _ in range(10))
    purse.settle(10**9, 5)
    assert purse.spent == 5


def test_a_cost_is_estimated_rather_too_high_and_then_told() -> None:
    sound = Audio(np.zeros(32_000, np.float32), 16_000)
    prompt = Prompt((PromptMessage(Speaker.USER, (Part("abc" * 100), Part("", sound))),), {}, max_tokens=50)
    cost = Cost.of(prompt)
    assert (cost.asking, cost.answer, cost.most) == (200, 50, 250)
    assert cost.used(Usage(120, 30), 90) == 150
    assert cost.used(Usage(), 90) == 230, "a server that counts nothing costs what was estimated"
