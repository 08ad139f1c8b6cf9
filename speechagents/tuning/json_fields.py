"""Fields of JSON objects that come from a file: read by name, each fault told with file, line, field and remedy.

Owns what JSON may be here (no field twice, none that is unknown, no number that is none, no lone surrogate) and the
errors. Does not know what the files mean.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from speechagents.errors import TuningError

_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_SHOWN: Final = 60


class JsonFields:
    """A JSON object with exactly the fields that are named.

    Args:
        values: The object, as it was decoded.
        keys: The fields that it must have; no others may be there.
        source: Name of the file.
        line: 1-based line in it; None for a file that is one object.
        path: Of the object, for messages; empty for the whole.

    Raises:
        TuningError: It is no object, or has other fields.
    """

    __slots__ = ("_line", "_path", "_source", "_values")

    def __init__(self, values: Any, keys: Sequence[str], *, source: str, line: int | None, path: str = "") -> None:
        self._source = source
        self._line = line
        self._path = path
        self._values: Mapping[str, Any] = values
        if not isinstance(values, dict):
            self.fault("", f"is no object; write {{{', '.join(keys)}}}")
        if values.keys() != set(keys):
            if missing := [key for key in keys if key not in values]:
                self.fault(missing[0], "is missing; write it")
            unknown = next(key for key in values if key not in keys)
            self.fault("", f"has the unknown field {unknown[:_SHOWN]!r}; remove it (there are {', '.join(keys)})")

    def fault(self, name: str, what: str) -> NoReturn:
        """Say that a field is wrong; without a name, that the object is."""
        raise TuningError(what, source=self._source, line=self._line, field=self._at(name))

    def text(self, name: str, *, most: int, least: int = 0) -> str:
        """A text of so many characters."""
        return self._text(self._values[name], name, least, most)

    def texts(self, name: str, *, most: int, count: int) -> tuple[str, ...]:
        """A list of at most so many texts, none of them empty."""
        return tuple(self._text(one, f"{name}[{at}]", 1, most) for at, one in enumerate(self._list(name, count)))

    def pairs(self, name: str, *, most: int, count: int) -> tuple[tuple[str, str], ...]:
        """A list of pairs of texts."""
        found = []
        for at, one in enumerate(self._list(name, count)):
            if not isinstance(one, list) or len(one) != 2:
                self.fault(f"{name}[{at}]", "is no list of two texts; write [NAME, TEXT]")
            first, second = (self._text(part, f"{name}[{at}][{side}]", 1, most) for side, part in enumerate(one))
            found.append((first, second))
        return tuple(found)

    def one_of(self, name: str, words: Sequence[str]) -> str:
        """One of several words."""
        value = self._values[name]
        if value not in words:
            self.fault(name, f"is {str(value)[:_SHOWN]!r}, none of {', '.join(words)}; write one of them")
        return str(value)

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number within limits."""
        return self._whole(self._values[name], name, low, high)

    def wholes(self, name: str, *, high: int, count: int) -> tuple[int, ...]:
        """A list of at most so many whole numbers from 0."""
        values = self._list(name, count)
        # Thousands of them in a line, nearly always right: looked at one by one only to say which is wrong.
        if values and not (set(map(type, values)) == {int} and min(values) >= 0 and max(values) <= high):
            for at, value in enumerate(values):
                self._whole(value, f"{name}[{at}]", 0, high)
        return tuple(values)

    def number(self, name: str, low: float, high: float) -> float:
        """A number within limits."""
        value = self._values[name]
        if type(value) not in (int, float) or not low <= value <= high:
            self.fault(name, f"is no number from {low:g} to {high:g}; write one")
        return float(value)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._values[name]
        if not isinstance(value, bool):
            self.fault(name, "is neither true nor false; write one of them")
        return value

    def matched(self, name: str, form: re.Pattern[str], what: str) -> str:
        """A text of a form."""
        value = self._values[name]
        if not isinstance(value, str) or not form.fullmatch(value):
            self.fault(name, f"is no {what}; write one")
        return value

    def object(self, name: str, keys: Sequence[str]) -> JsonFields:
        """An object within this one."""
        return self._within(self._values[name], keys, name)

    def objects(self, name: str, keys: Sequence[str], *, count: int) -> Sequence[JsonFields]:
        """A list of at most so many objects."""
        return [self._within(one, keys, f"{name}[{at}]") for at, one in enumerate(self._list(name, count))]

    def raw(self, name: str) -> Any:
        """A value as it is, for those who compare it with one that they know already."""
        return self._values[name]

    def raw_list(self, name: str, count: int) -> Sequence[Any]:
        """A list of at most so many values as they are."""
        return self._list(name, count)

    def entry(self, name: str, at: int, keys: Sequence[str]) -> JsonFields:
        """One object of a list that `raw_list` gave."""
        return self._within(self._values[name][at], keys, f"{name}[{at}]")

    def _within(self, value: Any, keys: Sequence[str], name: str) -> JsonFields:
        return JsonFields(value, keys, source=self._source, line=self._line, path=self._at(name))

    def _list(self, name: str, count: int) -> Sequence[Any]:
        values = self._values[name]
        if not isinstance(values, list):
            self.fault(name, "is no list; write [ … ]")
        if len(values) > count:
            self.fault(name, f"has {len(values)} entries; keep at most {count}")
        return values

    def _text(self, value: Any, name: str, least: int, most: int) -> str:
        if not isinstance(value, str):
            self.fault(name, "is no text; put it in quotes")
        if not least <= len(value) <= most:
            self.fault(name, f"has {len(value)} characters; keep to {least} to {most}")
        if not value.isascii() and _SURROGATE.search(value):
            self.fault(name, "has half a character in it (a lone surrogate); remove it")
        return value

    def _whole(self, value: Any, name: str, low: int, high: int) -> int:
        if type(value) is not int or not low <= value <= high:
            self.fault(name, f"is no whole number from {low} to {high}; write one")
        return int(value)

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path and name else self._path or name


def decoded(line: bytes, *, source: str, number: int | None, remedy: str) -> Any:
    """The value that a line of JSON in UTF-8 is.

    Args:
        line: The line; the caller limits its length.
        source: Name of the file.
        number: 1-based line in it, None for a whole file.
        remedy: What to do about a line that is none.

    Raises:
        TuningError: It is no JSON, or has a field twice or a number that is none.
    """
    try:
        return _DECODER.decode(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        reason = "too deep" if isinstance(error, RecursionError) else str(error)
        raise TuningError(f"no JSON in UTF-8 ({reason}); {remedy}", source=source, line=number) from error


def read_object(path: Path, keys: Sequence[str], *, most_bytes: int, remedy: str) -> JsonFields:
    """The only object of a file.

    Raises:
        TuningError: The file cannot be read, is too large, or holds something else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
    except OSError as error:
        raise TuningError(f"cannot be read ({error.strerror}); {remedy}", source=path.name) from error
    if len(data) > most_bytes:
        raise TuningError(f"larger than {most_bytes // 1_000_000} MB; {remedy}", source=path.name)
    value = decoded(data, source=path.name, number=None, remedy=remedy)
    return JsonFields(value, keys, source=path.name, line=None)


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


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_float=_finite, parse_constant=_no_constant)
