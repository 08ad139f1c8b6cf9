"""What a server takes of a format, learned from its complaints: the newest way is tried first, lesser ones after it.

Owns what is remembered between requests. Does not know any format (`chat_format`), nor how requests travel
(`exchange`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Generic, Protocol, Self, TypeVar

from speechagents.controllers.exchange import RefusedError

Answer = TypeVar("Answer")
Format = TypeVar("Format", bound="Lessens")

STATUSES_OF_DIALECT: Final = frozenset({400, 422, 500})
"""With these a server says that it does not take a field."""


class Lessens(Protocol):
    """A dialect that something can be left out of."""

    def without(self, complaint: str) -> Self | None:
        """The next one to try after a server's complaint; None if it is not about what the server takes."""


class LearnedDialect(Generic[Format]):
    """The dialect of one server. Safe to use from several threads.

    Args:
        newest: What is tried first.
    """

    def __init__(self, newest: Format) -> None:
        self._dialect = newest

    async def ask(self, send: Callable[[Format], Awaitable[Answer]]) -> Answer:
        """Ask in fewer and fewer of the format's newer ways, and remember the first that the server takes.

        Args:
            send: Asks in one way.

        Raises:
            RefusedError: The server refuses for another reason, or takes nothing at all.
        """
        began = dialect = self._dialect
        while True:
            try:
                answer = await send(dialect)
            except RefusedError as refusal:
                lesser = dialect.without(refusal.said) if refusal.status in STATUSES_OF_DIALECT else None
                if lesser is None:
                    raise
                dialect = lesser
            else:
                if self._dialect == began:
                    self._dialect = dialect
                return answer
