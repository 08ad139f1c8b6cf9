"""How chat models are asked for turns in tokens, and how their tokens are read."""

from __future__ import annotations

import functools

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("peft")

from speechagents.drama import Deed, Style, Turn
from speechagents.errors import TuningError
from speechagents.tuning.chat_acting import ChatActs
from speechagents.tuning.chat_family import ChatFamily, make_chat_family
from speechagents.tuning.recipe import Training
from tests.tuning.chat_samples import recipe, samples, turn_sample


@functools.cache
def family(max_tokens: int = 2_048) -> ChatFamily:
    return make_chat_family(recipe(training=Training(steps=1, max_tokens=max_tokens, seed=1)), samples())


def tokens(text: str) -> list[int]:
    return list(family().tokenizer(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("at", [0, 1, 6])
def test_prompts_are_token_by_token_those_that_the_model_is_taught_with(at: int) -> None:
    sample = turn_sample(at)
    example = family().example(sample)
    assert tuple(ChatActs(family()).prompt(sample.ask)) == example.ids[: example.spans[0].start]


@pytest.mark.parametrize("at", [0, 1, 6])
def test_what_it_is_taught_to_answer_is_read_as_the_turn_it_was_made_of(at: int) -> None:
    sample = turn_sample(at)
    example = family().example(sample)
    assert ChatActs(family()).turn(sample.ask, example.ids[example.spans[0].start :]) == sample.turn


def test_an_answer_ends_with_the_token_that_turns_end_with() -> None:
    sample = turn_sample(3)
    acts = ChatActs(family())
    ends = acts.ends(sample.ask)
    assert ends[0] == family().example(sample).ids[-1]
    assert ends == acts.ends(turn_sample(0).ask)
    assert family().tokenizer.eos_token_id in ends


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I took it.",
        '{"thoughts": "", "action": "speak", "addresses": [], "whisper": false, "style": "calm", "speech": "I took',
        '{"action": "fly", "speech": "Up!"}',
        '{"action": "speak", "speech": "Bo: I took it."}',
        '{"action": "speak", "speech": "..."}',
        '{"role": "Bo", "speech": "I took it."}',
    ],
)
def test_what_the_stage_would_not_take_at_the_first_asking_is_no_turn(text: str) -> None:
    assert ChatActs(family()).turn(turn_sample(0).ask, tokens(text)) is None


def test_what_the_stage_would_take_is_a_turn() -> None:
    found = ChatActs(family()).turn(turn_sample(0).ask, tokens('{"style": "angry", "speech": "Where is it, Bo?"}'))
    assert found == Turn("Ann", Deed.SPEAK, "Where is it, Bo?", Style("angry"))


def test_any_tokens_are_read_without_an_error() -> None:
    acts, ask = ChatActs(family()), turn_sample(0).ask
    size = len(family().tokenizer)
    for first in range(0, size, 97):
        acts.turn(ask, [(first + 13 * at) % size for at in range(40)])


def test_old_messages_make_room_for_an_answer() -> None:
    ask = turn_sample(6).ask
    whole = ChatActs(family()).prompt(ask)
    shorter = ChatActs(family(len(whole))).prompt(ask)
    assert len(shorter) < len(whole)
    with pytest.raises(TuningError, match=r"training\.max_tokens: .* there is room for 64"):
        ChatActs(family(64)).prompt(ask)
