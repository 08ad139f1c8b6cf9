"""The card of a tuned model says of what, on what and how far."""

from __future__ import annotations

import dataclasses

import pytest

pytest.importorskip("torch")

from speechagents.tuning.recipe import Adapter, AdapterKind, Base
from speechagents.tuning.tuned_card import model_card
from tests.tuning.letter_runs import data, recipe


def test_it_says_what_was_learnt_and_on_what() -> None:
    card = model_card(recipe(), data(), step=8, loss=1.23456)
    assert card.startswith("# letters\n\nFor tests.\n")
    assert "random weights (qwen2): it knows nothing but what it was tuned on" in card
    assert "- Learnt: all weights, 8 of 12 planned steps of 6 samples\n" in card
    assert "- Data: 50% agent data (20 turns, 20 questions who speaks next), the rest general" in card
    assert "- Loss on dev: 1.2346 nats a token\n" in card


def test_a_base_of_ones_own_is_named_with_its_revision() -> None:
    one = dataclasses.replace(recipe(), base=Base(model="own/er", revision="v2"), adapter=Adapter(AdapterKind.LORA))
    card = model_card(one, data(), step=8, loss=1.0)
    assert "- Base: own/er (v2)\n" in card
    assert "- Learnt: an adapter of rank 8," in card
