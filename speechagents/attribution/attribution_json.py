"""An attribution as JSON: what was found in a novel is kept beside its production and never looked for twice.

Owns that form. Does not know for which text it was made; whoever keeps it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from speechagents.attribution.quotation import Attribution, Character, Gender, Quote, QuoteKind


def attribution_to_json(attribution: Attribution) -> dict[str, Any]:
    """Plain values of an attribution."""
    return {
        "characters": [
            {
                "name": one.name,
                "aliases": list(one.aliases),
                "gender": one.gender.value,
                "mentions": one.mentions,
            }
            for one in attribution.characters
        ],
        "first_person": attribution.first_person,
        "quotes": [
            {
                "spans": [list(span) for span in quote.spans],
                "speaker": quote.speaker,
                "confidence": quote.confidence,
                "kind": quote.kind.value,
                "addressee": quote.addressee,
                "tag": list(quote.tag) if quote.tag else None,
            }
            for quote in attribution.quotes
        ],
    }


def attribution_from_json(values: object) -> Attribution:
    """An attribution as `attribution_to_json` gave it.

    Raises:
        ValueError: Something is missing or of the wrong kind.
    """
    try:
        given = _mapping(values)
        return Attribution(
            characters=tuple(_character(_mapping(one)) for one in given["characters"]),
            quotes=tuple(_quote(_mapping(one)) for one in given["quotes"]),
            first_person=_name(given["first_person"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"no attribution: {error}") from error


def _character(values: Mapping[str, Any]) -> Character:
    return Character(
        name=_text(values["name"]),
        aliases=tuple(map(_text, values["aliases"])),
        gender=Gender(values["gender"]),
        mentions=_number(values["mentions"]),
    )


def _quote(values: Mapping[str, Any]) -> Quote:
    return Quote(
        spans=tuple(_span(span) for span in values["spans"]),
        speaker=_name(values["speaker"]),
        confidence=float(values["confidence"]),
        kind=QuoteKind(values["kind"]),
        addressee=_name(values["addressee"]),
        tag=_span(values["tag"]) if values["tag"] is not None else None,
    )


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("a value that is no object")
    return value


def _span(value: object) -> tuple[int, int]:
    if not isinstance(value, list) or len(value) != 2:
        raise TypeError("a span that is no pair")
    start, end = map(_number, value)
    if not 0 <= start < end:
        raise TypeError(f"a span from {start} to {end}")
    return start, end


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _name(value: object) -> str | None:
    return None if value is None else _text(value)
