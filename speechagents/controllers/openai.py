"""A language model behind any server that speaks OpenAI's chat completions.

It may be a cloud's, or Ollama, LM Studio, llama.cpp or vLLM on this machine.

Owns what happens between a batch of prompts and its replies: order, how many at a time, trying again, and learning
once what the server takes. Does not know what prompts say (`prompts`), what requests look like (`chat_format`) or
how they travel (`exchange`).
"""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

from speechagents.audio import Audio
from speechagents.controllers.chat_format import Dialect, read_reply, request_body, sound_base64
from speechagents.controllers.controller import Controller
from speechagents.controllers.dialects import LearnedDialect
from speechagents.controllers.discovery import SERVER_VARIABLE
from speechagents.controllers.exchange import Exchange, Limits, RefusedError
from speechagents.controllers.hearing_probe import heard_sound, probe_prompt, refuses_sound
from speechagents.controllers.language_model import Prompt, Reply
from speechagents.controllers.model_server import TROUBLES, ModelServer, Task
from speechagents.controllers.retrying import Sleep
from speechagents.errors import ControllerError

_TASK: Final = Task("chat completions", re.compile(""), SERVER_VARIABLE, ControllerError)


class OpenAIModel:
    """A model behind a server that speaks chat completions.

    Nothing is sent before the model is used. Connections stay open between calls; `close`, or the end of the object,
    closes them. Safe to use from several threads.

    Args:
        base_url: Of the server, for example ``http://localhost:11434/v1``; without a path it gets ``/v1``. Empty takes
            that in ``SPEECHAGENTS_SERVER``.
        model: Its name there; empty takes the first that the server lists.
        key_variable: Name of the environment variable that holds the key; empty sends none. None takes
            ``SPEECHAGENTS_API_KEY`` or, over TLS alone, ``OPENAI_API_KEY``. No key crosses a network unencrypted.
        hears: The model takes sound; None finds out with a small request, once.
        concurrency: Most requests at the same time.
        timeout_s: Longest wait for one whole answer, in seconds.
        attempts: Tries for each request, the first included.
        max_answer_bytes: Longer answers are not read.
        sleep: Waits before another try.

    Raises:
        SettingsError: An argument is out of range, or the key would cross a network unencrypted.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str = "",
        key_variable: str | None = None,
        hears: bool | None = None,
        concurrency: int = 4,
        timeout_s: float = 60.0,
        attempts: int = 4,
        max_answer_bytes: int = 1_000_000,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._server = ModelServer(
            _TASK,
            base_url=base_url,
            model=model,
            key_variable=key_variable,
            limits=Limits(timeout_s=timeout_s, answer_bytes=max_answer_bytes, requests=concurrency),
            attempts=attempts,
            sleep=sleep,
        )
        self._learning = threading.Lock()
        self._named = model
        self._hears = hears
        self._dialect = LearnedDialect(Dialect())

    def __repr__(self) -> str:
        return f"OpenAIModel(base_url={self._server.base_url!r}, model={self._named!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Break off what is under way and close the connections; the next use opens new ones."""
        self._server.close()

    @property
    def identity(self) -> str:
        """The model's name at its server; the server has to be asked if none was given.

        Raises:
            ControllerError: It was asked and has no model, or does not answer.
        """
        return f"openai 1 {self._server.model}"

    @property
    def hears(self) -> bool:
        """The model takes sound; the server is asked once unless it was said.

        Raises:
            ControllerError: The server does not answer, or refuses everything.
        """
        if self._hears is not None:
            return self._hears
        model = self._server.model
        with self._learning:
            if self._hears is None:
                exchange = self._server.open()
                self._hears = self._server.result_of(exchange.start(self._find_out_hearing(exchange, model)))
            return self._hears

    def generate(self, prompts: Sequence[Prompt], *, seed: int) -> Iterator[Reply]:
        """One reply for each prompt, in order, each as soon as it and those before it are there.

        All get the same seed. Closing the iterator breaks off what is under way.

        Raises:
            ControllerError: The server never worked, and now cannot be reached, or refuses key or model.
            SettingsError: The key would cross a network unencrypted.
        """
        model = self._server.model
        sounds = any(part.audio is not None for prompt in prompts for one in prompt.messages for part in one.parts)
        # Agents of a scene heard the same: each sound is encoded once for all of them.
        encode = functools.cache(sound_base64) if sounds and self.hears else None
        exchange = self._server.open()
        replies = [
            exchange.start(self._reply(exchange, _Question(prompt, model, seed, f"{seed} {number}", encode)))
            for number, prompt in enumerate(prompts)
        ]
        try:
            for reply in replies:
                yield self._server.result_of(reply)
        finally:
            for reply in replies:
                reply.cancel()

    async def _find_out_hearing(self, exchange: Exchange, model: str) -> bool:
        asked = _Question(probe_prompt(), model, 0, "probe", sound_base64)
        try:
            async with exchange.slots:
                sounding = read_reply(await self._ask(exchange, asked))
                silent = read_reply(await self._ask(exchange, replace(asked, encode=None)))
        except TROUBLES as trouble:
            if isinstance(trouble, RefusedError) and refuses_sound(trouble.status, trouble.said):
                return False
            raise await self._server.failure(exchange, trouble, model) from trouble
        self._server.proven = True
        return heard_sound(sounding, silent)

    async def _reply(self, exchange: Exchange, question: _Question) -> Reply:
        try:
            async with exchange.slots:
                data = await self._ask(exchange, question)
        except TROUBLES as trouble:
            if not self._server.proven and self._server.is_hopeless(trouble):
                raise await self._server.failure(exchange, trouble, question.model) from trouble
            return Reply("", error=str(trouble))
        self._server.proven = True
        return read_reply(data)

    async def _ask(self, exchange: Exchange, question: _Question) -> object:
        async def send(dialect: Dialect) -> object:
            post = functools.partial(exchange.post, "chat/completions", question.body(dialect))
            return await self._server.insist(post, draw=question.draw)

        return await self._dialect.ask(send)


@dataclass(frozen=True, slots=True)
class _Question:
    """A prompt and all that its request needs; `draw` names the draws of its waits."""

    prompt: Prompt
    model: str
    seed: int
    draw: str
    encode: Callable[[Audio], str] | None

    def body(self, dialect: Dialect) -> dict[str, Any]:
        return request_body(self.prompt, model=self.model, seed=self.seed, dialect=dialect, encode=self.encode)


def make_openai_controller(**options: Any) -> Controller:
    """A controller that prompts a model behind a server.

    Args:
        options: Those of `OpenAIModel`.
    """
    from speechagents.controllers.prompted import PromptedController

    return PromptedController(OpenAIModel(**options))
