"""Recipe files: read with line, field and remedy of each fault, and written so that they read back equal."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from speechagents.errors import TuningError
from speechagents.tuning.recipe import (
    Adapter,
    AdapterKind,
    Base,
    FamilyKind,
    Hearing,
    Method,
    Mix,
    Precision,
    Recipe,
    Schedule,
    Training,
)
from speechagents.tuning.recipe_file import find_recipe, read_recipe, shipped_recipes, write_recipe

TINY = """\
name: tiny
about: Tries the loop out.
family: chat
base: {random: qwen2, width: 64, heads: 4}
adapter: {kind: lora, rank: 8, alpha: 16, dropout: 0.1, targets: [q_proj, v_proj]}
data: {agent: 0.5, next_speaker: 0.2, general: rules, hearing: text}
training: {steps: 60, batch: 4, accumulate: 2, learning_rate: 1.0e-3, schedule: linear, warmup: 5, dtype: float32,
           recompute: yes}
"""


def _read(folder: Path, text: str) -> Recipe:
    path = folder / "r.yaml"
    path.write_text(text, "utf-8")
    return read_recipe(path)


def test_a_recipe_is_read_with_the_defaults_of_what_it_leaves_out(tmp_path: Path) -> None:
    recipe = _read(tmp_path, TINY)
    assert (recipe.name, recipe.family) == ("tiny", FamilyKind.CHAT)
    assert recipe.base == Base(random="qwen2", width=64, heads=4)
    assert recipe.adapter == Adapter(AdapterKind.LORA, 8, 16.0, 0.1, ("q_proj", "v_proj"))
    assert recipe.data == Mix(agent=0.5, next_speaker=0.2, general="rules", hearing=Hearing.TEXT)
    assert recipe.training == Training(
        steps=60,
        batch=4,
        accumulate=2,
        learning_rate=1e-3,
        schedule=Schedule.LINEAR,
        warmup=5,
        dtype=Precision.FLOAT32,
        recompute=True,
    )
    assert recipe.training.samples == 8
    assert recipe.general_file is None


def test_a_written_recipe_reads_back_equal(tmp_path: Path) -> None:
    recipe = _read(tmp_path, TINY)
    assert _read(tmp_path, write_recipe(recipe)) == recipe
    full = dataclasses.replace(
        recipe, adapter=Adapter(AdapterKind.FULL), base=Base(model="some/model", revision="v1"), about="Größe: 1 # no"
    )
    assert _read(tmp_path, write_recipe(full)) == full


def test_what_is_rewarded_belongs_to_a_recipe_by_reinforcement(tmp_path: Path) -> None:
    assert _read(tmp_path, TINY).method is Method.MIX
    text = TINY + "method: grpo\nrl: {roles: 3, reward: {formed: 1.0}}\n"
    recipe = _read(tmp_path, text)
    assert recipe.method is Method.GRPO
    assert recipe.rl is not None
    assert recipe.rl.roles == 3
    assert _read(tmp_path, write_recipe(recipe)) == recipe
    assert recipe.digest != _read(tmp_path, TINY).digest
    with pytest.raises(TuningError, match=r"r\.yaml:9: method: needs a part rl that says what is rewarded"):
        _read(tmp_path, TINY + "method: grpo\n")
    with pytest.raises(TuningError, match=r"r\.yaml:9: rl: is for method: grpo; write that, or remove it"):
        _read(tmp_path, TINY + "rl: {reward: {formed: 1.0}}\n")


def test_a_file_of_instructions_lies_beside_the_recipe_and_is_found_from_elsewhere_once_written(tmp_path: Path) -> None:
    recipe = _read(tmp_path, TINY.replace("general: rules", "general: chats.jsonl"))
    assert recipe.general_file == tmp_path / "chats.jsonl"
    (tmp_path / "elsewhere").mkdir()
    copy = _read(tmp_path / "elsewhere", write_recipe(recipe))
    assert copy.general_file == tmp_path / "chats.jsonl"
    assert copy.digest == recipe.digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: tiny", "name: Tiny One", "r.yaml: name: 'Tiny One' is not made of small letters"),
        ("family: chat", "family: chats", 'r.yaml:3: family: "chats" is unknown here; did you mean chat?'),
        ("family: chat\n", "", "r.yaml:1: family is missing"),
        ("random: qwen2", "random: qwen9", 'r.yaml:4: base.random: "qwen9" is unknown here; did you mean qwen2?'),
        ("{random: qwen2, ", "{random: qwen2, model: a/b, ", "r.yaml:4: base: write model: OWNER/NAME or FOLDER, or"),
        ("{random: qwen2, width", "{model: a/b, width", "r.yaml:4: base.width: only random weights have a size"),
        ("width: 64", "width: 60", "r.yaml:4: base.width: 60 is no multiple of twice 4 heads"),
        ("random: qwen2", "random: llama-units", "r.yaml: base.random: llama-units is of the family units; change one"),
        ("kind: lora", "kind: full", "r.yaml:5: adapter.rank: all weights are learnt: rank is for kind: lora"),
        ("rank: 8", "rank: 0", 'r.yaml:5: adapter.rank: "0" is no whole number from 1 to 1024'),
        ("[q_proj, v_proj]", "[q_proj, q_proj]", "r.yaml:5: adapter.targets: write up to 64 names, each once"),
        ("[q_proj, v_proj]", '[".*("]', "r.yaml:5: adapter.targets: '.*(' is no name of a layer like q_proj"),
        ("agent: 0.5", "agent: 50", 'r.yaml:6: data.agent: "50" is no number from 0 to 1'),
        ("agent: 0.5", "agent: nan", 'r.yaml:6: data.agent: "nan" is no number from 0 to 1'),
        ("hearing: text", "hearing: units", "r.yaml: data.hearing: the family chat does not hear units; write text or"),
        ("steps: 60", "stepps: 60", 'r.yaml:7: training.stepps: unknown key "stepps"; did you mean steps?'),
        ("1.0e-3", "1_0", 'r.yaml:7: training.learning_rate: "1_0" is no number from 1e-08 to 10'),
        ("warmup: 5", "warmup: 61", "r.yaml:7: training.warmup: 61 is more than all 60 steps"),
        ("recompute: yes", "recompute: maybe", 'r.yaml:8: training.recompute: "maybe" is unknown here; there are yes,'),
        ("about: Tries", "about: &a Tries", "r.yaml:2: anchors and aliases are not allowed"),
    ],
)
def test_a_fault_is_told_with_line_field_and_remedy(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TINY
    with pytest.raises(TuningError) as caught:
        _read(tmp_path, TINY.replace(old, new))
    assert str(caught.value).startswith(message)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=r"none\.yaml: cannot be read \(No such file or directory\)"):
        read_recipe(tmp_path / "none.yaml")
    with pytest.raises(TuningError, match=r"none\.yaml: there is no such recipe; .* one of .*tiny"):
        find_recipe(str(tmp_path / "none.yaml"))


def test_shipped_recipes_are_found_by_name_and_can_be_read() -> None:
    shipped = shipped_recipes()
    assert find_recipe("tiny") == shipped["tiny"]
    for name, path in shipped.items():
        assert read_recipe(path).name == name
