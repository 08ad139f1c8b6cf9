"""General instruction data as many publish it: a file with one conversation a line.

Owns that form and its limits. Does not know which of them are learnt from (`general`).

::

    {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}

The last message is the answer; all before it are the question, with who says what where there are several. ``task`` may
name the kind of a conversation; other fields are left alone. The question decides by a hash in which split it lies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from speechagents.errors import TuningError
from speechagents.tuning.json_fields import decoded
from speechagents.tuning.trajectory import MAX_ID_CHARS, MAX_TEXT_CHARS, Instruction, Split

MAX_FILE_BYTES: Final = 1_000_000_000
MAX_LINE_BYTES: Final = 1_000_000
MAX_MESSAGES: Final = 200
CHAT: Final = "chat"
"""Kind of a conversation that names none."""

_ROLES: Final = ("system", "user", "assistant")
_CALLED: Final = {"system": "Instructions", "user": "User", "assistant": "Assistant"}
_OF_TEN: Final = (Split.TRAIN,) * 8 + (Split.DEV, Split.TEST)
_FORM: Final = 'write {"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}'


def read_chat_file(path: Path) -> Iterator[Instruction]:
    """The conversations of a file, of all splits, in order; of equal questions the first.

    Raises:
        TuningError: It cannot be read, is too large, or a line is wrong; the message names line, field and remedy.
    """
    seen: set[bytes] = set()
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise TuningError(f"larger than {MAX_FILE_BYTES // 10**6} MB; divide it", source=path.name)
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                if not line.strip():
                    continue
                one = _Line(path, number).instruction(line)
                digest = hashlib.sha256(one.question.encode()).digest()
                if digest not in seen:
                    seen.add(digest)
                    yield one
    except OSError as error:
        raise TuningError(
            f"cannot be read ({error.strerror}); check its name and permissions", source=path.name
        ) from error


class _Line:
    """Reads a line.

    Args:
        path: Of the file.
        number: 1-based.
    """

    def __init__(self, path: Path, number: int) -> None:
        self._path = path
        self._number = number

    def instruction(self, line: bytes) -> Instruction:
        """The conversation in it."""
        if len(line) > MAX_LINE_BYTES:
            self._fault("", f"longer than {MAX_LINE_BYTES // 1000} kB; shorten it")
        value = decoded(line, source=self._path.name, number=self._number, remedy=_FORM)
        if not isinstance(value, dict) or "messages" not in value:
            self._fault("", f"no object with messages; {_FORM}")
        listed = value["messages"]
        if not isinstance(listed, list) or not 2 <= len(listed) <= MAX_MESSAGES:
            self._fault("messages", f"is no list of 2 to {MAX_MESSAGES} messages; {_FORM}")
        messages = [self._message(at, one) for at, one in enumerate(listed)]
        if messages[-1][0] != "assistant":
            self._fault(f"messages[{len(messages) - 1}].role", "is no answer; end with what the assistant says")
        if not any(role == "user" for role, _ in messages):
            self._fault("messages", "hold no question; write what the user says")
        question, answer = _question(messages[:-1]), messages[-1][1]
        for name, text in (("the question", question), ("the answer", answer)):
            if len(text) > MAX_TEXT_CHARS:
                self._fault("messages", f"hold {len(text)} characters in {name}; shorten it to {MAX_TEXT_CHARS}")
        task = value.get("task", CHAT)
        if not isinstance(task, str) or not 1 <= len(task.strip()) <= 60 or not task.isprintable():
            self._fault("task", "is no text of 1 to 60 characters; shorten it, or leave it out")
        return Instruction(
            id=f"{self._path.stem[: MAX_ID_CHARS // 2]}/{self._number}",
            split=_split(question),
            question=question,
            answer=answer,
            task=task.strip(),
        )

    def _message(self, at: int, value: Any) -> tuple[str, str]:
        field = f"messages[{at}]"
        if not isinstance(value, dict) or value.get("role") not in _ROLES:
            self._fault(f"{field}.role", f"is none of {', '.join(_ROLES)}; write one of them")
        content = value.get("content")
        if not isinstance(content, str) or not content.strip():
            self._fault(f"{field}.content", "is no text; write what is said (parts and tools are not read)")
        if any("\ud800" <= character <= "\udfff" for character in content):
            self._fault(f"{field}.content", "has half a character in it (a lone surrogate); remove it")
        return str(value["role"]), content.strip()

    def _fault(self, field: str, what: str) -> NoReturn:
        raise TuningError(what, source=self._path.name, line=self._number, field=field)


def _question(messages: Sequence[tuple[str, str]]) -> str:
    if len(messages) == 1:
        return messages[0][1]
    return "\n".join(f"{_CALLED[role]}: {content}" for role, content in messages)


def _split(question: str) -> Split:
    return _OF_TEN[int.from_bytes(hashlib.sha256(question.encode()).digest()[:8], "big") % len(_OF_TEN)]
