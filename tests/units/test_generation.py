"""What a unit model writes: always of the right form, the same for a seed, never longer than its room."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from speechagents.drama import Style
from speechagents.errors import WeightsMissing
from speechagents.units.forms import (
    FEWEST_UNITS,
    SPARE_UNITS,
    UNITS_A_TOKEN,
    Alphabet,
    Form,
    SpeechForm,
    TurnForm,
    WordsForm,
)
from speechagents.units.generation import Sampling, UnitModel, load_unit_model
from speechagents.units.wording import (
    hear_prompt,
    next_prompt,
    read_prompt,
    read_turn,
    read_units,
    turn_prompt,
)
from tests.units.ferry import UNITS, asked, ferry_tokens, units_of
from tests.units.tiny_llama import CONTEXT, tiny_llama

HOT = Sampling(temperature=1.5, unit_temperature=1.5, top_p=1.0)
COLD = Sampling(temperature=0.0, unit_temperature=0.0)
OTHERS = ("<r0>", "<r1>")
OWN = "<r2>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def model(folder: Path) -> UnitModel:
    return load_unit_model(folder)


def _prompt(model: UnitModel, role: str = "Bo", *, said: int = 3, following: bool = False) -> str:
    ask = asked(role, said=said)
    words = next_prompt if following else turn_prompt
    return words(ask, units_of(ask), room=model.prompt_room, count=model.count)


def _turn_form(alphabet: Alphabet, *, room: int) -> TurnForm:
    tokens = ferry_tokens()
    return TurnForm(alphabet, [tokens.id_of(mark) for mark in OTHERS], own=tokens.id_of(OWN), room=room)


def _random_walk(form: Form, seed: int, most: int = 2_000) -> list[int]:
    """Tokens of a form, each of those allowed as likely as any other."""
    chance = np.random.default_rng(seed)
    found: list[int] = []
    while len(found) < most:
        allowed = form.allowed()
        assert len(allowed) > 0
        found.append(int(chance.choice(allowed)))
        if form.take(found[-1]):
            return found
    raise AssertionError("it never ends")


@pytest.mark.parametrize("room", [32, 60, 200, 2_000])
def test_whatever_chance_writes_in_the_form_of_a_turn_is_one(room: int) -> None:
    tokens = ferry_tokens()
    alphabet = Alphabet(tokens)
    for seed in range(20):
        written = _random_walk(_turn_form(alphabet, room=room), seed)
        assert len(written) <= room
        turn = read_turn(tokens.decode(written), asked())
        assert set(turn.addresses) <= {"Ann", "Anna"}
        assert len(turn.units) >= 1


def test_others_are_spoken_to_and_everybody_is_thought_of() -> None:
    alphabet, (ann, anna, own) = Alphabet(ferry_tokens()), map(ferry_tokens().id_of, (*OTHERS, OWN))
    form = _turn_form(alphabet, room=500)
    assert {ann, anna, own} <= set(form.allowed().tolist())
    form.take(alphabet.to)
    assert set(form.allowed().tolist()) == {ann, anna}
    form.take(ann)
    assert set(form.allowed().tolist()) == {alphabet.answers, alphabet.to}


def test_who_is_alone_speaks_to_nobody() -> None:
    alphabet = Alphabet(ferry_tokens())
    assert alphabet.to not in TurnForm(alphabet, [], room=500).allowed()


@pytest.mark.parametrize(("words", "fewest"), [(1, FEWEST_UNITS), (60, 30)])
def test_speech_never_repeats_a_unit_and_is_as_long_as_its_words_allow(words: int, fewest: int) -> None:
    tokens = ferry_tokens()
    alphabet = Alphabet(tokens, units=10)
    lengths = []
    for seed in range(40):
        units = read_units(tokens.decode(_random_walk(SpeechForm(alphabet, words=words, room=500), seed)))
        assert all(one != other for one, other in pairwise(units))
        assert max(units) < 10
        lengths.append(len(units))
    assert fewest <= min(lengths) < max(lengths) <= SPARE_UNITS + UNITS_A_TOKEN * words


def test_speech_and_words_keep_to_their_room() -> None:
    alphabet = Alphabet(ferry_tokens())
    for seed in range(20):
        assert len(_random_walk(SpeechForm(alphabet, words=90, room=7), seed)) <= 7
        assert len(_random_walk(WordsForm(alphabet, room=7), seed)) <= 7


def test_a_turn_says_something_that_can_be_said() -> None:
    tokens = ferry_tokens()
    alphabet = Alphabet(tokens)
    form = TurnForm(alphabet, [], room=200)
    form.take(alphabet.answers)
    dots = tokens.encode(".")[0]
    while dots in form.allowed():
        form.take(dots)
    assert np.array_equal(form.allowed(), alphabet.letters)
    form.take(int(alphabet.letters[0]))
    assert np.array_equal(form.allowed(), alphabet.styles)


@pytest.mark.parametrize("sampling", [HOT, COLD, Sampling()])
def test_a_random_model_writes_turns_that_can_be_read(sampling: Sampling, model: UnitModel) -> None:
    for seed in range(5):
        written = model.turn(_prompt(model), OTHERS, own=OWN, sampling=sampling, seed=seed)
        turn = read_turn(written.text, asked())
        assert turn.text
        assert turn.units
        assert written.tokens_in == model.count(_prompt(model))
        assert written.tokens_in + written.tokens_out <= CONTEXT


def test_a_seed_gives_the_same_answer_whatever_was_asked_before(folder: Path, model: UnitModel) -> None:
    first = model.turn(_prompt(model), OTHERS, own=OWN, sampling=HOT, seed=7)
    others = [model.turn(_prompt(model, "Ann", said=said), ["<r2>"], sampling=HOT, seed=1) for said in range(3)]
    assert model.turn(_prompt(model), OTHERS, own=OWN, sampling=HOT, seed=7) == first
    assert model.turn(_prompt(model), OTHERS, own=OWN, sampling=HOT, seed=8) != first
    assert load_unit_model(folder).turn(_prompt(model), OTHERS, own=OWN, sampling=HOT, seed=7) == first
    assert len(set(others)) == 3


def test_greedy_answers_take_the_likeliest_token_of_those_allowed(model: UnitModel) -> None:
    answers = {model.turn(_prompt(model), OTHERS, own=OWN, sampling=COLD, seed=seed).text for seed in range(4)}
    assert len(answers) == 1


def test_agents_who_heard_the_same_share_what_was_computed(folder: Path) -> None:
    model = load_unit_model(folder)
    prompt = _prompt(model, said=8, following=True)
    model.turn(_prompt(model, said=8), OTHERS, own=OWN, sampling=COLD, seed=0)
    before = model.computed_tokens
    model.chances(prompt, OTHERS)
    assert model.computed_tokens - before < model.count(prompt) - 60


def test_chances_of_roles_are_those_of_their_marks(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    theirs = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    model, tokens = load_unit_model(folder), ferry_tokens()
    prompt = _prompt(model, following=True)
    marks = ("<r0>", "<r1>", "<r2>")
    with torch.inference_mode():
        logits = theirs(torch.tensor([tokens.encode(prompt)])).logits[0, -1]
    expected = logits[[tokens.id_of(mark) for mark in marks]].softmax(-1).numpy()
    found = model.chances(prompt, marks)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert sum(found) == pytest.approx(1.0)


def test_words_are_read_aloud_and_speech_is_written_down(model: UnitModel) -> None:
    written = model.speech(read_prompt("The ferry is late.", Style("calm")), words=4, sampling=HOT, seed=1)
    assert re.fullmatch(r"(<u\d+>)+<end>", written.text)
    heard = model.words(hear_prompt(read_units(written.text)), sampling=HOT, seed=1, most=12)
    assert re.fullmatch(r"[^<]*<end>", heard.text)
    assert heard.tokens_out <= 12


def test_a_prompt_without_room_behind_it_is_refused(model: UnitModel) -> None:
    long = hear_prompt([one % UNITS for one in range(CONTEXT - 20)])
    for ask in (
        lambda: model.words(long, sampling=HOT, seed=0),
        lambda: model.turn(long, OTHERS, own=OWN, sampling=HOT, seed=0),
        lambda: model.speech(long, words=3, sampling=HOT, seed=0),
        lambda: model.chances(long, OTHERS),
    ):
        _refused(ask)


def _refused(ask: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="leaves no room"):
        ask()


@pytest.mark.parametrize("changes", [{"temperature": -0.1}, {"unit_temperature": 5.0}, {"top_p": 0.0}, {"top_p": 1.1}])
def test_sampling_has_limits(changes: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        Sampling(**changes)


def test_a_narrow_top_p_is_as_good_as_greedy(model: UnitModel) -> None:
    narrow = Sampling(temperature=1.0, unit_temperature=1.0, top_p=1e-9)
    found = model.turn(_prompt(model), OTHERS, own=OWN, sampling=narrow, seed=3)
    assert found == model.turn(_prompt(model), OTHERS, own=OWN, sampling=COLD, seed=4)


def test_a_model_that_knows_fewer_units_than_its_codec_is_refused(folder: Path) -> None:
    with pytest.raises(WeightsMissing, match=f"knows {UNITS} units, and the codec beside it 99"):
        load_unit_model(folder, units=99)


def test_weights_without_embeddings_for_the_vocabulary_are_refused(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path)
    document = (folder / "tokenizer.json").read_text()
    at = ferry_tokens().size
    # One unit more than there are embeddings.
    added = f'"<u{UNITS}>"'
    document = document.replace('"added_tokens": [', f'"added_tokens": [{{"id": {at}, "content": {added}}},', 1)
    (folder / "tokenizer.json").write_text(document)
    with pytest.raises(WeightsMissing, match=f"{at} embeddings for {at + 1} tokens"):
        load_unit_model(folder)


def test_the_digest_tells_other_weights(folder: Path, model: UnitModel, tmp_path: Path) -> None:
    assert load_unit_model(folder).digest == model.digest
    assert load_unit_model(tiny_llama(tmp_path, seed=1)).digest != model.digest
