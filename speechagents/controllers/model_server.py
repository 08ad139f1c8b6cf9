"""A model server as a back end uses it: opened when first needed, and asked again where that helps.

Owns that, the choice of a model where none was named, and what to tell people when it cannot be used at all. Does not
know what is asked of the model (`voices`, `listeners`), nor how requests travel (`exchange`).
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Final, TypeVar

from speechagents.controllers.chat_format import model_names
from speechagents.controllers.exchange import Exchange, Limits, RefusedError, UnreachableError, UnusableAnswerError
from speechagents.controllers.retrying import Backoff, Sleep, TransientError, persist
from speechagents.controllers.server_address import ServerAddress
from speechagents.errors import SettingsError, SpeechAgentsError

Result = TypeVar("Result")

TROUBLES: Final = (TransientError, RefusedError, UnusableAnswerError)
"""All that a request may come to instead of an answer."""

_SHOWN_MODELS: Final = 10


@dataclass(frozen=True, slots=True)
class Task:
    """What a server is used for.

    Attributes:
        name: For people: ``speech``.
        models: Which names of models are likely to do it.
        variable: Environment variable with the base URL of a server for it, where no other was named.
        error: What is raised where the server cannot be used for it.
    """

    name: str
    models: re.Pattern[str]
    variable: str
    error: Callable[[str], SpeechAgentsError]


class ModelServer:
    """A server, and the model there. Nothing is sent before it is used; safe to use from several threads.

    Args:
        task: What for.
        base_url: Of the server; without a path it gets ``/v1``. Empty takes that in `Task.variable`.
        model: Its name there; empty takes the first in the server's list that is likely to do the task.
        key_variable: Name of the environment variable that holds the key; empty sends none. None takes
            ``SPEECHAGENTS_API_KEY`` or, over TLS alone, ``OPENAI_API_KEY``. No key crosses a network unencrypted.
        limits: For each request.
        attempts: Tries for each request, the first included.
        sleep: Waits before another try.

    Attributes:
        proven: It has done its task; from then on a refusal is about one request alone.

    Raises:
        SettingsError: An argument is out of range, or the key would cross a network unencrypted.
    """

    def __init__(
        self,
        task: Task,
        *,
        base_url: str,
        model: str,
        key_variable: str | None,
        limits: Limits,
        attempts: int,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        check_range("concurrency", limits.requests, 1, 256)
        check_range("timeout_s", limits.timeout_s, 0.01, 3600)
        check_range("attempts", attempts, 1, 20)
        check_range("max_answer_bytes", limits.answer_bytes, 1_000, 1_000_000_000)
        address = base_url or os.environ.get(task.variable, "").strip()
        if not address:
            raise SettingsError(
                f"no server for {task.name} is named; give its base_url, like http://localhost:8000/v1, or put it into "
                f"the environment variable {task.variable}"
            )
        self._address = ServerAddress.parse(address)
        self._address.key(key_variable, os.environ)
        self._task = task
        self._key_variable = key_variable
        self._limits = limits
        self._backoff = Backoff(attempts)
        self._sleep = sleep
        self._opening = threading.Lock()
        self._choosing = threading.Lock()
        self._model = model
        self._exchange: Exchange | None = None
        self.proven = False

    @property
    def base_url(self) -> str:
        """Where it is."""
        return self._address.base_url

    @property
    def model(self) -> str:
        """Name of the model; the server is asked, once, if none was given.

        Raises:
            SpeechAgentsError: It was asked and has no model, or does not answer; of the task's kind.
        """
        with self._choosing:
            if not self._model:
                exchange = self.open()
                self._model = self.result_of(exchange.start(self._likely_model(exchange)))
            return self._model

    def open(self) -> Exchange:
        """The connections, which stay open between calls."""
        with self._opening:
            if self._exchange is None:
                # Bound to the address, not to this object, which could else not go before the connections do.
                key = functools.partial(self._address.key, self._key_variable, os.environ)
                self._exchange = Exchange(self._address, key=key, limits=self._limits)
            return self._exchange

    def close(self) -> None:
        """Break off what is under way and close the connections; the next use opens new ones."""
        with self._opening:
            exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.close()

    def result_of(self, future: Future[Result]) -> Result:
        """What became of work that was started in the exchange."""
        try:
            return future.result()
        except CancelledError as error:
            raise self._task.error("the server was closed while it was answering") from error
        except BaseException:
            future.cancel()
            raise

    async def insist(self, attempt: Callable[[], Awaitable[Result]], *, draw: str) -> Result:
        """Ask, and ask again where the trouble may pass; `draw` names the draws of the waits.

        Raises:
            TransientError: The last try failed too.
            RefusedError: The server does not want this request.
            UnusableAnswerError: The answer is of no use.
        """
        return await persist(attempt, backoff=self._backoff, seed=draw, sleep=self._sleep)

    def is_hopeless(self, trouble: Exception) -> bool:
        """Whether every other request would come to the same."""
        if isinstance(trouble, UnreachableError):
            return True
        if not isinstance(trouble, RefusedError):
            return False
        return trouble.status == 401 or (not self.proven and trouble.status in (403, 404))

    async def failure(self, exchange: Exchange, trouble: Exception, model: str = "") -> SpeechAgentsError:
        """What to tell people when it cannot be used at all."""
        where = f"{self.base_url}: {trouble}"
        if isinstance(trouble, UnreachableError):
            return self._task.error(f"{where}; is the server running, and is that its address?")
        if not isinstance(trouble, RefusedError):
            return self._task.error(where)
        if trouble.status in (401, 403):
            return self._task.error(f"{where}; {self._key_remedy()}")
        if trouble.status == 404 and model:
            return self._task.error(f"{where}; {await self._model_remedy(exchange, model)}")
        return self._task.error(f"{where}; does the base URL end in /v1?" if trouble.status == 404 else where)

    async def _likely_model(self, exchange: Exchange) -> str:
        try:
            names = await self._models(exchange)
        except TROUBLES as trouble:
            raise await self.failure(exchange, trouble) from trouble
        if not names:
            raise self._task.error(f"{self.base_url} lists no models; load one there, or name it")
        return next((name for name in names if self._task.models.search(name.casefold())), names[0])

    async def _models(self, exchange: Exchange) -> Sequence[str]:
        return model_names(await self.insist(functools.partial(exchange.get, "models"), draw="models"))

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
        except TROUBLES:
            return f"does the base URL end in /v1, and is there a model {model!r} for {self._task.name}?"
        if model in names:
            return f"it lists the model {model!r}, but has no {self._task.name} for it"
        more = f" and {len(names) - _SHOWN_MODELS} more" if len(names) > _SHOWN_MODELS else ""
        return f"it has no model {model!r}; it has: {', '.join(names[:_SHOWN_MODELS]) or 'none'}{more}"


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Refuse an option that is out of range.

    Raises:
        SettingsError: It is.
    """
    if not least <= value <= most:
        raise SettingsError(f"{name} {value!r} is not between {least:g} and {most:g}")
