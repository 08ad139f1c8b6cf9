"""One endpoint: a server that speaks chat completions, how much it is given at once, and how it is doing.

Owns its requests and what each of them says of it. Does not know which endpoint is asked (`endpoints`), nor when one is
given up (`health`).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from speechagents.cluster.figures import EndpointFigures, Outcome
from speechagents.cluster.health import Health
from speechagents.controllers.chat_format import Dialect, model_names, read_reply, request_body
from speechagents.controllers.complaints import shown
from speechagents.controllers.dialects import LearnedDialect
from speechagents.controllers.exchange import (
    Limits,
    RefusedError,
    UnreachableError,
    UnusableAnswerError,
    fetch,
    http_client,
    json_content,
)
from speechagents.controllers.language_model import Prompt, Reply
from speechagents.controllers.model_server import TROUBLES, check_range
from speechagents.controllers.retrying import TransientError
from speechagents.controllers.server_address import ServerAddress
from speechagents.errors import SettingsError

MAX_ANSWER_BYTES: Final = 1_000_000
MAX_CONCURRENCY: Final = 1_024

_NAME: Final = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:\[\]-]{0,299}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_MAX_MODEL_CHARS: Final = 200
_KEYS_FAULT: Final = frozenset({401, 402, 403})
_ADDRESS_FAULT: Final = frozenset({404, 405})
_SMOOTHING: Final = 0.2
"""Weight of the latest answer in an endpoint's latency."""


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """What is known of an endpoint beforehand.

    Attributes:
        url: Base URL; without a path it gets ``/v1``.
        name: For people and figures; empty takes host and port.
        model: Its name there; empty takes the first that the server lists.
        key_variable: Name of the environment variable that holds the key; empty sends none. None takes
            ``SPEECHAGENTS_API_KEY`` or, over TLS alone, ``OPENAI_API_KEY``. No key crosses a network unencrypted.
        concurrency: Most requests at the same time.
        timeout_s: Longest wait for one whole answer, in seconds.

    Raises:
        SettingsError: Something of that cannot be; or the key would cross a network unencrypted.
    """

    url: str
    name: str = ""
    model: str = ""
    key_variable: str | None = None
    concurrency: int = 8
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        address = ServerAddress.parse(self.url)
        name = self.name or re.sub(r"^https?://|/.*$", "", address.base_url)
        if not _NAME.fullmatch(name):
            raise SettingsError(f"endpoint name {shown(name)!r} is not made of letters, digits, dots and hyphens")
        if len(self.model) > _MAX_MODEL_CHARS or not self.model.isprintable():
            raise SettingsError(f"model {shown(self.model)!r} of endpoint {name} cannot be a model's name")
        if self.key_variable and not _VARIABLE.fullmatch(self.key_variable):
            raise SettingsError(
                f"key_variable of endpoint {name} is no name of an environment variable; put the key into one, and "
                "write its name here"
            )
        check_range("concurrency", self.concurrency, 1, MAX_CONCURRENCY)
        check_range("timeout_s", self.timeout_s, 0.01, 3_600)
        address.key(self.key_variable, os.environ)
        object.__setattr__(self, "url", address.base_url)
        object.__setattr__(self, "name", name)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a request came to instead of an answer.

    Attributes:
        outcome: Its kind.
        why: For people.
        rest_s: How long the endpoint asked to be left alone, in seconds; None if it did not.
        hopeless: Every other request would come to the same.
    """

    outcome: Outcome
    why: str
    rest_s: float | None = None
    hopeless: bool = False


class Endpoint:
    """An endpoint that is being used, from within one event loop.

    Args:
        spec: What is known of it.
        figures: Kept up to date.

    Attributes:
        spec: The same.
        health: How it is doing.
        in_flight: Requests that it has been given and that are not over.
        latency_s: How long its latest answers took, on average; 0 before the first.
    """

    def __init__(self, spec: EndpointSpec, figures: EndpointFigures) -> None:
        self.spec = spec
        self.health = Health(spec.name)
        self.in_flight = 0
        self.latency_s = 0.0
        self._figures = figures
        self._address = ServerAddress.parse(spec.url)
        self._limits = Limits(spec.timeout_s, MAX_ANSWER_BYTES, spec.concurrency)
        self._client = http_client(self._address, requests=spec.concurrency)
        self._dialect = LearnedDialect(Dialect())
        self._model = spec.model
        self._choosing = asyncio.Lock()
        self._proven = False
        self.close = self._client.aclose

    @property
    def load(self) -> tuple[float, float]:
        """How busy it is, and then how slow: whoever has least of it is asked next."""
        return (self.in_flight / self.spec.concurrency, self.latency_s)

    def has_room(self, now_s: float) -> bool:
        """Whether it may be given one more request now."""
        return self.in_flight < self.spec.concurrency and self.health.is_ready(now_s)

    async def ask(self, prompt: Prompt, *, seed: int, before: Callable[[], None]) -> Reply:
        """Have a prompt answered; see `Exchange.post` for errors.

        Args:
            prompt: What is asked.
            seed: Of the answer.
            before: Called before each request that is sent; what it raises keeps it from being sent.
        """
        model = await self._likely_model()

        async def send(dialect: Dialect) -> Reply:
            before()
            return await self._send(request_body(prompt, model=model, seed=seed, dialect=dialect, encode=None))

        reply = await self._dialect.ask(send)
        usage = self._figures.usage
        self._figures.usage = usage + reply.usage
        return reply

    def answered(self, *, probe: bool) -> None:
        """An answer of it was of use."""
        self._proven = True
        self.health.answered(probe=probe)
        self._show()

    def suffered(self, trouble: Trouble, now_s: float, *, probe: bool, whose: object) -> bool:
        """A request came to nothing.

        Returns:
            Whether whoever asked may be at fault.
        """
        health, at_fault = self.health, False
        if trouble.outcome is Outcome.LIMITED:
            health.limited(trouble.why, now_s, probe=probe, rest_s=trouble.rest_s)
        elif trouble.hopeless and not self._proven:
            health.bar(trouble.why)
        elif trouble.outcome is Outcome.REFUSED and not trouble.hopeless:
            health.answered(probe=probe)  # it is well, and does not want this request
            at_fault = True
        else:
            gone = trouble.hopeless or trouble.outcome is Outcome.UNREACHABLE
            at_fault = health.failed(trouble.why, now_s, probe=probe, whose=whose, gone=gone)
        self._show()
        return at_fault

    def _show(self) -> None:
        self._figures.up, self._figures.why = self.health.is_up, self.health.why

    async def _send(self, body: dict[str, Any]) -> Reply:
        figures = self._figures
        began_s = asyncio.get_running_loop().time()
        outcome = Outcome.BROKEN_OFF
        figures.in_flight += 1
        try:
            reply = read_reply(await self._fetch("POST", "chat/completions", body))
            outcome = Outcome.ANSWERED
        except TROUBLES as error:
            outcome = trouble_of(error).outcome
            raise
        finally:
            seconds = asyncio.get_running_loop().time() - began_s
            figures.in_flight -= 1
            figures.ended(outcome, seconds)
        self.latency_s = seconds if not self.latency_s else self.latency_s + _SMOOTHING * (seconds - self.latency_s)
        return reply

    async def _likely_model(self) -> str:
        if not self._model:
            async with self._choosing:
                if not self._model:
                    names = model_names(await self._fetch("GET", "models", None))
                    if not names:
                        raise RefusedError(404, "it lists no models; load one there, or name it")
                    self._model = names[0]
        return self._model

    async def _fetch(self, method: str, path: str, body: dict[str, Any] | None) -> object:
        return await fetch(
            self._client,
            method,
            self._address.url(path),
            content=None if body is None else json_content(body),
            key=self._address.key(self.spec.key_variable, os.environ),
            limits=self._limits,
        )


def trouble_of(error: Exception) -> Trouble:
    """What an error of a request means for its endpoint."""
    why = str(error)
    if isinstance(error, UnreachableError):
        return Trouble(Outcome.UNREACHABLE, why)
    if isinstance(error, TransientError) and error.status == 429:
        return Trouble(Outcome.LIMITED, why, error.retry_after_s)
    if isinstance(error, TransientError) and error.retry_after_s is not None:
        return Trouble(Outcome.LIMITED, why, error.retry_after_s)
    if isinstance(error, RefusedError):
        if error.status in _KEYS_FAULT:
            return Trouble(Outcome.REFUSED, f"{why}; check its key, and what that may be used for", hopeless=True)
        if error.status in _ADDRESS_FAULT or error.status < 400:
            remedy = "does it have that model, and does the base URL end in /v1?"
            return Trouble(Outcome.REFUSED, f"{why}; {remedy}", hopeless=True)
        return Trouble(Outcome.REFUSED, why)
    assert isinstance(error, TransientError | UnusableAnswerError)  # noqa: S101 - there are no other troubles
    return Trouble(Outcome.FAILED, why)
