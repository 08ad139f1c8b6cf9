"""A judge's server: questions go in, answers come out as they are ready, and whatever goes wrong has a kind.

Owns what happens between questions and answers: how many at a time, the budget, when to stop asking, and what of the
format the server takes. Does not know what is asked (`judge_prompt`), nor what an answer says (`opinions`).

`controllers.openai` asks the same way, and tells troubles in words alone: here they are counted by kind.
"""

from __future__ import annotations

import asyncio
import functools
import re
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from speechagents.audio import Audio
from speechagents.benchmark.judging.opinions import FailureKind
from speechagents.benchmark.judging.purse import Cost, Purse
from speechagents.controllers.chat_format import Dialect, read_reply, request_body, sound_base64
from speechagents.controllers.controller import Usage
from speechagents.controllers.dialects import LearnedDialect
from speechagents.controllers.discovery import SERVER_VARIABLE
from speechagents.controllers.exchange import Exchange, Limits, RefusedError, UnusableAnswerError
from speechagents.controllers.hearing_probe import heard_sound, probe_prompt, refuses_sound
from speechagents.controllers.language_model import Prompt, Reply
from speechagents.controllers.model_server import TROUBLES, ModelServer, Task
from speechagents.controllers.retrying import Sleep
from speechagents.errors import ControllerError

GIVE_UP: Final = 8
"""After so many troubles in a row a server is not asked any more: each may have taken minutes."""

_TASK: Final = Task("judging", re.compile(""), SERVER_VARIABLE, ControllerError)
_PASSING: Final = frozenset({FailureKind.TIMED_OUT, FailureKind.UNREACHABLE})

