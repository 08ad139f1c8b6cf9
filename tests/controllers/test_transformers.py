"""Models in this process: tiny ones with random weights, of the architectures that people load."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.audio import Audio
from speechagents.controllers import sampling
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Reply, Speaker
from speechagents.controllers.prompted import PromptedController
from speechagents.controllers.rehearsal import make_rehearsal
from speechagents.controllers.transformers import TransformersModel, make_transformers_controller
from speechagents.errors import ControllerError, SettingsError, WeightsMissing
from speechagents.events import MessageSpoken, SceneOver
from speechagents.resources import resource
from speechagents.settings import ImproviseSettings
from tests.controllers.tiny_models import BUILDERS

HEARING = ("qwen2_audio", "qwen2_5_omni")
SCHEMA = {
    "type": "object",
    "properties": {"speech": {"type": "string", "maxLength": 8}},
    "required": ["speech"],
    "additionalProperties": False,
}
Make = Callable[..., TransformersModel]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: build(tmp_path_factory.mktemp("tiny") / name) for name, build in BUILDERS.items()}


@pytest.fixture
def make(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Make:
    def made(name: str, *, grammar: bool = False, **options: Any) -> TransformersModel:
        if not grammar:
            monkeypatch.setattr(sampling, "grammar_of", lambda *_: None)
        return TransformersModel(model=str(folders[name]), device="cpu", dtype="float32", **options)

    return made


def sounds(count: int, *, seed: int = 0) -> list[Audio]:
    lot = np.random.default_rng(seed)
    return [
        Audio((0.3 * lot.standard_normal(8_000 + 1_600 * number)).astype(np.float32), 16_000) for number in range(count)
    ]


def prompts(
    count: int, heard: list[Audio] | None = None, *, grown: str = "", temperature: float = 0.0, tokens: int = 12
) -> list[Prompt]:
    """What so many agents are asked at once: the same beginning, and a line of their own."""
    stream = [Part(f"Ella, number {at}: ", sound) for at, sound in enumerate(heard or ())] or [Part("Ella: Hello.\n")]
    system = PromptMessage(Speaker.SYSTEM, (Part("You act in a play.\n"),))
    return [
        Prompt(
            (
                system,
                PromptMessage(
                    Speaker.USER,
                    (Part("A picnic.\n"), *stream, Part(f"\n{grown}End.\n"), Part(f"You are number {at}{'!' * at}.\n")),
                ),
            ),
            SCHEMA,
            max_tokens=tokens,
            temperature=temperature,
        )
        for at in range(count)
    ]


def texts(replies: list[Reply]) -> list[str]:
    assert not any(reply.error for reply in replies)
    return [reply.text for reply in replies]


def answers(model: TransformersModel, asked: list[Prompt], *, seed: int = 1) -> list[str]:
    return texts(list(model.generate(asked, seed=seed)))


@pytest.mark.parametrize("name", HEARING)
def test_twenty_five_agents_that_hear_are_one_batch(name: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(name)
    inner: Any = model._model
    rows: list[int] = []
    forward = inner.forward

    @functools.wraps(forward)
    def counted(*arguments: Any, **named: Any) -> Any:
        rows.append(len(named["input_ids"]))
        return forward(*arguments, **named)

    monkeypatch.setattr(inner, "forward", counted)
    found = answers(model, prompts(25, sounds(3)))
    assert len(found) == 25
    assert rows[0] == 1, "what all share is computed once"
    assert set(rows[1:]) == {25}, "then all agents think at once"
    assert len(rows) <= 1 + 12


@pytest.mark.parametrize("name", BUILDERS)
def test_sharing_changes_no_answer(name: str, make: Make) -> None:
    heard = sounds(2) if name in HEARING else None
    sharing, plain = make(name), make(name, reuse=False)
    wanted = answers(plain, prompts(5, heard))
    assert answers(sharing, prompts(5, heard)) == wanted
    assert len(set(wanted)) > 1
    # Once more, with fewer agents, and when the scene has grown.
    assert answers(sharing, prompts(2, heard)) == wanted[:2]
    more = "Tom said: What a day it is.\n"
    assert answers(sharing, prompts(4, heard, grown=more)) == answers(plain, prompts(4, heard, grown=more))
    longer = [*heard, *sounds(1, seed=7)] if heard else None
    assert answers(sharing, prompts(3, longer)) == answers(plain, prompts(3, longer))


@pytest.mark.parametrize("name", BUILDERS)
def test_an_answer_does_not_depend_on_who_else_is_asked(name: str, make: Make) -> None:
    model = make(name, reuse=False)
    heard = sounds(2) if name in HEARING else None
    together = answers(model, prompts(4, heard, temperature=0.8), seed=5)
    alone = [answers(model, [one], seed=5 + at)[0] for at, one in enumerate(prompts(4, heard, temperature=0.8))]
    assert together == alone
    assert together == answers(model, prompts(4, heard, temperature=0.8), seed=5)
    assert together != answers(model, prompts(4, heard, temperature=0.8), seed=6)


@pytest.mark.parametrize("name", HEARING)
def test_what_is_heard_changes_what_is_answered(name: str, make: Make) -> None:
    model = make(name)
    assert model.hears
    assert answers(model, prompts(5, sounds(2))) != answers(model, prompts(5, sounds(2, seed=9)))


def test_a_model_that_reads_does_not_hear(make: Make) -> None:
    assert not make("text").hears


@pytest.mark.parametrize("name", HEARING)
def test_sound_that_gets_lost_is_an_error(name: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make(name)
    tokenizer = model._encoder.tokenizer
    monkeypatch.setattr(
        model._encoder, "_ears", lambda *, text, **_: tokenizer(text, return_tensors="pt", padding=True)
    )
    with pytest.raises(ControllerError, match="none came out"):
        list(model.generate(prompts(2, sounds(1)), seed=1))
    monkeypatch.setattr(tokenizer, "chat_template", "{{ messages[0]['role'] }}")
    with pytest.raises(ControllerError, match="0 places for 1 sounds"):
        list(model.generate(prompts(2, sounds(1)), seed=1))


def test_a_mark_of_sound_that_somebody_says_is_no_sound(make: Make) -> None:
    model = make("qwen2_audio")
    assert len(answers(model, prompts(2, sounds(1), grown="Tom: <|AUDIO|> <|AUDIO|>\n"))) == 2


def test_tokens_are_counted(make: Make) -> None:
    (reply,) = make("text").generate(prompts(1), seed=1)
    assert 20 < reply.usage.tokens_in < 60
    assert 0 < reply.usage.tokens_out <= 12


@pytest.mark.parametrize("name", BUILDERS)
def test_what_is_shared_is_computed_once_and_counted(name: str, make: Make) -> None:
    heard = sounds(2) if name in HEARING else None
    sharing, plain = make(name), make(name, reuse=False)

    def computed(model: TransformersModel, asked: list[Prompt]) -> int:
        before = model.computed_tokens
        told = sum(reply.usage.tokens_in for reply in model.generate(asked, seed=1))
        assert model.computed_tokens - before <= told
        return model.computed_tokens - before

    whole = sum(reply.usage.tokens_in for reply in make(name).generate(prompts(5, heard), seed=1))
    assert computed(plain, prompts(5, heard)) == whole
    first = computed(sharing, prompts(5, heard))
    assert first < whole / 2
    # The shared part is there already, and a message that has come since is all of it that is new.
    again = computed(sharing, prompts(5, heard))
    assert again < first
    grown = computed(sharing, prompts(5, heard, grown="Tom said: What a day it is.\n"))
    assert again <= grown < first


def test_a_batch_that_does_not_fit_is_halved(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    model = make("text")
    wanted = answers(model, prompts(5))
    inner: Any = model._model
    rows: list[int] = []
    forward = inner.forward

    @functools.wraps(forward)
    def small(*arguments: Any, **named: Any) -> Any:
        rows.append(len(named["input_ids"]))
        if rows[-1] > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(*arguments, **named)

    monkeypatch.setattr(inner, "forward", small)
    assert answers(model, prompts(5)) == wanted
    assert {5, 2, 1} <= set(rows)

    @functools.wraps(forward)
    def full(*_: Any, **__: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(inner, "forward", full)
    (failed,) = model.generate(prompts(1), seed=1)
    assert "does not fit" in failed.error


def test_a_batch_has_a_limit(make: Make) -> None:
    assert answers(make("text", max_batch=2), prompts(5)) == answers(make("text"), prompts(5))


def test_a_grammar_keeps_even_a_random_model_to_the_schema(make: Make) -> None:
    pytest.importorskip("xgrammar")
    found = answers(make("text", grammar=True), prompts(3, temperature=0.8, tokens=60))
    for one in found:
        assert set(json.loads(one, strict=False)) == {"speech"}


def test_a_scene_is_played_to_its_end_by_a_model_that_talks_nonsense(
    folders: dict[str, Path], studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "grammar_of", lambda *_: None)
    controller = make_transformers_controller(model=str(folders["qwen2_audio"]), device="cpu")
    assert isinstance(controller, PromptedController)
    scene = resource("assets", "examples", "scenes", "city-park-picnic.yaml")
    settings = ImproviseSettings(formats=("vtt",), turns=3, hearing="audio")
    events = list(
        studio.improvise(scene, out=tmp_path / "out", actors=Actors(controller, make_rehearsal()), settings=settings)
    )
    over = next(event for event in events if isinstance(event, SceneOver))
    assert (over.turns, over.fallback_turns) == (3, 3)
    assert over.usage.tokens_in > 500
    assert all(event.message.fallback for event in events if isinstance(event, MessageSpoken) and event.thoughts)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"model": ""}, "needs a model"),
        ({"model": "x", "dtype": "int3"}, "dtype"),
        ({"model": "x", "max_batch": 0}, "batch"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        TransformersModel(**options)


def test_a_model_that_is_not_here_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="no folder"):
        TransformersModel(model=str(tmp_path / "nowhere"))
    with pytest.raises(WeightsMissing, match="hf download nobody/nothing"):
        TransformersModel(model="nobody/nothing", device="cpu")
