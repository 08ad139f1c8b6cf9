"""The answers that models give: their JSON Schemas, and strict parsers from untrusted text to values.

Owns the form of answers and what is made of one that is nearly right. Does not know how they are asked for (`prompts`).

The schemas are the same for every scene, so that servers compile each of them once, and no name out of a scene file
stands in what a server may show its model as instructions. They use only what all servers take: no lengths, no
patterns; the parsers hold to those.

What a parser lets pass: keys that nobody asked for are not read, so they give nobody any authority; a field that was
left out, or is null, has its default; an unknown style becomes the nearest known one; addressees who do not play are
dropped. What it refuses: a field of the wrong type, a number out of range, an answer in somebody else's name, words
that cannot be spoken, a whisper to nobody.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final

from speechagents.controllers.complaints import shown
from speechagents.controllers.controller import (
    AgentInput,
    Bid,
    Critique,
    DirectorInput,
    Judgement,
    Ledger,
)
from speechagents.controllers.plain_speech import deed_of, labelled, speech_of, starts_with_name
from speechagents.controllers.quoting import Names
from speechagents.drama import Deed, Style, Turn, role_key
from speechagents.scripts.scene_file import clean_text
from speechagents.scripts.spoken import is_speakable
from speechagents.styles import STYLES, style_from_words

MAX_ANSWER_CHARS: Final = 16_000
"""Longest answer that is read."""
MAX_THOUGHTS_CHARS: Final = 1_000
MAX_REASON_CHARS: Final = 300
MAX_FACT_CHARS: Final = 200
MAX_FACTS: Final = 6
"""Most new facts of one ledger."""

_STAGE_LABELS: Final = ("narrator", "director", "system", "assistant", "user")
_SPEAKER_KEYS: Final = ("role", "speaker", "name", "character", "agent")
_THOUGHT: Final = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_ACTIONS: Final = {deed.value: deed for deed in (Deed.SPEAK, Deed.ACT, Deed.LEAVE, Deed.SILENT)}
_LEAVES: Final = "leaves"


class BadAnswerError(Exception):
    """An answer that cannot be used; the message says what is wrong with it, to people and to the model."""


def object_schema(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object that has these fields and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT: Final[Mapping[str, Any]] = {"type": "string"}
TEXTS: Final[Mapping[str, Any]] = {"type": "array", "items": TEXT}
_NUMBER: Final[Mapping[str, Any]] = {"type": "number"}
_TRUTH: Final[Mapping[str, Any]] = {"type": "boolean"}
_JUDGED: Final[Mapping[str, Any]] = object_schema(reason=TEXT, holds=_TRUTH)

TURN_SCHEMA: Final[Mapping[str, Any]] = object_schema(
    thoughts=TEXT,
    action={"type": "string", "enum": list(_ACTIONS)},
    addresses=TEXTS,
    whisper=_TRUTH,
    style={"type": "string", "enum": list(STYLES)},
    strength=_NUMBER,
    speech=TEXT,
)
BID_SCHEMA: Final[Mapping[str, Any]] = object_schema(reason=TEXT, want=_NUMBER, interrupts=_TRUTH)
CRITIQUE_SCHEMA: Final[Mapping[str, Any]] = object_schema(advice=TEXT, score=_NUMBER)
LEDGER_SCHEMA: Final[Mapping[str, Any]] = object_schema(
    facts=TEXTS,
    progress=_JUDGED,
    in_loop=_JUDGED,
    done=_JUDGED,
    beat={"type": "integer"},
    plan=TEXT,
    next_reason=TEXT,
    next_role=TEXT,
    note=TEXT,
)


def parse_turn(text: str, ask: AgentInput) -> Turn:
    """The turn in an answer.

    Raises:
        BadAnswerError: It cannot be used.
    """
    answer = Fields(read_object(text))
    names = Names.of(ask.scene)
    own = tuple(dict.fromkeys((ask.role.name, *_spellings(names, ask.role.name))))
    for key in _SPEAKER_KEYS:
        somebody = answer.text(key, MAX_REASON_CHARS)
        if somebody and role_key(names.find(somebody) or somebody) != ask.role.key:
            raise BadAnswerError(f"it is in the name of {shown(somebody)}, not of {shown(ask.role.name)}")
    action = answer.text("action", MAX_REASON_CHARS) or Deed.SPEAK.value
    deed = _ACTIONS.get(action.casefold())
    if deed is None:
        raise BadAnswerError(f"action {shown(action)!r} is none of {', '.join(_ACTIONS)}")
    said = answer.raw_text("speech")
    others = [name for name in (*names.all, *_STAGE_LABELS) if role_key(names.find(name) or name) != ask.role.key]
    if deed is not Deed.SILENT and (other := labelled(said, others)) is not None:
        raise BadAnswerError(
            f"it speaks for {shown(names.find(other) or other)}; speak for {shown(ask.role.name)} alone"
        )
    addresses = tuple(
        dict.fromkeys(
            name
            for written in answer.texts("addresses")
            if (name := names.find(written)) is not None and role_key(name) != ask.role.key
        )
    )
    private = answer.truth("whisper") and deed is not Deed.SILENT
    if private and not any(role_key(name) in map(role_key, ask.present) for name in addresses):
        raise BadAnswerError("it whispers to nobody who is here; name them in addresses")
    return Turn(
        role=ask.role.name,
        deed=deed,
        text=_words_of(deed, said, own, others),
        style=_style(answer),
        thoughts=answer.text("thoughts", MAX_THOUGHTS_CHARS),
        addresses=addresses,
        private=private,
    )


def parse_bid(text: str, ask: AgentInput) -> Bid:
    """The bid in an answer.

    Raises:
        BadAnswerError: It cannot be used.
    """
    answer = Fields(read_object(text))
    return Bid(
        role=ask.role.name,
        want=answer.share("want"),
        interrupts=answer.truth("interrupts"),
        reason=answer.text("reason", MAX_REASON_CHARS),
    )


def parse_critique(text: str) -> Critique:
    """The critique in an answer.

    Raises:
        BadAnswerError: It cannot be used.
    """
    answer = Fields(read_object(text))
    return Critique(answer.share("score"), answer.text("advice", MAX_REASON_CHARS))


def parse_ledger(text: str, ask: DirectorInput) -> Ledger:
    """The ledger in an answer; beats are counted from 1 there.

    Raises:
        BadAnswerError: It cannot be used: somebody is next who is not here, or a beat that is not at hand.
    """
    answer = Fields(read_object(text))
    beats = len(ask.scene.beats)
    beat = 0
    if beats:
        beat = answer.whole("beat", default=ask.beat + 1) - 1
        if not max(0, ask.beat - 1) <= beat < beats:
            raise BadAnswerError(f"beat {beat + 1} is not between {max(1, ask.beat)} and {beats}")
    wanted = answer.text("next_role", MAX_REASON_CHARS)
    following = Names.of(ask.scene).find(wanted) if wanted else ""
    if following is None or (following and role_key(following) not in map(role_key, ask.present)):
        raise BadAnswerError(f"next_role {shown(wanted)!r} is nobody who is here")
    return Ledger(
        facts=tuple(clean for fact in answer.texts("facts")[:MAX_FACTS] if (clean := bounded(fact, MAX_FACT_CHARS))),
        plan=answer.text("plan", MAX_REASON_CHARS),
        beat=beat,
        progress=_judgement(answer, "progress"),
        in_loop=_judgement(answer, "in_loop"),
        done=_judgement(answer, "done"),
        next_role=following,
        next_reason=answer.text("next_reason", MAX_REASON_CHARS),
        note=answer.text("note", MAX_REASON_CHARS),
    )


def read_object(text: str, limit: int = MAX_ANSWER_CHARS) -> dict[str, Any]:
    """The one JSON object in an answer; a fence, words and spelt-out thoughts around it do no harm.

    Raises:
        BadAnswerError: It is too long, or holds no object, a broken one, several, or one with a key twice.
    """
    if len(text) > limit:
        raise BadAnswerError(f"it is longer than {limit} characters")
    if (thought := _THOUGHT.match(text)) is not None:
        text = text[thought.end() :]
    start = text.find("{")
    if start < 0:
        raise BadAnswerError("it holds no JSON object")
    try:
        # Line ends within strings do no harm, and small models write them.
        decoder = json.JSONDecoder(strict=False, object_pairs_hook=_unique, parse_constant=_no_number)
        value, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        ends = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip())
        broken = "it ends within its JSON object" if ends else "its JSON is broken"
        raise BadAnswerError(f"{broken} ({error.msg} at character {error.pos + 1})") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or nested too deeply
        raise BadAnswerError("its JSON is beyond all measure") from None
    if "{" in text[end:]:
        raise BadAnswerError("it holds more than one JSON object")
    return dict(value)


def bounded(text: str, limit: int) -> str:
    """A text in one line of visible characters, cut."""
    return clean_text(text[: 4 * limit])[:limit].strip()


class Fields:
    """The fields of an answer, each checked for what it is.

    Args:
        values: As parsed from JSON.
        path: Where they stand, for messages.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path

    def raw_text(self, key: str) -> str:
        """A text as it was written; empty if it is not there.

        Raises:
            BadAnswerError: It is no text; so for the other methods.
        """
        value = self._values.get(key)
        if value is None:
            return ""
        return value if isinstance(value, str) else self._refuse(key, "a text")

    def text(self, key: str, limit: int) -> str:
        """A text in one line, cut."""
        return bounded(self.raw_text(key), limit)

    def texts(self, key: str) -> list[str]:
        """A list of texts as they were written; none if it is not there."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self._refuse(key, "a list of texts")
        return list(value)

    def truth(self, key: str) -> bool:
        """A truth value; false if it is not there."""
        value = self._values.get(key)
        return value if isinstance(value, bool) else value is not None and self._refuse(key, "true or false")

    def number(self, key: str) -> float | None:
        """A finite number, None if it is not there."""
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(key, "a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        return number if math.isfinite(number) else self._refuse(key, "a finite number")

    def share(self, key: str) -> float:
        """A number from 0 to 1 that must be there."""
        value = self.number(key)
        return value if value is not None and 0.0 <= value <= 1.0 else self._refuse(key, "a number from 0 to 1")

    def whole(self, key: str, *, default: int) -> int:
        """A whole number."""
        value = self._values.get(key)
        if value is None:
            return default
        return value if isinstance(value, int) and not isinstance(value, bool) else self._refuse(key, "a whole number")

    def inner(self, key: str) -> Fields:
        """The fields of an object that must be there."""
        value = self._values.get(key)
        return Fields(value, f"{self._path}{key}.") if isinstance(value, dict) else self._refuse(key, "an object")

    def list_of_fields(self, key: str) -> list[Fields]:
        """The fields of each object in a list; none if it is not there."""
        value = self._values.get(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self._refuse(key, "a list of objects")
        return [Fields(one, f"{self._path}{key}[{number}].") for number, one in enumerate(value)]

    def _refuse(self, key: str, wanted: str) -> Any:
        found = "missing" if self._values.get(key) is None else f"not {wanted}"
        raise BadAnswerError(f"{self._path}{key} is {found}" + (f"; write {wanted}" if found == "missing" else ""))


def _words_of(deed: Deed, said: str, own: tuple[str, ...], others: list[str]) -> str:
    """The text of a turn, clean."""
    if deed is Deed.SILENT:
        return ""
    if deed is Deed.SPEAK:
        words = speech_of(said, own)
        if not is_speakable(words):
            raise BadAnswerError("nothing in its speech can be spoken")
        return words
    words = deed_of(said, own)
    if (other := next((name for name in others if starts_with_name(words, name)), None)) is not None:
        raise BadAnswerError(f"it says what {shown(other)} does; say what you do")
    if not is_speakable(words):
        if deed is Deed.LEAVE:
            return _LEAVES
        raise BadAnswerError("its speech does not say what is done")
    return words


def _spellings(names: Names, name: str) -> list[str]:
    """All that is written for one role."""
    return [written for written, real in names.all.items() if role_key(real) == role_key(name)]


def _style(answer: Fields) -> Style:
    """The style, or the known one that comes nearest; a strength out of range becomes the nearest in it."""
    named = answer.text("style", MAX_REASON_CHARS)
    strength = answer.number("strength")
    read = Style(role_key(named)) if role_key(named) in STYLES else style_from_words(named).style or Style()
    return Style(read.tag, read.strength if strength is None else min(2.0, max(0.0, strength)))


def _judgement(answer: Fields, key: str) -> Judgement:
    fields = answer.inner(key)
    return Judgement(fields.truth("holds"), fields.text("reason", MAX_REASON_CHARS))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise BadAnswerError("its JSON has a key twice")
    return values


def _no_number(word: str) -> float:
    raise BadAnswerError(f"{word} is no number")
