"""Requests for speech, as a server turns out to take them.

Owns asking for less and less until a server takes it, which is learnt once, and what becomes of an answer: a sound as a
whole, or piece by piece while it comes. Does not know lines and takes (`openai_speech`), what requests look like
(`openai_format`) or what sound they bring (`openai_sound`, `openai_running_sound`).
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from speechagents.audio import Audio
from speechagents.controllers.exchange import Exchange, RefusedError
from speechagents.controllers.model_server import TROUBLES, ModelServer
from speechagents.voices.openai_format import SpeechDialect, Wish, request_body
from speechagents.voices.openai_running_sound import RUNNING_FORMATS, RunningSound
from speechagents.voices.openai_sound import KINDS, decoded

Result = TypeVar("Result")

_PATH: Final = "audio/speech"
_STATUSES_OF_DIALECT: Final = frozenset({400, 422, 500})
"""With these a server says that it does not take a field."""
_LONGEST_S: Final = 20.0
_LONGEST_S_PER_CHAR: Final = 1.0
"""Longest sound of a text; ordinary speech has 0.07 s a character, a long number ten times that."""


class PieceError(Exception):
    """A piece of a line could not be spoken, and the line without it is of no use."""


class SpeechRequests:
    """What is asked of one server.

    Args:
        server: It.
        form: Format of the sound.
        rate_hz: Rate of all sound that is given back; raw samples have to come at it.

    Attributes:
        dialect: What the server is known to take.
    """

    def __init__(self, server: ModelServer, *, form: str, rate_hz: int) -> None:
        self._server = server
        self._form = form
        self._rate_hz = rate_hz
        self.dialect = SpeechDialect()

    @property
    def streams(self) -> bool:
        """Whether the format can be heard while it comes."""
        return self._form in RUNNING_FORMATS

    async def sound(self, exchange: Exchange, wish: Wish, model: str) -> Audio:
        """The whole sound of a text; see `listen` for errors."""
        return await self._served(exchange, wish, model, functools.partial(self._fetch, exchange))

    async def listen(self, exchange: Exchange, wish: Wish, model: str, heard: Callable[[Audio], None]) -> None:
        """The sound of a text while it comes. After the first piece of it no other try is made.

        Raises:
            PieceError: It cannot be spoken, or broke off.
            SynthesisError: The server cannot be used at all.
        """
        await self._served(exchange, wish, model, functools.partial(self._follow, exchange, heard))

    async def _served(
        self, exchange: Exchange, wish: Wish, model: str, attempt: Callable[[Mapping[str, Any]], Awaitable[Result]]
    ) -> Result:
        try:
            async with exchange.slots:
                result = await self._ask(wish, model, attempt)
        except TROUBLES as trouble:
            if self._server.is_hopeless(trouble):
                raise await self._server.failure(exchange, trouble, model) from trouble
            raise PieceError(str(trouble)) from trouble
        self._server.proven = True
        return result

    async def _ask(self, wish: Wish, model: str, attempt: Callable[[Mapping[str, Any]], Awaitable[Result]]) -> Result:
        """Ask for less and less, and remember the first that the server takes."""
        began = dialect = self.dialect
        while True:
            body = request_body(wish, model=model, form=self._form, dialect=dialect)
            try:
                result = await self._server.insist(functools.partial(attempt, body), draw=f"{wish.seed} {wish.voice}")
            except RefusedError as refusal:
                lesser = dialect.without(refusal.said) if refusal.status in _STATUSES_OF_DIALECT else None
                if lesser is None:
                    raise
                dialect = lesser
            else:
                if self.dialect == began:
                    self.dialect = dialect
                return result

    async def _fetch(self, exchange: Exchange, body: Mapping[str, Any]) -> Audio:
        content = await exchange.download(_PATH, body, kinds=KINDS)
        sound = decoded(content.data, form=self._form, pcm_hz=self._rate_hz, most_s=_most_s(body))
        return sound.resampled(self._rate_hz)

    async def _follow(self, exchange: Exchange, heard: Callable[[Audio], None], body: Mapping[str, Any]) -> None:
        sound = RunningSound(form=self._form, pcm_hz=self._rate_hz, rate_hz=self._rate_hz, most_s=_most_s(body))
        given = False

        def pass_on(piece: Audio | None) -> None:
            nonlocal given
            if piece is not None:
                given = True
                heard(piece)

        try:
            await exchange.listen(_PATH, body, kinds=KINDS, heard=lambda data: pass_on(sound.feed(data)))
            pass_on(sound.end())
        except TROUBLES as trouble:
            if given:
                raise PieceError(f"it broke off: {trouble}") from trouble
            raise


def _most_s(body: Mapping[str, Any]) -> float:
    return _LONGEST_S + _LONGEST_S_PER_CHAR * len(body["input"])
