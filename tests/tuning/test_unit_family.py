"""Unit models as a family: which tokens a sample becomes, what of them is learnt, and that a model of them learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from speechagents.drama import Deed, Style, Turn
from speechagents.errors import TuningError, WeightsMissing
from speechagents.tuning.family import Example, Part
from speechagents.tuning.recipe import Adapter, AdapterKind, Base, FamilyKind, Hearing, Mix, Recipe, Training
from speechagents.tuning.trajectory import Instruction, Split, Trajectory, next_speakers
from speechagents.tuning.unit_family import HEAR, NEW, UnitFamily, make_unit_family
from speechagents.units.tokens import MARKS, PIECES
from tests.units.ferry import asked, units_of

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

SMALL = Base(random="llama-units", layers=1, width=16, heads=2, feed=24, vocabulary=600)
FULL = Adapter(AdapterKind.FULL)


@dataclass(frozen=True)
class _Data:
    """A folder of trajectories, as far as a family asks for it."""

    train: Sequence[Trajectory]

    def samples(self, split: Split) -> Sequence[Trajectory]:
        return self.train if split is Split.TRAIN else ()


def _trajectory(said: int = 3, units: tuple[int, ...] = (4, 9, 4, 23)) -> Trajectory:
    ask = asked("Ann", said=said)
    turn = Turn("Ann", text="Not I, Anna.", style=Style("angry"), thoughts="Heard Anna.", addresses=("Anna",))
    return Trajectory(
        id=f"ferry/1/{said}",
        scene_id="ferry",
        split=Split.TRAIN,
        ask=ask,
        turn=turn,
        heard_sounds=("",) * said,
        sound="",
        heard_units=units_of(ask),
        units=units,
    )


def _instruction(**changes: Any) -> Instruction:
    return replace(Instruction("one", Split.TRAIN, "What is 2 + 3?", "5", "arithmetic"), **changes)


def _recipe(base: Base = SMALL, adapter: Adapter = FULL, **training: Any) -> Recipe:
    return Recipe(
        name="small",
        about="",
        family=FamilyKind.UNITS,
        base=base,
        adapter=adapter,
        data=Mix(hearing=Hearing.UNITS),
        training=Training(**{"steps": 1, "max_tokens": 256, "seed": 3, **training}),
    )


def _family(base: Base = SMALL, adapter: Adapter = FULL, **training: Any) -> UnitFamily:
    data: Any = _Data([_trajectory(said) for said in range(4)])
    return make_unit_family(_recipe(base, adapter, **training), data)


FAMILY = _family()


def _shown(example: Example, part: Part) -> list[str]:
    return [FAMILY.tokens.decode(example.ids[span.start : span.end]) for span in example.spans if span.part is part]


def test_a_turn_is_learnt_part_by_part_and_its_prompt_is_not() -> None:
    example = FAMILY.example(_trajectory())
    assert _shown(example, Part.THOUGHTS) == [" Heard<r1>."]
    assert _shown(example, Part.LINE) == [" Not I, Anna."]
    assert _shown(example, Part.STYLE) == ["<style:angry>"]
    assert _shown(example, Part.UNITS) == ["<u4><u9><u4><u23>"]
    assert _shown(example, Part.FORM) == ["<to><r1><answers>", "<end>"]
    assert FAMILY.tokens.decode(example.ids[: example.spans[0].start]).endswith("<who> a captain, 50, dry<thinks>")
    assert example.spans[-1].end == len(example.ids)


def test_a_turn_whose_sound_is_not_known_is_learnt_in_words() -> None:
    assert _shown(FAMILY.example(_trajectory(units=())), Part.UNITS) == []


def test_the_role_that_follows_is_learnt_with_its_end() -> None:
    (sample,) = next_speakers([_trajectory()])
    example = FAMILY.example(sample)
    assert _shown(example, Part.ANSWER) == ["<r0><end>"]
    assert FAMILY.tokens.decode(example.ids).endswith("<next><r0><end>")


@pytest.mark.parametrize(
    ("sample", "prompt", "part", "answer"),
    [
        (_instruction(), "<ask> What is 2 + 3?<text>", Part.ANSWER, " 5<end>"),
        (
            _instruction(question="What is said?", question_units=(1, 2), answer="late", task=HEAR),
            "<hear><u1><u2><text>",
            Part.ANSWER,
            " late<end>",
        ),
        (
            _instruction(question="Who is late?", question_units=(1, 2), answer="Bo", task="who"),
            "<hear><u1><u2><ask> Who is late?<text>",
            Part.ANSWER,
            " Bo<end>",
        ),
        (
            _instruction(question="late", answer="late", answer_units=(7, 8), task="read aloud"),
            "<read> late<style:default>",
            Part.UNITS,
            "<u7><u8>",
        ),
    ],
)
def test_general_instructions_have_their_own_forms(sample: Instruction, prompt: str, part: Part, answer: str) -> None:
    example = FAMILY.example(sample)
    assert FAMILY.tokens.decode(example.ids[: example.spans[0].start]) == prompt
    assert _shown(example, part) == [answer]


def test_old_messages_give_way_and_an_answer_does_not() -> None:
    long = FAMILY.example(_trajectory(said=60, units=tuple(range(20)) * 6))
    assert len(long.ids) <= FAMILY.context == 256
    assert len(_shown(long, Part.UNITS)[0].split("<")) == 121


def test_an_answer_without_room_is_refused_by_its_name() -> None:
    with pytest.raises(TuningError, match="ferry/1/3: "):
        FAMILY.example(_trajectory(units=tuple(range(20)) * 12))


def test_units_that_the_vocabulary_lacks_are_refused() -> None:
    with pytest.raises(TuningError, match="beyond the 32 of the vocabulary"):
        FAMILY.example(_trajectory(units=(3, 40)))


def test_a_deed_without_words_is_refused() -> None:
    sample = _trajectory(units=())
    with pytest.raises(TuningError, match="what is said alone"):
        FAMILY.example(replace(sample, turn=Turn("Ann", Deed.ACT, "waves")))


def test_a_batch_is_padded_on_the_right_and_labelled_within_the_spans() -> None:
    one, other = FAMILY.example(_trajectory()), FAMILY.example(_instruction())
    batch = FAMILY.collate([one, other])
    assert batch["input_ids"].shape == batch["attention_mask"].shape == batch["labels"].shape == (2, len(one.ids))
    assert batch["attention_mask"].sum(1).tolist() == [len(one.ids), len(other.ids)]
    for row, example in enumerate((one, other)):
        learnt = {at for span in example.spans for at in range(span.start, span.end)}
        expected = [token if at in learnt else -100 for at, token in enumerate(example.ids)]
        assert batch["labels"][row].tolist() == expected + [-100] * (len(one.ids) - len(example.ids))


def test_a_new_model_is_as_large_as_the_recipe_says_and_the_same_for_a_seed() -> None:
    model = FAMILY.load()
    assert model.config.hidden_size == 16
    assert model.config.vocab_size == FAMILY.tokens.size <= 600
    assert model.config.tie_word_embeddings
    again, other = FAMILY.load(), _family(seed=4).load()
    name = "model.layers.0.mlp.up_proj.weight"
    assert torch.equal(model.state_dict()[name], again.state_dict()[name])
    assert not torch.equal(model.state_dict()[name], other.state_dict()[name])


def test_a_new_model_without_sizes_has_about_three_million_weights() -> None:
    family = _family(Base(random="llama-units"))
    model = family.load()
    assert (model.config.num_key_value_heads, model.config.num_hidden_layers) == (3, NEW.layers)
    weights = sum(one.numel() for one in model.parameters())
    # The vocabulary of a real data set is larger.
    weights += (PIECES + 128 + len(MARKS) + 22 - family.tokens.size) * NEW.width
    assert 2_500_000 < weights < 3_500_000


def test_what_is_learnt_is_learnt() -> None:
    family = _family()
    model = family.load()
    batch = family.collate([family.example(_trajectory(said)) for said in range(3)])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_a_saved_model_is_a_base_to_go_on_from(tmp_path: Path) -> None:
    model = FAMILY.load()
    FAMILY.save(model, tmp_path)
    data: Any = _Data([])
    family = make_unit_family(_recipe(Base(model=str(tmp_path)), FULL), data)
    again = family.load()
    assert family.tokens.document == FAMILY.tokens.document
    assert all(torch.equal(one, again.state_dict()[name]) for name, one in model.state_dict().items())


def test_low_rank_updates_leave_the_base_alone(tmp_path: Path) -> None:
    FAMILY.save(FAMILY.load(), tmp_path)
    data: Any = _Data([])
    lora = Adapter(AdapterKind.LORA, rank=2, targets=("q_proj",))
    model = make_unit_family(_recipe(Base(model=str(tmp_path)), lora), data).load()
    learnt = [name for name, one in model.named_parameters() if one.requires_grad]
    assert len(learnt) == 2
    assert all("q_proj.lora_" in name for name in learnt)


def test_data_without_units_makes_no_vocabulary() -> None:
    data: Any = _Data([replace(_trajectory(said=0), units=())])
    with pytest.raises(TuningError, match="no speech units"):
        make_unit_family(_recipe(), data)


def test_a_vocabulary_too_small_for_its_marks_is_refused() -> None:
    with pytest.raises(TuningError, match=r"base\.vocabulary"):
        _family(replace(SMALL, vocabulary=64))


@pytest.mark.parametrize("gone", ["tokenizer.json", "config.json", "model.safetensors"])
def test_a_base_that_is_not_whole_is_refused(gone: str, tmp_path: Path) -> None:
    FAMILY.save(FAMILY.load(), tmp_path)
    (tmp_path / gone).unlink()
    data: Any = _Data([])
    with pytest.raises(WeightsMissing, match=gone.removeprefix("model.")):
        make_unit_family(_recipe(Base(model=str(tmp_path))), data)


@pytest.mark.parametrize("damaged", ["config.json", "model.safetensors"])
def test_a_damaged_base_is_refused(damaged: str, tmp_path: Path) -> None:
    FAMILY.save(FAMILY.load(), tmp_path)
    (tmp_path / damaged).write_bytes((tmp_path / damaged).read_bytes()[:40])
    data: Any = _Data([])
    with pytest.raises(TuningError, match="cannot be loaded"):
        make_unit_family(_recipe(Base(model=str(tmp_path))), data).load()


def test_a_damaged_vocabulary_is_refused(tmp_path: Path) -> None:
    FAMILY.save(FAMILY.load(), tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    data: Any = _Data([])
    with pytest.raises(TuningError, match="no vocabulary"):
        make_unit_family(_recipe(Base(model=str(tmp_path))), data)
