"""A language model behind any server that speaks OpenAI's chat completions.

It may be a cloud's, or Ollama, LM Studio, llama.cpp or vLLM on this machine.

Owns what happens between a batch of prompts and its replies: order, how many at a time, trying again, and learning
once what the server takes. Does not know what prompts say (`prompts`), what requests look like (`chat_format`) or
how they travel (`exchange`).
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from speechagents.audio import Audio
from speechagents.controllers.chat_format import Dialect, model_names, read_reply, request_body, sound_base64
from speechagents.controllers.controller import Controller
from speechagents.controllers.exchange import Exchange, Limits, RefusedError, UnreachableError, UnusableAnswerError
from speechagents.controllers.hearing_probe import heard_sound, probe_prompt, refuses_sound
from speechagents.controllers.language_model import Prompt, Reply
from speechagents.controllers.retrying import Backoff, Sleep, TransientError, persist
from speechagents.controllers.server_address import ServerAddress
from speechagents.errors import ControllerError, SettingsError

Result = TypeVar("Result")

_TROUBLES: Final = (TransientError, RefusedError, UnusableAnswerError)
"""All that a request may come to instead of an answer."""

_STATUSES_OF_DIALECT = frozenset({400, 422, 500})
"""With these a server says that it does not take a field."""

_SHOWN_MODELS = 10


class OpenAIModel:
    """A model behind a server that speaks chat completions.

    Nothing is sent before the model is used. Connections stay open between calls; `close`, or the end of the object,
    closes them. Safe to use from several threads.

    Args:
        base_url: Of the server, for example ``http://localhost:11434/v1``; without a path it gets ``/v1``.
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
        _check_range("concurrency", concurrency, 1, 256)
        _check_range("timeout_s", timeout_s, 0.01, 3600)
        _check_range("attempts", attempts, 1, 20)
        _check_range("max_answer_bytes", max_answer_bytes, 1_000, 100_000_000)
        self._address = ServerAddress.parse(base_url)
        self._key_variable = key_variable
        self._address.key(key_variable, os.environ)
        self._limits = Limits(timeout_s=timeout_s, answer_bytes=max_answer_bytes, requests=concurrency)
        self._backoff = Backoff(attempts)
        self._sleep = sleep
        self._opening = threading.Lock()
        self._learning = threading.Lock()
        self._model = model
        self._hears = hears
        self._exchange: Exchange | None = None
        self._dialect = Dialect()
        self._proven = False

    def __repr__(self) -> str:
        return f"OpenAIModel(base_url={self._address.base_url!r}, model={self._model!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Break off what is under way and close the connections; the next use opens new ones."""
        with self._opening:
            exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.close()

    @property
    def identity(self) -> str:
        """The model's name at its server; the server has to be asked if none was given.

        Raises:
            ControllerError: It was asked and has no model, or does not answer.
        """
        return f"openai 1 {self._chosen_model()}"

    @property
    def hears(self) -> bool:
        """The model takes sound; the server is asked once unless it was said.

        Raises:
            ControllerError: The server does not answer, or refuses everything.
        """
        if self._hears is not None:
            return self._hears
        model = self._chosen_model()
        with self._learning:
            if self._hears is None:
                exchange = self._open()
                self._hears = _result_of(exchange.start(self._find_out_hearing(exchange, model)))
            return self._hears

    def generate(self, prompts: Sequence[Prompt], *, seed: int) -> Iterator[Reply]:
        """One reply for each prompt, in order, each as soon as it and those before it are there.

        All get the same seed. Closing the iterator breaks off what is under way.

        Raises:
            ControllerError: The server never worked, and now cannot be reached, or refuses key or model.
            SettingsError: The key would cross a network unencrypted.
        """
        model = self._chosen_model()
        sounds = any(part.audio is not None for prompt in prompts for one in prompt.messages for part in one.parts)
        # Agents of a scene heard the same: each sound is encoded once for all of them.
        encode = functools.cache(sound_base64) if sounds and self.hears else None
        exchange = self._open()
        replies = [
            exchange.start(self._reply(exchange, _Question(prompt, model, seed, f"{seed} {number}", encode)))
            for number, prompt in enumerate(prompts)
        ]
        try:
            for reply in replies:
                yield _result_of(reply)
        finally:
            for reply in replies:
                reply.cancel()

    def _open(self) -> Exchange:
        with self._opening:
            if self._exchange is None:
                # Bound to the address, not to this object, which could else not go before the connections do.
                key = functools.partial(self._address.key, self._key_variable, os.environ)
                self._exchange = Exchange(self._address, key=key, limits=self._limits)
            return self._exchange

    def _chosen_model(self) -> str:
        with self._learning:
            if not self._model:
                exchange = self._open()
                self._model = _result_of(exchange.start(self._first_model(exchange)))
            return self._model

    async def _first_model(self, exchange: Exchange) -> str:
        try:
            names = await self._models(exchange)
        except _TROUBLES as trouble:
            raise await self._failure(exchange, trouble, "") from trouble
        if not names:
            raise ControllerError(f"{self._address.base_url} lists no models; load one there, or name it")
        return names[0]

    async def _models(self, exchange: Exchange) -> Sequence[str]:
        listing = functools.partial(exchange.get, "models")
        return model_names(await persist(listing, backoff=self._backoff, seed="models", sleep=self._sleep))

    async def _find_out_hearing(self, exchange: Exchange, model: str) -> bool:
        asked = _Question(probe_prompt(), model, 0, "probe", sound_base64)
        try:
            async with exchange.slots:
                sounding = read_reply(await self._ask(exchange, asked))
                silent = read_reply(await self._ask(exchange, replace(asked, encode=None)))
        except _TROUBLES as trouble:
            if isinstance(trouble, RefusedError) and refuses_sound(trouble.status, trouble.said):
                return False
            raise await self._failure(exchange, trouble, model) from trouble
        self._proven = True
        return heard_sound(sounding, silent)

    async def _reply(self, exchange: Exchange, question: _Question) -> Reply:
        try:
            async with exchange.slots:
                data = await self._ask(exchange, question)
        except _TROUBLES as trouble:
            if not self._proven and _is_hopeless(trouble):
                raise await self._failure(exchange, trouble, question.model) from trouble
            return Reply("", error=str(trouble))
        self._proven = True
        return read_reply(data)

    async def _ask(self, exchange: Exchange, question: _Question) -> object:
        """Ask in fewer and fewer of the format's newer ways, and remember the first that the server takes."""
        began = dialect = self._dialect
        while True:
            send = functools.partial(exchange.post, "chat/completions", question.body(dialect))
            try:
                data = await persist(send, backoff=self._backoff, seed=question.draw, sleep=self._sleep)
            except RefusedError as refusal:
                lesser = dialect.without(refusal.said) if refusal.status in _STATUSES_OF_DIALECT else None
                if lesser is None:
                    raise
                dialect = lesser
            else:
                if self._dialect == began:
                    self._dialect = dialect
                return data

    async def _failure(self, exchange: Exchange, trouble: Exception, model: str) -> ControllerError:
        """What to tell people when a server cannot be used at all."""
        where = f"{self._address.base_url}: {trouble}"
        if isinstance(trouble, UnreachableError):
            return ControllerError(f"{where}; is the server running, and is that its address?")
        if not isinstance(trouble, RefusedError):
            return ControllerError(where)
        if trouble.status in (401, 403):
            return ControllerError(f"{where}; {self._key_remedy()}")
        if trouble.status == 404 and model:
            return ControllerError(f"{where}; {await self._model_remedy(exchange, model)}")
        return ControllerError(f"{where}; does the base URL end in /v1?" if trouble.status == 404 else where)

    def _key_remedy(self) -> str:
        variable = self._address.key_variable(self._key_variable, os.environ)
        if not variable:
            return "it was shown no key; name the environment variable that holds it with key_variable"
        if not os.environ.get(variable, "").strip():
            return f"put its key into the environment variable {variable}"
        return f"check the key in the environment variable {variable} and what it may be used for"

    async def _model_remedy(self, exchange: Exchange, model: str) -> str:
        try:
            names = await self._models(exchange)
        except _TROUBLES:
            return f"does the base URL end in /v1, and is there a model {model!r}?"
        if model in names:
            return f"it lists the model {model!r}, but has no chat completions for it"
        more = f" and {len(names) - _SHOWN_MODELS} more" if len(names) > _SHOWN_MODELS else ""
        return f"it has no model {model!r}; it has: {', '.join(names[:_SHOWN_MODELS]) or 'none'}{more}"


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


def _is_hopeless(trouble: Exception) -> bool:
    if isinstance(trouble, RefusedError):
        return trouble.status in (401, 403, 404)
    return isinstance(trouble, UnreachableError)


def _result_of(future: Future[Result]) -> Result:
    try:
        return future.result()
    except CancelledError as error:
        raise ControllerError("the model was closed while it was answering") from error
    except BaseException:
        future.cancel()
        raise


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise SettingsError(f"{name} {value!r} is not between {least:g} and {most:g}")


def make_openai_controller(**options: Any) -> Controller:
    """A controller that prompts a model behind a server.

    Args:
        options: Those of `OpenAIModel`.
    """
    from speechagents.controllers.prompted import PromptedController

    return PromptedController(OpenAIModel(**options))
