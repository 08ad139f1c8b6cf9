"""Recipes: values within limits, told apart by what decides the result."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from speechagents.errors import TuningError
from speechagents.tuning.recipe import Adapter, AdapterKind, Base, FamilyKind, Hearing, Mix, Recipe, Training

RECIPE = Recipe("tiny", "For tests.", FamilyKind.CHAT, Base(random="qwen2", width=64), Adapter(), Mix(), Training(60))


def test_the_digest_is_of_what_decides_the_result_alone() -> None:
    assert dataclasses.replace(RECIPE, name="other", about="Other words.").digest == RECIPE.digest
    for other in (
        dataclasses.replace(RECIPE, training=dataclasses.replace(RECIPE.training, seed=1)),
        dataclasses.replace(RECIPE, data=dataclasses.replace(RECIPE.data, agent=0.25)),
        dataclasses.replace(RECIPE, base=Base(random="qwen2")),
        dataclasses.replace(RECIPE, adapter=Adapter(AdapterKind.FULL)),
    ):
        assert other.digest != RECIPE.digest


def test_a_value_made_in_code_has_the_same_limits() -> None:
    with pytest.raises(TuningError, match=r"training\.batch: 0 is not between 1 and 4096"):
        Training(steps=1, batch=0)
    with pytest.raises(TuningError, match=r"base\.random: 'gpt' is none of"):
        Base(random="gpt")


def test_a_file_of_instructions_counts_by_what_is_in_it_and_not_by_where_it_lies() -> None:
    first = dataclasses.replace(RECIPE, data=Mix(general="a.jsonl"), folder=Path("here"))
    second = dataclasses.replace(RECIPE, data=Mix(general="b.jsonl"), folder=Path("there"))
    assert first.general_file == Path("here/a.jsonl")
    assert first.digest == second.digest != RECIPE.digest


def test_a_family_hears_what_it_can_hear() -> None:
    with pytest.raises(TuningError, match=r"data\.hearing: the family chat does not hear units; write text or audio"):
        dataclasses.replace(RECIPE, data=Mix(hearing=Hearing.UNITS))
    with pytest.raises(TuningError, match=r"data\.hearing: the family units does not hear text; write units"):
        dataclasses.replace(RECIPE, family=FamilyKind.UNITS, base=Base(random="llama-units"))
