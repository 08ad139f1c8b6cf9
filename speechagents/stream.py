"""The speech message stream: the one bank that all agents read from and write to.

Owns the order of messages and their form on disk (``stream.jsonl``). Does not know who speaks next, what is remembered
of it, or how a take sounds. A message is on disk before anyone can hear of it: `MessageStream.append` returns after it
was written through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from speechagents.drama import Deed, Message, Style
from speechagents.errors import ProductionError
from speechagents.journal import Journal


class MessageStream:
    """A stream on disk, open for appending. Use it as a context manager.

    Messages are totally ordered: ids count from 1 without a gap.

    Args:
        path: Made if it does not exist.

    Raises:
        ProductionError: It is damaged; the message names the line.
    """

    def __init__(self, path: Path) -> None:
        self._journal = Journal(path)
        try:
            self._messages = [
                _message(entry, f"{path}:{number}", number) for number, entry in enumerate(self._journal.entries(), 1)
            ]
        except BaseException:
            self._journal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._journal.close()

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(tuple(self._messages))

    def __getitem__(self, id: int) -> Message:  # noqa: A002 - what messages call it
        if not 1 <= id <= len(self._messages):
            raise KeyError(id)
        return self._messages[id - 1]

    def append(self, message: Message) -> None:
        """Add the next message; it is on disk when this returns.

        Raises:
            ValueError: Its id is not the next one.
            StorageError: The disk is full; the stream is as it was.
        """
        if message.id != len(self._messages) + 1:
            raise ValueError(f"message {message.id} cannot follow message {len(self._messages)}")
        self._journal.append(message_to_json(message))
        self._messages.append(message)

    def cut(self, length: int) -> None:
        """Take back all messages after the first so many: their turn was not finished."""
        self._journal.cut(length)
        del self._messages[length:]


def read_stream(path: Path) -> tuple[Message, ...]:
    """The messages of a stream that nobody is writing.

    Raises:
        ProductionError: There is none, or it is damaged.
    """
    if not path.is_file():
        raise ProductionError(f"{path}: no message stream here; improvise a scene with --out {path.parent}")
    with MessageStream(path) as stream:
        return tuple(stream)


def message_to_json(message: Message) -> dict[str, Any]:
    """Plain values of a message, in the order they are written; speech units stand there only if it has any."""
    values = {
        "id": message.id,
        "speaker": message.speaker,
        "text": message.text,
        "deed": message.deed.value,
        "style": message.style.tag,
        "strength": message.style.strength,
        "addresses": list(message.addresses),
        "audience": list(message.audience),
        "start_s": round(message.start_s, 4),
        "end_s": round(message.end_s, 4),
        "take": message.take,
        "cut": message.cut,
        "fallback": message.fallback,
    }
    return {**values, "units": list(message.units)} if message.units else values


def message_from_json(entry: Mapping[str, Any]) -> Message:
    """A message as `message_to_json` gave it.

    Raises:
        ValueError: Something is missing or of the wrong kind.
    """
    try:
        texts = {name: entry[name] for name in ("speaker", "text", "deed", "style", "take", "fallback")}
        names = {name: entry[name] for name in ("addresses", "audience")}
        numbers = {name: entry[name] for name in ("strength", "start_s", "end_s")}
        number, cut = entry["id"], entry["cut"]
    except KeyError as error:
        raise ValueError(f"lacks {error}") from error
    if not all(isinstance(value, str) for value in texts.values()):
        raise ValueError("has something that is no text where text belongs")
    if not all(isinstance(value, list) and all(isinstance(name, str) for name in value) for value in names.values()):
        raise ValueError("has something that is no list of names where one belongs")
    if not all(type(value) in (int, float) for value in numbers.values()) or type(number) is not int:
        raise ValueError("has something that is no number where one belongs")
    return Message(
        id=number,
        speaker=texts["speaker"],
        text=texts["text"],
        deed=Deed(texts["deed"]),
        style=Style(texts["style"], float(numbers["strength"])),
        addresses=tuple(names["addresses"]),
        audience=tuple(names["audience"]),
        start_s=float(numbers["start_s"]),
        end_s=float(numbers["end_s"]),
        take=texts["take"],
        cut=cut is True,
        fallback=texts["fallback"],
        units=units_from_json(entry.get("units", [])),
    )


def units_from_json(values: object) -> tuple[int, ...]:
    """Speech units as they stand in a record.

    Raises:
        ValueError: They are no list of whole numbers.
    """
    if not isinstance(values, list) or any(type(value) is not int for value in values):
        raise ValueError("has speech units that are no list of whole numbers")
    return tuple(values)


def _message(entry: Mapping[str, Any], place: str, number: int) -> Message:
    try:
        message = message_from_json(entry)
    except ValueError as error:
        raise ProductionError(f"{place}: is no message ({error}); delete this line and all below it") from error
    if message.id != number:
        raise ProductionError(f"{place}: message {message.id} stands where {number} belongs; restore the file")
    return message
