"""Asking models of a `FaultServer`: prompts, waits that take no time, and one question at a time."""

from collections.abc import Callable

from speechagents.audio import Audio
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Reply, Speaker
from speechagents.controllers.openai import OpenAIModel

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}


def prompt(text: str, *, audio: Audio | None = None, schema: dict[str, object] | None = None) -> Prompt:
    return Prompt(
        (PromptMessage(Speaker.SYSTEM, (Part("Rules."),)), PromptMessage(Speaker.USER, (Part(text, audio),))),
        schema=SCHEMA if schema is None else schema,
        max_tokens=123,
        temperature=0.5,
    )


class Waits(list[float]):
    """Waits that take no time."""

    async def sleep(self, seconds: float) -> None:
        self.append(seconds)


Make = Callable[..., OpenAIModel]


def ask(model: OpenAIModel, text: str = "Hello", *, seed: int = 7) -> Reply:
    (reply,) = model.generate([prompt(text)], seed=seed)
    return reply