Tag = TypeVar("Tag")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a question.

    Attributes:
        text: The model's words, untrusted; empty if `kind` is there.
        kind: Why there are none.
        reason: The same for people.
        usage: Tokens.
        final: The model had its say, and would say the same again: it need not be asked twice.
    """

    text: str = ""
    kind: FailureKind | None = None
    reason: str = ""
    usage: Usage = field(default_factory=Usage)
    final: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Question(Generic[Tag]):
    """A prompt to answer.

    Attributes:
        tag: Comes back with the answer.
        prompt: What is asked; not used where there is an answer.
        seed: Of the model.
        answer: That of an earlier run, or why it is not to be asked at all; None asks.
    """

    tag: Tag
    prompt: Prompt
    seed: int
    answer: Answer | None = None


class JudgeServer:
    """A model behind a server that speaks chat completions. Nothing is sent before it is used.

    Args:
        base_url: Of the server; without a path it gets ``/v1``. Empty takes that in ``SPEECHAGENTS_SERVER``.
        model: Its name there; empty takes the first that the server lists.
        key_variable: Name of the environment variable that holds the key, as for `ModelServer`.
        concurrency: Most questions at the same time.
        timeout_s: Longest wait for one whole answer, in seconds.
        attempts: Tries for each question, the first included, where the trouble may pass.
        sleep: Waits before another try.

    Raises:
        SettingsError: An argument is out of range, or the key would cross a network unencrypted.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str,
        key_variable: str | None,
        concurrency: int,
        timeout_s: float,
        attempts: int,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._server = ModelServer(
            _TASK,
            base_url=base_url,
            model=model,
            key_variable=key_variable,
            limits=Limits(timeout_s=timeout_s, answer_bytes=1_000_000, requests=concurrency),
            attempts=attempts,
            sleep=sleep,
        )
        self._concurrency = concurrency
        self._dialect = LearnedDialect(Dialect())
        self._hears: bool | None = None

    def close(self) -> None:
        """Break off what is under way and close the connections; the next use opens new ones."""
        self._server.close()

    @property
    def model(self) -> str:
        """Name of the model; the server is asked, once, if none was given.

        Raises:
            ControllerError: It was asked and has no model, or does not answer.
        """
        return self._server.model

    @property
    def hears(self) -> bool:
        """The model takes sound; found out once, with a small question.

        Raises:
            ControllerError: The server does not answer, or refuses everything.
        """
        if self._hears is None:
            exchange, model = self._server.open(), self.model
            self._hears = self._server.result_of(exchange.start(self._find_out_hearing(exchange, model)))
        return self._hears

    def answers(self, questions: Iterable[Question[Tag]], purse: Purse) -> Generator[tuple[Tag, Answer], None, None]:
        """Answers as they come. Questions are drawn when there is room for them, and no sooner.

        Closing the iterator breaks off what is under way.

        Args:
            questions: Any number.
            purse: What they may cost. What it does not allow for is not asked.

        Raises:
            ControllerError: The server never worked, and now cannot be reached, or refuses key or model.
            SettingsError: The key would cross a network unencrypted.
        """
        drawn = iter(questions)
        running: dict[Future[Answer], tuple[Question[Tag], Cost]] = {}
        troubles = 0
        following = next(drawn, None)
        try:
            while following is not None or running:
                if following is not None and following.answer is not None:
                    yield following.tag, following.answer
                    following = next(drawn, None)
                    continue
                if following is not None and len(running) < self._concurrency and troubles < GIVE_UP:
                    cost = Cost.of(following.prompt)
                    if purse.set_aside(cost.most):
                        running[self._start(following)] = (following, cost)
                        following = next(drawn, None)
                        continue
                if not running:
                    if following is not None:
                        yield following.tag, _not_asked(troubles, purse)
                        following = next(drawn, None)
                    continue
                # What was set aside may be more than is needed in the end: then there is room again.
                for done in sorted(wait(running, return_when=FIRST_COMPLETED).done, key=list(running).index):
                    answer = self._server.result_of(done)
                    question, cost = running.pop(done)
                    # What came too late was worked on; nobody says for how long.
                    worked = answer.final or answer.kind is FailureKind.TIMED_OUT
                    purse.settle(cost.most, cost.used(answer.usage, len(answer.text)) if worked else 0)
                    troubles = troubles + 1 if answer.kind in _PASSING else 0
                    yield question.tag, answer
        finally:
            for future, (_, cost) in running.items():
                future.cancel()
                purse.settle(cost.most, 0)

    def _start(self, question: Question[Tag]) -> Future[Answer]:
        model, exchange = self.model, self._server.open()
        return exchange.start(self._answer(exchange, question.prompt, model, question.seed))

    async def _answer(self, exchange: Exchange, prompt: Prompt, model: str, seed: int) -> Answer:
        try:
            async with exchange.slots:
                data = await self._ask(exchange, prompt, model, seed, sound_base64)
        except TROUBLES as trouble:
            if not self._server.proven and self._server.is_hopeless(trouble):
                raise await self._server.failure(exchange, trouble, model) from trouble
            return Answer(kind=_kind_of(trouble), reason=str(trouble))
        self._server.proven = True
        return _read(data, read_reply(data))

    async def _ask(
        self, exchange: Exchange, prompt: Prompt, model: str, seed: int, encode: Callable[[Audio], str] | None
    ) -> object:
        async def send(dialect: Dialect) -> object:
            body = request_body(prompt, model=model, seed=seed, dialect=dialect, encode=encode)
            post = functools.partial(exchange.post, "chat/completions", body)
            return await self._server.insist(post, draw=f"judge {seed}")

        return await self._dialect.ask(send)

    async def _find_out_hearing(self, exchange: Exchange, model: str) -> bool:
        prompt = probe_prompt()
        try:
            async with exchange.slots:
                sounding = read_reply(await self._ask(exchange, prompt, model, 0, sound_base64))
                silent = read_reply(await self._ask(exchange, prompt, model, 0, None))
        except TROUBLES as trouble:
            if isinstance(trouble, RefusedError) and refuses_sound(trouble.status, trouble.said):
                return False
            raise await self._server.failure(exchange, trouble, model) from trouble
        self._server.proven = True
        return heard_sound(sounding, silent)


def _read(data: object, reply: Reply) -> Answer:
    if not reply.error:
        return Answer(reply.text, usage=reply.usage, final=True)
    choice = _choice(data)
    if choice is None:
        # Some relays wrap the troubles of the server behind them in a good answer: they may pass.
        return Answer(kind=FailureKind.UNREACHABLE, reason=reply.error, usage=reply.usage)
    message = choice.get("message")
    declined = choice.get("finish_reason") == "content_filter" or (
        isinstance(message, dict) and bool(message.get("refusal"))
    )
    kind = FailureKind.REFUSED if declined else FailureKind.MALFORMED
    return Answer(kind=kind, reason=reply.error, usage=reply.usage, final=True)


def _choice(data: object) -> dict[str, object] | None:
    choices = data.get("choices") if isinstance(data, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def _kind_of(trouble: Exception) -> FailureKind:
    if isinstance(trouble, RefusedError):
        return FailureKind.REFUSED
    if isinstance(trouble, UnusableAnswerError):
        return FailureKind.MALFORMED
    return FailureKind.TIMED_OUT if isinstance(trouble.__cause__, TimeoutError) else FailureKind.UNREACHABLE


def _not_asked(troubles: int, purse: Purse) -> Answer:
    if troubles >= GIVE_UP:
        reason = f"the server was not asked any more after {troubles} troubles in a row"
    else:
        reason = f"the budget of {purse.tokens} tokens is used up"
    return Answer(kind=FailureKind.UNASKED, reason=reason)
