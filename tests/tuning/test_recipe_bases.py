"""The shipped recipes of chat models: each runs with a tiny base of its kind, and says what memory it takes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch

from speechagents.tuning.adapters import check_frozen
from speechagents.tuning.chat_family import make_chat_family
from speechagents.tuning.memory_estimate import SHAPES, estimated
from speechagents.tuning.recipe import Base, FamilyKind, Hearing, Recipe
from speechagents.tuning.recipe_file import read_recipe, shipped_recipes
from tests.tuning.chat_samples import mixed, samples

RECIPES = {
    name: recipe for name, path in shipped_recipes().items() if (recipe := read_recipe(path)).family is FamilyKind.CHAT
}
REAL = [name for name, recipe in RECIPES.items() if recipe.base.model]
ROW = re.compile(r"^#   GPU +(\d+) GB: batch (\d+), recompute (yes|no): +([\d.]+) GB$", re.MULTILINE)


def architecture(recipe: Recipe) -> str:
    """What the base of a recipe is one of."""
    if recipe.base.random:
        return recipe.base.random
    return next(
        found
        for part, found in (("Omni", "qwen2_5_omni"), ("Audio", "qwen2_audio"), ("Qwen2.5", "qwen2"))
        if part in recipe.base.model
    )


def test_there_is_one_for_each_family() -> None:
    assert {architecture(RECIPES[name]) for name in REAL} == {"qwen2", "qwen2_audio", "qwen2_5_omni"}


@pytest.mark.parametrize("name", RECIPES)
def test_two_steps_of_a_recipe_make_its_tiny_base_better(name: str) -> None:
    recipe = RECIPES[name]
    hears = recipe.data.hearing is Hearing.AUDIO
    base = Base(random=architecture(recipe), layers=2, width=32, heads=4, feed=64, vocabulary=1_000)
    family = make_chat_family(replace(recipe, base=base), samples(sounds=hears))
    model = family.load().train()
    batch = family.collate([family.example(one) for one in mixed(sounds=hears)])
    assert ("input_features" in batch) is hears
    learnt = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=1e-2)
    losses = []
    for _ in range(3):
        torch.manual_seed(0)  # the same dropout
        loss = model(**batch).loss
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    check_frozen(model)
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize("name", REAL)
def test_a_recipe_says_what_memory_it_takes_on_which_gpu(name: str) -> None:
    recipe, shape = RECIPES[name], SHAPES[RECIPES[name].base.model]
    said = ROW.findall(shipped_recipes()[name].read_text("utf-8"))
    assert len(said) == 3
    for gpu_gb, batch, recompute, gb in said:
        training = replace(recipe.training, batch=int(batch), recompute=recompute == "yes")
        estimate = estimated(replace(recipe, training=training), shape)
        assert f"{estimate.total / 1e9:.1f}" == gb
        assert estimate.fits(float(gpu_gb))
    assert estimated(recipe, shape).fits(float(said[0][0])), "as it is, it fits into the smallest"


@pytest.mark.parametrize("name", REAL)
def test_a_recipe_says_under_which_licence_its_base_is(name: str) -> None:
    text = Path(shipped_recipes()[name]).read_text("utf-8")
    assert re.search(
        rf"^# Base: https://huggingface\.co/{re.escape(RECIPES[name].base.model)}, Apache-2\.0", text, re.MULTILINE
    )
