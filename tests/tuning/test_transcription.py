"""What unit models make of speech."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")
pytest.importorskip("tokenizers")

import torch

from speechagents.tuning.family import Part
from speechagents.tuning.held_out import HeldOut
from speechagents.tuning.recipe import Adapter, AdapterKind, Base
from speechagents.tuning.trajectory import Instruction, Sample, Split
from speechagents.tuning.transcription import edit_distance, transcribe_and_read
from speechagents.tuning.unit_family import HEAR, UnitFamily
from speechagents.units.tokens import train_tokens

SAID = {"the tram is late": (1, 5, 2, 9), "come in": (3, 3, 8), "the sea": (1, 5, 7, 7, 4, 0)}


def hear(words: str, units: tuple[int, ...]) -> Instruction:
    return Instruction(f"hear/{words}", Split.TEST, "", words, HEAR, question_units=units)


def read(words: str, units: tuple[int, ...]) -> Instruction:
    return Instruction(f"read/{words}", Split.TEST, words, words, "read aloud", answer_units=units)


@pytest.fixture(scope="module")
def family() -> UnitFamily:
    tokens = train_tokens([*SAID, "goodbye"] * 3, units=16, pieces=280)
    base = Base(random="llama-units", layers=1, width=32, heads=2, feed=32)
    return UnitFamily(tokens, base, Adapter(AdapterKind.FULL), context=64, seed=0)


@pytest.fixture(scope="module")
def by_heart(family: UnitFamily) -> Any:
    """A model that knows some sentences, and no others."""
    samples: list[Sample] = [one for words, units in SAID.items() for one in (hear(words, units), read(words, units))]
    batch = family.collate([family.example(sample) for sample in samples])
    model = family.load()
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(150):
        loss = model(**batch).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.train()


class TestTranscribing:
    def test_who_has_learnt_the_sentences_writes_and_reads_them_without_an_error(
        self, by_heart: Any, family: UnitFamily
    ) -> None:
        asked = HeldOut((), (), tuple(make(*one) for one in SAID.items() for make in (hear, read)))

        found = transcribe_and_read(by_heart, family, asked)

        assert found.mean("words_wrong") == 0.0
        assert found.mean("units_wrong") == 0.0
        assert len(found.measures["words_wrong"]) == len(SAID)
        assert found.held_out == asked.digest
        assert by_heart.training, "it is left as it was"

    def test_errors_are_counted_by_the_words_and_units_that_should_be_there(
        self, by_heart: Any, family: UnitFamily
    ) -> None:
        late, units = "the tram is late", SAID["the tram is late"]
        asked = HeldOut((), (), (hear(f"{late} again", units), read(late, (*units[:-1], 11))))

        found = transcribe_and_read(by_heart, family, asked)

        (word,), (unit,) = (found.measures[name].values() for name in ("words_wrong", "units_wrong"))
        assert (word.value, word.weight) == (1.0, 5.0)
        assert (unit.value, unit.weight) == (1.0, 4.0)

    def test_a_model_that_never_ends_gets_all_wrong_and_no_more_than_all(self, family: UnitFamily) -> None:
        model = family.load()
        with torch.no_grad():
            model.lm_head.weight.zero_()  # all tokens are equally likely, and the first is none that ends

        found = transcribe_and_read(model, family, HeldOut((), (), (hear("come in", SAID["come in"]),)))

        (word,) = found.measures["words_wrong"].values()
        assert (word.value, word.weight) == (2.0, 2.0)

    def test_other_instructions_are_not_looked_at(self, by_heart: Any, family: UnitFamily) -> None:
        asked = HeldOut((), (), (Instruction("sum", Split.TEST, "2+3", "5", "sums"),))

        assert not transcribe_and_read(by_heart, family, asked).measures

    def test_a_sample_without_room_is_left_out_and_named(self, by_heart: Any, family: UnitFamily) -> None:
        long = hear("come in", (1,) * 80)

        found = transcribe_and_read(by_heart, family, HeldOut((), (), (long, hear("come in", SAID["come in"]))))

        assert found.left_out == (long.id,)


class TestEditDistance:
    @pytest.mark.parametrize(
        ("wanted", "written", "edits"),
        [
            ((), (), 0),
            ((1, 2, 3), (1, 2, 3), 0),
            ((1, 2, 3), (), 3),
            ((), (1, 2), 2),
            ((1, 2, 3, 4), (1, 3, 4), 1),
            ((1, 2, 3), (1, 9, 3), 1),
            ((1, 2, 3), (0, 1, 2, 3), 1),
            ((5, 6, 7, 8), (6, 7, 8, 5), 2),
        ],
    )
    def test_it_is_the_fewest_changes(self, wanted: tuple[int, ...], written: tuple[int, ...], edits: int) -> None:
        assert edit_distance(wanted, written) == edits

    def test_it_is_what_the_textbook_table_gives(self) -> None:
        chance = np.random.default_rng(0)
        for _ in range(50):
            one, other = (tuple(chance.integers(0, 4, chance.integers(0, 9)).tolist()) for _ in range(2))
            assert edit_distance(one, other) == _by_the_textbook(one, other)


def _by_the_textbook(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i in range(len(one) + 1):
        for j in range(len(other) + 1):
            if i and j:
                changed = table[i - 1][j - 1] + (one[i - 1] != other[j - 1])
                table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, changed)
            else:
                table[i][j] = i + j
    return table[-1][-1]


def test_the_parts_of_such_samples_are_what_the_rates_are_about(family: UnitFamily) -> None:
    heard, spoken = (family.example(make("come in", SAID["come in"])) for make in (hear, read))

    assert [span.part for span in heard.spans] == [Part.ANSWER]
    assert spoken.spans[0].part is Part.UNITS
