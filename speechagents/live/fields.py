"""Untrusted JSON, read field by field with a limit on everything.

Owns what JSON may be here (no deep nesting, no field twice, no number that is none or too large, no lone surrogate)
and the error that says what is wrong and where. Does not know any event.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from speechagents.drama import MAX_NAME_CHARS, clean_name

MAX_DEPTH: Final = 12
"""Most objects and lists within one another."""

_MAX_NUMBER_CHARS: Final = 20
_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


class WireError(Exception):
    """A client event that cannot be taken; the session goes on.

    Args:
        message: What is wrong and what to do about it.
        code: For programs.
        param: Path of the field at fault, empty for none.
        event_id: Of the event at fault, as its client named it.
    """

    def __init__(self, message: str, *, code: str = "invalid_value", param: str = "", event_id: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.param = param
        self.event_id = event_id


class Fields:
    """Fields of a JSON object, read with their limits; `path` is that of the object, for messages."""

    __slots__ = ("_path", "_values")

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def has(self, name: str) -> bool:
        """Whether a field is there, and not null."""
        return self._values.get(name) is not None

    def fault(self, name: str, what: str, *, code: str = "invalid_value") -> NoReturn:
        """Say that a field is wrong."""
        path = self._at(name)
        raise WireError(f"{path} {what}", code=code, param=path)

    def text(self, name: str, *, most: int) -> str:
        """A text, empty if there is none."""
        value = self._values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.fault(name, "is no text")
        if len(value) > most:
            self.fault(name, f"has more than {most} characters", code="too_long")
        if not value.isascii() and _SURROGATE.search(value):
            self.fault(name, "has half a character in it (a lone surrogate)")
        return value

    def needed_text(self, name: str, *, most: int) -> str:
        """A text that has to be there."""
        self._need(name)
        return self.text(name, most=most) or self.fault(name, "is empty")

    def name(self, name: str) -> str:
        """A name as people write it, empty if there is none."""
        return clean_name(self.text(name, most=MAX_NAME_CHARS))

    def id(self, name: str) -> str:
        """An id, empty if there is none."""
        value = self.text(name, most=64)
        if value and not _ID.fullmatch(value):
            self.fault(name, "is no id: letters, digits and -_.: make one")
        return value

    def needed_id(self, name: str) -> str:
        """An id that has to be there."""
        self._need(name)
        return self.id(name) or self.fault(name, "is empty")

    def number(self, name: str, *, least: float, most: float) -> float | None:
        """A finite number within limits, None if there is none."""
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(name, "is no number")
        if not least <= value <= most:
            self.fault(name, f"is not between {least:g} and {most:g}")
        return value

    def whole(self, name: str, *, most: int) -> int | None:
        """A whole number from 0; one with a fraction is rounded."""
        value = self.number(name, least=0, most=most)
        return value if value is None or isinstance(value, int) else round(value)

    def needed_whole(self, name: str, *, most: int) -> int:
        """A whole number that has to be there."""
        self._need(name)
        value = self.whole(name, most=most)
        return 0 if value is None else value

    def flag(self, name: str, *, otherwise: bool) -> bool:
        """True or false."""
        value = self._values.get(name)
        if value is None:
            return otherwise
        if not isinstance(value, bool):
            self.fault(name, "is neither true nor false")
        return value

    def one_of(self, name: str, choices: tuple[str, ...]) -> str:
        """One of several words, empty if there is none."""
        value = self.text(name, most=64)
        if value and value not in choices:
            self.fault(name, f"is not one of: {', '.join(choices)}")
        return value

    def fields(self, name: str) -> Fields:
        """An object, an empty one if there is none."""
        value = self._values.get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            self.fault(name, "is no object")
        return Fields(value, self._at(name))

    def needed_fields(self, name: str) -> Fields:
        """An object that has to be there."""
        self._need(name)
        return self.fields(name)

    def several(self, name: str, *, most: int) -> Iterator[Fields]:
        """The objects of a list."""
        value = self._values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fault(name, "is no list of objects")
        if len(value) > most:
            self.fault(name, f"has more than {most} entries", code="too_long")
        return (Fields(item, f"{self._at(name)}[{index}]") for index, item in enumerate(value))

    def says_null(self, name: str) -> bool:
        """Whether a field is there and null."""
        return name in self._values and self._values[name] is None

    def _need(self, name: str) -> None:
        if not self.has(name):
            self.fault(name, "is missing", code="missing_field")

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def json_object(frame: str) -> dict[str, Any]:
    """The JSON object that a text is; the caller limits its length.

    Raises:
        WireError: It is none, or breaks a limit.
    """
    try:
        value = _DECODER.decode(frame)
    except RecursionError:
        raise WireError("is nested too deeply", code="invalid_json") from None
    except ValueError as error:
        raise WireError(f"is no JSON: {error}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise WireError("an event is a JSON object", code="invalid_json")
    # Counting costs nothing beside measuring, and nearly no frame has so many.
    if frame.count("{") + frame.count("[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise WireError(f"is nested deeper than {MAX_DEPTH} levels", code="invalid_json")
    return value


def _depth(value: object) -> int:
    depth = 0
    level = [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a field is there twice")
    return values


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _small(text: str) -> int:
    if len(text) > _MAX_NUMBER_CHARS:
        raise ValueError("a number is too large")
    return int(text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=_finite, parse_int=_small, parse_constant=_no_constant
)
