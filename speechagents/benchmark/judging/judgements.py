"""A judge's answers on disk, in the folder of the cell: what was answered is not asked again, whatever happened since.

Owns the file, ``judgements.jsonl``, and the key under which an answer stands. It keeps the model's own words, so that
they can be looked at, and read again. Does not know how they are read (`opinions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from speechagents.benchmark.judging.judge_server import Answer
from speechagents.benchmark.judging.opinions import FailureKind, Order
from speechagents.controllers.controller import Usage
from speechagents.controllers.grammar import MAX_ANSWER_CHARS
from speechagents.journal import Journal

JUDGEMENTS_FILE: Final = "judgements.jsonl"


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """Names an answer.

    Attributes:
        judge: Its identity.
        criteria: Names of those asked about, in forward order.
        repeat: 0-based.
        order: In which everything was shown.
        shown: Digest of all that was sent.
        pair: It is about two transcripts, not about scores.
    """

    judge: str
    criteria: tuple[str, ...]
    repeat: int
    order: Order
    shown: str
    pair: bool = False


class Judgements:
    """The answers about one cell.

    Args:
        folder: Of the cell; None keeps answers in memory alone.

    Raises:
        ProductionError: The file is damaged; the message names the line.
        StorageError: It cannot be read or written.
    """

    def __init__(self, folder: Path | None) -> None:
        self._journal = None if folder is None else Journal(folder / JUDGEMENTS_FILE)
        self._known: dict[AnswerKey, Answer] = {}
        for entry in self._journal.entries() if self._journal is not None else ():
            # An entry of another version, or one that somebody edited, counts as not there.
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                key, answer = _from_json(entry)
                self._known[key] = answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; everything is on disk already."""
        if self._journal is not None:
            self._journal.close()

    @property
    def all(self) -> Mapping[AnswerKey, Answer]:
        """Oldest first."""
        return self._known

    def find(self, key: AnswerKey) -> Answer | None:
        """The answer to a question, None if there is none yet."""
        return self._known.get(key)

    def keep(self, key: AnswerKey, answer: Answer) -> None:
        """Remember an answer; it is on disk when this returns.

        Raises:
            StorageError: The disk is full.
        """
        self._known[key] = answer
        if self._journal is not None:
            self._journal.append(_to_json(key, answer))


def _to_json(key: AnswerKey, answer: Answer) -> dict[str, Any]:
    return {
        "judge": key.judge,
        "criteria": list(key.criteria),
        "repeat": key.repeat,
        "order": key.order.value,
        "shown": key.shown,
        "pair": key.pair,
        # An answer that is longer than is read stays one.
        "text": answer.text[: MAX_ANSWER_CHARS + 1],
        "failure": answer.kind.value if answer.kind else "",
        "reason": answer.reason,
        "tokens": [answer.usage.tokens_in, answer.usage.tokens_out],
    }


def _from_json(entry: Mapping[str, Any]) -> tuple[AnswerKey, Answer]:
    repeat, pair = entry["repeat"], entry["pair"]
    if not (isinstance(repeat, int) and repeat >= 0 and isinstance(pair, bool)):
        raise TypeError("no judgement")
    key = AnswerKey(
        _text(entry["judge"]),
        tuple(map(_text, entry["criteria"])),
        repeat,
        Order(entry["order"]),
        _text(entry["shown"]),
        pair,
    )
    tokens_in, tokens_out = map(int, entry["tokens"])
    kind = FailureKind(entry["failure"]) if entry["failure"] else None
    usage = Usage(tokens_in, tokens_out)
    return key, Answer(_text(entry["text"]), kind, _text(entry["reason"]), usage, final=True)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
