"""What a server takes is learned from its complaints, once."""

from __future__ import annotations

import asyncio

import pytest

from speechagents.controllers.chat_format import Dialect
from speechagents.controllers.dialects import LearnedDialect
from speechagents.controllers.exchange import RefusedError
from speechagents.controllers.retrying import TransientError


class Server:
    """Refuses a schema, and remembers how it was asked."""

    def __init__(self, *, status: int = 400, says: str = "response_format is not supported") -> None:
        self.asked: list[Dialect] = []
        self._status = status
        self._says = says

    async def take(self, dialect: Dialect) -> str:
        self.asked.append(dialect)
        if dialect.answer_format == "json_schema":
            raise RefusedError(self._status, self._says)
        return "fine"


@pytest.mark.parametrize("status", [400, 422, 500])
def test_the_next_lesser_way_is_tried_and_remembered(status: int) -> None:
    server, learned = Server(status=status), LearnedDialect(Dialect())
    assert [asyncio.run(learned.ask(server.take)) for _ in range(2)] == ["fine", "fine"]
    assert [one.answer_format for one in server.asked] == ["json_schema", "json_object", "json_object"]


@pytest.mark.parametrize(("status", "says"), [(400, "too long"), (403, "response_format is not supported"), (401, "")])
def test_what_is_about_something_else_is_passed_on_and_teaches_nothing(status: int, says: str) -> None:
    server, learned = Server(status=status, says=says), LearnedDialect(Dialect())
    for _ in range(2):
        with pytest.raises(RefusedError, match=str(status)):
            asyncio.run(learned.ask(server.take))
    assert server.asked == [Dialect(), Dialect()]


def test_trouble_on_the_way_teaches_nothing() -> None:
    asked: list[Dialect] = []

    async def breaks(dialect: Dialect) -> str:
        asked.append(dialect)
        if len(asked) == 1:
            raise RefusedError(400, "unknown field: seed")
        raise TransientError("the connection broke")

    learned = LearnedDialect(Dialect())
    with pytest.raises(TransientError):
        asyncio.run(learned.ask(breaks))
    with pytest.raises(TransientError):
        asyncio.run(learned.ask(breaks))
    assert [one.seeded for one in asked] == [True, False, True]
