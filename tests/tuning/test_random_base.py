"""Tiny models with random weights: made of the data, the same every time, loaded like real ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from speechagents.controllers.transformers import TransformersModel
from speechagents.errors import TuningError
from speechagents.resources import resource
from speechagents.tuning.random_base import ARCHITECTURES, write_random_base
from speechagents.tuning.recipe import RANDOM_BASES, Base

TEXTS: Sequence[str] = [
    path.read_text("utf-8")
    for path in (resource("models", "rehearsal", "en.yaml"), *sorted(resource("assets", "examples").rglob("*.yaml")))
]
SMALL: dict[str, Any] = {"layers": 1, "width": 16, "heads": 2, "feed": 16, "vocabulary": 400}


def digest(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_recipes_can_name_what_can_be_written() -> None:
    assert {*ARCHITECTURES, "llama-units"} == set(RANDOM_BASES)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_is_the_same_every_time_and_hears_if_its_architecture_does(name: str, tmp_path: Path) -> None:
    base = Base(random=name, **SMALL)
    one, again, other = (
        digest(write_random_base(tmp_path / folder, base, TEXTS, seed=seed))
        for folder, seed in (("one", 3), ("again", 3), ("other", 4))
    )
    assert one == again
    assert {file for file in one if one[file] != other[file]} == {"model.safetensors"}
    model = TransformersModel(model=str(tmp_path / "one"), device="cpu", dtype="float32")
    assert model.hears is (name != "qwen2")


def test_half_a_million_weights_unless_asked_otherwise(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(write_random_base(tmp_path, Base(random="qwen2"), TEXTS, seed=0))
    assert 400_000 < model.num_parameters() < 1_000_000
    assert model.config.vocab_size <= 2_000


def test_the_tokenizer_is_made_of_the_data_and_writes_everything(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    base = Base(random="qwen2", **{**SMALL, "vocabulary": 900})
    write_random_base(tmp_path, base, ["The brass key is behind the boathouse.\n"] * 50, seed=0)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert len(tokenizer(" boathouse")["input_ids"]) == 1
    for text in ("Zwölf Boxkämpfer", "鑰匙 \u200b🗝️\r\n\t", '{"a": "\\u0000"}'):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_random_numbers_of_the_program_are_left_alone(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    write_random_base(tmp_path, Base(random="qwen2", **SMALL), TEXTS, seed=0)
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize(
    ("base", "complaint"),
    [
        (Base(random="llama-units"), "base.random: 'llama-units' is none of qwen2, qwen2_audio, qwen2_5_omni"),
        (Base(random="qwen2", vocabulary=200), "base.vocabulary: 200 tokens have no room for 256 bytes"),
        (Base(random="qwen2", width=20), "base.width: 20 is no multiple of twice 4 heads"),
    ],
)
def test_what_cannot_be_is_refused(base: Base, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=complaint):
        write_random_base(tmp_path, base, TEXTS, seed=0)
