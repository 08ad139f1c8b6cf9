"""Batches of chat models: padded on the right, sound in some rows or in none, and never lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

import torch

from speechagents.errors import TuningError
from speechagents.tuning.chat_collation import IGNORED, collated
from speechagents.tuning.chat_family import ChatFamily, make_chat_family
from speechagents.tuning.family import Example
from speechagents.tuning.recipe import Hearing
from tests.tuning.chat_samples import mixed, next_sample, question, recipe, samples, turn_sample

HEARING = ("qwen2_audio", "qwen2_5_omni")
ARCHITECTURES = ("qwen2", *HEARING)


@pytest.fixture(scope="module")
def families() -> Mapping[str, ChatFamily]:
    return {
        name: make_chat_family(
            recipe(name, hearing=Hearing.AUDIO if name in HEARING else Hearing.TEXT), samples(sounds=True)
        )
        for name in ARCHITECTURES
    }


@pytest.fixture(scope="module")
def models(families: Mapping[str, ChatFamily]) -> Mapping[str, Any]:
    return {name: family.load().eval() for name, family in families.items()}


def examples(family: ChatFamily, *, sounds: bool) -> list[Example]:
    return [family.example(one) for one in mixed(sounds=sounds)]


def test_rows_are_padded_on_the_right_and_only_targets_have_labels(families: Mapping[str, ChatFamily]) -> None:
    family = families["qwen2"]
    rows = examples(family, sounds=False)
    batch = family.collate(rows)
    assert set(batch) == {"input_ids", "attention_mask", "labels"}
    for row, one in enumerate(rows):
        count = len(one.ids)
        assert batch["input_ids"][row, :count].tolist() == list(one.ids)
        assert batch["attention_mask"][row].tolist() == [1] * count + [0] * (batch["input_ids"].shape[1] - count)
        learnt = {at for span in one.spans for at in range(span.start, span.end)}
        labels = batch["labels"][row].tolist()
        assert [label for at, label in enumerate(labels) if at in learnt] == [one.ids[at] for at in sorted(learnt)]
        assert {label for at, label in enumerate(labels) if at not in learnt} == {IGNORED}


@pytest.mark.parametrize("name", HEARING)
def test_sounds_are_there_in_the_order_of_their_places(name: str, families: Mapping[str, ChatFamily]) -> None:
    family = families[name]
    one, other = family.example(turn_sample(2, sounds=True)), family.example(next_sample(4, sounds=True))
    apart = [family.collate([one]), family.collate([other])]
    together = family.collate([one, family.example(question()), other])
    assert len(together["input_features"]) == 2 + 4
    for key in ("input_features", "feature_attention_mask"):
        assert torch.equal(together[key], torch.cat([batch[key] for batch in apart]))
    assert "input_features" not in family.collate([family.example(question())])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_row_gives_the_same_in_every_company(
    name: str, families: Mapping[str, ChatFamily], models: Mapping[str, Any]
) -> None:
    family, model = families[name], models[name]
    rows = examples(family, sounds=name in HEARING)
    with torch.inference_mode():
        together = model(**family.collate(rows)).logits
        for row, one in enumerate(rows):
            alone = model(**family.collate([one])).logits[0]
            assert torch.allclose(together[row, : len(one.ids)], alone, atol=2e-4), row


@pytest.mark.parametrize("name", HEARING)
def test_what_was_heard_matters_to_its_row_alone(
    name: str, families: Mapping[str, ChatFamily], models: Mapping[str, Any]
) -> None:
    family, model = families[name], models[name]
    one, two = (family.example(turn_sample(at, sounds=True)) for at in (2, 3))
    quieter = replace(one, sounds=tuple(sound.scaled(0.1) for sound in one.sounds))
    with torch.inference_mode():
        before = model(**family.collate([one, two])).logits
        after = model(**family.collate([quieter, two])).logits
    assert not torch.allclose(before[0, : len(one.ids)], after[0, : len(one.ids)], atol=1e-5)
    assert torch.allclose(before[1, : len(two.ids)], after[1, : len(two.ids)], atol=1e-5)


def _without_a_sound(one: Example) -> Example:
    return replace(one, sounds=one.sounds[1:])


def _without_its_sounds(one: Example) -> Example:
    return replace(one, sounds=())


def _with_a_longer_sound(one: Example) -> Example:
    return replace(one, sounds=(one.sounds[-1], *one.sounds[1:]))


@pytest.mark.parametrize("name", HEARING)
@pytest.mark.parametrize("spoilt", [_without_a_sound, _without_its_sounds, _with_a_longer_sound])
def test_sounds_that_do_not_go_with_their_places_are_refused(
    spoilt: Callable[[Example], Example], name: str, families: Mapping[str, ChatFamily]
) -> None:
    family = families[name]
    with pytest.raises(TuningError, match="sound"):
        family.collate([spoilt(family.example(turn_sample(3, sounds=True)))])


@pytest.mark.parametrize("name", HEARING)
def test_a_processor_that_loses_sound_is_found_out(
    name: str, families: Mapping[str, ChatFamily], monkeypatch: pytest.MonkeyPatch
) -> None:
    family = families[name]
    one = family.example(turn_sample(3, sounds=True))

    def deaf(*, text: Sequence[str], return_tensors: str, padding: bool, **_: Any) -> Any:
        return family.tokenizer(list(text), return_tensors=return_tensors, padding=padding)

    monkeypatch.setattr(family._encoder, "_ears", deaf)
    with pytest.raises(TuningError, match="3 sounds cannot be given to the model: sound went in"):
        collated([one], family._encoder)
